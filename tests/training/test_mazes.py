"""Which mazes a stage trains on."""

from collections import Counter
from itertools import islice, pairwise

import pytest

from maze_env import traces
from maze_env.errors import ImpossibleMaze, InvalidConfig, UnknownName
from maze_env.splits import split_of
from maze_env.tokens import maze_from_text, maze_to_text
from tests.maze_env.golden import bfs
from training.mazes import CHUNK, DataConfig, make_mazes, parse_lengths, parse_sizes, parse_weights, supervised_rows


def within_five_sigma(count, total, share):
    """A count so far off has a chance under 6 in ten million, once: the rows are fixed, so it fails always or never."""
    return abs(count - total * share) <= 5 * (total * share * (1 - share)) ** 0.5


def mazes_of(**options):
    return [maze for maze, _ in make_mazes(DataConfig(**options))]


def length_of(maze):
    """The shortest path's moves, by a search that shares no code with the package."""
    return bfs(maze.walls, maze.origin)[maze.target]


def test_weights_are_shares():
    assert parse_weights("a:1,b:3", "x") == {"a": 0.25, "b": 0.75}
    assert parse_weights(" a , b ", "x") == {"a": 0.5, "b": 0.5}
    assert parse_sizes("4x5:1,20x3:1") == {(4, 5): 0.5, (20, 3): 0.5}
    assert parse_lengths("1-4:2,5-8:6") == {(1, 4): 0.25, (5, 8): 0.75}
    assert parse_lengths("") == {}


@pytest.mark.parametrize(
    "text", ["", ",", "a:", "a:0,", "a:0", "a:-1", "a:x", "a:nan", "a:inf", "a:1,a:2", ":1", "a:1:2"]
)
def test_weights_that_say_nothing_are_an_error_that_quotes_them(text):
    if text == "a:":  # a name without a number weighs 1
        assert parse_weights(text, "styles") == {"a": 1.0}
        return
    with pytest.raises(InvalidConfig) as error:
        parse_weights(text, "styles")
    assert f"Expects styles as 'name:weight,name:weight' with weights above 0, actual: {text!r}" in str(error.value)


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"sizes": "5"}, InvalidConfig, "ROWSxCOLS:weight"),
        ({"sizes": "5xfive"}, InvalidConfig, "'5xfive'"),
        ({"sizes": "5x-5"}, InvalidConfig, "'5x-5'"),
        ({"sizes": "5x5,05x5"}, InvalidConfig, "'05x5' again"),
        ({"sizes": "1x5"}, ImpossibleMaze, "rows from 2 to 64, actual: 1"),
        ({"sizes": "5x65"}, ImpossibleMaze, "cols from 2 to 64, actual: 65"),
        ({"lengths": "4"}, InvalidConfig, "LEAST-GREATEST:weight"),
        ({"lengths": "5-4"}, ImpossibleMaze, "max_length of at least min_length 5, actual: 4"),
        ({"lengths": "0-4"}, ImpossibleMaze, "min_length from 1 to 24"),
        ({"sizes": "5x5,2x2", "lengths": "5-8"}, ImpossibleMaze, "2x2"),
        ({"styles": "path,serch"}, UnknownName, "Did you mean 'search'"),
        ({"split": "test"}, UnknownName, "split out of"),
        ({"split": "validation", "sizes": "3x3"}, ImpossibleMaze, "at least 4"),
        ({"examples": 0}, InvalidConfig, "examples of at least 1"),
    ],
)
def test_impossible_data_is_an_error_when_it_is_configured(options, error, said):
    with pytest.raises(error) as caught:
        DataConfig(**options)
    assert said in str(caught.value)


MIXED = {"sizes": "4x4:1,5x6:2", "lengths": "1-3:1,4-7:1", "styles": "path:1,retry:1,search:1", "maze_seed": 5}


@pytest.mark.parametrize("shorter", [1, 7, CHUNK, CHUNK + 3])
def test_a_longer_run_begins_with_the_rows_of_a_shorter_one(shorter):
    short = list(supervised_rows(DataConfig(examples=shorter, **MIXED)))
    long = list(islice(supervised_rows(DataConfig(examples=2 * CHUNK, **MIXED)), shorter))
    assert len(short) == shorter
    assert short == long


def test_both_stages_see_the_same_mazes_for_the_same_seed():
    config = DataConfig(examples=50, **MIXED)
    assert [row["maze"] for row in supervised_rows(config)] == [maze_to_text(maze) for maze, _ in make_mazes(config)]


def test_chunks_are_drawn_apart():
    mazes = mazes_of(examples=2 * CHUNK, sizes="5x5")
    assert not set(mazes[:50]) & set(mazes[CHUNK : CHUNK + 50])


@pytest.mark.parametrize(("one", "other"), [(1, 2), (0, 1), (7, 8)])
def test_neighbouring_seeds_share_no_mazes(one, other):
    # Earlier code seeded maze i with seed + i, so that seeds 1 and 2 shared 199 mazes of 200. With more than 10**10
    # equally likely 5x5 mazes, 400 and 400 share one by chance less than once in 50,000.
    # Looked at in the first chunk and in the next, whose seeds come from the run's.
    first, second = (mazes_of(examples=CHUNK + 200, maze_seed=seed) for seed in (one, other))
    first, second = (set(mazes[:200] + mazes[CHUNK:]) for mazes in (first, second))
    assert not first & second
    assert len(first) == len(second) == 400


def test_sizes_come_in_the_shares_asked_for():
    mazes = mazes_of(examples=6000, sizes="4x4:1,5x6:3,2x7:2")
    counts = Counter((maze.rows, maze.cols) for maze in mazes)
    assert sum(counts.values()) == 6000
    for size, share in {(4, 4): 1 / 6, (5, 6): 1 / 2, (2, 7): 1 / 3}.items():
        assert within_five_sigma(counts[size], 6000, share)


def test_lengths_come_in_the_shares_asked_for_at_every_size():
    mazes = mazes_of(examples=4500, sizes="4x4,5x6", lengths="1-2:1,3-5:3,6-9:5")
    for rows in (4, 5):
        lengths = [length_of(maze) for maze in mazes if maze.rows == rows]
        for (least, greatest), share in {(1, 2): 1 / 9, (3, 5): 3 / 9, (6, 9): 5 / 9}.items():
            count = sum(least <= length <= greatest for length in lengths)
            assert within_five_sigma(count, len(lengths), share)
        assert max(lengths) == 9


def test_without_lengths_endpoints_are_what_they_are():
    lengths = Counter(length_of(maze) for maze in mazes_of(examples=3000, sizes="5x5"))
    # Measured before the project began: a third each of 1-4 and 5-8 moves, and an eighth longer than 13.
    shares = [sum(lengths[n] for n in moves) / 3000 for moves in (range(1, 5), range(5, 9), range(14, 25))]
    assert shares == pytest.approx([0.33, 0.30, 0.12], abs=0.04)


def test_a_curriculum_of_styles_goes_by_rows():
    curriculum = DataConfig(examples=300, styles="path@100;search@50;direct:1,path:1", sizes="3x3")
    styles = [row["style"] for row in supervised_rows(curriculum)]
    assert styles[:150] == ["path"] * 100 + ["search"] * 50
    assert 50 < styles[150:].count("direct") < 100
    assert set(styles[150:]) == {"direct", "path"}
    mazes = [row["maze"] for row in supervised_rows(DataConfig(examples=300, styles="direct", sizes="3x3"))]
    assert [row["maze"] for row in supervised_rows(curriculum)] == mazes
    short = DataConfig(examples=60, styles="path@100;search", sizes="3x3")
    assert [row["style"] for row in supervised_rows(short)] == ["path"] * 60


@pytest.mark.parametrize(
    "styles", ["path;retry", "path@10", "path@10;retry@10", "path@0;retry", "path@x;retry", "path@;a"]
)
def test_a_curriculum_names_the_rows_of_each_phase_but_the_last(styles):
    with pytest.raises(InvalidConfig, match="Expects styles as phases 'weights@ROWS;weights'"):
        DataConfig(styles=styles)


def test_styles_come_in_the_shares_asked_for():
    counts = Counter(
        row["style"] for row in supervised_rows(DataConfig(examples=3000, styles="path:2,direct:1", sizes="3x3"))
    )
    assert set(counts) == {"path", "direct"}
    assert within_five_sigma(counts["path"], 3000, 2 / 3)


@pytest.mark.parametrize("split", ["train", "validation", "benchmark"])
def test_mazes_come_from_the_split_asked_for_alone(split):
    mazes = mazes_of(examples=300, sizes="4x4,5x5,4x6", split=split)
    assert {split_of(maze.walls) for maze in mazes} == {split}


@pytest.mark.parametrize("style", traces.TRACE_STYLES)
def test_every_row_of_every_style_is_valid(style):
    # validate replays the trace and the answer step by step; see maze_env/traces.
    rows = list(supervised_rows(DataConfig(examples=60, sizes="3x4,5x5,2x2", styles=style)))
    assert len(rows) == 60
    for row in rows:
        assert row["style"] == style
        traces.validate(style, maze_from_text(row["maze"]), row["completion"])


def test_retry_rows_differ_in_their_attempts():
    # Each row's own key decides its wrong attempts; a constant key would give each maze the same draw.
    rows = supervised_rows(DataConfig(examples=300, styles="retry"))
    attempts = Counter(row["completion"].count("RESET") for row in rows)
    assert len(attempts) >= 3


def test_row_keys_are_all_different():
    keys = [key for _, key in make_mazes(DataConfig(examples=1000))]
    assert all(one != other for one, other in pairwise(sorted(keys)))
