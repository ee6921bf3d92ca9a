"""Loops of the array views."""

import numpy as np
from numpy.typing import NDArray

from maze_env.kernels.jit import compiled
from maze_env.moves import UNSEEN_BITS


@compiled
def encode_tokens(
    walls: NDArray[np.uint8],
    positions: NDArray[np.int64],
    targets: NDArray[np.int64],
    coordinates: NDArray[np.int32],
    wall_ids: NDArray[np.int32],
    markers: NDArray[np.int32],
    out: NDArray[np.int32],
) -> None:
    """The token ids of each maze's text.

    Args:
        walls: (n, rows, cols) uint8, ``UNSEEN_BITS`` where a cell has not been seen.
        positions: (n,) int64, the agents' cells, numbered row by row.
        targets: (n,) int64, likewise.
        coordinates: (rows * cols,) int32, the id of each cell's coordinate.
        wall_ids: (17,) int32, ids by wall byte, unseen last.
        markers: (4,) int32, ids of blank, origin, target and newline.
        out: out, (n, rows * (3 * cols + 1)) int32.
    """
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
    walls: NDArray[np.uint8], positions: NDArray[np.int64], targets: NDArray[np.int64], out: NDArray[np.uint8]
) -> None:
    """The channels that ``maze_env.views.GridView`` names.

    Args:
        walls: (n, rows, cols) uint8, ``UNSEEN_BITS`` where a cell has not been seen.
        positions: (n,) int64, the agents' cells, numbered row by row.
        targets: (n,) int64, likewise.
        out: out, (n, 6, rows, cols) uint8, or 7 channels under partial observability.
    """
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
