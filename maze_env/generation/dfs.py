"""Randomised depth-first search ("recursive backtracker"), the generator of the AlphaMaze data.

Method: start in a random cell; go to a random neighbour not yet visited, opening the wall; when there is none, go back
along the way one came. The result is a spanning tree of the grid with long corridors and few short dead ends.

Source: maze-dataset's ``gen_dfs`` (Ivanitskiy et al., arXiv 2309.10498), which AlphaMaze (arXiv 2502.14669) used.
Differs from it: an explicit key instead of a global random state.
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
    way = np.empty(rows * cols, np.int64)
    choices = np.empty(4, np.int64)
    cell = below(stream, rows * cols)
    depth = 0
    while True:
        row, col = cell // cols, cell % cols
        count = 0
        for move in range(4):
            to_row, to_col = row + DELTAS[move, 0], col + DELTAS[move, 1]
            # All four walls: not visited yet. Entering a cell opens one of its walls, and the start, which is not
            # entered, loses one in the first round: no grid is smaller than 2x2, so it has a neighbour to go to.
            if 0 <= to_row < rows and 0 <= to_col < cols and walls[to_row, to_col] == 15:
                choices[count] = move
                count += 1
        if count == 0:
            if depth == 0:
                return
            depth -= 1
            cell = way[depth]
            continue
        move = choices[0] if count == 1 else choices[below(stream, count)]
        walls[row, col] &= np.uint8(15 ^ (1 << move))
        to_row, to_col = row + DELTAS[move, 0], col + DELTAS[move, 1]
        walls[to_row, to_col] &= np.uint8(15 ^ (1 << (move ^ 1)))
        way[depth] = cell
        depth += 1
        cell = to_row * cols + to_col
