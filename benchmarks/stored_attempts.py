"""Attempts as results store them: what cannot be derived from the maze, and defaults left out."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from maze_env.attempt import Attempt, End, EndedBy
from maze_env.dynamics import Outcome, transition
from maze_env.episode import Mode
from maze_env.maze import Maze
from maze_env.moves import Move
from maze_env.solving import distances_to
from tokenmaze.benchmarks.typed_json import InvalidResult, decode, type_hints

LETTERS = {Move.UP: "U", Move.DOWN: "D", Move.LEFT: "L", Move.RIGHT: "R"}
MOVE_OF_LETTER = {letter: move for move, letter in LETTERS.items()}


@dataclass(frozen=True, slots=True)
class StoredAttempt:
    """One attempt of a result."""

    sample: int
    """The how manieth attempt at the maze in its phrasing, from 0."""
    phrasing: str
    """In which the maze was given."""
    maze: int
    """Its index in the suite."""
    end: End
    """How it ended."""
    ended_by: EndedBy
    """Who or what ended it."""
    moves: str
    """Those played, a letter each (``LETTERS``), up to a plan's first illegal one."""
    unplayed: str = ""
    """Moves of a plan that the strict rule does not play."""
    tokens: int | None = None
    """How many were generated; ``None`` where the agent counts none."""
    thinking_opened: bool = False
    """Whether the prompt had opened ``<think>``."""
    failure: str = ""
    """Why a request failed; else empty."""
    texts: tuple[str, ...] | None = None
    """What the agent wrote, where the result keeps it."""

    @property
    def solved(self) -> bool:
        """Whether it solved its maze."""
        return self.end is End.SOLVED

    @property
    def truncated(self) -> bool:
        """Whether a budget ended it."""
        return self.ended_by.is_budget


AS_THEY_ARE = ("moves", "unplayed", "tokens", "thinking_opened", "failure", "texts")
"""Fields that a row has unless they are empty."""
MAX_ATTEMPTS = 2**22
"""Of a result: a file may say anything."""
Place = tuple[int, str, int]
"""Sample, phrasing, and index of the maze."""


def places(samples: int, phrasings: Sequence[str], mazes: int) -> list[Place]:
    """The places of a result's attempts, in their order. Raises InvalidResult for more than there can be."""
    if not 0 < samples * len(phrasings) * mazes <= MAX_ATTEMPTS:
        what = f"{samples} samples in {len(phrasings)} phrasings of {mazes} mazes"
        raise InvalidResult(f"Expects 1 to {MAX_ATTEMPTS:,} attempts, actual: {what}")
    return list(product(range(samples), phrasings, range(mazes)))


def usual_ended_by(mode: Mode, end: End) -> EndedBy:
    """Who or what ends an attempt if nothing else is said."""
    if end is End.REQUEST_FAILED:
        return EndedBy.REQUEST
    in_play = {End.SOLVED: EndedBy.ENVIRONMENT, End.SHORT_OF_TARGET: EndedBy.STEP_BUDGET} if mode == "play" else {}
    return in_play.get(end, EndedBy.AGENT)


def row_of(one: StoredAttempt, mode: Mode) -> dict[str, Any]:
    """An attempt as a row for JSON; its place is that of the row."""
    row: dict[str, Any] = {"end": "" if one.solved else str(one.end)}
    row["ended_by"] = "" if one.ended_by is usual_ended_by(mode, one.end) else str(one.ended_by)
    row |= {name: getattr(one, name) for name in AS_THEY_ARE}
    return {name: value for name, value in row.items() if value or (value == 0 and name == "tokens")}


def stored(row: dict[str, Any], mode: Mode, place: Place) -> StoredAttempt:
    """The attempt of a row. Raises InvalidResult for what is no such row."""
    try:
        end = End(row.get("end", End.SOLVED))
        types = type_hints(StoredAttempt)
        kept = {name: decode(types[name], row[name], name) for name in AS_THEY_ARE if name in row}
        kept["texts"] = kept.get("texts") or None  # a row has none that are empty
        made = StoredAttempt(
            *place, end, EndedBy(row.get("ended_by") or usual_ended_by(mode, end)), **{"moves": ""} | kept
        )
        if not MOVE_OF_LETTER.keys() >= {*made.moves, *made.unplayed}:
            raise ValueError(f"moves that are not written with {''.join(MOVE_OF_LETTER)}")
        return made
    except (ValueError, TypeError, AttributeError) as error:
        raise InvalidResult(f"Expects the row of an attempt, actual: {str(row)[:80]} ({error})") from None


def moves_of(letters: str) -> tuple[Move, ...]:
    """The moves that letters stand for."""
    try:
        return tuple([MOVE_OF_LETTER[letter] for letter in letters])
    except KeyError as error:
        raise InvalidResult(f"Expects moves written with {''.join(MOVE_OF_LETTER)}, actual: {error}") from None


def restored(one: StoredAttempt, maze: Maze, seed: int) -> Attempt:
    """The attempt as it was made, replayed on its maze; without the environment's reward, which no result stores."""
    moves, cell = moves_of(one.moves), maze.origin
    outcomes: list[Outcome] = []
    for move in moves:
        cell, outcome = transition(maze, cell, move)
        outcomes.append(outcome)
    distances = distances_to(maze.walls, maze.target)
    return Attempt(
        maze, one.phrasing, seed, one.texts or (), one.thinking_opened, moves + moves_of(one.unplayed), tuple(outcomes),
        one.end, one.ended_by, cell, distances.item(maze.origin), distances.item(cell), 0.0, one.tokens, one.failure,
    )  # fmt: skip


def stored_of(attempt: Attempt, place: Place, texts: bool) -> StoredAttempt:
    """An attempt as a result holds it."""
    letters, played = "".join([LETTERS[move] for move in attempt.moves]), len(attempt.outcomes)
    return StoredAttempt(
        *place, attempt.end, attempt.ended_by, letters[:played], letters[played:],
        attempt.tokens, attempt.thinking_opened, attempt.failure, attempt.texts if texts else None,
    )  # fmt: skip
