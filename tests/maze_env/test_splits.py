"""Splits by content: the same walls are never on two sides, mirrored, turned, or with other endpoints."""

import numpy as np
import pytest
from hypothesis import given

from maze_env.errors import ImpossibleMaze, UnknownName
from maze_env.generation import MazeSpec, generate_batch
from maze_env.kernels.grid import canonical_symmetry, image_cell
from maze_env.splits import SPLITS, hash_bounds, layout_hash, split_of
from maze_env.symmetry import SYMMETRIES, transform_walls
from maze_env.tokens import maze_from_text
from tests.maze_env.golden import EXAMPLE_TEXT, mazes, spanning_trees

SIZES = [(4, 4), (5, 5), (4, 7), (9, 6), (64, 64), (4, 64)]


def canonical(walls):
    """The least of the images that are not taller than wide, by the symmetries of maze.py."""
    images = (transform_walls(walls, symmetry) for symmetry in SYMMETRIES)
    return min((image.shape, image.tobytes()) for image in images if image.shape[0] <= image.shape[1])


def layouts(size, count, split=None):
    return generate_batch(np.arange(count, dtype=np.uint64), MazeSpec(*size, split=split)).walls


@given(mazes())
def test_the_compiled_symmetries_are_those_of_the_maze_module(maze):
    for symmetry in SYMMETRIES:
        image = transform_walls(maze.walls, symmetry)
        for (row, col), bits in np.ndenumerate(image):
            assert image_cell(maze.walls, symmetry, row, col) == bits
    best = transform_walls(maze.walls, int(canonical_symmetry(maze.walls)))
    assert (best.shape, best.tobytes()) == canonical(maze.walls)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_all_8_images_of_a_layout_have_one_hash_and_one_split(size):
    for walls in layouts(size, 10):
        images = [transform_walls(walls, symmetry) for symmetry in SYMMETRIES]
        assert len({layout_hash(image) for image in images}) == 1
        assert len({split_of(image) for image in images}) == 1


def test_layouts_that_differ_by_more_than_a_symmetry_have_different_hashes():
    trees = [walls for size in ((3, 3), (2, 4), (4, 2), (2, 3)) for walls in spanning_trees(*size)]
    forms = {canonical(walls) for walls in trees}
    assert len({canonical(walls) for walls in spanning_trees(3, 3)}) == 28  # of 192
    # A false alarm, two of so few hashes of 64 bits equal by chance: under 1e-15.
    assert len({layout_hash(walls) for walls in trees}) == len(forms)


def test_the_hash_sees_every_wall_of_a_large_layout():
    # 64x64 fills 256 words of the hash; one side more or less in any of them must count.
    walls = layouts((64, 64), 1)[0].copy()
    seen = {layout_hash(walls)}
    for row in range(0, 64, 3):
        changed = walls.copy()
        changed[row, 20] ^= 8
        changed[row, 21] ^= 4
        seen.add(layout_hash(changed))
    assert len(seen) == 23


def test_the_hash_never_changes():
    # Other figures here would put benchmark mazes of earlier versions among the training mazes of later ones.
    walls = maze_from_text(EXAMPLE_TEXT).walls
    assert layout_hash(walls) == 14482624817539438600
    assert split_of(walls) == "train"
    assert [hash_bounds(split, (5, 5)) for split in ("benchmark", "validation", "train")] == [
        (0, 922337203685477631),
        (922337203685477632, 1844674407370955263),
        (1844674407370955264, 18446744073709551615),
    ]


@pytest.mark.parametrize("size", [(5, 5), (4, 7)], ids=str)
def test_shares_are_about_90_5_5(size):
    # Of n different forms a split of share p has n * p ± 5 * sqrt(n * p * (1 - p)); the keys are fixed, and for a hash
    # drawn at random the chance to fall outside is under 6e-7 for each of the splits.
    forms = {canonical(walls): walls for walls in layouts(size, 6_000)}
    found = [split_of(walls) for walls in forms.values()]
    assert len(forms) > 5_000
    for split, share in (("train", 0.9), ("validation", 0.05), ("benchmark", 0.05)):
        spread = 5 * (len(forms) * share * (1 - share)) ** 0.5
        assert abs(found.count(split) - len(forms) * share) < spread


@pytest.mark.parametrize("size", [(4, 4), (5, 5), (4, 6)], ids=str)
def test_no_layout_nor_an_image_of_it_is_in_two_splits(size):
    # Overlapping seeds (`Random(seed + i)`) once shared 199 of 200 mazes between training and evaluation.
    forms = {split: {canonical(walls) for walls in layouts(size, 1_000, split)} for split in SPLITS}
    assert all(len(forms[split]) > 20 for split in SPLITS)
    assert not forms["train"] & forms["validation"]
    assert not forms["train"] & forms["benchmark"]
    assert not forms["validation"] & forms["benchmark"]


def test_the_split_depends_on_the_walls_alone():
    # With endpoints in the hash two thirds of 2,000 evaluation layouts recurred among 58,000 training mazes. So equal
    # keys with other bounds for the endpoints have to give other endpoints on the same walls.
    keys = np.arange(200, dtype=np.uint64)
    near = generate_batch(keys, MazeSpec(split="benchmark", max_length=1))
    far = generate_batch(keys, MazeSpec(split="benchmark", min_length=4))
    assert (near.walls == far.walls).all()
    assert (near.targets != far.targets).any(axis=1).sum() > 100


@pytest.mark.parametrize("size", [(2, 2), (3, 3), (3, 9), (9, 3), (2, 64)], ids=str)
def test_layouts_with_a_side_under_4_are_all_train(size):
    assert {split_of(walls) for walls in layouts(size, 200)} == {"train"}
    assert (layouts(size, 20, "train") == layouts(size, 20, None)).all()  # and nothing is held back
    for split in ("validation", "benchmark"):
        with pytest.raises(ImpossibleMaze, match=f"Expects sides of at least 4 for split='{split}'"):
            hash_bounds(split, size)


@pytest.mark.parametrize("walls", layouts((5, 5), 40)[30:], ids=lambda walls: f"{layout_hash(walls):x}"[:6])
def test_the_name_of_the_split_and_its_range_of_hashes_agree(walls):
    ranges = {split: hash_bounds(split, walls.shape) for split in SPLITS}
    holding = [split for split, (low, high) in ranges.items() if low <= layout_hash(walls) <= high]
    assert holding == [split_of(walls)]


def test_an_unknown_split_is_refused_with_the_nearest_one():
    with pytest.raises(UnknownName, match=r"actual: 'bench'. Did you mean 'benchmark'\?"):
        hash_bounds("bench", (5, 5))
