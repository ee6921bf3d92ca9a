"""Mazes of several sizes in one environment: which of them fit, and what stands around a smaller one.

Where an observation has a fixed shape, a smaller maze lies in the upper left corner of the largest. The cells outside
of it are closed on all four sides, as rock is: what reads walls alone needs to know nothing of it.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maze_env.errors import ImpossibleMaze, InvalidConfig, is_integer
from maze_env.maze import MAX_SIDE, Cell, Maze
from maze_env.moves import ALL_WALLS, DELTAS, OUTSIDE_BITS, Walls


@dataclass(frozen=True)
class Room:
    """The sizes of mazes that an environment takes."""

    rows: int
    """Of its mazes, or of the largest."""
    cols: int
    """Likewise."""
    padded: bool = False
    """Whether smaller mazes fit as well."""

    @classmethod
    def of(cls, rows: int, cols: int, pad_to: Any) -> "Room":
        """The room that the arguments of an environment ask for. Raises InvalidConfig for a ``pad_to`` that is none."""
        if pad_to is None:
            return cls(rows, cols)
        is_pair = isinstance(pad_to, (tuple, list)) and len(pad_to) == 2 and all(map(is_integer, pad_to))
        if not is_pair or not (rows <= pad_to[0] <= MAX_SIDE and cols <= pad_to[1] <= MAX_SIDE):
            sizes = f"({rows}, {cols}) to ({MAX_SIDE}, {MAX_SIDE})"
            raise InvalidConfig(f"Expects pad_to None or (rows, cols), from {sizes}, actual: {pad_to!r}")
        return cls(int(pad_to[0]), int(pad_to[1]), padded=True)

    def fits(self, rows: int, cols: int) -> bool:
        """Whether a maze of this size does."""
        if self.padded:
            return rows <= self.rows and cols <= self.cols
        return (rows, cols) == (self.rows, self.cols)

    def __str__(self) -> str:
        return f"{'at most ' if self.padded else ''}{self.rows}x{self.cols}"


def padded(cells: NDArray[Any], rows: int, cols: int, value: int) -> NDArray[Any]:
    """An array of cells as (rows, cols), with ``value`` outside; itself where it has that shape already."""
    if cells.shape == (rows, cols):
        return cells
    room = np.full((rows, cols), value, cells.dtype)
    room[: cells.shape[0], : cells.shape[1]] = cells
    return room


def enclosed(maze: Maze, rows: int, cols: int, at: Cell) -> Maze:
    """The maze inside a grid of (rows, cols), its cell (0, 0) at ``at``, all cells around it closed on all sides.

    Raises ImpossibleMaze where it does not fit.
    """
    (row, col), last = at, (at[0] + maze.rows, at[1] + maze.cols)
    if min(at) < 0 or last[0] > rows or last[1] > cols:
        came = f"{maze.rows}x{maze.cols} at {at}"
        raise ImpossibleMaze(f"Expects a maze that fits into {rows}x{cols}, actual: {came}")
    walls = np.full((rows, cols), ALL_WALLS, np.uint8)
    walls[row : last[0], col : last[1]] = maze.walls
    origin, target = ((place[0] + row, place[1] + col) for place in (maze.origin, maze.target))
    return Maze(walls, origin, target)


def sizes_of(walls: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Rows and columns of each maze, (n, 2) int64, of walls with ``OUTSIDE_BITS`` around them, (n, rows, cols)."""
    first_col, first_row = walls[:, :, 0] != OUTSIDE_BITS, walls[:, 0, :] != OUTSIDE_BITS
    return np.stack([first_col.sum(1), first_row.sum(1)], 1)


def inside(walls: Walls) -> Walls:
    """The walls of the maze alone, of those with ``OUTSIDE_BITS`` around it."""
    ((rows, cols),) = sizes_of(walls[None]).tolist()
    return walls[:rows, :cols]


def off_grid(walls: NDArray[np.uint8], agents: NDArray[np.int64], moves: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether moves that were refused point off the grids of their mazes, (n,) bool.

    The loops know of the largest grid alone: to them, those are moves into a wall.

    Args:
        walls: with ``OUTSIDE_BITS`` around each maze, (n, rows, cols).
        agents: where they were made, (n, 2), inside the largest grid with the cell they point to.
        moves: their numbers, (n,).
    """
    rows, cols = (agents + DELTAS[moves]).T
    return walls[np.arange(len(walls)), rows, cols] == OUTSIDE_BITS
