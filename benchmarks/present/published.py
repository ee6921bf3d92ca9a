"""The figures published with MazeBench, shown next to results on such mazes but not re-run."""

from collections.abc import Collection
from typing import NamedTuple

from tokenmaze.benchmarks.record import Track
from tokenmaze.benchmarks.stats import Interval, wilson
from tokenmaze.benchmarks.suite_specs import PAPER_LEVELS

ARXIV = "2502.14669"
MAZES = 100


class Published(NamedTuple):
    """A row of the paper's table, for DeepSeek-R1-Distill-Qwen-1.5B (AlphaMaze, arXiv 2502.14669)."""

    stage: str
    """Of the training."""
    solved_rate: float
    """Over all levels."""
    by_level: tuple[float, float, float] | None = None
    """The same by level; ``None`` where it was not published."""

    @property
    def interval(self) -> Interval:
        """Wilson's, at the paper's number of mazes."""
        return wilson(self.solved_rate, MAZES)


ROWS = (Published("untrained", 0.0), Published("SFT", 0.86, (0.90, 0.85, 0.70)), Published("SFT + GRPO", 0.93))


def published_rows(track: Track, levels: Collection[str]) -> tuple[Published, ...]:
    """The published rows that belong to a track: those with the paper's levels, single-turn, all walls visible."""
    belongs = list(levels) == list(PAPER_LEVELS) and track.mode == "plan" and not track.visibility
    return ROWS if belongs else ()
