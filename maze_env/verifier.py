"""Verifies a whole answer: replays it on the maze and says how it ended."""

import re
from typing import NamedTuple

from maze_env import kernels
from maze_env.answers import Answer, parse_answer
from maze_env.attempt import ILLEGAL, End
from maze_env.dynamics import MOVED, Outcome, transition
from maze_env.errors import lookup
from maze_env.maze import Cell, Maze
from maze_env.moves import ALL_WALLS, MOVE_OF_TOKEN, UNREACHABLE, Distances
from maze_env.solving import distances_to
from maze_env.tokens import THINK_CLOSE

SOLVED = End.SOLVED  # a module's name is the faster lookup


class Verdict(NamedTuple):
    """What verifying an answer found. True in an ``if`` exactly when it solved the maze."""

    end: End
    """How the replay ended."""
    answer: Answer
    """The answer that was replayed."""
    legal_moves: int
    """Moves played before the first illegal one. The strict rule plays none of a malformed answer."""
    position: Cell
    """Where the agent stood when the replay ended."""
    start_distance: int
    """Moves of the shortest path from the origin to the target, or ``UNREACHABLE``."""
    end_distance: int
    """Moves of the shortest path from ``position``, or ``UNREACHABLE``."""

    @property
    def solved(self) -> bool:
        """Whether the answer solved the maze."""
        return self.end is SOLVED

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """What the moves of the answer did, up to where the replay stopped."""
        played = (MOVED,) * self.legal_moves
        return (*played, Outcome(self.end)) if self.end in ILLEGAL else played

    def __bool__(self) -> bool:
        return self.solved


def verify(
    maze: Maze,
    answer: str | Answer,
    rule: str = "strict",
    *,
    thinking_opened: bool = False,
    distances: Distances | None = None,
) -> Verdict:
    """Replays an answer on the maze.

    By the rule ``strict`` it is wrong at the first illegal move, at any move after the target, at stray text among the
    moves, or when thinking is never closed. Where the target cannot be reached, ``tokens.UNREACHABLE_TOKEN`` alone is
    right. For ``published`` see ``verify_published``.

    Args:
        maze: the one that was asked about.
        answer: the completion as text (without end-of-text tokens), or parsed already.
        rule: one of ``RULES``.
        thinking_opened: whether the prompt ended with an open ``<think>``; ignored for a parsed answer.
        distances: ``distances_to(maze.walls, maze.target)``, (rows, cols) int16, when known.

    Raises:
        UnknownName: for a rule that does not exist.
    """
    if isinstance(answer, str):
        answer = parse_answer(answer, thinking_opened)
    judge = RULES.get(rule) or lookup("verifier rule", rule, RULES)
    return judge(maze, answer, distances)


def verify_strict(maze: Maze, answer: Answer, distances: Distances | None) -> Verdict:
    """The project's own rule; see ``verify``."""
    (row, col), (to_row, to_col), cols = maze.origin, maze.target, maze.cols
    origin, target = row * cols + col, to_row * cols + to_col
    moves = bytes(answer.moves) if answer.fault is None else b""
    if distances is None:
        played, number, start_distance, end_distance = kernels.grid.replay_and_measure(
            maze.bits, maze.rows, cols, origin, target, moves
        )
    else:
        played, number = kernels.grid.replay(maze.bits, cols, origin, target, moves)
        start_distance, end_distance = distances.item(origin), distances.item(number)
    cell = divmod(number, cols)
    if answer.says_unreachable:
        end = SOLVED if start_distance == UNREACHABLE else End.SAID_UNREACHABLE
    elif answer.fault is not None:
        end = answer.fault
    elif played == len(moves):
        end = SOLVED if number == target else End.SHORT_OF_TARGET
    else:
        end = End.PAST_TARGET if number == target else End(transition(maze, cell, answer.moves[played])[1])
    found = (end, answer, played, cell, start_distance, end_distance)
    return tuple.__new__(Verdict, found)  # as Verdict(...), in half the time


# The published scorer finds the tokens of an answer with this, and so takes one without its last bracket.
PUBLISHED_TOKEN = re.compile(r"<\|(.*?)\|>?")


def verify_published(maze: Maze, answer: Answer, distances: Distances | None) -> Verdict:
    """The verdicts of the scorer published with AlphaMaze, for comparing figures only.

    Source: ``benchmark/utils.py`` of menloresearch/visual-thinker at 9d1472ff. It differs from the strict rule in that
    a missing ``</think>`` is an empty answer; text among the moves is ignored; unknown tokens are moves that do
    nothing, ``UNREACHABLE_TOKEN`` included; ``<|all_wall|>`` blocks no direction; and an answer may pass the target as
    long as it ends there. Legal moves are counted up to the first illegal one, as there.
    """
    if distances is None:
        distances = distances_to(maze.walls, maze.target)
    pieces = answer.text.split(THINK_CLOSE)
    words = PUBLISHED_TOKEN.findall(pieces[1].strip()) if len(pieces) > 1 else []
    cell, played = maze.origin, 0
    end = None if words else End.EMPTY
    for word in words:
        walls = int(maze.walls[cell])
        move = MOVE_OF_TOKEN.get(f"<|{word}|>")
        if walls == ALL_WALLS:
            if word == "all":
                end = End.HIT_WALL
                break
            walls = 0
        if move is None:
            continue
        if walls & move.wall:
            end = End.HIT_WALL
            break
        row, col = move.apply(cell)
        if not (0 <= row < maze.rows and 0 <= col < maze.cols):
            end = End.LEFT_GRID
            break
        cell = (row, col)
        played += 1
    if end is None:
        end = End.SOLVED if cell == maze.target else End.SHORT_OF_TARGET
    return Verdict(end, answer, played, cell, distances.item(maze.origin), distances.item(cell))


RULES = {"strict": verify_strict, "published": verify_published}
