"""AlphaMaze-compatible MazeBench: runs an agent on a frozen suite, prints the figures and stores them.

    python -m benchmarks.mazebench --agent runs/my-model --suite mazebench-1000 --output result.json

The agent is a baseline's name, a folder with a language model, or ``my_module:MyAgent``. Every attempt counts; beside
the agent's row stand those of the random walker and of the shortest-path oracle on the same mazes.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

from tqdm import tqdm

from agents import registry
from agents.base import MODES, Agent
from agents.provenance import provenance
from agents.rollout import rollout
from benchmarks.metrics import summarize
from benchmarks.results import COLUMNS, TITLE, attempt_rows, check_output, result_text
from benchmarks.suite_specs import SUITES
from benchmarks.suites import Suite, load
from maze_env._cli import run_command, write_whole
from maze_env.attempt import Attempt
from maze_env.errors import InvalidConfig, InvalidMaze, UnreadableMaze, unknown_name
from maze_env.keys import key_of
from maze_env.phrasings import STANDARD
from maze_env.splits import split_of

BASELINE_ROWS = ("random", "shortest-path")
STAGES = ("untrained", "sft", "sft-continued", "grpo")
"""How far a model has been trained, in the order of the table."""
DEFAULT_CHUNK = 100


def episode_seed(seed: int, sample: int, maze: int) -> int:
    """The 32-bit seed of one attempt, scattered, so that runs with neighbouring seeds share no attempts."""
    return key_of("attempt", seed, sample, maze) % 2**32


def run_suite(
    agent: Agent,
    suite: Suite,
    samples: int = 1,
    seed: int = 0,
    chunk: int | None = None,
    view_radius: int | None = None,
    phrasings: Sequence[str] | None = None,
) -> list[Attempt]:
    """Attempts every maze ``samples`` times in each phrasing: sample after sample, in each of them phrasing after
    phrasing, each with the mazes in the suite's order.

    Args:
        view_radius: shows the mazes in fog of this radius.
        chunk: episodes given to the agent at once; default the agent's ``batch_size``, else 100.
        phrasings: in which the mazes are given; default the suite's.
    """
    phrasings = phrasings or suite.spec.phrasings
    size = chunk or int(getattr(agent, "batch_size", DEFAULT_CHUNK))
    records: list[Attempt] = []
    count = len(suite.mazes)
    total = count * samples * len(phrasings)
    with tqdm(total=total, desc=f"{agent.name} {agent.mode}", unit="maze", leave=False) as bar:
        for sample, phrasing in product(range(samples), phrasings):
            place = suite.spec.phrasings.index(phrasing)
            for start in range(0, count, size):
                mazes = suite.mazes[start : start + size]
                seeds = [episode_seed(seed, sample, place * count + start + i) for i in range(len(mazes))]
                records += rollout(agent, mazes, seeds, suite.spec.max_steps, view_radius, phrasing)
                bar.update(len(mazes))
    return records


def phrasings_taken(agent: Agent, suite: Suite, view_radius: int | None = None) -> tuple[str, ...]:
    """Those of the suite's phrasings that the agent can read, told by one maze; ``standard`` it has to.

    The others are named in the summary and count as no attempts: they say nothing of what the agent can do with a maze.
    """
    taken = [STANDARD]
    for phrasing in suite.spec.phrasings:
        if phrasing != STANDARD:
            try:
                rollout(agent, suite.mazes[:1], [0], suite.spec.max_steps, view_radius, phrasing)
            except (UnreadableMaze, InvalidMaze):
                continue
            taken.append(phrasing)
    return tuple(taken)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(
        prog="python -m benchmarks.mazebench", description=f"{TITLE}: runs an agent on a frozen suite of mazes."
    )
    add = made.add_argument
    add(
        "--agent",
        required=True,
        help="see agents/registry.py: random, FOLDER, owner/model, http://host/v1#model, my_module:MyAgent",
    )
    add(
        "--suite",
        default="mazebench-100",
        help=f"one of {', '.join(SUITES)}; or FILE.parquet, FILE.json or owner/data-set with published mazes "
        "(benchmarks/published.py; default %(default)s)",
    )
    add("--mode", default="plan", help=f"{' or '.join(MODES)}: two tracks that do not compare (default %(default)s)")
    add("--view-radius", type=int, help="in fog: walls are seen this many cells around the agent; default: the suite's")
    add("--output", type=Path, help="JSON file for the result; a new one unless --overwrite")
    add("--overwrite", action="store_true", help="replace an existing output")
    add("--texts", action="store_true", help="store everything that the agent wrote, too")
    add("--samples", type=int, default=1, help="attempts at each maze (default %(default)s); more give pass@k")
    add("--seed", type=int, default=0, help="seed of the attempts (default %(default)s)")
    add("--temperature", type=float, help="of a language model; default 0, greedy decoding")
    add("--max-new-tokens", type=int, help="token budget of a language model's completion")
    add("--batch-size", type=int, help="episodes at once")
    add(
        "--agent-option",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="anything else that the agent's constructor takes, e.g. dtype=bfloat16 or concurrency=32; may be repeated",
    )
    add("--recipe", help="name of the training recipe, for the table")
    add("--stage", help=f"how far the model was trained, for the table: {', '.join(STAGES)}")
    add("--train-seed", type=int, help="seed of the training, for the table")
    return made


def agent_option(text: str) -> tuple[str, Any]:
    """``'concurrency=32'`` as ('concurrency', 32); what is no JSON is text. Raises InvalidConfig."""
    name, equals, value = text.partition("=")
    if not name.isidentifier() or not equals:
        raise InvalidConfig(f"Expects --agent-option NAME=VALUE, actual: {text!r}")
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        return name, value


def check_options(options: argparse.Namespace) -> None:
    """Raises for what cannot work, before anything is loaded."""
    spec = load(options.suite).spec
    if options.mode in MODES and options.mode not in spec.modes:  # a mode that does not exist is the registry's to say
        raise InvalidConfig(f"Expects a mode of suite {spec.name!r}, one of {spec.modes}, actual: {options.mode!r}")
    for name, least in (
        ("samples", 1),
        ("batch_size", 1),
        ("max_new_tokens", 1),
        ("temperature", 0),
        ("view_radius", 0),
    ):
        value = getattr(options, name)
        if value is not None and value < least:
            raise InvalidConfig(f"Expects --{name.replace('_', '-')} of at least {least}, actual: {value}")
    if options.stage is not None and options.stage not in STAGES:
        raise unknown_name("stage", options.stage, STAGES)
    if options.samples > 1 and Path(options.agent).is_dir() and not options.temperature:
        raise InvalidConfig(
            f"Expects --temperature above 0 with --samples {options.samples}, actual: greedy decoding, "
            "which gives the same answer each time"
        )
    if options.output is not None:
        check_output(options.output, options.overwrite)


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the benchmark."""
    arguments = sys.argv[1:] if arguments is None else arguments
    options = parser().parse_args(arguments)
    started = time.monotonic()
    check_options(options)
    suite = load(options.suite)
    view_radius = suite.spec.view_radius if options.view_radius is None else options.view_radius
    given = {name: getattr(options, name) for name in ("temperature", "max_new_tokens", "batch_size")}
    agent_options = {name: value for name, value in given.items() if value is not None}
    agent_options |= dict(map(agent_option, options.agent_option))
    agent = registry.make(options.agent, options.mode, **agent_options)
    phrasings = phrasings_taken(agent, suite, view_radius)
    records = run_suite(agent, suite, options.samples, options.seed, options.batch_size, view_radius, phrasings)
    fog_of_play = view_radius if options.mode == "play" else None
    baselines = {}
    for name in BASELINE_ROWS:
        baseline = registry.make(name, options.mode)
        beside = run_suite(baseline, suite, 1, options.seed, view_radius=view_radius, phrasings=phrasings)
        baselines[name] = summarize(beside, suite, fog_of_play)
    result = {
        "benchmark": TITLE,
        "suite": {
            "name": suite.spec.name,
            "version": suite.spec.version,
            "sha256": suite.spec.sha256,
            "mazes": len(suite.mazes),
            "max_steps": suite.spec.max_steps,
            "of_training_split": sum(split_of(maze.walls) == "train" for maze in suite.mazes),
            **({"phrasings": phrasings} if len(suite.spec.phrasings) > 1 else {}),
        },
        "mode": options.mode,
        "view_radius": view_radius,
        "agent": options.agent,
        "agent_options": agent_options,
        "samples": options.samples,
        "seed": options.seed,
        "recipe": options.recipe,
        "stage": options.stage,
        "train_seed": options.train_seed,
        "summary": summarize(records, suite, fog_of_play),
        "baselines": baselines,
        "provenance": provenance("benchmarks.mazebench", arguments, time.monotonic() - started),
        "attempt_columns": [*COLUMNS, "texts"] if options.texts else list(COLUMNS),
        "attempts": attempt_rows(records, len(suite.mazes), options.texts),
    }
    if options.output is not None:  # before anything is printed: a pipe that was closed must not cost the result
        write_whole(options.output, result_text(result))
    print(report(result))
    if options.output is not None:
        print(f"stored in {options.output}")


REASONING = ("valid", "follows", "in_spite", "wrong_turn", "noticed", "repaired", "repeats")
"""The shares that ``benchmarks.trace_metrics`` tells, as they are printed."""


def track_of(result: dict[str, Any]) -> str:
    """What a result's figures compare with: plan or play, and the fog."""
    radius = result["view_radius"]
    return str(result["mode"]) if radius is None else f"{result['mode']} in fog of radius {radius}"


def report(result: dict[str, Any]) -> str:
    """The figures of a result, to be read in a terminal."""
    suite, summary = result["suite"], result["summary"]
    attempts = f"{suite['mazes']} mazes" + (f" x {result['samples']} samples" if result["samples"] > 1 else "")
    rows = {result["agent"]: summary, **{f"({name})": row for name, row in result["baselines"].items()}}
    width = max(map(len, rows))
    head = f"{TITLE}\n{suite['name']} v{suite['version']}, {attempts}, {track_of(result)} track\n"
    levels = list(summary["levels"])
    in_columns = levels if len(levels) <= 4 and max(map(len, levels)) < 8 else []  # others are listed below
    cells = [("solved", 7), ("95 % interval", 15), *((level, 8) for level in in_columns), ("legal", 7), ("SPL", 7)]
    lines = [head, " " * width + "".join(f"{title:>{size}}" for title, size in (*cells, ("tokens/solve", 14)))]
    for name, row in rows.items():
        low, high = row["solved_rate_wilson_95"]
        values = [f"{row['solved_rate']:7.1%}", f"{f'{low:.1%} - {high:.1%}':>15}"]
        values += [f"{row['levels'][level]['solved_rate']:8.1%}" for level in in_columns]
        tokens = row["tokens_per_solve"]
        values += [f"{row['legality']:7.1%}", f"{row['spl']:7.3f}", f"{'-' if tokens is None else f'{tokens:.0f}':>14}"]
        lines.append(f"{name:<{width}}" + "".join(values))
    for level in levels if not in_columns else []:
        part = summary["levels"][level]
        low, high = part["solved_rate_wilson_95"]
        lines.append(f"  {level:<28}{part['solved_rate']:7.1%}  {f'{low:.1%} - {high:.1%}':>15}  of {part['attempts']}")
    for title in ("causes", "parse_failures", "truncations"):
        counts = ", ".join(f"{cause} {count}" for cause, count in summary[title].items())
        lines.append(f"{title.replace('_', ' ')}: {counts or 'none'}")
    lines += walks_report(summary)
    if told := summary["reasoning"]:
        parts = [f"{name.replace('_', ' ')} {told[name]:.1%}" for name in REASONING if told[name] is not None]
        styles = ", ".join(f"{style} {count}" for style, count in told["styles"].items())
        lines.append(f"reasoning ({styles}): {', '.join(parts)}")
        faults = [
            f"{style}: {', '.join(f'{kind} {count}' for kind, count in some['faults'].items())}"
            for style, some in told["by_style"].items()
            if some["faults"]
        ]
        lines.append(f"first fault of the trace: {'; '.join(faults) or 'none'}")
    if "symmetry_consistency" in summary:
        lines.append(f"the image of its answer on images of a maze: {summary['symmetry_consistency']:.1%}")
    if "robustness" in summary:
        lines += robustness_lines(summary)
    if "pass_at_k" in summary:
        lines.append("; ".join(f"pass@{k} {value:.1%}" for k, value in summary["pass_at_k"].items()))
    if suite["of_training_split"]:
        lines.append(f"mazes whose layout training may have seen: {suite['of_training_split']}")
    return "\n".join(lines)


def walks_report(summary: dict[str, Any]) -> list[str]:
    """The lines on how the agent walked, and with how many tokens."""
    lines = [f"revisits: {summary['revisits']:.2f} an attempt; attempts with a loop: {summary['loops']:.1%}"]
    if gap := summary["optimality_gap"]:
        lines[0] += f"; longer than the shortest way: {gap['ratio']:.1%}, {gap['moves']:.2f} moves a solve"
    illegal = [
        f"{cause} in {first['share']:.1%}, median move {first['median']:g}"
        for cause, first in summary["first_illegal_moves"].items()
    ]
    lines.append(f"first illegal move: {'; '.join(illegal) or 'none'}")
    if curve := summary["solved_within"]:
        lines.append("solved within tokens: " + ", ".join(f"{budget} {share:.1%}" for budget, share in curve.items()))
    return lines


def robustness_lines(summary: dict[str, Any]) -> list[str]:
    """What a suite of several phrasings says beyond its levels."""
    robust, worst = summary["robustness"], summary["worst_phrasing"]
    share = "-" if robust is None else f"{robust:.1%}"
    return [
        f"solved in every phrasing, of what is solved in the standard one: {share}",
        f"worst phrasing: {worst}, {summary['levels'][worst]['solved_rate']:.1%}",
        f"phrasings not taken: {', '.join(summary['phrasings_not_taken']) or 'none'}",
    ]


if __name__ == "__main__":
    run_command(main)
