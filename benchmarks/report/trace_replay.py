"""A completion taken apart for the replay: where each piece of its text puts the agent, reasoned or executed.

A piece is plain text (a string) or a list:

    [text]                 the next of the executed moves
    [text, cell, flag...]  the reasoning is at ``cell`` (its number, row by row). Flags, none to two: ``begin`` where it
                           begins elsewhere than at the origin, ``restart`` where an attempt begins again there,
                           ``invalid`` where the maze contradicts the text

A trace is read in its style (``benchmarks.trace_metrics``), token by token, so that an invalid one is followed as far
as possible: the reasoning goes through a wall if the text does, and that piece is invalid. So is a ``RESET`` or
``BACK`` without a reason in the maze, by the rules of the validators (maze_env/traces).
"""

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from maze_env.answers import parse_answer
from maze_env.maze import Cell, Maze
from maze_env.moves import MOVE_OF_TOKEN, Move
from maze_env.tokens import COORDINATE_TOKEN, MARKERS, MAZE_TOKEN, TARGET, THINK_CLOSE, WALL_TOKENS, WALLS_OF_TOKEN
from maze_env.traces.path import unseen_moves
from maze_env.traces.pointers import marker_of
from maze_env.traces.redraw import STEP_NAMES, step_text
from maze_env.traces.retry import CLAIMS, RESET, reasons_to_give_up
from maze_env.traces.search import BACK, PATH
from tokenmaze.benchmarks.trace_metrics import NO_TRACE, STEP, style_written

Piece = str | list[str | int]
BEGIN, RESTART, INVALID = "begin", "restart", "invalid"
COMPACT = re.compile(f"{MAZE_TOKEN.pattern}|{RESET}|{BACK}|{PATH}")
CLAIM = "|".join(map(re.escape, sorted(CLAIMS, key=len, reverse=True)))  # a claim may begin with another
REDRAWN = re.compile(rf"{STEP.pattern}|{RESET}|{CLAIM}|(?:{MAZE_TOKEN.pattern}\n?)+", re.MULTILINE)


def plan_pieces(maze: Maze, text: str, thinking_opened: bool, executed: int) -> list[Piece]:
    """The pieces of a plan. ``text`` is in standard tokens, and the first ``executed`` of its moves were executed."""
    answer = parse_answer(text, thinking_opened)
    thinking, closed, body = text.partition(THINK_CLOSE)
    if not closed:
        thinking, body = (text, "") if answer.thinking else ("", text)
    pieces = [*trace_pieces(maze, thinking), *([THINK_CLOSE] if closed else [])]
    for piece, found in _split(MAZE_TOKEN, body):
        move = found is not None and piece in MOVE_OF_TOKEN and executed > 0
        executed -= move
        pieces.append([piece] if move else piece)
    return _merged(pieces)


def is_reasoned(piece: Piece) -> bool:
    """Whether a piece is a step of the reasoning, which the replay stops at."""
    return isinstance(piece, list) and len(piece) > 1


def play_pieces(texts: Sequence[str], executed: int) -> list[Piece]:
    """The pieces of a multi-turn attempt: each text is a line, and the first ``executed`` of them are moves."""
    pieces: list[Piece] = []
    for index, text in enumerate(texts):
        pieces += [[text] if index < executed else text, "\n"]
    return pieces


def trace_pieces(maze: Maze, thinking: str) -> list[Piece]:
    """The pieces of a trace; text in no known style is one plain piece."""
    style = style_written(thinking)
    if style == NO_TRACE:
        return [thinking]
    reader = _PointerReader(maze) if style == "pointers" else _TraceReader(maze)
    read, pattern = (reader.read_redraw, REDRAWN) if style.endswith("redraw") else (reader.read_compact, COMPACT)
    return _merged([piece if found is None else read(piece, found) for piece, found in _split(pattern, thinking)])


class _TraceReader:
    """Follows a trace."""

    def __init__(self, maze: Maze) -> None:
        self.maze = maze
        self.path: list[Cell] = [maze.origin]  # of the current attempt, or to where an exploration stands
        self.visited: set[Cell] = {maze.origin}
        self.explored = False  # whether an exploration has ended, so that the path keeps to the cells visited
        self.last: tuple[Cell, Move] | None = None  # the step that a drawing shows: the cell that it left, and the move

    def piece(self, text: str, valid: bool, *flags: str) -> Piece:
        row, col = self.path[-1]
        return [text, row * self.maze.cols + col, *flags, *([] if valid else [INVALID])]

    def restart(self, text: str) -> Piece:
        """Begins again. Invalid to give up without a reason, or to end an exploration that is not at the target."""
        valid = self.path[-1] == self.maze.target if text == PATH else bool(reasons_to_give_up(self.maze, self.path))
        self.path, self.explored = [self.maze.origin], self.explored or text == PATH
        return self.piece(text, valid, RESTART)

    def go(self, text: str, token: str) -> Piece:
        """Makes a move. Invalid through a wall, and after an exploration to an unvisited cell; none off the grid."""
        move = MOVE_OF_TOKEN[token]
        is_open, to = self.maze.is_open(self.path[-1], move), move.apply(self.path[-1])
        valid = is_open and (to in self.visited or not self.explored)
        if self.is_inside(to):
            self.path.append(to)
            self.visited.add(to)
        return self.piece(text, valid)

    def is_inside(self, cell: Cell) -> bool:
        return 0 <= cell[0] < self.maze.rows and 0 <= cell[1] < self.maze.cols

    def read_compact(self, text: str, found: re.Match[str]) -> Piece:
        """Reads a token or word of the styles ``path``, ``retry`` and ``search``."""
        if text in (RESET, PATH):
            return self.restart(text)
        if text == BACK:  # invalid where an unvisited cell is next to this one, and at the origin
            valid = len(self.path) > 1 and not unseen_moves(self.maze, self.path[-1], self.visited)
            self.path = self.path[:-1] or self.path
            return self.piece(text, valid)
        if text in MOVE_OF_TOKEN:
            return self.go(text, text)
        if text in WALLS_OF_TOKEN:
            return self.piece(text, text == WALL_TOKENS[self.maze.walls[self.path[-1]]])
        if named := COORDINATE_TOKEN.fullmatch(text):
            cell, before = (int(named[1]), int(named[2])), self.path[-1]
            if self.is_inside(cell):
                self.path[-1] = cell
                self.visited.add(cell)
            return self.piece(text, cell == before)
        return self.piece(text, text != TARGET or self.path[-1] == self.maze.target)

    def read_redraw(self, text: str, found: re.Match[str]) -> Piece:
        """Reads a line, sentence, word or drawing of the styles ``redraw`` and ``retry-redraw``."""
        if text == RESET:
            return self.restart(text)
        if text in CLAIMS:
            return self.piece(text, CLAIMS[text] in reasons_to_give_up(self.maze, self.path))
        if name := found[1]:
            if name not in STEP_NAMES:
                return self.piece(text, False)
            self.last = self.path[-1], STEP_NAMES[name]
            return self.go(text, STEP_NAMES[name].token)
        drawing = step_text(self.maze, 1, *self.last).partition("\n")[2] if self.last else ""
        return self.piece(text, text.strip() == drawing.strip())


class _PointerReader(_TraceReader):
    """Follows a trace of the style ``pointers``: names say where the agent is, moves are what is written there."""

    def __init__(self, maze: Maze) -> None:
        super().__init__(maze)
        self.path = [maze.target]
        self.named = False  # whether a cell was named since the exploration or the way began
        self.begun = False

    def read_compact(self, text: str, found: re.Match[str]) -> Piece:
        here = self.path[-1]
        if text == PATH:
            self.path, self.named = [self.maze.origin], False
            return self.piece(text, here == self.maze.origin, RESTART)
        if text in MOVE_OF_TOKEN:
            return self.piece(text, self.maze.is_open(here, MOVE_OF_TOKEN[text]))
        if text == BACK:
            return self.piece(text, True)
        if text in MARKERS:
            return self.piece(text, text == marker_of(self.maze, here))
        if named := COORDINATE_TOKEN.fullmatch(text):
            cell, is_first = (int(named[1]), int(named[2])), not self.named
            flags = () if self.begun else (BEGIN,)
            self.named = self.begun = True
            valid = cell == here if is_first else any(move.apply(here) == cell for move in self.maze.open_moves(here))
            if self.is_inside(cell):
                self.path[-1] = cell
            return self.piece(text, valid, *flags)
        return super().read_compact(text, found)


def _split(pattern: re.Pattern[str], text: str) -> Iterator[tuple[str, re.Match[str] | None]]:
    """The parts of ``text`` in order: matches, with the match, and what is between them."""
    end = 0
    for found in pattern.finditer(text):
        yield text[end : found.start()], None
        yield found[0], found
        end = found.end()
    yield text[end:], None


def _merged(pieces: Sequence[Any]) -> list[Piece]:
    """Neighbouring plain pieces as one, and none that is empty."""
    groups = groupby(filter(None, pieces), lambda piece: isinstance(piece, str))
    return [piece for is_text, group in groups for piece in (["".join(group)] if is_text else group)]
