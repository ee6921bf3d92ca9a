"""How the mazes that a stage trains on are written: at which place, in which order and words, in which grid."""

from collections import Counter
from itertools import product

import pytest

from maze_env import traces
from maze_env.errors import InvalidConfig
from maze_env.padding import enclosed
from maze_env.phrasings import PHRASINGS, phrasing_named
from maze_env.placement import placed_text, read_placed, shift_names
from maze_env.solving import shortest_path
from maze_env.tokens import maze_from_text
from tests.training.rows import ANYWHERE, MIXED, within_five_sigma
from tokenmaze.training.mazes import DataConfig, supervised_rows, training_mazes, training_texts

PHRASED = DataConfig(examples=800, **MIXED, phrasings=dict.fromkeys(PHRASINGS, 1))


def test_placed_rows_are_the_standard_ones_in_other_names_and_orders():
    standard = list(supervised_rows(DataConfig(examples=300, **MIXED)))
    placed = list(supervised_rows(DataConfig(examples=300, **MIXED, **ANYWHERE)))
    assert [row["maze"] for row in placed] == [
        written.text for written in training_texts(DataConfig(examples=300, **MIXED, **ANYWHERE))
    ]
    for row, other in zip(standard, placed, strict=True):
        maze, (down, right) = read_placed(other["maze"])
        assert maze == maze_from_text(row["maze"])
        assert (other["style"], shift_names(other["completion"], (-down, -right))) == (row["style"], row["completion"])


def test_phrased_rows_are_the_standard_ones_in_other_words():
    standard = supervised_rows(DataConfig(examples=800, **MIXED))
    for row, other, written in zip(standard, supervised_rows(PHRASED), training_texts(PHRASED), strict=True):
        phrasing = phrasing_named(other["phrasing"])
        maze = maze_from_text(row["maze"])
        assert (written.text, written.phrasing, written.maze) == (other["maze"], other["phrasing"], maze)
        assert phrasing.read(other["maze"]) == maze
        assert (other["style"], phrasing.translate(other["completion"])) == (row["style"], row["completion"])


def test_phrasings_come_in_the_shares_asked_for():
    counts = Counter(written.phrasing for written in training_texts(PHRASED))
    assert all(within_five_sigma(counts[name], 800, 1 / len(PHRASINGS)) for name in PHRASINGS)


@pytest.mark.parametrize(
    "others", [{"placements": "20x20"}, {"listings": "shuffled"}, {"walks": {"none": 1, "8x8": 1}}]
)
def test_phrasings_stand_without_placements_listings_and_walks(others):
    with pytest.raises(InvalidConfig, match=next(iter(others))):
        DataConfig(phrasings={"standard": 1, "ascii": 1}, **others)


def test_placements_and_listings_come_in_the_shares_asked_for():
    texts = [written.text for written in training_texts(DataConfig(examples=4000, sizes="2x3", **ANYWHERE))]
    offsets = [read_placed(text).offset for text in texts]
    # Of the placed half, one in 19 * 18 places happens to be the origin.
    assert within_five_sigma(offsets.count((0, 0)), 4000, (1 + 1 / (19 * 18)) / 2)
    moved = [offset for offset in offsets if offset != (0, 0)]
    for axis, last in ((0, 18), (1, 17)):
        counts = Counter(offset[axis] for offset in moved)
        assert set(counts) == set(range(last + 1))
        assert all(within_five_sigma(counts[place], len(moved), 1 / (last + 1)) for place in range(1, last + 1))
    orders = Counter()
    for text, offset in zip(texts, offsets, strict=True):
        maze = read_placed(text).maze
        known = {placed_text(maze, offset, listing): listing for listing in ("standard", "bottom-up")}
        orders[known.get(text, "shuffled")] += 1
    chance = 2 / 720  # that a shuffle of six cells is one of the other orders
    assert within_five_sigma(orders["shuffled"], 4000, (1 - chance) / 4)
    assert within_five_sigma(orders["bottom-up"], 4000, 1 / 4 + chance / 8)


def test_padded_rows_are_the_same_mazes_in_grids_of_closed_cells():
    plain = training_mazes(DataConfig(examples=2000, sizes="3x4"))
    padded = training_mazes(DataConfig(examples=2000, sizes="3x4", paddings={"none": 3, "5x5": 1}))
    places = Counter()
    for maze, other in zip(plain, padded, strict=True):
        if other == maze:
            continue
        assert (other.rows, other.cols) == (5, 5)
        row, col = (there - here for there, here in zip(other.target, maze.target, strict=True))
        assert other == enclosed(maze, 5, 5, (row, col))
        assert shortest_path(other) == shortest_path(maze)
        places[row, col] += 1
    assert within_five_sigma(places.total(), 2000, 1 / 4)
    assert set(places) == set(product(range(3), range(2)))
    assert all(within_five_sigma(count, places.total(), 1 / 6) for count in places.values())


def test_a_trace_of_a_padded_maze_is_true_of_it():
    config = DataConfig(examples=40, sizes="3x3", paddings="6x6", trace_styles="pointers", **ANYWHERE)
    for row in supervised_rows(config):
        maze, (down, right) = read_placed(row["maze"])
        traces.validate("pointers", maze, shift_names(row["completion"], (-down, -right)))


def test_a_maze_that_comes_again_is_shuffled_anew():
    texts = [written.text for written in training_texts(DataConfig(examples=200, sizes="2x2", listings="shuffled"))]
    orders = {}
    for text in texts:
        orders.setdefault(read_placed(text).maze, set()).add(text)
    assert max(map(len, orders.values())) >= 3
