"""The AlphaMaze token format: a maze as text and back.

Source of the format: AlphaMaze, arXiv 2502.14669, section 3.1 and its published data. A maze is written cell by cell,
row by row, each row ended by a newline; a cell is three tokens, ``<|row-col|>`` ``<|walls|>`` ``<|marker|>``.
"""

import math
import re
from functools import cache, lru_cache
from itertools import takewhile, zip_longest

import numpy as np
from numpy.typing import NDArray

from maze_env import kernels
from maze_env.errors import InvalidMaze, InvalidMazeText
from maze_env.maze import MAX_SIDE, MIN_SIDE, Cell, Maze
from maze_env.moves import ALL_WALLS, MOVES, UNSEEN_BITS, Walls

BLANK, ORIGIN, TARGET = "<|blank|>", "<|origin|>", "<|target|>"
MARKERS = (BLANK, ORIGIN, TARGET)
UNREACHABLE_TOKEN = "<|unreachable|>"
"""The whole answer where no path leads to the target. The published format has no token for it, and so neither has the
closed vocabulary (``vocabulary.py``): a model with that vocabulary alone cannot write it."""
THINK_OPEN, THINK_CLOSE = "<think>", "</think>"
MAZE_TOKEN = re.compile(r"<\|[^|<>]*\|>")  # what has the shape of a maze token, whether or not it is in the vocabulary
COORDINATE_TOKEN = re.compile(r"<\|([0-9]{1,4})-([0-9]{1,4})\|>")


def _wall_token(bits: int) -> str:
    if bits in (0, ALL_WALLS):
        return "<|all_wall|>" if bits else "<|no_wall|>"
    return "<|" + "_".join(move.name.lower() for move in MOVES if bits & move.wall) + "_wall|>"


WALL_TOKENS: tuple[str, ...] = tuple(_wall_token(bits) for bits in range(16))
"""The token of each wall byte: the sides joined in the order up, down, left, right."""
UNSEEN = "<|unseen|>"  # stands in place of the walls of a cell that the agent has not seen (partial observability)
WALLS_OF_TOKEN: dict[str, int] = {token: bits for bits, token in enumerate((*WALL_TOKENS, UNSEEN))}


def coordinate_token(cell: Cell) -> str:
    """E.g. ``<|3-1|>`` for row 3, column 1."""
    return f"<|{cell[0]}-{cell[1]}|>"


@lru_cache(maxsize=64)
def coordinate_tokens(rows: int, cols: int) -> tuple[str, ...]:
    """The coordinate tokens of a grid in row-major order."""
    return tuple(coordinate_token((row, col)) for row in range(rows) for col in range(cols))


@lru_cache(maxsize=64)
def _cell_prefixes(rows: int, cols: int) -> tuple[tuple[str, ...], ...]:
    """For each cell, its coordinate and wall tokens for all 16 wall bytes, and for ``UNSEEN_BITS``."""
    return tuple(tuple(name + wall for wall in (*WALL_TOKENS, UNSEEN)) for name in coordinate_tokens(rows, cols))


def maze_to_text(maze: Maze, agent: Cell | None = None) -> str:
    """The maze in the token format.

    Args:
        maze: the one to write.
        agent: the cell of ``<|origin|>``, by default the maze's own. On the target it hides that: the terminal text.
    """
    return "".join(cell_texts(maze.walls, agent or maze.origin, maze.target))


def cell_texts(walls: Walls, origin: Cell | None, target: Cell | None) -> list[str]:
    """The text of each cell in row-major order, newlines included; an origin on the target hides it."""
    rows, cols = walls.shape
    cells = walls.tobytes()  # iterates as integers, faster than the array
    texts = [prefix[bits] + BLANK for prefix, bits in zip(_cell_prefixes(rows, cols), cells, strict=True)]
    for place, marker in ((target, TARGET), (origin, ORIGIN)):
        if place is not None:
            cell = place[0] * cols + place[1]
            texts[cell] = _cell_prefixes(rows, cols)[cell][cells[cell]] + marker
    for end in range(cols - 1, rows * cols, cols):
        texts[end] += "\n"
    return texts


def maze_from_text(text: str) -> Maze:
    """The maze that a text writes.

    Args:
        text: in the token format. Coordinates say where a row ends, so white space between tokens is ignored.

    Raises:
        InvalidMazeText: for the first thing that is wrong, naming the cell.
    """
    if plain := _read_plain_cells(text):
        bits, rows, cols, origin, target, agree = plain
        if agree:
            return Maze.from_bits(bits, rows, cols, origin, target)
    walls, origin, target = parse_cells(text)
    for row, col in np.argwhere(walls == UNSEEN_BITS).tolist():
        came = f"{UNSEEN} in cell {coordinate_token((row, col))}; see maze_env.visibility.known_maze"
        raise InvalidMazeText(f"Expects a maze whose walls are all known, actual: {came}")
    try:
        return Maze(walls, origin, target)  # which says what is wrong
    except InvalidMaze as error:
        raise InvalidMazeText(str(error)) from None


@cache
def _guesses() -> NDArray[np.int64]:
    """By which a compiled loop reads the tokens of a cell: a row for each guess of ``kernels.texts``.

    A row is the token as words of 8 bytes, words whose set bits say which of them count, its length in bytes, and its
    number among walls and markers; where no guess leads to a row, that of no token.
    """
    tokens = [token.encode("ascii") for token in (*WALLS_OF_TOKEN, *MARKERS)]
    size = 8 * kernels.texts.WORDS
    rows = np.zeros((256, 2 * kernels.texts.WORDS + 2), np.int64)
    rows[:, kernels.texts.NUMBER] = kernels.texts.NONE
    for number, token in enumerate(tokens):
        words = np.frombuffer(token.ljust(size, b"\0") + (b"\xff" * len(token)).ljust(size, b"\0"), "<i8")
        for marker in MARKERS:  # one comes after walls
            guess = kernels.texts.wall_guess if number < kernels.texts.BLANK else kernels.texts.marker_guess
            rows[guess(token + marker.encode("ascii"), 0)] = [*words, len(token), number]
    return rows


SHORTEST_CELL = len(f"<|0-0|>{UNSEEN}{BLANK}")
AHEAD = b"\n" * 80  # after a text: two tokens may be guessed where it ends


def _read_plain_cells(text: str) -> tuple[bytes, int, int, Cell, Cell, bool] | None:
    """The wall bytes of a text as ``maze_to_text`` writes it, rows, columns, origin, target, and whether it is a maze.

    ``None`` for any other text, which ``parse_cells`` reads.
    """
    if not text.isascii():
        return None
    bits = bytearray(len(text) // SHORTEST_CELL)
    rows, cols, origin, target, agree = kernels.texts.read_cells(text.encode() + AHEAD, len(text), _guesses(), bits)
    if not (MIN_SIDE <= rows <= MAX_SIDE and MIN_SIDE <= cols <= MAX_SIDE):
        return None
    del bits[rows * cols :]
    return bytes(bits), rows, cols, origin, target, agree


def parse_cells(text: str) -> tuple[Walls, Cell, Cell]:
    """Walls (unseen or contradictory ones too), origin and target of a text; raises as ``maze_from_text`` does."""
    if plain := _read_plain_cells(text):
        read, rows, cols, origin, target, _ = plain
        return np.frombuffer(read, np.uint8).reshape(rows, cols), origin, target
    tokens = MAZE_TOKEN.findall(text)
    if not tokens:
        drawn = text.lstrip().startswith("+-")
        came = "a drawing, which maze_env.Maze.from_ascii reads" if drawn else repr(text[:40])
        raise InvalidMazeText(f"Expects the tokens of a maze, actual: {came}")
    for index, between in enumerate(MAZE_TOKEN.split(text)):
        if stray := between.strip():
            place = f"after {''.join(tokens[max(0, index - 3) : index])}" if index else "at the start"
            raise InvalidMazeText(f"Expects nothing but maze tokens, actual: {stray[:40]!r} {place}")
    names = tokens[0::3]
    if len(tokens) % 3:
        kinds = (COORDINATE_TOKEN.fullmatch, WALLS_OF_TOKEN.__contains__, MARKERS.__contains__)
        odd = next((k for k, token in enumerate(tokens) if not kinds[k % 3](token)), len(tokens))
        place = f"{'in' if odd % 3 else 'after'} {names[(odd - 1) // 3]}" if odd else "at the start"
        raise InvalidMazeText(f"Expects three tokens for each cell, actual: {len(tokens)}, out of step {place}")
    last = COORDINATE_TOKEN.fullmatch(names[-1])
    rows, cols = (int(last[1]) + 1, int(last[2]) + 1) if last else (0, 0)
    fits = MIN_SIDE <= rows <= MAX_SIDE and MIN_SIDE <= cols <= MAX_SIDE
    if not fits and rows * cols == len(names):
        first, last_one = (coordinate_token((side - 1, side - 1)) for side in (MIN_SIDE, MAX_SIDE))
        raise InvalidMazeText(f"Expects a last cell from {first} to {last_one}, actual: {names[-1]}")
    if not fits or tuple(names) != coordinate_tokens(rows, cols):
        raise _misplaced(names, (rows, cols) if fits else None)
    walls = np.empty(len(names), dtype=np.uint8)
    ends: dict[str, Cell] = {}
    for index, (wall, marker) in enumerate(zip(tokens[1::3], tokens[2::3], strict=True)):
        bits = WALLS_OF_TOKEN.get(wall)
        if bits is None:
            raise InvalidMazeText(f"Expects a wall token in cell {names[index]}, actual: {wall}")
        walls[index] = bits
        if marker != BLANK:
            if marker not in MARKERS:
                raise InvalidMazeText(f"Expects one of {', '.join(MARKERS)} in cell {names[index]}, actual: {marker}")
            if marker in ends:
                first = coordinate_token(ends[marker])
                raise InvalidMazeText(f"Expects exactly one {marker}, actual: one in {first} and one in {names[index]}")
            ends[marker] = divmod(index, cols)
    for marker in (ORIGIN, TARGET):
        if marker not in ends:
            raise InvalidMazeText(f"Expects exactly one {marker}, actual: none")
    return walls.reshape(rows, cols), ends[ORIGIN], ends[TARGET]


def _misplaced(names: list[str], size: tuple[int, int] | None) -> InvalidMazeText:
    """The error that names the first wrong coordinate of a grid written row by row.

    The size is guessed twice, from the last coordinate (``size``) and from the length of the first row, because either
    may be the one that is wrong. The guess that explains more of the coordinates wins.
    """
    in_first_row = takewhile(lambda pair: pair[0] == pair[1], zip(names, coordinate_tokens(1, MAX_SIDE), strict=False))
    cols = max(1, len(list(in_first_row)))
    sizes = [(math.ceil(len(names) / cols), cols), *([size] if size else [])]
    rows, cols = min(sizes, key=lambda size: len(set(names) ^ set(coordinate_tokens(*size))))
    pairs = zip_longest(names, coordinate_tokens(rows, cols), fillvalue="the end")
    name, right = next((name, right) for name, right in pairs if name != right)
    return InvalidMazeText(f"Expects {right} next, row by row, actual: {name}")
