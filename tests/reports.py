"""Results for the tests of the report: agents by script, one of which writes what would break out of a page."""

from benchmarks.mazebench import run_suite
from benchmarks.metrics import summarize
from benchmarks.results import TITLE, attempt_rows
from benchmarks.suites import load
from maze_env import maze_from_text, traces
from maze_env.answers import moves_to_text
from maze_env.moves import MOVES
from maze_env.solving import distances_to

EVIL = "</script><script>window.broken = 1</script><img src=x onerror='window.broken = 1'><!-- \U0001f600"


class Scripted:
    """Writes what ``write(maze, index)`` says."""

    def __init__(self, name, write, mode="plan"):
        self.name, self.write, self.mode = name, write, mode

    def reset(self, seeds):
        self.count = 0

    def act(self, observations):
        return [self.write(maze_from_text(text), index) if text else "" for index, text in enumerate(observations)]


def wrong_move(maze):
    """A possible first move that leaves every shortest path, where there is one."""
    left = distances_to(maze.walls, maze.target)
    return next((m for m in maze.open_moves(maze.origin) if left[m.apply(maze.origin)] > left[maze.origin]), None)


def stumble(maze, index):
    """Every second maze is solved; the others go wrong where that can be, then into a wall, or say something evil."""
    if index % 2 == 0:
        return traces.write("search", maze, index)
    if index % 4 == 1:
        return EVIL
    moves = [move for move in (wrong_move(maze),) if move is not None]
    cell = moves[0].apply(maze.origin) if moves else maze.origin
    return moves_to_text([*moves, next(move for move in MOVES if not maze.is_open(cell, move))])


def result_of(agent, suite="mazebench-100", samples=1):
    """A result as the benchmark stores it; for the baselines stands the agent itself."""
    of = load(suite)
    records = run_suite(agent, of, samples)
    summary = summarize(records, of)
    spec = {"name": suite, "version": 1, "sha256": of.spec.sha256, "mazes": len(of.mazes), "max_steps": None}
    return {
        "benchmark": TITLE,
        "suite": spec,
        "mode": agent.mode,
        "view_radius": None,
        "agent": agent.name,
        "agent_options": {},
        "samples": samples,
        "seed": 0,
        "recipe": None,
        "stage": None,
        "train_seed": None,
        "summary": summary,
        "baselines": {"random": summary, "shortest-path": summary},
        "provenance": {"command": f"python -m benchmarks.mazebench {EVIL}", "commit": "0123", "finished_at": "today"},
        "attempts": attempt_rows(records, len(of.mazes), texts=True),
    }
