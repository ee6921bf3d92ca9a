"""Loops of the vector environment."""

import numpy as np
from numpy.typing import NDArray

from maze_env.kernels.grid import fill_distances
from maze_env.kernels.jit import compiled
from maze_env.moves import ALL_WALLS, Walls

# Indices into ``maze_env.state.OUTCOMES``; ``advance`` counts on this order.
NO_MOVE, MOVED, HIT_WALL, LEFT_GRID = range(4)
NEARER = 4  # bits between a side and whether it leads nearer to the target


@compiled
def fill_all_sides(
    walls: NDArray[np.uint8],  # (n, rows, cols)
    origins: NDArray[np.int64],  # (n,), cells numbered row by row
    targets: NDArray[np.int64],  # (n,), likewise
    chosen: NDArray[np.int64],  # (k,), indices of the mazes
    sides: NDArray[np.uint8],  # out, (n, rows, cols); only those of ``chosen`` are written
    start_distances: NDArray[np.int64],  # out, (n,), moves from origin to target; likewise
) -> None:
    """What ``advance`` asks of the cells of some of n mazes: the walls, and four bits on, which moves lead nearer."""
    count, rows, cols = walls.shape
    distances, queue = np.empty((rows, cols), np.int16), np.empty(rows * cols, np.int64)
    all_walls, all_sides, moves = walls.reshape((count, -1)), sides.reshape((count, -1)), distances.reshape(-1)
    strides = (-cols, cols, -1, 1)  # to the neighbour on each side
    for i in chosen:
        fill_distances(walls[i], targets[i] // cols, targets[i] % cols, distances, queue)
        start_distances[i] = moves[origins[i]]
        for cell in range(rows * cols):
            bits = np.int64(all_walls[i, cell]) & ALL_WALLS
            for move in range(4):
                if bits >> move & 1 == 0 and moves[np.uint64(cell + strides[move])] < moves[np.uint64(cell)]:
                    bits |= 1 << move + NEARER
            all_sides[i, cell] = bits


@compiled
def advance(
    actions: NDArray[np.int64],  # (n,), 0 to 3
    skipped: NDArray[np.bool_],  # (n,), environments that stay as they are
    sides: NDArray[np.uint8],  # (n, rows, cols), as ``fill_all_sides`` fills it
    border: Walls,  # the walls of a grid without inner ones
    action_masks: NDArray[np.int8],  # (16, 4), by the walls of a cell
    cells: NDArray[np.int64],  # (rows * cols, 2), row and column of each cell
    max_steps: int,  # steps before truncation
    before: NDArray[np.int64],  # (n,), distance to the target before the move
    here: NDArray[np.uint8],  # in and out, (n,), the ``sides`` of each agent's cell
    agents: NDArray[np.int64],  # out, (n, 2), row and column
    positions: NDArray[np.int64],  # in and out, (n,), row * cols + col
    steps: NDArray[np.int64],  # in and out, (n,), steps since the reset
    after: NDArray[np.int64],  # out, (n,), distance to the target after the move
    outcomes: NDArray[np.uint8],  # out, (n,), see ``NO_MOVE`` and its like
    masks: NDArray[np.int8],  # out, (n, 4), 1 where a move is possible
    ends: NDArray[np.bool_],  # out, (2, n), terminated and truncated
) -> None:
    """One move in each environment."""
    # Several short loops: the compiler keeps what each needs in registers, and works on many environments at a time
    # where it can. Branchless, because whether a move is possible is as good as random. Indices are unsigned, or each
    # access would first ask whether to count from the end. Of a maze one byte is read, because most of the time goes
    # into waiting for memory: that a move leads nearer says the distance too, since neighbours never are equally far.
    count, rows, cols = sides.shape
    size = rows * cols
    all_sides, border_walls = sides.reshape(-1), border.reshape(-1)
    mask_words, new_masks = action_masks.view(np.uint32).reshape(-1), masks.view(np.uint32).reshape(-1)
    for i in range(count):
        is_open = 1 - (np.int64(here[i]) >> actions[i] & 1)
        at_border = np.int64(border_walls[np.uint64(positions[i])]) >> actions[i] & 1
        outcomes[i] = (HIT_WALL - is_open + at_border) * np.int64(not skipped[i])
    for i in range(count):
        move = actions[i]
        moved = (1 - (np.int64(here[i]) >> move & 1)) * np.int64(not skipped[i])
        positions[i] += moved * (2 * (move & 1) - 1) * (cols if move < 2 else 1)
        after[i] = before[i] + moved * (1 - 2 * (np.int64(here[i]) >> (move + NEARER) & 1))
        steps[i] += np.int64(not skipped[i])
    for i in range(count):
        here[i] = all_sides[np.uint64(i * size + positions[i])]
        new_masks[i] = mask_words[np.uint64(here[i]) & np.uint64(ALL_WALLS)]
    for i in range(count):
        cell = np.uint64(positions[i])
        agents[i, 0], agents[i, 1] = cells[cell, 0], cells[cell, 1]
    for i in range(count):
        ends[0, i] = after[i] == 0
        ends[1, i] = (after[i] != 0) & (steps[i] >= max_steps)


@compiled
def number_runs(
    outcomes: NDArray[np.uint8],  # (n,), see ``NO_MOVE`` and its like
    runs: NDArray[np.int64],  # out, (n / 4 rounded up,), rows of ``maze_env.state.OUTCOME_RUNS``
) -> None:
    """The number of each run of four outcomes. One that is cut short goes on with the last outcome."""
    last = len(outcomes) - 1
    for i in range(len(runs)):
        run = np.int64(0)
        for place in range(4 * i, 4 * i + 4):
            run = run << 2 | np.int64(outcomes[np.uint64(min(place, last))])
        runs[i] = run


@compiled
def solved_rewards(
    before: NDArray[np.int64],  # (n,), distance to the target before a move
    after: NDArray[np.int64],  # (n,), and after it
    start: NDArray[np.int64],  # (n,), and at the reset
    progress: float,  # ``maze_env.rewards.PROGRESS``
    rewards: NDArray[np.float64],  # out, (n,)
) -> None:
    """``maze_env.rewards.solved_step`` of each environment."""
    for i in range(len(rewards)):
        rewards[i] = progress * (before[i] - after[i]) / start[i] + (after[i] == 0)


@compiled
def reveal_all(
    walls: NDArray[np.uint8],  # (n, rows, cols)
    agents: NDArray[np.int64],  # (n, 2), row and column
    view_radius: int,  # rows and columns seen on each side
    visible: NDArray[np.uint8],  # out, (n, rows, cols); cells out of view stay as they are
) -> None:
    """Copies the walls that each agent sees from where it stands."""
    count, rows, cols = walls.shape
    for i in range(count):
        row, col = agents[i, 0], agents[i, 1]
        for near_row in range(max(0, row - view_radius), min(rows, row + view_radius + 1)):
            for near_col in range(max(0, col - view_radius), min(cols, col + view_radius + 1)):
                visible[i, near_row, near_col] = walls[i, near_row, near_col]
