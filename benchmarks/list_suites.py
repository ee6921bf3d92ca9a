"""The suites of mazes that there are, with what each asks; and one of them as JSON lines for another harness.

    tokenmaze suites
    tokenmaze suites --json
    tokenmaze suites --export mazebench-100 -o suite.jsonl

An object of the JSON lines has "id", "level", "prompt" (the whole question), "maze" (its tokens) and "answer" (a right
one, of perhaps several: an answer is verified by walking it, not by comparing it).
"""

import json
import sys
from collections.abc import Sequence
from typing import Any

from maze_env._arguments import ArgumentParser, suggest
from maze_env._cli import called_as, check_output, path_of, run_command, write_result
from maze_env._text import harmless
from maze_env.errors import InvalidConfig
from tokenmaze.benchmarks.doors.task import Task, tasks_of_suite
from tokenmaze.benchmarks.suite_specs import SUITES, SuiteSpec

OTHERS = """\
Also: a file *.parquet, *.json or *.jsonl and a data set owner/name with mazes (columns Prompt and Level, or maze and
level), such as 'tokenmaze generate' writes; and ROWSxCOLS:GENERATOR:COUNT, such as 8x8:wilson:200, for a first look."""


def parser() -> ArgumentParser:
    """The command line."""
    made = ArgumentParser(prog=called_as("benchmarks.list_suites"), description=__doc__)
    made.add_argument("--json", action="store_true", help="the list as JSON")
    export = "write the mazes of a suite, or of what 'bench --suite' takes"
    suggest(made.add_argument("--export", metavar="SUITE", help=export), SUITES)
    made.add_argument("-o", "--output", type=path_of, help="file for --export; a new one unless --overwrite")
    made.add_argument("--overwrite", action="store_true", help="replace an existing output")
    return made


def about(spec: SuiteSpec) -> dict[str, Any]:
    """What a program may want to know of a suite."""
    each = len(spec.phrasings)
    return {
        "name": spec.name,
        "version": spec.version,
        "mazes": spec.mazes,
        "attempts": spec.mazes * each,
        "sizes": spec.sizes,
        "modes": list(spec.modes),
        "view_radius": spec.view_radius,
        "levels": spec.level_names,
        "asks": spec.asks,
        "sha256": spec.sha256,
    }


def line_of(task: Task) -> str:
    """A maze of a suite as one line of JSON."""
    row = {name: getattr(task, name) for name in ("id", "level", "prompt")}
    return json.dumps(row | {"maze": task.text, "answer": task.answer}) + "\n"


def main(arguments: Sequence[str] | None = None) -> None:
    """Lists suites, or exports one."""
    options = parser().parse_args(arguments)
    if options.output is not None and options.export is None:
        raise InvalidConfig("Expects --export SUITE with --output, actual: --output alone")
    suites = [about(spec) for spec in SUITES.values()]
    if options.export is not None:
        check_output(options.output, options.overwrite)
        lines = list(map(line_of, tasks_of_suite(options.export)))
        if options.output is None:
            sys.stdout.writelines(lines)
        else:
            write_result(options.output, "".join(lines))
            print(f"{len(lines):,} mazes in {harmless(str(options.output))}")
    elif options.json:
        print(json.dumps(suites, indent=1))
    else:
        width = max(map(len, SUITES))
        print(f"{'suite':<{width}}  mazes  mode       what it asks")
        for suite in suites:
            modes = " or ".join(suite["modes"])
            print(f"{suite['name']:<{width}}  {suite['mazes']:5}  {modes:<12} {suite['asks']}")
        print(f"\n{OTHERS}")


if __name__ == "__main__":
    run_command(main)
