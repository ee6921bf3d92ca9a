"""Loops of the vector environment."""

import numpy as np
from numpy.typing import NDArray

from maze_env.kernels.grid import fill_distances
from maze_env.kernels.jit import compiled
from maze_env.moves import Walls

# Indices into ``maze_env.vector.OUTCOMES``; ``advance`` counts on this order.
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
    border: Walls,  # the walls of a grid without inner ones
    distances: NDArray[np.int16],  # (n, rows, cols), moves from each cell to the target
    cells: NDArray[np.int64],  # (rows * cols, 2), row and column of each cell
    max_steps: int,  # steps before truncation
    agents: NDArray[np.int64],  # out, (n, 2), row and column
    positions: NDArray[np.int64],  # in and out, (n,), row * cols + col
    steps: NDArray[np.int64],  # in and out, (n,), steps since the reset
    left: NDArray[np.int64],  # out, (n,), distance to the target after the move
    outcomes: NDArray[np.int64],  # out, (n,), see ``NO_MOVE`` and its like
    masks: NDArray[np.int8],  # in and out, (n, 4), 1 where a move is possible
    ends: NDArray[np.bool_],  # out, (2, n), terminated and truncated
) -> None:
    """One move in each environment."""
    # Several short loops: the compiler keeps what each needs in registers, and works on many environments at a time
    # where it can. Branchless, because whether a move is possible is as good as random. Indices are unsigned, or each
    # access would first ask whether to count from the end.
    count, rows, cols = walls.shape
    size = rows * cols
    all_walls, all_distances, border_walls = walls.reshape(-1), distances.reshape(-1), border.reshape(-1)
    strides = np.array([-cols, cols, -1, 1])  # to the neighbour on each side
    for i in range(count):
        move = np.uint64(actions[i])
        is_open = np.int64(masks[i, move])
        at_border = np.int64(border_walls[np.uint64(positions[i])]) >> np.int64(move) & 1
        plays = 1 - np.int64(skipped[i])
        positions[i] += plays * is_open * strides[move]
        outcomes[i] = plays * (HIT_WALL - is_open + at_border)
    for i in range(count):
        cell = np.uint64(positions[i])
        agents[i, 0], agents[i, 1] = cells[cell, 0], cells[cell, 1]
    for i in range(count):
        left[i] = all_distances[np.uint64(i * size + positions[i])]
    for i in range(count):
        bits = all_walls[np.uint64(i * size + positions[i])]
        for side in range(4):
            masks[i, side] = 1 - (bits >> side & 1)
    for i in range(count):
        steps[i] += 1 - np.int64(skipped[i])
    for i in range(count):
        ends[0, i] = left[i] == 0
        ends[1, i] = (left[i] != 0) & (steps[i] >= max_steps)


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
