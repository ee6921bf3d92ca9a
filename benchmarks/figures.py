"""What a benchmark measures, as types, and how every table and page names it.

``benchmarks.metrics`` computes these figures; results store them; the terminal, Markdown, study and HTML show them.
"""

from dataclasses import dataclass

from maze_env.attempt import End, EndedBy
from tokenmaze.benchmarks.stats import Interval, wilson
from tokenmaze.benchmarks.typed_json import InvalidResult


@dataclass(frozen=True, kw_only=True)
class Scores:
    """The figures that every row of a table has. Rates are shares of all attempts."""

    attempts: int
    """All of them."""
    solved: int
    """How many of them solved their maze."""
    trials: int
    """Independent ones, for intervals: a maze is one, however many attempts there are at it and its images."""
    legality: float
    """Share of attempts with a well-formed answer and no illegal move."""
    spl: float
    """Success weighted by path length."""
    tokens_per_solve: float | None = None
    """All tokens over mazes solved; ``None`` if none are counted or solved."""

    def __post_init__(self) -> None:
        if not (self.trials > 0 and 0 <= self.solved <= self.attempts and self.attempts > 0):
            counts = f"{self.solved} of {self.attempts}, {self.trials} trials"
            raise InvalidResult(f"Expects attempts, some of them solved, and trials, actual: {counts}")

    @property
    def solved_rate(self) -> float:
        """The share of attempts that solved their maze."""
        return self.solved / self.attempts

    @property
    def solved_rate_wilson_95(self) -> Interval:
        """Its interval."""
        return wilson(self.solved_rate, self.trials)


@dataclass(frozen=True, kw_only=True)
class Baseline(Scores):
    """A baseline's scores on the same mazes, overall and by level."""

    levels: dict[str, Scores]
    """The same by level."""


@dataclass(frozen=True, kw_only=True)
class OptimalityGap:
    """How much longer the paths that reached the target are than the shortest."""

    ratio: float
    """Mean of walked / shortest - 1."""
    moves: float
    """Mean of walked - shortest."""


@dataclass(frozen=True, kw_only=True)
class FirstIllegalMove:
    """Where the first illegal move stands, of one kind. Moves are numbered from 1."""

    attempts: int
    """In how many attempts it was of this kind."""
    share: float
    """Of all attempts."""
    median: float
    """Of the move's number."""
    at: dict[int, int]
    """How many attempts had each number."""


@dataclass(frozen=True, kw_only=True)
class TraceFigures:
    """What the reasoning of plans is worth, over the completions with a trace in a known style."""

    completions: int
    """All of them."""
    validity: float
    """Share whose trace is true of the maze throughout."""
    consistency: float
    """Share whose answer is the path that a valid trace arrives at."""
    correct_despite_trace: float
    """Share solved although the trace is invalid or the answer is another."""
    wrong_turn_rate: float
    """Share with an attempt that goes wrong."""
    backtracking_rate: float | None
    """Share of all wrong attempts that were given up (``RESET``, ``BACK``)."""
    recovery_rate: float | None
    """Share of the completions with a wrong attempt that solved their maze."""
    repetition_rate: float
    """Share that makes the same attempt twice."""
    faults: dict[str, int]
    """How many invalid traces have each kind of fault first."""


@dataclass(frozen=True, kw_only=True)
class Reasoning(TraceFigures):
    """The figures of all traces, and of those in each style, the most frequent style first."""

    by_style: dict[str, TraceFigures]
    """The figures of each style."""

    @property
    def styles(self) -> dict[str, int]:
        """Completions by style, the most frequent first."""
        return {style: figures.completions for style, figures in self.by_style.items()}


@dataclass(frozen=True, kw_only=True)
class Figures(Scores):
    """The figures of a set of attempts, e.g. of a level; ``None`` where there is nothing to measure."""

    legal_moves: float | None = None
    """Moves that were possible over moves played."""
    tokens_per_attempt: float | None = None
    """Tokens over attempts."""
    optimality_gap: OptimalityGap | None = None
    """Over the attempts that reached the target."""
    first_illegal_moves: dict[End, FirstIllegalMove]
    """By what refused it, ``hit_wall`` or ``left_grid``."""
    revisits: float
    """Moves onto a cell visited before, by attempt."""
    loops: float
    """Share of attempts with a revisit that knew no more than before."""
    solved_within: dict[int, float] | None = None
    """Share solved with at most so many tokens."""
    ends: dict[End, int]
    """How many attempts ended in each way, the most frequent first."""
    ended_by: dict[EndedBy, int]
    """How many attempts each party or budget ended."""
    truncated: dict[End, int]
    """The part of ``ends`` that a budget cut short."""
    pass_at_k: dict[int, float] | None = None
    """Chance that one of k samples solves; where there are several samples."""

    @property
    def unanswered(self) -> int:
        """Attempts without an answer, because a request failed."""
        return self.ends.get(End.REQUEST_FAILED, 0)


@dataclass(frozen=True, kw_only=True)
class Summary(Figures):
    """The figures of a run, overall and by level."""

    levels: dict[str, Figures]
    """The same by level, or by phrasing on a suite of several."""
    reasoning: Reasoning | None = None
    """``None`` where no text was in a known style, or none is stored any more."""
    symmetry_consistency: float | None = None
    """Answers to images that are the image of the answer; on ``symmetry``."""
    robustness: float | None = None
    """Solved in every phrasing over solved in the standard one; on ``phrasing``."""
    worst_phrasing: str | None = None
    """The one with the lowest solved rate; on suite ``phrasing``."""
    phrasings_not_taken: tuple[str, ...] | None = None
    """That the agent cannot read: in no figure; on ``phrasing``."""
    failures: dict[str, int] | None = None
    """Why requests failed: the first message of each reason, and the attempts that it ended. ``None`` without any."""


@dataclass(frozen=True)
class Figure:
    """How a figure is shown, wherever it is shown."""

    name: str
    """Of the attribute that holds it."""
    title: str
    """Of its row or column."""
    explanation: str
    """What it is, for a reader who has not seen it before."""
    scale: int = 100
    """What it is multiplied with; 100 shows a share in percent."""
    digits: int = 1
    """After the point."""

    def of(self, figures: object) -> float | None:
        """Its value among ``figures``, an object with an attribute of its name."""
        value: float | None = getattr(figures, self.name)
        return value

    def text(self, value: float | None, sign: str = "") -> str:
        """A value as tables write it, without its unit; ``-`` where there is none."""
        return "-" if value is None else f"{self.scale * value:{sign}.{self.digits}f}"


SOLVED = Figure("solved_rate", "solved", "share of all attempts that solved their maze")
LEGAL = Figure("legality", "legal", "share of all attempts with a well-formed answer and no illegal move")
SPL = Figure("spl", "SPL", "success weighted by path length: 1 is the shortest path each time", 1, 3)
TOKENS = Figure("tokens_per_solve", "tokens a solve", "all tokens generated, over mazes solved", 1, 0)
REVISITS = Figure("revisits", "revisits", "moves onto a cell visited before, by attempt", 1, 2)
LOOPS = Figure("loops", "loops", "share of attempts that came back to a cell knowing no more than before")
SYMMETRY = Figure(
    "symmetry_consistency", "symmetry consistency", "answers to images of a maze that are the image of its answer"
)
SPEED = Figure("tokens_per_second", "tokens a second", "all tokens generated, over the time of the whole run", 1, 0)
MEMORY = Figure("peak_memory_gib", "peak memory", "the most that the process held, resident", 1, 2)
ROBUSTNESS = Figure("robustness", "robustness", "solved in every phrasing, of what is solved in the standard one")
TRACE_FIGURES = (
    Figure("validity", "trace validity", "traces that are true of their maze throughout"),
    Figure("consistency", "answer consistency", "answers that are the path that a valid trace arrives at"),
    Figure("correct_despite_trace", "correct despite invalid trace", "solved although the answer does not follow"),
    Figure("wrong_turn_rate", "wrong turn", "traces with an attempt that goes wrong"),
    Figure("backtracking_rate", "backtracking", "wrong attempts that were given up, by RESET or BACK"),
    Figure("recovery_rate", "recovery", "traces with a wrong attempt that solved all the same"),
    Figure("repetition_rate", "repetition", "traces that make the same attempt twice"),
)
"""Of ``TraceFigures``, in percent of the completions that reason in a known style."""
