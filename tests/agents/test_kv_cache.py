"""The cache with room holds what ``transformers``' own does, and is not made anew for each token."""

import pytest
import torch
from transformers import DynamicCache

from agents.kv_cache import ROOM, RoomyLayer, with_room
from agents.tiny_model import build_model
from tests import tiny

HEADS, SIZE = 2, 4


def tokens(count, rows):
    return torch.randn(rows, HEADS, count, SIZE), torch.randn(rows, HEADS, count, SIZE)


@pytest.mark.parametrize(
    "empty", [lambda: DynamicCache(), lambda: DynamicCache(config=build_model(tiny.SMALL, 0).config)]
)
def test_it_holds_what_transformers_own_does(empty):
    torch.manual_seed(0)
    own, roomy = empty(), with_room(empty())
    rows = 6
    # Prompts, tokens one by one past several rooms, rows that leave, rows in another order, rows that come twice.
    plan = [(30, None), *[(1, None)] * (2 * ROOM), (1, [0, 2, 3, 5]), *[(1, None)] * 5, (3, [3, 1]), (1, [0, 0, 1])]
    for count, kept in plan:
        if kept is not None:
            rows = len(kept)
            own.batch_select_indices(torch.tensor(kept))
            roomy.batch_select_indices(torch.tensor(kept))
        for layer in range(2):
            states = tokens(count, rows)
            for expected, actual in zip(own.update(*states, layer), roomy.update(*states, layer), strict=True):
                assert torch.equal(expected, actual)
        assert own.get_seq_length() == roomy.get_seq_length()
    assert all(type(layer) is RoomyLayer for layer in roomy.layers)


def test_tokens_are_written_in_place():
    cache = with_room(DynamicCache())
    places = set()
    for _ in range(ROOM):
        keys, _ = cache.update(*tokens(1, 3), 0)
        places.add(keys.data_ptr())
    assert len(places) == 1


def test_layers_of_another_kind_stay():
    config = build_model(tiny.SMALL, 0).config
    config.layer_types, config.sliding_window = ["full_attention", "sliding_attention"], 8
    own, roomy = DynamicCache(config=config), with_room(DynamicCache(config=config))
    assert type(roomy.layers[0]) is RoomyLayer
    assert type(roomy.layers[1]) is type(own.layers[1]) is not RoomyLayer
