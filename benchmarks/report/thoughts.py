"""A completion taken apart for the replay: where each piece of its text puts the agent, in thought and in earnest.

A piece is plain text (a string) or a list:

    [text]                  the next of the moves that were played
    [text, cell, remark...] in thought the agent is at ``cell`` (its number, row by row). The remarks, none to two:
                            ``restart`` where a new attempt begins, ``untrue`` where the maze says otherwise

A trace is read as ``benchmarks/reasoning.py`` tells its style, and word by word, so that a wrong one is followed as far
as it makes sense: a thought goes through a wall if the text says so, and the piece that says so is untrue. So is a
``RESET`` or ``BACK`` without a true reason, by the rules of the validators (maze_env/traces).
"""

import re
from collections.abc import Iterator, Sequence

from benchmarks.trace_metrics import NO_TRACE, STEP, style_written
from maze_env.answers import parse_answer
from maze_env.attempt import End
from maze_env.maze import Cell, Maze
from maze_env.moves import MOVE_OF_TOKEN, Move
from maze_env.tokens import COORDINATE_TOKEN, MAZE_TOKEN, TARGET, THINK_CLOSE, WALL_TOKENS, WALLS_OF_TOKEN
from maze_env.traces.path import unseen_moves
from maze_env.traces.redraw import STEP_NAMES, step_text
from maze_env.traces.retry import CLAIMS, RESET, reasons_to_give_up
from maze_env.traces.search import BACK, PATH

Piece = str | list[str | int]
RESTART, UNTRUE = "restart", "untrue"
COMPACT = re.compile(f"{MAZE_TOKEN.pattern}|{RESET}|{BACK}|{PATH}")
CLAIM = "|".join(map(re.escape, sorted(CLAIMS, key=len, reverse=True)))  # some begin with another
REDRAWN = re.compile(rf"{STEP.pattern}|{RESET}|{CLAIM}|(?:{MAZE_TOKEN.pattern}\n?)+", re.MULTILINE)


def plan_pieces(maze: Maze, text: str, cause: str, played: int) -> list[Piece]:
    """The pieces of a plan.

    Args:
        cause: how it ended. played: how many of its moves were replayed.
    """
    answer = parse_answer(text, thinking_opened=cause == End.UNCLOSED_THINKING)
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
        self.seen: set[Cell] = {maze.origin}
        self.explored = False
        """Whether an exploration has ended, so that its walk keeps to the cells seen."""
        self.last: tuple[Cell, Move] | None = None
        """The step that a drawing shows: the cell that it left, and how."""

    def piece(self, text: str, true: bool, *remarks: str) -> Piece:
        row, col = self.way[-1]
        return [text, row * self.maze.cols + col, *remarks, *([] if true else [UNTRUE])]

    def reset(self) -> Piece:
        """An attempt is given up. Untrue where there is no reason to."""
        reasons = reasons_to_give_up(self.maze, self.way)
        self.way = [self.maze.origin]
        return self.piece(RESET, bool(reasons), RESTART)

    def end_exploration(self) -> Piece:
        """An exploration is over, its walk begins. Untrue where the target was not found."""
        found = self.way[-1] == self.maze.target
        self.way, self.explored = [self.maze.origin], True
        return self.piece(PATH, found, RESTART)

    def back(self) -> Piece:
        """An exploration turns back. Untrue where it could go on, and where it began, from where it cannot."""
        true = len(self.way) > 1 and not unseen_moves(self.maze, self.way[-1], self.seen)
        self.way = self.way[:-1] or self.way
        return self.piece(BACK, true)

    def go(self, text: str, token: str) -> Piece:
        """A move in thought. Untrue through a wall, and in a walk to a cell not seen; off the grid it leads nowhere."""
        move = MOVE_OF_TOKEN[token]
        is_open, to = self.maze.is_open(self.way[-1], move), move.apply(self.way[-1])
        true = is_open and (to in self.seen or not self.explored)
        if self.is_inside(to):
            self.way.append(to)
            self.seen.add(to)
        return self.piece(text, true)

    def is_inside(self, cell: Cell) -> bool:
        return 0 <= cell[0] < self.maze.rows and 0 <= cell[1] < self.maze.cols

    def compact(self, text: str, found: re.Match[str]) -> Piece:
        """A token or word of the styles ``path``, ``retry`` and ``search``."""
        if text == RESET:
            return self.reset()
        if text == PATH:
            return self.end_exploration()
        if text == BACK:
            return self.back()
        if text in MOVE_OF_TOKEN:
            return self.go(text, text)
        if text in WALLS_OF_TOKEN:
            return self.piece(text, text == WALL_TOKENS[self.maze.walls[self.way[-1]]])
        if named := COORDINATE_TOKEN.fullmatch(text):
            cell, before = (int(named[1]), int(named[2])), self.way[-1]
            if self.is_inside(cell):
                self.way[-1] = cell
                self.seen.add(cell)
            return self.piece(text, cell == before)
        return self.piece(text, text != TARGET or self.way[-1] == self.maze.target)

    def redrawn(self, text: str, found: re.Match[str]) -> Piece:
        """A line, sentence, word or drawing of the styles ``redraw`` and ``retry-redraw``."""
        if text == RESET:
            return self.reset()
        if text in CLAIMS:
            return self.piece(text, CLAIMS[text] in reasons_to_give_up(self.maze, self.way))
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
