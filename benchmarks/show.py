"""Attempts drawn in the terminal: the maze, where the reasoning was, the moves, and what was written.

    tokenmaze show --agent shortest-path
    tokenmaze show --agent runs/my-model --suite 8x8:wilson:5 --count 5
    tokenmaze show --agent runs/my-model --maze 12 --count 1 --watch      the reasoning as it goes on, then the moves
    tokenmaze show result.json --unsolved                                 of a stored result, those that failed

In the drawing stand O for the agent, X for the target, . for cells that it has left, : for others that its reasoning
was at, ! for a wall that it ran into. What was written is kept by results of 'tokenmaze bench --texts' alone.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import islice

from maze_env._arguments import ArgumentParser
from maze_env._cli import called_as, path_of, run_command
from maze_env._terminal import CLEAR, has_color, in_color
from maze_env._text import harmless
from maze_env.attempt import Attempt
from maze_env.errors import InvalidConfig
from tokenmaze.agents.rollout import rollout
from tokenmaze.benchmarks.agent_arguments import add_agent_arguments, agent_of, require_minima
from tokenmaze.benchmarks.present.attempts import drawn, frames
from tokenmaze.benchmarks.record import Result, suite_of
from tokenmaze.benchmarks.record import load as load_result
from tokenmaze.benchmarks.runner import episode_seed
from tokenmaze.benchmarks.stored_attempts import restored
from tokenmaze.benchmarks.suites import load as load_suite

SECONDS_A_FRAME = 0.12

Titled = Iterator[tuple[str, Attempt]]
"""Attempts, each with what it is."""


def parser() -> ArgumentParser:
    """The command line."""
    made = ArgumentParser(prog=called_as("benchmarks.show"), description=__doc__)
    add = made.add_argument
    add("result", nargs="?", type=path_of, metavar="RESULT.json", help="a stored result, in place of --agent")
    add_agent_arguments(made, required=False)
    add("--count", type=int, default=3, help="attempts (default %(default)s)")
    add("--maze", type=int, default=0, help="index of the first maze, from 0 (default %(default)s)")
    add("--unsolved", action="store_true", help="of a result: attempts that did not solve their maze")
    add("--watch", action="store_true", help="in a terminal: draw each step as it is thought and made")
    return made


def attempts_of_result(result: Result, options: argparse.Namespace) -> Titled:
    """Those of a stored result."""
    mazes = suite_of(result).mazes
    for one in result.attempts:
        if one.maze >= options.maze and not (options.unsolved and one.solved):
            phrased = f", {one.phrasing}" * (len(result.suite.phrasings) > 1)
            yield f"maze {one.maze}{phrased}", restored(one, mazes[one.maze], result.seed)


def attempts_of_agent(options: argparse.Namespace) -> Titled:
    """Those that the agent makes now."""
    suite = load_suite(options.suite)
    radius = suite.spec.view_radius if options.view_radius is None else options.view_radius
    numbers = range(options.maze, min(options.maze + options.count, len(suite.mazes)))
    if not numbers:
        raise InvalidConfig(
            f"Expects --maze below {len(suite.mazes)}, the mazes of {options.suite}, actual: {options.maze}"
        )
    agent, _ = agent_of(options)
    seeds = [episode_seed(options.seed, 0, number) for number in numbers]
    mazes = [suite.mazes[number] for number in numbers]
    attempts = rollout(agent, mazes, seeds, suite.spec.max_steps, radius, suite.spec.phrasings[0])
    for number, attempt in zip(numbers, attempts, strict=True):
        yield f"maze {number}, {suite.labels[number]}", attempt


def main(arguments: Sequence[str] | None = None) -> None:
    """Draws attempts."""
    options = parser().parse_args(arguments)
    require_minima(options, count=1, maze=0)
    if (options.result is None) == (options.agent is None):
        raise InvalidConfig("Expects RESULT.json or --agent, actual: " + ("both" if options.agent else "neither"))
    if options.unsolved and options.agent:
        raise InvalidConfig("Expects --unsolved with a stored result, actual: with --agent")
    result = None if options.result is None else load_result(options.result)
    attempts = attempts_of_agent(options) if result is None else attempts_of_result(result, options)
    shown = list(islice(attempts, options.count))
    for title, attempt in shown:
        if options.watch and sys.stdout.isatty():
            for frame in frames(attempt):
                print(f"{CLEAR}{harmless(title)}\n{in_color(frame) if has_color() else frame}", flush=True)
                time.sleep(SECONDS_A_FRAME)
            print(end=CLEAR)
        print(f"{harmless(title)}\n{drawn(attempt, has_color())}", flush=True)
    if not shown:
        print(f"There is no {'unsolved ' * options.unsolved}attempt from maze {options.maze} on.")
    elif result is not None and not result.keeps_texts:
        print("What was written is not in this result; 'tokenmaze bench --texts' keeps it.")


if __name__ == "__main__":
    run_command(main)
