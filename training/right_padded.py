"""Attention without masks, for training: what ``attn_implementation: right_padded`` stands for.

Where rows are padded on the right, as in SFT, and in GRPO where they are moved so (training/alignment.py), each token
attends to those before it. So no token that is learned from ever attends to padding, and no mask is needed: layers that
attend to all tokens take the fastest kernel there is, and those that attend to a window compute the window alone, in
blocks, where a mask would leave out what was computed. The model that is saved is the same. Generation pads on the left
and needs masks: there the model attends as ``STANDARD`` says.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel

from maze_env.errors import InvalidConfig

NAME = "right_padded"
STANDARD = "sdpa"
KINDS = {"full_attention", "sliding_attention"}
BLOCK = 128
"""On a processor, two to five times as fast as the fused kernel for rows of up to 400 tokens in bfloat16."""


def attention(
    module: torch.nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: None,
    scaling: float | None = None,
    dropout: float = 0.0,
    sliding_window: int | None = None,
    **others: Any,
) -> tuple[Tensor, None]:
    """Causal attention of whole rows, as ``transformers`` calls it.

    Args:
        module: the layer, which is not read.
        query: (rows, heads, tokens, size).
        key: (rows, key heads, tokens, size), of which each serves as many heads.
        value: likewise.
        attention_mask: none.
        scaling: of the scores; default: 1 / sqrt(size).
        dropout: of the attention weights.
        sliding_window: tokens that each attends to, itself among them; default: all before it.
        others: what else models say; what would change the result is refused.

    Returns:
        (rows, tokens, heads, size), and no weights.
    """
    for name in ("softcap", "s_aux", "position_bias"):
        if others.get(name) is not None:
            raise InvalidConfig(f"Expects a model without {name} with attn_implementation {NAME}, actual: one with it")
    if sliding_window is None or sliding_window >= query.shape[2]:
        attend = _in_blocks if query.device.type == "cpu" else functional.scaled_dot_product_attention
        shared = query.shape[1] != key.shape[1]
        result = attend(query, key, value, is_causal=True, scale=scaling, dropout_p=dropout, enable_gqa=shared)
    else:
        result = _windowed(query, key, value, sliding_window, scaling, dropout)
    return result.transpose(1, 2).contiguous(), None


def _in_blocks(
    query: Tensor, key: Tensor, value: Tensor, is_causal: bool, scale: float | None, dropout_p: float, enable_gqa: bool
) -> Tensor:
    """What ``scaled_dot_product_attention`` does for causal attention, ``BLOCK`` queries at a time."""
    groups = query.shape[1] // key.shape[1]
    key, value = (part.repeat_interleave(groups, dim=1) if enable_gqa else part for part in (key, value))
    query = query * (query.shape[-1] ** -0.5 if scale is None else scale)
    results = []
    for start in range(0, query.shape[2], BLOCK):
        block = query[:, :, start : start + BLOCK]
        end = start + block.shape[2]
        scores = block @ key[:, :, :end].transpose(-1, -2)
        later = torch.ones(block.shape[2], end, dtype=torch.bool).triu(start + 1)
        weights = scores.masked_fill(later, -torch.inf).softmax(dim=-1).to(value)
        weights = functional.dropout(weights, dropout_p) if dropout_p else weights
        results.append(weights @ value[:, :, :end])
    return torch.cat(results, dim=2)


def _windowed(query: Tensor, key: Tensor, value: Tensor, window: int, scaling: float | None, dropout: float) -> Tensor:
    """Attention in blocks of ``window`` tokens, each to its own block and the one before."""
    rows, heads, tokens, size = query.shape
    key, value = (part.repeat_interleave(heads // part.shape[1], dim=1) for part in (key, value))
    blocks = -(-tokens // window)
    query, key, value = (
        functional.pad(part, (0, 0, 0, blocks * window - tokens)).view(rows, heads, blocks, window, size)
        for part in (query, key, value)
    )
    key, value = (torch.cat([functional.pad(part, (0, 0, 0, 0, 1, -1)), part], dim=3) for part in (key, value))
    behind = torch.arange(window, device=query.device)[:, None] + window - torch.arange(2 * window, device=query.device)
    seen = (behind >= 0) & (behind < window)
    # Of the first block the one before it is none.
    mask = torch.stack([seen & (torch.arange(2 * window, device=query.device) >= window), seen])
    mask = mask[(torch.arange(blocks, device=query.device) > 0).long()]
    scores = (query @ key.transpose(-1, -2)) * (size**-0.5 if scaling is None else scaling)
    weights = scores.masked_fill(~mask, -torch.inf).softmax(dim=-1, dtype=torch.float32).to(value)
    result = functional.dropout(weights, dropout) @ value if dropout else weights @ value
    return result.view(rows, heads, blocks * window, size)[:, :, :tokens]


def attention_of(model: PreTrainedModel) -> str | None:
    """The ``attn_implementation`` that a model has at present."""
    return getattr(model.config, "_attn_implementation", None)  # no public name says it


def check_layers(model: PreTrainedModel) -> None:
    """Raises InvalidConfig for a model with this attention whose layers attend to other than all tokens or a window."""
    kinds = set(getattr(model.config.get_text_config(), "layer_types", None) or ()) - KINDS
    if attention_of(model) == NAME and kinds:
        raise InvalidConfig(
            f"Expects layers of {' and '.join(sorted(KINDS))} alone with attn_implementation {NAME}, actual: "
            f"{', '.join(sorted(kinds))} in {model.config.model_type}"
        )


def require_masks(attn_implementation: str | None, stage: str) -> None:
    """Raises InvalidConfig for this attention in a stage that does without it."""
    if attn_implementation == NAME:
        raise InvalidConfig(f"Expects attn_implementation {NAME} with SFT and GRPO alone, actual: {stage}")


@contextmanager
def standard_attention(model: PreTrainedModel) -> Iterator[None]:
    """Lets a model that is trained with this attention generate."""
    is_own = attention_of(model) == NAME
    if is_own:
        model.set_attn_implementation(STANDARD)
    try:
        yield
    finally:
        if is_own:
            model.set_attn_implementation(NAME)


AttentionInterface.register(NAME, attention)
AttentionMaskInterface.register(NAME, lambda *arguments, **options: None)
