"""The frozen maze suites of "AlphaMaze-compatible MazeBench": one file each in ``frozen/``, its hash in the code.

``benchmarks.freeze`` makes them, ``benchmarks.suite_specs`` says which there are.
"""

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from maze_env.errors import TokenMazeError, unknown_name
from maze_env.maze import Maze
from maze_env.solving import distances_to
from maze_env.symmetry import SYMMETRIES
from tokenmaze.benchmarks import drawn_suites, external
from tokenmaze.benchmarks.suite_specs import SUITES, SuiteSpec


class ChangedSuite(TokenMazeError):
    """A frozen file is missing, or does not have the pinned hash."""


@dataclass(frozen=True)
class Suite:
    """A suite's mazes, as read from its frozen file or from published data."""

    spec: SuiteSpec
    """How they were drawn."""
    mazes: tuple[Maze, ...]
    """In the suite's order."""

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The level of each maze."""
        each = len(SYMMETRIES) if self.spec.images else 1
        drawn = (draw.level for draw in self.spec.draws for _ in range(draw.count * each))
        return tuple(level or self._level_of(maze) for maze, level in zip(self.mazes, drawn, strict=False))

    def first(self, count: int) -> "Suite":
        """Its first mazes, whole groups of images where it has such: for a try, no suite of that name."""
        each = len(SYMMETRIES) if self.spec.images else 1
        return Suite(self.spec, self.mazes[: -(-count // each) * each])

    def _level_of(self, maze: Maze) -> str:
        length = distances_to(maze.walls, maze.target)[maze.origin]
        return next(name for name, (low, high) in self.spec.levels.items() if low <= length <= high)


@lru_cache(maxsize=8)
def load(name: str) -> Suite:
    """A frozen suite by its name, or the mazes that it describes or that are published under it.

    Raises UnknownName, InvalidSuite, ChangedSuite, and as ``drawn_suites.draw``.
    """
    if drawn_suites.is_drawn(name):
        return Suite(*drawn_suites.draw(name))
    if external.is_source(name):
        return Suite(*external.read(name))
    if name not in SUITES:
        raise unknown_name("suite", name, SUITES)
    spec = SUITES[name]
    if not spec.path.is_file():
        raise ChangedSuite(f"Expects the frozen suite at {spec.path}, actual: no such file")
    text = spec.path.read_text(encoding="utf-8")
    if (actual := text_hash(text)) != spec.sha256:
        advice = "Results on other mazes would not compare; restore the file."
        raise ChangedSuite(f"Expects {spec.path} unchanged, with sha256 {spec.sha256}, actual: {actual}. {advice}")
    return Suite(spec, tuple(_maze_of_line(line, spec) for line in json.loads(text)["mazes"]))


def text_hash(text: str) -> str:
    """The sha256 of a text, in hexadecimal."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _maze_of_line(line: str, spec: SuiteSpec) -> Maze:
    *size, walls, origin, target = line.split()
    rows, cols = map(int, size[0].split("x")) if size else (spec.rows, spec.cols)
    bits = np.array([int(digit, 16) for digit in walls], dtype=np.uint8)
    (row, col), (to_row, to_col) = (map(int, cell.split("-")) for cell in (origin, target))
    return Maze(bits.reshape(rows, cols), (row, col), (to_row, to_col))
