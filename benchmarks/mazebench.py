"""AlphaMaze-compatible MazeBench: runs an agent on a frozen suite, prints the figures and stores them.

    tokenmaze bench --agent shortest-path
    tokenmaze bench --agent runs/my-model --suite mazebench-1000 --output result.json
    tokenmaze bench --agent runs/my-model --limit 10 --show 3            a first look, with three answers drawn

The agent is a baseline's name, a folder with a language model, or ``my_module:MyAgent``. Every attempt counts; beside
the agent's row stand those of the random walker and of the shortest-path oracle on the same mazes.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from maze_env._arguments import ArgumentParser
from maze_env._cli import called_as, check_output, path_of, run_command
from maze_env._terminal import has_color
from maze_env._text import harmless, public
from maze_env.attempt import Attempt
from maze_env.episode import MODES, Episode
from maze_env.errors import InvalidConfig, unknown_name
from maze_env.splits import split_of
from tokenmaze.agents import registry
from tokenmaze.agents.base import Agent
from tokenmaze.agents.provenance import provenance
from tokenmaze.agents.shipped import revision_of
from tokenmaze.benchmarks.agent_arguments import add_agent_arguments, agent_of, require_minima
from tokenmaze.benchmarks.metrics import baseline_of, summarize
from tokenmaze.benchmarks.present.attempts import drawn, hints
from tokenmaze.benchmarks.present.terminal import report
from tokenmaze.benchmarks.record import BASELINES, STAGES, Provenance, Result, Run, SuiteOfResult, store, summary_text
from tokenmaze.benchmarks.runner import PartialFile, run_suite, supported_phrasings
from tokenmaze.benchmarks.stored_attempts import stored_of
from tokenmaze.benchmarks.suites import Suite, load
from tokenmaze.benchmarks.typed_json import decode

MAX_SAMPLES = 10_000


def parser() -> ArgumentParser:
    """The command line."""
    made = ArgumentParser(prog=called_as("benchmarks.mazebench"), description=__doc__)
    add = made.add_argument
    add_agent_arguments(made, required=True)
    add("--name", help="what tables and reports call the agent; default: as --agent has it")
    add("--samples", type=int, default=1, help="attempts at each maze (default %(default)s); more give pass@k")
    add("--limit", type=int, help="attempt the first so many mazes alone: a first try, which is printed and not stored")
    add("--show", type=int, help="attempts to draw (default 0, or 1 when nothing was solved), unsolved ones first")
    add("--json", action="store_true", help="print the result as JSON, without its attempts, and nothing else")
    add("--output", type=path_of, help="JSON file for the result; a new one unless --overwrite")
    add("--overwrite", action="store_true", help="replace an existing output, and attempts that a run left behind")
    add("--resume", action="store_true", help="go on with the attempts that a run of the same command left behind")
    add("--texts", action="store_true", help="store everything that the agent wrote, too")
    add("--recipe", help="name of the training recipe, for the table")
    add("--stage", help=f"how far the model was trained, for the table: {', '.join(STAGES)}")
    add("--train-seed", type=int, help="seed of the training, for the table")
    return made


def check_options(options: argparse.Namespace) -> None:
    """Raises for what cannot work, before anything is loaded."""
    spec = load(options.suite).spec
    if options.mode in MODES and options.mode not in spec.modes:  # a mode that does not exist is the registry's to say
        raise InvalidConfig(f"Expects a mode of suite {spec.name!r}, one of {spec.modes}, actual: {options.mode!r}")
    require_minima(options, samples=1, limit=1, show=0)
    if options.view_radius is not None and options.mode in MODES:  # a phrasing that cannot be is an error now
        maze = load(options.suite).mazes[0]
        Episode(maze, options.mode, view_radius=options.view_radius, phrasing=spec.phrasings[-1])
    if options.stage is not None and options.stage not in STAGES:
        raise unknown_name("stage", options.stage, STAGES)
    if options.samples > 1 and Path(options.agent).is_dir() and not options.temperature:
        actual = "greedy decoding, which gives the same answer each time"
        raise InvalidConfig(f"Expects --temperature above 0 with --samples {options.samples}, actual: {actual}")
    if options.name is not None and not options.name.strip():
        raise InvalidConfig(f"Expects --name with letters in it, actual: {options.name!r}")
    if options.samples > MAX_SAMPLES:
        raise InvalidConfig(f"Expects --samples of at most {MAX_SAMPLES}, actual: {options.samples}")
    if options.limit is not None and options.output is not None:
        raise InvalidConfig("Expects no --output with --limit (a part of a suite compares with nothing), actual: both")
    if options.resume and options.output is None:
        raise InvalidConfig("Expects --output with --resume, actual: none")
    check_output(options.output, options.overwrite)


def run_of(options: argparse.Namespace, agent: Agent, agent_options: dict[str, Any], suite: Suite) -> Run:
    """What is going to be run."""
    spec = suite.spec
    of_training_split = sum(split_of(maze.walls) == "train" for maze in suite.mazes)
    about_mazes = (len(suite.mazes), spec.max_steps, of_training_split, supported_phrasings(agent, suite))
    as_given = ("mode", "agent", "name", "samples", "seed", "recipe", "stage", "train_seed")
    return Run(
        suite=SuiteOfResult(spec.name, spec.version, spec.sha256, *about_mazes),
        view_radius=spec.view_radius if options.view_radius is None else options.view_radius,
        agent_options=public(agent_options),
        settings=public(agent.settings | revision_of(options.agent)),
        batch_size=options.batch_size or agent.batch_size,
        keeps_texts=options.texts,
        **{name: getattr(options, name) for name in as_given},
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the benchmark."""
    arguments = sys.argv[1:] if arguments is None else arguments
    options = parser().parse_args(arguments)
    started = time.monotonic()
    check_options(options)
    suite = load(options.suite)
    whole = len(suite.mazes)
    if options.limit is not None:
        suite = suite.first(options.limit)
    agent, agent_options = agent_of(options)
    run = run_of(options, agent, agent_options, suite)
    partial = None if options.output is None else PartialFile(options.output, run)
    done = partial.begin(suite, options.resume, options.overwrite) if partial else []
    same: dict[str, Any] = {"suite": suite, "phrasings": run.suite.phrasings}
    same |= {"seed": run.seed, "view_radius": run.view_radius}
    keep = partial.append if partial else None
    attempts = run_suite(agent, samples=run.samples, batch_size=run.batch_size, done=done, keep=keep, **same)
    view_radius = run.view_radius if run.mode == "play" else None
    others = {name: run_suite(registry.make(name, run.mode), **same) for name in BASELINES}
    source = provenance("benchmarks.mazebench", arguments, time.monotonic() - started)
    result = Result(
        **vars(run),
        summary=summarize(attempts, suite, view_radius),
        baselines={name: baseline_of(summarize(made, suite, view_radius)) for name, made in others.items()},
        provenance=decode(Provenance, {**source, "resumed": partial.resumed if partial else 0}),
        attempts=tuple(stored_of(one, place, run.keeps_texts) for one, place in zip(attempts, run.places, strict=True)),
    )
    try:
        if partial:  # before anything is printed: a pipe that was closed must not cost the result
            store(result, options.output)
            partial.remove()
    finally:
        if options.json:
            print(summary_text(result))
        else:
            tell(result, attempts, options.show)
    if options.json:
        return
    if len(suite.mazes) < whole:
        print(f"the first {len(suite.mazes)} of {whole} mazes: a first try, which compares with nothing")
    if partial:
        print(f"stored in {harmless(str(options.output))}")


def tell(result: Result, attempts: Sequence[Attempt], show: int | None) -> None:
    """Prints a result, some of its attempts (``show``, or one when nothing was solved), and hints."""
    print(report(result))
    shown = int(not result.summary.solved) if show is None else show
    for attempt in sorted(attempts, key=lambda one: one.solved)[:shown]:
        print(f"\n{drawn(attempt, has_color())}", end="")
    for line in hints(attempts):
        print(line)


if __name__ == "__main__":
    run_command(main)
