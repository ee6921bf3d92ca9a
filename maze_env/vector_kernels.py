"""Compiled loops of the vector environment. Imported with it; importing numba takes longer than the rest."""

import numpy as np
from numba import njit

from maze_env.grid_kernels import fill_distances
from maze_env.moves import DELTAS

# Indices into the outcomes that vector.py names; ``advance`` counts on NO_MOVE being 0.
NO_MOVE, MOVED, HIT_WALL, LEFT_GRID = range(4)


@njit(cache=True)
def fill_all_distances(walls, targets, chosen, distances):
    """Writes ``distances[i]`` ((rows, cols) int16) for the mazes ``chosen`` ((k,) int64)."""
    rows, cols = walls.shape[1:]
    queue = np.empty(rows * cols, np.int64)
    for i in chosen:
        fill_distances(walls[i], targets[i] // cols, targets[i] % cols, distances[i], queue)


@njit(cache=True)
def advance(
    actions, skipped, walls, distances, agents, positions, steps, max_steps, before, after, outcomes, masks, ends
):
    """One move in each environment; those that are ``skipped`` stay as they are.

    Rows and columns are kept beside the numbers of cells: to get them back by division would take longer than all else.

    Args:
        actions: (n,) int64, 0 to 3. skipped: (n,) bool. walls: (n, rows, cols) uint8. distances: the same, int16.
        agents: (n, 2) int64, row and column, changed in place with positions and steps, (n,) int64.
        before, after: out, (n,) int64, the distances to the target. outcomes: out, (n,) uint8.
        masks: out, (n, 4) int8, 1 where a move is possible next. ends: out, (2, n) bool: terminated, truncated.
    """
    rows, cols = walls.shape[1], walls.shape[2]
    for i in range(len(actions)):
        row, col = agents[i, 0], agents[i, 1]
        before[i] = distances[i, row, col]
        move = actions[i]
        to_row, to_col = row + DELTAS[move, 0], col + DELTAS[move, 1]
        # Sums in place of branches: whether a move is possible is as good as random, and wrong guesses cost the most.
        plays = 1 - np.int64(skipped[i])
        wall = np.int64(walls[i, row, col]) >> move & 1
        inside = np.int64(to_row >= 0) & np.int64(to_row < rows) & np.int64(to_col >= 0) & np.int64(to_col < cols)
        moved = plays * (1 - wall)
        row += moved * DELTAS[move, 0]
        col += moved * DELTAS[move, 1]
        agents[i, 0], agents[i, 1] = row, col
        positions[i] = row * cols + col
        steps[i] += plays
        outcomes[i] = plays * (MOVED + wall * (LEFT_GRID - MOVED - inside * (LEFT_GRID - HIT_WALL)))
        left = distances[i, row, col]
        after[i] = left
        bits = walls[i, row, col]
        masks[i, 0] = 1 - (bits & 1)
        masks[i, 1] = 1 - (bits >> 1 & 1)
        masks[i, 2] = 1 - (bits >> 2 & 1)
        masks[i, 3] = 1 - (bits >> 3 & 1)
        ends[0, i] = left == 0
        ends[1, i] = (left != 0) & (steps[i] >= max_steps)


@njit(cache=True)
def reveal_all(walls, agents, view_radius, seen):
    """Copies what each agent sees from where it stands out of ``walls`` into ``seen``, both (n, rows, cols) uint8."""
    count, rows, cols = walls.shape
    for i in range(count):
        row, col = agents[i, 0], agents[i, 1]
        for near_row in range(max(0, row - view_radius), min(rows, row + view_radius + 1)):
            for near_col in range(max(0, col - view_radius), min(cols, col + view_radius + 1)):
                seen[i, near_row, near_col] = walls[i, near_row, near_col]
