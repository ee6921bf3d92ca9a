"""Wilson's algorithm: every spanning tree of the grid with the same chance.

Method: from each cell not yet in the tree, walk at random until the tree is met, forgetting every loop the walk makes;
what is left of the walk joins the tree.

Source: David B. Wilson, "Generating random spanning trees more quickly than the cover time", STOC 1996, where its
uniformity is proved. The tree's first cell may be any; here it is drawn, which changes nothing but the time taken.
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
    in_tree = np.zeros(rows * cols, np.bool_)
    last_exit = np.empty(rows * cols, np.int64)  # overwritten when the walk comes by again: that forgets the loop
    choices = np.empty(4, np.int64)
    in_tree[below(stream, rows * cols)] = True
    for start in range(rows * cols):
        cell = start
        while not in_tree[cell]:
            count = 0
            for move in range(4):
                to_row, to_col = cell // cols + DELTAS[move, 0], cell % cols + DELTAS[move, 1]
                if in_grid(rows, cols, to_row, to_col):
                    choices[count] = move
                    count += 1
            move = choices[below(stream, count)]
            last_exit[cell] = move
            cell += DELTAS[move, 0] * cols + DELTAS[move, 1]
        cell = start
        while not in_tree[cell]:
            in_tree[cell] = True
            move = last_exit[cell]
            open_wall(walls, cell // cols, cell % cols, move)
            cell += DELTAS[move, 0] * cols + DELTAS[move, 1]
