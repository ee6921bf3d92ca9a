"""What a move does, and what a whole answer is worth: the one transition function of environment, judge and traces."""

import re
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from maze_env.errors import unknown_name
from maze_env.maze import Cell, Maze
from maze_env.moves import ALL_WALLS, DELTA_PAIRS, MOVE_OF_TOKEN
from maze_env.solving import UNREACHABLE, distances_to
from maze_env.tokens import THINK_CLOSE, Answer, parse_answer


class Outcome(StrEnum):
    """What a move did."""

    MOVED = "moved"
    HIT_WALL = "hit_wall"
    LEFT_GRID = "left_grid"
    """The move pointed off the grid; the border's wall held it."""


MOVED, HIT_WALL, LEFT_GRID = Outcome  # looked up a million times


def transition(maze: Maze, cell: Cell, move: int) -> tuple[Cell, Outcome]:
    """Where ``move`` (a ``Move`` or its number) leads from ``cell``, and what happened.

    A refused move leaves the agent in place.
    """
    row, col = cell
    row_step, col_step = DELTA_PAIRS[move]
    if not maze.bits[row * maze.cols + col] >> move & 1:
        return (row + row_step, col + col_step), MOVED
    inside = 0 <= row + row_step < maze.rows and 0 <= col + col_step < maze.cols
    return cell, HIT_WALL if inside else LEFT_GRID


class Cause(StrEnum):
    """How an answer ended: ``SOLVED``, or why not. Exactly one applies."""

    SOLVED = "solved"
    UNCLOSED_THINKING = "unclosed_thinking"
    EMPTY = "empty"
    STRAY_TEXT = "stray_text"
    HIT_WALL = "hit_wall"
    LEFT_GRID = "left_grid"
    PAST_TARGET = "past_target"
    """The moves reached the target and went on."""
    SHORT_OF_TARGET = "short_of_target"
    """Every move was legal, and the last one ended elsewhere."""
    SAID_UNREACHABLE = "said_unreachable"
    """The answer says that no way leads to the target, and one does."""


MALFORMED = frozenset({Cause.UNCLOSED_THINKING, Cause.EMPTY, Cause.STRAY_TEXT})
ILLEGAL = frozenset({Cause.HIT_WALL, Cause.LEFT_GRID})


class Verdict(NamedTuple):
    """The judgement of one answer. True in an ``if`` exactly when it solved the maze.

    Attributes:
        cause: how it ended.
        answer: the completion, taken apart.
        legal_moves: moves played before the first refused one. The strict rule plays none of a malformed answer.
        position: where the agent stood when the replay ended.
        start_distance, end_distance: true maze distance to the target at the origin and at ``position``;
            ``UNREACHABLE`` where no way leads there.
    """

    cause: Cause
    answer: Answer
    legal_moves: int
    position: Cell
    start_distance: int
    end_distance: int

    @property
    def solved(self) -> bool:
        return self.cause is Cause.SOLVED

    def __bool__(self) -> bool:
        return self.solved


def judge(
    maze: Maze,
    answer: str | Answer,
    rule: str = "strict",
    *,
    thinking_opened: bool = False,
    distances: NDArray[np.int16] | None = None,
) -> Verdict:
    """Replays an answer on the maze.

    Args:
        maze: the maze that was asked about.
        answer: the completion as text (without end-of-text tokens), or parsed already.
        rule: ``strict``: wrong at the first refused move, at any move after the target, at stray text among the moves,
            or when thinking is never closed. Where no way leads to the target, saying so (``tokens.NO_WAY``) is right
            and nothing else. ``published``: see ``judge_published``.
        thinking_opened: whether the prompt ended with an open ``<think>``; not looked at for a parsed answer.
        distances: ``distances_to(maze.walls, maze.target)`` when it is at hand, as it is for a group of completions.
    """
    if rule not in RULES:
        raise unknown_name("judging rule", rule, RULES)
    if isinstance(answer, str):
        answer = parse_answer(answer, thinking_opened)
    if distances is None:
        distances = distances_to(maze.walls, maze.target)
    return RULES[rule](maze, answer, distances)


def judge_strict(maze: Maze, answer: Answer, distances: NDArray[np.int16]) -> Verdict:
    """The project's own rule; see ``judge``."""
    cell, target, played = maze.origin, maze.target, 0
    cause = Cause(answer.fault) if answer.fault else Cause.SHORT_OF_TARGET
    if answer.no_way:
        cause = Cause.SOLVED if distances[cell] == UNREACHABLE else Cause.SAID_UNREACHABLE
    elif answer.fault is None:
        for move in answer.moves:
            if cell == target:
                cause = Cause.PAST_TARGET
                break
            cell, outcome = transition(maze, cell, move)
            if outcome is not MOVED:
                cause = Cause(outcome)
                break
            played += 1
        else:
            if cell == target:
                cause = Cause.SOLVED
    return Verdict(cause, answer, played, cell, distances.item(maze.origin), distances.item(cell))


# The published scorer finds the tokens of an answer with this, and so takes one without its last bracket.
PUBLISHED_TOKEN = re.compile(r"<\|(.*?)\|>?")


def judge_published(maze: Maze, answer: Answer, distances: NDArray[np.int16]) -> Verdict:
    """The verdicts of the scorer published with AlphaMaze, for comparing figures only.

    Source: ``benchmark/utils.py`` of menloresearch/visual-thinker at 9d1472ff. It differs from the strict rule in that
    a missing ``</think>`` is an empty answer; text among the moves is passed over; unknown tokens are moves that do
    nothing, ``NO_WAY`` among them; ``<|all_wall|>`` blocks no direction; and an answer may pass the target as long as
    it ends there.
    Legality is counted up to the first refused move, as there.
    """
    pieces = answer.text.split(THINK_CLOSE)
    words = PUBLISHED_TOKEN.findall(pieces[1].strip()) if len(pieces) > 1 else []
    cell, played = maze.origin, 0
    cause = None if words else Cause.EMPTY
    for word in words:
        walls = int(maze.walls[cell])
        move = MOVE_OF_TOKEN.get(f"<|{word}|>")
        if walls == ALL_WALLS:
            if word == "all":
                cause = Cause.HIT_WALL
                break
            walls = 0
        if move is None:
            continue
        if walls & move.wall:
            cause = Cause.HIT_WALL
            break
        row, col = move.from_cell(cell)
        if not (0 <= row < maze.rows and 0 <= col < maze.cols):
            cause = Cause.LEFT_GRID
            break
        cell = (row, col)
        played += 1
    if cause is None:
        cause = Cause.SOLVED if cell == maze.target else Cause.SHORT_OF_TARGET
    return Verdict(cause, answer, played, cell, distances.item(maze.origin), distances.item(cell))


RULES = {"strict": judge_strict, "published": judge_published}
