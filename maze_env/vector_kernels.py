"""Compiled loops of the vector environment. Imported with it; importing numba takes longer than the rest."""

import numpy as np
from numba import njit

from maze_env.grid_kernels import fill_distances
from maze_env.moves import DELTAS

# Indices into the outcomes that vector.py names.
NO_MOVE, MOVED, HIT_WALL, LEFT_GRID = range(4)


@njit(cache=True)
def fill_all_distances(walls, targets, chosen, distances):
    """Writes ``distances[i]`` ((rows, cols) int16) for the mazes ``chosen`` ((k,) int64)."""
    rows, cols = walls.shape[1:]
    queue = np.empty(rows * cols, np.int64)
    for i in chosen:
        fill_distances(walls[i], targets[i] // cols, targets[i] % cols, distances[i], queue)


@njit(cache=True)
def advance(actions, skipped, walls, distances, positions, steps, max_steps, before, after, outcomes, ends):
    """One move in each environment; those that are ``skipped`` stay as they are.

    Args:
        actions: (n,) int64, 0 to 3. skipped: (n,) bool. walls: (n, cells) uint8. distances: (n, cells) int16.
        positions, steps: (n,) int64, changed in place.
        before, after: out, (n,) int64, the distances to the target. outcomes: out, (n,) uint8.
        ends: out, (2, n) bool: terminated, truncated.
    """
    cols = walls.shape[2]
    for i in range(len(actions)):
        cell = positions[i]
        row, col = cell // cols, cell % cols
        before[i] = distances[i, row, col]
        outcomes[i] = NO_MOVE
        if not skipped[i]:
            move = actions[i]
            to_row, to_col = row + DELTAS[move, 0], col + DELTAS[move, 1]
            if walls[i, row, col] >> move & 1 == 0:
                outcomes[i] = MOVED
                row, col = to_row, to_col
                positions[i] = row * cols + col
            elif 0 <= to_row < walls.shape[1] and 0 <= to_col < cols:
                outcomes[i] = HIT_WALL
            else:
                outcomes[i] = LEFT_GRID
            steps[i] += 1
        after[i] = distances[i, row, col]
        ends[0, i] = after[i] == 0
        ends[1, i] = after[i] != 0 and steps[i] >= max_steps


@njit(cache=True)
def reveal_all(walls, positions, view_radius, seen):
    """Copies what each agent sees from where it stands out of ``walls`` into ``seen``, both (n, rows, cols) uint8."""
    count, rows, cols = walls.shape
    for i in range(count):
        row, col = positions[i] // cols, positions[i] % cols
        for near_row in range(max(0, row - view_radius), min(rows, row + view_radius + 1)):
            for near_col in range(max(0, col - view_radius), min(cols, col + view_radius + 1)):
                seen[i, near_row, near_col] = walls[i, near_row, near_col]


@njit(cache=True)
def describe(walls, distances, positions, agents, masks, left):
    """Writes what the informations say of each environment.

    Args:
        agents: out, (n, 2) int64, row and column. masks: out, (n, 4) int8, 1 where a move is possible.
        left: out, (n,) int64, the distance to the target.
    """
    cols = walls.shape[2]
    for i in range(len(positions)):
        row, col = positions[i] // cols, positions[i] % cols
        agents[i, 0], agents[i, 1] = row, col
        bits = walls[i, row, col]
        for move in range(4):
            masks[i, move] = 1 - (bits >> move & 1)
        left[i] = distances[i, row, col]
