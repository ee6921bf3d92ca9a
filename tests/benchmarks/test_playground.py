"""The page to play on, in a headless Chromium: by keys, buttons and swipes, on every width, in the dark."""

import re

import pytest

from maze_env.moves import MOVES
from tests.browser import Page, chromium
from tokenmaze.agents.shipped import SHIPPED, folder_of
from tokenmaze.benchmarks.record import load
from tokenmaze.benchmarks.report.play_page import play_page
from tokenmaze.benchmarks.report.playground import main

KEYS = {"U": "ArrowUp", "D": "s", "L": "a", "R": "ArrowRight"}
WIDTHS = (320, 390, 768, 1200)


@pytest.fixture(scope="module")
def browser():
    driver = chromium()
    yield driver
    assert driver.get_log("browser") == []
    driver.quit()


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    path = tmp_path_factory.mktemp("play") / "play.html"
    main(["--output", str(path), "--mazes", "12"])
    return path


@pytest.fixture
def opened(browser, written):
    return Page(browser, written)


def press(opened, key):
    opened.run("document.dispatchEvent(new KeyboardEvent('keydown', {key: arguments[0]}))", key)


def said(opened, name):
    return opened.run("return document.getElementById(arguments[0]).textContent", name)


def choose(opened, select, value):
    opened.run(
        "const s = at(arguments[0]); s.value = arguments[1]; state.panel = null; s.dispatchEvent(new Event('change'))",
        select,
        str(value),
    )
    opened.wait("state.panel")


def shortest(opened):
    return opened.run("return DATA.suites[at('set').value].mazes[state.index].at(-1)")


def test_a_shortest_path_by_keys_solves(opened):
    letters = shortest(opened)
    for letter in letters:
        press(opened, KEYS[letter])
    assert said(opened, "you-said").startswith(f"solved: {len(letters)} move")
    press(opened, "ArrowUp")  # it is over
    assert opened.run("return state.moves.length") == len(letters)
    press(opened, "u")
    assert "solved" not in said(opened, "you-said")


def test_buttons_move_and_a_wall_stops_and_costs_a_move(opened):
    blocked = opened.run("return [0, 1, 2, 3].find((move) => !isOpen(state.maze, state.maze.origin, move))")
    opened.browser.find_element("css selector", f"[data-move='{blocked}']").click()
    assert said(opened, "you-said") == "hit wall; 1 move"
    assert opened.count("#you .illegal") == 1
    assert int(opened.browser.find_element("css selector", "#you .agent").get_attribute("data-cell")) == opened.run(
        "return state.maze.origin"
    )
    for _ in range(99):
        press(opened, KEYS["UDLR"[blocked]])
    assert said(opened, "you-said").startswith("short of target")


def test_swipes_move(opened):
    choose(opened, "maze", 11)  # the farthest target
    board = "const box = at('you').getBoundingClientRect();"
    swipe = (
        "const go = (name, x, y) => at('you').dispatchEvent(new PointerEvent(name, {clientX: box.left + x, clientY: "
        "box.top + y, bubbles: true})); go('pointerdown', 80, 80); go('pointerup', ...arguments[0]);"
    )
    for move, (x, y) in enumerate([(75, 20), (85, 150), (20, 90), (150, 75)]):
        opened.run(board + swipe, [x, y])
        assert opened.run("return state.moves.at(-1)") == move
    opened.run(board + swipe, [85, 84])  # a tap
    assert opened.run("return state.moves.length") == len(MOVES)


def test_each_model_thinks_and_ends_as_in_its_result(opened):
    for name, shipped in SHIPPED.items():
        choose(opened, "set", shipped.suite)
        models = opened.run("return [...at('model').options].map((one) => one.textContent)")
        choose(opened, "model", models.index(name))
        stored = load(folder_of(name) / "result.json").attempts
        titles = {attempt.end.title for attempt in stored}
        for index in range(opened.run("return at('maze').length")):
            choose(opened, "maze", index)
            opened.browser.find_element("id", "end").click()
            verdict = said(opened, "verdict")
            assert verdict.removeprefix("failed: ").partition(" · ")[0] in titles
            assert said(opened, "oracle-said").startswith("solved: ")


def test_a_model_thinks_step_by_step_beside_the_oracle(opened):
    press(opened, " ")
    opened.wait("state.step >= 3")
    assert opened.count("#model-board .reasoner") == 1
    assert opened.count("#written .now") == 1
    press(opened, " ")
    assert opened.run("return state.timer") is None
    press(opened, "n")
    opened.wait("state.index === 1 && state.step === 0")


def test_fog_hides_what_is_far_and_a_suite_in_fog_is_played_in_it(opened):
    assert opened.count("#you .unseen") == 0
    opened.check("fog")
    assert opened.count("#you .unseen") > 0
    choose(opened, "set", "fog")
    assert opened.run("return at('fog').checked")
    assert opened.count("#model-board .unseen") > 0


@pytest.mark.parametrize("width", WIDTHS)
def test_it_fits_every_width(opened, width):
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    opened.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    assert opened.run("return document.documentElement.scrollWidth") <= width
    opened.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_dark_is_as_the_system_says_until_somebody_switches(opened):
    def brightness():
        color = opened.run("return getComputedStyle(document.body).backgroundColor")
        return sum(map(int, re.findall(r"\d+", color)[:3])) / 3

    for scheme, dark in (("dark", True), ("light", False)):
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        opened.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        opened.wait(f"at('theme').getAttribute('aria-pressed') === '{str(dark).lower()}'")
        assert (brightness() < 60) == dark
    opened.browser.find_element("id", "theme").click()
    assert brightness() < 60


def test_the_page_is_small_and_needs_nothing_else():
    page = play_page(40)
    assert len(page) < 150_000
    assert "http" not in re.sub(r"http-equiv|http://www.w3.org/2000/svg", "", page)
