"""Parses a model's completion into thinking and the moves of the answer after it."""

import re
from typing import NamedTuple

from maze_env.attempt import End
from maze_env.moves import MOVE_OF_TOKEN, MOVE_TOKENS, Move
from maze_env.tokens import MAZE_TOKEN, THINK_CLOSE, THINK_OPEN, UNREACHABLE_TOKEN


class Answer(NamedTuple):
    """A parsed completion."""

    text: str
    """The whole completion."""
    thinking: str
    """What stands before the first ``</think>``, without a leading ``<think>``; empty when there is none."""
    moves: tuple[Move, ...]
    """The moves of the answer, up to the first stray text."""
    fault: End | None
    """Why this is not a well-formed answer."""
    says_unreachable: bool = False
    """Whether the answer is ``UNREACHABLE_TOKEN`` and nothing else."""


_MOVES_ONLY = re.compile(rf"\s*(?:(?:{'|'.join(map(re.escape, MOVE_TOKENS))})\s*)*")


def parse_answer(text: str, thinking_opened: bool = False) -> Answer:
    """Parses a completion strictly: the answer is what follows the first ``</think>``; without think tags, all of it.

    Args:
        text: the completion, without end-of-text tokens.
        thinking_opened: whether its prompt ends with an open ``<think>``, so that an answer needs ``</think>`` before.

    >>> parse_answer("<think>\\n</think>\\n\\n<|up|><|left|>").moves
    (<Move.UP: 0>, <Move.LEFT: 2>)
    """
    thinking, closed, body = text.partition(THINK_CLOSE)
    if not closed:
        if thinking_opened or THINK_OPEN in text:
            return Answer(text, text.lstrip().removeprefix(THINK_OPEN), (), End.UNCLOSED_THINKING)
        thinking, body = "", text
    thinking = thinking.lstrip().removeprefix(THINK_OPEN)
    try:
        moves = tuple(map(MOVE_OF_TOKEN.__getitem__, body.replace("><", "> <").split()))
    except KeyError:  # there is more than moves
        moves = ()
    if moves:
        return tuple.__new__(Answer, (text, thinking, moves, None, False))  # as Answer(...), in half the time
    if body.strip() == UNREACHABLE_TOKEN:
        return Answer(text, thinking, (), None, says_unreachable=True)
    match = _MOVES_ONLY.match(body)
    end = match.end() if match else 0
    moves = tuple([MOVE_OF_TOKEN[token] for token in MAZE_TOKEN.findall(body, 0, end)])
    fault = End.STRAY_TEXT if end < len(body) else None if moves else End.EMPTY
    return Answer(text, thinking, moves, fault)


def without_stray_text(answer: Answer) -> Answer:
    """An answer as it would be if it held its moves alone; for hints, no rule of any verdict.

    >>> without_stray_text(parse_answer("First <|up|>, then <|left|>.")).moves
    (<Move.UP: 0>, <Move.LEFT: 2>)
    """
    body = answer.text.partition(THINK_CLOSE)[2] if THINK_CLOSE in answer.text else answer.text
    moves = tuple([MOVE_OF_TOKEN[token] for token in MAZE_TOKEN.findall(body) if token in MOVE_OF_TOKEN])
    return answer._replace(moves=moves, fault=None if moves else End.EMPTY)


def first_move(text: str, thinking_opened: bool = False) -> Move | None:
    """The first move of a completion's answer; ``None`` where there is none. Arguments as ``parse_answer``."""
    moves = parse_answer(text, thinking_opened).moves
    return moves[0] if moves else None


def moves_to_text(moves: list[Move] | tuple[Move, ...]) -> str:
    """Movement tokens with nothing between them, as the published data writes them."""
    return "".join(MOVE_TOKENS[move] for move in moves)
