"""The preallocated cache holds what ``transformers``' own does, and is not made anew for each token."""

import pytest
import torch
from transformers import DynamicCache

from tests import tiny
from tokenmaze.agents.kv_cache import MIN_SPARE_TOKENS, PreallocatedLayer, preallocate
from tokenmaze.agents.tiny_model import build_model

HEADS, SIZE = 2, 4


def tokens(count, rows):
    return torch.randn(rows, HEADS, count, SIZE), torch.randn(rows, HEADS, count, SIZE)


@pytest.fixture
def config():
    """Of a model with two layers that keep all tokens."""
    return build_model(tiny.SMALL, 0).config


def test_it_holds_what_transformers_own_does(config):
    torch.manual_seed(0)
    own, preallocated = DynamicCache(config=config), preallocate(config)
    rows = 6
    # Prompts, tokens one by one past several buffers, rows that leave, rows in another order, rows that come twice.
    one_by_one = [(1, None)] * (2 * MIN_SPARE_TOKENS)
    plan = [(30, None), *one_by_one, (1, [0, 2, 3, 5]), *[(1, None)] * 5, (3, [3, 1]), (1, [0, 0, 1])]
    for count, kept in plan:
        if kept is not None:
            rows = len(kept)
            own.batch_select_indices(torch.tensor(kept))
            preallocated.batch_select_indices(torch.tensor(kept))
        for layer in range(2):
            states = tokens(count, rows)
            for expected, actual in zip(own.update(*states, layer), preallocated.update(*states, layer), strict=True):
                assert torch.equal(expected, actual)
        assert own.get_seq_length() == preallocated.get_seq_length()
        assert own.get_mask_sizes(1, 0) == preallocated.get_mask_sizes(1, 0)
    assert all(type(layer) is PreallocatedLayer for layer in preallocated.layers)


def test_tokens_are_written_in_place(config):
    cache = preallocate(config)
    places = set()
    for _ in range(MIN_SPARE_TOKENS):
        keys, _ = cache.update(*tokens(1, 3), 0)
        places.add(keys.data_ptr())
    assert len(places) == 1


def test_a_cache_that_was_cropped_or_emptied_goes_on_from_there(config):
    torch.manual_seed(0)
    own, preallocated = DynamicCache(config=config), preallocate(config)
    for change in (lambda cache: cache.crop(-3), lambda cache: cache.reset(), lambda cache: None):
        states = tokens(8, 2)
        for expected, actual in zip(own.update(*states, 0), preallocated.update(*states, 0), strict=True):
            assert torch.equal(expected, actual)
        change(own)
        change(preallocated)


def test_layers_of_another_kind_stay(config):
    config.layer_types, config.sliding_window = ["full_attention", "sliding_attention"], 8
    own, preallocated = DynamicCache(config=config), preallocate(config)
    assert type(preallocated.layers[0]) is PreallocatedLayer
    assert type(preallocated.layers[1]) is type(own.layers[1]) is not PreallocatedLayer


def test_it_overrides_no_private_name_of_transformers():
    inherited = {name for kind in PreallocatedLayer.__mro__[1:-1] for name in vars(kind)}
    private = {name for name in vars(PreallocatedLayer) if name.startswith("_") and not name.startswith("__")}
    assert private & inherited == {"_abc_impl"}  # Python's own
