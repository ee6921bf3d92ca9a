"""``pointers``: depth-first exploration from the target in random order, each cell drawn once with the way back.

At a cell that is new: its coordinate, walls and marker as in the prompt, the move back to where it was entered from
(``<|target|>`` on the target itself), and the moves through its other openings in random order. The last of these
tokens is the move that is made: onward where there is one, else back. At a cell that was drawn before: its coordinate.
Entered by a move onward, which is how a loop closes, nothing more, and it goes on from the cell before; returned to,
the move written before the one that it was left by. On the origin, a line ``PATH`` and the way to the target, read off
cell by cell: coordinate and way back. Example, of two cells:

    <|0-1|><|up_right_wall|><|target|><|target|><|left|><|0-0|><|up_left_wall|><|origin|><|right|>
    PATH
    <|0-0|><|right|><|0-1|><|target|>

Now and then it makes a move in vain: one more time, where it returns, or back, listed among those onward. Whoever
learns from mazes without loops enters a cell that is drawn in no other way, and it is the same as where a loop closes.

The answer's moves stand as far apart as those of the way do, with a space between them: a model that copies by the
tokens before finds the same distances in both.

Each token is decided by those next to it and at most one line elsewhere, which has the cell's name as its only key:
nothing is counted, reversed or looked up by its last occurrence. That is what carries over to larger mazes: repeated
copying and the retrieval of last occurrences are where chains of thought stop doing so (arXiv 2604.25800).
"""

from random import Random

from maze_env.maze import Cell, Maze
from maze_env.moves import MOVE_OF_TOKEN, Move
from maze_env.tokens import BLANK, MAZE_TOKEN, ORIGIN, TARGET, WALL_TOKENS, coordinate_token
from maze_env.traces import path
from maze_env.traces.errors import FalseArrival, FalseDeadEnd, FalseDrawing, FalseStep, InvalidTrace
from maze_env.vocabulary import PATH

END = "the end"
AGAIN = 0.1
"""How often a return makes a move once more."""
BACK = 0.1
"""How often the way back of a cell is listed too."""


class _Exploration:
    """Where an exploration is, and what it has written of each cell."""

    def __init__(self, maze: Maze):
        self.maze, self.cell = maze, maze.target
        self.way_back: dict[Cell, str] = {maze.target: TARGET}
        """The token written in each cell that was entered: the move back, on the target ``<|target|>``."""
        self.onward: dict[Cell, list[Move]] = {}
        """The moves listed in each cell that was drawn, made from the last to the first."""
        self._left_by: Move | None = None
        self._entered_by: Move | None = None

    def is_new(self) -> bool:
        """Whether the cell is not drawn yet."""
        return self.cell not in self.onward

    def openings(self) -> list[Move]:
        """The moves that are to be listed in the cell: all that are possible but the one back."""
        back = self.way_back[self.cell]
        return [move for move in self.maze.open_moves(self.cell) if move.token != back]

    def tokens(self) -> list[str]:
        """What may come next in a cell that is drawn: first what follows, then the moves that were made before.

        What follows is ``<|target|>`` where all moves were made and there is no way back.
        """
        listed, left, back = self.onward[self.cell], self._left(), self.way_back[self.cell]
        again = [move.token for move in listed[left:] if move.token != back]
        return [listed[left - 1].token if left else back, *again]

    def make(self, token: str) -> None:
        """Goes on to the next cell, by one of ``tokens``."""
        move = MOVE_OF_TOKEN[token]
        is_onward = self._left() > 0 or token != self.way_back[self.cell]
        self.cell = move.apply(self.cell)
        self._left_by = None if is_onward else move.opposite
        self._entered_by = move if is_onward and not self.is_new() else None
        if self.is_new():
            self.way_back[self.cell] = move.opposite.token

    def _left(self) -> int:
        """How many of the moves listed in the cell are left to make."""
        listed = self.onward[self.cell]
        return listed.index(self._left_by) if self._left_by is not None else len(listed)

    def steps_back(self) -> bool:
        """Whether the cell was entered by a move onward though it is drawn; goes back to the cell before then."""
        if self._entered_by is None:
            return False
        self.cell = self._entered_by.opposite.apply(self.cell)
        self._left_by, self._entered_by = self._entered_by, None
        return True

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
        if at.steps_back():
            continue
        if is_new := at.is_new():
            pieces += [WALL_TOKENS[maze.walls[at.cell]], marker_of(maze, at.cell), at.way_back[at.cell]]
            if at.cell == maze.origin:
                break
            at.onward[at.cell] = listed = at.openings()
            if at.cell != maze.target and rng.random() < BACK:
                listed.append(MOVE_OF_TOKEN[at.way_back[at.cell]])
            rng.shuffle(listed)
            pieces += [move.token for move in listed]
        token, *again = at.tokens()
        if again and rng.random() < AGAIN:
            token = rng.choice(again)
        if token == TARGET:
            raise InvalidTrace(f"Expects a path from {maze.origin} to {maze.target}, actual: none")
        if not is_new:
            pieces.append(token)
        at.make(token)
    way = at.way()
    walk = "".join(coordinate_token(cell) + token for cell, token in way)
    return f"{''.join(pieces)}\n{PATH}\n{walk}", [MOVE_OF_TOKEN[token] for _, token in way[:-1]]


def validate(maze: Maze, trace: str) -> list[Move]:
    """Replays the trace and returns the moves of its way; an InvalidTrace names the step, and has its ``offset``.

    Its claims have to be true: the cell, its walls, marker and way back; every move through another opening listed
    once, in any order; then the move that follows from what was written, or one made there before. The way is the one
    that the ways back make.
    """
    exploration, _, walk = trace.partition(f"\n{PATH}\n")
    try:
        reader = _Reader(exploration, 0, "an exploration")
    except InvalidTrace as error:
        try:  # what stands before the stray text may be wrong too, and that first
            _replay(maze, _Reader(exploration[: error.offset], 0, "an exploration"))
        except InvalidTrace as earlier:
            error.offset = earlier.offset
        raise
    at = _replay(maze, reader)
    way = at.way()
    reader = _Reader(walk, len(exploration) + len(f"\n{PATH}\n"), "a way")
    for index, right in enumerate([*(token for cell, step in way for token in (coordinate_token(cell), step)), END]):
        came = reader.read()
        if came != right:
            fault = FalseArrival if END in (came, right) else FalseStep
            raise reader.located(fault(f"Expects {right} in step {index // 2 + 1} of the way, actual: {came}"))
    return [MOVE_OF_TOKEN[token] for _, token in way[:-1]]


class _Reader:
    """The tokens of a part of a trace, one after another, and where each stands."""

    def __init__(self, text: str, start: int, what: str):
        self._count = 0
        self._starts = [start + found.start() for found in MAZE_TOKEN.finditer(text)] + [start + len(text)]
        try:
            self.tokens = path.trace_tokens(text, what)
        except InvalidTrace as error:
            error.offset = start + _gap(text)
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


def _gap(text: str) -> int:
    """Where the first character stands that belongs to no maze token."""
    end = 0
    for found in MAZE_TOKEN.finditer(text):
        if found.start() > end:
            break
        end = found.end()
    return end


def _replay(maze: Maze, reader: _Reader) -> _Exploration:
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
            if at.steps_back():
                continue
            if at.is_new():
                _read_new_cell(at, reader, step)
                if at.cell == maze.origin:
                    break
                made = at.tokens()[0]
            else:
                right, *again = at.tokens()
                made = reader.read()
                if made not in (right, *again):
                    fault = FalseDeadEnd if made == at.way_back[at.cell] else FalseStep
                    raise fault(f"Expects {right} in step {step}, the next way from {at.cell}, actual: {made}")
            if made == TARGET:
                raise FalseDeadEnd(f"Expects a way on from {coordinate_token(at.cell)} in step {step}, actual: none")
            at.make(made)
        if (came := reader.read()) != END:
            right = f"the exploration to end in {coordinate_token(maze.origin)}"
            raise FalseArrival(f"Expects {right}, actual: {came}")
    except InvalidTrace as error:
        raise reader.located(error) from None
    return at


def _read_new_cell(at: _Exploration, reader: _Reader, step: int) -> None:
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
    while reader.peek() in MOVE_OF_TOKEN:
        move = MOVE_OF_TOKEN[reader.read()]
        if (move not in openings and move.token != at.way_back[at.cell]) or move in listed:
            raise FalseStep(f"Expects moves through openings of {name} in step {step}, each once, actual: {move.token}")
        listed.append(move)
    missing = [move.token for move in openings if move not in listed]
    if missing:
        reader.read()
        raise FalseDeadEnd(f"Expects {' and '.join(missing)} listed for {name} in step {step}, actual: not listed")
    at.onward[at.cell] = listed
