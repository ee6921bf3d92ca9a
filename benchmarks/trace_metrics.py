"""Traces: is the reasoning true of the maze, and is the answer consistent with it?

Traces of this project's styles (maze_env/traces) are replayed on the maze by the validators that check training data.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from maze_env import traces
from maze_env.answers import parse_answer
from maze_env.attempt import Attempt
from maze_env.dynamics import MOVED, transition
from maze_env.maze import Maze
from maze_env.moves import MOVE_OF_TOKEN, MOVE_TOKENS, Distances, Move
from maze_env.phrasings import phrasing_named
from maze_env.solving import distances_to
from maze_env.tokens import MARKERS, MAZE_TOKEN, THINK_CLOSE, WALL_TOKENS
from maze_env.traces.errors import InvalidTrace
from maze_env.traces.redraw import STEP_NAMES
from maze_env.traces.retry import RESET
from maze_env.traces.search import BACK, PATH
from tokenmaze.benchmarks.figures import Reasoning, TraceFigures

NO_TRACE = "none"
"""The style of a completion without reasoning, or with reasoning in none of the known styles."""
UNCLOSED = "unclosed"
"""The kind of fault of a trace that is valid as far as it goes, and after which thinking was not closed."""
STEP = re.compile(r"^Step \d+: Go (\w+)$", re.MULTILINE)
WHOLE_CELL = re.compile(f"(?:{'|'.join(map(re.escape, WALL_TOKENS))})(?:{'|'.join(map(re.escape, MARKERS))})")
EXPLORATION = re.compile("|".join(map(re.escape, (BACK, *MOVE_TOKENS))))


@dataclass(frozen=True, slots=True)
class Trace:
    """One completion's reasoning."""

    style: str
    """As which it was read; ``NO_TRACE`` for none."""
    fault: str
    """What is invalid in it first, in words; empty for a valid trace."""
    kind: str
    """The same in a word (``InvalidTrace`` and its subclasses; ``UNCLOSED``); empty for a valid trace."""
    follows: bool
    """Whether the trace is valid and the answer is the path that it arrives at."""
    attempts: tuple[tuple[Move, ...], ...]
    """The moves of each, from the origin; all but the last were given up."""
    wrong: tuple[bool, ...]
    """For each attempt, whether it took a wrong turn."""
    repeats: int
    """Attempts that make the same moves as an earlier one."""


def style_written(thinking: str) -> str:
    """The style that a trace is written in, by its words; what it claims may still be invalid.

    A trace of ``retry-dead-end`` is read as ``retry``: no word of it says which of the two was taught.
    """
    if STEP.search(thinking):
        return "retry-redraw" if RESET in thinking else "redraw"
    if not MAZE_TOKEN.search(thinking):
        return NO_TRACE
    if WHOLE_CELL.search(thinking):
        return "pointers"
    if BACK in thinking or PATH in thinking:
        return "search"
    return "retry" if RESET in thinking else "path"


def attempts_in(style: str, thinking: str) -> tuple[tuple[Move, ...], ...]:
    """The moves of each attempt from the origin. Of a search: the path to each dead end, and that to where it ends. An
    exploration from the target is none, and the way that it finds is one.
    """
    if style == "search":
        return _explored_paths(thinking)
    pieces = [thinking.partition(PATH)[2]] if style == "pointers" else thinking.split(RESET)
    pattern, moves = (STEP, STEP_NAMES) if style.endswith("redraw") else (MAZE_TOKEN, MOVE_OF_TOKEN)
    return tuple(tuple(moves[name] for name in pattern.findall(piece) if name in moves) for piece in pieces)


def _explored_paths(thinking: str) -> tuple[tuple[Move, ...], ...]:
    """The paths at whose ends an exploration turned ``BACK``, and the one that it ended with."""
    paths: list[tuple[Move, ...]] = []
    path: list[Move] = []
    forward = True
    for piece in EXPLORATION.findall(thinking.partition(PATH)[0]):
        if piece == BACK and forward:
            paths.append(tuple(path))
        path = path[:-1] if piece == BACK else [*path, MOVE_OF_TOKEN[piece]]
        forward = piece != BACK
    return (*paths, tuple(path))


def is_wrong_turn(maze: Maze, moves: Sequence[Move], distances: Distances) -> bool:
    """Whether moves from the origin are illegal, or leave every shortest path to the target and do not reach it.

    A detour that does reach it is none. Where the target is unreachable, any move is one. ``distances`` are those to
    the target.
    """
    cell = maze.origin
    for move in moves:
        cell, outcome = transition(maze, cell, move)
        if outcome is not MOVED:
            return True
        if cell == maze.target:
            return False
    return bool(distances.item(cell) + len(moves) > distances.item(maze.origin))


def trace_of(maze: Maze, text: str, thinking_opened: bool = False) -> Trace:
    """Reads and replays the reasoning in a completion."""
    answer = parse_answer(text, thinking_opened)
    style = style_written(answer.thinking)
    if style == NO_TRACE:
        return Trace(style, "", "", False, (), (), 0)
    fault, kind, follows = "", "", False
    try:
        moves = traces.style_named(style).validate(maze, answer.thinking.removeprefix("\n").removesuffix("\n"))
        if THINK_CLOSE in text:
            follows = tuple(moves) == answer.moves and answer.fault is None
        else:
            fault, kind = f"Expects {THINK_CLOSE} after the trace, actual: none", UNCLOSED
    except InvalidTrace as error:
        fault, kind = str(error), error.kind
    attempts = attempts_in(style, answer.thinking)
    distances = distances_to(maze.walls, maze.target)
    wrong = tuple([is_wrong_turn(maze, attempt, distances) for attempt in attempts])
    return Trace(style, fault, kind, follows, attempts, wrong, len(attempts) - len(set(attempts)))


def reasoning_figures(attempts: Sequence[Attempt]) -> Reasoning | None:
    """Figures on the reasoning of plans; ``None`` where no text was in a known style."""
    styles: dict[str, list[tuple[Attempt, Trace]]] = {}
    for attempt in attempts:
        if len(attempt.texts) == 1:
            text = phrasing_named(attempt.phrasing).translate(attempt.texts[0])
            trace = trace_of(attempt.maze, text, attempt.thinking_opened)
            if trace.style != NO_TRACE:
                styles.setdefault(trace.style, []).append((attempt, trace))
    if not styles:
        return None
    frequent = sorted(styles.items(), key=lambda item: len(item[1]), reverse=True)
    return Reasoning(
        **_figures([pair for pairs in styles.values() for pair in pairs]),
        by_style={style: TraceFigures(**_figures(pairs)) for style, pairs in frequent},
    )


def _figures(reasoned: Sequence[tuple[Attempt, Trace]]) -> dict[str, Any]:
    count = len(reasoned)
    wrong = [attempt for attempt, trace in reasoned if any(trace.wrong)]
    wrong_attempts = sum(sum(trace.wrong) for _, trace in reasoned)
    given_up = sum(sum(trace.wrong[:-1]) for _, trace in reasoned)
    return {
        "completions": count,
        "validity": sum(not trace.fault for _, trace in reasoned) / count,
        "consistency": sum(trace.follows for _, trace in reasoned) / count,
        "correct_despite_trace": sum(attempt.solved and not trace.follows for attempt, trace in reasoned) / count,
        "wrong_turn_rate": len(wrong) / count,
        "backtracking_rate": given_up / wrong_attempts if wrong_attempts else None,
        "recovery_rate": sum(attempt.solved for attempt in wrong) / len(wrong) if wrong else None,
        "repetition_rate": sum(trace.repeats > 0 for _, trace in reasoned) / count,
        "faults": dict(Counter(trace.kind for _, trace in reasoned if trace.fault).most_common()),
    }
