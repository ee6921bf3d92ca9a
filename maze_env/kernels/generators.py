"""The maze algorithms: each opens ``walls``, all closed before, to a spanning tree of the grid drawn from ``stream``.

To add one, write it here, call it in ``kernels.generation.carve`` under a new number, and give that number a name in
``maze_env.generation.GENERATORS``. Buck's book is Jamis Buck, "Mazes for Programmers" (2015).
"""

import numpy as np
from numpy.typing import NDArray

from maze_env.kernels.grid import in_grid, open_wall
from maze_env.kernels.jit import compiled
from maze_env.kernels.splitmix import below
from maze_env.moves import ALL_WALLS, DELTAS, Walls

NOT_VISITED = 16
# By the bits of a set of moves: how many there are, and which, in their order.
COUNTS = np.array([bits.bit_count() for bits in range(16)], np.int64)
MOVES_OF = np.array([sorted(range(4), key=lambda move: not bits >> move & 1) for bits in range(16)], np.int64)


@compiled
def dfs(stream: NDArray[np.uint64], walls: Walls) -> None:
    """Randomised depth-first search ("recursive backtracker"), the generator of the AlphaMaze data.

    Method: start in a random cell; go to a random neighbour not yet visited, opening the wall; when there is none, go
    back along the path one came. The result has long corridors and few short dead ends.

    Source: maze-dataset's ``gen_dfs`` (Ivanitskiy et al., arXiv 2309.10498), which AlphaMaze (arXiv 2502.14669) used.
    Differs from it: an explicit key instead of a global random state.
    """
    # The walls with a margin around them, which counts as visited: no neighbour need be asked whether it is on the
    # grid.
    # Indices are unsigned, or each access would first ask whether to count from the end.
    rows, cols = walls.shape
    width = cols + 1  # of a row and the margin to its left, which is the one to the right of the row above
    strides = (-width, width, -1, 1)
    grid = np.zeros((rows + 2) * width + 1, np.uint8)
    for row in range(rows):
        for col in range(cols):
            grid[np.uint64((row + 1) * width + col + 1)] = NOT_VISITED
    path = np.empty(rows * cols, np.int64)
    start = below(stream, rows * cols)
    cell = (start // cols + 1) * width + start % cols + 1
    grid[np.uint64(cell)] = ALL_WALLS
    depth = 0
    while True:
        choices = np.int64(0)
        for move in range(4):
            choices |= np.int64(grid[np.uint64(cell + strides[move])] // NOT_VISITED) << move
        count = COUNTS[np.uint64(choices)]
        if count == 0:
            if depth == 0:
                break
            depth -= 1
            cell = path[np.uint64(depth)]
            continue
        chosen = 0 if count == 1 else below(stream, count)
        taken = MOVES_OF[np.uint64(choices), np.uint64(chosen)]
        path[np.uint64(depth)] = cell
        depth += 1
        grid[np.uint64(cell)] ^= np.uint8(1 << taken)
        cell += strides[taken]
        grid[np.uint64(cell)] = np.uint8(ALL_WALLS ^ (1 << (taken ^ 1)))
    for row in range(rows):
        for col in range(cols):
            walls[row, col] = grid[np.uint64((row + 1) * width + col + 1)]


@compiled
def wilson(stream: NDArray[np.uint64], walls: Walls) -> None:
    """Wilson's algorithm: every spanning tree of the grid with the same chance.

    Method: from each cell not yet in the tree, walk at random until the tree is met, forgetting every loop the walk
    makes; what is left of the walk joins the tree.

    Source: David B. Wilson, "Generating random spanning trees more quickly than the cover time", STOC 1996, where its
    uniformity is proved. The tree's first cell may be any; here it is drawn, which changes nothing but the time taken.
    """
    rows, cols = walls.shape
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


@compiled
def kruskal(stream: NDArray[np.uint64], walls: Walls) -> None:
    """Randomised Kruskal: inner walls are opened in random order wherever they part two trees.

    The result is the minimum spanning tree of random weights: many short dead ends, no preferred direction. (The usual
    "randomised Prim" with weights on walls draws from this same distribution; ``prim`` is the other one.)

    Source: J. B. Kruskal, "On the shortest spanning subtree of a graph and the traveling salesman problem", Proc. AMS 7
    (1956), with the walls shuffled in place of sorted; Buck.
    """
    rows, cols = walls.shape
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


@compiled
def prim(stream: NDArray[np.uint64], walls: Walls) -> None:
    """Randomised Prim, the variant that grows by cells: a random cell next to the tree joins it through a random side.

    The result spreads evenly from where it began: many short dead ends, and shortest paths that hardly wind.

    Source: R. C. Prim, "Shortest connection networks and some generalizations", Bell System Technical Journal 36
    (1957), with chance in place of weights, in the form of Buck.
    """
    rows, cols = walls.shape
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


@compiled
def binary_tree(stream: NDArray[np.uint64], walls: Walls) -> None:
    """The binary-tree maze: each cell opens up or left, by chance. The biased extreme.

    The top row and the left column are corridors without a wall across, and every cell's path to the corner (0, 0) goes
    up and left only: an agent that has learnt this bias alone looks better here than it is. Source: Buck, with north
    and west.
    """
    rows, cols = walls.shape
    for row in range(rows):
        for col in range(cols):
            if row > 0 and (col == 0 or below(stream, 2) == 0):
                open_wall(walls, row, col, 0)
            elif col > 0:
                open_wall(walls, row, col, 2)


@compiled
def open_dead_ends(stream: NDArray[np.uint64], walls: Walls, share: float) -> None:
    """Braids a layout: opens one closed side of that share of its dead ends, in random order, which makes loops.

    One that an earlier opening has reached already is no dead end any more, and counts as opened.

    Source of the term and the idea: Walter D. Pullen, "Think Labyrinth"
    (https://www.astrolog.org/labyrnth/algrithm.htm). Here the share is exact rather than a chance for each dead end, so
    that ``braid=1`` leaves none.
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
