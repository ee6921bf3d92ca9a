"""From a key to a maze, compiled: layout, split, endpoints. One maze and a batch of them are the same loop."""

import numpy as np
from numba import njit

from maze_env.generation import dfs
from maze_env.generation.streams import GOLDEN, below, mix
from maze_env.grid_kernels import fill_distances, layout_hash

DFS = 0


@njit(cache=True)
def fill_batch(keys, algorithm, min_lengths, max_lengths, low_hash, high_hash, check_hash, max_tries, walls, ends):
    """Makes maze ``i`` from ``keys[i]`` and the parameters alone.

    Args:
        keys: (n,) uint64. min_lengths, max_lengths: (n,) int64, inclusive bounds of the shortest path.
        low_hash, high_hash: inclusive bounds of the layout's hash, looked at when ``check_hash``.
        max_tries: layouts tried for one maze. For each, every cell in turn from a random one on is tried as origin.
        walls: out, (n, rows, cols) uint8. ends: out, (n, 4) int64: origin row, col, target row, col.

    Returns:
        The index of the first maze that was not found within ``max_tries``, or -1.
    """
    count, rows, cols = walls.shape
    stream = np.empty(1, np.uint64)
    distances = np.empty((rows, cols), np.int16)
    queue = np.empty(rows * cols, np.int64)
    for i in range(count):
        found = False
        for attempt in range(max_tries):
            stream[0] = mix(keys[i] + np.uint64(attempt) * GOLDEN)
            if algorithm == DFS:
                dfs.carve(stream, walls[i])
            if check_hash:
                value = layout_hash(walls[i])
                if value < low_hash or value > high_hash:
                    continue
            first = below(stream, rows * cols)
            for shift in range(rows * cols):
                origin = (first + shift) % (rows * cols)
                reached = fill_distances(walls[i], origin // cols, origin % cols, distances, queue)
                farthest = queue[reached - 1]
                if 2 * distances[farthest // cols, farthest % cols] < min_lengths[i]:
                    break  # no two cells of this layout are so far apart (else 64x64 takes half an hour to fail)
                fitting = 0
                for row in range(rows):
                    for col in range(cols):
                        if min_lengths[i] <= distances[row, col] <= max_lengths[i]:
                            fitting += 1
                if fitting == 0:
                    continue
                chosen = below(stream, fitting)
                for cell in range(rows * cols):
                    if min_lengths[i] <= distances[cell // cols, cell % cols] <= max_lengths[i]:
                        if chosen == 0:
                            ends[i, 0], ends[i, 1] = origin // cols, origin % cols
                            ends[i, 2], ends[i, 3] = cell // cols, cell % cols
                            found = True
                            break
                        chosen -= 1
                break
            if found:
                break
        if not found:
            return i
    return -1
