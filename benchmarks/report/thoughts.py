"""A completion taken apart for the replay: where each piece of its text puts the agent, in thought and in earnest.

A piece is plain text (a string) or a list:

    [text]                  the next of the moves that were played
    [text, cell]            in thought the agent is at ``cell`` (its number, row by row)
    [text, cell, remark]    the same: ``restart`` where a new attempt begins, ``untrue`` where the maze says otherwise

A trace is read as ``benchmarks/reasoning.py`` tells its style, and word by word, so that a wrong one is followed as far
as it makes sense: a thought goes through a wall if the text says so, and the piece that says so is untrue.
"""

import re
from collections.abc import Iterator, Sequence

from benchmarks.reasoning import NO_TRACE, STEP, style_written
from maze_env.judging import Cause
from maze_env.maze import Cell, Maze
from maze_env.moves import MOVE_OF_TOKEN, Move
from maze_env.tokens import COORDINATE_TOKEN, MAZE_TOKEN, TARGET, THINK_CLOSE, WALL_TOKENS, WALLS_OF_TOKEN, parse_answer
from maze_env.traces.redraw import STEP_NAMES, step_text
from maze_env.traces.retry import RESET
from maze_env.traces.search import BACK, PATH

Piece = str | list[str | int]
RESTART, UNTRUE = "restart", "untrue"
COMPACT = re.compile(f"{MAZE_TOKEN.pattern}|{RESET}|{BACK}|{PATH}")
REDRAWN = re.compile(rf"{STEP.pattern}|{RESET}|(?:{MAZE_TOKEN.pattern}\n?)+", re.MULTILINE)


def plan_pieces(maze: Maze, text: str, cause: str, played: int) -> list[Piece]:
    """The pieces of a plan.

    Args:
        cause: how it ended. played: how many of its moves were replayed.
    """
    answer = parse_answer(text, thinking_opened=cause == Cause.UNCLOSED_THINKING)
    thinking, closed, body = text.partition(THINK_CLOSE)
    if not closed:
        thinking, body = (text, "") if answer.thinking else ("", text)
    pieces = [*thought_pieces(maze, thinking), *([THINK_CLOSE] if closed else [])]
    for piece, found in _split(MAZE_TOKEN, body):
        move = found is not None and piece in MOVE_OF_TOKEN and played > 0
        played -= move
        pieces.append([piece] if move else piece)
    return _merged(pieces)


def play_pieces(texts: Sequence[str], played: int) -> list[Piece]:
    """The pieces of a game: each text is a move, as far as there were moves, and a line."""
    pieces: list[Piece] = []
    for index, text in enumerate(texts):
        pieces += [[text] if index < played else text, "\n"]
    return pieces


def thought_pieces(maze: Maze, thinking: str) -> list[Piece]:
    """The pieces of a trace; text in no known style is one plain piece."""
    style = style_written(thinking)
    if style == NO_TRACE:
        return [thinking]
    walk = _Walk(maze)
    read, pattern = (walk.redrawn, REDRAWN) if style.endswith("redraw") else (walk.compact, COMPACT)
    return [piece if found is None else read(piece, found) for piece, found in _split(pattern, thinking)]


class _Walk:
    """Where the agent is in thought, as a trace goes on."""

    def __init__(self, maze: Maze) -> None:
        self.maze = maze
        self.way: list[Cell] = [maze.origin]
        self.last: tuple[Cell, Move] | None = None
        """The step that a drawing shows: the cell that it left, and how."""

    def piece(self, text: str, true: bool = True) -> Piece:
        row, col = self.way[-1]
        cell = row * self.maze.cols + col
        return [text, cell] if true else [text, cell, UNTRUE]

    def restart(self, text: str) -> Piece:
        self.way = [self.maze.origin]
        row, col = self.maze.origin
        return [text, row * self.maze.cols + col, RESTART]

    def go(self, text: str, token: str) -> Piece:
        """A move in thought. Through a wall it is untrue; off the grid it leads nowhere as well."""
        move = MOVE_OF_TOKEN[token]
        is_open, to = self.maze.is_open(self.way[-1], move), move.from_cell(self.way[-1])
        if self.is_inside(to):
            self.way.append(to)
        return self.piece(text, is_open)

    def is_inside(self, cell: Cell) -> bool:
        return 0 <= cell[0] < self.maze.rows and 0 <= cell[1] < self.maze.cols

    def compact(self, text: str, found: re.Match[str]) -> Piece:
        """A token or word of the styles ``path``, ``retry`` and ``search``."""
        if text in (RESET, PATH):
            return self.restart(text)
        if text == BACK:
            can = len(self.way) > 1
            if can:
                self.way.pop()
            return self.piece(text, can)
        if text in MOVE_OF_TOKEN:
            return self.go(text, text)
        if text in WALLS_OF_TOKEN:
            return self.piece(text, text == WALL_TOKENS[self.maze.walls[self.way[-1]]])
        if named := COORDINATE_TOKEN.fullmatch(text):
            cell, before = (int(named[1]), int(named[2])), self.way[-1]
            if self.is_inside(cell):
                self.way[-1] = cell
            return self.piece(text, cell == before)
        return self.piece(text, text != TARGET or self.way[-1] == self.maze.target)

    def redrawn(self, text: str, found: re.Match[str]) -> Piece:
        """A line, word or drawing of the styles ``redraw`` and ``retry-redraw``."""
        if text == RESET:
            return self.restart(text)
        if name := found[1]:
            if name not in STEP_NAMES:
                return self.piece(text, False)
            self.last = self.way[-1], STEP_NAMES[name]
            return self.go(text, STEP_NAMES[name].token)
        drawing = step_text(self.maze, 1, *self.last).partition("\n")[2] if self.last else ""
        return self.piece(text, text.strip() == drawing.strip())


def _split(pattern: re.Pattern[str], text: str) -> Iterator[tuple[str, re.Match[str] | None]]:
    """The parts of ``text`` in order: what matches, with its match, and what stands between."""
    end = 0
    for found in pattern.finditer(text):
        if found.start() > end:
            yield text[end : found.start()], None
        yield found[0], found
        end = found.end()
    if end < len(text):
        yield text[end:], None


def _merged(pieces: Sequence[Piece]) -> list[Piece]:
    """Neighbouring plain pieces as one."""
    merged: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, str) and merged and isinstance(merged[-1], str):
            merged[-1] += piece
        elif piece:
            merged.append(piece)
    return merged
