"""Randomised depth-first search ("recursive backtracker"), the generator of the AlphaMaze data.

Method: start in a random cell; go to a random neighbour not yet visited, opening the wall; when there is none, go back
along the path one came. The result is a spanning tree of the grid with long corridors and few short dead ends.

Source: maze-dataset's ``gen_dfs`` (Ivanitskiy et al., arXiv 2309.10498), which AlphaMaze (arXiv 2502.14669) used.
Differs from it: an explicit key instead of a global random state.
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
    path = np.empty(rows * cols, np.int64)
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
            if in_grid(rows, cols, to_row, to_col) and walls[to_row, to_col] == 15:
                choices[count] = move
                count += 1
        if count == 0:
            if depth == 0:
                return
            depth -= 1
            cell = path[depth]
            continue
        move = choices[0] if count == 1 else choices[below(stream, count)]
        open_wall(walls, row, col, move)
        path[depth] = cell
        depth += 1
        cell = (row + DELTAS[move, 0]) * cols + col + DELTAS[move, 1]
