"""One maze at a time as an HTML page that needs no network: to walk by hand, and to watch a model think and walk.

    tokenmaze page -o play.html                                          the shipped model
    tokenmaze bench --agent runs/mine --texts --output mine.json
    tokenmaze page --result mine.json -o play.html                       a model of one's own

Arrow keys, w a s d, buttons or a finger walk. The model's reasoning appears a token at a time, what the maze
contradicts is marked, and then its answer walks beside the shortest path. All answers are in the page already.
"""

from collections.abc import Sequence

from maze_env._arguments import ArgumentParser
from maze_env._cli import called_as, check_output, path_of, run_command, write_result
from maze_env._text import harmless
from tokenmaze.benchmarks.record import load
from tokenmaze.benchmarks.report.playground import SHIPPED, playground


def parser() -> ArgumentParser:
    """The command line."""
    made = ArgumentParser(prog=called_as("benchmarks.report.playground_command"), description=__doc__)
    made.add_argument("--result", type=path_of, default=SHIPPED, metavar="RESULT.json", help="attempts, with texts")
    made.add_argument("-o", "--output", type=path_of, required=True, help="HTML file; a new one unless --overwrite")
    made.add_argument("--overwrite", action="store_true", help="replace an existing output")
    return made


def main(arguments: Sequence[str] | None = None) -> None:
    """Writes the page."""
    options = parser().parse_args(arguments)
    check_output(options.output, options.overwrite)
    text = playground(load(options.result))
    write_result(options.output, text)
    print(f"{len(text) / 1e3:.0f} kB in {harmless(str(options.output))}")


if __name__ == "__main__":
    run_command(main)
