"""Weights as GGUF holds them."""

import pytest
import torch

from maze_env.errors import InvalidConfig, InvalidOutput
from tests import tiny
from tokenmaze.agents.checkpoints import load_checkpoint
from tokenmaze.training.examples import gguf_rounding
from tokenmaze.training.examples.gguf_rounding import TYPES, rounded

gguf = pytest.importorskip("gguf")


@pytest.mark.parametrize("kind", TYPES)
def test_each_block_of_32_has_as_many_levels_as_its_bits(kind):
    weights = torch.randn(8, 96, generator=torch.Generator().manual_seed(0))
    made = rounded(weights, kind)
    blocks, kept = weights.view(8, 3, 32), made.view(8, 3, 32)
    levels = 2 ** int(kind[1])
    assert max(len(block.unique()) for row in kept for block in row) <= levels
    largest, range_of = blocks.abs().amax(2, keepdim=True), blocks.amax(2, True) - blocks.amin(2, True)
    step = 2 * largest / levels if kind.endswith("0") else range_of / (levels - 1)
    # Half a step; a whole one at the end of a range that is not the same on both sides of zero.
    assert ((blocks - kept).abs() <= 1.05 * step).all()
    assert (blocks - kept).abs().mean() < 0.3 * step.mean()


def test_rounding_again_changes_nothing_of_eight_bits():
    once = rounded(torch.randn(4, 64, generator=torch.Generator().manual_seed(1)), "Q8_0")
    assert torch.allclose(rounded(once, "Q8_0"), once, atol=1e-3)


def test_a_rounded_model_is_a_folder_like_any_other(tmp_path, capsys):
    tokenizer = tiny.byte_tokenizer(tiny.CHAT)
    tiny.save(tmp_path / "model", tiny.byte_model(tokenizer), tokenizer)
    gguf_rounding.main([str(tmp_path / "model"), "Q4_1", "--output", str(tmp_path / "rounded")])
    before, after = (load_checkpoint(str(tmp_path / name))[0].state_dict() for name in ("model", "rounded"))
    for name, weights in before.items():
        expected = rounded(weights, "Q4_1") if weights.dim() == 2 else weights
        assert torch.equal(after[name], expected), name
    assert not list(tmp_path.glob(".rounding-*"))
    with pytest.raises(InvalidOutput, match=r"Expects a new folder, actual: '.*rounded' is there"):
        gguf_rounding.main([str(tmp_path / "model"), "Q4_1", "--output", str(tmp_path / "rounded")])


def test_columns_that_make_no_blocks_are_refused():
    with pytest.raises(InvalidConfig, match="Expects matrices of a multiple of 32 columns for Q8_0, actual: 48"):
        rounded(torch.zeros(2, 48), "Q8_0")
