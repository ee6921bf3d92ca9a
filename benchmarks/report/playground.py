"""A page to play on: mazes by hand, beside the models that come along and the oracle. One file, which works offline.

tokenmaze playground -o play.html
"""

from collections.abc import Sequence

from maze_env._arguments import ArgumentParser
from maze_env._cli import called_as, check_output, path_of, run_command, write_result
from maze_env._text import harmless
from maze_env.errors import InvalidConfig
from tokenmaze.benchmarks.report.play_page import play_page


def parser() -> ArgumentParser:
    """The command line."""
    made = ArgumentParser(prog=called_as("benchmarks.report.playground"), description=__doc__)
    made.add_argument("-o", "--output", type=path_of, required=True, help="HTML file; a new one unless --overwrite")
    made.add_argument("--overwrite", action="store_true", help="replace an existing output")
    made.add_argument("--mazes", type=int, default=40, help="of each kind (default %(default)s)")
    return made


def main(arguments: Sequence[str] | None = None) -> None:
    """Writes the page."""
    options = parser().parse_args(arguments)
    if options.mazes < 1:
        raise InvalidConfig(f"Expects --mazes of at least 1, actual: {options.mazes}")
    check_output(options.output, options.overwrite)
    text = play_page(options.mazes)
    write_result(options.output, text)
    print(f"{len(text) / 1e3:.0f} kB in {harmless(str(options.output))}")


if __name__ == "__main__":
    run_command(main)
