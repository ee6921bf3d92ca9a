"""One attempt at a maze, from the agent's replies to how it ended.

These are the words that everything above uses for it: the environment, the verifier, the training log, stored results
and the report.
"""

from dataclasses import dataclass
from enum import StrEnum

from maze_env.dynamics import MOVED, Outcome
from maze_env.maze import Cell, Maze
from maze_env.moves import Move


class End(StrEnum):
    """How an attempt ended: ``SOLVED``, or why not. Exactly one applies; ``EndedBy`` says who or what ended it."""

    SOLVED = "solved"
    """The answer led to the target, or rightly said that nothing does."""
    UNCLOSED_THINKING = "unclosed_thinking"
    """Thinking was opened and ``</think>`` never came."""
    EMPTY = "empty"
    """Nothing follows the thinking."""
    STRAY_TEXT = "stray_text"
    """The answer holds more than moves, e.g. ``tokens.UNREACHABLE_TOKEN`` next to others."""
    HIT_WALL = "hit_wall"
    """A move of the answer ran into a wall between two cells."""
    LEFT_GRID = "left_grid"
    """A move of the answer pointed off the grid."""
    PAST_TARGET = "past_target"
    """The moves reached the target and went on."""
    SHORT_OF_TARGET = "short_of_target"
    """Every move was played, and the last one ended elsewhere."""
    SAID_UNREACHABLE = "said_unreachable"
    """The answer says that the target cannot be reached, and it can."""
    NOT_A_MOVE = "not_a_move"
    """A turn in play held no move; in a dialogue of tool calls, no call."""
    REQUEST_FAILED = "request_failed"
    """The agent asked a server and got no reply."""

    @property
    def title(self) -> str:  # type: ignore[override]  # str has a method of this name
        """The end in words, as tables and charts name it."""
        return self.value.replace("_", " ")


MALFORMED = frozenset({End.UNCLOSED_THINKING, End.EMPTY, End.STRAY_TEXT, End.NOT_A_MOVE, End.REQUEST_FAILED})
"""Ends of attempts in which the agent's text was no answer at all."""
ILLEGAL = frozenset({End.HIT_WALL, End.LEFT_GRID})  # ends of answers with a move that is not possible


class EndedBy(StrEnum):
    """Which party or which budget ended an attempt."""

    AGENT = "agent"
    """The agent: its answer was complete, or it wrote what is no move."""
    ENVIRONMENT = "environment"
    """The environment, which terminates on the target (only in play)."""
    STEP_BUDGET = "step_budget"
    """The moves that the environment allows (only in play): Gymnasium's truncation."""
    TOKEN_BUDGET = "token_budget"
    """The tokens that the agent may generate."""
    REQUEST = "request"
    """The server that the agent asked."""

    @property
    def is_budget(self) -> bool:
        """Whether the attempt was cut short."""
        return self in (EndedBy.STEP_BUDGET, EndedBy.TOKEN_BUDGET)


@dataclass(frozen=True, slots=True)
class Reply:
    """What an agent replies to one observation."""

    text: str
    """A move in play, a complete answer in plan; as it was written, in the phrasing of the observation."""
    tokens: int | None = None
    """How many tokens were generated; ``None`` where the agent does not count them."""
    truncated: bool = False
    """Whether the budget of tokens cut it short; with ``tokens=0``, no room was left to write anything."""
    failure: str = ""
    """Why there is no reply, e.g. the error of a server."""
    thinking_opened: bool = False
    """Whether the prompt opened thinking already, as R1-style chat templates do."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at one maze, complete."""

    maze: Maze
    """What was attempted."""
    phrasing: str
    """The phrasing in which it was given, and ``texts`` are written."""
    seed: int
    """The seed of the agent's randomness in this attempt."""
    texts: tuple[str, ...]
    """What the agent wrote: one text in plan, one for each turn in play."""
    thinking_opened: bool
    """Whether the prompt ended inside an open ``<think>``."""
    moves: tuple[Move, ...]
    """The moves of the answer, or those played, illegal ones included."""
    outcomes: tuple[Outcome, ...]
    """What each of ``moves`` did, up to the first illegal one in plan."""
    end: End
    """How it ended."""
    ended_by: EndedBy
    """Which party or budget ended it."""
    position: Cell
    """Where the agent stood at the end."""
    start_distance: int
    """Moves of the shortest path at the start; ``UNREACHABLE`` where there is none."""
    end_distance: int
    """Moves of the shortest path from ``position``; ``UNREACHABLE`` where there is none."""
    reward: float = 0.0
    """Sum of the environment's step rewards; 0 in plan, whose reward ``maze_env.rewards`` says."""
    tokens: int | None = None
    """How many tokens the agent generated, where it counts them."""
    failure: str = ""
    """Why a request failed."""

    @property
    def solved(self) -> bool:
        """Whether the agent arrived, or rightly said that nobody can."""
        return self.end is End.SOLVED

    @property
    def truncated(self) -> bool:
        """Whether a budget, of tokens or of steps, ended it."""
        return self.ended_by.is_budget

    @property
    def malformed(self) -> bool:
        """Whether the agent's text was no answer at all."""
        return self.end in MALFORMED

    @property
    def legal(self) -> bool:
        """Whether a well-formed answer had no illegal move."""
        return not self.malformed and all(outcome is MOVED for outcome in self.outcomes)
