"""Reads the text of a maze."""

import numpy as np
from numpy.typing import NDArray

from maze_env.kernels.grid import walls_agree
from maze_env.kernels.jit import compiled, inlined

LESS, BAR, MORE, DASH, ZERO, NINE, NEWLINE = b"<|>-09\n"
BLANK, ORIGIN, TARGET = 17, 18, 19  # numbers of the markers among the tokens; those below are the walls


@inlined
def read_number(text: bytes, at: int) -> tuple[int, int]:
    """The number of one or two digits at ``at``, without a leading zero, and where it ends; -1 where there is none."""
    value = -1
    while ZERO <= text[np.uint64(at)] <= NINE and value != 0 and value < 10:
        value = max(value, 0) * 10 + text[np.uint64(at)] - ZERO
        at += 1
    return value, at


@inlined
def read_token(text: bytes, at: int, trie: NDArray[np.int16]) -> tuple[int, int]:
    """The number of the token at ``at`` and where it ends; -1 where there is none."""
    node = 0
    while True:
        node = trie[np.uint64(node), np.uint64(text[np.uint64(at)])]
        at += 1
        if node <= 0:
            break
    return -1 - node, at


@compiled
def read_cells(
    text: bytes,  # ASCII, with a newline at its end, which none of the loops goes past
    trie: NDArray[np.int16],  # (nodes, 128), see ``tokens.TRIE``
    bits: bytearray,  # out, the wall bytes row by row; a text of more cells is not read
) -> tuple[int, int, int, int, bool]:
    """Rows, columns, the numbers of the cells of origin and target, and whether the walls are those of a maze.

    No rows where the text is not as written: each token right, with at most a newline after each cell.
    """
    nothing = 0, 0, -1, -1, False
    at, cell, cols, origin, target = 0, 0, 0, -1, -1
    while text[np.uint64(at)] == LESS:
        if text[np.uint64(at + 1)] != BAR:
            return nothing
        row, at = read_number(text, at + 2)
        if text[np.uint64(at)] != DASH:
            return nothing
        col, at = read_number(text, at + 1)
        if text[np.uint64(at)] != BAR or text[np.uint64(at + 1)] != MORE:
            return nothing
        if cols == 0 and row == 1:  # the first row has ended
            cols = cell
        if col != (cell % cols if cols else cell) or row != (cell // cols if cols else 0):
            return nothing
        walls, at = read_token(text, at + 2, trie)
        marker, at = read_token(text, at, trie)
        if not 0 <= walls < BLANK or marker < BLANK:
            return nothing
        if marker != BLANK:
            if (origin if marker == ORIGIN else target) >= 0:
                return nothing
            if marker == ORIGIN:
                origin = cell
            else:
                target = cell
        if cell == len(bits):
            return nothing
        bits[cell] = walls
        cell += 1
        if text[np.uint64(at)] == NEWLINE and at + 1 < len(text):
            at += 1
    if at + 1 != len(text) or origin < 0 or target < 0 or cols == 0 or cell % cols:
        return nothing
    walls = np.frombuffer(bits, np.uint8)[:cell].reshape(cell // cols, cols)
    return cell // cols, cols, origin, target, walls_agree(walls)
