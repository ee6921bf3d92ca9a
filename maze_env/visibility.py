"""Partial observability ("fog"): the agent knows the walls of the cells it has been near, and where the target is.

From a cell it sees every cell up to ``view_radius`` rows and columns away (a square window, through walls), and it
remembers what it saw. Unseen cells are written with ``<|unseen|>`` in place of their walls.
"""

import numpy as np
from numpy.typing import NDArray

from maze_env import kernels
from maze_env.errors import InvalidConfig
from maze_env.maze import Cell, Maze
from maze_env.moves import UNSEEN_BITS
from maze_env.tokens import UNSEEN, maze_from_text, parse_cells


def check_view_radius(view_radius: int | None) -> None:
    """Checks a view radius.

    Raises:
        InvalidConfig: unless it is ``None`` (full observability) or an integer from 0 up.
    """
    if view_radius is not None and (
        isinstance(view_radius, bool) or not isinstance(view_radius, (int, np.integer)) or view_radius < 0
    ):
        raise InvalidConfig(f"Expects view_radius None (no fog) or an integer from 0 up, actual: {view_radius!r}")


def reveal(visible: NDArray[np.uint8], walls: NDArray[np.uint8], cell: Cell, view_radius: int) -> None:
    """Copies the walls in view from ``cell`` out of ``walls`` into ``visible``, both (rows, cols) uint8."""
    top, left = max(0, cell[0] - view_radius), max(0, cell[1] - view_radius)
    window = (slice(top, cell[0] + view_radius + 1), slice(left, cell[1] + view_radius + 1))
    visible[window] = walls[window]


def initial_visible_walls(maze: Maze, view_radius: int) -> NDArray[np.uint8]:
    """The walls in view from the origin of ``maze``: (rows, cols) uint8, ``UNSEEN_BITS`` elsewhere."""
    visible = np.full(maze.walls.shape, UNSEEN_BITS, dtype=np.uint8)
    reveal(visible, maze.walls, maze.origin, view_radius)
    return visible


def known_maze(text: str) -> Maze:
    """The maze of a text with unseen cells, every side between two of them taken to be open.

    A text without unseen cells gives the maze itself, as ``maze_from_text`` does.

    Raises:
        InvalidMazeText: as ``maze_from_text``.
        InvalidMaze: where the known walls contradict each other.
    """
    if UNSEEN not in text:
        return maze_from_text(text)
    seen, origin, target = parse_cells(text)
    walls = open_unseen(seen)
    agree = kernels.grid.walls_agree(walls)
    return Maze.from_validated(walls, origin, target) if agree else Maze(walls, origin, target)


def open_unseen(seen: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Replaces unseen cells by the walls that their seen neighbours and the border imply.

    Args:
        seen: (rows, cols) uint8, ``UNSEEN_BITS`` where a cell has not been seen.

    Returns:
        (rows, cols) uint8, wall bytes alone.
    """
    walls = np.empty_like(seen)
    kernels.grid.fill_unseen(seen, walls)
    return walls
