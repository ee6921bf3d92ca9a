from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.stats import binom, binomtest

from tokenmaze.benchmarks.stats import (
    bootstrap,
    holm,
    mazes_needed,
    mcnemar,
    mcnemar_power,
    newcombe,
    paired_difference,
    wilson,
)


@pytest.mark.parametrize(("solved", "low", "high"), [(86, 78, 91), (93, 86, 97)])
def test_wilson_of_the_papers_figures(solved, low, high):
    interval = wilson(solved / 100, 100)
    assert [round(100 * bound) for bound in interval] == [low, high]


@pytest.mark.parametrize(("solved", "count"), [(0, 10), (1, 10), (10, 10), (86, 100), (997, 1000)])
def test_wilson_is_scipys(solved, count):
    expected = binomtest(solved, count).proportion_ci(method="wilson")
    assert wilson(solved / count, count) == pytest.approx((expected.low, expected.high), abs=1e-12)


@pytest.mark.parametrize(
    ("first_only", "second_only", "p_value"),
    [(0, 0, 1.0), (5, 5, 1.0), (1, 7, 2 * 9 / 256), (7, 1, 2 * 9 / 256), (10, 0, 2 / 1024), (6, 16, 0.05248)],
)
def test_mcnemar_by_hand(first_only, second_only, p_value):
    assert mcnemar(first_only, second_only) == pytest.approx(p_value, abs=1e-5)


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_is_twice_the_smaller_tail(first_only, second_only):
    # As statsmodels' mcnemar(exact=True) has it.
    expected = min(1.0, 2 * binom.cdf(min(first_only, second_only), first_only + second_only, 0.5))
    assert mcnemar(first_only, second_only) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("table", "low", "high"),
    [
        # The examples of Fagerland, Lydersen and Laake's work on paired tables (Bentur et al. 2009, Cavo et al. 2012),
        # with the limits that their R package contingencytables gives.
        ((1, 1, 7, 12), -0.507, -0.026),
        ((59, 6, 16, 80), -0.1186, -0.0046),
    ],
)
def test_newcombe_as_published(table, low, high):
    assert newcombe(*table) == pytest.approx((low, high), abs=5e-4)


def test_newcombe_of_agents_that_never_differ_is_not_a_point():
    low, high = newcombe(50, 0, 0, 50)
    assert low == pytest.approx(-high)
    assert 0.01 < high < 0.1


def test_a_paired_difference_of_single_attempts():
    first, second = [1, 1, 1, 0, 0], [1, 0, 0, 1, 0]
    found = paired_difference(first, second)
    assert found.difference == pytest.approx(0.2)
    assert (found.first_only, found.second_only, found.p_value) == (2, 1, 1.0)
    assert found.interval == newcombe(1, 2, 1, 1)
    back = paired_difference(second, first)
    assert back.interval == pytest.approx((-found.interval[1], -found.interval[0]))


def test_a_paired_difference_of_several_attempts_resamples_mazes():
    random = np.random.default_rng(1)
    first, second = random.integers(0, 5, (2, 400)) / 4
    found = paired_difference(first, second)
    differences = first - second
    spread = 1.96 * differences.std() / 20
    assert found.interval == pytest.approx((differences.mean() - spread, differences.mean() + spread), abs=0.005)
    assert found == paired_difference(first, second)
    assert found.first_only == (differences > 0).sum()


def test_holm_by_hand():
    # Sorted 0.01, 0.02, 0.03, 0.04 times 4, 3, 2, 1, none less than the one before it.
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([0.03]) == [0.03]
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_holm_is_the_closed_test_of_bonferronis(p_values):
    # Marcus, Peritz and Gabriel (1976): a hypothesis falls where every set that it is in falls.
    names = range(len(p_values))
    sets = [some for size in names for some in combinations(names, size + 1)]
    of_set = {some: min(1.0, len(some) * min(p_values[name] for name in some)) for some in sets}
    assert holm(p_values) == pytest.approx([max(of_set[some] for some in sets if name in some) for name in names])


def test_the_bootstrap_is_scipys():
    differences = np.random.default_rng(3).choice([-1.0, -0.5, 0.0, 0.5, 1.0], size=60, p=[0.05, 0.1, 0.4, 0.25, 0.2])
    expected = stats.bootstrap(
        (differences,), np.mean, n_resamples=20_000, method="percentile", rng=np.random.default_rng(4)
    ).confidence_interval
    # A bound of 10,000 resamples has a standard error of about a fortieth of the spread of the mean, 0.07 here.
    assert bootstrap(differences) == pytest.approx((expected.low, expected.high), abs=0.01)


@pytest.mark.parametrize(("difference", "discordant"), [(0.05, 0.2), (-0.1, 0.3), (0.02, 0.06)])
def test_as_many_mazes_as_are_said_to_be_needed_are(difference, discordant):
    random = np.random.default_rng(0)
    for power in (0.5, 0.8, 0.95):
        mazes = mazes_needed(difference, discordant, power)
        more, less = (discordant + difference) / 2, (discordant - difference) / 2
        first, second, _ = random.multinomial(mazes, [more, less, 1 - discordant], size=4000).T
        seen = [mcnemar(*pair) <= 0.05 for pair in zip(first.tolist(), second.tolist(), strict=True)]
        assert np.mean(seen) == pytest.approx(power, abs=0.03)


def test_the_power_of_the_exact_test_by_hand():
    # All differ and the first always wins: at least 6 mazes for 2 / 2^6 < 0.05.
    assert mcnemar_power(5, 1.0, 1.0) == 0.0
    assert mcnemar_power(6, 1.0, 1.0) == 1.0
    assert mazes_needed(1.0, 1.0) == 6
    # Of 8 that differ, 8 or 0 and 7 or 1 reject (p = 0.008, 0.070): only the extremes do.
    assert mcnemar_power(8, 0.5, 1.0) == pytest.approx(0.75**8 + 0.25**8)
