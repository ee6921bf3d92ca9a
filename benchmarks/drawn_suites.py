"""Suites of the moment, which their names describe: ``8x8:wilson:200`` is 200 mazes of 8x8 cells by Wilson's algorithm.

    tokenmaze bench --agent shortest-path --suite 8x8
    tokenmaze bench --agent shortest-path --suite 8x12:wilson:200

The mazes are a pure function of the name, with layouts of the benchmark split where the size has such. Results on one
name compare; what is to be published is better measured on a frozen suite.
"""

import hashlib
import re

from maze_env.errors import InvalidConfig
from maze_env.generation import MazeSpec, generate_batch
from maze_env.keys import key_of
from maze_env.maze import Maze
from maze_env.splits import MIN_SPLIT_SIDE
from maze_env.tokens import maze_to_text
from tokenmaze.benchmarks.suite_specs import GENERATOR, Draw, SuiteSpec

NAME = re.compile(r"(\d{1,3})x(\d{1,3})(?::([a-z-]+))?(?::(\d{1,9}))?")
COUNT = 100
"""Mazes where the name does not say how many."""
MAX_COUNT = 100_000


def is_drawn(name: str) -> bool:
    """Whether a name has the form of such a suite's."""
    return NAME.fullmatch(name) is not None


def draw(name: str) -> tuple[SuiteSpec, tuple[Maze, ...]]:
    """The suite of a name, and its mazes.

    Raises:
        ImpossibleMaze: for a size that no maze can have.
        InvalidConfig: for too many mazes, or none.
        UnknownName: for a generator that does not exist.
    """
    found = NAME.fullmatch(name)
    assert found is not None
    rows, cols, generator, count = int(found[1]), int(found[2]), found[3] or GENERATOR, int(found[4] or COUNT)
    if not 1 <= count <= MAX_COUNT:
        raise InvalidConfig(f"Expects 1 to {MAX_COUNT:,} mazes, actual: {count} in suite {name!r}")
    split = "benchmark" if min(rows, cols) >= MIN_SPLIT_SIDE else "train"
    spec = MazeSpec(rows, cols, generator=generator, split=split)
    batch = generate_batch([key_of("drawn", rows, cols, generator, index) for index in range(count)], spec)
    mazes = tuple(batch[index] for index in range(count))
    sha256 = hashlib.sha256("".join(map(maze_to_text, mazes)).encode("utf-8")).hexdigest()
    one = Draw(1, rows * cols - 1, count, size=(rows, cols), generator=generator, level=f"{rows}x{cols}")
    return SuiteSpec(name=name, split=split, draws=(one,), sha256=sha256), mazes
