"""Loops of the array views."""

import numpy as np
from numpy.typing import NDArray

from maze_env.kernels.jit import compiled
from maze_env.moves import UNSEEN_BITS


@compiled
def encode_tokens(
    walls: NDArray[np.uint8],  # (n, rows, cols), ``UNSEEN_BITS`` where a cell has not been seen
    positions: NDArray[np.int64],  # (n,), the agents' cells, numbered row by row
    targets: NDArray[np.int64],  # (n,), likewise
    coordinates: NDArray[np.int32],  # (rows * cols,), the id of each cell's coordinate
    wall_ids: NDArray[np.int32],  # (17,), ids by wall byte, unseen last
    markers: NDArray[np.int32],  # (4,), ids of blank, origin, target and newline
    out: NDArray[np.int32],  # out, (n, rows * (3 * cols + 1))
) -> None:
    """The token ids of each maze's text."""
    count, rows, cols = walls.shape
    for i in range(count):
        at = 0
        for row in range(rows):
            for col in range(cols):
                out[i, at] = coordinates[row * cols + col]
                out[i, at + 1] = wall_ids[walls[i, row, col]]
                out[i, at + 2] = markers[0]
                at += 3
            out[i, at] = markers[3]
            at += 1
        out[i, 3 * targets[i] + targets[i] // cols + 2] = markers[2]
        out[i, 3 * positions[i] + positions[i] // cols + 2] = markers[1]


@compiled
def encode_grid(
    walls: NDArray[np.uint8],  # (n, rows, cols), ``UNSEEN_BITS`` where a cell has not been seen
    positions: NDArray[np.int64],  # (n,), cells numbered row by row
    targets: NDArray[np.int64],  # (n,), likewise
    out: NDArray[np.uint8],  # out, (n, 6, rows, cols), or 7 channels under partial observability
) -> None:
    """The channels that ``maze_env.views.GridView`` names."""
    count, rows, cols = walls.shape
    partial = out.shape[1] == 7
    for i in range(count):
        for row in range(rows):
            for col in range(cols):
                bits = walls[i, row, col]
                for move in range(4):
                    out[i, move, row, col] = bits >> move & 1
                out[i, 4, row, col] = 0
                out[i, 5, row, col] = 0
                if partial:
                    out[i, 6, row, col] = bits == UNSEEN_BITS
        out[i, 4, positions[i] // cols, positions[i] % cols] = 1
        out[i, 5, targets[i] // cols, targets[i] % cols] = 1
