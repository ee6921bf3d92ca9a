"""Mazes of a generator of one's own: a function that draws layouts, or whole mazes.

>>> def sidewinder(rng, rows, cols):
...     walls = closed(rows, cols)
...     for row in range(rows):
...         run = 0  # where the corridor began that is being dug
...         for col in range(cols):
...             if col + 1 < cols and (row == 0 or rng.random() < 0.5):
...                 open_side(walls, (row, col), Move.RIGHT)
...             else:
...                 if row > 0:
...                     open_side(walls, (row, int(rng.integers(run, col + 1))), Move.UP)
...                 run = col + 1
...     return walls
>>> from maze_env.generation import MazeSpec, generate
>>> print(generate(0, MazeSpec(3, 4, generator=sidewinder, min_length=5)))
+---+---+---+---+
| O             |
+   +   +---+---+
|   |           |
+   +   +   +   +
|   |   |   | X |
+---+---+---+---+
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maze_env import kernels
from maze_env.errors import InvalidMaze
from maze_env.keys import draw_key
from maze_env.maze import Cell, Maze, check_walls
from maze_env.moves import ALL_WALLS, UNREACHABLE, Move, Walls
from maze_env.solving import distances_to, fewest_turns
from maze_env.splits import layout_hash


def closed(rows: int, cols: int) -> Walls:
    """A layout to begin with: (rows, cols) uint8, every cell closed on all four sides."""
    return np.full((rows, cols), ALL_WALLS, np.uint8)


def open_side(walls: Walls, cell: Cell, move: Move) -> None:
    """Opens the side ``move`` of a cell, from both its cells; raises InvalidMaze for a side of the border."""
    there = move.apply(cell)
    rows, cols = walls.shape
    if not (0 <= there[0] < rows and 0 <= there[1] < cols):
        raise InvalidMaze(f"Expects a side inside the {rows}x{cols} grid, actual: {move.name.lower()} of {cell}")
    walls[cell] &= ALL_WALLS ^ move.wall
    walls[there] &= ALL_WALLS ^ move.opposite.wall


LayoutGenerator = Callable[[np.random.Generator, int, int], Walls | Maze]
"""(random generator, rows, cols) -> a layout: wall bytes, (rows, cols) integers, as those of ``Maze``, of which braid,
split and endpoints are made as of any other; or a whole ``Maze``, which stays as it is.

The random generator is seeded by the maze's key. Whoever draws from it alone gets the same mazes for the same seeds.
"""
MAX_TRIES = 1_000
"""Layouts asked for until one meets the bounds and the split."""


def layout_of(generator: LayoutGenerator, rng: np.random.Generator, rows: int, cols: int) -> Walls | Maze:
    """What a generator makes; raises InvalidMaze unless that is a layout or maze of this size."""
    made: Any = generator(rng, rows, cols)
    try:
        walls = made.walls if isinstance(made, Maze) else np.asarray(made)
        check_walls(walls)
    except ValueError as error:  # of NumPy too, for lists of different lengths
        came = f"{type(made).__name__} ({error})"
        raise InvalidMaze(f"Expects a Maze or its walls from {name_of(generator)}, actual: {came}") from None
    if walls.shape != (rows, cols):
        came = "x".join(map(str, walls.shape))
        raise InvalidMaze(f"Expects a maze of {rows}x{cols} from {name_of(generator)}, actual: {came}")
    return made if isinstance(made, Maze) else walls.astype(np.uint8)


def name_of(generator: str | LayoutGenerator) -> str:
    """What to call a generator."""
    return generator if isinstance(generator, str) else getattr(generator, "__name__", repr(generator))


def fill_batch(
    generator: LayoutGenerator,
    keys: NDArray[np.uint64],  # (n,)
    braid: float,
    lengths: NDArray[np.int64],  # (n, 2), min and max moves of the shortest path
    turns: tuple[int, int],  # min and max of the fewest turns of a shortest path; a min below 0 means no bounds
    low_hash: np.uint64,  # min of the layout's hash, inclusive; ignored unless ``check_hash``
    high_hash: np.uint64,  # max, inclusive
    check_hash: bool,  # whether the hash is bounded
    max_work: int,  # cells of distance maps computed for one layout
    walls: NDArray[np.uint8],  # out, (n, rows, cols)
    ends: NDArray[np.int64],  # out, (n, 4): origin row, col, target row, col
) -> tuple[int, int]:
    """As ``kernels.generation.fill_batch``, with the layouts of a generator of one's own."""
    count, rows, cols = walls.shape
    for i in range(count):
        rng = np.random.default_rng(int(keys[i]))
        for _ in range(MAX_TRIES):
            made = layout_of(generator, rng, rows, cols)
            if isinstance(made, Maze):
                walls[i], ends[i] = made.walls, (*made.origin, *made.target)
                inside = not check_hash or low_hash <= np.uint64(layout_hash(made.walls)) <= high_hash
                missed = 0 if not (inside and _meets(made, lengths[i], turns)) else -1
            else:
                one = slice(i, i + 1)
                walls[one] = made
                missed, _ = kernels.generation.fill_batch(
                    np.array([draw_key(rng)], np.uint64), kernels.generation.GIVEN, braid, lengths[one], turns,
                    low_hash, high_hash, check_hash, 1, max_work, walls[one], ends[one],
                )  # fmt: skip
            if missed < 0:
                break
        else:
            return i, MAX_TRIES
    return -1, 0


def _meets(maze: Maze, lengths: NDArray[np.int64], turns: tuple[int, int]) -> bool:
    """Whether the shortest path of a maze has a length and turns within the bounds."""
    length = distances_to(maze.walls, maze.target)[maze.origin]
    if length == UNREACHABLE or not lengths[0] <= length <= lengths[1]:
        return False
    return turns[0] < 0 or turns[0] <= fewest_turns(maze) <= turns[1]
