"""What is measured: pure functions of records. Every attempt is in every denominator."""

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from benchmarks.path_metrics import first_illegal_moves, optimality_gap, returns
from benchmarks.stats import wilson
from benchmarks.suites import Suite
from benchmarks.trace_metrics import reasoning_figures
from maze_env.attempt import Attempt
from maze_env.dynamics import Outcome
from maze_env.phrasings import STANDARD
from maze_env.solving import UNREACHABLE
from maze_env.symmetry import SYMMETRIES, transform_move


def solved_rate(records: Sequence[Attempt]) -> float:
    """Attempts that solved their maze, over all attempts: (1/N) Σ Sᵢ. Source: AlphaMaze, arXiv 2502.14669."""
    return sum(record.solved for record in records) / len(records)


def legality(records: Sequence[Attempt]) -> float:
    """Attempts with a well-formed answer and no refused move, whether or not they solved, over all attempts."""
    return sum(record.legal for record in records) / len(records)


def legal_moves(records: Sequence[Attempt]) -> float | None:
    """Moves that were possible over moves replayed; a replay stops at a plan's first refused move. None without any."""
    outcomes = [outcome for record in records for outcome in record.outcomes]
    return outcomes.count(Outcome.MOVED) / len(outcomes) if outcomes else None


def path_efficiency(shortest: int, walked: int) -> float:
    """A solved maze's term of SPL: l / max(p, l); 1 where no way leads to the target (l is ``UNREACHABLE``)."""
    return 1.0 if shortest == UNREACHABLE else shortest / max(walked, shortest)


def spl(records: Sequence[Attempt]) -> float:
    """Success weighted by path length: (1/N) Σ Sᵢ · lᵢ / max(pᵢ, lᵢ), with l the shortest and p the walked length.

    Source: Anderson et al., "On evaluation of embodied navigation agents", arXiv 1807.06757. In play a refused move
    counts towards p, as it costs a step. Where no way leads to the target, a maze's term is Sᵢ: no length weighs it.
    """
    scores = (path_efficiency(record.start_distance, len(record.moves)) for record in records if record.solved)
    return sum(scores) / len(records)


def causes(records: Iterable[Attempt]) -> dict[str, int]:
    """How many attempts ended for each cause, most frequent first; they sum to all attempts."""
    return dict(Counter(str(record.cause) for record in records).most_common())


def parse_failures(records: Iterable[Attempt]) -> dict[str, int]:
    """The part of ``causes`` whose text was no answer (or, in play, no move)."""
    return causes(record for record in records if record.malformed)


def truncations(records: Iterable[Attempt]) -> dict[str, int]:
    """The part of ``causes`` that a budget (of tokens in plan, of moves in play) cut short."""
    return causes(record for record in records if record.truncated)


def tokens_per_attempt(records: Sequence[Attempt]) -> float | None:
    """Tokens generated over attempts; None when the agent counts none."""
    return sum(record.tokens or 0 for record in records) / len(records) if _counts_tokens(records) else None


def tokens_per_solve(records: Sequence[Attempt]) -> float | None:
    """All tokens generated, failed attempts included, over mazes solved: Σ tᵢ / Σ Sᵢ. None without either."""
    solved = sum(record.solved for record in records)
    return sum(record.tokens or 0 for record in records) / solved if solved and _counts_tokens(records) else None


def solved_within(records: Sequence[Attempt]) -> dict[str, float] | None:
    """The share of all attempts that solved their maze with at most b tokens, for b in powers of two.

    (1/N) Σ Sᵢ · [tᵢ ≤ b], with t all tokens generated, thinking and answer, in play over all turns. From the power that
    the shortest attempt fits to the one that all fit, where the curve ends at the solved rate: more budget than was
    given says nothing. None where no tokens are counted.
    """
    if not _counts_tokens(records):
        return None
    used = [record.tokens or 0 for record in records]
    spent = sorted(tokens for tokens, record in zip(used, records, strict=True) if record.solved)
    powers = range(_power_above(min(used)), _power_above(max(used)) + 1)
    return {str(2**power): bisect_right(spent, 2**power) / len(records) for power in powers}


def _power_above(tokens: int) -> int:
    """The least k with tokens ≤ 2^k."""
    return max(tokens - 1, 0).bit_length()


def _counts_tokens(records: Iterable[Attempt]) -> bool:
    return any(record.tokens is not None for record in records)


def pass_at_k(attempts: int, solved: int, k: int) -> float:
    """The chance that at least one of ``k`` attempts solves, estimated without bias: 1 - C(n - c, k) / C(n, k).

    Source: Chen et al., "Evaluating large language models trained on code", arXiv 2107.03374, equation 1.
    """
    return 1 - math.comb(attempts - solved, k) / math.comb(attempts, k)


def mean_pass_at_k(records: Sequence[Attempt], samples: int, k: int) -> float:
    """``pass_at_k`` averaged over tasks. A task is a maze in one phrasing; ``records`` hold sample after sample."""
    tasks = len(records) // samples
    return sum(pass_at_k(samples, sum(one.solved for one in records[i::tasks]), k) for i in range(tasks)) / tasks


def symmetry_consistency(records: Sequence[Attempt]) -> float:
    """Share of the images of a maze whose answer is the image of the answer to the maze itself.

    Both have to be well formed: to say nothing twice is no consistency. ``records`` hold each maze and its 7 other
    images, one after the other, as suite ``symmetry`` does. An agent that looks at the walls alone and breaks ties
    without regard to direction has 1.
    """
    alike = total = 0
    for start in range(0, len(records), len(SYMMETRIES)):
        first, *others = records[start : start + len(SYMMETRIES)]
        for symmetry, record in enumerate(others, start=1):
            image = tuple(transform_move(move, symmetry) for move in first.moves)
            alike += record.moves == image and not (first.malformed or record.malformed)
            total += 1
    return alike / total


def robustness(records: Sequence[Attempt]) -> float | None:
    """Mazes solved in every phrasing over mazes solved in the standard one: Σᵢ Πₚ Sᵢₚ / Σᵢ Sᵢₛ, p the phrasings taken.

    ``records`` hold each phrasing's attempts in the same order; with several samples each of them counts as a maze.
    1: no phrasing makes a difference to what was solved. None where the standard phrasing solved nothing, and where no
    other one was taken. That a model be measured over several phrasings and its worst told: Sclar et al., "Quantifying
    language models' sensitivity to spurious features in prompt design", arXiv 2310.11324; the ratio is this project's.
    """
    solves: dict[str, list[bool]] = {}
    for record in records:
        solves.setdefault(record.phrasing, []).append(record.solved)
    standard = sum(solves[STANDARD])
    return sum(map(all, zip(*solves.values(), strict=True))) / standard if standard and len(solves) > 1 else None


def summarize(records: Sequence[Attempt], suite: Suite, view_radius: int | None = None) -> dict[str, Any]:
    """Every figure of a run, overall and by level, ready for JSON.

    Rates are over the phrasings that were taken; ``phrasings_not_taken`` names the others.

    Args:
        records: sample after sample, in each of them phrasing after phrasing, each with every maze of ``suite`` in
            order.
        view_radius: of the fog that they were played in, if it was play and in fog; see ``walks.returns``.
    """
    spec, taken = suite.spec, {record.phrasing for record in records}
    several = len(spec.phrasings) > 1
    by_level: dict[str, list[Attempt]] = {name: [] for name in spec.level_names}
    for index, record in enumerate(records):
        by_level[record.phrasing if several else suite.labels[index % len(suite.labels)]].append(record)
    images = len(SYMMETRIES) if spec.images else 1
    samples = len(records) // (len(suite.mazes) * len(taken))
    levels = {name: _figures(some, images, samples, view_radius) for name, some in by_level.items() if some}
    figures = {**_figures(records, images, samples, view_radius), "reasoning": reasoning_figures(records)}
    if spec.images:
        figures["symmetry_consistency"] = symmetry_consistency(records)
    if several:
        figures["robustness"] = robustness(records)
        figures["worst_phrasing"] = min(levels, key=lambda name: levels[name]["solved_rate"])
        figures["phrasings_not_taken"] = [name for name in spec.phrasings if name not in taken]
    return {**figures, "levels": levels}


def _figures(records: Sequence[Attempt], images: int, samples: int, view_radius: int | None) -> dict[str, Any]:
    """``images`` and phrasings of a maze are one trial in the interval, as its ``samples`` are: not independent."""
    mazes = {record.maze for record in records}
    rate = solved_rate(records)
    figures = {
        "attempts": len(records),
        "solved": sum(record.solved for record in records),
        "solved_rate": rate,
        "solved_rate_wilson_95": wilson(rate, len(mazes) // images),
        "legality": legality(records),
        "legal_moves": legal_moves(records),
        "spl": spl(records),
        "optimality_gap": optimality_gap(records),
        "first_illegal_moves": first_illegal_moves(records),
        **returns(records, view_radius),
        "tokens_per_attempt": tokens_per_attempt(records),
        "tokens_per_solve": tokens_per_solve(records),
        "solved_within": solved_within(records),
        "causes": causes(records),
        "parse_failures": parse_failures(records),
        "truncations": truncations(records),
    }
    if samples > 1:
        powers = [2**i for i in range(samples.bit_length()) if 2**i < samples]
        figures["pass_at_k"] = {str(k): mean_pass_at_k(records, samples, k) for k in (*powers, samples)}
    return figures
