"""Loops over one wall layout: distances, turns of the shortest paths, and the canonical form with its hash."""

import numpy as np
from numpy.typing import NDArray

from maze_env.kernels.jit import compiled, inlined
from maze_env.kernels.splitmix import GOLDEN, mix
from maze_env.moves import ALL_WALLS, DELTAS, UNREACHABLE, UNSEEN_BITS, Distances, Walls


@inlined
def in_grid(rows: int, cols: int, row: int, col: int) -> bool:
    """Whether (row, col) is a cell of a grid of rows x cols."""
    return 0 <= row < rows and 0 <= col < cols


@inlined
def open_wall(walls: Walls, row: int, col: int, move: int) -> None:
    """Opens the side ``move`` of the cell (row, col), from both its cells."""
    walls[row, col] &= np.uint8(15 ^ (1 << move))
    walls[row + DELTAS[move, 0], col + DELTAS[move, 1]] &= np.uint8(15 ^ (1 << (move ^ 1)))


@compiled
def fill_distances(
    walls: Walls,
    row: int,  # of the cell that distances are measured to
    col: int,  # of that cell
    distances: Distances,  # out; ``UNREACHABLE`` where there is no path
    queue: NDArray[np.int64],  # scratch, (rows * cols,); holds the reachable cells afterwards, nearest first
) -> int:
    """Breadth-first search from (row, col); returns the number of reachable cells."""
    cols = walls.shape[1]
    return search(walls.ravel(), cols, row * cols + col, distances.reshape(-1), queue)


@compiled
def search(
    bits: bytes | Walls,  # the wall bytes of a grid in row-major order
    cols: int,  # of the grid
    target: int,  # the cell that distances are measured to, numbered row by row
    distances: Distances,  # out, (rows * cols,), as of ``fill_distances``
    queue: NDArray[np.int64],  # likewise
) -> int:
    """``fill_distances`` of a grid in row-major order."""
    # Indices are unsigned, or each access would first ask whether to count from the end.
    strides = (-cols, cols, -1, 1)  # to the neighbour on each side
    distances[:] = UNREACHABLE
    queue[0] = target
    distances[np.uint64(target)] = 0
    head, tail = 0, 1
    while head < tail:
        cell = queue[np.uint64(head)]
        head += 1
        further = distances[np.uint64(cell)] + 1
        open_sides = ~np.int64(bits[np.uint64(cell)])
        for move in range(4):
            if open_sides >> move & 1:
                neighbour = cell + strides[move]
                if distances[np.uint64(neighbour)] == UNREACHABLE:
                    distances[np.uint64(neighbour)] = further
                    queue[np.uint64(tail)] = neighbour
                    tail += 1
    return tail


@compiled
def replay(
    bits: bytes,  # the wall bytes of a grid in row-major order
    cols: int,  # of the grid
    cell: int,  # where the agent starts, numbered row by row
    target: int,  # likewise
    moves: bytes,  # 0 to 3 each
) -> tuple[int, int]:
    """Moves played before the first that a wall stops or that follows the target, and the cell they lead to."""
    strides = (-cols, cols, -1, 1)
    for played in range(len(moves)):
        move = np.int64(moves[played])
        if cell == target or np.int64(bits[np.uint64(cell)]) >> move & 1:
            return played, cell
        cell += strides[move]
    return len(moves), cell


@compiled
def replay_and_measure(
    bits: bytes,  # the wall bytes of a grid in row-major order
    rows: int,  # of the grid
    cols: int,  # likewise
    origin: int,  # where the agent starts, numbered row by row
    target: int,  # likewise
    moves: bytes,  # 0 to 3 each
) -> tuple[int, int, int, int]:
    """What ``replay`` returns, and the distances to the target from the origin and from where the replay ends."""
    distances, queue = np.empty(rows * cols, np.int16), np.empty(rows * cols, np.int64)
    search(bits, cols, target, distances, queue)
    played, cell = replay(bits, cols, origin, target, moves)
    return played, cell, distances[origin], distances[cell]


@compiled
def walls_agree(
    bits: bytes | bytearray,  # the wall bytes of a grid in row-major order
    rows: int,  # of the grid
    cols: int,  # likewise
) -> bool:
    """Whether these are the walls of a maze; ``maze.check_walls`` says why not."""
    # Each side is looked at once, from the cell to its right or below it; around the grid there are walls.
    for row in range(rows + 1):
        left = np.int64(1)
        for col in range(cols):
            cell = row * cols + col
            above = np.int64(bits[np.uint64(cell - cols)]) >> 1 & 1 if row > 0 else 1
            walls = np.int64(bits[np.uint64(cell)]) if row < rows else np.int64(ALL_WALLS)
            if walls > ALL_WALLS or walls & 1 != above or walls >> 2 & 1 != left:
                return False
            left = walls >> 3 & 1
        if left == 0:
            return False
    return True


@compiled
def fill_unseen(seen: Walls, walls: Walls) -> None:
    """Writes into ``walls`` what ``seen`` shows; unseen cells get the walls of seen neighbours and of the border."""
    rows, cols = seen.shape
    for row in range(rows):
        for col in range(cols):
            bits = int(seen[row, col])
            if bits == UNSEEN_BITS:
                bits = 0
                for move in range(4):
                    to_row, to_col = row + DELTAS[move, 0], col + DELTAS[move, 1]
                    # An unseen neighbour shows no wall: of its bits only the fifth is set.
                    if not in_grid(rows, cols, to_row, to_col) or seen[to_row, to_col] >> (move ^ 1) & 1:
                        bits |= 1 << move
            walls[row, col] = bits


@compiled
def fill_turns(
    walls: Walls,
    distances: Distances,  # as ``fill_distances`` left it
    queue: NDArray[np.int64],  # likewise
    reached: int,  # what it returned
    turns: NDArray[np.int16],  # out, (rows, cols, 4); -1 where no shortest path to a cell ends with that move
) -> None:
    """The fewest turns of a shortest path to each cell, by its last move."""
    cols = walls.shape[1]
    turns[:, :, :] = -1
    for index in range(1, reached):
        row, col = queue[index] // cols, queue[index] % cols
        for move in range(4):
            if walls[row, col] >> (move ^ 1) & 1:
                continue
            from_row, from_col = row - DELTAS[move, 0], col - DELTAS[move, 1]
            if distances[from_row, from_col] != distances[row, col] - 1:
                continue
            if distances[row, col] == 1:
                turns[row, col, move] = 0
                continue
            for before in range(4):
                if turns[from_row, from_col, before] >= 0:
                    made = turns[from_row, from_col, before] + (before != move)
                    if turns[row, col, move] < 0 or made < turns[row, col, move]:
                        turns[row, col, move] = made


@compiled
def fewest_turns(turns: NDArray[np.int16], row: int, col: int) -> int:
    """The fewest turns of any shortest path to (row, col); ``turns`` as ``fill_turns`` writes it."""
    fewest = -1
    for move in range(4):
        if turns[row, col, move] >= 0 and (fewest < 0 or turns[row, col, move] < fewest):
            fewest = turns[row, col, move]
    return fewest


@compiled
def image_cell(walls: Walls, symmetry: int, row: int, col: int) -> np.int64:
    """The wall byte at (row, col) of the image of ``walls`` under ``symmetry`` (numbered as in ``symmetry.py``)."""
    rows, cols = walls.shape
    if symmetry & 4:
        rows, cols = cols, rows
    if symmetry & 2:
        row = rows - 1 - row
    if symmetry & 1:
        col = cols - 1 - col
    if symmetry & 4:
        row, col = col, row
    bits = np.int64(walls[row, col])
    up, down, left, right = bits & 1, bits >> 1 & 1, bits >> 2 & 1, bits >> 3 & 1
    if symmetry & 4:
        up, down, left, right = left, right, up, down
    if symmetry & 2:
        up, down = down, up
    if symmetry & 1:
        left, right = right, left
    return up | down << 1 | left << 2 | right << 3


@compiled
def canonical_symmetry(walls: Walls) -> int:
    """The symmetry whose image is the canonical layout: rows <= cols, then the minimum in row-major order."""
    rows, cols = walls.shape
    image_cols = max(rows, cols)
    best = 0 if rows <= cols else 4  # from 4 on, rows and columns are exchanged
    for symmetry in range(best + 1, 4 if rows < cols else 8):
        for cell in range(rows * cols):
            row, col = cell // image_cols, cell % image_cols
            order = image_cell(walls, symmetry, row, col) - image_cell(walls, best, row, col)
            if order != 0:
                best = symmetry if order < 0 else best
                break
    return best


@compiled
def layout_hash(walls: Walls) -> np.uint64:
    """The uint64 hash of the canonical layout: equal for all 8 images of a layout, whatever its endpoints."""
    rows, cols = walls.shape
    symmetry = canonical_symmetry(walls)
    low, high = min(rows, cols), max(rows, cols)
    value = mix(np.uint64(low) * GOLDEN + np.uint64(high))
    word = np.uint64(0)
    for cell in range(rows * cols):
        word = word << np.uint64(4) | np.uint64(image_cell(walls, symmetry, cell // high, cell % high))
        if cell % 16 == 15 or cell == rows * cols - 1:
            value = mix(value + GOLDEN ^ word)
            word = np.uint64(0)
    return value
