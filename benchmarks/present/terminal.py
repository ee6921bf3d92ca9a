"""The figures of a result, to be read in a terminal."""

from collections.abc import Mapping
from typing import Any

from maze_env._text import harmless
from tokenmaze.benchmarks import figures
from tokenmaze.benchmarks.figures import (
    LEGAL,
    REVISITS,
    ROBUSTNESS,
    SOLVED,
    SPL,
    SYMMETRY,
    TOKENS,
    TRACE_FIGURES,
    Summary,
)
from tokenmaze.benchmarks.present.words import counted
from tokenmaze.benchmarks.record import TITLE, Result

MAX_COLUMNS, MAX_TITLE = 4, 7
"""Levels that have a column each, and letters of their titles; more and longer ones are listed below the table."""


def report(result: Result) -> str:
    """All figures of a result."""
    suite, summary = result.suite, result.summary
    attempts = counted(suite.mazes, "maze") + (f" x {result.samples} samples" if result.samples > 1 else "")
    conditions = ", ".join([attempts, *result.track.conditions])
    levels = list(summary.levels)
    columns = levels if len(levels) <= MAX_COLUMNS and max(map(len, levels), default=0) <= MAX_TITLE else []
    lines = [TITLE, f"{suite.name} v{suite.version}, {conditions}", "", *_table(result, columns)]
    for level in levels if not columns else []:
        part = summary.levels[level]
        lines.append(f"  {level:<28}{part.solved_rate:7.1%}  {_interval(part):>15}  of {part.attempts}")
    lines += [f"ends: {_counts(summary.ends)}", f"ended by: {_counts(summary.ended_by)}"]
    if summary.failures:
        failed = "".join(f"\n  {count} x {reason}" for reason, count in summary.failures.items())
        lines.append(f"attempts without an answer, which count as not solved, by why the request failed:{failed}")
    lines += [f"cut short: {_counts(summary.truncated)}", *_path_lines(summary)]
    if summary.reasoning is not None:
        lines += _trace_lines(summary.reasoning)
    if summary.symmetry_consistency is not None:
        lines.append(f"{SYMMETRY.title} ({SYMMETRY.explanation}): {SYMMETRY.text(summary.symmetry_consistency)}%")
    if summary.worst_phrasing is not None:
        worst = summary.levels[summary.worst_phrasing]
        robustness = "-" if summary.robustness is None else f"{summary.robustness:.1%}"
        lines += [
            f"{ROBUSTNESS.title} ({ROBUSTNESS.explanation}): {robustness}",
            f"worst phrasing: {summary.worst_phrasing}, {worst.solved_rate:.1%}",
            f"phrasings not taken: {', '.join(summary.phrasings_not_taken or ()) or 'none'}",
        ]
    if summary.pass_at_k:
        lines.append("; ".join(f"pass@{k} {value:.1%}" for k, value in summary.pass_at_k.items()))
    if suite.of_training_split:
        lines.append(f"mazes whose layout training may have seen: {suite.of_training_split}")
    return "\n".join(map(harmless, lines))


def _table(result: Result, levels: list[str]) -> list[str]:
    """A row for the agent and for each baseline."""
    rows: dict[str, Summary | figures.Baseline] = {harmless(result.called): result.summary}
    rows |= {harmless(f"({name})"): baseline for name, baseline in result.baselines.items()}
    width = max(map(len, rows))
    cells = [(SOLVED.title, 7), ("95 % interval", 15), *((level, 8) for level in levels)]
    cells += [(LEGAL.title, 7), (SPL.title, 7), (TOKENS.title, 16)]
    lines = [" " * width + "".join(f"{title:>{size}}" for title, size in cells)]
    for name, row in rows.items():
        values = [f"{row.solved_rate:7.1%}", f"{_interval(row):>15}"]
        values += [f"{row.levels[level].solved_rate:8.1%}" for level in levels]
        values += [f"{row.legality:7.1%}", f"{row.spl:7.3f}", f"{TOKENS.text(row.tokens_per_solve):>16}"]
        lines.append(f"{name:<{width}}" + "".join(values))
    return lines


def _path_lines(summary: Summary) -> list[str]:
    """How the agent moved, and with how many tokens it solved."""
    paths = f"{REVISITS.title}: {REVISITS.text(summary.revisits)} an attempt; attempts with a loop: {summary.loops:.1%}"
    if gap := summary.optimality_gap:
        paths += f"; longer than the shortest path: {gap.ratio:.1%}, {gap.moves:.2f} moves a solve"
    firsts = summary.first_illegal_moves.items()
    illegal = [f"{end} in {first.share:.1%}, median move {first.median:g}" for end, first in firsts]
    lines = [paths, f"first illegal move: {'; '.join(illegal) or 'none'}"]
    if curve := summary.solved_within:
        lines.append("solved within tokens: " + ", ".join(f"{budget} {share:.1%}" for budget, share in curve.items()))
    return lines


def _trace_lines(reasoning: figures.Reasoning) -> list[str]:
    """What the traces were worth, and what was wrong with them first."""
    values = [(figure.title, figure.of(reasoning)) for figure in TRACE_FIGURES]
    shares = ", ".join(f"{title} {value:.1%}" for title, value in values if value is not None)
    faults = [f"{style}: {_counts(some.faults)}" for style, some in reasoning.by_style.items() if some.faults]
    return [f"traces ({_counts(reasoning.styles)}): {shares}", f"first fault of a trace: {'; '.join(faults) or 'none'}"]


def _interval(scores: figures.Scores) -> str:
    low, high = scores.solved_rate_wilson_95
    return f"{low:.1%} - {high:.1%}"


def _counts(counts: Mapping[Any, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items()) or "none"
