"""One maze at a time as an HTML page that needs no network: to walk by hand, and to watch a model think and walk.

    tokenmaze page -o play.html                                          the shipped model
    tokenmaze bench --agent runs/mine --texts --output mine.json
    tokenmaze page --result mine.json -o play.html                       a model of one's own

Arrow keys, w a s d, buttons or a finger walk. The model's reasoning appears a token at a time, what the maze
contradicts is marked, and then its answer walks beside the shortest path. All answers are in the page already.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from maze_env._arguments import ArgumentParser
from maze_env._cli import called_as, check_output, path_of, run_command, write_result
from maze_env._text import harmless
from maze_env.attempt import End
from tokenmaze.agents import registry, shipped
from tokenmaze.benchmarks.figures import SOLVED
from tokenmaze.benchmarks.present.words import counted
from tokenmaze.benchmarks.record import Result, load, suite_of, suite_title
from tokenmaze.benchmarks.report.document import document
from tokenmaze.benchmarks.report.leaderboard import Entry
from tokenmaze.benchmarks.report.markup import Markup, data_block, joined
from tokenmaze.benchmarks.report.replay import replay_data
from tokenmaze.benchmarks.runner import run_suite
from tokenmaze.benchmarks.stored_attempts import places, stored_of
from tokenmaze.benchmarks.typed_json import InvalidResult

SHIPPED = shipped.folder_of("tiny") / "result.json"
"""The attempts of a model that comes along, which are watched unless others are given."""
ORACLE = "shortest-path"
STYLES = ("style.css", "playground.css")
SCRIPTS = ("board.js", "panels.js", "playground.js")
HAND_ENDS = (End.SOLVED, End.HIT_WALL, End.LEFT_GRID)
"""How a walk by hand can end."""


def playground(result: Result) -> str:
    """The whole page.

    Raises InvalidResult for a result without texts, or on other mazes than its suite's name stands for now.
    """
    if not result.keeps_texts:
        raise InvalidResult(f"Expects a result with texts (bench --texts), actual: none of {result.called}")
    entries = [Entry(0, result.called, result), Entry(1, ORACLE, oracle_beside(result))]
    data = replay_data([(suite_title(result.suite.name), entries)])
    data |= {"first": first_maze(data), "ends": {end: end.title for end in HAND_ENDS}}
    return document("playground.html", STYLES, SCRIPTS, about=about(result), data=data_block("data", data))


def oracle_beside(result: Result) -> Result:
    """The shortest path in the same mazes and mode; its summary, which the page does not show, is the other's."""
    suite, phrasings = suite_of(result), result.suite.phrasings
    attempts = run_suite(registry.make(ORACLE, result.mode), suite, phrasings=phrasings)
    where = places(1, phrasings, len(suite.mazes))
    stored = tuple(stored_of(attempt, place, texts=False) for attempt, place in zip(attempts, where, strict=True))
    return replace(result, samples=1, keeps_texts=False, attempts=stored)


def first_maze(data: dict[str, Any]) -> int:
    """The maze that the page opens with: of those that the model solves, the longest walk that takes most thought."""
    model = data["results"][0]
    count = len(data["suites"][model["suite"]]["mazes"])
    is_solved = [model["ends"][end][0] == End.SOLVED for end in model["end"]]
    return max(range(count), key=lambda maze: (is_solved[maze], len(model["moves"][maze]), model["reasoned"][maze]))


def about(result: Result) -> Markup:
    """Who is watched, and how well it does."""
    figures, suite = result.summary, suite_title(result.suite.name)
    return joined(
        f"The model is {result.called}. On the {counted(result.suite.mazes, 'maze')} of {suite} it solves "
        f"{SOLVED.text(figures.solved_rate)} %. All its answers are in this page, which loads and sends nothing."
    )


def parser() -> ArgumentParser:
    """The command line."""
    made = ArgumentParser(prog=called_as("benchmarks.report.playground"), description=__doc__)
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
