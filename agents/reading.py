"""How a model reads: what it keeps of what it has read, and what padding does to it.

Padding that is masked is no harm to full attention. It does take up places of a sliding window, which counts the tokens
between, and it enters the state of recurrent layers, which ``transformers`` masks in the first pass alone. What a model
bears is read from the layers of its cache and the arguments of its forward pass; tests/agents/test_families.py holds it
against the model families that ``transformers`` has.
"""

import copy
import inspect
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import transformers
from packaging.version import Version
from torch import Tensor
from transformers import Cache, DynamicCache, DynamicLayer, PreTrainedModel
from transformers.cache_utils import DummyLayer, DynamicIndexedLayer, LinearAttentionCacheLayerMixin
from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES

from tokenmaze.agents.errors import InvalidCheckpoint
from tokenmaze.agents.kv_cache import preallocate

CACHE_NAME = "cache" if Version(transformers.__version__) >= Version("5.24.0") else "past_key_values"
"""What models and ``generate`` call the key-value cache."""

WINDOWED_TYPES = {"full_attention", "sliding_attention", ""}
"""Types of layers for which a mask says all there is to say."""


@dataclass(frozen=True)
class Reading:
    """What a model bears."""

    cache_name: str | None
    """Its forward pass' argument for a ``Cache``; None where it keeps a state of its own, and has to read all anew."""
    takes_positions: bool
    """Whether it can be told at which place of a text a token stands."""
    pads_prompts: bool
    """Whether padding on the left of a text changes nothing."""
    pads_unplaced: bool
    """Whether it does so where the model is told no positions."""
    pads_turns: bool
    """Whether padding between the tokens of a text changes nothing."""
    reads_on: bool
    """Whether it reads several tokens at once behind others."""
    windows: dict[str, int | None] | None = None
    """How many tokens layers of each type see, None for all, where the model takes masks of each query and key; of one
    type alone, named ``""``, where it takes one mask for all."""

    @property
    def mechanism(self) -> str:
        """In words."""
        if self.pads_turns:
            return "full attention"
        if self.cache_name is None:
            return "a state of its own"
        return "sliding windows, or places for positions" if self.reads_on else "recurrent layers"


@contextmanager
def evaluation_mode(model: torch.nn.Module) -> Iterator[None]:
    """A model without dropout and the like; in training again afterwards if it was before."""
    was_training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(was_training)


def unwrapped(model: Any) -> PreTrainedModel:
    """The model itself where ``model`` is peft's wrapper of it."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def reading_of(model: Any) -> Reading:
    """How this model reads."""
    model = unwrapped(model)
    config = model.config.get_text_config()
    arguments = inspect.signature(type(model).forward).parameters
    names = [name for name in (CACHE_NAME, "cache_params") if name in arguments]
    takes_positions = "position_ids" in arguments
    # No public name tells which models take a Cache: this is what generate asks.
    takes_cache = getattr(model, "_supports_default_dynamic_cache", lambda: True)()
    own_state = any("recurrent_states" in vars(module) for module in model.modules())  # RecurrentGemma's, in its layers
    if own_state or not names or not takes_cache:
        return Reading(None, takes_positions, False, False, False, False)
    layers = DynamicCache(config=model.config).layers
    recurrent = any(isinstance(layer, LinearAttentionCacheLayerMixin) for layer in layers)
    keeps_all = all(type(layer) in (DynamicLayer, DummyLayer) for layer in layers)
    is_local = "local" in getattr(model.config, "attention_layers", [])  # GPT-Neo's windows, which its cache ignores
    return Reading(
        names[0],
        takes_positions,
        pads_prompts=takes_positions or not recurrent,
        pads_unplaced=not recurrent and bool(getattr(config, "rope_parameters", None)),
        pads_turns=takes_positions and keeps_all and not is_local,
        reads_on=not recurrent,
        windows=_windows(model, layers) if takes_positions else None,
    )


def _windows(model: PreTrainedModel, layers: list[Any]) -> dict[str, int | None] | None:
    """As ``Reading.windows``, from the layers of the model's cache."""
    config = model.config.get_text_config()
    types = getattr(config, "layer_types", None) or [""] * len(layers)
    takes_masks = getattr(model.config, "_attn_implementation", None) in ("eager", "sdpa")  # no public name says it
    if not takes_masks or not set(types) <= WINDOWED_TYPES:
        return None
    windows = {(kind, getattr(layer, "sliding_window", None)) for kind, layer in zip(types, layers, strict=False)}
    is_sliding = any(window for _, window in windows)
    return dict(windows) if is_sliding and len(dict(windows)) == len(windows) else None


@torch.inference_mode()
def check_causal(model: Any) -> None:
    """Raises InvalidCheckpoint for a model of which what stands behind a token changes what the token gives.

    BERT and XLNet read from both sides; an index of what is to be seen (DeepSeek V3.2) is made of the whole text.
    """
    inner = unwrapped(model)
    kind, reading = inner.config.model_type, reading_of(inner)
    if reading.cache_name is not None:
        if any(isinstance(layer, DynamicIndexedLayer) for layer in DynamicCache(config=inner.config).layers):
            raise InvalidCheckpoint(f"Expects attention without an index of what is to be seen, actual: {kind!r}")
        if kind not in MODEL_FOR_MASKED_LM_MAPPING_NAMES:
            return  # a family that is nothing else
    texts = torch.tensor([[4, 5, 6, 7, 4, 5, 6, 7], [4, 5, 6, 7, 7, 6, 5, 4]], device=inner.device)
    with evaluation_mode(inner):
        one, other = inner(texts, use_cache=False).logits[:, :4].float()
    if not torch.allclose(one, other, atol=1e-4):
        raise InvalidCheckpoint(
            f"Expects a causal language model, actual: {kind!r}, of which each token depends on those after it too"
        )


def read(
    model: PreTrainedModel,
    reading: Reading,
    inputs: Tensor,
    cache: Cache | None,
    mask: Tensor | None,
    start: int = 0,
    attention: Any = None,
) -> Tensor:
    """Feeds (batch, tokens) int64 to the model; returns (batch, vocabulary), the logits after them.

    Args:
        mask: (batch, tokens so far) int64, 1 for each token and 0 for padding, the last columns being of ``inputs``;
            None where there is no padding.
        start: how many tokens stand before ``inputs``, where there is no mask.
        attention: what the model is given as ``attention_mask`` in place of the mask.
    """
    given: dict[str, Any] = {"logits_to_keep": 1, "use_cache": reading.cache_name is not None}
    if reading.cache_name is not None:
        given[reading.cache_name] = cache
    if mask is not None:
        given["attention_mask"] = mask if attention is None else attention
    if reading.takes_positions:
        if mask is not None:
            given["position_ids"] = (mask.cumsum(-1) - 1).clamp(min=0)[:, -inputs.shape[1] :]
        else:
            given["position_ids"] = torch.arange(start, start + inputs.shape[1], device=inputs.device)[None]
    return model(input_ids=inputs, **given).logits[:, -1]


def new_cache(model: PreTrainedModel) -> Cache:
    """An empty cache of the model's."""
    return preallocate(unwrapped(model).config)


def rows_of(cache: Cache, rows: Tensor) -> Cache:
    """A cache of these rows; the other stays as it is."""
    shared = {id(tensor): tensor for layer in cache.layers for tensor in _tensors(vars(layer))}
    taken: Cache = copy.deepcopy(cache, shared)  # but for the tensors: selecting makes new ones
    taken.reorder_cache(rows)
    return taken


def equal_lengths(lengths: Sequence[int]) -> list[list[int]]:
    """The places of each different length, the longest first."""
    places: dict[int, list[int]] = {}
    for place, length in enumerate(lengths):
        places.setdefault(length, []).append(place)
    return [places[length] for length in sorted(places, reverse=True)]


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, (dict, list, tuple)):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _tensors(one)
