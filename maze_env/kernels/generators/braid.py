"""Braiding: opens dead ends of a layout, which makes loops, and with them several shortest paths.

Source of the term and the idea: Walter D. Pullen, "Think Labyrinth" (https://www.astrolog.org/labyrnth/algrithm.htm).
Here the share is exact rather than a chance for each dead end, so that ``braid=1`` leaves none.
"""

import numpy as np
from numpy.typing import NDArray

from maze_env.kernels.grid import in_grid, open_wall
from maze_env.kernels.jit import compiled
from maze_env.kernels.splitmix import below
from maze_env.moves import DELTAS, Walls


@compiled
def open_dead_ends(stream: NDArray[np.uint64], walls: Walls, share: float) -> None:
    """Opens one closed side of that share of the dead ends of ``walls``, in random order.

    One that an earlier opening has reached already is no dead end any more, and counts as opened.
    """
    rows, cols = walls.shape
    ends = np.empty(rows * cols, np.int64)
    choices = np.empty(4, np.int64)
    count = 0
    for cell in range(rows * cols):
        if _is_dead_end(walls[cell // cols, cell % cols]):
            ends[count] = cell
            count += 1
    for _ in range(int(share * count + 0.5)):
        chosen = below(stream, count)
        cell = ends[chosen]
        count -= 1
        ends[chosen] = ends[count]
        row, col = cell // cols, cell % cols
        if not _is_dead_end(walls[row, col]):
            continue
        closed = 0
        for move in range(4):
            to_row, to_col = row + DELTAS[move, 0], col + DELTAS[move, 1]
            if walls[row, col] >> move & 1 and in_grid(rows, cols, to_row, to_col):
                choices[closed] = move
                closed += 1
        move = choices[below(stream, closed)]  # even a corner cell has two sides inside the grid, one of them closed
        open_wall(walls, row, col, move)


@compiled
def _is_dead_end(bits: int) -> bool:
    return bits == 7 or bits == 11 or bits == 13 or bits == 14
