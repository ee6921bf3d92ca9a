"""What a model's reasoning is worth beside its answer: is the trace true of the maze, and does the answer follow?

Traces of this project's styles (maze_env/traces) are replayed on the maze by the validators that check training data.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from maze_env import traces
from maze_env.answers import parse_answer
from maze_env.attempt import Attempt, End
from maze_env.dynamics import Outcome, transition
from maze_env.maze import Maze
from maze_env.moves import MOVE_OF_TOKEN, MOVE_TOKENS, Move
from maze_env.phrasings import phrasing_named
from maze_env.solving import distances_to
from maze_env.tokens import MAZE_TOKEN, THINK_CLOSE
from maze_env.traces.errors import InvalidTrace
from maze_env.traces.redraw import STEP_NAMES
from maze_env.traces.retry import RESET
from maze_env.traces.search import BACK, PATH

NO_TRACE = "none"
"""The style of a completion without reasoning, or with reasoning in none of the known styles."""
UNCLOSED = "unclosed"
"""The kind of fault of a trace that is true as far as it goes, and that nothing follows."""
STEP = re.compile(r"^Step \d+: Go (\w+)$", re.MULTILINE)
EXPLORATION = re.compile("|".join(map(re.escape, (BACK, *MOVE_TOKENS))))


@dataclass(frozen=True)
class Reasoning:
    """One completion's reasoning.

    Attributes:
        style: as which it was read; ``NO_TRACE`` for none.
        fault: what is untrue or ill-formed in it first, in words; empty for a valid trace.
        kind: the same in a word (maze_env/errors.py, ``InvalidTrace`` and its subclasses; ``UNCLOSED``); or empty.
        follows: whether the trace is valid and the answer is the way that it arrives at.
        attempts: the moves of each attempt from the origin, in order; all but the last were given up.
        wrong: for each attempt, whether it took a wrong turn.
        repeats: attempts that make the same moves as an earlier one.
    """

    style: str
    fault: str
    kind: str
    follows: bool
    attempts: tuple[tuple[Move, ...], ...]
    wrong: tuple[bool, ...]
    repeats: int


def style_written(thinking: str) -> str:
    """The style that a trace is written in, told by its words; what it claims may still be untrue.

    A trace of ``retry-dead-end`` is told, and judged, as ``retry``: no word of it says which of the two was taught.
    """
    if STEP.search(thinking):
        return "retry-redraw" if RESET in thinking else "redraw"
    if not MAZE_TOKEN.search(thinking):
        return NO_TRACE
    if BACK in thinking or PATH in thinking:
        return "search"
    return "retry" if RESET in thinking else "path"


def attempts_in(style: str, thinking: str) -> tuple[tuple[Move, ...], ...]:
    """The moves of each attempt from the origin. Of a search: the way to each dead end, and that to where it ends."""
    if style == NO_TRACE:
        return ()
    if style == "search":
        return _ways_explored(thinking)
    pieces = thinking.split(RESET)
    if style in ("redraw", "retry-redraw"):
        return tuple(tuple(STEP_NAMES[name] for name in STEP.findall(piece) if name in STEP_NAMES) for piece in pieces)
    return tuple(
        tuple(MOVE_OF_TOKEN[token] for token in MAZE_TOKEN.findall(piece) if token in MOVE_OF_TOKEN) for piece in pieces
    )


def _ways_explored(thinking: str) -> tuple[tuple[Move, ...], ...]:
    """The ways that an exploration turned ``BACK`` from, as far as it had come, and the one that it ended with."""
    ways: list[tuple[Move, ...]] = []
    way: list[Move] = []
    forward = True
    for piece in EXPLORATION.findall(thinking.partition(PATH)[0]):
        if piece != BACK:
            way.append(MOVE_OF_TOKEN[piece])
        else:
            if forward:
                ways.append(tuple(way))
            way = way[:-1]
        forward = piece != BACK
    return (*ways, tuple(way))


def is_wrong_turn(maze: Maze, moves: Sequence[Move]) -> bool:
    """Whether moves from the origin are not possible, or leave every shortest way to the target and do not reach it.

    Moves that do reach it, if by a detour, are no wrong turn; ``walks.optimality_gap`` tells how long they are. Where
    no way leads to the target, any move is one.
    """
    distances, cell = distances_to(maze.walls, maze.target), maze.origin
    for move in moves:
        cell, outcome = transition(maze, cell, move)
        if outcome is not Outcome.MOVED:
            return True
        if cell == maze.target:
            return False
    return bool(distances[cell] + len(moves) > distances[maze.origin])


def reasoning_of(maze: Maze, text: str, thinking_opened: bool = False) -> Reasoning:
    """Reads and replays the reasoning in a completion."""
    answer = parse_answer(text, thinking_opened)
    style = style_written(answer.thinking)
    if style == NO_TRACE:
        return Reasoning(style, "", "", False, (), (), 0)
    fault, kind, follows = "", "", False
    try:
        moves = traces.style_named(style).validate(maze, answer.thinking.removeprefix("\n").removesuffix("\n"))
        follows = tuple(moves) == answer.moves and answer.fault is None
    except InvalidTrace as error:
        fault, kind = str(error), error.kind
    if not fault and THINK_CLOSE not in text:
        fault, kind = f"Expects {THINK_CLOSE} after the trace, actual: none", UNCLOSED
    attempts = attempts_in(style, answer.thinking)
    wrong = tuple(is_wrong_turn(maze, attempt) for attempt in attempts)
    return Reasoning(style, fault, kind, follows and not fault, attempts, wrong, len(attempts) - len(set(attempts)))


def reasoning_figures(records: Sequence[Attempt]) -> dict[str, Any] | None:
    """Figures on the reasoning of plans, and the same ``by_style``; ``None`` where nothing was in a known style.

    - ``styles``: completions by style, the most frequent first.
    - ``completions``: how many were reasoned in a known style; of them
    - ``valid``: share whose trace is true of the maze throughout. ``faults``: how many others have each kind of fault
      first.
    - ``follows``: share whose answer is the way that a valid trace arrives at. ``in_spite``: share solved although the
      trace is not valid or the answer is another.
    - ``wrong_turn``: share with an attempt that goes wrong. ``repaired``: share of these that solved all the same.
      ``noticed``: share of all wrong attempts that were given up (``RESET``, or in a search ``BACK``).
    - ``repeats``: share that makes the same attempt twice.
    """
    styles: dict[str, list[tuple[Attempt, Reasoning]]] = {}
    for record in records:
        if len(record.texts) == 1:
            opened = record.cause == End.UNCLOSED_THINKING  # by its prompt, where it was not by its text
            text = phrasing_named(record.phrasing).translate(record.texts[0])
            reasoning = reasoning_of(record.maze, text, opened)
            if reasoning.style != NO_TRACE:
                styles.setdefault(reasoning.style, []).append((record, reasoning))
    if not styles:
        return None
    frequent = sorted(styles.items(), key=lambda item: len(item[1]), reverse=True)
    figures = _figures([pair for some in styles.values() for pair in some])
    return {
        **figures,
        "styles": {style: len(some) for style, some in frequent},
        "by_style": {style: _figures(some) for style, some in frequent},
    }


def _figures(reasoned: Sequence[tuple[Attempt, Reasoning]]) -> dict[str, Any]:
    count = len(reasoned)
    wrong = [record for record, reasoning in reasoned if any(reasoning.wrong)]
    wrong_turns = sum(sum(reasoning.wrong) for _, reasoning in reasoned)
    given_up = sum(sum(reasoning.wrong[:-1]) for _, reasoning in reasoned)
    return {
        "completions": count,
        "valid": sum(not reasoning.fault for _, reasoning in reasoned) / count,
        "faults": dict(Counter(reasoning.kind for _, reasoning in reasoned if reasoning.fault).most_common()),
        "follows": sum(reasoning.follows for _, reasoning in reasoned) / count,
        "in_spite": sum(record.solved and not reasoning.follows for record, reasoning in reasoned) / count,
        "wrong_turn": len(wrong) / count,
        "noticed": given_up / wrong_turns if wrong_turns else None,
        "repaired": sum(record.solved for record in wrong) / len(wrong) if wrong else None,
        "repeats": sum(reasoning.repeats > 0 for _, reasoning in reasoned) / count,
    }
