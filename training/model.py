"""The model that a stage starts from: built from nothing, or loaded from a folder or hub name."""

import os
from dataclasses import dataclass, fields
from typing import Any

from transformers import AutoModelForCausalLM, GenerationConfig, PreTrainedModel, set_seed

from maze_env._packages import missing_package
from maze_env.errors import InvalidConfig
from maze_env.vocabulary import MAX_VOCABULARY_SIDE
from tokenmaze.agents.chat_options import template_variables
from tokenmaze.agents.chat_templates import set_template_variables
from tokenmaze.agents.checkpoints import MODEL, PLACE, check_options, check_tokenizer, load_checkpoint, resolve
from tokenmaze.agents.generation import special_ids
from tokenmaze.agents.model_names import check_exists
from tokenmaze.agents.prompts import read_prompt, set_prompt_template
from tokenmaze.agents.protocols import Tokenizer
from tokenmaze.agents.reading import check_causal
from tokenmaze.agents.tiny_model import TinyConfig, build_model, build_tokenizer
from tokenmaze.training.arguments import has_default, option, require_at_least
from tokenmaze.training.maze_tokens import add_maze_tokens

TINY = "tiny"
WORDS = (
    "attn_implementation", "chat_template_file", "device_map", "dtype", "gguf_file", "prompt", "revision",
    "subfolder", "system_message", "thinking",
)  # fmt: skip
"""Keys that ``load_checkpoint`` knows by the same name."""
NOT_OF_TINY = (
    "add_maze_tokens", "chat_template_file", "device_map", "dtype", "gguf_file", "random_weights", "revision",
    "subfolder", "system_message", "thinking",
)  # fmt: skip


@dataclass
class ModelConfig:
    """Where the weights come from. The sizes are read only for the tiny model."""

    model: str = option(TINY, "'tiny' for a small decoder with random weights, or a folder or hub name to start from.")
    hidden_size: int = option(128, "Width of the tiny model.")
    layers: int = option(4, "Decoder layers of the tiny model.")
    heads: int = option(4, "Attention heads of the tiny model.")
    context: int = option(4096, "Longest sequence of the tiny model, in tokens.")
    window: int | None = option(
        None, "Tokens that every other layer of the tiny model attends to, the rest having no positions; null: Llama."
    )
    names: int = option(
        MAX_VOCABULARY_SIDE, "Rows and columns of the grid whose coordinates are tokens of the tiny model."
    )
    line_numbers: bool = option(False, "Tokens that number lines, for trace style pointers and walks; tiny model.")
    dtype: str | None = option(
        None, "Of the weights: float32 (the default without LoRA), bfloat16, or auto for that of the checkpoint."
    )
    device_map: str | None = option(None, "Passed to from_pretrained, e.g. auto.")
    revision: str | None = option(None, "Branch, tag or commit of a hub name.")
    subfolder: str | None = option(None, "Where in the folder or repository model and tokenizer lie.")
    gguf_file: str | None = option(None, "The file in it to read, for GGUF (pip install 'tokenmaze[gguf]').")
    random_weights: bool = option(
        False, "Of the model that is loaded keep what it is built like, and draw its weights from seed."
    )
    add_maze_tokens: bool = option(False, "Add the maze tokens to a pretrained vocabulary (training/maze_tokens.py).")
    chat_template_file: str | None = option(None, "A chat template (Jinja) instead of the tokenizer's; saved along.")
    prompt: str | None = option(
        None, "A text with {maze} in it, or a file of one, instead of the standard prompt; saved along."
    )
    system_message: str | None = option(None, "Stands before the prompt, as the chat template writes it; saved along.")
    thinking: bool | None = option(None, "Thinking on or off, for chat templates that can; saved along.")
    lora_rank: int | None = option(None, "Train low-rank adapters of this rank (peft).")
    lora_alpha: int = option(32, "Scale of the adapters.")
    lora_targets: str = option("all-linear", "Modules with adapters, with commas.")
    merge_lora: bool = option(False, "Save the model with its adapters merged in.")
    attn_implementation: str | None = option(
        None,
        "E.g. eager, sdpa, flash_attention_2; None: transformers' choice. SFT and GRPO also know right_padded, which "
        "computes no more than it needs (training/right_padded.py).",
    )

    def __post_init__(self) -> None:
        self.model = os.path.expanduser(self.model)
        require_at_least(self, hidden_size=1, layers=1, heads=1, context=1, window=1, lora_rank=1, names=2)
        if self.hidden_size % (2 * self.heads):
            raise InvalidConfig(
                f"Expects hidden_size to be a multiple of twice the heads, actual: {self.hidden_size} and {self.heads}"
            )
        if self.merge_lora and self.lora_rank is None:
            raise InvalidConfig("Expects lora_rank with merge_lora, actual: none")
        for name in ("lora_alpha", "lora_targets"):
            if self.lora_rank is None and not has_default(self, name):
                raise InvalidConfig(f"Expects lora_rank with {name}, actual: none")
        if self.lora_rank is not None and self.add_maze_tokens and not self.merge_lora:
            raise InvalidConfig(
                "Expects merge_lora true with add_maze_tokens (adapters alone would lack the new rows), actual: false"
            )
        if self.model == TINY and (given := [name for name in NOT_OF_TINY if not has_default(self, name)]):
            raise InvalidConfig(
                f"Expects {given[0]} with a model that is loaded (the tiny one has maze tokens, float32 weights and no "
                f"chat), actual: model {TINY!r}"
            )
        check_options(self.words)
        if self.model != TINY:
            check_exists(self.model)

    @property
    def words(self) -> dict[str, Any]:
        """What of it ``load_checkpoint`` is told."""
        return {name: getattr(self, name) for name in WORDS if getattr(self, name) is not None}


def check_model_words(words: dict[str, Any] | None) -> None:
    """Raises UnknownName or InvalidConfig unless TRL's ``model_init_kwargs`` are words of ``load_checkpoint``."""
    check_options(words or {})
    if "token" in (words or {}):
        raise InvalidConfig("Expects the hub's token as HF_TOKEN in the environment (run.json is no place for it)")


def load(
    config: ModelConfig,
    seed: int,
    model_init_kwargs: dict[str, Any] | None = None,
    trust_remote_code: bool = False,
    eos_token: str | None = None,
    pad_token: str | None = None,
    chat_template_kwargs: dict[str, Any] | None = None,
) -> tuple[PreTrainedModel, Tokenizer]:
    """The model and tokenizer to train, adapters merged into the weights.

    Args:
        config: which model.
        seed: of the tiny model's weights.
        model_init_kwargs: further words of ``load_checkpoint``.
        trust_remote_code: whether code that comes with the model may run.
        eos_token: the token of the vocabulary that ends a completion, in place of the tokenizer's.
        pad_token: the token of the vocabulary that fills up rows, likewise.
        chat_template_kwargs: variables of the chat template, saved along.

    Raises:
        InvalidConfig: for words that are said twice or go ill together, and tokens that the vocabulary lacks.
        InvalidCheckpoint: for a model that cannot be loaded or read mazes, as ``load_checkpoint``.
    """
    if config.model == TINY:
        if model_init_kwargs:
            raise InvalidConfig(f"Expects model_init_kwargs with a model that is loaded, actual: model {TINY!r}")
        sizes = TinyConfig(*(getattr(config, field.name) for field in fields(TinyConfig)))
        model = build_model(sizes, seed)
        if config.attn_implementation:
            model.set_attn_implementation(config.attn_implementation)
        tokenizer: Tokenizer = build_tokenizer(sizes)
        if config.prompt is not None:
            set_prompt_template(tokenizer, read_prompt(config.prompt))
    else:
        words = _all_words(config, model_init_kwargs) | ({"trust_remote_code": True} if trust_remote_code else {})
        if "quantization_config" in words and config.lora_rank is None:
            raise InvalidConfig(
                "Expects lora_rank with quantization_config (such weights cannot be trained), actual: none"
            )
        model, tokenizer = load_checkpoint(config.model, merge_adapters=True, **words)
        if config.lora_rank is not None and not config.merge_lora and _had_adapters(config, model, words):
            raise InvalidConfig(
                f"Expects merge_lora true with lora_rank (new adapters alone would lack those of {config.model!r}), "
                "actual: false"
            )
        check_causal(model)
        if config.random_weights:
            set_seed(seed)
            model = AutoModelForCausalLM.from_config(model.config, dtype=model.dtype)
        # Trained, saved and sampled by whichever library, it is the model's own distribution and nothing beside it.
        model.generation_config = GenerationConfig(**special_ids(model, tokenizer))
    if config.add_maze_tokens:
        model.maze_token_ids = add_maze_tokens(model, tokenizer)
    _set_tokens(model, tokenizer, eos_token, pad_token)
    if chat_template_kwargs:
        template_variables(config.thinking, chat_template_kwargs=chat_template_kwargs)  # none is said twice
        set_template_variables(tokenizer, chat_template_kwargs)
    check_tokenizer(model, tokenizer)
    return model, tokenizer


def reference_words(
    config: ModelConfig, model: PreTrainedModel, model_init_kwargs: dict[str, Any] | None
) -> dict[str, Any]:
    """The words by which TRL loads the reference model of ``beta`` from where ``model`` came from.

    Raises InvalidConfig where that would be another model.
    """
    words = _all_words(config, model_init_kwargs)
    if config.lora_rank is not None:  # the reference is the model without its adapters
        return {}
    changed = [name for name in ("add_maze_tokens", "random_weights") if getattr(config, name)]
    cause = "the tiny model" if config.model == TINY else "".join(changed[:1])
    cause = cause or ("gguf_file" if "gguf_file" in words or config.model.endswith(".gguf") else "")
    if cause or _had_adapters(config, model, words):
        raise InvalidConfig(
            f"Expects beta 0 with {cause or 'adapters'} (TRL loads the reference model anew, without it), "
            "actual: above 0"
        )
    resolve(config.model, words)
    return {name: value for name, value in words.items() if name in (*PLACE, *MODEL)}


def _all_words(config: ModelConfig, more: dict[str, Any] | None) -> dict[str, Any]:
    words = config.words
    if twice := sorted(words.keys() & (more or {})):
        raise InvalidConfig(f"Expects {twice[0]} as a key or in model_init_kwargs, actual: both")
    words |= more or {}
    if config.lora_rank is None and not words.keys() & {"dtype", "torch_dtype", "quantization_config"}:
        words["dtype"] = "float32"  # in bfloat16, as many are stored, most updates of a usual size round to nothing
    return words


def _had_adapters(config: ModelConfig, model: PreTrainedModel, words: dict[str, Any]) -> bool:
    """Whether the model came from elsewhere than the place that was named, which then held adapters for it."""
    return bool(model.name_or_path != resolve(config.model, dict(words)))


def _set_tokens(model: PreTrainedModel, tokenizer: Tokenizer, eos_token: str | None, pad_token: str | None) -> None:
    for name, token in (("eos_token", eos_token), ("pad_token", pad_token)):
        if token is None:
            continue
        if token not in tokenizer.get_vocab():
            raise InvalidConfig(f"Expects {name} to be a token of the vocabulary, actual: {token!r}")
        setattr(tokenizer, name, token)
    if eos_token is not None:
        model.config.eos_token_id = model.generation_config.eos_token_id = tokenizer.eos_token_id
    if pad_token is not None:
        model.config.pad_token_id = model.generation_config.pad_token_id = tokenizer.pad_token_id


def lora_config(config: ModelConfig, model: PreTrainedModel) -> Any:
    """The adapters to train, as peft describes them; ``None`` to train all weights.

    Source: Hu et al., "LoRA", arXiv 2106.09685. The rows of added maze tokens are trained in full, those of an output
    head that is a matrix of its own too.
    """
    if config.lora_rank is None:
        return None
    try:
        from peft import LoraConfig
    except ModuleNotFoundError as error:
        raise missing_package(error) from None
    targets = config.lora_targets.split(",")  # one alone may be peft's word for several, or a pattern
    return LoraConfig(
        r=config.lora_rank,
        lora_alpha=config.lora_alpha,
        target_modules=targets[0] if len(targets) == 1 else targets,
        trainable_token_indices=_new_rows(model),
        task_type="CAUSAL_LM",
    )


def _new_rows(model: PreTrainedModel) -> dict[str, list[int]] | None:
    """The rows of added maze tokens, by the name of the layer that they are in."""
    if not (ids := getattr(model, "maze_token_ids", None)):
        return None
    layers = (model.get_output_embeddings(), model.get_input_embeddings())
    weights = {id(layer.weight): layer for layer in layers if layer is not None}
    names = {id(module): name for name, module in model.named_modules()}
    return {names[id(layer)]: ids for layer in weights.values()}
