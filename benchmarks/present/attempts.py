"""Attempts to be looked at in a terminal, and hints at what is wrong with most of them. Information: no figure."""

from collections import Counter
from collections.abc import Sequence

from maze_env._text import harmless, without_keys
from maze_env.answers import parse_answer, without_stray_text
from maze_env.attempt import MALFORMED, Attempt, End
from maze_env.dynamics import MOVED
from maze_env.phrasings import STANDARD
from maze_env.rendering import Scene, draw_text
from maze_env.verifier import verify
from tokenmaze.benchmarks.present.words import counted

MOST = 0.9
"""Share of the attempts beyond which one way to end without an answer is worth a hint."""
ADVICE = {
    End.UNCLOSED_THINKING: "thinking that was never closed; a larger --max-new-tokens may let it end",
    End.EMPTY: "no answer at all; are its moves special tokens, or does it end at once?",
    End.STRAY_TEXT: "text beside the moves; does the model know the form of an answer? --show 3 shows what it wrote",
    End.NOT_A_MOVE: "no move; --agent-option restrict=moves lets a model write nothing else (with multi_turn=true)",
}
MAX_TEXT = 1000
"""Letters of a text that are shown."""


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


def drawn(attempt: Attempt) -> str:
    """An attempt: its maze with the moves that were played, what the agent wrote, and how it ended."""
    cell, moves = attempt.maze.origin, []
    for move, outcome in zip(attempt.moves, attempt.outcomes, strict=False):
        moves.append((cell, move))
        cell = move.apply(cell) if outcome is MOVED else cell
    picture = draw_text(Scene(attempt.maze.walls, attempt.maze, attempt.position, tuple(moves)))
    texts = harmless(without_keys("".join(attempt.texts)), keep="\n")
    shown = texts if len(texts) <= MAX_TEXT else f"{texts[:MAX_TEXT]} ... ({len(texts):,} letters)"
    return f"{picture}\n{shown or '(no text)'}\n{attempt.end.title}, {counted(len(moves), 'move')} played\n"
