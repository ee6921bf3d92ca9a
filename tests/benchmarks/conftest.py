import json

import pytest

from maze_env import traces
from maze_env.solving import shortest_path
from tests.browser import Page, chromium
from tests.reports import EVIL, Scripted, result_of, stumble
from tokenmaze.benchmarks.mazebench import main as run_benchmark
from tokenmaze.benchmarks.record import load
from tokenmaze.benchmarks.report.page import page


@pytest.fixture(scope="session")
def stored(tmp_path_factory):
    """A result of the oracle, from which the tests construct others."""
    path = tmp_path_factory.mktemp("results") / "oracle.json"
    run_benchmark(["--agent", "shortest-path", "--output", str(path)])
    return load(path)


@pytest.fixture(scope="session")
def results():
    stumbling = result_of(Scripted(f"stumble {EVIL}", stumble))
    retry = result_of(Scripted("retry", lambda maze, index: traces.write("retry-dead-end", maze, index)))
    played = result_of(Scripted("oracle", lambda maze, index: shortest_path(maze)[0].token, "play"))
    return [("stumble", stumbling), ("retry", retry), ("oracle", played)]


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("grpo")
    log = [
        {"step": step, "reward": step / 200, "reward_terms/solved": step / 250, "end/hit_wall": 0.1, "loss": 0.3}
        for step in range(1, 201)
    ]
    (folder / "run.json").write_text(json.dumps({"stage": "grpo", "figures": {"steps": 200, "wall_seconds": 60.0}}))
    (folder / "trainer_state.json").write_text(json.dumps({"log_history": log}))
    return folder


@pytest.fixture(scope="session")
def browser():
    driver = chromium()
    yield driver
    driver.quit()


@pytest.fixture(scope="session")
def written(tmp_path_factory, results, run_folder):
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(page(results, [run_folder]), encoding="utf-8")
    return path


@pytest.fixture
def opened(browser, written):
    made = Page(browser, written)
    yield made
    severe = [entry for entry in browser.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]
    assert not severe
    assert made.run("return window.broken") is None
