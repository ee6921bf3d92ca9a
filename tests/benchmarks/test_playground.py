"""The page of one maze in a headless Chromium: walked by hand, and by the model beside the oracle."""

import re
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image, ImageSequence

from maze_env._cli import run_command
from maze_env.moves import MOVES
from maze_env.solving import shortest_path
from tests.browser import Page
from tests.reports import EVIL, Scripted, result_of, stumble
from tests.tiny import ROOT
from tokenmaze.benchmarks.mazebench import main as run_benchmark
from tokenmaze.benchmarks.record import store
from tokenmaze.benchmarks.report import moving_picture, playground_command
from tokenmaze.benchmarks.suites import load

ARROWS = dict(zip(MOVES, "\ue013\ue015\ue012\ue014", strict=True))  # as WebDriver names the keys
LETTERS = dict(zip(MOVES, "wsad", strict=True))
NAMELESS = """
const nameOf = (one) => one.ariaLabel || one.labels?.[0]?.textContent.trim() || one.textContent.trim();
const controls = [...document.querySelectorAll("button, select, input, svg")];
return controls.filter((one) => one.checkVisibility() && !nameOf(one)).map((one) => one.outerHTML);
"""
WIDTHS = (320, 390, 800, 1200)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The page of a model that solves every second maze, written by the command."""
    folder = tmp_path_factory.mktemp("playground")
    store(result_of(Scripted(f"stumble {EVIL}", stumble)), folder / "result.json")
    playground_command.main(["--result", str(folder / "result.json"), "-o", str(folder / "play.html")])
    return folder / "play.html"


@pytest.fixture
def opened(browser, written):
    browser.get_log("browser")  # empties it
    made = Page(browser, written)
    yield made
    assert not [entry for entry in browser.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]
    assert made.run("return performance.getEntriesByType('resource').length") == 0
    assert made.run("return window.broken") is None


@contextmanager
def emulated(opened, width=1200, touch=False, **media):
    """As a window of that width shows the page, and to who prefers ``media``."""
    command = opened.browser.execute_cdp_cmd
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 700}
    features = [{"name": name.replace("_", "-"), "value": value} for name, value in media.items()]
    command("Emulation.setDeviceMetricsOverride", size)
    command("Emulation.setTouchEmulationEnabled", {"enabled": touch})
    command("Emulation.setEmulatedMedia", {"features": features})
    try:
        yield
    finally:
        command("Emulation.setEmulatedMedia", {"features": []})
        command("Emulation.setTouchEmulationEnabled", {"enabled": False})
        command("Emulation.clearDeviceMetricsOverride", {})


def maze_of(opened):
    return load("mazebench-100").mazes[opened.run("return state.maze")]


def go_to(opened, maze):
    opened.run("return goToMaze(arguments[0])", maze)  # WebDriver waits for what a promise becomes


def press(opened, *keys):
    opened.browser.find_element("tag name", "body").send_keys(*keys)


def text_of(opened, name):
    return opened.browser.find_element("id", name).text


def walkers(opened):
    """Where the model and the oracle are."""
    return opened.run("return [...document.querySelectorAll('#boards .agent')].map((one) => Number(one.dataset.cell))")


def swipe(opened, move, cells=1):
    """A finger drawn over the board, so many cells far."""
    box = opened.run(
        "const b = at('hand-board').getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2]"
    )
    width = opened.run("return at('hand-board').clientWidth / game.maze.cols")
    down, right = move.apply((0, 0))

    def send(kind, *points):
        opened.browser.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": list(points)})

    send("touchStart", {"x": box[0], "y": box[1]})
    for part in range(1, cells + 1):
        far = part * 0.7 * width
        send("touchMove", {"x": box[0] + far * right, "y": box[1] + far * down})
    send("touchEnd")


@pytest.mark.parametrize("keys", [ARROWS, LETTERS], ids=["arrows", "letters"])
def test_a_maze_is_solved_by_keys(opened, keys):
    maze = maze_of(opened)
    path = shortest_path(maze)
    wall = next(move for move in MOVES if not maze.is_open(maze.origin, move))
    press(opened, keys[wall])
    assert text_of(opened, "verdict").endswith("no way there")
    assert text_of(opened, "hand-count") == "1"
    assert opened.count("#hand-board .illegal") == 1
    press(opened, "u", *(keys[move] for move in path))
    assert text_of(opened, "verdict") == f"✓ solved in {len(path)} moves, a shortest path"
    assert opened.count("#hand-board .target.reached") == 1
    press(opened, keys[wall])  # it is over
    assert text_of(opened, "hand-count") == str(len(path))
    press(opened, "r", keys[wall], *(keys[move] for move in path))
    told = f"✓ solved in {len(path) + 1} moves, 1 more than the shortest path; walls hit: 1"
    assert text_of(opened, "verdict") == told


def test_a_maze_is_solved_by_buttons_and_by_swipes(opened):
    with emulated(opened, 390, touch=True):
        path = shortest_path(maze_of(opened))
        for move in path:
            opened.run("document.querySelector(`[data-move='${arguments[0]}']`).click()", int(move))
        assert text_of(opened, "verdict").startswith("✓ solved")
        opened.run("at('restart').click()")
        assert text_of(opened, "hand-count") == "0"
        for move in path:
            swipe(opened, move)
        assert text_of(opened, "verdict").startswith(f"✓ solved in {len(path)} moves")
        opened.run("at('restart').click()")
        straight = next(count for count in range(1, len(path) + 1) if path[: count + 1] != path[:1] * (count + 1))
        swipe(opened, path[0], straight)  # without lifting the finger
        assert text_of(opened, "hand-count") == str(straight)


def test_judged_as_the_model_the_first_wall_ends_it_in_the_words_of_ends(opened):
    maze = maze_of(opened)
    wall = next(move for move in MOVES if not maze.is_open(maze.origin, move))
    row, col = wall.apply(maze.origin)
    is_inside = 0 <= row < maze.rows and 0 <= col < maze.cols
    opened.check("strict")
    press(opened, ARROWS[wall])
    assert text_of(opened, "verdict") == f"✗ {'hit wall' if is_inside else 'left grid'} at move 1"
    press(opened, ARROWS[shortest_path(maze)[0]])
    assert text_of(opened, "hand-count") == "1"
    press(opened, "u", ARROWS[shortest_path(maze)[0]])
    assert text_of(opened, "verdict") == ""


def test_the_model_thinks_and_then_walks_beside_the_oracle(opened):
    maze = maze_of(opened)
    moves = len(shortest_path(maze))
    opened.run("document.querySelector('#watch').click()")
    assert not opened.run("return Boolean(state.timer)")  # who wants no motion starts it
    thinking = opened.run("return state.panels[1].delay")
    assert thinking > moves
    origin, target = (at[0] * maze.cols + at[1] for at in (maze.origin, maze.target))
    opened.run("goTo(arguments[0])", thinking)
    assert opened.count("#boards .reasoner") == 1
    assert walkers(opened) == [origin, origin]
    written = opened.browser.find_element("css selector", "#boards .text").text
    assert "<think>" in written
    assert "</think>" not in written
    assert text_of(opened, "model-verdict") == ""
    for step in range(1, moves + 1):
        opened.run("goTo(arguments[0])", thinking + step)
        model, oracle = walkers(opened)
        assert model == oracle
    assert walkers(opened) == [target, target]
    assert text_of(opened, "model-verdict").startswith(f"✓ solved after {moves} moves")


def test_a_failure_of_the_model_is_told_at_its_end_in_the_words_of_ends(opened):
    go_to(opened, 3)  # a scripted walk into a wall
    opened.run("document.querySelector('#watch').click(); goTo(lastStep())")
    end = opened.run("return endOf(DATA.results[0], 3)[1]")
    assert end in ("hit wall", "left grid")
    assert text_of(opened, "model-verdict").startswith(f"✗ {end} after ")
    assert f"model: {end}" in opened.run("return at('maze').options[3].textContent")
    go_to(opened, 1)  # text that would break out of the page
    assert "window.broken" in opened.browser.find_element("css selector", "#boards .text").get_attribute("textContent")


def test_with_motion_it_plays_by_itself(opened):
    with emulated(opened, prefers_reduced_motion="no-preference"):
        opened.run("at('pace').value = '8'; at('pace').dispatchEvent(new Event('change')); at('watch').click()")
        opened.wait("state.step > 3")
        assert opened.run("return state.panels[0].caption.getAttribute('aria-live')") == "off"
        opened.run("at('play').click()")
        assert opened.run("return state.panels[0].caption.getAttribute('aria-live')") == "polite"
        opened.run("choose('hand')")
        press(opened, ARROWS[shortest_path(maze_of(opened))[0]])
        assert opened.run("return at('hand-board').querySelector('.agent').getAnimations().length") == 1


def test_next_and_previous_maze(opened):
    first = opened.run("return state.maze")
    press(opened, "n")
    opened.wait(f"state.maze === {(first + 1) % 100}")
    press(opened, "p", "p")
    opened.wait(f"state.maze === {(first - 1) % 100}")
    assert opened.run("return Number(at('maze').value)") == (first - 1) % 100
    assert text_of(opened, "hand-count") == "0"
    go_to(opened, 99)
    opened.run("at('next-maze').click()")
    opened.wait("state.maze === 0")


def brightness(opened):
    color = opened.run("return getComputedStyle(document.body).backgroundColor")
    return sum(map(int, re.findall(r"\d+", color)[:3])) / 3


def test_dark_as_the_system_has_it_or_as_the_button_says(opened):
    with emulated(opened, prefers_color_scheme="light"):
        assert brightness(opened) > 200
        opened.check("dark")
        assert brightness(opened) < 60
        assert opened.run("return at('dark').getAttribute('aria-pressed')") == "true"
    with emulated(opened, prefers_color_scheme="dark"):
        opened.check("dark")
        assert brightness(opened) > 200
    opened.run("delete document.documentElement.dataset.scheme")
    with emulated(opened, prefers_color_scheme="dark"):
        assert brightness(opened) < 60


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("who", ["hand", "model"])
def test_nothing_is_wider_than_the_window(opened, width, who):
    with emulated(opened, width):
        opened.run("return choose(arguments[0])", who)
        opened.run("goTo(lastStep())")
        assert opened.run("return document.documentElement.scrollWidth") <= width
        boards = opened.run(f"return [...document.querySelectorAll('#{who} .board')].map((b) => b.clientWidth)")
        assert min(boards) >= 120


def test_the_focus_is_seen_and_every_control_has_a_name(opened):
    for who in ("hand", "model"):
        opened.run("return choose(arguments[0])", who)
        assert opened.run(NAMELESS) == []
    opened.run("choose('hand')")
    press(opened, "\ue004")
    assert opened.run("return getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_a_result_without_texts_is_refused_in_one_line(tmp_path, capsys):
    run_benchmark(["--agent", "shortest-path", "--output", str(tmp_path / "silent.json")])
    capsys.readouterr()
    arguments = ["--result", str(tmp_path / "silent.json"), "-o", str(tmp_path / "play.html")]
    with pytest.raises(SystemExit):
        run_command(lambda: playground_command.main(arguments))
    told = capsys.readouterr().err
    assert told == "error: Expects a result with texts (bench --texts), actual: none of shortest-path\n"
    assert not Path(arguments[-1]).exists()


def test_the_page_of_the_model_that_comes_along_is_small(tmp_path):
    playground_command.main(["-o", str(tmp_path / "play.html")])
    assert (tmp_path / "play.html").stat().st_size < 250_000


def test_a_moving_picture_has_a_frame_for_each_step(browser, written, tmp_path):
    path = tmp_path / "model.gif"
    moving_picture.main(["--result", str(written.with_name("result.json")), "--maze", "3", "-o", str(path)])
    opened = Page(browser, written)
    go_to(opened, 3)
    with Image.open(path) as picture:
        assert picture.n_frames == opened.run("return lastStep()") + 1
        shown = [frame.info["duration"] for frame in ImageSequence.Iterator(picture)]
    assert shown == [moving_picture.EXECUTED] * (len(shown) - 1) + [moving_picture.LAST]


def test_the_picture_of_the_documentation_is_small_and_moves():
    path = ROOT / "docs" / "images" / "tiny.gif"
    assert path.stat().st_size < 1.5e6
    with Image.open(path) as picture:
        assert picture.n_frames > 100
