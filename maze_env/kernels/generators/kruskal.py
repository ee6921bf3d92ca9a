"""Randomised Kruskal: inner walls are opened in random order wherever they part two trees.

The result is the minimum spanning tree of random weights: many short dead ends, no preferred direction. (The usual
"randomised Prim" with weights on walls draws from this same distribution; ``prim.py`` is the other one.)

Source: J. B. Kruskal, "On the shortest spanning subtree of a graph and the traveling salesman problem", Proc. AMS 7
(1956), with the walls shuffled in place of sorted; Jamis Buck, "Mazes for Programmers" (2015).
"""

import numpy as np
from numpy.typing import NDArray

from maze_env.kernels.grid import open_wall
from maze_env.kernels.jit import compiled
from maze_env.kernels.splitmix import below
from maze_env.moves import DELTAS, Walls


@compiled
def carve(stream: NDArray[np.uint64], walls: Walls) -> None:
    """Fills ``walls``, whatever it held, with a spanning tree drawn from ``stream``."""
    rows, cols = walls.shape
    walls[:, :] = 15
    parent = np.arange(rows * cols)
    sides = np.empty(2 * rows * cols, np.int64)  # 2 * cell for the side below it, one more for the side to its right
    count = 0
    for cell in range(rows * cols):
        if cell // cols + 1 < rows:
            sides[count] = 2 * cell
            count += 1
        if cell % cols + 1 < cols:
            sides[count] = 2 * cell + 1
            count += 1
    missing = rows * cols - 1
    while missing > 0:
        chosen = below(stream, count)
        side = sides[chosen]
        count -= 1
        sides[chosen] = sides[count]
        cell, move = side // 2, 3 if side % 2 else 1
        neighbour = cell + DELTAS[move, 0] * cols + DELTAS[move, 1]
        root, other = cell, neighbour
        while parent[root] != root:
            parent[root] = parent[parent[root]]
            root = parent[root]
        while parent[other] != other:
            parent[other] = parent[parent[other]]
            other = parent[other]
        if root != other:
            parent[other] = root
            missing -= 1
            open_wall(walls, cell // cols, cell % cols, move)
