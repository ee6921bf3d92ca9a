"""From keys to mazes: layout, loops, split, endpoints. One maze and a batch of them are the same loop."""

import numpy as np
from numpy.typing import NDArray

from maze_env.kernels import generators
from maze_env.kernels.grid import fewest_turns, fill_distances, fill_turns, layout_hash
from maze_env.kernels.jit import compiled, inlined
from maze_env.kernels.splitmix import GOLDEN, below, mix
from maze_env.moves import Walls

DFS, WILSON, KRUSKAL, PRIM, BINARY_TREE, GIVEN = range(6)


@compiled
def carve(algorithm: int, stream: NDArray[np.uint64], walls: Walls) -> None:
    """Fills ``walls``, whatever it held, by the algorithm of that number; ``GIVEN`` leaves it as it is."""
    if algorithm == GIVEN:
        return
    walls[:, :] = 15
    if algorithm == DFS:
        generators.dfs(stream, walls)
    elif algorithm == WILSON:
        generators.wilson(stream, walls)
    elif algorithm == KRUSKAL:
        generators.kruskal(stream, walls)
    elif algorithm == PRIM:
        generators.prim(stream, walls)
    else:
        generators.binary_tree(stream, walls)


@inlined
def set_ends(ends: NDArray[np.int64], cols: int, origin: int | np.int64, target: int | np.int64) -> None:
    """Writes rows and columns of both cells, which are numbered row by row."""
    ends[0], ends[1], ends[2], ends[3] = origin // cols, origin % cols, target // cols, target % cols


@compiled
def fill_batch(
    keys: NDArray[np.uint64],  # (n,)
    algorithm: int,  # its number, see ``carve``
    braid_share: float,  # of the dead ends to open, 0 to 1
    lengths: NDArray[np.int64],  # (n, 2), min and max moves of the shortest path
    turns: tuple[int, int],  # min and max of the fewest turns of a shortest path; a min below 0 means no bounds
    low_hash: np.uint64,  # min of the layout's hash, inclusive; ignored unless ``check_hash``
    high_hash: np.uint64,  # max, inclusive
    check_hash: bool,  # whether the hash is bounded
    max_tries: int,  # layouts tried for one maze. In each, every cell is tried as origin, from a random one on
    max_work: int,  # cells of distance maps computed for one maze; ends the search in a large grid sooner
    walls: NDArray[np.uint8],  # out, (n, rows, cols)
    ends: NDArray[np.int64],  # out, (n, 4): origin row, col, target row, col
) -> tuple[int, int]:
    """Makes maze ``i`` from ``keys[i]`` alone; returns the first that was not found, or -1, and the layouts tried."""
    count, rows, cols = walls.shape
    size = rows * cols
    stream = np.empty(1, np.uint64)
    distances = np.empty((rows, cols), np.int16)
    queue = np.empty(size, np.int64)
    fitting = np.empty(size, np.int64)
    turns_by_move = np.empty((rows, cols, 4), np.int16)
    for i in range(count):
        min_length, max_length = lengths[i, 0], lengths[i, 1]
        # A given layout need not be connected.
        bounded = algorithm == GIVEN or min_length > 1 or max_length < size - 1 or turns[0] >= 0
        found, work, attempt = False, 0, 0
        while not found:
            if attempt == max_tries or work > max_work:
                return i, attempt
            stream[0] = mix(keys[i] + np.uint64(attempt) * GOLDEN)
            attempt += 1
            carve(algorithm, stream, walls[i])
            if braid_share > 0:
                generators.open_dead_ends(stream, walls[i], braid_share)
            if check_hash:
                value = layout_hash(walls[i])
                if value < low_hash or value > high_hash:
                    continue
            first = below(stream, size)
            if not bounded:  # every other cell can be the target
                target = below(stream, size - 1)
                target += target >= first
                set_ends(ends[i], cols, first, target)
                found = True
                continue
            for shift in range(size):
                origin = (first + shift) % size
                work += size
                reached = fill_distances(walls[i], origin // cols, origin % cols, distances, queue)
                farthest = queue[reached - 1]
                if reached == size and 2 * distances[farthest // cols, farthest % cols] < min_length:
                    break  # no two cells of this layout are so far apart (else 64x64 takes half an hour to fail)
                if turns[0] >= 0:
                    fill_turns(walls[i], distances, queue, reached, turns_by_move)
                candidates = 0
                for cell in range(size):
                    row, col = cell // cols, cell % cols
                    if min_length <= distances[row, col] <= max_length and (
                        turns[0] < 0 or turns[0] <= fewest_turns(turns_by_move, row, col) <= turns[1]
                    ):
                        fitting[candidates] = cell
                        candidates += 1
                if candidates > 0:
                    target = fitting[below(stream, candidates)]
                    set_ends(ends[i], cols, origin, target)
                    found = True
                    break
                if work > max_work:
                    break
    return -1, 0
