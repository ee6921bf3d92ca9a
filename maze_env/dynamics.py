"""What a move does: the one transition function that environment, verifier and traces share."""

from enum import StrEnum

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


def transition(maze: Maze, cell: Cell, move: int) -> tuple[Cell, Outcome]:
    """Where a move (or its number) from ``cell`` leads, and what it did. An illegal one leaves the agent in place."""
    row, col = cell
    row_step, col_step = DELTA_PAIRS[move]
    if not maze.bits[row * maze.cols + col] >> move & 1:
        return (row + row_step, col + col_step), MOVED
    inside = 0 <= row + row_step < maze.rows and 0 <= col + col_step < maze.cols
    return cell, HIT_WALL if inside else LEFT_GRID
