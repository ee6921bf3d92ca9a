"""Compiled loops of the array views, imported at first use: numba takes longer to import than all the rest."""

from numba import njit

from maze_env.tokens import UNSEEN_BITS


@njit(cache=True)
def paint_tokens(walls, positions, targets, coordinates, wall_ids, markers, out):
    """Writes into ``out`` ((n, rows * (3 * cols + 1)) int32) the ids of each maze's text.

    Args:
        walls: (n, rows, cols) uint8. positions, targets: (n,) int64.
        coordinates: (rows * cols,) ids. wall_ids: (17,) ids by wall byte, unseen last.
        markers: ids of blank, origin, target and newline.
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


@njit(cache=True)
def paint_grid(walls, positions, targets, out):
    """Writes into ``out`` ((n, 6 or 7, rows, cols) uint8) the channels that ``GridView`` names."""
    count, rows, cols = walls.shape
    fog = out.shape[1] == 7
    for i in range(count):
        for row in range(rows):
            for col in range(cols):
                bits = walls[i, row, col]
                for move in range(4):
                    out[i, move, row, col] = bits >> move & 1
                out[i, 4, row, col] = 0
                out[i, 5, row, col] = 0
                if fog:
                    out[i, 6, row, col] = bits == UNSEEN_BITS
        out[i, 4, positions[i] // cols, positions[i] % cols] = 1
        out[i, 5, targets[i] // cols, targets[i] % cols] = 1
