"""Distances and shortest paths, by breadth-first search."""

import numpy as np
from numpy.typing import NDArray

from maze_env.errors import InvalidMaze
from maze_env.lazy import kernels
from maze_env.maze import Cell, Maze
from maze_env.moves import Move

UNREACHABLE = -1


def distances_to(walls: NDArray[np.uint8], cell: Cell) -> NDArray[np.int16]:
    """Steps from every cell to ``cell``: (rows, cols) int16, -1 where there is no way."""
    distances = np.empty(walls.shape, dtype=np.int16)
    kernels("grid_kernels").fill_distances(walls, cell[0], cell[1], distances, np.empty(walls.size, dtype=np.int64))
    return distances


def shortest_path(maze: Maze, distances: NDArray[np.int16] | None = None) -> list[Move]:
    """One shortest path from origin to target; where there are several, the first in the order up, down, left, right.

    Args:
        distances: ``distances_to(maze.walls, maze.target)`` when it is at hand already.

    Raises:
        InvalidMaze: when the target cannot be reached.
    """
    if distances is None:
        distances = distances_to(maze.walls, maze.target)
    cell = maze.origin
    if distances[cell] == UNREACHABLE:
        raise InvalidMaze(f"Expects a way from {maze.origin} to {maze.target}, actual: none")
    path = []
    while cell != maze.target:
        move = next(m for m in maze.open_moves(cell) if distances[m.from_cell(cell)] == distances[cell] - 1)
        path.append(move)
        cell = move.from_cell(cell)
    return path


def fewest_turns(maze: Maze) -> int:
    """How often the shortest path changes direction; of several shortest paths, the straightest counts.

    Raises:
        InvalidMaze: when the target cannot be reached.
    """
    compiled = kernels("grid_kernels")
    distances = np.empty(maze.walls.shape, dtype=np.int16)
    queue = np.empty(maze.walls.size, dtype=np.int64)
    turns = np.empty((*maze.walls.shape, len(Move)), dtype=np.int16)
    reached = compiled.fill_distances(maze.walls, *maze.origin, distances, queue)
    if distances[maze.target] == UNREACHABLE:
        raise InvalidMaze(f"Expects a way from {maze.origin} to {maze.target}, actual: none")
    compiled.fill_turns(maze.walls, distances, queue, reached, turns)
    return int(compiled.fewest_turns(turns, *maze.target))


def longest_corridor(maze: Maze) -> int:
    """Cells of the longest corridor: cells with at most two open sides, joined by passages, from fork to fork."""
    cells = {cell for cell in np.ndindex(maze.rows, maze.cols) if len(maze.open_moves(cell)) <= 2}
    longest = 0
    while cells:
        corridor = [cells.pop()]
        for cell in corridor:
            beside = {move.from_cell(cell) for move in maze.open_moves(cell)} & cells
            cells -= beside
            corridor.extend(beside)
        longest = max(longest, len(corridor))
    return longest


def path_cells(origin: Cell, moves: list[Move]) -> list[Cell]:
    """The cells that ``moves`` lead through, ``origin`` first; walls are not looked at."""
    cells = [origin]
    for move in moves:
        cells.append(move.from_cell(cells[-1]))
    return cells
