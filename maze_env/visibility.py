"""Fog: the agent knows the walls of the cells that it has been near, and where the target lies.

An agent at a cell sees every cell up to ``view_radius`` rows and columns away (a square window, walls notwithstanding),
and remembers what it saw. Unseen cells are written with ``<|unseen|>`` in place of their walls.
"""

import numpy as np
from numpy.typing import NDArray

from maze_env.errors import InvalidConfig
from maze_env.lazy import kernels
from maze_env.maze import Cell, Maze
from maze_env.tokens import UNSEEN, UNSEEN_BITS, maze_from_text, parse_cells


def check_view_radius(view_radius: int | None) -> None:
    """Raises InvalidConfig unless ``view_radius`` is ``None`` (no fog) or a number of cells from 0 up."""
    if view_radius is not None and (
        isinstance(view_radius, bool) or not isinstance(view_radius, (int, np.integer)) or view_radius < 0
    ):
        raise InvalidConfig(f"Expects view_radius None (no fog) or an integer from 0 up, actual: {view_radius!r}")


def reveal(seen: NDArray[np.uint8], walls: NDArray[np.uint8], cell: Cell, view_radius: int) -> None:
    """Copies what is seen from ``cell`` out of ``walls`` into ``seen``, both (rows, cols) uint8."""
    top, left = max(0, cell[0] - view_radius), max(0, cell[1] - view_radius)
    window = (slice(top, cell[0] + view_radius + 1), slice(left, cell[1] + view_radius + 1))
    seen[window] = walls[window]


def initial_visible_walls(maze: Maze, view_radius: int) -> NDArray[np.uint8]:
    """What is seen of ``maze`` from its origin: (rows, cols) uint8, ``UNSEEN_BITS`` elsewhere."""
    seen = np.full(maze.walls.shape, UNSEEN_BITS, dtype=np.uint8)
    reveal(seen, maze.walls, maze.origin, view_radius)
    return seen


def known_maze(text: str) -> Maze:
    """The maze of a text as far as it is known: between unseen cells every side is taken to be open.

    A text without unseen cells gives the maze itself, as ``maze_from_text`` does.

    Raises:
        InvalidMazeText: as ``maze_from_text``. InvalidMaze: where the walls that are known contradict each other.
    """
    if UNSEEN not in text:
        return maze_from_text(text)
    seen, origin, target = parse_cells(text)
    walls = open_unseen(seen)
    agree = kernels("grid_kernels").walls_agree(walls)
    return Maze.trusted(walls, origin, target) if agree else Maze(walls, origin, target)


def open_unseen(seen: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Wall bytes for every cell: an unseen cell has the walls that its seen neighbours show, and the border's."""
    walls = np.empty_like(seen)
    kernels("grid_kernels").fill_unseen(seen, walls)
    return walls
