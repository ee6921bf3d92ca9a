"""Distances and shortest paths, by breadth-first search."""

from itertools import accumulate

import numpy as np

from maze_env import kernels
from maze_env.errors import InvalidMaze
from maze_env.maze import Cell, Maze
from maze_env.moves import UNREACHABLE, Distances, Move, Walls


def distances_to(walls: Walls, cell: Cell) -> Distances:
    """Moves from every cell to ``cell``, (rows, cols) int16; ``UNREACHABLE`` where no path leads there.

    Args:
        walls: the wall bytes of a grid, (rows, cols) uint8.
        cell: the one to go to.
    """
    distances = np.empty(walls.shape, dtype=np.int16)
    kernels.grid.fill_distances(walls, cell[0], cell[1], distances, np.empty(walls.size, dtype=np.int64))
    return distances


def require_path(maze: Maze, distances: Distances) -> None:
    """Raises InvalidMaze where the target cannot be reached; ``distances`` are to it, or from the origin."""
    if distances[maze.origin] == UNREACHABLE or distances[maze.target] == UNREACHABLE:
        raise InvalidMaze(f"Expects a path from {maze.origin} to {maze.target}, actual: none")


def shortest_path(maze: Maze, distances: Distances | None = None) -> list[Move]:
    """One shortest path from origin to target; where there are several, the first in the order up, down, left, right.

    Args:
        maze: the one to solve.
        distances: ``distances_to(maze.walls, maze.target)``, (rows, cols) int16, when known.

    Raises:
        InvalidMaze: when the target cannot be reached.
    """
    distances = distances_to(maze.walls, maze.target) if distances is None else distances
    require_path(maze, distances)
    cell, path = maze.origin, []
    while cell != maze.target:
        move = next(m for m in maze.open_moves(cell) if distances[m.apply(cell)] == distances[cell] - 1)
        path.append(move)
        cell = move.apply(cell)
    return path


def has_unique_shortest_path(maze: Maze) -> bool:
    """Whether there is one shortest path and no other; raises InvalidMaze when the target cannot be reached."""
    distances = distances_to(maze.walls, maze.target)
    cells = path_cells(maze.origin, shortest_path(maze, distances))
    nearer = (sum(distances[m.apply(cell)] < distances[cell] for m in maze.open_moves(cell)) for cell in cells[:-1])
    return all(count == 1 for count in nearer)


def fewest_turns(maze: Maze) -> int:
    """How often the shortest path changes direction; of several shortest paths, the straightest counts."""
    distances = np.empty(maze.walls.shape, dtype=np.int16)
    queue = np.empty(maze.walls.size, dtype=np.int64)
    turns = np.empty((*maze.walls.shape, len(Move)), dtype=np.int16)
    reached = kernels.grid.fill_distances(maze.walls, *maze.origin, distances, queue)
    require_path(maze, distances)
    kernels.grid.fill_turns(maze.walls, distances, queue, reached, turns)
    return int(kernels.grid.fewest_turns(turns, *maze.target))


def longest_corridor(maze: Maze) -> int:
    """Cells of the longest corridor: cells with at most two open sides, joined by passages, from fork to fork."""
    cells = {cell for cell in np.ndindex(maze.rows, maze.cols) if len(maze.open_moves(cell)) <= 2}
    longest = 0
    while cells:
        corridor = [cells.pop()]
        for cell in corridor:
            adjacent = {move.apply(cell) for move in maze.open_moves(cell)} & cells
            cells -= adjacent
            corridor.extend(adjacent)
        longest = max(longest, len(corridor))
    return longest


def path_cells(origin: Cell, moves: list[Move]) -> list[Cell]:
    """The cells that ``moves`` lead through, ``origin`` first, as if there were no walls."""
    return list(accumulate(moves, lambda cell, move: move.apply(cell), initial=origin))
