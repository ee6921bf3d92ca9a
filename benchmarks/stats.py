"""Intervals and tests for solved rates, all at 95 %."""

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

Z = 1.959963984540054
"""The normal distribution's 97.5 % quantile, as scipy has it."""
Interval = tuple[float, float]


def wilson(rate: float, count: int) -> Interval:
    """The Wilson score interval of a proportion: (p + z²/2n ± z √(p(1-p)/n + z²/4n²)) / (1 + z²/n).

    Source: Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927). Written out
    because scipy's takes whole successes only, and the mean over several samples of each maze is none. ``count`` are
    the independent trials. Several attempts at one maze are one trial: they are not independent, and counting mazes is
    right, if wide, whatever their dependence.
    """
    centre = rate + Z**2 / (2 * count)
    spread = Z * math.sqrt(rate * (1 - rate) / count + Z**2 / (4 * count**2))
    scale = 1 + Z**2 / count
    return max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)


@dataclass(frozen=True)
class PairedDifference:
    """How two agents differ on the same mazes: ``first`` minus ``second``."""

    difference: float
    """Of the solved rates."""
    interval: Interval
    """Its 95 % interval."""
    first_only: int
    """Mazes that the first solved more often."""
    second_only: int
    """Mazes that the second solved more often."""
    p_value: float
    """Of the exact McNemar test, two-sided."""
    mazes: int
    """Pairs that were compared."""
    exact: bool
    """Whether each is solved or not, so that the interval is Newcombe's; else it is a bootstrap over the pairs."""


def paired_difference(first: Sequence[float], second: Sequence[float]) -> PairedDifference:
    """Compares two agents maze by maze.

    With one attempt at each maze the interval is Newcombe's and the test McNemar's; with more, a bootstrap over mazes
    and the sign test, which is what McNemar's test becomes then. Scores are shares of the attempts at each maze (and at
    its images) that were solved, of both in the same order.
    """
    one, two = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    more, less = int((one > two).sum()), int((one < two).sum())
    exact = set(np.unique((one, two))) <= {0.0, 1.0}
    if exact:
        interval = newcombe(int((one * two).sum()), more, less, int(((1 - one) * (1 - two)).sum()))
    else:
        interval = bootstrap(one - two)
    return PairedDifference(float((one - two).mean()), interval, more, less, mcnemar(more, less), len(one), exact)


def mcnemar(first_only: int, second_only: int) -> float:
    """The two-sided p-value of the exact McNemar test: P(at least as uneven | X ~ Binomial(b + c, 1/2)).

    Source: McNemar, Psychometrika 12 (1947); the exact form is the sign test on discordant pairs.
    """
    from scipy.stats import binomtest  # takes half a second to load, and most commands compare nothing

    return float(binomtest(first_only, differ).pvalue) if (differ := first_only + second_only) else 1.0


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values corrected for their number, in their order: controls the family-wise error rate.

    With p sorted ascending: p'₍ᵢ₎ = max over j ≤ i of min(1, (m - j + 1) · p₍ⱼ₎).
    Source: Holm, "A simple sequentially rejective multiple test procedure", Scandinavian J. of Statistics 6 (1979).
    """
    values = np.array(p_values, dtype=float)
    order, factors = np.argsort(values, kind="stable"), np.arange(len(values), 0, -1)
    values[order] = np.maximum.accumulate(np.minimum(1.0, factors * values[order]))
    return [float(value) for value in values]


def mcnemar_power(mazes: int, difference: float, discordant: float) -> float:
    """The chance that the exact McNemar test at 5 % sees a paired difference.

    Σₘ P(M = m) · P(the test rejects | m), with M ~ Binomial(n, ψ) mazes that one of the two solves and the other does
    not, of which ``first`` solves each with probability (ψ + |d|) / 2ψ.
    Source: Duffy, "Asymptotic and exact power for the McNemar test and its analogue with R controls per case",
    Biometrics 40 (1984).

    Args:
        mazes: n.
        difference: d, of the solved rates.
        discordant: ψ, the share of mazes on which the two differ, from |d| to 1.
    """
    from scipy.stats import binom

    low, high = (int(binom.ppf(tail, mazes, discordant)) for tail in (1e-9, 1 - 1e-9))
    differ = np.arange(low, high + 1)
    # Rejected where one side has at most this many of them: the maximum c with 2 P(X <= c) <= 0.05.
    critical = binom.ppf(0.025, differ, 0.5) - 1
    critical += 2 * binom.cdf(critical + 1, differ, 0.5) <= 0.05
    share = (discordant + abs(difference)) / (2 * discordant)
    rejects = binom.cdf(critical, differ, 1 - share) + binom.cdf(critical, differ, share)
    return float((binom.pmf(differ, mazes, discordant) * rejects).sum())


def mazes_needed(difference: float, discordant: float, power: float = 0.8) -> int:
    """Mazes with which the exact McNemar test at 5 % sees a paired difference.

    Args:
        difference: of the solved rates, not 0.
        discordant: as for ``mcnemar_power``.
        power: the probability of seeing it.
    """
    enough = 8
    while mcnemar_power(enough, difference, discordant) < power:
        enough *= 2
    sizes = range(enough // 2, enough + 1)
    return sizes[bisect_left(sizes, power, key=lambda mazes: mcnemar_power(mazes, difference, discordant))]


def newcombe(both: int, first_only: int, second_only: int, neither: int) -> Interval:
    """Newcombe's square-and-add interval of a paired difference of proportions.

    With Wilson intervals (l₁, u₁) of p₁ and (l₂, u₂) of p₂, and the correlation φ of the pairs:
    lower = d - √((p₁-l₁)² - 2φ(p₁-l₁)(u₂-p₂) + (u₂-p₂)²), upper = d + √((u₁-p₁)² - 2φ(u₁-p₁)(p₂-l₂) + (p₂-l₂)²).
    φ's numerator A = both·neither - first_only·second_only becomes max(A - n/2, 0) where A > 0.

    Source: Newcombe, "Improved confidence intervals for the difference between binomial proportions based on paired
    data", Statistics in Medicine 17 (1998), method 10; recommended, with Tango's, by Fagerland, Lydersen and Laake,
    Statistics in Medicine 33 (2014). Unlike the textbook interval it does not shrink to nothing when no pair differs.
    """
    count = both + first_only + second_only + neither
    ones, twos = both + first_only, both + second_only
    rate_1, rate_2 = ones / count, twos / count
    (low_1, high_1), (low_2, high_2) = wilson(rate_1, count), wilson(rate_2, count)
    numerator: float = both * neither - first_only * second_only
    numerator = max(numerator - count / 2, 0.0) if numerator > 0 else numerator
    denominator = math.sqrt(ones * (count - ones) * twos * (count - twos))
    phi = numerator / denominator if denominator else 0.0

    def spread(one: float, two: float) -> float:
        return math.sqrt(one**2 - 2 * phi * one * two + two**2)

    difference = rate_1 - rate_2
    return difference - spread(rate_1 - low_1, high_2 - rate_2), difference + spread(high_1 - rate_1, rate_2 - low_2)


def bootstrap_seeds(scores: np.ndarray, resamples: int = 10_000) -> Interval:
    """The percentile bootstrap interval of a mean over training seeds and mazes, both resampled.

    A score is that of one training seed on one maze; seeds share the mazes. With few seeds their part is narrower than
    it should be (three seeds resample to ten different sets), so each seed's own figure belongs beside it.

    Source: Agarwal et al., "Deep reinforcement learning at the edge of the statistical precipice", arXiv 2108.13264,
    on intervals over runs and tasks.
    """
    weights, counts = _resamples(*scores.shape, resamples)
    return _middle(((counts @ scores.T) * weights).sum(axis=1) / scores.size)


@lru_cache(maxsize=4)
def _resamples(seeds: int, mazes: int, resamples: int) -> tuple[np.ndarray, np.ndarray]:
    """How often each seed, (resamples, seeds) int64, and each maze, (resamples, mazes) int16, is drawn."""
    rng = np.random.default_rng(0)
    counts = rng.multinomial(mazes, np.full(mazes, 1 / mazes), size=resamples)
    return rng.multinomial(seeds, np.full(seeds, 1 / seeds), size=resamples), counts.astype(np.int16)


def bootstrap(differences: np.ndarray, resamples: int = 10_000) -> Interval:
    """The percentile bootstrap interval of a mean, resampling mazes; the same input gives the same interval.

    Source: Efron, "Bootstrap methods: another look at the jackknife", Annals of Statistics 7 (1979).
    """
    rng = np.random.default_rng(0)
    return _middle([rng.choice(differences, len(differences)).mean() for _ in range(resamples)])


def _middle(means: Sequence[float] | np.ndarray) -> Interval:
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)
