"""A key-value cache that is written in place.

``transformers``' ``DynamicCache`` makes each layer's keys and values anew for every token, one longer. For long answers
of many rows that copying is most of the work; here tokens go into room that was made beforehand.
"""

from typing import Any

from torch import Tensor
from transformers import Cache
from transformers.cache_utils import DynamicLayer

ROOM = 64
"""Least number of tokens that room is made for at once."""


class RoomyLayer(DynamicLayer):
    """A layer's keys and values, each a view of a (batch, heads, more tokens than there are, size) tensor."""

    keys: Tensor
    values: Tensor
    _room: tuple[Tensor, Tensor] | None = None

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        """Adds tokens, (batch, heads, tokens, size); returns all keys and values. For use without gradients."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        old = self.get_seq_length()
        new = old + key_states.shape[-2]
        if self._room is None or not self._is_held_by(self._room[0]) or new > self._room[0].shape[-2]:
            self._room = (_with_room(self.keys, key_states, new), _with_room(self.values, value_states, new))
        keys, values = self._room
        keys[..., old:new, :] = key_states
        values[..., old:new, :] = value_states
        self.keys, self.values = keys[..., :new, :], values[..., :new, :]
        return self.keys, self.values

    def _is_held_by(self, room: Tensor) -> bool:
        """Whether the keys lie in ``room``: no longer, once rows were selected."""
        return len(room) == len(self.keys) and room.data_ptr() == self.keys.data_ptr()


def _with_room(held: Tensor, like: Tensor, length: int) -> Tensor:
    """Room for ``length`` tokens and a quarter more, with the tokens ``held`` in it."""
    room = like.new_empty(*like.shape[:2], length + max(ROOM, length // 4), like.shape[-1])
    if held.numel():
        room[..., : held.shape[-2], :] = held
    return room


def with_room(cache: Cache) -> Cache:
    """The same cache, still empty, with room in the layers that hold all tokens; other kinds of layer stay."""
    if cache.layer_class_to_replicate is DynamicLayer:
        cache.layer_class_to_replicate = RoomyLayer
    cache.layers = [RoomyLayer() if type(layer) is DynamicLayer else layer for layer in cache.layers]
    return cache
