"""Decoding that stops paying for sequences that have ended.

``transformers`` generates a batch until its longest sequence ends, and every row costs until then. Answers to mazes
differ much in length, and a few never end, so most of that is spent on padding.
This is the plain sampling loop with three things added: rows that have ended leave the batch and the key-value cache,
a prompt that several rows share, as the completions of a GRPO group do, is read once, and the cache is written in
place. It plugs into ``model.generate(custom_generate=...)``, so the rest, logits processors among it, is
``transformers``' own.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
import transformers
from packaging.version import Version
from torch import Tensor
from transformers import Cache, DynamicCache, GenerationConfig, PreTrainedModel
from transformers.generation import LogitsProcessorList, StoppingCriteriaList

from agents.kv_cache import preallocate
from agents.protocols import Tokenizer
from maze_env.errors import InvalidConfig

CACHE_NAME = "cache" if Version(transformers.__version__) >= Version("5.24.0") else "past_key_values"
"""What models and ``generate`` call the key-value cache."""
KEEP_SHARE = 0.85
"""Rows are dropped when fewer than this share of the batch still runs; dropping copies the cache once."""


@contextmanager
def evaluation_mode(model: torch.nn.Module) -> Iterator[None]:
    """A model without dropout and the like; in training again afterwards if it was before."""
    was_training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(was_training)


@contextmanager
def early_row_removal(model: PreTrainedModel) -> Iterator[None]:
    """Lets ``model.generate`` decode with ``drop_finished``, for callers that cannot ask for it, as TRL's trainer.

    TRL's ``generation_kwargs`` do not reach ``custom_generate``: they become a ``GenerationConfig``, which has none.
    """
    model.generate = partial(type(model).generate, model, custom_generate=drop_finished)
    try:
        yield
    finally:
        del model.generate


def end_ids(model: PreTrainedModel, tokenizer: Tokenizer) -> list[int]:
    """The tokens that end a completion: the tokenizer's, and those that the model's generation configuration names."""
    own = model.generation_config.eos_token_id if model.generation_config is not None else None
    ids = (tokenizer.eos_token_id, *(own if isinstance(own, list) else [own]))
    return list(dict.fromkeys(index for index in ids if index is not None))


def context_length(model: PreTrainedModel) -> int:
    """The longest sequence that a model was made for, in tokens; 2**31 where its configuration does not tell."""
    return int(getattr(model.config, "max_position_embeddings", 0) or 2**31)


def drop_finished(
    model: PreTrainedModel,
    input_ids: Tensor,
    logits_processor: LogitsProcessorList,
    stopping_criteria: StoppingCriteriaList,
    generation_config: GenerationConfig,
    synced_gpus: bool = False,
    streamer: None = None,
    generator: torch.Generator | None = None,
    **model_kwargs: Any,
) -> Tensor:
    """Greedy decoding or sampling for a decoder-only model, as ``generate(custom_generate=...)`` calls it.

    Args:
        model: the one that writes.
        input_ids: (batch, prompt) int64, padded on the left.
        logits_processor: applied to the scores of each token, (batch, vocabulary) float32.
        stopping_criteria: only the length among them is read.
        generation_config: ``do_sample``, ``eos_token_id`` and ``pad_token_id`` are read.
        synced_gpus: false; a model that is spread over processes is refused.
        streamer: ignored.
        generator: of the samples; default: the device's global one.
        model_kwargs: the cache, and the attention mask, (batch, prompt) int64.

    Returns:
        (batch, prompt + longest completion) int64, right of each end token filled with padding.
    """
    if synced_gpus:
        raise InvalidConfig("Expects a model that one process can run alone, actual: synced_gpus=True (FSDP or ZeRO-3)")
    cache, mask = model_kwargs[CACHE_NAME], model_kwargs.get("attention_mask")
    if type(cache) is DynamicCache and not cache.offloading:
        cache = preallocate(model.config)
    mask = torch.ones_like(input_ids) if mask is None else mask
    ends = generation_config.eos_token_id
    eos_ids = input_ids.new_tensor(ends if isinstance(ends, list) else [] if ends is None else [ends])
    start, max_length = input_ids.shape[1], stopping_criteria.max_length
    sequences = input_ids.new_full((len(input_ids), max_length), generation_config.pad_token_id)
    sequences[:, :start] = input_ids
    rows = torch.arange(len(input_ids), device=input_ids.device)  # where in ``sequences`` each row of the batch belongs
    running = torch.ones_like(rows, dtype=torch.bool)
    inputs, length = input_ids, start
    while length < max_length and len(rows):
        logits = (_read_prompts if length == start else read)(model, inputs, mask, cache)
        scores = logits_processor(sequences[rows, :length], logits.float())
        if generation_config.do_sample:
            chosen = torch.multinomial(scores.softmax(-1), 1, generator=generator).squeeze(1)
        else:
            chosen = scores.argmax(-1)
        sequences[rows[running], length] = chosen[running]
        length += 1
        running &= ~torch.isin(chosen, eos_ids)
        if running.float().mean() < KEEP_SHARE:
            kept = torch.nonzero(running).squeeze(1)
            cache.batch_select_indices(kept)
            rows, mask, chosen, running = rows[kept], mask[kept], chosen[kept], running[kept]
        mask = torch.cat([mask, mask.new_ones(len(mask), 1)], dim=1)
        inputs = chosen[:, None]
    return sequences[:, :length]


def read(model: PreTrainedModel, inputs: Tensor, mask: Tensor, cache: Cache) -> Tensor:
    """Feeds tokens to the model.

    Args:
        model: the one that reads.
        inputs: the tokens, (batch, new) int64.
        mask: of the cache and of them, (batch, held + new) int64, 0 for padding.
        cache: what the model has read already; gets the new ones.

    Returns:
        The logits after the last token, (batch, vocabulary) in the model's dtype.
    """
    positions = (mask.cumsum(-1) - 1).clamp(min=0)[:, -inputs.shape[1] :]
    held = {CACHE_NAME: cache, "use_cache": True}
    outputs = model(input_ids=inputs, attention_mask=mask, position_ids=positions, logits_to_keep=1, **held)
    return outputs.logits[:, -1]


def _read_prompts(model: PreTrainedModel, prompts: Tensor, mask: Tensor, cache: Cache) -> Tensor:
    """As ``read``, each different prompt once."""
    different, which = torch.cat([prompts, mask], dim=1).unique(dim=0, return_inverse=True)
    if len(different) == len(prompts):
        return read(model, prompts, mask, cache)
    ids, seen = different.tensor_split(2, dim=1)
    logits = read(model, ids, seen, cache)
    cache.batch_select_indices(which)
    return logits[which]
