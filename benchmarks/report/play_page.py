"""A page to play on: mazes by hand, beside the models that come along and the oracle.

What the models thought and did is taken from the results that lie beside their weights (agents/shipped.py); the page
draws it with the report's own scripts.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from maze_env.attempt import End
from maze_env.moves import DELTA_PAIRS, MOVES
from tokenmaze.agents.shipped import SHIPPED, folder_of
from tokenmaze.benchmarks.record import Result, load, suite_of
from tokenmaze.benchmarks.report.markup import json_block
from tokenmaze.benchmarks.report.page import filled
from tokenmaze.benchmarks.report.replay import packed, result_data, suite_data
from tokenmaze.benchmarks.stored_attempts import LETTERS

STYLES = ("style.css", "play.css")
SCRIPTS = ("board.js", "attempts.js", "play.js")
SETS = {"mazebench-1000": "open mazes", "fog": "mazes in fog"}
"""Suites, and what the page calls them."""
RADIUS = 1
"""How far a person sees in fog, as in suite ``fog``."""
STEPS = 4
"""A person's budget of moves for each cell, as the environment's."""
TOLD = (End.SOLVED, End.HIT_WALL, End.SHORT_OF_TARGET)
"""Ends that a person's moves can have."""


def play_page(mazes: int) -> str:
    """The page, with so many mazes of each suite."""
    results = {name: load(folder_of(name) / "result.json") for name in SHIPPED}
    suites, chosen = {}, {}
    for suite in SETS:
        of_suite = [one for one in results.values() if one.suite.name == suite]
        suites[suite] = suite_data(suite_of(of_suite[0]))
        chosen[suite] = _spread(suites[suite]["mazes"], of_suite, mazes)
        suites[suite]["mazes"] = [suites[suite]["mazes"][place] for place in chosen[suite]]
    data: dict[str, Any] = {
        "moves": [[LETTERS[move], move.name.lower(), *DELTA_PAIRS[move]] for move in MOVES],
        "suites": suites,
        "tracks": list(SETS.items()),
        "results": [{"title": name, **result_data(_part(one, chosen))} for name, one in results.items()],
        "ends": {end.value: end.title for end in TOLD},
        "radius": RADIUS,
        "steps": STEPS,
    }
    return filled("play.html", STYLES, SCRIPTS, data=json_block("data", packed(data)))


def _part(result: Result, chosen: dict[str, list[int]]) -> Result:
    return replace(result, attempts=tuple(result.attempts[i] for i in chosen[result.suite.name]))


def _spread(mazes: Sequence[Any], results: Sequence[Result], count: int) -> list[int]:
    """Places of mazes, near targets first; each fourth one, where there are such, is one that a model did not solve."""
    order = sorted(range(len(mazes)), key=lambda place: len(mazes[place][-1]))
    solved = [place for place in order if all(one.attempts[place].solved for one in results)]
    unsolved = [place for place in order if place not in set(solved)]
    evenly = {*_evenly(solved, count - count // 4), *_evenly(unsolved, count // 4)}
    return [place for place in order if place in evenly]


def _evenly(places: Sequence[int], count: int) -> list[int]:
    return [places[number * len(places) // count] for number in range(min(count, len(places)))]
