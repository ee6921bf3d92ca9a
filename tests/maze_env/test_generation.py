"""Mazes from keys: pure functions, the same alone and in a batch, compiled and not."""

import os
import random
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maze_env import generation
from maze_env.errors import ImpossibleMaze, UnknownName
from maze_env.generation import MazeSpec, generate, generate_batch
from maze_env.maze import Maze
from maze_env.splits import SPLITS, split_of
from tests.maze_env.golden import bfs, cells_of, endpoint_pairs, open_neighbours, spanning_trees

SPECS = [
    MazeSpec(),
    MazeSpec(2, 2, split=None),
    MazeSpec(3, 7, min_length=4, max_length=9),
    MazeSpec(7, 4, split="benchmark"),
    MazeSpec(5, 5, min_length=14, split="validation"),
]
KEYS = np.array([0, 1, 2, 3, 2**63, 2**64 - 1, 0x9E3779B97F4A7C15, 12345678901234567890], dtype=np.uint64)

# Prints the bytes of a few mazes of each kind; run compiled and not, and in a fresh process.
PRINT_BYTES = """
import numpy as np
from maze_env.generation import GENERATORS, MazeSpec, generate_batch
specs = [MazeSpec(), MazeSpec(4, 6, split="validation", min_length=8), MazeSpec(3, 2, max_length=3)]
specs += [
    MazeSpec(4, 5, generator=name, braid=braid, min_turns=1) for name in sorted(GENERATORS) for braid in (0.0, 0.6)
]
for spec in specs:
    batch = generate_batch(np.arange(8, dtype=np.uint64) * np.uint64(2**60 + 1), spec)
    print(batch.walls.tobytes().hex(), batch.origins.tolist(), batch.targets.tolist())
"""


def run_python(code, **environment):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.getcwd(), **environment},
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("spec", SPECS, ids=repr)
def test_one_by_one_equals_the_batch_whatever_else_is_in_it(spec):
    batch = generate_batch(KEYS, spec)
    backwards = generate_batch(KEYS[::-1], spec)
    for index, key in enumerate(KEYS.tolist()):
        alone = generate(key, spec)
        assert alone == batch[index] == backwards[len(KEYS) - 1 - index]
        assert alone.walls.tobytes() == batch.walls[index].tobytes()


def test_interpreted_and_compiled_kernels_give_the_same_bytes():
    compiled = run_python(PRINT_BYTES)
    assert compiled.count("\n") == 13
    assert run_python(PRINT_BYTES, NUMBA_DISABLE_JIT="1") == compiled


def test_the_mazes_of_known_keys_never_change():
    assert generate(0, MazeSpec()) == Maze.from_ascii("""
        +---+---+---+---+---+
        | O     |           |
        +   +   +---+   +   +
        |   |           |   |
        +   +---+---+---+   +
        |   |       |   |   |
        +   +   +---+   +   +
        | X     |       |   |
        +---+---+   +---+   +
        |                   |
        +---+---+---+---+---+
    """)
    assert generate(2024, MazeSpec(4, 6, split="validation", min_length=8)) == Maze.from_ascii("""
        +---+---+---+---+---+---+
        |   |               |   |
        +   +   +   +---+   +   +
        |       |   |   |   |   |
        +   +---+   +   +   +   +
        |   |       |   |       |
        +   +   +---+   +---+   +
        |   | X | O             |
        +---+---+---+---+---+---+
    """)


def test_global_random_states_are_neither_read_nor_moved():
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002 (the global state is the point)
    before = random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002
    first = generate(7, MazeSpec())
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before  # noqa: NPY002
    random.seed(2)
    np.random.seed(2)  # noqa: NPY002
    assert generate(7, MazeSpec()) == first


@pytest.mark.parametrize("size", [(2, 2), (2, 3), (9, 2), (5, 5), (8, 11), (2, 64), (64, 64)], ids=str)
def test_every_layout_is_a_spanning_tree_that_passes_the_checks(size):
    batch = generate_batch(KEYS, MazeSpec(*size))
    for maze in (batch[index] for index in range(len(batch))):
        assert Maze(maze.walls, maze.origin, maze.target) == maze  # borders, both sides of a wall, endpoints
        openings = sum(len(list(open_neighbours(maze.walls, cell))) for cell in cells_of(*size))
        assert openings == 2 * (maze.walls.size - 1)
        assert len(bfs(maze.walls, (0, 0))) == maze.walls.size


def could_be_depth_first(walls):
    """Whether for some root every closed side joins a cell and its ancestor: what sets depth-first trees apart."""
    cells = cells_of(*walls.shape)
    distance = {cell: bfs(walls, cell) for cell in cells}
    beside = [(a, b) for a in cells for b in cells if abs(a[0] - b[0]) + abs(a[1] - b[1]) == 1]
    return any(all(abs(distance[root][a] - distance[root][b]) == distance[a][b] for a, b in beside) for root in cells)


def test_on_3x3_exactly_the_depth_first_trees_come_up():
    possible = {walls.tobytes() for walls in spanning_trees(3, 3) if could_be_depth_first(walls)}
    drawn = generate_batch(np.arange(5_000, dtype=np.uint64), MazeSpec(3, 3))
    assert 0 < len(possible) < 192
    assert {walls.tobytes() for walls in drawn.walls} == possible


def test_every_pair_of_endpoints_comes_up():
    # 4,000 fixed keys, 72 pairs: were pairs drawn evenly, one would be missing with a chance of 72 * exp(-55).
    drawn = generate_batch(np.arange(4_000, dtype=np.uint64), MazeSpec(3, 3))
    ends = zip(map(tuple, drawn.origins.tolist()), map(tuple, drawn.targets.tolist()), strict=True)
    assert set(ends) == set(endpoint_pairs(3, 3))


@given(
    st.integers(0, 2**64 - 1),
    st.integers(2, 9),
    st.integers(2, 9),
    st.integers(1, 8),
    st.none() | st.integers(0, 6),
)
def test_the_shortest_path_keeps_within_its_bounds(key, rows, cols, least, spread):
    # Any depth-first layout of this size has a path of rows + cols - 2 moves at least, that of opposite corners.
    least = min(least, rows + cols - 2)
    greatest = None if spread is None else least + spread
    maze = generate(key, MazeSpec(rows, cols, least, greatest))
    length = bfs(maze.walls, maze.target)[maze.origin]
    assert least <= length <= (rows * cols if greatest is None else greatest)


def test_lengths_can_differ_from_maze_to_maze():
    lengths = np.arange(1, 9)
    batch = generate_batch(KEYS, MazeSpec(), lengths=(lengths, lengths))
    assert [bfs(batch[i].walls, batch[i].target)[batch[i].origin] for i in range(8)] == lengths.tolist()


@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        (([1], [9]), "Expects a min and a max length for each of 8 keys, actual: 1, 1"),
        (([1] * 8, [9] * 7), "actual: 8, 7"),
        (([1, 0] * 4, [9] * 8), "Expects lengths from 1 up, .* actual: 0 to 9 for maze 1"),
        (([1] * 7 + [5], [4] * 8), "min not above max, actual: 5 to 4 for maze 7"),
    ],
)
def test_wrong_lengths_are_refused_before_the_compiled_loop_reads_past_them(lengths, message):
    # Found in this package: compiled code checks no index, and a length of 0 put the target on the origin.
    with pytest.raises(ImpossibleMaze, match=message):
        generate_batch(KEYS, MazeSpec(), lengths)


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("size", [(4, 4), (5, 5), (4, 7)], ids=str)
def test_a_generated_maze_is_in_the_split_that_was_asked_for(split, size):
    batch = generate_batch(KEYS, MazeSpec(*size, split=split))
    assert {split_of(walls) for walls in batch.walls} == {split}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rows": 1}, "Expects rows from 2 to 64, actual: 1"),
        ({"cols": 65}, "Expects cols from 2 to 64, actual: 65"),
        ({"rows": 5.0}, "Expects rows from 2 to 64, actual: 5.0"),
        ({"cols": True}, "Expects cols from 2 to 64, actual: True"),
        ({"min_length": 0}, "Expects min_length from 1 to 24, the longest path that 5x5 cells can hold, actual: 0"),
        ({"min_length": 25}, "Expects min_length from 1 to 24, the longest path that 5x5 cells can hold, actual: 25"),
        ({"rows": 2, "cols": 2, "min_length": 4}, "Expects min_length from 1 to 3"),
        ({"min_length": 5, "max_length": 4}, "Expects max_length of at least min_length 5, actual: 4"),
        ({"max_length": 0}, "Expects max_length of at least min_length 1, actual: 0"),
        ({"rows": 3, "split": "benchmark"}, "Expects sides of at least 4 for split='benchmark'.*actual: 3x5"),
        ({"cols": 2, "split": "validation"}, "Expects sides of at least 4 for split='validation'.*actual: 5x2"),
    ],
)
def test_impossible_parameters_are_refused_at_construction(arguments, message):
    with pytest.raises(ImpossibleMaze, match=message):
        MazeSpec(**arguments)


def test_unknown_names_are_refused_with_the_nearest_one():
    with pytest.raises(UnknownName, match=r"Expects a generator out of .*, actual: 'dsf'. Did you mean 'dfs'\?"):
        MazeSpec(generator="dsf")
    with pytest.raises(UnknownName, match=r"Did you mean 'train'\?"):
        MazeSpec(split="training")


def test_bounds_that_no_layout_meets_end_in_an_error_that_quotes_them(monkeypatch):
    # A 64x64 path through every cell cannot be hoped for. Without giving a layout up early this took half an hour.
    monkeypatch.setattr(generation, "MAX_TRIES", 300)
    with pytest.raises(
        ImpossibleMaze, match=r"64x64 maze .*split='train'.* 4095 to 4095 moves, actual: none in 300 lay"
    ):
        generate(0, MazeSpec(64, 64, min_length=4095))


def test_the_longest_path_of_a_small_grid_is_found():
    for size in ((2, 2), (3, 3), (4, 3)):
        longest = size[0] * size[1] - 1
        maze = generate(1, MazeSpec(*size, min_length=longest))
        assert bfs(maze.walls, maze.target)[maze.origin] == longest
