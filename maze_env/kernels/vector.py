"""Loops of the vector environment."""

import numpy as np
from numpy.typing import NDArray

from maze_env.kernels.grid import fill_distances
from maze_env.kernels.jit import compiled
from maze_env.moves import DELTAS

# Indices into ``maze_env.vector.OUTCOMES``; ``advance`` relies on NO_MOVE being 0.
NO_MOVE, MOVED, HIT_WALL, LEFT_GRID = range(4)


@compiled
def fill_all_distances(
    walls: NDArray[np.uint8],  # (n, rows, cols)
    targets: NDArray[np.int64],  # (n,), cells numbered row by row
    chosen: NDArray[np.int64],  # (k,), indices of the mazes
    distances: NDArray[np.int16],  # out, (n, rows, cols); only those of ``chosen`` are written
) -> None:
    """The distance maps of some of n mazes."""
    rows, cols = walls.shape[1:]
    queue = np.empty(rows * cols, np.int64)
    for i in chosen:
        fill_distances(walls[i], targets[i] // cols, targets[i] % cols, distances[i], queue)


@compiled
def advance(
    actions: NDArray[np.int64],  # (n,), 0 to 3
    skipped: NDArray[np.bool_],  # (n,), environments that stay as they are
    walls: NDArray[np.uint8],  # (n, rows, cols)
    distances: NDArray[np.int16],  # (n, rows, cols), moves from each cell to the target
    agents: NDArray[np.int64],  # in and out, (n, 2), row and column
    positions: NDArray[np.int64],  # out, (n,), row * cols + col
    steps: NDArray[np.int64],  # in and out, (n,), steps since the reset
    max_steps: int,  # steps before truncation
    before: NDArray[np.int64],  # out, (n,), distance to the target before the move
    after: NDArray[np.int64],  # out, (n,), distance after it
    outcomes: NDArray[np.uint8],  # out, (n,), see ``NO_MOVE`` and its like
    masks: NDArray[np.int8],  # out, (n, 4), 1 where a move is possible next
    ends: NDArray[np.bool_],  # out, (2, n), terminated and truncated
) -> None:
    """One move in each environment."""
    # Rows and columns are stored as well as cell numbers: computing them by division would dominate the loop.
    rows, cols = walls.shape[1], walls.shape[2]
    for i in range(len(actions)):
        row, col = agents[i, 0], agents[i, 1]
        before[i] = distances[i, row, col]
        move = actions[i]
        to_row, to_col = row + DELTAS[move, 0], col + DELTAS[move, 1]
        # Branchless: whether a move is possible is as good as random, and branch mispredictions would dominate.
        plays = 1 - np.int64(skipped[i])
        wall = np.int64(walls[i, row, col]) >> move & 1
        inside = np.int64(to_row >= 0) & np.int64(to_row < rows) & np.int64(to_col >= 0) & np.int64(to_col < cols)
        moved = plays * (1 - wall)
        row += moved * DELTAS[move, 0]
        col += moved * DELTAS[move, 1]
        agents[i, 0], agents[i, 1] = row, col
        positions[i] = row * cols + col
        steps[i] += plays
        outcomes[i] = plays * (MOVED + wall * (LEFT_GRID - MOVED - inside * (LEFT_GRID - HIT_WALL)))
        left = distances[i, row, col]
        after[i] = left
        bits = walls[i, row, col]
        masks[i, 0] = 1 - (bits & 1)
        masks[i, 1] = 1 - (bits >> 1 & 1)
        masks[i, 2] = 1 - (bits >> 2 & 1)
        masks[i, 3] = 1 - (bits >> 3 & 1)
        ends[0, i] = left == 0
        ends[1, i] = (left != 0) & (steps[i] >= max_steps)


@compiled
def reveal_all(
    walls: NDArray[np.uint8],  # (n, rows, cols)
    agents: NDArray[np.int64],  # (n, 2), row and column
    view_radius: int,  # rows and columns seen on each side
    visible: NDArray[np.uint8],  # out, (n, rows, cols); cells out of view stay as they are
) -> None:
    """Copies the walls that each agent sees from where it stands."""
    count, rows, cols = walls.shape
    for i in range(count):
        row, col = agents[i, 0], agents[i, 1]
        for near_row in range(max(0, row - view_radius), min(rows, row + view_radius + 1)):
            for near_col in range(max(0, col - view_radius), min(cols, col + view_radius + 1)):
                visible[i, near_row, near_col] = walls[i, near_row, near_col]
