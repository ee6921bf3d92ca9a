"""Reasoning traces for supervised data: one style per file, each with its validation against the maze.

``write(style, maze, key)`` gives the completion that a model is taught: think tags around the trace, then the answer.
``validate(style, maze, completion)`` replays a completion of that style, step by step. A new style is two functions in
a file of its own and a line in ``TRACE_STYLES``:

>>> from maze_env.solving import shortest_path
>>> def write_count(maze, rng):
...     moves = shortest_path(maze)
...     return f"{len(moves)} moves", moves
>>> def validate_count(maze, trace):
...     moves = shortest_path(maze)
...     if trace != f"{len(moves)} moves":
...         raise InvalidTrace(f"Expects '{len(moves)} moves', actual: {trace!r}")
...     return moves
>>> TRACE_STYLES["count"] = TraceStyle(write_count, validate_count)
>>> maze = Maze([[5, 9], [14, 14]], (0, 0), (1, 1))
>>> print(write("count", maze, key=0))
<think>
2 moves
</think>
<BLANKLINE>
<|right|><|down|>
>>> validate("count", maze, write("count", maze, key=0))
>>> del TRACE_STYLES["count"]
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import repeat, zip_longest
from random import Random

from maze_env.answers import moves_to_text, parse_answer
from maze_env.errors import lookup
from maze_env.maze import Maze
from maze_env.moves import Move
from maze_env.tokens import MAZE_TOKEN, THINK_CLOSE, THINK_OPEN
from maze_env.traces import direct, path, pointers, redraw, retry, search
from maze_env.traces.errors import InvalidTrace
from maze_env.traces.line_numbers import numerals_of_answer
from maze_env.verifier import verify
from maze_env.vocabulary import DEAD_END


@dataclass(frozen=True)
class TraceStyle:
    """How the path to the target is written."""

    write: Callable[[Maze, Random], tuple[str, list[Move]]]
    """(maze, rng) -> trace and answer; a pure function of the maze and rng's state."""
    validate: Callable[[Maze, str], list[Move]]
    """(maze, trace) -> the moves that the trace arrives at; raises InvalidTrace."""
    spaces: Callable[[str], Iterator[str]] | None = None
    """(trace) -> the white space before each move of its answer, without end; ``None``: nothing, as in the published
    data.
    """
    strict: Callable[[Maze, str], list[Move]] | None = None
    """As ``validate``, each InvalidTrace with its ``offset``, and nothing allowed that a trace does better without;
    ``None`` where a style does not tell that.
    """


TRACE_STYLES: dict[str, TraceStyle] = {
    "direct": TraceStyle(direct.write, direct.validate),
    "path": TraceStyle(path.write, path.validate),
    "pointers": TraceStyle(
        pointers.write, pointers.validate, numerals_of_answer, strict=partial(pointers.validate, in_vain=False)
    ),
    "redraw": TraceStyle(redraw.write, redraw.validate),
    "retry": TraceStyle(retry.write_compact, retry.validate_compact),
    "retry-dead-end": TraceStyle(
        partial(retry.write_compact, find=retry.dead_end_attempts), partial(retry.validate_compact, reasons=(DEAD_END,))
    ),
    "retry-redraw": TraceStyle(retry.write_redrawn, retry.validate_redrawn),
    "search": TraceStyle(search.write, search.validate),
}


_PIECE = re.compile(rf"{MAZE_TOKEN.pattern}|[ \t]+|.", re.DOTALL)


def style_named(name: str) -> TraceStyle:
    """The style of that name."""
    return lookup("trace style", name, TRACE_STYLES)


def write(style: str, maze: Maze, key: int) -> str:
    """The completion taught for ``maze``: a pure function of its arguments."""
    trace, moves = style_named(style).write(maze, Random(key))
    return wrap(trace, moves, style_named(style).spaces)


def wrap(trace: str, moves: list[Move], spaces: Callable[[str], Iterator[str]] | None = None) -> str:
    """A completion: the trace in think tags, then the answer, laid out as in the published data.

    ``spaces`` gives the white space before its moves; the published prompt asks for some, and its data has none.
    """
    before = repeat("") if spaces is None else spaces(trace)
    answer = "".join(space + move.token for space, move in zip(before, moves, strict=False))
    return f"{THINK_OPEN}\n{trace}\n{THINK_CLOSE}\n\n{answer}"


def first_fault(style: str, maze: Maze, completion: str) -> int | None:
    """Where a completion of ``style`` first says what is not true of ``maze``, or what does not follow or is in vain.

    Args:
        style: one that is ``strict``, as ``pointers``.
        maze: the one asked about.
        completion: from ``<think>`` on; one that ends early is wrong at its end.

    Returns:
        The offset in characters; ``None`` where all is true, or the style does not tell.
    """
    if (validate := style_named(style).strict) is None:
        return None
    opening, closing = f"{THINK_OPEN}\n", f"\n{THINK_CLOSE}"
    if not completion.startswith(opening):
        if opening.startswith(completion):
            return len(completion)
        return len(THINK_OPEN) if completion.startswith(THINK_OPEN) else 0
    trace = completion[len(opening) :].partition(closing)[0]
    try:
        concluded = validate(maze, trace)
    except InvalidTrace as error:
        return None if error.offset is None else len(opening) + error.offset
    right = wrap(trace, concluded, style_named(style).spaces)
    for came, expected in zip_longest(*(_PIECE.finditer(text) for text in (completion, right))):
        if came is None:
            return len(completion)
        if expected is None or came[0] != expected[0]:
            return came.start()
    return None


def validate(style: str, maze: Maze, completion: str) -> None:
    """Replays a completion of ``style`` against its maze.

    Raises:
        InvalidTrace: for a wrong form or step, or an answer that does not follow from the trace or solve the maze.
    """
    answer = parse_answer(completion)
    trace = answer.thinking.removeprefix("\n").removesuffix("\n")
    if completion != wrap(trace, list(answer.moves), style_named(style).spaces):
        shown = f"{completion[:20]!r} ... {completion[-20:]!r}"
        raise InvalidTrace(f"Expects '<think>\\n(trace)\\n</think>\\n\\n(moves)' and no more, actual: {shown}")
    concluded = style_named(style).validate(maze, trace)
    if list(answer.moves) != concluded and style != "direct":
        right, came = moves_to_text(concluded), moves_to_text(answer.moves)
        raise InvalidTrace(f"Expects the answer that the trace arrives at, {right}, actual: {came}")
    verdict = verify(maze, answer)
    if not verdict:
        raise InvalidTrace(f"Expects an answer that solves the maze, actual: {verdict.end}")
