"""What a model's reasoning is worth beside its answer: is the trace true of the maze, and does the answer follow?

Traces of this project's styles (maze_env/traces) are replayed on the maze by the validators that check training data.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from agents.episodes import Record
from maze_env import traces
from maze_env.errors import InvalidTrace
from maze_env.judging import Outcome, transition
from maze_env.maze import Maze
from maze_env.moves import MOVE_OF_TOKEN, Move
from maze_env.phrasings import phrasing_named
from maze_env.solving import distances_to
from maze_env.tokens import MAZE_TOKEN, THINK_CLOSE, parse_answer
from maze_env.traces.redraw import STEP_NAMES
from maze_env.traces.retry import RESET
from maze_env.traces.search import BACK, PATH

NO_TRACE = "none"
"""The style of a completion without reasoning, or with reasoning in none of the known styles."""
STEP = re.compile(r"^Step \d+: Go (\w+)$", re.MULTILINE)


@dataclass(frozen=True)
class Reasoning:
    """One completion's reasoning.

    Attributes:
        style: as which it was read; ``NO_TRACE`` for none.
        fault: what is untrue or ill-formed in it, in words; empty for a valid trace.
        follows: whether the trace is valid and the answer is the way that it arrives at.
        attempts: the moves of each attempt, in order; ``RESET`` ends all but the last.
        wrong_turns: attempts that left every shortest way, or ran into a wall.
        repeats: attempts that make the same moves as an earlier one.
    """

    style: str
    fault: str
    follows: bool
    attempts: tuple[tuple[Move, ...], ...]
    wrong_turns: int
    repeats: int


def style_written(thinking: str) -> str:
    """The style that a trace is written in, told by its words; what it claims may still be untrue."""
    if STEP.search(thinking):
        return "retry-redraw" if RESET in thinking else "redraw"
    if not MAZE_TOKEN.search(thinking):
        return NO_TRACE
    if BACK in thinking or PATH in thinking:
        return "search"
    return "retry" if RESET in thinking else "path"


def attempts_in(style: str, thinking: str) -> tuple[tuple[Move, ...], ...]:
    """The moves of each attempt. A search is one attempt: the way that it ends with."""
    if style == NO_TRACE:
        return ()
    if style == "search":
        thinking = thinking.rpartition(PATH)[2]
    pieces = thinking.split(RESET)
    if style in ("redraw", "retry-redraw"):
        return tuple(tuple(STEP_NAMES[name] for name in STEP.findall(piece) if name in STEP_NAMES) for piece in pieces)
    return tuple(
        tuple(MOVE_OF_TOKEN[token] for token in MAZE_TOKEN.findall(piece) if token in MOVE_OF_TOKEN) for piece in pieces
    )


def is_wrong_turn(maze: Maze, moves: Sequence[Move]) -> bool:
    """Whether moves from the origin leave every shortest way to the target, or are not possible.

    Where no way leads to the target, any move does.
    """
    distances, cell = distances_to(maze.walls, maze.target), maze.origin
    for number, move in enumerate(moves, start=1):
        cell, outcome = transition(maze, cell, move)
        if outcome is not Outcome.MOVED or distances[cell] + number > distances[maze.origin]:
            return True
    return False


def reasoning_of(maze: Maze, text: str, thinking_opened: bool = False) -> Reasoning:
    """Reads and replays the reasoning in a completion."""
    answer = parse_answer(text, thinking_opened)
    style = style_written(answer.thinking)
    if style == NO_TRACE:
        return Reasoning(style, "", False, (), 0, 0)
    fault, follows = "", False
    try:
        moves = traces.style_named(style).validate(maze, answer.thinking.removeprefix("\n").removesuffix("\n"))
        follows = tuple(moves) == answer.moves and answer.fault is None
    except InvalidTrace as error:
        fault = str(error)
    if not fault and THINK_CLOSE not in text:
        fault = f"Expects {THINK_CLOSE} after the trace, actual: none"
    attempts = attempts_in(style, answer.thinking)
    wrong = sum(is_wrong_turn(maze, attempt) for attempt in attempts)
    return Reasoning(style, fault, follows and not fault, attempts, wrong, len(attempts) - len(set(attempts)))


def reasoning_figures(records: Sequence[Record]) -> dict[str, Any] | None:
    """Figures on the reasoning of plans; ``None`` where nothing was reasoned in a known style.

    - ``styles``: completions by style.
    - ``valid``: share of them whose trace is true of the maze throughout.
    - ``follows``: share whose answer is the way that a valid trace arrives at. ``in_spite``: share solved although the
      trace is not valid or the answer is another.
    - ``wrong_turn``: share whose first attempt goes wrong. Of these, ``noticed``: share with a ``RESET`` after it;
      ``repaired``: share that was solved all the same.
    - ``repeats``: share that makes the same attempt twice.
    """
    read = [
        (record, reasoning_of(record.maze, phrasing_named(record.phrasing).translate(record.texts[0])))
        for record in records
        if len(record.texts) == 1
    ]
    reasoned = [(record, reasoning) for record, reasoning in read if reasoning.style != NO_TRACE]
    if not reasoned:
        return None
    count = len(reasoned)
    wrong = [(record, reasoning) for record, reasoning in reasoned if is_wrong_turn(record.maze, reasoning.attempts[0])]
    return {
        "completions": count,
        "styles": dict(Counter(reasoning.style for _, reasoning in reasoned).most_common()),
        "valid": sum(not reasoning.fault for _, reasoning in reasoned) / count,
        "follows": sum(reasoning.follows for _, reasoning in reasoned) / count,
        "in_spite": sum(record.solved and not reasoning.follows for record, reasoning in reasoned) / count,
        "wrong_turn": len(wrong) / count,
        "noticed": sum(len(reasoning.attempts) > 1 for _, reasoning in wrong) / len(wrong) if wrong else None,
        "repaired": sum(record.solved for record, _ in wrong) / len(wrong) if wrong else None,
        "repeats": sum(reasoning.repeats > 0 for _, reasoning in reasoned) / count,
    }
