"""What is measured: pure functions of attempts. Every attempt is in every denominator."""

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from typing import Any

from maze_env.attempt import Attempt, End, EndedBy
from maze_env.dynamics import MOVED
from maze_env.phrasings import STANDARD
from maze_env.solving import UNREACHABLE
from maze_env.symmetry import SYMMETRIES, transform_move
from tokenmaze.agents.failures import reasons
from tokenmaze.benchmarks.figures import Baseline, Figures, Scores, Summary
from tokenmaze.benchmarks.path_metrics import first_illegal_moves, optimality_gap, revisits_of
from tokenmaze.benchmarks.suites import Suite
from tokenmaze.benchmarks.trace_metrics import reasoning_figures


def solved_rate(attempts: Sequence[Attempt]) -> float:
    """Attempts that solved their maze, over all attempts: (1/N) Σ Sᵢ. Source: AlphaMaze, arXiv 2502.14669."""
    return sum(attempt.solved for attempt in attempts) / len(attempts)


def legality(attempts: Sequence[Attempt]) -> float:
    """Attempts with a well-formed answer and no illegal move, whether or not they solved, over all attempts."""
    return sum(attempt.legal for attempt in attempts) / len(attempts)


def legal_moves(attempts: Sequence[Attempt]) -> float | None:
    """Moves that were possible over moves replayed; a replay stops at a plan's first illegal move. None without any."""
    outcomes = [outcome for attempt in attempts for outcome in attempt.outcomes]
    return outcomes.count(MOVED) / len(outcomes) if outcomes else None


def path_efficiency(shortest: int, walked: int) -> float:
    """A solved maze's term of SPL: l / max(p, l); 1 where the target is unreachable (l is ``UNREACHABLE``)."""
    return 1.0 if shortest == UNREACHABLE else shortest / max(walked, shortest)


def spl(attempts: Sequence[Attempt]) -> float:
    """Success weighted by path length: (1/N) Σ Sᵢ · lᵢ / max(pᵢ, lᵢ), with l the shortest and p the walked length.

    Source: Anderson et al., "On evaluation of embodied navigation agents", arXiv 1807.06757. In play an illegal move
    counts towards p, as it costs a step. Where the target is unreachable, a maze's term is Sᵢ: no length weighs it.
    """
    scores = (path_efficiency(attempt.start_distance, len(attempt.moves)) for attempt in attempts if attempt.solved)
    return sum(scores) / len(attempts)


def ends(attempts: Iterable[Attempt]) -> dict[End, int]:
    """How many attempts ended in each way, most frequent first; they sum to all attempts."""
    return dict(Counter(attempt.end for attempt in attempts).most_common())


def ended_by(attempts: Iterable[Attempt]) -> dict[EndedBy, int]:
    """How many attempts each party or budget ended, most frequent first; they sum to all attempts."""
    return dict(Counter(attempt.ended_by for attempt in attempts).most_common())


def truncated(attempts: Iterable[Attempt]) -> dict[End, int]:
    """The part of ``ends`` that a budget, of tokens or of steps, cut short."""
    return ends(attempt for attempt in attempts if attempt.truncated)


def tokens_per_attempt(attempts: Sequence[Attempt]) -> float | None:
    """Tokens generated over attempts; None when they are unknown (``_counts_tokens``)."""
    return sum(attempt.tokens or 0 for attempt in attempts) / len(attempts) if _counts_tokens(attempts) else None


def tokens_per_solve(attempts: Sequence[Attempt]) -> float | None:
    """All tokens generated, failed attempts included, over mazes solved: Σ tᵢ / Σ Sᵢ. None without either, or when
    tokens are unknown (``_counts_tokens``).
    """
    solved = sum(attempt.solved for attempt in attempts)
    return sum(attempt.tokens or 0 for attempt in attempts) / solved if solved and _counts_tokens(attempts) else None


def solved_within(attempts: Sequence[Attempt]) -> dict[int, float] | None:
    """The share of all attempts that solved their maze with at most b tokens, for b in powers of two.

    (1/N) Σ Sᵢ · [tᵢ ≤ b], with t all tokens generated, thinking and answer, in play over all turns. From the power that
    the shortest attempt fits to the one that all fit, where the curve ends at the solved rate: more budget than was
    given says nothing. None where tokens are unknown (``_counts_tokens``).
    """
    if not _counts_tokens(attempts):
        return None
    used = [attempt.tokens for attempt in attempts if attempt.tokens is not None]
    spent = sorted(attempt.tokens for attempt in attempts if attempt.solved and attempt.tokens is not None)
    first, last = (max(tokens - 1, 0).bit_length() for tokens in (min(used), max(used)))  # minimum k with tokens ≤ 2^k
    return {2**power: bisect_right(spent, 2**power) / len(attempts) for power in range(first, last + 1)}


def _counts_tokens(attempts: Sequence[Attempt]) -> bool:
    """Whether every attempt tells its tokens; one without an answer, because a request failed, may tell none."""
    known = [attempt.tokens is not None for attempt in attempts if attempt.end is not End.REQUEST_FAILED]
    return bool(known) and all(known)


def pass_at_k(attempts: int, solved: int, k: int) -> float:
    """The chance that at least one of ``k`` attempts solves, estimated without bias: 1 - C(n - c, k) / C(n, k).

    Source: Chen et al., "Evaluating large language models trained on code", arXiv 2107.03374, equation 1.
    """
    return 1 - math.comb(attempts - solved, k) / math.comb(attempts, k)


def mean_pass_at_k(attempts: Sequence[Attempt], samples: int, k: int) -> float:
    """``pass_at_k`` averaged over tasks. A task is a maze in one phrasing; ``attempts`` hold sample after sample."""
    tasks = len(attempts) // samples
    return sum(pass_at_k(samples, sum(one.solved for one in attempts[i::tasks]), k) for i in range(tasks)) / tasks


def symmetry_consistency(attempts: Sequence[Attempt]) -> float:
    """Share of the images of a maze whose answer is the image of the answer to the maze itself.

    Both have to be well formed: two empty answers are not consistent. ``attempts`` hold each maze and its 7 other
    images, one after the other, as suite ``symmetry`` does. An agent that looks at the walls alone and breaks ties
    without regard to direction has 1.
    """
    alike: list[bool] = []
    for start in range(0, len(attempts), len(SYMMETRIES)):
        first, *others = attempts[start : start + len(SYMMETRIES)]
        for symmetry, attempt in enumerate(others, start=1):
            image = tuple(transform_move(move, symmetry) for move in first.moves)
            alike.append(attempt.moves == image and not (first.malformed or attempt.malformed))
    return sum(alike) / len(alike)


def robustness(attempts: Sequence[Attempt]) -> float | None:
    """Mazes solved in every phrasing over mazes solved in the standard one: Σᵢ Πₚ Sᵢₚ / Σᵢ Sᵢₛ, p the phrasings taken.

    ``attempts`` hold each phrasing's attempts in the same order; with several samples each of them counts as a maze.
    1: no phrasing makes a difference to what was solved. None where the standard phrasing solved nothing, and where no
    other one was taken. That a model be measured over several phrasings and its worst be reported: Sclar et al.,
    "Quantifying language models' sensitivity to spurious features in prompt design", arXiv 2310.11324; the ratio is
    this project's.
    """
    solves: dict[str, list[bool]] = {}
    for attempt in attempts:
        solves.setdefault(attempt.phrasing, []).append(attempt.solved)
    standard = sum(solves[STANDARD])
    return sum(map(all, zip(*solves.values(), strict=True))) / standard if standard and len(solves) > 1 else None


def summarize(attempts: Sequence[Attempt], suite: Suite, view_radius: int | None = None) -> Summary:
    """Every figure of a run, overall and by level.

    Rates are over the phrasings that were taken; ``phrasings_not_taken`` names the others.

    Args:
        attempts: sample after sample, in each of them phrasing after phrasing, each with every maze in order.
        suite: the mazes.
        view_radius: as for ``path_metrics.revisits_of``.
    """
    spec, taken = suite.spec, {attempt.phrasing for attempt in attempts}
    several = len(spec.phrasings) > 1
    revisits = [revisits_of(attempt, view_radius) for attempt in attempts]
    by_level: dict[str, list[int]] = {name: [] for name in spec.level_names}
    for index, attempt in enumerate(attempts):
        by_level[attempt.phrasing if several else suite.labels[index % len(suite.labels)]].append(index)
    images = len(SYMMETRIES) if spec.images else 1
    samples = len(attempts) // (len(suite.mazes) * len(taken))
    levels = {
        name: Figures(**_figures([attempts[i] for i in places], [revisits[i] for i in places], images, samples))
        for name, places in by_level.items()
        if places
    }
    return Summary(
        **_figures(attempts, revisits, images, samples),
        levels=levels,
        reasoning=reasoning_figures(attempts),
        symmetry_consistency=symmetry_consistency(attempts) if spec.images else None,
        robustness=robustness(attempts) if several else None,
        worst_phrasing=min(levels, key=lambda name: levels[name].solved_rate) if several else None,
        phrasings_not_taken=tuple(name for name in spec.phrasings if name not in taken) if several else None,
        failures=reasons(one.failure for one in attempts if one.end is End.REQUEST_FAILED) or None,
    )


def baseline_of(summary: Summary) -> Baseline:
    """The part of a summary that a result keeps of a baseline."""
    names = [field.name for field in fields(Scores)]
    overall, *levels = ({name: getattr(one, name) for name in names} for one in (summary, *summary.levels.values()))
    return Baseline(**overall, levels={level: Scores(**one) for level, one in zip(summary.levels, levels, strict=True)})


BY_NAME: tuple[Callable[[Sequence[Attempt]], Any], ...] = (legality, legal_moves, spl, optimality_gap)
BY_NAME += (first_illegal_moves, tokens_per_attempt, tokens_per_solve, solved_within, ends, ended_by, truncated)
"""Figures that are called as their functions are."""


def _figures(
    attempts: Sequence[Attempt], revisits: Sequence[tuple[int, bool]], images: int, samples: int
) -> dict[str, Any]:
    """The fields of ``Figures``. A maze's images, phrasings and samples are one trial: not independent."""
    powers = [2**i for i in range(samples.bit_length()) if 2**i < samples]
    return {figure.__name__: figure(attempts) for figure in BY_NAME} | {
        "attempts": len(attempts),
        "solved": sum(attempt.solved for attempt in attempts),
        "trials": len({attempt.maze for attempt in attempts}) // images,
        "revisits": sum(again for again, _ in revisits) / len(attempts),
        "loops": sum(is_loop for _, is_loop in revisits) / len(attempts),
        "pass_at_k": {k: mean_pass_at_k(attempts, samples, k) for k in (*powers, samples)} if samples > 1 else None,
    }
