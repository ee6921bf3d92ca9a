"""Partial observability ("fog"): the agent knows the walls of the cells it has been near, and where the target is.

From a cell it sees every cell up to ``view_radius`` rows and columns away (a square window, through walls), and it
remembers what it saw. Unseen cells are written with ``<|unseen|>`` in place of their walls.
"""

import numpy as np

from maze_env import kernels
from maze_env.errors import InvalidConfig, is_integer
from maze_env.maze import Cell, Maze
from maze_env.moves import UNSEEN_BITS, Walls
from maze_env.tokens import UNSEEN, maze_from_text, parse_cells


def check_view_radius(view_radius: int | None) -> None:
    """Raises InvalidConfig unless a view radius is ``None`` (full observability) or an integer from 0 up."""
    if view_radius is not None and not (is_integer(view_radius) and view_radius >= 0):
        raise InvalidConfig(f"Expects view_radius None (no fog) or an integer from 0 up, actual: {view_radius!r}")


def revealed(visible: Walls, walls: Walls, cell: Cell, view_radius: int) -> Walls:
    """``visible`` with the walls in view from ``cell`` out of ``walls``: a new array, for copies share the old one."""
    top, left = max(0, cell[0] - view_radius), max(0, cell[1] - view_radius)
    window = (slice(top, cell[0] + view_radius + 1), slice(left, cell[1] + view_radius + 1))
    visible = visible.copy()
    visible[window] = walls[window]
    visible.setflags(write=False)
    return visible


def initial_visible_walls(maze: Maze, view_radius: int | None) -> Walls:
    """The walls in view from the origin of ``maze``, ``UNSEEN_BITS`` elsewhere; all without a radius. Read-only."""
    if view_radius is None:
        return maze.walls
    unseen = np.full(maze.walls.shape, UNSEEN_BITS, dtype=np.uint8)
    return revealed(unseen, maze.walls, maze.origin, view_radius)


def known_maze(text: str) -> Maze:
    """As ``maze_from_text``, of a text with unseen cells too: every side between two of them is taken to be open."""
    if UNSEEN not in text:
        return maze_from_text(text)
    seen, origin, target = parse_cells(text)
    walls = open_unseen(seen)
    agree = kernels.grid.walls_agree(walls.tobytes(), *walls.shape)
    return Maze.from_validated(walls, origin, target) if agree else Maze(walls, origin, target)


def open_unseen(seen: Walls) -> Walls:
    """A copy in which unseen cells have the walls that their seen neighbours and the border imply."""
    walls = np.empty_like(seen)
    kernels.grid.fill_unseen(seen, walls)
    return walls
