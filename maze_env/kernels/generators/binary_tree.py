"""The binary-tree maze: each cell opens up or left, by chance. The biased extreme.

The top row and the left column are corridors without a wall across, and every cell's path to the corner (0, 0) goes
up and left only: an agent that has learnt this bias alone looks better here than it is.

Source: Jamis Buck, "Mazes for Programmers" (2015), with north and west.
"""

import numpy as np
from numpy.typing import NDArray

from maze_env.kernels.grid import open_wall
from maze_env.kernels.jit import compiled
from maze_env.kernels.splitmix import below
from maze_env.moves import Walls


@compiled
def carve(stream: NDArray[np.uint64], walls: Walls) -> None:
    """Fills ``walls``, whatever it held, with a spanning tree drawn from ``stream``."""
    rows, cols = walls.shape
    walls[:, :] = 15
    for row in range(rows):
        for col in range(cols):
            if row > 0 and (col == 0 or below(stream, 2) == 0):
                open_wall(walls, row, col, 0)
            elif col > 0:
                open_wall(walls, row, col, 2)
