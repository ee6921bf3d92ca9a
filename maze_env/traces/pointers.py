"""``pointers``: depth-first exploration from the target in random order, each cell drawn once with the way back.

At a cell that is new: its coordinate, walls and marker as in the prompt, the move back to where it was entered from
(``<|target|>`` on the target itself), and the moves through its other openings in random order. The last of these is
made next; where there is none, the move back is, and ``BACK`` says so. At a cell that was drawn before: its coordinate,
and a move. Entered by a move onward, which is how a loop closes, it is left again: the reverse of that move and
``BACK``. Returned to, the move written before the one that it was left by, and ``BACK`` after it where that is the way
back. On the origin, a line ``PATH`` and the way to the target, read off cell by cell: coordinate and way back, each
after a number in white space (``line_numbers``), as are the moves of the answer. Example, of three cells in a row, the
target in the middle:

    <|0-1|><|up_down_wall|><|target|><|target|><|left|><|right|><|0-2|><|up_down_right_wall|><|blank|><|left|>BACK
    <|0-1|><|left|><|0-0|><|up_down_left_wall|><|origin|><|right|>
    PATH
      <|0-0|><|right|>   <|0-1|><|target|>

in which the first line break is not written. Now and then it makes a move in vain: one more time, where it returns, or
back, listed among those onward. Whoever learns from mazes without loops enters a cell that is drawn in no other way,
and it is the same as where a loop closes.

Each token is decided by those next to it and at most one line elsewhere, which has the cell's name as its only key:
nothing is counted, reversed or looked up by its last occurrence, and ``BACK`` keeps apart a cell that is returned to
and one that was found again. That is what carries over to larger mazes: repeated copying and the retrieval of last
occurrences are where chains of thought stop doing so (arXiv 2604.25800).
"""

import re
from collections.abc import Callable
from itertools import chain, repeat
from random import Random
from typing import NamedTuple, TypeVar

from maze_env.maze import Cell, Maze
from maze_env.moves import MOVE_OF_TOKEN, Move
from maze_env.tokens import BLANK, MAZE_TOKEN, ORIGIN, TARGET, WALL_TOKENS, coordinate_token
from maze_env.traces import path
from maze_env.traces.errors import FalseArrival, FalseDeadEnd, FalseDrawing, FalseStep, InvalidTrace
from maze_env.traces.line_numbers import numbered, numerals_from
from maze_env.vocabulary import BACK, NUMERALS, PATH

END = "the end"
AGAIN = 0.1
"""How often a return makes a move once more."""
LISTED_TOO = 0.1
"""How often the way back of a cell is listed with the others."""
TOKEN = re.compile(f"{MAZE_TOKEN.pattern}|{BACK}")
NUMBERED = re.compile(rf"{MAZE_TOKEN.pattern}|[ \t]+")
Replayed = TypeVar("Replayed")


class _Step(NamedTuple):
    """A move to make in an exploration."""

    token: str
    """Of the move."""
    returns: bool
    """Whether ``BACK`` follows it."""


class _Exploration:
    """Where an exploration is, and what it has written of each cell."""

    def __init__(self, maze: Maze):
        self.maze, self.cell = maze, maze.target
        self.way_back: dict[Cell, str] = {maze.target: TARGET}
        """The token written in each cell that was entered: the move back, on the target ``<|target|>``."""
        self.onward: dict[Cell, list[Move]] = {}
        """The moves listed in each cell that was drawn, made from the last to the first."""
        self._made = _Step(TARGET, False)

    def is_new(self) -> bool:
        """Whether the cell is not drawn yet."""
        return self.cell not in self.onward

    def openings(self) -> list[Move]:
        """The moves that are to be listed in the cell: all that are possible but the one back."""
        back = self.way_back[self.cell]
        return [move for move in self.maze.open_moves(self.cell) if move.token != back]

    def first_step(self) -> _Step:
        """What is to be done in a cell that has just been drawn; its move is written there already."""
        listed = self.onward[self.cell]
        return _Step(listed[-1].token, False) if listed else _Step(self.way_back[self.cell], True)

    def steps(self) -> list[_Step]:
        """What may be done in a cell that was drawn before: first what follows, then moves that were made before.

        What follows is to ``<|target|>`` where all moves were made and there is no way back.
        """
        came_from = MOVE_OF_TOKEN[self._made.token].opposite
        if not self._made.returns:
            return [_Step(came_from.token, True)]
        listed, back = self.onward[self.cell], self.way_back[self.cell]
        left = listed.index(came_from)
        again = [_Step(move.token, False) for move in listed[left:] if move.token != back]
        return [_Step(listed[left - 1].token, False) if left else _Step(back, True), *again]

    def make(self, step: _Step) -> None:
        """Goes on to the next cell, by the first step or one of those that may be made."""
        move = MOVE_OF_TOKEN[step.token]
        self.cell, self._made = move.apply(self.cell), step
        if self.is_new():
            self.way_back[self.cell] = move.opposite.token

    def way(self) -> list[tuple[Cell, str]]:
        """The cells from the origin to the target, each with its way back."""
        steps = [(self.maze.origin, self.way_back[self.maze.origin])]
        while steps[-1][1] != TARGET:
            cell, token = steps[-1]
            reached = MOVE_OF_TOKEN[token].apply(cell)
            steps.append((reached, self.way_back[reached]))
        return steps


def marker_of(maze: Maze, cell: Cell) -> str:
    """The third token of a cell."""
    return ORIGIN if cell == maze.origin else TARGET if cell == maze.target else BLANK


def write(maze: Maze, rng: Random) -> tuple[str, list[Move]]:
    """The exploration; the answer is the path it found, which in a maze with loops need not be a shortest one."""
    at, pieces = _Exploration(maze), []
    while True:
        pieces.append(coordinate_token(at.cell))
        if at.is_new():
            pieces += [WALL_TOKENS[maze.walls[at.cell]], marker_of(maze, at.cell), at.way_back[at.cell]]
            if at.cell == maze.origin:
                break
            at.onward[at.cell] = listed = at.openings()
            if at.cell != maze.target and rng.random() < LISTED_TOO:
                listed.append(MOVE_OF_TOKEN[at.way_back[at.cell]])
            rng.shuffle(listed)
            pieces += [move.token for move in listed]
            step = at.first_step()
        else:
            step, *again = at.steps()
            if again and rng.random() < AGAIN:
                step = rng.choice(again)
            pieces.append(step.token)
        if step.token == TARGET:
            raise InvalidTrace(f"Expects a path from {maze.origin} to {maze.target}, actual: none")
        if step.returns:
            pieces.append(BACK)
        at.make(step)
    way = at.way()
    walk = numbered((coordinate_token(cell) + token for cell, token in way), rng.randrange(len(NUMERALS)))
    return f"{''.join(pieces)}\n{PATH}\n{walk}", [MOVE_OF_TOKEN[token] for _, token in way[:-1]]


def validate(maze: Maze, trace: str, in_vain: bool = True) -> list[Move]:
    """Replays the trace and returns the moves of its way; an InvalidTrace names the step, and has its ``offset``.

    Its claims have to be true: the cell, its walls, marker and way back; every move through another opening listed
    once, in any order; then the move that follows from what was written, or one made there before, and ``BACK`` where
    it returns. The way is the one that the ways back make. Where nothing is to be done ``in_vain``, no move may be made
    once more, and no way back listed.
    """
    exploration, _, walk = trace.partition(f"\n{PATH}\n")
    way = _read(exploration, 0, "an exploration", False, lambda reader: _replay(maze, reader, in_vain)).way()
    _read(walk, len(exploration) + len(f"\n{PATH}\n"), "a way", True, lambda reader: _read_way(way, reader))
    return [MOVE_OF_TOKEN[token] for _, token in way[:-1]]


def _read(text: str, start: int, what: str, spaces: bool, replay: "Callable[[_Reader], Replayed]") -> Replayed:
    """Replays the part of a trace that begins at ``start``."""
    try:
        reader = _Reader(text, start, what, spaces)
    except InvalidTrace as error:
        stray = (error.offset or start) - start
        try:  # what stands before the stray text may be wrong too, and that first
            replay(_Reader(text[:stray], start, what, spaces))
        except InvalidTrace as earlier:
            error.offset = earlier.offset
        raise
    return replay(reader)


def _read_way(way: list[tuple[Cell, str]], reader: "_Reader") -> None:
    """Reads the way off, cell by cell."""
    first = reader.peek()
    numerals = numerals_from(NUMERALS.index(first)) if first in NUMERALS else repeat("a number in white space")
    lines = [(numeral, coordinate_token(cell), token) for numeral, (cell, token) in zip(numerals, way, strict=False)]
    for index, right in enumerate([*chain.from_iterable(lines), END]):
        came = reader.read()
        if came != right:
            fault = FalseArrival if END in (came, right) else FalseStep
            right, came = (repr(token) if token.isspace() else token for token in (right, came))
            raise reader.located(fault(f"Expects {right} in step {index // 3 + 1} of the way, actual: {came}"))


class _Reader:
    """The tokens of a part of a trace, one after another, and where each stands."""

    def __init__(self, text: str, start: int, what: str, spaces: bool = False):
        pattern, words = (NUMBERED, ()) if spaces else (TOKEN, (BACK,))
        self._count = 0
        self._starts = [start + found.start() for found in pattern.finditer(text)] + [start + len(text)]
        try:
            self.tokens = path.trace_tokens(text, what, *words, spaces=spaces)
        except InvalidTrace as error:
            error.offset = start + _gap(pattern, text)
            raise

    def read(self) -> str:
        """The next token, ``END`` where there is none."""
        self._count += 1
        return self.tokens[self._count - 1] if self._count <= len(self.tokens) else END

    def peek(self) -> str:
        """What ``read`` would give."""
        return self.tokens[self._count] if self._count < len(self.tokens) else END

    def located(self, error: InvalidTrace) -> InvalidTrace:
        """The error, told that it is in the token that was read last."""
        error.offset = self._starts[min(self._count, len(self._starts)) - 1]
        return error


def _gap(pattern: re.Pattern[str], text: str) -> int:
    """Where the first character stands that belongs to no token."""
    end = 0
    for found in pattern.finditer(text):
        if found.start() > end:
            break
        end = found.end()
    return end


def _replay(maze: Maze, reader: _Reader, in_vain: bool) -> _Exploration:
    """Plays an exploration to the origin."""
    at, step = _Exploration(maze), 0
    try:
        while True:
            step += 1
            if reader.peek() == END:
                reader.read()
                right = f"the exploration to end in {coordinate_token(maze.origin)}"
                raise FalseArrival(f"Expects {right}, actual: the end in {coordinate_token(at.cell)}")
            path.check_name(at.cell, reader.read(), step)
            if at.is_new():
                _read_new_cell(at, reader, step, in_vain)
                if at.cell == maze.origin:
                    break
                made = at.first_step()
            else:
                made = _read_step(at, reader, step, in_vain)
            if made.token == TARGET:
                raise FalseDeadEnd(f"Expects a way on from {coordinate_token(at.cell)} in step {step}, actual: none")
            if made.returns and (came := reader.read()) != BACK:
                raise FalseStep(f"Expects {BACK} in step {step} in {coordinate_token(at.cell)}, actual: {came}")
            at.make(made)
        if (came := reader.read()) != END:
            right = f"the exploration to end in {coordinate_token(maze.origin)}"
            raise FalseArrival(f"Expects {right}, actual: {came}")
    except InvalidTrace as error:
        raise reader.located(error) from None
    return at


def _read_step(at: _Exploration, reader: _Reader, step: int, in_vain: bool) -> _Step:
    """Reads which move is made in a cell that was drawn before."""
    possible, came = at.steps(), reader.read()
    for made in possible if in_vain else possible[:1]:
        if made.token == came:
            return made
    fault = FalseDeadEnd if came == at.way_back[at.cell] else FalseStep
    raise fault(f"Expects {possible[0].token} in step {step}, the next way from {at.cell}, actual: {came}")


def _read_new_cell(at: _Exploration, reader: _Reader, step: int, in_vain: bool) -> None:
    """Reads what is written of a new cell."""
    name = coordinate_token(at.cell)
    drawing = [WALL_TOKENS[at.maze.walls[at.cell]], marker_of(at.maze, at.cell)]
    for right, error in zip((*drawing, at.way_back[at.cell]), (FalseDrawing, FalseDrawing, FalseStep), strict=True):
        came = reader.read()
        if came != right:
            raise error(f"Expects {right} for {name} in step {step}, actual: {came}")
    if at.cell == at.maze.origin:
        return
    openings, listed = at.openings(), []
    allowed = {*openings, *(move for move in Move if in_vain and move.token == at.way_back[at.cell])}
    while reader.peek() in MOVE_OF_TOKEN:
        move = MOVE_OF_TOKEN[reader.read()]
        if move not in allowed or move in listed:
            raise FalseStep(f"Expects moves through openings of {name} in step {step}, each once, actual: {move.token}")
        listed.append(move)
    missing = [move.token for move in openings if move not in listed]
    if missing:
        reader.read()
        raise FalseDeadEnd(f"Expects {' and '.join(missing)} listed for {name} in step {step}, actual: not listed")
    at.onward[at.cell] = listed
