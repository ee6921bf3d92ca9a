"""A report of stored results as one HTML page that needs no network and no other file.

    tokenmaze report benchmarks/results/main/*.json -o report.html
    tokenmaze report runs/default-0/results/*.json -o report.html --runs runs/default-0/{sft,grpo}

A leaderboard for each track; solved rates by length, size, turns and level; how attempts ended; training curves of
``--runs``; and a replay of every attempt, with its reasoning where the result keeps texts (``tokenmaze bench
--texts``).
"""

from collections.abc import Sequence

from maze_env._arguments import ArgumentParser
from maze_env._cli import called_as, check_output, path_of, run_command, write_result
from maze_env._text import harmless
from tokenmaze.benchmarks.record import load_each
from tokenmaze.benchmarks.report.page import page


def parser() -> ArgumentParser:
    """The command line."""
    made = ArgumentParser(prog=called_as("benchmarks.report"), description=__doc__)
    made.add_argument("results", type=path_of, nargs="+", metavar="RESULT.json")
    made.add_argument("--runs", type=path_of, nargs="+", default=[], metavar="RUN", help="folders of training runs")
    made.add_argument("-o", "--output", type=path_of, required=True, help="HTML file; a new one unless --overwrite")
    made.add_argument("--overwrite", action="store_true", help="replace an existing output")
    return made


def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the results and writes the page."""
    options = parser().parse_args(arguments)
    check_output(options.output, options.overwrite)
    results = load_each(options.results)
    text = page([(path.stem, one) for path, one in zip(options.results, results, strict=True)], options.runs)
    write_result(options.output, text)
    print(f"{len(text) / 1e6:.2f} MB in {harmless(str(options.output))}")


if __name__ == "__main__":
    run_command(main)
