"""``direct``: the answer with empty thinking. The paper's control, which it reports at 0 %."""

from random import Random

from maze_env.maze import Maze
from maze_env.moves import Move
from maze_env.solving import shortest_path
from maze_env.traces.errors import InvalidTrace


def write(maze: Maze, rng: Random) -> tuple[str, list[Move]]:
    """An empty trace and the shortest path."""
    return "", shortest_path(maze)


def validate(maze: Maze, trace: str) -> list[Move]:
    """An empty trace has no conclusion; the caller verifies the answer."""
    if trace:
        raise InvalidTrace(f"Expects an empty trace, actual: {trace[:40]!r}")
    return []
