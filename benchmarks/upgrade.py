"""Rewrites result files of an older schema in today's.

python -m benchmarks.upgrade RESULT.json...
"""

from collections.abc import Sequence

from maze_env._arguments import ArgumentParser
from maze_env._cli import called_as, path_of, run_command
from tokenmaze.benchmarks.record import load, store


def main(arguments: Sequence[str] | None = None) -> None:
    """Reads all files before it writes the first."""
    parser = ArgumentParser(prog=called_as("benchmarks.upgrade"), description="Upgrades stored results.")
    parser.add_argument("results", type=path_of, nargs="+", metavar="RESULT.json")
    results = {path: load(path) for path in parser.parse_args(arguments).results}
    for path, result in results.items():
        store(result, path)


if __name__ == "__main__":
    run_command(main)
