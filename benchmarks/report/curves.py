"""Training curves, from the log that each run folder holds (``run.json``, ``trainer_state.json``)."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agents.errors import InvalidCheckpoint
from benchmarks.report.charts import Point, Series, legend, line_chart, step_ticks, thinned
from benchmarks.report.markup import Markup, element

Log = list[dict[str, Any]]

PANELS: tuple[tuple[str, str, bool, dict[str, str]], ...] = (
    ("Solved", "share", True, {"solved_rate": "training completions", "validation/solved_rate": "validation, greedy"}),
    ("Reward and its terms", "mean", False, {"reward": "reward", "reward_terms/*": ""}),
    ("Failures by cause", "share of completions", True, {"failures/*": ""}),
    ("Malformed", "share of validation mazes", True, {"validation/malformed_rate": "validation, greedy"}),
    ("Loss", "nats a token", False, {"loss": "of supervised tokens"}),
    ("Right next tokens", "share", True, {"mean_token_accuracy": "of supervised tokens"}),
    ("Entropy", "nats a token", False, {"entropy": "of the policy"}),
    ("Completion length", "tokens", False, {"completions/mean_length": "mean", "completions/max_length": "longest"}),
    ("Groups without spread of rewards", "share", True, {"frac_reward_zero_std": "of groups"}),
)
"""Title, unit of the values, whether they are shares, and the logged names with their labels; ``/*`` stands for all
names that begin so. A panel is drawn where one of its names was logged."""
MOST_LINES = 3
"""Of a panel that has lines for what never happened."""
MOST_OPEN = 4
"""Runs that are shown unasked."""
MEANS, MOST_POINTS = 30, 400
"""Points of a curve: of the line, each the mean of a stretch of steps, and of the faint line behind it."""
NOT_OF_GRPO = {"loss"}
"""Names left out where a reward is trained on: the value of a surrogate loss is no measure of progress."""


def read_run(folder: Path) -> tuple[dict[str, Any], Log]:
    """What a run says of itself, and its log.

    Raises:
        InvalidCheckpoint: for a folder that holds no finished run.
    """
    try:
        run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        log = json.loads((folder / "trainer_state.json").read_text(encoding="utf-8"))["log_history"]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise InvalidCheckpoint(f"Expects a finished run in {str(folder)!r}, actual: {error!r}") from None
    if not isinstance(run, dict) or "stage" not in run or not all(isinstance(entry, dict) for entry in log):
        raise InvalidCheckpoint(f"Expects a finished run with its stage in {str(folder)!r}, actual: none")
    return run, log


def training_section(folders: Sequence[Path]) -> Markup:
    """The panels of each run."""
    runs = [(folder, *read_run(folder)) for folder in folders]
    return element("div", *(_run(*run, is_open=len(runs) <= MOST_OPEN) for run in runs))


def _run(folder: Path, run: dict[str, Any], log: Log, is_open: bool) -> Markup:
    figures = run.get("figures") or {}
    told = [f"{figures['steps']:,} steps"] if "steps" in figures else []
    told += [f"{figures['wall_seconds'] / 60:.1f} minutes"] if "wall_seconds" in figures else []
    summary = element(
        "summary", element("b", str(run["stage"]).upper()), f" {folder} ", element("small", ", ".join(told))
    )
    return element("details", summary, element("div", *run_panels(log), class_="figures"), open=is_open, class_="run")


def run_panels(log: Log) -> list[Markup]:
    """The charts of a log."""
    logged = dict.fromkeys(name for entry in log for name in entry)
    left_out = NOT_OF_GRPO if "reward" in logged else set()
    panels = []
    for title, unit, percent, wanted in PANELS:
        names = {
            name: label or name.partition("/")[2].replace("_", " ")
            for pattern, label in wanted.items()
            for name in logged
            if (name.startswith(pattern[:-1]) if pattern.endswith("/*") else name == pattern) and name not in left_out
        }
        curves = [(label, curve_of(log, name)) for name, label in names.items()]
        curves = [(label, curve) for label, curve in curves if curve]
        if len(curves) > MOST_LINES:  # of many causes, those that occurred
            curves = [(label, curve) for label, curve in curves if any(y for _, y in curve)]
        if not curves:
            continue
        series = [Series(label, i, _points(curve, MOST_POINTS), faint=True) for i, (label, curve) in enumerate(curves)]
        series += [Series(label, i, _points(curve, MEANS)) for i, (label, curve) in enumerate(curves)]
        last = max(point.x for line in series for point in line.points)
        chart = line_chart(title, series, step_ticks(last), unit, "step", 1.0 if title == "Solved" else None, percent)
        names_of_lines = [(i, label) for i, (label, _) in enumerate(curves)]
        alone = f", {curves[0][0]}" if len(curves) == 1 else ""
        caption = element("figcaption", title, element("small", f" {unit}{alone}"))
        panels.append(element("figure", caption, chart, None if alone else legend(names_of_lines)))
    return panels


def _points(curve: Sequence[tuple[float, float]], most: int) -> list[Point]:
    return [Point(x, y, note=f"{y:.4g} at step {x:,g}") for x, y in thinned(curve, most)]


def curve_of(log: Log, name: str) -> list[tuple[float, float]]:
    """(step, value) of each entry that has a finite number for ``name``."""
    values = ((entry.get("step"), entry.get(name)) for entry in log)
    return [
        (float(step), float(value))
        for step, value in values
        if isinstance(step, int | float) and isinstance(value, int | float) and math.isfinite(value)
    ]
