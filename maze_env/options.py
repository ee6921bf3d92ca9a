"""What constructors and ``reset`` are told, checked and completed: for the single and the vector environment alike."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import gymnasium
import numpy as np
from gymnasium.envs.registration import EnvSpec
from numpy.typing import NDArray

from maze_env.errors import InvalidConfig, InvalidMaze, is_integer
from maze_env.generation import MazeSpec
from maze_env.maze import Maze
from maze_env.moves import Distances
from maze_env.rewards import step_reward_of
from maze_env.solving import distances_to, require_path
from maze_env.tokens import maze_from_text

BOUNDS = ("min_length", "max_length", "min_turns", "max_turns")
"""Of the mazes that are drawn; options of ``reset`` too."""


def check_seed(seed: Any) -> int | None:
    """A seed as Gymnasium takes it. Raises InvalidConfig for anything but ``None`` and integers from 0 up."""
    if seed is not None and not (is_integer(seed) and seed >= 0):
        raise InvalidConfig(f"Expects a seed from 0 up, actual: {seed!r}")
    return None if seed is None else int(seed)


def each_seed(seed: Any, count: int) -> list[int | None]:
    """A seed for each of ``count`` environments. Raises InvalidConfig for what is none, or too few or many."""
    if not isinstance(seed, (Sequence, np.ndarray)):
        first = check_seed(seed)
        return [None if first is None else first + i for i in range(count)]
    if len(seed) != count:
        raise InvalidConfig(f"Expects a seed for each of {count} environments, actual: {len(seed)}")
    return [check_seed(one) for one in seed]


def check_options(options: Any, known: list[str]) -> dict[str, Any]:
    """The options of ``reset``. Raises InvalidConfig for one that does not exist, or that a given maze contradicts."""
    if options is None:
        return {}
    if not isinstance(options, dict) or set(options) - set(known):
        came = sorted(map(str, options)) if isinstance(options, dict) else repr(options)
        raise InvalidConfig(f"Expects reset options out of {known}, actual: {came}")
    if options.get("maze") is not None and (given := sorted(set(options) & set(BOUNDS))):
        raise InvalidConfig(f"Expects a maze, or bounds of one to draw, actual: both ({', '.join(given)})")
    return options


def bounded(spec: MazeSpec, options: dict[str, Any]) -> MazeSpec:
    """``spec`` with the bounds among ``options`` in place of its own."""
    bounds = {name: options[name] for name in BOUNDS if name in options}
    return replace(spec, **bounds) if bounds else spec


def step_budget(max_steps: int | None, rows: int, cols: int) -> int:
    """Steps before truncation: ``max_steps``, by default 4 * rows * cols. Raises InvalidConfig when under 1."""
    if max_steps is None:
        return 4 * rows * cols
    if not is_integer(max_steps) or max_steps < 1:
        raise InvalidConfig(f"Expects max_steps of at least 1, actual: {max_steps!r}")
    return int(max_steps)


def playable(maze: Any, spec: MazeSpec) -> tuple[Maze, Distances]:
    """The maze given to ``reset``, a ``Maze`` or its text, and its distances to the target.

    Raises InvalidMaze for another type or size than the environment's, or a target that cannot be reached.
    """
    if not isinstance(maze, (Maze, str)):
        raise InvalidMaze(f"Expects a Maze or its text, actual: {type(maze).__name__}")
    maze = maze if isinstance(maze, Maze) else maze_from_text(maze)
    if (maze.rows, maze.cols) != (spec.rows, spec.cols):
        raise InvalidMaze(f"Expects a maze of {spec.rows}x{spec.cols}, actual: {maze.rows}x{maze.cols}")
    distances = distances_to(maze.walls, maze.target)
    require_path(maze, distances)
    return maze, distances


def each_maze(given: Any, spec: MazeSpec, count: int, chosen: NDArray[np.int64]) -> list[Maze] | None:
    """The mazes of ``options["maze"]`` for those of ``count`` environments that are ``chosen``; ``None`` where none is.

    Raises InvalidMaze as ``playable``, and for too few or many.
    """
    if given is None:
        return None
    mazes = list(given) if isinstance(given, (Sequence, np.ndarray)) and not isinstance(given, str) else [given] * count
    if len(mazes) != count:
        raise InvalidMaze(f"Expects one maze, or one for each of {count} environments, actual: {len(mazes)}")
    return [playable(mazes[i], spec)[0] for i in chosen.tolist()]


def _same_size(value: Any, spec: MazeSpec) -> MazeSpec:
    if not isinstance(value, MazeSpec) or (value.rows, value.cols) != (spec.rows, spec.cols):
        raise InvalidConfig(f"Expects a MazeSpec of {spec.rows}x{spec.cols}, actual: {value!r}")
    return value


SETTABLE: dict[str, Callable[[Any, MazeSpec], Any]] = {
    "maze_spec": _same_size,
    "max_steps": lambda value, spec: step_budget(value, spec.rows, spec.cols),
    "step_reward": lambda value, spec: step_reward_of(value),
}
"""What ``set_attr`` can set, and how a value is checked."""


def warn_no_render_mode() -> None:
    """Warns as Gymnasium's own environments do."""
    gymnasium.logger.warn(
        "You are calling render method without specifying any render mode. You can specify the render_mode at "
        'initialization, e.g. gym.make("TokenMaze-v0", render_mode="rgb_array")'
    )


def with_step_budget(spec: EnvSpec | None, max_steps: int) -> EnvSpec | None:
    """A copy of ``spec`` that tells after how many steps an episode is truncated, for wrappers that ask."""
    if spec is not None:
        spec = copy.copy(spec)
        spec.max_episode_steps = max_steps
    return spec
