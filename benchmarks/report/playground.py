"""One maze at a time as an HTML page: to walk by hand, and to watch a model think and walk beside the oracle."""

from dataclasses import replace
from typing import Any

from maze_env.attempt import End
from tokenmaze.agents import registry, shipped
from tokenmaze.benchmarks.figures import SOLVED
from tokenmaze.benchmarks.present.words import counted
from tokenmaze.benchmarks.record import Result, suite_of, suite_title
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
