import dataclasses
import re
from itertools import pairwise

import numpy as np
import pytest
import yaml

from maze_env._cli import run_command
from maze_env.errors import UnknownName
from maze_env.generation import MazeSpec, generate_batch
from maze_env.maze import Maze
from maze_env.solving import UNREACHABLE, distances_to, has_unique_shortest_path, longest_corridor, shortest_path
from maze_env.splits import MIN_SPLIT_SIDE, layout_hash, split_of
from maze_env.symmetry import transform_maze
from tests.modules import ROOT
from tokenmaze.benchmarks import freeze, suite_specs, suites
from tokenmaze.benchmarks.suite_specs import GENERATORS, OFF_PATH, ON_PATH

NAMES = list(suites.SUITES)


def layouts(name):
    return [layout_hash(maze.walls) for maze in suites.load(name).mazes]


@pytest.mark.parametrize("name", NAMES)
def test_the_frozen_mazes_are_made_again_from_the_definition(name):
    spec = suites.SUITES[name]
    mazes = freeze.make_mazes(spec)
    assert tuple(mazes) == suites.load(name).mazes
    assert freeze.frozen_text(spec, mazes) == spec.path.read_text(encoding="utf-8")


def test_every_suite_is_on_its_page_and_in_the_manifest_of_openenv():
    # Also held by the door's own test, which runs where OpenEnv is installed: unique-30x30 was missing.
    manifest = yaml.safe_load((ROOT / "benchmarks/doors/openenv/openenv.yaml").read_text(encoding="utf-8"))
    counts = manifest["validation"]["capabilities"]["declared_task_count"]
    assert counts == {"train": 2**32, "validation": 2**32} | {name: len(suites.load(name).mazes) for name in NAMES}
    page = (ROOT / "docs/benchmark.md").read_text(encoding="utf-8")
    assert [name for name in NAMES if f"`{name}`" not in page] == []


@pytest.mark.parametrize(("name", "hundreds"), [("mazebench-100", 1), ("mazebench-1000", 10), ("mazebench-dev", 10)])
def test_the_composition_is_the_papers(name, hundreds):
    suite = suites.load(name)
    lengths = [int(distances_to(maze.walls, maze.target)[maze.origin]) for maze in suite.mazes]
    assert {level: suite.labels.count(level) for level in suite.spec.level_names} == {
        "Easy": 50 * hundreds,
        "Medium": 40 * hundreds,
        "Hard": 10 * hundreds,
    }
    assert (min(lengths), max(lengths)) == (1, 13)
    assert {maze.walls.shape for maze in suite.mazes} == {(5, 5)}
    assert suite.spec.max_steps == 100


@pytest.mark.parametrize("name", NAMES)
def test_every_maze_is_of_the_suites_split_and_no_layout_comes_twice(name):
    suite = suites.load(name)
    large = [maze for maze in suite.mazes if min(maze.rows, maze.cols) >= MIN_SPLIT_SIDE]
    assert {split_of(maze.walls) for maze in large} == {suite.spec.split}
    assert len(set(layouts(name))) * (8 if suite.spec.images else 1) == len(suite.mazes)


def test_suites_share_no_layout_with_each_other_or_with_training():
    training = generate_batch(np.arange(2000, dtype=np.uint64), MazeSpec(5, 5, split="train"))
    groups = [set(layouts(name)) for name in NAMES] + [{layout_hash(walls) for walls in training.walls}]
    groups[NAMES.index("sizes")] -= {layout_hash(maze.walls) for maze in suites.load("sizes").mazes if maze.rows == 3}
    assert len(set.union(*groups)) == sum(map(len, groups))


def test_the_levels_of_a_suite_are_what_they_say():
    sizes = suites.load("sizes")
    for maze, label in zip(sizes.mazes, sizes.labels, strict=True):
        assert label.split()[0] == f"{maze.rows}x{maze.cols}"
    assert ("5x5 held out" in sizes.labels, "6x6" in sizes.labels) == (True, True)
    assert sizes.spec.max_steps is None  # each its own
    topology = suites.load("topology")
    for maze, label in zip(topology.mazes, topology.labels, strict=True):
        open_sides = sum(len(maze.open_moves((row, col))) for row in range(5) for col in range(5)) // 2
        if "braided" not in label:
            assert (open_sides > 24) == (label == "no dead ends")  # loops
        if label == "no dead ends":
            assert all(len(maze.open_moves((row, col))) > 1 for row in range(5) for col in range(5))
        if label == "long corridors":
            assert len(shortest_path(maze)) >= 14
    corridors = suites.load("corridors")
    for maze, label in zip(corridors.mazes, corridors.labels, strict=True):
        least, most = map(int, re.findall(r"\d+", label))
        assert least <= longest_corridor(maze) <= most
        assert 5 <= len(shortest_path(maze)) <= 8
    turns = suites.load("turns")
    for maze, label in zip(turns.mazes, turns.labels, strict=True):
        low, high, least, most = map(int, re.findall(r"\d+", label))
        path = shortest_path(maze)
        assert low <= len(path) <= high
        assert least <= sum(one != other for one, other in pairwise(path)) <= most
    for name in ("beyond", "beyond-dev"):
        beyond = suites.load(name)
        assert [beyond.labels.count(level) for level in beyond.spec.level_names] == [142] + 6 * [143]
        for generator in GENERATORS:
            assert sum(draw.count for draw in beyond.spec.draws if draw.generator == generator) == 200
        for maze, label in zip(beyond.mazes, beyond.labels, strict=True):
            cells = list(np.ndindex(maze.rows, maze.cols))
            loops = sum(len(maze.open_moves(cell)) for cell in cells) // 2 - (len(cells) - 1)
            assert label == f"{maze.rows}x{maze.cols} {'loops' if loops else 'trees'}"
            assert maze.walls.shape != (5, 5) or loops
    unique = suites.load("unique-30x30")
    assert [unique.labels.count(level) for level in ("trees", "loops")] == [100, 100]
    for maze, label in zip(unique.mazes, unique.labels, strict=True):
        passages = sum(len(maze.open_moves(cell)) for cell in np.ndindex(30, 30)) // 2
        assert (passages > 899) == (label == "loops")
        assert has_unique_shortest_path(maze)
        assert len(shortest_path(maze)) > 110
    assert set(suites.load("mazebench-10x10").labels) == {"Short", "Medium", "Long"}


def test_in_half_of_the_mazes_with_a_closed_passage_the_target_cannot_be_reached():
    suite = suites.load("unreachable")
    assert (suite.labels.count("unreachable"), suite.labels.count("reachable")) == (100, 100)
    for maze, label in zip(suite.mazes, suite.labels, strict=True):
        distances = distances_to(maze.walls, maze.target)
        assert (distances[maze.origin] == UNREACHABLE) == (label == "unreachable")
        assert 2 <= np.count_nonzero(distances == UNREACHABLE) <= 23  # the other part; both have at least two cells
        open_sides = sum(len(maze.open_moves((row, col))) for row in range(5) for col in range(5)) // 2
        assert open_sides == 23  # a tree has 24: the number of walls does not tell the halves apart


def test_there_may_be_no_passage_to_close_passage():
    corridor = Maze.from_ascii("+---+---+---+\n| O     | X |\n+---+   +   +\n|           |\n+---+---+---+")
    open_sides = {freeze.close_passage(corridor, ON_PATH, key).bits for key in range(30)}
    assert len(open_sides) == 2  # of the four passages those that cut off two cells or more
    assert freeze.close_passage(corridor, OFF_PATH, 0) is None


def test_images_follow_their_maze():
    mazes = suites.load("symmetry").mazes
    for start in range(0, len(mazes), 8):
        assert [transform_maze(mazes[start], symmetry) for symmetry in range(8)] == list(mazes[start : start + 8])


def test_a_draw_without_enough_mazes_is_an_error(monkeypatch):
    draw = dataclasses.replace(suites.SUITES["mazebench-100"].draws[0], size=(3, 3), max_length=2, count=50)
    spec = dataclasses.replace(suites.SUITES["mazebench-100"], draws=(draw,))
    monkeypatch.setattr(freeze, "MAX_CANDIDATES_PER_MAZE", 3)
    with pytest.raises(suites.ChangedSuite, match=r"Expects 50 mazes of .* actual: 1?\d in all"):
        freeze.make_mazes(spec)


def test_a_changed_or_missing_file_is_refused(tmp_path, monkeypatch):
    text = suites.SUITES["mazebench-100"].path.read_text(encoding="utf-8")
    monkeypatch.setattr(suite_specs, "FROZEN", tmp_path)
    load = suites.load.__wrapped__  # the loader without its memory
    with pytest.raises(suites.ChangedSuite, match="no such file"):
        load("mazebench-100")
    (tmp_path / "mazebench-100.json").write_bytes(text.replace("\n", "\r\n").encode())
    assert len(load("mazebench-100").mazes) == 100  # line ends of another system are no change
    (tmp_path / "mazebench-100.json").write_text(text.replace("0-1", "0-2", 1), encoding="utf-8")
    with pytest.raises(suites.ChangedSuite, match="unchanged"):
        load("mazebench-100")


def test_check_fails_when_the_generator_makes_other_mazes(monkeypatch, capsys):
    spec = dataclasses.replace(suites.SUITES["mazebench-100"], version=2)  # the version is part of the keys
    for module in (freeze, suites):
        monkeypatch.setattr(module, "SUITES", {spec.name: spec})
    monkeypatch.setattr(freeze, "load", suites.load.__wrapped__)  # its memory would keep the other version
    with pytest.raises(SystemExit) as ended:
        run_command(lambda: freeze.main(["--check"]))
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("error: Expects mazebench-100 as frozen")


def test_an_unknown_suite_names_the_nearest():
    with pytest.raises(UnknownName, match="Did you mean 'mazebench-1000'"):
        suites.load("mazebench1000")
