"""A key-value cache that is written in place.

``transformers``' ``DynamicCache`` makes each layer's keys and values anew for every token, one longer. For long answers
of many rows that copying is most of the work; here tokens go into a buffer that was allocated beforehand.
"""

from typing import Any

from torch import Tensor
from transformers import Cache, DynamicCache, DynamicLayer, PreTrainedConfig

MIN_SPARE_TOKENS = 64
"""A new buffer has room for at least this many tokens more than it holds."""


class PreallocatedLayer(DynamicLayer):
    """A layer's keys and values, (batch, heads, tokens, size) each: views of a buffer with room for more tokens."""

    keys: Tensor
    values: Tensor
    _buffer: tuple[Tensor, Tensor] | None = None

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        """Adds tokens, (batch, heads, tokens, size) each, without gradients; returns keys and values of all."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        old = self.get_seq_length()
        new = old + key_states.shape[-2]
        if self._buffer is None or not self._lies_in(self._buffer[0]) or new > self._buffer[0].shape[-2]:
            self._buffer = (_enlarged(self.keys, key_states, new), _enlarged(self.values, value_states, new))
        keys, values = self._buffer
        keys[..., old:new, :] = key_states
        values[..., old:new, :] = value_states
        self.keys, self.values = keys[..., :new, :], values[..., :new, :]
        return self.keys, self.values

    def _lies_in(self, buffer: Tensor) -> bool:
        """Whether the keys are a view of ``buffer``: no longer, once rows were selected."""
        return len(buffer) == len(self.keys) and buffer.data_ptr() == self.keys.data_ptr()


def _enlarged(held: Tensor, like: Tensor, length: int) -> Tensor:
    """A buffer for ``length`` tokens and a quarter more, with the tokens ``held`` in it."""
    buffer = like.new_empty(*like.shape[:2], length + max(MIN_SPARE_TOKENS, length // 4), like.shape[-1])
    if held.numel():
        buffer[..., : held.shape[-2], :] = held
    return buffer


def preallocate(config: PreTrainedConfig) -> Cache:
    """An empty cache; layers that do not keep all tokens (sliding windows ...) are ``DynamicCache``'s own."""
    layers = DynamicCache(config=config).layers
    return Cache(layers=[PreallocatedLayer() if type(layer) is DynamicLayer else layer for layer in layers])
