"""Reads the text of a maze."""

import numpy as np
from numpy.typing import NDArray

from maze_env.kernels.grid import walls_agree
from maze_env.kernels.jit import compiled, inlined

LESS, BAR, MORE, DASH, ZERO, NINE, NEWLINE = b"<|>-09\n"
BLANK, ORIGIN, TARGET, NONE = 17, 18, 19, 255  # numbers of the markers among the tokens; those below are the walls
LENGTH, NUMBER = -2, -1  # columns of ``tokens._guesses``, after the bytes of the token


@inlined
def read_number(text: bytes, at: int) -> tuple[int, int]:
    """The number of one or two digits at ``at``, without a leading zero, and where it ends; -1 where there is none."""
    value = -1
    while ZERO <= text[np.uint64(at)] <= NINE and value != 0 and value < 10:
        value = max(value, 0) * 10 + text[np.uint64(at)] - ZERO
        at += 1
    return value, at


@inlined
def wall_guess(text: bytes, at: int) -> int:
    """The row of ``tokens._guesses`` of the walls at ``at``: no two have the same, with a marker after them."""
    return (text[np.uint64(at + 3)] + text[np.uint64(at + 6)] + 3 * text[np.uint64(at + 12)]) & 127


@inlined
def marker_guess(text: bytes, at: int) -> int:
    """The row of the marker at ``at``: its first letter says which."""
    return 128 | text[np.uint64(at + 2)]


@compiled
def read_token(text: bytes, at: int, guess: int, guesses: NDArray[np.uint8]) -> int | np.int64:
    """The number of the token at ``at``, if it is that of the row ``guess``; else ``NONE``."""
    for place in range(guesses[guess, LENGTH]):
        if text[np.uint64(at + place)] != guesses[guess, np.uint64(place)]:
            return NONE
    return int(guesses[guess, NUMBER])


@compiled
def read_cells(
    text: bytes,  # ASCII, with newlines at its end: more than the loops look ahead
    length: int,  # of the text without those
    guesses: NDArray[np.uint8],  # (256, longest token + 2), see ``tokens._guesses``
    bits: bytearray,  # out, the wall bytes row by row; a text of more cells is not read
) -> tuple[int, int, tuple[int, int], tuple[int, int], bool]:
    """Rows, columns, the cells of origin and target, and whether the walls are those of a maze.

    No rows where the text is not as written: each token right, with at most a newline after each cell.
    """
    nothing = 0, 0, (-1, -1), (-1, -1), False
    at, cell, cols, origin, target = 0, 0, 0, -1, -1
    due_row, due_col = 0, 0  # of the next cell
    while text[np.uint64(at)] == LESS:
        if text[np.uint64(at + 1)] != BAR:
            return nothing
        row, at = read_number(text, at + 2)
        if text[np.uint64(at)] != DASH:
            return nothing
        col, at = read_number(text, at + 1)
        if text[np.uint64(at)] != BAR or text[np.uint64(at + 1)] != MORE:
            return nothing
        if row == due_row + 1 and (due_col == cols or row == 1):  # a row has ended; the first says how many columns
            due_row, due_col, cols = row, 0, due_col
        if row != due_row or col != due_col:
            return nothing
        due_col += 1
        at += 2
        guess = wall_guess(text, at)
        walls = read_token(text, at, guess, guesses)
        if walls == NONE:
            return nothing
        at += guesses[guess, LENGTH]
        guess = marker_guess(text, at)
        marker = read_token(text, at, guess, guesses)
        if marker == NONE:
            return nothing
        at += guesses[guess, LENGTH]
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
        if text[np.uint64(at)] == NEWLINE and at < length:
            at += 1
    if at != length or origin < 0 or target < 0 or cols == 0 or due_col != cols:
        return nothing
    layout = np.frombuffer(bits, np.uint8)[:cell].reshape(due_row + 1, cols)
    ends = (origin // cols, origin % cols), (target // cols, target % cols)
    return due_row + 1, cols, ends[0], ends[1], walls_agree(layout)
