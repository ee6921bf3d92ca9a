"""Training curves, from the log that each run folder holds."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from tokenmaze.agents.run_log import RunLog, read_run
from tokenmaze.benchmarks.present.words import counted
from tokenmaze.benchmarks.report.charts import Point, Series, legend, line_chart, step_ticks, thinned
from tokenmaze.benchmarks.report.markup import Markup, element

PANELS: tuple[tuple[str, str, bool, dict[str, str]], ...] = (
    ("Solved", "share", True, {"solved_rate": "training completions", "eval_solved_rate": "evaluation, greedy"}),
    ("Reward and its terms", "mean", False, {"reward": "reward", "reward_terms/*": ""}),
    ("Solved, by kind of maze", "running mean", True, {"ladder/solved/*": ""}),
    ("Kinds of mazes", "share of those attempted", True, {"ladder/share/*": ""}),
    ("How completions failed", "share of completions", True, {"end/*": ""}),
    ("Cut short by a budget", "share of completions", True, {"ended_by/*_budget": ""}),
    ("Malformed", "share of mazes", True, {"eval_malformed_rate": "evaluation, greedy"}),
    ("Loss", "nats a token", False, {"loss": "of supervised tokens"}),
    ("Token accuracy", "share", True, {"mean_token_accuracy": "of supervised tokens"}),
    ("Entropy", "nats a token", False, {"entropy": "of the policy"}),
    ("Completion length", "tokens", False, {"completions/mean_length": "mean", "completions/max_length": "longest"}),
    ("Groups without spread of rewards", "share", True, {"frac_reward_zero_std": "of groups"}),
)
"""Title, unit of the values, whether they are shares, and the logged names with their labels; ``*`` stands for any
text, and those names are their own labels. A panel is drawn where one of its names was logged."""
NOT_DRAWN = {"end/solved"}  # logged names that are in another panel already
NOT_OF_GRPO = {"loss"}  # left out where a reward is trained on: a surrogate loss does not measure progress
MAX_LINES = 3  # of a panel that also has lines for what never happened
MEANS, MAX_POINTS = 30, 400  # points of the line, each the mean over some steps, and of the faint line behind it


def training_section(folders: Sequence[Path]) -> Markup:
    """The section of the training runs, with the panels of each; only the last run's are unfolded."""
    sections = []
    for place, folder in enumerate(folders, start=1):
        run = read_run(folder)
        facts = [counted(int(run.figures["steps"]), "step")] if "steps" in run.figures else []
        facts += [f"{run.figures['wall_seconds'] / 60:.1f} minutes"] if "wall_seconds" in run.figures else []
        summary = element("summary", element("b", run.stage.upper()), f" {folder} ", element("small", ", ".join(facts)))
        panels = element("div", *run_panels(run), class_="figures")
        sections.append(element("details", summary, panels, open=place == len(folders), class_="run"))
    return element("section", element("h2", "Training"), element("div", *sections), id="training")


def run_panels(run: RunLog) -> list[Markup]:
    """The charts of a run."""
    left_out = NOT_DRAWN | (NOT_OF_GRPO if "reward" in run.names else set())
    panels = []
    for title, unit, percent, patterns in PANELS:
        curves = [
            (label or name.rpartition("/")[2].replace("_", " "), curve)
            for pattern, label in patterns.items()
            for name in run.names
            if name not in left_out and fnmatchcase(name, pattern) and (curve := run.curve(name))
        ]
        if len(curves) > MAX_LINES:
            curves = [(label, curve) for label, curve in curves if any(y for _, y in curve)]
        if not curves:
            continue
        series = [Series(label, i, _points(curve, MAX_POINTS), faint=True) for i, (label, curve) in enumerate(curves)]
        series += [Series(label, i, _points(curve, MEANS)) for i, (label, curve) in enumerate(curves)]
        last = max(point.x for line in series for point in line.points)
        top = 1.0 if title == "Solved" else None
        chart = line_chart(f"{title}, {unit}", series, step_ticks(last), "step", top, percent)
        single = f", {curves[0][0]}" if len(curves) == 1 else ""
        caption = element("figcaption", title, element("small", f" {unit}{single}"))
        lines = None if single else legend([(i, label) for i, (label, _) in enumerate(curves)])
        panels.append(element("figure", caption, chart, lines))
    return panels


def _points(curve: Sequence[tuple[float, float]], count: int) -> list[Point]:
    return [Point(x, y, note=f"{y:.4g} at step {x:,g}") for x, y in thinned(curve, count)]
