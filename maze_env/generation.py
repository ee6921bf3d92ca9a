"""Mazes from keys: ``generate`` makes one, ``generate_batch`` many, by the same compiled code.

A maze is a pure function of its 64-bit key and the parameters. The algorithms are in ``kernels/generators.py``;
``kernels/generation.py`` joins layout, split and endpoints.

>>> maze = generate(0, MazeSpec(rows=3, cols=4, generator="wilson"))
>>> maze == generate_batch([0, 1], MazeSpec(rows=3, cols=4, generator="wilson"))[0]
True
>>> print(maze.to_ascii())
+---+---+---+---+
|           |   |
+   +   +---+   +
|   |   | O |   |
+---+   +   +   +
| X             |
+---+---+---+---+
"""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from maze_env import kernels, layouts
from maze_env._functions import require_parameters
from maze_env.errors import ImpossibleMaze, InvalidConfig, is_integer, lookup
from maze_env.keys import as_keys
from maze_env.layouts import LayoutGenerator
from maze_env.maze import MAX_SIDE, MIN_SIDE, Maze
from maze_env.splits import hash_bounds

GENERATORS: dict[str, int] = {"dfs": 0, "wilson": 1, "kruskal": 2, "prim": 3, "binary-tree": 4}
"""Generator names and their numbers in ``kernels.generation``."""
MAX_TRIES = 10_000  # layouts tried for one maze before it counts as impossible
MAX_WORK = 2**27  # cells of distance maps computed for one maze before the same: about five seconds at any size


@dataclass(frozen=True)
class MazeSpec:
    """What mazes to make.

    Sizes or bounds that no maze can have raise ImpossibleMaze; a generator that is none UnknownName, or InvalidConfig
    for a function that does not take what it is called with.
    """

    rows: int = 5
    """Cells from top to bottom, 2 to 64."""
    cols: int = 5
    """Cells from left to right, likewise."""
    min_length: int = 1
    """Fewest moves of the shortest path, inclusive."""
    max_length: int | None = None
    """Most moves of the shortest path, inclusive; ``None`` for no bound."""
    min_turns: int = 0
    """Fewest turns (changes of direction) of the shortest path; of several, the straightest counts."""
    max_turns: int | None = None
    """Most turns of the shortest path, inclusive; ``None`` for no bound."""
    generator: str | LayoutGenerator = "dfs"
    """One of ``GENERATORS``, or a function of one's own, see ``layouts.LayoutGenerator``."""
    braid: float = 0.0
    """Share of the dead ends that are opened, 0 to 1. Above 0 there are loops, and so several paths."""
    split: str | None = "train"
    """One of ``splits.SPLITS``, or ``None`` to draw from all layouts."""

    def __post_init__(self) -> None:
        for name, side in (("rows", self.rows), ("cols", self.cols)):
            if not is_integer(side) or not MIN_SIDE <= side <= MAX_SIDE:
                raise ImpossibleMaze(f"Expects {name} from {MIN_SIDE} to {MAX_SIDE}, actual: {side!r}")
        bounds = {"length": (self.min_length, self.max_length), "turns": (self.min_turns, self.max_turns)}
        for what, (low, high) in bounds.items():
            for name, bound in ((f"min_{what}", low), (f"max_{what}", low if high is None else high)):
                if not is_integer(bound):
                    raise ImpossibleMaze(f"Expects {name} as an integer, actual: {bound!r}")
            if high is not None and high < low:
                raise ImpossibleMaze(f"Expects max_{what} of at least min_{what} {low}, actual: {high}")
        longest = self.rows * self.cols - 1
        if not 1 <= self.min_length <= longest:
            most = f"{longest}, the longest path that {self.rows}x{self.cols} cells can hold"
            raise ImpossibleMaze(f"Expects min_length from 1 to {most}, actual: {self.min_length}")
        turns = (self.max_length or longest) - 1
        if not 0 <= self.min_turns <= turns:
            most = f"{turns}, the most that a path of {turns + 1} moves can make"
            raise ImpossibleMaze(f"Expects min_turns from 0 to {most}, actual: {self.min_turns}")
        if not isinstance(self.braid, (int, float, np.number)) or not 0 <= self.braid <= 1:
            raise ImpossibleMaze(f"Expects braid, the share of dead ends to open, from 0 to 1, actual: {self.braid!r}")
        if callable(self.generator) and isinstance(self.generator, Hashable):
            require_parameters("generator", self.generator, "rng", "rows", "cols")
        else:
            lookup("generator", self.generator, GENERATORS)
        hash_bounds(self.split, (self.rows, self.cols))


DEFAULT = MazeSpec()


@dataclass(frozen=True)
class MazeBatch:
    """Mazes of one size as arrays; ``batch[i]`` is maze ``i``."""

    walls: NDArray[np.uint8]
    """The wall bytes, (n, rows, cols) uint8."""
    origins: NDArray[np.int64]
    """Where the agents start, (n, 2) int64, as (row, col)."""
    targets: NDArray[np.int64]
    """Where they should go, (n, 2) int64, as (row, col)."""

    def __len__(self) -> int:
        return len(self.walls)

    def __getitem__(self, index: int) -> Maze:
        (row, col), (to_row, to_col) = self.origins[index].tolist(), self.targets[index].tolist()
        return Maze.from_validated(self.walls[index], (row, col), (to_row, to_col))


def generate(key: int, spec: MazeSpec = DEFAULT) -> Maze:
    """The maze of one key.

    Args:
        key: from 0 to 2**64 - 1.
        spec: what maze to make.

    Raises:
        InvalidConfig: for another key, or what is no ``MazeSpec``.
        ImpossibleMaze: when none was found in ``MAX_TRIES`` layouts or ``MAX_WORK`` cells of distance maps.
        InvalidMaze: for what is no layout of a generator of one's own.
    """
    return generate_batch([key], spec)[0]


def generate_batch(
    keys: Iterable[int] | NDArray[Any], spec: MazeSpec = DEFAULT, lengths: tuple[ArrayLike, ArrayLike] | None = None
) -> MazeBatch:
    """The mazes of many keys, in their order.

    Args:
        keys: (n,) uint64.
        spec: what mazes to make.
        lengths: min and max moves of the shortest path, both (n,) int64, in place of those in ``spec``.

    Raises:
        InvalidConfig: as ``generate``.
        ImpossibleMaze: as ``generate``, naming the bounds that were not met; or for lengths that cannot be.
    """
    keys = as_keys(keys)
    if not isinstance(spec, MazeSpec):
        raise InvalidConfig(f"Expects a MazeSpec, actual: {spec!r}")
    count, longest = len(keys), spec.rows * spec.cols - 1
    turned = spec.min_turns > 0 or spec.max_turns is not None
    turns = (spec.min_turns if turned else -1, longest if spec.max_turns is None else spec.max_turns)
    bounds = np.empty((count, 2), dtype=np.int64)
    if lengths is None:
        # A path with k turns has k + 1 moves or more, and a layout without one so long is given up at once.
        bounds[:, 0] = max(spec.min_length, spec.min_turns + 1)
        bounds[:, 1] = longest if spec.max_length is None else spec.max_length
    else:
        min_lengths, max_lengths = (np.ascontiguousarray(bound, dtype=np.int64) for bound in lengths)
        if not min_lengths.shape == max_lengths.shape == (count,):  # the compiled loop does not check its indices
            sizes = f"{min_lengths.size}, {max_lengths.size}"
            raise ImpossibleMaze(f"Expects a min and a max length for each of {count} keys, actual: {sizes}")
        for i in np.flatnonzero((min_lengths < 1) | (max_lengths < min_lengths)):
            came = f"{min_lengths[i]} to {max_lengths[i]} for maze {i}"
            raise ImpossibleMaze(f"Expects lengths from 1 up, min not above max, actual: {came}")
        bounds[:, 0], bounds[:, 1] = min_lengths, max_lengths
    walls = np.empty((count, spec.rows, spec.cols), dtype=np.uint8)
    ends = np.empty((count, 4), dtype=np.int64)
    hashes = hash_bounds(spec.split, (spec.rows, spec.cols))
    low, high = map(np.uint64, hashes or (0, 0))
    with np.errstate(over="ignore"):  # the hashes wrap; NumPy warns only when kernels run uncompiled
        bounded = (float(spec.braid), bounds, turns, low, high, hashes is not None)
        if isinstance(spec.generator, str):
            missed, tried = kernels.generation.fill_batch(
                keys, GENERATORS[spec.generator], *bounded, MAX_TRIES, MAX_WORK, walls, ends
            )
        else:
            missed, tried = layouts.fill_batch(spec.generator, keys, *bounded, MAX_WORK, walls, ends)
    if missed >= 0:
        bent = f" and {spec.min_turns} to {turns[1]} turns" if turned else ""
        kind = f"{spec.rows}x{spec.cols} maze (generator={spec.generator!r}, braid={spec.braid}, split={spec.split!r})"
        path = f"{bounds[missed, 0]} to {bounds[missed, 1]} moves{bent}"
        raise ImpossibleMaze(f"Expects a {kind} whose shortest path has {path}, actual: none in {tried} layouts")
    return MazeBatch(walls, ends[:, :2], ends[:, 2:])
