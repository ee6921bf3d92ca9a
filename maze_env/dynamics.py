"""What a move does: the one transition function that environment, verifier and traces share."""

from enum import StrEnum
from functools import lru_cache

import numpy as np

from maze_env.maze import Cell, Maze
from maze_env.moves import DELTA_PAIRS


class Outcome(StrEnum):
    """What a move did."""

    MOVED = "moved"
    """It led to the neighbouring cell."""
    HIT_WALL = "hit_wall"
    """A wall between two cells stopped it."""
    LEFT_GRID = "left_grid"
    """It pointed off the grid; the wall of the border stopped it."""


MOVED, HIT_WALL, LEFT_GRID = Outcome.MOVED, Outcome.HIT_WALL, Outcome.LEFT_GRID  # module names are the faster lookup


@lru_cache(maxsize=64)
def stops(rows: int, cols: int, width: int) -> tuple[tuple[Outcome, ...], ...]:
    """What each move out of a cell does where a wall stops it, by the cell's number and the move.

    Args:
        rows: of the maze.
        cols: likewise.
        width: columns by which cells are numbered, row by row: ``cols``, or more around a smaller maze.
    """
    return tuple(
        tuple(
            HIT_WALL if 0 <= row + down < rows and 0 <= col + right < cols else LEFT_GRID for down, right in DELTA_PAIRS
        )
        for row, col in np.ndindex(rows, width)
    )


def transition(maze: Maze, cell: Cell, move: int) -> tuple[Cell, Outcome]:
    """Where a move (or its number) from ``cell`` leads, and what it did. An illegal one leaves the agent in place."""
    row, col = cell
    number = row * maze.cols + col
    if maze.bits[number] >> move & 1:
        return cell, stops(maze.rows, maze.cols, maze.cols)[number][move]
    row_step, col_step = DELTA_PAIRS[move]
    return (row + row_step, col + col_step), MOVED
