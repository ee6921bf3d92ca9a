"""The record table of ``docs/record.md``: how long recipes train, from nothing, until they solve what others solve.

    python -m benchmarks.speedrun benchmarks/results/main/*.json --readme docs/record.md \\
        --runs 'benchmarks/results/training/{recipe}-{seed}-{stage}.json'
    python -m benchmarks.speedrun runs/*/results/*.json --control search          what ``make record`` trained

A recipe reaches a bar with the first of its stages that does so on each of three training seeds or more. Its time is
that of the trainings up to there, as their ``run.json`` has it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from maze_env._arguments import ArgumentParser
from maze_env._cli import called_as, path_of, run_command
from maze_env.errors import InvalidConfig
from tokenmaze.benchmarks.figures import SOLVED
from tokenmaze.benchmarks.present.markdown import markdown_table, named, publish
from tokenmaze.benchmarks.record import GREEDY, Group, Result, group_title, groups_of, load_each
from tokenmaze.benchmarks.typed_json import InvalidResult

BARS = (("mazebench-1000", 0.93), ("mazebench-1000", 0.99), ("beyond", 0.95))
"""A suite, and the share of it that is to be solved."""
SEEDS = 3
"""So many training seeds, at least, make an entry."""
NOT_TRAINED = (None, "base", "untrained")
"""Stages that are no training."""
BEGIN, END = "<!-- record:begin -->", "<!-- record:end -->"
RUNS = "runs/{recipe}-{seed}/{stage}/run.json"


@dataclass(frozen=True)
class Entry:
    """One stage of a recipe, and the trainings up to it."""

    group: Group
    """Recipe and stage."""
    solved: tuple[float, ...]
    """The share solved with each training seed."""
    minutes: tuple[float, ...]
    """Of the trainings, with each seed."""
    machine: str
    """Threads and processor, in words."""

    @property
    def mean(self) -> float:
        """Minutes, mean over the seeds."""
        return sum(self.minutes) / len(self.minutes)


def entries(results: Sequence[Result], runs: str, seeds: int = SEEDS) -> list[Entry]:
    """What each stage of each recipe solved, of one suite, and how long that took.

    Left out are results of other tracks than plan, greedy; stages of fewer ``seeds``; and what did not begin with
    random weights.

    Args:
        results: of one suite.
        runs: where the record of a run is, with ``{recipe}``, ``{seed}`` and ``{stage}`` in it.
        seeds: at least so many make an entry.

    Raises:
        InvalidConfig: for a place that cannot be.
        InvalidResult: for the record of a run that is missing, has not ended, or was resumed: its time is not known.
    """
    trained = [one for one in results if one.stage not in NOT_TRAINED and (one.mode, one.decoding) == ("plan", GREEDY)]
    found = []
    for group, members in groups_of(trained).items():
        trainings = [_trainings(runs, *group, one.train_seed) for one in members]
        whole = [one for one in trainings if one]
        if len(members) < seeds or len(whole) < len(members):
            continue
        minutes = tuple(sum(run["figures"]["wall_seconds"] for run in some) / 60 for some in whole)
        last = whole[0][0]["provenance"]
        threads = (last.get("torch_threads") or 0) * (whole[0][0]["configuration"].get("processes") or 1)
        machine = f"{threads or '?'} of {last.get('cores') or '?'} cores"
        machine += f", {last['processor']}" if last.get("processor") else ""
        found.append(Entry(group, tuple(one.summary.solved_rate for one in members), minutes, machine))
    return found


def _trainings(runs: str, recipe: str, stage: str, seed: int | None) -> list[dict[str, Any]]:
    """The records of a stage and of those before it, the last first; none where they began with a trained model."""
    chain: list[dict[str, Any]] = []
    while True:
        try:
            path = Path(runs.format(recipe=recipe, seed=seed, stage=stage))
        except (LookupError, ValueError):
            raise InvalidConfig(f"Expects a place like {RUNS}, actual: {runs!r}") from None
        run = _read(path)
        chain.append(run)
        model = Path(run["configuration"].get("model", "tiny"))
        if str(model) == "tiny":
            return chain
        if model.parent.name != Path(run["configuration"].get("output_dir", "")).parent.name:
            return []
        stage = model.name


def _read(path: Path) -> dict[str, Any]:
    try:
        run: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        known = run["figures"]["wall_seconds"] > 0 and not run["figures"].get("resumed_at_step")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidResult(f"Expects the record of a training that has ended, actual: {path} ({error!r})") from None
    if not known:
        raise InvalidResult(f"Expects a training in one go, whose time is known, actual: one that was resumed, {path}")
    return run


def fastest(found: Sequence[Entry], bar: float) -> list[Entry]:
    """Of each recipe the entry that reaches a bar on every seed in the least time, the fastest recipe first."""
    best: dict[str, Entry] = {}
    for entry in sorted(found, key=lambda one: one.mean):
        if min(entry.solved) >= bar:
            best.setdefault(entry.group[0], entry)
    return list(best.values())


def table(results: Mapping[str, Sequence[Result]], runs: str, control: str | None = None) -> str:
    """The record table as Markdown, a row for each bar and each recipe that reaches it.

    Args:
        results: by suite.
        runs: as ``entries`` has it.
        control: a recipe that was trained beside the others, on one seed or more, whose time theirs is divided by.
    """
    header = ["bar", "recipe", "minutes: mean (each seed)", "solved, %, each seed", "trained on"]
    rows = []
    for suite, bar in BARS:
        beside = fastest(entries([one for one in results.get(suite, ()) if one.recipe == control], runs, 1), bar)
        found = fastest(entries(results.get(suite, ()), runs), bar)
        for entry in [*found, *(one for one in beside if one.group not in {entry.group for entry in found})]:
            each = "; ".join(f"{minutes:.1f}" for minutes in entry.minutes)
            solved = "; ".join(map(SOLVED.text, entry.solved))
            row = [f"{100 * bar:.0f} % of {named(suite)}", named(group_title(entry.group))]
            row += [f"{entry.mean:.1f} ({each})", solved, entry.machine]
            rows.append([*row, *([f"{entry.mean / beside[0].mean:.2f}" if beside else "-"] if control else [])])
    return markdown_table([*header, f"time over that of {named(control)}"] if control else header, rows)


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints the table."""
    parser = ArgumentParser(prog=called_as("benchmarks.speedrun"), description=__doc__)
    parser.add_argument("results", nargs="+", help="result files of recipes and seeds")
    parser.add_argument("--runs", default=RUNS, help=f"where the record of each run is (default {RUNS})")
    parser.add_argument("--control", help="the recipe that was trained beside the others, on the same machine")
    parser.add_argument("--readme", type=path_of, help="Markdown file to put it into, between its markers")
    options = parser.parse_args(arguments)
    by_suite: dict[str, list[Result]] = {}
    for result in load_each(options.results):
        by_suite.setdefault(result.suite.name, []).append(result)
    publish(table(by_suite, options.runs, options.control), options.readme, BEGIN, END)


if __name__ == "__main__":
    run_command(main)
