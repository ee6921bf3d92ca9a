"""Reads the text of a maze."""

import numpy as np
from numpy.typing import NDArray

from maze_env.kernels.grid import walls_agree
from maze_env.kernels.jit import compiled, inlined

LESS, BAR, MORE, DASH, ZERO, NEWLINE = b"<|>-0\n"
BLANK, ORIGIN, TARGET, NONE = 17, 18, 19, 255  # numbers of the markers among the tokens; those below are the walls
WORDS = 3  # of 8 bytes: as long as the longest token
LENGTH, NUMBER = 2 * WORDS, 2 * WORDS + 1  # columns of ``tokens._guesses``, after the words of the token and their mask


@inlined
def read_number(text: bytes, at: int) -> tuple[int, int]:
    """The number of one or two digits at ``at``, without a leading zero, and where it ends; -1 where there is none."""
    # All access comes first: where a text is needed after a branch, it is counted as in use, which takes longer.
    first, second = text[np.uint64(at)] - ZERO, text[np.uint64(at + 1)] - ZERO
    if not 0 <= first <= 9:
        return -1, at
    if first == 0 or not 0 <= second <= 9:
        return first, at + 1
    return 10 * first + second, at + 2


@inlined
def wall_guess(text: bytes, at: int) -> int:
    """The row of ``tokens._guesses`` of the walls at ``at``: no two have the same, with a marker after them."""
    return (text[np.uint64(at + 3)] + text[np.uint64(at + 6)] + 3 * text[np.uint64(at + 12)]) & 127


@inlined
def marker_guess(text: bytes, at: int) -> int:
    """The row of the marker at ``at``: its first letter says which."""
    return 128 | text[np.uint64(at + 2)]


@inlined
def read_word(text: bytes, at: int) -> np.int64:
    """The 8 bytes at ``at``, the first one lowest; compiled, one access."""
    word = np.int64(0)
    for place in range(8):
        word |= np.int64(text[np.uint64(at + place)]) << 8 * place
    return word


@inlined
def read_token(text: bytes, at: int, guess: int, guesses: NDArray[np.int64]) -> int | np.int64:
    """The number of the token at ``at``, if it is that of the row ``guess``; else ``NONE``."""
    wrong = np.int64(0)  # bits of all words: how long a token is, the processor would have to guess
    for word in range(WORDS):
        differing = read_word(text, at + 8 * word) ^ guesses[np.uint64(guess), np.uint64(word)]
        wrong |= differing & guesses[np.uint64(guess), np.uint64(WORDS + word)]
    return NONE if wrong else guesses[np.uint64(guess), np.uint64(NUMBER)]


@compiled
def read_cells(
    text: bytes,  # ASCII, with newlines at its end: more than the loops look ahead
    length: int,  # of the text without those
    guesses: NDArray[np.int64],  # (256, 2 * WORDS + 2), see ``tokens._guesses``
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
    ends = (origin // cols, origin % cols), (target // cols, target % cols)
    return due_row + 1, cols, ends[0], ends[1], walls_agree(bits, due_row + 1, cols)
