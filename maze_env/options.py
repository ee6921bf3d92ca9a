"""What constructors and ``reset`` are told, checked and completed: for the single and the vector environment alike."""

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, replace
from typing import Any

import gymnasium
import numpy as np
from gymnasium.envs.registration import EnvSpec
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from maze_env.errors import InvalidConfig, InvalidMaze, is_integer, unknown_name
from maze_env.generation import MazeSpec
from maze_env.maze import Maze
from maze_env.moves import Distances
from maze_env.padding import Room
from maze_env.rewards import SCHEMES, StepReward, step_reward_of
from maze_env.solving import distances_to, require_path
from maze_env.tokens import maze_from_text

DRAWN = tuple(field.name for field in fields(MazeSpec))
"""What says which mazes are drawn: arguments of the environments, and options of ``reset``."""


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


def check_options(options: Any, *more: str) -> dict[str, Any]:
    """The options of ``reset``: ``maze``, those of ``DRAWN``, and ``more``.

    Raises UnknownName for one that does not exist, InvalidConfig for what is no dict or contradicts a given maze.
    """
    if options is None:
        return {}
    if not isinstance(options, dict):
        raise InvalidConfig(f"Expects reset options as a dict, actual: {options!r}")
    known = ("maze", *DRAWN, *more)
    for name in options:
        if name not in known:
            raise unknown_name("reset option", name, known)
    if options.get("maze") is not None and (given := [name for name in DRAWN if name in options]):
        raise InvalidConfig(f"Expects a maze, or what maze to draw, actual: both ({', '.join(given)})")
    return options


def check_autoreset_mode(mode: Any) -> AutoresetMode:
    """An autoreset mode or its value. Raises InvalidConfig for what is none."""
    try:
        return AutoresetMode(mode)
    except ValueError:
        modes = [mode.value for mode in AutoresetMode]
        raise InvalidConfig(f"Expects autoreset_mode out of {modes}, actual: {mode!r}") from None


def check_spec(spec: Any, room: Room) -> MazeSpec:
    """``spec``. Raises InvalidConfig for what is no MazeSpec, or one of mazes that do not fit."""
    if not isinstance(spec, MazeSpec) or not room.fits(spec.rows, spec.cols):
        hint = "" if room.padded or not isinstance(spec, MazeSpec) else " (pad_to makes room for others)"
        came = f"{spec.rows}x{spec.cols}{hint}" if isinstance(spec, MazeSpec) else repr(spec)
        raise InvalidConfig(f"Expects a MazeSpec of {room}, actual: {came}")
    return spec


def spec_with(spec: MazeSpec, options: dict[str, Any], room: Room) -> MazeSpec:
    """``spec`` with what is among ``options`` in place of its own. Raises as MazeSpec and ``check_spec``."""
    given = {name: options[name] for name in DRAWN if name in options}
    return check_spec(replace(spec, **given), room) if given else spec


def each_of(what: str, value: Any, count: int) -> list[Any]:
    """A value for each of ``count`` environments: the entries of a list, tuple or array, or one for all.

    Raises InvalidConfig for too few or many.
    """
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if not isinstance(value, (list, tuple)):
        return [value] * count
    if len(value) != count:
        raise InvalidConfig(f"Expects one {what}, or one for each of {count} environments, actual: {len(value)}")
    return list(value)


class EachSpec:
    """The mazes that each environment of a vector draws. Many of them share one specification."""

    def __init__(self, specs: Sequence[MazeSpec]):
        numbers: dict[MazeSpec, int] = {}
        self._numbers = np.array([numbers.setdefault(spec, len(numbers)) for spec in specs])
        self._distinct = list(numbers)

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, index: int) -> MazeSpec:
        return self._distinct[self._numbers[index]]

    def groups(self, chosen: NDArray[np.int64]) -> Iterator[tuple[MazeSpec, NDArray[np.int64]]]:
        """The indices ``chosen`` by what they draw: each specification, with the places in ``chosen`` that have it."""
        numbers = self._numbers[chosen]
        for number in np.unique(numbers) if len(self._distinct) > 1 else [0]:
            yield self._distinct[number], np.flatnonzero(numbers == number)

    def with_options(self, options: dict[str, Any], room: Room) -> "EachSpec":
        """These with what is among ``options``, for all or for each, in place of their own."""
        given = {name: each_of(name, options[name], len(self)) for name in DRAWN if name in options}
        if not given:
            return self
        try:
            hash(tuple(map(tuple, given.values())))
        except TypeError:
            raise InvalidConfig(f"Expects one value for each environment, actual: {given}"[:500]) from None
        made: dict[tuple[Any, ...], MazeSpec] = {}
        specs = []
        for key in zip(self._numbers.tolist(), *given.values(), strict=True):
            if key not in made:
                made[key] = spec_with(self._distinct[key[0]], dict(zip(given, key[1:], strict=True)), room)
            specs.append(made[key])
        return EachSpec(specs)


def step_budget(max_steps: int | None, rows: int, cols: int) -> int:
    """Steps before truncation: ``max_steps``, by default 4 * rows * cols. Raises InvalidConfig when under 1."""
    if max_steps is None:
        return 4 * rows * cols
    if not is_integer(max_steps) or max_steps < 1:
        raise InvalidConfig(f"Expects max_steps of at least 1, actual: {max_steps!r}")
    return int(max_steps)


def playable(maze: Any, room: Room) -> tuple[Maze, Distances]:
    """The maze given to ``reset``, a ``Maze`` or its text, and its distances to the target.

    Raises InvalidMaze for another type, a size that does not fit, or a target that cannot be reached.
    """
    if not isinstance(maze, (Maze, str)):
        raise InvalidMaze(f"Expects a Maze or its text, actual: {type(maze).__name__}")
    maze = maze if isinstance(maze, Maze) else maze_from_text(maze)
    if not room.fits(maze.rows, maze.cols):
        raise InvalidMaze(f"Expects a maze of {room}, actual: {maze.rows}x{maze.cols}")
    distances = distances_to(maze.walls, maze.target)
    require_path(maze, distances)
    return maze, distances


def read_vector_options(
    options: Any, specs: EachSpec, room: Room, has_reset: bool
) -> tuple[NDArray[np.bool_] | None, EachSpec, dict[int, Maze]]:
    """What the ``reset`` of a vector is told.

    Args:
        options: as ``reset`` takes them.
        specs: what the environments draw otherwise.
        room: the sizes that fit.
        has_reset: whether it has been reset before.

    Returns:
        Which environments to reset, (n,) bool, ``None`` for all; what they draw; the mazes that are given, by index.

    Raises:
        InvalidConfig: for another mask than (n,) bool that chooses what it may.
        TokenMazeError: as ``check_options``, ``spec_with``, ``each_of`` and ``playable``.
    """
    options, count = check_options(options, "reset_mask"), len(specs)
    mask = options.get("reset_mask")
    if mask is not None and (getattr(mask, "dtype", None) != np.bool_ or mask.shape != (count,)):
        raise InvalidConfig(f"Expects reset_mask as ({count},) bool, actual: {mask!r}")
    if mask is not None and not (mask.any() and (has_reset or mask.all())):
        raise InvalidConfig("Expects reset_mask to choose some environment, and all of them at first")
    chosen = range(count) if mask is None else np.flatnonzero(mask).tolist()
    mazes = each_of("maze", options.get("maze"), count)
    given = {i: playable(mazes[i], room)[0] for i in chosen if mazes[i] is not None}
    return mask, specs.with_options(options, room), given


SETTABLE: dict[str, Callable[[Any, Room], Any]] = {
    "maze_spec": check_spec,
    "max_steps": lambda value, room: step_budget(value, room.rows, room.cols),
    "step_reward": lambda value, room: step_reward_of(value),
}
"""What ``set_attr`` can set, and how a value is checked."""


def warn_no_render_mode() -> None:
    """Warns as Gymnasium's own environments do."""
    gymnasium.logger.warn(
        "You are calling render method without specifying any render mode. You can specify the render_mode at "
        'initialization, e.g. gym.make("TokenMaze-v0", render_mode="rgb_array")'
    )


def told_spec(spec: EnvSpec | None, max_steps: int, step_reward: StepReward) -> EnvSpec | None:
    """A copy of ``spec`` that tells, for wrappers and trainers that ask, after how many steps an episode is truncated.

    Its ``reward_threshold`` holds for the default reward alone.
    """
    if spec is not None:
        spec = copy.copy(spec)
        spec.max_episode_steps = max_steps
        if step_reward is not SCHEMES["solved"].step:
            spec.reward_threshold = None
    return spec
