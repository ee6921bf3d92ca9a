"""Which mazes a stage trains on."""

import hashlib
import json
from collections import Counter
from dataclasses import asdict, replace
from itertools import islice, pairwise

import pytest

from maze_env import traces
from maze_env.errors import ImpossibleMaze, InvalidConfig, UnknownName
from maze_env.splits import split_of
from maze_env.tokens import maze_from_text, maze_to_text
from tests.maze_env.golden import bfs
from tests.training.rows import ANYWHERE, MIXED, within_five_sigma
from tokenmaze.training.mazes import (
    CHUNK,
    DataConfig,
    make_mazes,
    supervised_rows,
    validation_mazes,
)


def mazes_of(**options):
    return [maze for maze, _ in make_mazes(DataConfig(**options))]


def length_of(maze):
    """The shortest path's moves, by a search that shares no code with the package."""
    return bfs(maze.walls, maze.origin)[maze.target]


def test_weights_are_shares_of_their_sum():
    config = DataConfig(
        sizes={"4x5": 1, "20x3": 3},
        lengths={"1-4": 2, "5-8": 6},
        generators={"dfs": 1, "prim": 4},
        braids={0: 1, 0.5: 1},
    )
    assert config.size_shares == {(4, 5): 0.25, (20, 3): 0.75}
    assert config.length_shares == {(1, 4): 0.25, (5, 8): 0.75}
    assert config.generator_shares == {"dfs": 0.2, "prim": 0.8}
    assert config.braid_shares == {0.0: 0.5, 0.5: 0.5}
    assert config.phases == [(None, {"path": 0.5, "retry": 0.5})]
    assert [(spec.rows, spec.generator, spec.braid) for spec in config.specs] == [
        (rows, generator, braid) for rows in (4, 20) for generator in ("dfs", "prim") for braid in (0.0, 0.5)
    ]


@pytest.mark.parametrize(
    ("written", "weights"),
    [
        ("5x5", {"5x5": 1}),
        ("{5x5: 2, 6x6: 1.5}", {"5x5": 2, "6x6": 1.5}),
        ('{"5x5":2,"6x6":1.5}', {"5x5": 2, "6x6": 1.5}),
    ],
)
def test_a_text_is_read_as_yaml_and_a_name_alone_weighs_one(written, weights):
    assert DataConfig(sizes=written) == DataConfig(sizes=weights)
    assert DataConfig(sizes=written).sizes == weights


def test_other_fields_take_what_stands_alone_too():
    config = DataConfig(lengths="3-24", braids=0.5, generators="kruskal", trace_styles="redraw")
    assert config == DataConfig(
        lengths={"3-24": 1}, braids={0.5: 1}, generators={"kruskal": 1}, trace_styles={"redraw": 1}
    )
    for nothing in (None, "", "null"):
        assert DataConfig(lengths=nothing).length_shares == {}


def test_a_configuration_comes_back_from_json():
    config = DataConfig(
        sizes={"5x5": 2, "6x6": 1}, braids={0: 1, 0.5: 1}, trace_styles=[{"rows": 5, "path": 1}, {"retry": 1}]
    )
    config = replace(config, **ANYWHERE)
    again = DataConfig(**json.loads(json.dumps(asdict(config))))
    assert (again.placement_shares, again.listing_shares) == (config.placement_shares, config.listing_shares)
    assert (again.specs, again.phases, again.braid_shares) == (config.specs, config.phases, config.braid_shares)


@pytest.mark.parametrize(
    ("weights", "quoted"),
    [
        (None, "None"),
        ({}, "{}"),
        ("", "None"),
        ("{5x5: 1, 6x6: 0}", "'6x6': 0"),
        ("{5x5: -1}", "'5x5': -1"),
        ("{5x5: .nan}", "'5x5': nan"),
        ("{5x5: .inf}", "'5x5': inf"),
        ("{5x5: many}", "'5x5': 'many'"),
        ("{5x5: true}", "'5x5': True"),
        ("{5x5:2}", "'5x5:2': None"),  # YAML asks for a blank after the colon
        ("5x5:1", "'5x5:1'"),
        ([{"5x5": 1}], "[{'5x5': 1}]"),
        ({"5x5": 1, "05x5": 1}, "'05x5': 1 in {'5x5': 1, '05x5': 1}"),
        ("5", "5 in {5: 1}"),
        ("5xfive", "'5xfive'"),
        ("5x-5", "'5x-5'"),
    ],
)
def test_weights_that_say_nothing_are_an_error_that_quotes_them(weights, quoted):
    with pytest.raises(InvalidConfig) as error:
        DataConfig(sizes=weights)
    assert "Expects sizes as {ROWSxCOLS: weight}, each once and with a weight above 0, actual: " in str(error.value)
    assert quoted in str(error.value)


def test_yaml_that_is_none_names_its_key():
    with pytest.raises(InvalidConfig, match="Expects valid YAML in sizes"):
        DataConfig(sizes="{5x5: 1")
    with pytest.raises(InvalidConfig, match=r"valid YAML in sizes, .* a key stands twice"):
        DataConfig(sizes="{5x5: 1, 5x5: 2}")


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"sizes": "1x5"}, ImpossibleMaze, "rows from 2 to 64, actual: 1"),
        ({"sizes": "5x65"}, ImpossibleMaze, "cols from 2 to 64, actual: 65"),
        ({"lengths": "4"}, InvalidConfig, "lengths as {MIN-MAX: weight}"),
        ({"lengths": "5-4"}, ImpossibleMaze, "max_length of at least min_length 5, actual: 4"),
        ({"lengths": "0-4"}, ImpossibleMaze, "min_length from 1 to 24"),
        ({"sizes": {"5x5": 1, "2x2": 1}, "lengths": "5-8"}, ImpossibleMaze, "2x2"),
        ({"braids": "half"}, InvalidConfig, "braids as {share: weight}"),
        ({"braids": 1.5}, ImpossibleMaze, "from 0 to 1, actual: 1.5"),
        ({"generators": "prin"}, UnknownName, "Did you mean 'prim'"),
        ({"placements": "10"}, InvalidConfig, "placements as {origin or ROWSxCOLS: weight}"),
        ({"placements": "none"}, InvalidConfig, "actual: 'none'"),
        ({"placements": {"origin": 1, "20x20": 0}}, InvalidConfig, "'20x20': 0"),
        ({"placements": "20x4"}, InvalidConfig, "that hold mazes of 5x5, up to 10000x10000, actual: 20x4"),
        ({"placements": "4x20", "sizes": {"3x3": 1, "5x3": 1}}, InvalidConfig, "mazes of 5x3, up to"),
        ({"placements": "20x10001"}, InvalidConfig, "up to 10000x10000, actual: 20x10001"),
        ({"paddings": "origin"}, InvalidConfig, "paddings as {none or ROWSxCOLS: weight}"),
        (
            {"paddings": {"none": 1, "8x4": 1}},
            InvalidConfig,
            "paddings that hold mazes of 5x5, up to 64x64, actual: 8x4",
        ),
        ({"paddings": "8x8", "placements": "7x9"}, InvalidConfig, "that hold mazes of 8x8, up to 10000x10000"),
        ({"listings": "bottomup"}, UnknownName, "Did you mean 'bottom-up'"),
        ({"listings": {"shuffled": 0}}, InvalidConfig, "listings as {name: weight}"),
        ({"trace_styles": {"path": 1, "serch": 1}}, UnknownName, "Did you mean 'search'"),
        ({"split": "test"}, UnknownName, "split out of"),
        ({"split": "validation", "sizes": "3x3"}, ImpossibleMaze, "at least 4"),
        ({"examples": 0}, InvalidConfig, "examples of at least 1"),
    ],
)
def test_impossible_data_is_an_error_when_it_is_configured(options, error, said):
    with pytest.raises(error) as caught:
        DataConfig(**options)
    assert said in str(caught.value)


@pytest.mark.parametrize("shorter", [1, 7, CHUNK, CHUNK + 3])
def test_a_longer_run_begins_with_the_rows_of_a_shorter_one(shorter):
    short = list(supervised_rows(DataConfig(examples=shorter, **MIXED, **ANYWHERE)))
    long = list(islice(supervised_rows(DataConfig(examples=2 * CHUNK, **MIXED, **ANYWHERE)), shorter))
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
    mazes = mazes_of(examples=6000, sizes={"4x4": 1, "5x6": 3, "2x7": 2})
    counts = Counter((maze.rows, maze.cols) for maze in mazes)
    assert sum(counts.values()) == 6000
    for size, share in {(4, 4): 1 / 6, (5, 6): 1 / 2, (2, 7): 1 / 3}.items():
        assert within_five_sigma(counts[size], 6000, share)


def test_lengths_come_in_the_shares_asked_for_at_every_size():
    mazes = mazes_of(examples=4500, sizes={"4x4": 1, "5x6": 1}, lengths={"1-2": 1, "3-5": 3, "6-9": 5})
    for rows in (4, 5):
        lengths = [length_of(maze) for maze in mazes if maze.rows == rows]
        for (min_length, max_length), share in {(1, 2): 1 / 9, (3, 5): 3 / 9, (6, 9): 5 / 9}.items():
            count = sum(min_length <= length <= max_length for length in lengths)
            assert within_five_sigma(count, len(lengths), share)
        assert max(lengths) == 9


def test_without_lengths_endpoints_are_what_they_are():
    lengths = Counter(length_of(maze) for maze in mazes_of(examples=3000, sizes="5x5"))
    # Measured before the project began: a third each of 1-4 and 5-8 moves, and an eighth longer than 13.
    shares = [sum(lengths[n] for n in moves) / 3000 for moves in (range(1, 5), range(5, 9), range(14, 25))]
    assert shares == pytest.approx([0.33, 0.30, 0.12], abs=0.04)


def test_a_curriculum_of_styles_goes_by_rows():
    curriculum = DataConfig(
        examples=300,
        trace_styles=[{"rows": 100, "path": 1}, {"rows": 50, "search": 1}, {"direct": 1, "path": 1}],
        sizes="3x3",
    )
    styles = [row["style"] for row in supervised_rows(curriculum)]
    assert styles[:150] == ["path"] * 100 + ["search"] * 50
    assert 50 < styles[150:].count("direct") < 100
    assert set(styles[150:]) == {"direct", "path"}
    mazes = [row["maze"] for row in supervised_rows(DataConfig(examples=300, trace_styles="direct", sizes="3x3"))]
    assert [row["maze"] for row in supervised_rows(curriculum)] == mazes
    short = DataConfig(examples=60, trace_styles="[{rows: 100, path: 1}, {search: 1}]", sizes="3x3")
    assert [row["style"] for row in supervised_rows(short)] == ["path"] * 60


@pytest.mark.parametrize(
    "styles",
    [
        "[{path: 1}, {retry: 1}]",
        "[{rows: 10, path: 1}]",
        "{rows: 10, path: 1}",
        "[{rows: 10, path: 1}, {rows: 10, retry: 1}]",
        "[{rows: 0, path: 1}, {retry: 1}]",
        "[{rows: true, path: 1}, {retry: 1}]",
        "[{rows: ten, path: 1}, {retry: 1}]",
        "[path, retry]",
    ],
)
def test_a_curriculum_names_the_rows_of_each_phase_but_the_last(styles):
    with pytest.raises(InvalidConfig, match="list of such phases in which each but the last has rows: N, at least 1"):
        DataConfig(trace_styles=styles)


@pytest.mark.parametrize("styles", ["[]", "[{rows: 10}, {retry: 1}]", "[{rows: 1, path: 1}, retry]", "{path: 0}"])
def test_a_phase_without_styles_is_an_error(styles):
    with pytest.raises(InvalidConfig, match=r"Expects trace_styles as \{style: weight\}"):
        DataConfig(trace_styles=styles)


def test_styles_come_in_the_shares_asked_for():
    counts = Counter(
        row["style"]
        for row in supervised_rows(DataConfig(examples=3000, trace_styles={"path": 2, "direct": 1}, sizes="3x3"))
    )
    assert set(counts) == {"path", "direct"}
    assert within_five_sigma(counts["path"], 3000, 2 / 3)


@pytest.mark.parametrize("split", ["train", "validation", "benchmark"])
def test_mazes_come_from_the_split_asked_for_alone(split):
    mazes = mazes_of(examples=300, sizes={"4x4": 1, "5x5": 1, "4x6": 1}, split=split)
    assert {split_of(maze.walls) for maze in mazes} == {split}


@pytest.mark.parametrize("style", traces.TRACE_STYLES)
def test_every_row_of_every_style_is_valid(style):
    # validate replays the trace and the answer step by step; see maze_env/traces.
    rows = list(supervised_rows(DataConfig(examples=60, sizes={"3x4": 1, "5x5": 1, "2x2": 1}, trace_styles=style)))
    assert len(rows) == 60
    for row in rows:
        assert row["style"] == style
        traces.validate(style, maze_from_text(row["maze"]), row["completion"])


def test_retry_rows_differ_in_their_attempts():
    # Each row's own key decides its wrong attempts; a constant key would give each maze the same draw.
    rows = supervised_rows(DataConfig(examples=300, trace_styles="retry"))
    attempts = Counter(row["completion"].count("RESET") for row in rows)
    assert len(attempts) >= 3


def test_row_keys_are_all_different():
    keys = [key for _, key in make_mazes(DataConfig(examples=1000))]
    assert all(one != other for one, other in pairwise(sorted(keys)))


def test_validation_mazes_are_of_the_validation_split_and_of_the_runs_sizes():
    config = DataConfig(examples=5, sizes={"3x3": 1, "4x4": 1, "5x6": 1}, lengths="2-6", maze_seed=9)
    mazes = validation_mazes(config, 40)
    assert len(mazes) == 40
    assert {(maze.rows, maze.cols) for maze in mazes} == {(4, 4), (5, 6)}
    assert {split_of(maze.walls) for maze in mazes} == {"validation"}
    assert all(2 <= length_of(maze) <= 6 for maze in mazes)
    other = DataConfig(examples=70, sizes={"4x4": 3, "5x6": 3}, lengths="2-6", trace_styles="direct", **ANYWHERE)
    assert validation_mazes(other, 40) == mazes  # whatever the run's own seed, budget, styles and names
    assert len(validation_mazes(DataConfig(sizes="3x3", placements="4x4"), 5)) == 5
    assert {(maze.rows, maze.cols) for maze in validation_mazes(DataConfig(sizes="3x3"), 5)} == {(5, 5)}


def test_rows_are_those_of_earlier_versions():
    # Of the default recipe's SFT, as earlier versions drew them for '1-4:3,5-8:4,9-13:3' and 'path:2,retry:1'.
    config = DataConfig(
        examples=200, lengths={"1-4": 3, "5-8": 4, "9-13": 3}, trace_styles={"path": 2, "retry": 1}, sizes="5x5"
    )
    names = ("maze", "style", "completion")
    rows = json.dumps([{name: row[name] for name in names} for row in supervised_rows(config)]).encode()
    assert hashlib.sha256(rows).hexdigest()[:16] == "1d632b5a7c2bd271"
