"""The report's layout in a headless Chromium: names of any length at every width, and where the page opens."""

import io
import json
import re
from collections import Counter
from dataclasses import replace

import pytest
from PIL import Image

from maze_env import Reply, maze_to_text, traces
from maze_env.answers import moves_to_text
from maze_env.solving import shortest_path
from tests.browser import Page
from tests.reports import Scripted, result_of
from tokenmaze.agents.rollout import rollout
from tokenmaze.benchmarks.report.page import page, summary_text
from tokenmaze.benchmarks.suites import load

URL = "http://localhost:8123/v1#/a/long/folder/runs/default-0/grpo"
NAMES = ("short", URL, "/home/somebody/experiments/2026/" + "a-long-folder/" * 6 + "grpo", "x" * 200)
LEVEL = "a-level-whose-name-has-no-space-" * 4
OUTSIDE = """
const inside = (node) => node.closest("svg, .scroll, select, .text, script, style, [hidden]");
return [...document.body.querySelectorAll("*")].filter((node) => {
  const box = node.getBoundingClientRect();
  return !inside(node) && box.width && (box.right > innerWidth + 1 || box.left < -1);
}).map((node) => node.outerHTML.slice(0, 120));
"""
OVERLAPS = """
const wordsOf = (node) => { const range = document.createRange(); range.selectNodeContents(node); return range.getBoundingClientRect(); };
const meet = (a, b) => a.width && b.width && a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1;
const found = [];
for (const row of document.querySelectorAll(".row, .rows, tr")) {
  const parts = [...row.children].map((part) => [part, part.matches(".stack, .bars") ? part.getBoundingClientRect() : wordsOf(part)]);
  const scrolled = row.closest(".scroll");
  for (const [i, [one, a]] of parts.entries()) for (const [other, b] of parts.slice(i + 1)) {
    if (!(scrolled && scrolled.scrollWidth > scrolled.clientWidth) && meet(a, b)) found.push([one.textContent, other.textContent]);
  }
}
return found;
"""  # noqa: E501


class Unreachable(Scripted):
    """A server that never answers, or answers every second request."""

    def __init__(self, name, every):
        super().__init__(name, lambda maze, index: "")
        self.every = every

    def act(self, observations):
        return [
            Reply("", 0, failure="404 Not Found " + "y" * 150) if i % self.every == 0 else Reply("")
            for i, _ in enumerate(observations)
        ]


@pytest.fixture(scope="module")
def long_names(tmp_path_factory, run_folder):
    """A page of long names of agents, of a suite's file and of its levels, and of servers that do not answer."""
    folder = tmp_path_factory.mktemp("a-folder-" * 12)
    bench = folder / "my bench.json"
    mazes = load("mazebench-100").mazes[:6]
    rows = [{"Prompt": maze_to_text(maze), "Level": f"{LEVEL}{i % 2}"} for i, maze in enumerate(mazes)]
    bench.write_text(json.dumps(rows), encoding="utf-8")
    solve = {name: Scripted(name, lambda maze, i: traces.write("retry-dead-end", maze, i)) for name in NAMES}
    results = [(f"file {i}", result_of(agent)) for i, agent in enumerate(solve.values())]
    results += [(f"own {i}", result_of(agent, str(bench))) for i, agent in enumerate(solve.values())]
    dead = {"attempt": lambda agent, suite, samples: rollout(agent, suite.mazes, range(len(suite.mazes)))}  # is told
    results.append(("server 1", result_of(Unreachable(f"{URL}1", 1), **dead)))
    results.append(("server 2", result_of(Unreachable(f"{URL}2", 2))))
    written = folder / "report.html"
    written.write_text(page(results, [run_folder]), encoding="utf-8")
    return written


def resize(opened, width, height=900):
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    opened.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


@pytest.fixture
def wide_open(browser, long_names):
    opened = Page(browser, long_names)
    opened.run("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    yield opened
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@pytest.mark.parametrize("width", [320, 390, 768, 1200])
def test_names_of_any_length_fit_every_width(wide_open, width):
    resize(wide_open, width)
    assert wide_open.run("return document.documentElement.scrollWidth") <= width
    assert wide_open.run(OUTSIDE) == []
    assert wide_open.run(OVERLAPS) == []
    if width == 1200:
        hidden = "[...document.querySelectorAll('.leaderboard')].map((t) => t.parentElement)"
        assert not wide_open.run(f"return {hidden}.some((box) => box.scrollWidth > box.clientWidth)")


def test_a_table_that_goes_on_to_the_right_shows_it(wide_open):
    def edges():
        """The most frequent colours of two columns of the first table's box: at its right edge, and further inside."""
        box = wide_open.browser.find_element("css selector", ".scroll")
        picture = Image.open(io.BytesIO(box.screenshot_as_png)).convert("RGB")
        columns = (picture.width - 3, picture.width - 40)
        return [Counter(picture.getpixel((x, y)) for y in range(picture.height)).most_common(1)[0][0] for x in columns]

    resize(wide_open, 390)
    shaded, plain = edges()
    assert sum(plain) - sum(shaded) > 40
    resize(wide_open, 1200)
    assert edges()[0] == plain
    resize(wide_open, 390)
    wide_open.run("document.querySelector('.scroll').scrollLeft = 10000")
    assert edges()[0] == plain


def test_a_file_of_mazes_is_called_by_its_name_and_outcomes_stand_first(wide_open):
    titles = wide_open.run("return [...document.querySelectorAll('h2')].map((title) => title.textContent)")
    assert sum(title.startswith("my bench.json 6 mazes") for title in titles) == 1
    wide_open.choose("track", 1)
    options = wide_open.run("return [...document.querySelectorAll('#maze option')].map((one) => one.textContent)")
    assert [option.split(" · ")[:2] for option in options] == [[str(i), "✓"] for i in range(6)]


def test_agents_without_answers_are_marked_and_ranked_last(wide_open):
    rows = wide_open.run(
        "return [...document.querySelectorAll('#track-0 .leaderboard tbody:first-of-type tr')].map((row) => "
        "[row.querySelector('b').textContent, row.querySelector('.warning')?.textContent ?? ''])"
    )
    assert [rate for rate, _ in rows] == ["100.0 %"] * 4 + ["0.0 %", "\N{EN DASH}"]
    assert [warning.partition(" (404")[0] for _, warning in rows] == [
        *[""] * 4,
        "50 of 100 attempts without an answer; 0.0 % solved of the others",
        "100 of 100 attempts without an answer: nothing was measured",
    ]


def test_the_replay_opens_at_the_longest_reasoning_that_was_solved(browser, tmp_path):
    mazes = load("mazebench-100").mazes
    steps = re.compile(r"<\|.*?\|>|BACK|PATH")  # each token of a trace and of an answer
    longest = max(range(100), key=lambda i: len(steps.findall(traces.write("search", mazes[i], i))))
    silent = result_of(Scripted("silent", lambda maze, index: moves_to_text(shortest_path(maze))))
    silent = replace(silent, attempts=tuple(replace(attempt, texts=None) for attempt in silent.attempts))
    fails = result_of(Scripted("fails", lambda maze, index: "no"))
    thinks = result_of(Scripted("thinks", lambda maze, index: traces.write("search", maze, index)))
    path = tmp_path / "report.html"
    path.write_text(page([("fails", fails), ("silent", silent), ("thinks", thinks)]), encoding="utf-8")
    opened = Page(browser, path)
    assert opened.run("return [DATA.results[state.a].title, state.maze]") == ["thinks", longest]
    path.write_text(page([("fails", fails), ("silent", silent)]), encoding="utf-8")
    opened = Page(browser, path)
    moves = [len(attempt.moves) for attempt in silent.attempts]
    assert opened.run("return [DATA.results[state.a].title, state.maze]") == ["silent", moves.index(max(moves))]
    assert opened.run("return document.getElementById('place').textContent") == f"0 of {max(moves)}"
    opened.choose("agent-a", 0)
    assert opened.run("return document.getElementById('place').textContent") == "no steps"


def test_a_link_to_a_folded_part_unfolds_it(browser, tmp_path):
    results = [result_of(Scripted("a", lambda maze, index: "", mode), suite) for suite, mode in (
        ("mazebench-100", "plan"), ("mazebench-dev", "plan"), ("mazebench-100", "play"))]  # fmt: skip
    path = tmp_path / "report.html"
    path.write_text(page([(str(i), one) for i, one in enumerate(results)]), encoding="utf-8")
    opened = Page(browser, path)
    folded = "return [...document.querySelectorAll('.track')].map((one) => one.open)"
    assert opened.run(folded) == [True, False, False]
    opened.run("document.querySelector('nav a[href=\"#track-2\"]').click()")
    assert opened.run(folded) == [True, False, True]


@pytest.mark.parametrize("attempts", [1, 2, 1000])
@pytest.mark.parametrize("tracks", [1, 2])
@pytest.mark.parametrize("results", [1, 2, 5])
def test_counts_have_the_words_that_they_need(results, tracks, attempts):
    text = re.sub("<.*?>", "", summary_text(results, tracks, attempts))
    beginning = "1 result" if results == 1 else f"{results} results"
    ending = "1 attempt, with a replay below" if attempts == 1 else f"{attempts:,} attempts, each with a replay below"
    middle = "" if tracks == 1 else f" on {tracks} tracks, each of which compares only within itself"
    assert text == f"{beginning}{middle}; {ending}"
