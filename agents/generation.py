"""What a completion is drawn with: the model's own distribution, whatever its ``generation_config.json`` says.

``transformers`` fills in what a caller leaves open from that file: penalties, cuts of the distribution, suppressed
tokens, beams. A result would then be of the file as much as of the model, and training, which learns from the whole
distribution, would not have the policy that is measured. So nothing of the file is read but the tokens that end a
completion, unless the model's own settings are asked for.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from transformers import GenerationConfig, PreTrainedModel
from transformers.generation import GenerationMode

from maze_env.errors import InvalidConfig
from tokenmaze.agents.protocols import Tokenizer

DEFAULTS = {"do_sample": False, "temperature": 1.0, "top_k": 50, "top_p": 1.0, "repetition_penalty": 1.0}
"""What ``transformers`` takes where the model's own settings leave it open."""
NO_POLICY = re.compile(r"max_.*|num_return_.*|return_.*|output_.*|.*cache.*|.*compile.*|prefill_.*|_.*|.*_version")
"""Settings that say nothing about what is drawn: budgets, what is returned, how it is computed."""
UNSUPPORTED = {"stop_strings": None, "guidance_scale": 1.0, "token_healing": False}
"""Settings that need more than one distribution a token, and the values at which they do nothing."""


def end_ids(model: PreTrainedModel, tokenizer: Tokenizer) -> list[int]:
    """The tokens that end a completion: the tokenizer's, and those that the model's generation configuration names."""
    own = model.generation_config.eos_token_id if model.generation_config is not None else None
    ids = (tokenizer.eos_token_id, *(own if isinstance(own, list) else [own]))
    return list(dict.fromkeys(index for index in ids if index is not None))


def special_ids(model: PreTrainedModel, tokenizer: Tokenizer) -> dict[str, Any]:
    """The settings that say which tokens begin, end and fill up a completion, and nothing else."""
    ends = end_ids(model, tokenizer)
    return {
        "pad_token_id": tokenizer.pad_token_id,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": ends[0] if len(ends) == 1 else ends,
    }


def whole_distribution(temperature: float, top_p: float) -> dict[str, Any]:
    """Settings of greedy decoding where ``temperature`` is 0, else of sampling; without cuts but ``top_p``."""
    sampling = {"temperature": temperature, "top_k": 0, "top_p": top_p} if temperature > 0 else {}
    return {"do_sample": temperature > 0, "repetition_penalty": 1.0, "num_beams": 1, **sampling}


def own_settings(model: PreTrainedModel) -> dict[str, Any]:
    """The settings that the model's ``generation_config.json`` names, and ``DEFAULTS``.

    Raises InvalidConfig for those with which a token is not drawn from one distribution after the other.
    """
    own = model.generation_config.to_dict().items()
    named = DEFAULTS | {name: value for name, value in own if value is not None and not NO_POLICY.fullmatch(name)}
    refused = [name for name, neutral in UNSUPPORTED.items() if named.get(name, neutral) != neutral]
    mode = GenerationConfig(**named).get_generation_mode()
    if mode not in (GenerationMode.GREEDY_SEARCH, GenerationMode.SAMPLE):
        refused.append(str(mode.value))
    if refused:
        raise InvalidConfig(
            f"Expects settings of plain sampling or greedy decoding with use_model_settings, actual: {refused}"
        )
    return named


def as_json(config: GenerationConfig) -> dict[str, Any]:
    """The settings that ``config`` names, as JSON has them."""
    return {name: value for name, value in json.loads(config.to_json_string()).items() if value is not None}


@contextmanager
def only_settings_of_call(model: PreTrainedModel) -> Iterator[None]:
    """Lets ``model.generate`` read what it is given alone: the model's own generation configuration is out of sight."""
    holder = model.get_base_model() if hasattr(model, "get_base_model") else model  # peft's wrapper has none
    own = holder.generation_config
    holder.generation_config = GenerationConfig()
    try:
        yield
    finally:
        holder.generation_config = own
