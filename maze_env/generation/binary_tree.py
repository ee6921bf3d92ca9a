"""The binary-tree maze: each cell opens up or left, by chance. The biased extreme.

The top row and the left column are corridors without a wall across, and every cell's way to the corner (0, 0) only ever
goes up and left: an agent that has learnt this bias alone looks better here than it is.

Source: Jamis Buck, "Mazes for Programmers" (2015), with north and west.
"""

import numpy as np
from numba import njit

from maze_env.generation.streams import below


@njit(cache=True)
def carve(stream, walls):
    """Fills ``walls`` ((rows, cols) uint8, whatever it held) with a spanning tree drawn from ``stream``."""
    rows, cols = walls.shape
    walls[:, :] = 15
    for row in range(rows):
        for col in range(cols):
            if row > 0 and (col == 0 or below(stream, 2) == 0):
                walls[row, col] &= np.uint8(15 ^ 1)
                walls[row - 1, col] &= np.uint8(15 ^ 2)
            elif col > 0:
                walls[row, col] &= np.uint8(15 ^ 4)
                walls[row, col - 1] &= np.uint8(15 ^ 8)
