"""Words that tables, pages and the terminal share."""

from collections.abc import Sequence

from tokenmaze.benchmarks.figures import Figures
from tokenmaze.benchmarks.record import Result


def counted(number: int, noun: str) -> str:
    """A number and its noun, e.g. ``1 maze`` and ``1,000 mazes``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def unanswered_text(figures: Figures) -> str:
    """How many attempts got no answer, and the solved rate of the others; "" where all were answered.

    A request that failed says nothing of the agent, though it counts as an attempt that did not solve its maze.
    """
    attempts, unanswered = figures.attempts, figures.unanswered
    if not unanswered:
        return ""
    text = f"{unanswered:,} of {counted(attempts, 'attempt')} without an answer"
    if unanswered == attempts:
        return f"{text}: nothing was measured"
    return f"{text}; {100 * figures.solved / (attempts - unanswered):.1f} % solved of the others"


def unanswered_of(results: Sequence[Result]) -> str:
    """A note behind the title of results of which requests failed, by training seed; "" where none did."""
    notes = [(one.train_seed, unanswered_text(one.summary)) for one in results]
    said = [note if seed is None else f"{seed}: {note}" for seed, note in notes if note]
    return f" ({'; '.join(said)})" if said else ""
