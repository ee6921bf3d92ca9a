"""Randomised Prim, the variant that grows by cells: a random cell next to the tree joins it through a random side.

The result spreads evenly from where it began: many short dead ends, and shortest paths that hardly wind.

Source: R. C. Prim, "Shortest connection networks and some generalizations", Bell System Technical Journal 36 (1957),
with chance in place of weights, in the form of Jamis Buck, "Mazes for Programmers" (2015).
"""

import numpy as np
from numpy.typing import NDArray

from maze_env.kernels.grid import in_grid, open_wall
from maze_env.kernels.jit import compiled
from maze_env.kernels.splitmix import below
from maze_env.moves import DELTAS, Walls


@compiled
def carve(stream: NDArray[np.uint64], walls: Walls) -> None:
    """Fills ``walls``, whatever it held, with a spanning tree drawn from ``stream``."""
    rows, cols = walls.shape
    walls[:, :] = 15
    state = np.zeros(rows * cols, np.uint8)  # 0 far off, 1 next to the tree, 2 in it
    frontier = np.empty(rows * cols, np.int64)
    choices = np.empty(4, np.int64)
    frontier[0] = below(stream, rows * cols)
    waiting = 1
    while waiting > 0:
        chosen = below(stream, waiting)
        cell = frontier[chosen]
        waiting -= 1
        frontier[chosen] = frontier[waiting]
        state[cell] = 2
        count = 0
        for move in range(4):
            to_row, to_col = cell // cols + DELTAS[move, 0], cell % cols + DELTAS[move, 1]
            if in_grid(rows, cols, to_row, to_col):
                neighbour = to_row * cols + to_col
                if state[neighbour] == 2:
                    choices[count] = move
                    count += 1
                elif state[neighbour] == 0:
                    state[neighbour] = 1
                    frontier[waiting] = neighbour
                    waiting += 1
        if count > 0:  # the first cell has none
            move = choices[below(stream, count)]
            open_wall(walls, cell // cols, cell % cols, move)
