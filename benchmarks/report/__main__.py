"""A report of stored results as one HTML page that needs no network and no other file.

    python -m benchmarks.report benchmarks/results/main/*.json -o report.html
    python -m benchmarks.report runs/default-0/results/*.json -o report.html --runs runs/default-0/{sft,grpo}

A leaderboard for each track; solved rates by length, size, turns and level; how attempts ended; training curves of
``--runs``; and a replay of every attempt, with its reasoning where the result keeps texts (``benchmarks.mazebench
--texts``).
"""

from collections.abc import Sequence

from maze_env._arguments import ArgumentParser
from maze_env._cli import check_output, path_of, run_command, write_result
from maze_env._text import harmless
from tokenmaze.benchmarks.record import load_each
from tokenmaze.benchmarks.report.page import page


def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the results and writes the page."""
    parser = ArgumentParser(
        prog="python -m benchmarks.report", description="Stored results as one HTML page that works offline."
    )
    parser.add_argument("results", type=path_of, nargs="+", metavar="RESULT.json")
    parser.add_argument("--runs", type=path_of, nargs="+", default=[], metavar="RUN", help="folders of training runs")
    parser.add_argument("-o", "--output", type=path_of, required=True, help="HTML file; a new one unless --overwrite")
    parser.add_argument("--overwrite", action="store_true", help="replace an existing output")
    options = parser.parse_args(arguments)
    check_output(options.output, options.overwrite)
    results = load_each(options.results)
    text = page([(path.stem, one) for path, one in zip(options.results, results, strict=True)], options.runs)
    write_result(options.output, text)
    print(f"{len(text) / 1e6:.2f} MB in {harmless(str(options.output))}")


if __name__ == "__main__":
    run_command(main)
