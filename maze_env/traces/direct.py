"""``direct``: the answer alone, the thinking left empty. The paper's control, which it reports at 0 %."""

from random import Random

from maze_env.maze import Maze
from maze_env.moves import Move
from maze_env.solving import shortest_path
from maze_env.traces.errors import InvalidTrace


def write(maze: Maze, random: Random) -> tuple[str, list[Move]]:
    """An empty trace and the shortest path."""
    return "", shortest_path(maze)


def validate(maze: Maze, trace: str) -> list[Move]:
    """There is nothing to conclude from; the answer is judged by the caller."""
    if trace:
        raise InvalidTrace(f"Expects an empty trace, actual: {trace[:40]!r}")
    return []
