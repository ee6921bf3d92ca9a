"""Rows that walk through a larger maze and solve nothing."""

from collections import Counter
from itertools import pairwise

import pytest

from maze_env.answers import parse_answer
from maze_env.errors import InvalidConfig
from maze_env.moves import MOVE_OF_TOKEN
from maze_env.placement import read_placed
from maze_env.splits import split_of
from maze_env.tokens import MAZE_TOKEN, coordinate_token
from tests.maze_env.golden import tokens_of
from tokenmaze.training import walks
from tokenmaze.training.mazes import DataConfig, supervised_rows

WALKS = "{none: 3, 6x6: 0.5, 7x8: 0.5}"
ANYWHERE = {"placements": "{origin: 1, 20x20: 1}", "listings": "{standard: 1, bottom-up: 1, shuffled: 1}"}


def rows(**options):
    return list(supervised_rows(DataConfig(sizes="4x4", trace_styles="pointers", **options)))


@pytest.fixture(scope="module")
def made():
    return rows(examples=1200, walks=WALKS, **ANYWHERE)


def cells_of(text):
    """Name -> (walls, marker) of a maze's text, in any order."""
    tokens = tokens_of(text)
    return {tokens[i]: tuple(tokens[i + 1 : i + 3]) for i in range(0, len(tokens), 3)}


def test_walks_have_their_share_and_change_no_other_row(made):
    plain = rows(examples=1200, **ANYWHERE)
    walked = [row["style"] == walks.WALK for row in made]
    assert abs(sum(walked) - 300) < 5 * (1200 * 0.25 * 0.75) ** 0.5
    assert all(one == other for one, other, walk in zip(made, plain, walked, strict=True) if not walk)
    sizes = Counter(len(cells_of(row["maze"])) for row in made if row["style"] == walks.WALK)
    assert set(sizes) == {36, 56}
    assert min(sizes.values()) > 100


def test_a_walk_is_true_of_its_maze_and_enters_no_cell_twice(made):
    for row in made:
        if row["style"] != walks.WALK:
            continue
        cells = cells_of(row["maze"])
        assert {marker for _, marker in cells.values()} <= {"<|origin|>", "<|blank|>"}
        answer = parse_answer(row["completion"])
        walk, _, way = answer.thinking.strip().partition("\nPATH\n")
        *steps, end = [tokens_of(walk)[i : i + 4] for i in range(0, len(tokens_of(walk)), 4)]
        assert cells[steps[0][0]][1] == "<|origin|>"
        for (name, walls, marker, move), (onward, *_) in pairwise([*steps, end]):
            assert cells[name] == (walls, marker)
            assert move.strip("<|>") not in walls.strip("<|>").split("_")
            row_of, col_of = map(int, name.strip("<|>").split("-"))
            assert onward == coordinate_token(MOVE_OF_TOKEN[move].apply((row_of, col_of)))
        names = [name for name, *_ in steps] + end
        assert len(set(names)) == len(names) <= walks.MOST + 1
        assert tokens_of(way) == [token for name, _, _, move in steps for token in (name, move)] + end
        assert [move.token for move in answer.moves] == [move for *_, move in steps]
        assert not MAZE_TOKEN.sub("", row["completion"].partition("</think>")[2]).strip()


def test_a_quarter_of_the_cells_of_a_walk_are_origins(made):
    markers = [cells_of(row["maze"]).values() for row in made if row["style"] == walks.WALK]
    cells, origins = sum(map(len, markers)), sum(marker == "<|origin|>" for one in markers for _, marker in one)
    assert abs(origins - (cells - len(markers)) * walks.MARKED - len(markers)) < 5 * (cells * 0.25 * 0.75) ** 0.5


def test_a_walk_ends_where_no_way_is_left_or_after_the_most_moves(monkeypatch, made):
    monkeypatch.setattr(walks, "MOST", 3)
    for row in rows(examples=60, walks="6x6"):
        assert len(parse_answer(row["completion"]).moves) <= 3
    lengths = [len(parse_answer(row["completion"]).moves) for row in made if row["style"] == walks.WALK]
    assert max(lengths) > 20
    for row in made[:100]:
        if row["style"] == walks.WALK:
            name = tokens_of(row["completion"].partition("\nPATH")[0])[-1]
            closed = cells_of(row["maze"])[name][0].strip("<|>").split("_")
            assert len(set(closed) - {"wall", "no"}) == 3  # a dead end: in a tree there is no other


def test_walks_are_of_the_split_of_their_configuration():
    for row in rows(examples=40, walks="5x5"):
        # Any cell may be the origin, and any the target: the split is the layout's.
        text = row["maze"].replace("<|origin|>", "<|blank|>")
        text = text.replace("<|blank|>", "<|origin|>", 1).replace("<|blank|>", "<|target|>", 1)
        assert split_of(read_placed(text).maze.walls) == "train"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"walks": "large"}, "Expects walks as {none or ROWSxCOLS: weight}"),
        ({"walks": "6x6", "placements": "5x5"}, "Expects placements that hold mazes of 6x6"),
    ],
)
def test_walks_that_cannot_be_are_refused(options, message):
    with pytest.raises(InvalidConfig) as error:
        DataConfig(sizes="4x4", **options)
    assert message in str(error.value)


def test_no_walks_by_default():
    assert DataConfig().walk_shares == {None: 1.0}
