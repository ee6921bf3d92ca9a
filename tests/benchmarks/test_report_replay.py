"""The replay in a headless Chromium: stepping, by mouse and by keys."""

from maze_env.answers import moves_to_text
from maze_env.solving import shortest_path
from tests.browser import Page
from tests.reports import Scripted, result_of
from tokenmaze.benchmarks.report import trace_replay
from tokenmaze.benchmarks.report.page import page
from tokenmaze.benchmarks.stored_attempts import moves_of
from tokenmaze.benchmarks.suites import load


def walk(maze, letters):
    """The numbers of the cells that stored moves lead through."""
    cells = [maze.origin]
    for move in moves_of(letters):
        cells.append(move.apply(cells[-1]) if maze.is_open(cells[-1], move) else cells[-1])
    return [row * maze.cols + col for row, col in cells]


def test_stepping_moves_the_agent_and_marks_detours_and_illegal_moves(opened, results):
    attempts = results[0][1].attempts
    mazes = load("mazebench-100").mazes
    index = next(i for i, attempt in enumerate(attempts) if i % 4 == 3 and len(attempt.moves) == 2)
    expected = walk(mazes[index], attempts[index].moves)
    opened.choose("agent-a", 0)
    opened.choose("maze", index)
    assert opened.cells() == expected[:1]
    opened.press("\ue014")  # right arrow
    assert opened.cells() == expected[1:2]
    assert opened.count(".board .trail.detour") == 1
    assert opened.count(".moves .detour.now") == 1
    assert "leaves every shortest path" in opened.browser.find_element("css selector", ".caption").text
    assert opened.count(".board .illegal") == 0
    opened.press("\ue010")  # end
    assert opened.cells() == expected[2:]
    assert opened.count(".board .illegal") == 1
    opened.press("\ue012")  # left arrow
    assert opened.cells() == expected[1:2]
    opened.press("\ue011")  # home
    assert opened.cells() == expected[:1]
    opened.press(" ")
    opened.wait("document.querySelectorAll('.board .illegal').length")
    opened.run("document.getElementById('back').click()")
    assert opened.cells() == expected[1:2]


def test_a_path_that_goes_on_past_the_target_fails_at_its_end(browser, tmp_path):
    def write(maze, index):
        path = shortest_path(maze)
        return moves_to_text([*path, path[-1].opposite] if index % 2 == 0 else path[:-1])

    path = tmp_path / "report.html"
    path.write_text(page([("far", result_of(Scripted("far", write)))]), encoding="utf-8")
    opened = Page(browser, path)
    for maze, ending in ((0, "ended: past target"), (1, "ended: short of target")):
        opened.choose("maze", maze)
        opened.press("\ue010", "\ue012")  # end, left arrow
        assert opened.count(".ending") == 1  # in the key alone
        opened.press("\ue014")  # right arrow
        assert opened.browser.find_element("css selector", ".caption .ending").text == ending
        assert opened.count(".board .ending") == 1
        assert opened.count(".moves .failed") == 1


def test_what_the_mouse_picked_leaves_the_keys_to_the_boards(opened):
    from selenium.webdriver import ActionChains
    from selenium.webdriver.support.ui import Select

    pointer = ActionChains(opened.browser)

    def chosen():
        return opened.run("return state.maze")

    def place():
        return int(opened.run("return document.getElementById('place').textContent").split()[0])

    def keys(*some):
        for key in some:
            opened.browser.switch_to.active_element.send_keys(key)

    def click(selector):
        pointer.move_to_element(opened.browser.find_element("css selector", selector)).click().perform()

    def works():
        opened.wait("document.querySelector('.board')")
        keys("\ue011", "\ue014", "\ue014", "\ue012")  # home, right, right, left
        assert place() == 1
        shown = opened.count(".board .path")
        keys("s")
        assert opened.count(".board .path") == 1 - shown
        before = chosen()
        keys("n")
        assert chosen() != before
        keys("p")
        assert chosen() == before
        keys(" ")
        opened.wait("document.getElementById('play').textContent.includes('pause')")
        keys(" ")

    for _ in range(2):  # the second click changes nothing
        click("#maze option[value='3']")
        opened.wait("state.maze === 3")
        works()
    for box in ("path", "disagree"):
        click(f"#{box}")
        works()
    Select(opened.browser.find_element("id", "agent-a")).select_by_index(1)
    works()
    click("#reasoning")
    works()
    click(".leaderboard [data-result='1']")
    works()


def test_a_control_that_the_keyboard_works_keeps_the_focus(opened):
    def focused():
        return opened.run("return document.activeElement.id")

    opened.choose("maze", 0)
    maze = opened.browser.find_element("id", "maze")
    opened.run("arguments[0].focus()", maze)
    for chosen in (1, 2):
        opened.browser.switch_to.active_element.send_keys("\ue015")  # down arrow
        assert (focused(), maze.get_property("selectedIndex")) == ("maze", chosen)
    opened.wait("document.querySelector('.board')")
    box = opened.browser.find_element("id", "path")
    opened.run("arguments[0].focus()", box)
    box.send_keys(" ")
    assert (focused(), opened.count(".board .path")) == ("path", 1)
    box.send_keys("\ue014")
    assert opened.run("return document.getElementById('step').value") == "1"


def test_the_shortest_path_is_shown_on_request(opened):
    assert opened.count(".board .path") == 0
    opened.check("path")
    assert opened.count(".board .path") == 1
    opened.press("s")
    assert opened.count(".board .path") == 0


def test_two_agents_go_side_by_side_in_step(opened, results):
    opened.choose("agent-b", 1)
    opened.choose("maze", 3)
    opened.check("reasoning")
    maze = load("mazebench-100").mazes[3]
    walks = [walk(maze, result.attempts[3].moves) for _, result in results[:2]]
    for step in range(max(map(len, walks))):
        assert opened.cells() == [cells[min(step, len(cells) - 1)] for cells in walks]
        opened.press("\ue014")


def test_reasoning_is_stepped_through_apart_from_the_moves(opened, results):
    mazes = load("mazebench-100").mazes
    attempts = results[1][1].attempts
    index = next(i for i, attempt in enumerate(attempts) if "RESET" in attempt.texts[0])
    text = attempts[index].texts[0]
    opened.choose("agent-a", 1)
    opened.choose("maze", index)
    start = mazes[index].origin[0] * 5 + mazes[index].origin[1]
    opened.press(*["\ue014"] * 4)
    assert opened.cells() == [start]  # the reasoning has gone on, no move was executed
    pieces = trace_replay.plan_pieces(mazes[index], text, False, len(attempts[index].moves))
    stepped = [piece for piece in pieces if isinstance(piece, list)]
    assert opened.cells("reasoner") == [stepped[3][1]]
    assert stepped[3][1] != start
    assert opened.browser.find_element("css selector", ".text .now").text == stepped[3][0]
    opened.press("\ue010")
    assert opened.cells() == [mazes[index].target[0] * 5 + mazes[index].target[1]]
    assert opened.count(".board .reasoned.old") == text.count("RESET") + 1
