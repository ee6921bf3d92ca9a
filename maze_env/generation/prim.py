"""Randomised Prim, the variant that grows by cells: a random cell beside the tree joins it through a random side.

The result spreads evenly from where it began: many short dead ends, and shortest paths that hardly wind.

Source: R. C. Prim, "Shortest connection networks and some generalizations", Bell System Technical Journal 36 (1957),
with chance in place of weights, in the form of Jamis Buck, "Mazes for Programmers" (2015).
"""

import numpy as np
from numba import njit

from maze_env.generation.streams import below
from maze_env.moves import DELTAS


@njit(cache=True)
def carve(stream, walls):
    """Fills ``walls`` ((rows, cols) uint8, whatever it held) with a spanning tree drawn from ``stream``."""
    rows, cols = walls.shape
    walls[:, :] = 15
    state = np.zeros(rows * cols, np.uint8)  # 0 far off, 1 beside the tree, 2 in it
    beside = np.empty(rows * cols, np.int64)
    choices = np.empty(4, np.int64)
    beside[0] = below(stream, rows * cols)
    waiting = 1
    while waiting > 0:
        chosen = below(stream, waiting)
        cell = beside[chosen]
        waiting -= 1
        beside[chosen] = beside[waiting]
        state[cell] = 2
        count = 0
        for move in range(4):
            to_row, to_col = cell // cols + DELTAS[move, 0], cell % cols + DELTAS[move, 1]
            if 0 <= to_row < rows and 0 <= to_col < cols:
                neighbour = to_row * cols + to_col
                if state[neighbour] == 2:
                    choices[count] = move
                    count += 1
                elif state[neighbour] == 0:
                    state[neighbour] = 1
                    beside[waiting] = neighbour
                    waiting += 1
        if count > 0:  # none for the first cell alone
            move = choices[below(stream, count)]
            neighbour = cell + DELTAS[move, 0] * cols + DELTAS[move, 1]
            walls[cell // cols, cell % cols] &= np.uint8(15 ^ (1 << move))
            walls[neighbour // cols, neighbour % cols] &= np.uint8(15 ^ (1 << (move ^ 1)))
