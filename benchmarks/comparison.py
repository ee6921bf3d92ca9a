"""Two results compared maze by maze."""

from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import NamedTuple

from maze_env.symmetry import SYMMETRIES
from tokenmaze.benchmarks.figures import SOLVED, SPL, Figure
from tokenmaze.benchmarks.record import Result, path_scores, solved_shares
from tokenmaze.benchmarks.stats import PairedDifference, holm, paired_difference
from tokenmaze.benchmarks.suite_specs import SUITES
from tokenmaze.benchmarks.typed_json import InvalidResult


class Metric(NamedTuple):
    """What can be compared."""

    figure: Figure
    """How it is shown."""
    scores: Callable[[Result], list[float]]
    """Of a result, one for each maze."""


METRICS = {"solved": Metric(SOLVED, solved_shares), "spl": Metric(SPL, path_scores)}
ALIKE = {"phrasings": "suite.phrasings", "mode": "mode", "view radius": "view_radius", "number of samples": "samples"}
"""What results that compare have in common beside their mazes, and where it stands in them."""


def compare(first: Result, second: Result, metric: str = "solved") -> PairedDifference:
    """First minus second, maze by maze; raises as ``check_alike``."""
    check_alike(first, second)
    scores = METRICS[metric].scores
    return paired_difference(*(mean_over_images(scores(one), one.suite.name) for one in (first, second)))


def check_alike(first: Result, second: Result) -> None:
    """Raises InvalidResult for two that were not measured on the same mazes, in the same mode, with as many samples."""
    if first.suite.sha256 != second.suite.sha256:
        suites = f"{suite_text(first)} and {suite_text(second)}"
        raise InvalidResult(f"Expects two results on the same mazes, actual: {suites}")
    for what, where in ALIKE.items():
        one, two = map(attrgetter(where), (first, second))
        if one != two:
            raise InvalidResult(f"Expects two results with the same {what}, actual: {one} and {two}")


def compare_all(pairs: Iterable[tuple[Result, Result]], metric: str = "solved") -> list[tuple[PairedDifference, float]]:
    """Each first minus its second, with its p-value corrected for the number of pairs by Holm."""
    differences = [compare(*pair, metric) for pair in pairs]
    return list(zip(differences, holm([one.p_value for one in differences]), strict=True))


def mean_over_images(scores: Sequence[float], suite: str) -> Sequence[float]:
    """The mean over the symmetric images of each maze, which are not independent trials."""
    if suite not in SUITES or not SUITES[suite].images:
        return scores
    images = len(SYMMETRIES)
    return [sum(scores[start : start + images]) / images for start in range(0, len(scores), images)]


def suite_text(result: Result) -> str:
    """The suite of a result and its hash."""
    return f"{result.suite.name} v{result.suite.version} sha256 {result.suite.sha256}"


def p_text(p_value: float) -> str:
    """A p-value as tables write it."""
    return f"p = {p_value:.3f}" if p_value >= 0.001 else f"p = {p_value:.0e}"
