"""Attempts to be looked at in a terminal, and hints at what is wrong with most of them. Information: no figure."""

from collections import Counter
from collections.abc import Iterator, Sequence

from maze_env._terminal import in_color
from maze_env._text import harmless, without_keys
from maze_env.answers import parse_answer, without_stray_text
from maze_env.attempt import MALFORMED, Attempt, End
from maze_env.dynamics import MOVED
from maze_env.maze import Cell
from maze_env.phrasings import STANDARD, phrasing_named
from maze_env.rendering import Scene, draw_text
from maze_env.verifier import verify
from tokenmaze.benchmarks.present.words import counted
from tokenmaze.benchmarks.report.trace_replay import is_reasoned, plan_pieces

MOST = 0.9
"""Share of the attempts beyond which one way to end without an answer is worth a hint."""
ADVICE = {
    End.UNCLOSED_THINKING: "thinking that was never closed; a larger --max-new-tokens may let it end",
    End.EMPTY: "no answer at all; are its moves special tokens, or does it end at once?",
    End.STRAY_TEXT: "text beside the moves; does the model know the form of an answer? --show 3 shows what it wrote",
    End.NOT_A_MOVE: "no move; --agent-option restrict=moves lets a model write nothing else (with multi_turn=true)",
}
MAX_TEXT = 1000
"""Letters of a text that are shown: its beginning, and its end, for there stands the answer."""


def hints(attempts: Sequence[Attempt]) -> list[str]:
    """Lines that say what most attempts have in common that is easily mended."""
    lines = []
    (end, count), *_ = Counter(attempt.end for attempt in attempts).most_common()
    if end in MALFORMED and end in ADVICE and count > MOST * len(attempts):
        lines.append(f"hint: {count / len(attempts):.0%} of the attempts ended with {ADVICE[end]}")
    stray = [one for one in attempts if one.end is End.STRAY_TEXT and one.phrasing == STANDARD and len(one.texts) == 1]
    answers = [without_stray_text(parse_answer(one.texts[0], one.thinking_opened)) for one in stray]
    nearly = sum(bool(verify(one.maze, answer)) for one, answer in zip(stray, answers, strict=True))
    if nearly:
        lines.append(
            f"hint: {nearly} of {len(stray)} answers with stray text would solve without it (an answer is moves and "
            "nothing else: no full stop, comma or code fence)"
        )
    return lines


def drawn(attempt: Attempt, colored: bool = False) -> str:
    """An attempt: its maze with the moves that were played, what the agent wrote, and how it ended.

    In the maze stand, beside the moves, the cells that its reasoning was at.
    """
    texts = harmless(without_keys("".join(attempt.texts)), keep="\n")
    half = MAX_TEXT // 2
    left_out = f" ... ({len(texts):,} letters) ... "
    shown = texts if len(texts) <= MAX_TEXT else f"{texts[:half]}{left_out}{texts[-half:]}"
    played = counted(len(attempt.outcomes), "move")
    picture = in_color(picture_of(attempt)) if colored else picture_of(attempt)
    return f"{picture}\n{shown or '(no text)'}\n{attempt.end.title}, {played} played\n"


def picture_of(attempt: Attempt, thought: Sequence[Cell] | None = None, played: int | None = None) -> str:
    """The maze of an attempt in letters (``maze_env.rendering.draw_text``).

    Args:
        attempt: what was attempted.
        thought: cells that the reasoning was at; by default all.
        played: the first moves that are drawn; by default all.
    """
    cell, moves = attempt.maze.origin, []
    for move, outcome in list(zip(attempt.moves, attempt.outcomes, strict=False))[:played]:
        moves.append((cell, move))
        cell = move.apply(cell) if outcome is MOVED else cell
    thought = thoughts(attempt) if thought is None else thought
    return draw_text(Scene(attempt.maze.walls, attempt.maze, cell, tuple(moves), thought))


def thoughts(attempt: Attempt) -> list[Cell]:
    """The cells that the reasoning of a plan is at, one after the other; none of what is no trace in a known style."""
    if len(attempt.texts) != 1:
        return []
    text = phrasing_named(attempt.phrasing).translate(attempt.texts[0])
    pieces = plan_pieces(attempt.maze, text, attempt.thinking_opened, len(attempt.outcomes))
    return [divmod(int(piece[1]), attempt.maze.cols) for piece in pieces if is_reasoned(piece)]


def frames(attempt: Attempt) -> Iterator[str]:
    """Pictures of an attempt as it goes on: the reasoning cell by cell, then the moves."""
    cells = thoughts(attempt)
    for count, cell in enumerate(cells):
        if not count or cell != cells[count - 1]:
            yield picture_of(attempt, cells[: count + 1], 0)
    for played in range(len(attempt.outcomes) + 1):
        yield picture_of(attempt, cells, played)
