"""Real inputs to change: mazes of many sizes, fog among them, and what is written about them."""

from functools import cache
from random import Random

import numpy as np

from maze_env import traces
from maze_env.generation import GENERATORS, MazeSpec, generate
from maze_env.maze import Maze
from maze_env.solving import distances_to
from maze_env.tokens import cell_texts
from maze_env.visibility import initial_visible_walls

SIDES = (2, 2, 3, 3, 3, 4, 5, 5, 5, 6, 8, 12)


@cache
def mazes():
    """A few hundred mazes; in some the target cannot be reached."""
    rng, made = Random(0), []
    for key in range(400):
        spec = MazeSpec(
            rng.choice(SIDES), rng.choice(SIDES), generator=rng.choice(sorted(GENERATORS)),
            braid=rng.choice((0.0, 0.0, 1.0)), split=None,
        )  # fmt: skip
        maze = generate(key, spec)
        made.append(closed(maze, rng) if key % 8 == 0 else maze)
    return made


def closed(maze, rng):
    """The maze with a wall more, somewhere."""
    row, col = rng.randrange(maze.rows), rng.randrange(maze.cols - 1)
    walls = np.array(maze.walls)
    walls[row, col] |= 8
    walls[row, col + 1] |= 4
    return Maze(walls, maze.origin, maze.target)


@cache
def fog_texts():
    """Texts of the mazes as seen from their origins."""
    return [
        "".join(cell_texts(initial_visible_walls(maze, radius), maze.origin, maze.target))
        for radius in (0, 1, 2)
        for maze in mazes()[:100]
    ]


@cache
def reachable():
    """The mazes with a way to the target."""
    return [maze for maze in mazes() if distances_to(maze.walls, maze.target)[maze.origin] >= 0]


@cache
def completions():
    """Pairs of a maze and a trace in a style, with the style."""
    made = []
    for number, maze in enumerate(reachable()):
        if maze.rows * maze.cols <= 36:
            made += [(maze, style, traces.write(style, maze, number)) for style in traces.TRACE_STYLES]
    return made
