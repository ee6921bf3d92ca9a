"""Results for the tests of the report: agents by script, one of which writes what would break out of a page."""

from maze_env import Reply, maze_from_text, traces
from maze_env.answers import moves_to_text
from maze_env.moves import MOVES
from maze_env.solving import distances_to
from tokenmaze.agents.base import Agent
from tokenmaze.benchmarks.metrics import baseline_of, summarize
from tokenmaze.benchmarks.record import BASELINES, Provenance, Result, SuiteOfResult
from tokenmaze.benchmarks.runner import run_suite
from tokenmaze.benchmarks.stored_attempts import places, stored_of
from tokenmaze.benchmarks.suites import load

EVIL = "</script><script>window.broken = 1</script><img src=x onerror='window.broken = 1'><!-- \U0001f600"


class Scripted(Agent):
    """Writes what ``write(maze, index)`` says."""

    def __init__(self, name, write, mode="plan"):
        self.name, self.write, self.mode = name, write, mode

    def act(self, observations):
        texts = [self.write(maze_from_text(text), index) if text else "" for index, text in enumerate(observations)]
        return list(map(Reply, texts))


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


def result_of(agent, suite="mazebench-100", samples=1, attempt=run_suite):
    """A result as the benchmark stores it; in place of the baselines' figures stand the agent's own."""
    loaded = load(suite)
    attempts = attempt(agent, loaded, samples)
    summary = summarize(attempts, loaded)
    where = places(samples, loaded.spec.phrasings, len(loaded.mazes))
    return Result(
        suite=SuiteOfResult(suite, 1, loaded.spec.sha256, len(loaded.mazes)),
        mode=agent.mode,
        agent=agent.name,
        agent_options={},
        samples=samples,
        keeps_texts=True,
        summary=summary,
        baselines=dict.fromkeys(BASELINES, baseline_of(summary)),
        provenance=Provenance(f"python -m benchmarks.mazebench {EVIL}", "0123", finished_at="today"),
        attempts=tuple(stored_of(attempt, place, texts=True) for attempt, place in zip(attempts, where, strict=True)),
    )
