"""The model that a stage starts from: built from nothing, or loaded from a folder or hub name."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers import GenerationConfig, PreTrainedModel

from agents.errors import InvalidCheckpoint
from agents.generation import special_ids
from agents.llm_policy import load_checkpoint
from agents.prompts import set_prompt_template
from agents.protocols import Tokenizer
from agents.reading import check_causal
from agents.registry import HUB_NAME
from agents.tiny_model import TinyConfig, build_model, build_tokenizer
from maze_env.errors import InvalidConfig
from training.arguments import option, require_at_least
from training.maze_tokens import add_maze_tokens

TINY = "tiny"


@dataclass
class ModelConfig:
    """Where the weights come from. The sizes are read only for the tiny model."""

    model: str = option(TINY, "'tiny' for a small decoder with random weights, or a folder or hub name to start from.")
    hidden_size: int = option(128, "Width of the tiny model.")
    layers: int = option(4, "Decoder layers of the tiny model.")
    heads: int = option(4, "Attention heads of the tiny model.")
    context: int = option(4096, "Longest sequence of the tiny model, in tokens.")
    dtype: str | None = option(None, "Of the weights, e.g. float32, bfloat16, auto.")
    device_map: str | None = option(None, "Passed to from_pretrained, e.g. auto.")
    add_maze_tokens: bool = option(False, "Add the maze tokens to a pretrained vocabulary (training/maze_tokens.py).")
    chat_template_file: str | None = option(None, "A chat template (Jinja) instead of the tokenizer's; saved along.")
    prompt_file: str | None = option(None, "A text with {maze} in it, instead of the standard prompt; saved along.")
    lora_rank: int | None = option(None, "Train low-rank adapters of this rank (peft).")
    lora_alpha: int = option(32, "Scale of the adapters.")
    lora_targets: str = option("all-linear", "Modules with adapters, with commas.")
    merge_lora: bool = option(False, "Save the model with its adapters merged in.")
    attn_implementation: str | None = option(None, "E.g. eager, sdpa, flash_attention_2; None: transformers' choice.")

    def __post_init__(self) -> None:
        require_at_least(self, hidden_size=1, layers=1, heads=1, context=1, lora_rank=1)
        if self.hidden_size % (2 * self.heads):
            raise InvalidConfig(
                f"Expects hidden_size to be a multiple of twice the heads, actual: {self.hidden_size} and {self.heads}"
            )
        if self.merge_lora and self.lora_rank is None:
            raise InvalidConfig("Expects lora_rank with merge_lora, actual: none")
        if self.lora_rank is not None and self.add_maze_tokens and not self.merge_lora:
            raise InvalidConfig(
                "Expects merge_lora true with add_maze_tokens (adapters alone would lack the new rows), actual: false"
            )
        if self.model == TINY and (self.add_maze_tokens or self.device_map or self.dtype or self.chat_template_file):
            raise InvalidConfig(
                "Expects add_maze_tokens, dtype, device_map and chat_template_file with a model that is loaded; the "
                "tiny one has maze tokens, float32 weights and no chat"
            )
        if self.prompt_file is not None and not Path(self.prompt_file).is_file():
            raise InvalidConfig(f"Expects prompt_file to name a file, actual: {self.prompt_file!r}, which is none")
        # runs/my-sft could be both; where there is a folder runs, it is no hub name.
        hub_name = HUB_NAME.fullmatch(self.model) and not Path(self.model).parent.is_dir()
        if self.model != TINY and not hub_name and not Path(self.model).is_dir():
            raise InvalidCheckpoint(
                f"Expects a folder with a saved model, or a hub name 'owner/model', actual: {self.model!r}, "
                "which does not exist"
            )


def load(config: ModelConfig, seed: int, **options: Any) -> tuple[PreTrainedModel, Tokenizer]:
    """The model and tokenizer; ``seed`` is of the tiny model's weights, ``options`` are for ``from_pretrained``."""
    given = {"attn_implementation": config.attn_implementation, "dtype": config.dtype, "device_map": config.device_map}
    options |= {name: value for name, value in given.items() if value is not None}
    if config.model == TINY:
        model = build_model(TinyConfig(config.hidden_size, config.layers, config.heads, config.context), seed)
        if config.attn_implementation:
            model.set_attn_implementation(config.attn_implementation)
        tokenizer: Tokenizer = build_tokenizer()
        if config.prompt_file is not None:
            set_prompt_template(tokenizer, Path(config.prompt_file).read_text(encoding="utf-8"))
    else:
        model, tokenizer = load_checkpoint(config.model, config.chat_template_file, config.prompt_file, **options)
        check_causal(model)
        # Trained, saved and sampled by whichever library, it is the model's own distribution and nothing beside it.
        model.generation_config = GenerationConfig(**special_ids(model, tokenizer))
    if config.add_maze_tokens:
        model.maze_token_ids = add_maze_tokens(model, tokenizer)
    return model, tokenizer


def lora_config(config: ModelConfig, model: PreTrainedModel) -> Any:
    """The adapters to train, as peft describes them; ``None`` to train all weights.

    Source: Hu et al., "LoRA", arXiv 2106.09685. The rows of added maze tokens are trained in full.
    """
    if config.lora_rank is None:
        return None
    try:
        from peft import LoraConfig
    except ModuleNotFoundError:
        raise InvalidConfig("Expects peft for lora_rank (pip install -e .[lora]), actual: not installed") from None
    targets = config.lora_targets.split(",")  # one alone may be peft's word for several, or a pattern
    return LoraConfig(
        r=config.lora_rank,
        lora_alpha=config.lora_alpha,
        target_modules=targets[0] if len(targets) == 1 else targets,
        trainable_token_indices=getattr(model, "maze_token_ids", None),
        task_type="CAUSAL_LM",
    )
