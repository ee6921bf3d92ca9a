"""The model that a stage starts from: built from nothing, or loaded from a folder or hub name."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from transformers import PreTrainedModel

from agents.embedded import EmbeddedConfig, build_model, build_tokenizer
from agents.llm_policy import load_checkpoint
from maze_env.errors import InvalidCheckpoint, InvalidConfig

EMBEDDED = "embedded"


@dataclass
class ModelConfig:
    """Where the weights come from. The sizes are read for the embedded model alone."""

    model: str = field(
        default=EMBEDDED,
        metadata={"help": "'embedded' for a small decoder with random weights, or a folder or hub name to start from."},
    )
    hidden_size: int = field(default=128, metadata={"help": "Width of the embedded model."})
    layers: int = field(default=4, metadata={"help": "Decoder layers of the embedded model."})
    heads: int = field(default=4, metadata={"help": "Attention heads of the embedded model."})

    attn_implementation: str | None = field(
        default=None,
        metadata={"help": "Attention code, e.g. eager, sdpa, flash_attention_2; None for transformers' choice."},
    )

    def __post_init__(self) -> None:
        if min(self.hidden_size, self.layers, self.heads) < 1:
            raise InvalidConfig(
                "Expects hidden_size, layers and heads of at least 1, "
                f"actual: {self.hidden_size}, {self.layers} and {self.heads}"
            )
        if self.hidden_size % (2 * self.heads):
            raise InvalidConfig(
                f"Expects hidden_size to be a multiple of twice the heads, actual: {self.hidden_size} and {self.heads}"
            )
        looks_local = self.model.startswith((".", "/", "~", "runs/")) or self.model.count("/") > 1
        if looks_local and not Path(self.model).expanduser().is_dir():
            raise InvalidCheckpoint(
                f"Expects a folder with a saved model, actual: {self.model!r}, which does not exist"
            )


def load(config: ModelConfig, seed: int, **options: Any) -> tuple[PreTrainedModel, Any]:
    """The model and tokenizer to train.

    Args:
        seed: of the embedded model's weights.
        options: passed to ``from_pretrained``.

    Raises:
        InvalidCheckpoint: when nothing usable is there.
    """
    attention = {"attn_implementation": config.attn_implementation} if config.attn_implementation else {}
    if config.model == EMBEDDED:
        sizes = EmbeddedConfig(hidden_size=config.hidden_size, layers=config.layers, heads=config.heads)
        model = build_model(sizes, seed)
        if attention:
            model.set_attn_implementation(config.attn_implementation)
        return model, build_tokenizer()
    return load_checkpoint(config.model, **attention, **options)
