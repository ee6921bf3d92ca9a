"""Thousands of environments in one: ``gymnasium.make_vec("TokenMaze-v0", num_envs=4096)``.

Equal to as many single environments, step by step and seed by seed; observations, infos, their masks and the three
autoreset modes have the form of Gymnasium's own ``SyncVectorEnv``.
"""

import copy
from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium.envs.registration import EnvSpec
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from maze_env import kernels
from maze_env.errors import InvalidConfig, InvalidMove, is_integer, lookup
from maze_env.generation import MazeBatch, generate_batch
from maze_env.keys import draw_key
from maze_env.maze import Maze
from maze_env.moves import OUTSIDE_BITS, UNSEEN_BITS, as_move
from maze_env.options import (
    SETTABLE,
    EachSpec,
    check_autoreset_mode,
    each_of,
    each_seed,
    read_vector_options,
    step_budget,
    told_spec,
    warn_no_render_mode,
)
from maze_env.padding import inside, off_grid
from maze_env.rewards import step_rewards
from maze_env.solving import distances_to
from maze_env.state import OUTCOMES, VECTOR_ARRAYS, VectorState, outcomes_of
from maze_env.token_maze import ACTION_MASKS as SINGLE_MASKS
from maze_env.token_maze import ARGUMENTS, TokenMazeEnv, cell_arrays
from maze_env.visibility import open_unseen

ACTION_MASKS = np.stack(SINGLE_MASKS)
Mask = NDArray[np.bool_]  # (num_envs,)


class TokenMazeVectorEnv(VectorEnv[Any, Any, Any]):
    """``num_envs`` copies of ``TokenMazeEnv``, stepped by compiled loops.

    Args:
        num_envs: how many.
        autoreset_mode: ``AutoresetMode.NEXT_STEP`` (default), ``SAME_STEP`` or ``DISABLED``, or its value.
        max_episode_steps: as ``gymnasium.make`` takes it: truncates earlier than ``max_steps``.
        options: the arguments of ``TokenMazeEnv``.

    The options of ``reset`` are those of ``TokenMazeEnv``, each as one value for all or as a list, tuple or array with
    one for each environment: ``{"max_length": [3, 5, 8]}``; and ``{"reset_mask": ...}``, (num_envs,) bool, resets those
    alone. They hold for the episodes that this reset starts; ``set_attr("maze_spec", ...)`` for all later ones.
    Environment ``i`` is seeded by ``seed + i``, or by ``seed[i]``. Actions are (num_envs,) integers, or a sequence of
    movement tokens. Errors are as in ``TokenMazeEnv``.

    >>> env = gymnasium.make_vec("TokenMaze-v0", num_envs=3, view="state")
    >>> states, infos = env.reset(seed=0)
    >>> states.shape, infos["action_mask"].shape
    ((3,), (3, 4))
    """

    metadata: dict[str, Any] = TokenMazeEnv.metadata

    def __init__(
        self,
        num_envs: int = 1,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        max_episode_steps: int | None = None,
        **options: Any,
    ):
        if not is_integer(num_envs) or num_envs < 1:
            raise InvalidConfig(f"Expects num_envs of at least 1, actual: {num_envs!r}")
        self.autoreset_mode = check_autoreset_mode(autoreset_mode)
        self._single = single = TokenMazeEnv(**options)
        if max_episode_steps is not None:
            single.max_steps = min(single.max_steps, step_budget(max_episode_steps, 1, 1))
        self.render_mode = single.render_mode
        self.view = single.view
        """What makes the observations."""
        self.view_radius = single.view_radius
        """Of partial observability."""
        self.room = single.room
        """The sizes of mazes that it takes."""
        self.max_steps = single.max_steps
        """Steps before truncation."""
        self._spec: EnvSpec | None = None
        self._specs = EachSpec([single.maze_spec] * num_envs)
        self.num_envs = num_envs
        self.metadata = {**TokenMazeEnv.metadata, "autoreset_mode": self.autoreset_mode}
        self.single_observation_space, self.single_action_space = single.observation_space, single.action_space
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)

        shape = (num_envs, self.room.rows, self.room.cols)
        self._cells = np.array(cell_arrays(*shape[1:]))
        self._border = open_unseen(np.full(shape[1:], UNSEEN_BITS, np.uint8))
        self._walls = np.zeros(shape, np.uint8)
        self._visible_walls = self._walls if self.view_radius is None else np.empty(shape, np.uint8)
        self._sides, self._here = np.zeros(shape, np.uint8), np.zeros(num_envs, np.uint8)
        self._origins, self._target_cells, self._agents = (np.zeros((num_envs, 2), np.int64) for _ in range(3))
        self._masks = np.zeros((num_envs, 4), np.int8)
        self._positions, self._targets, self._steps = (np.zeros(num_envs, np.int64) for _ in range(3))
        self._start_distances, self._distances_to_target = (np.zeros(num_envs, np.int64) for _ in range(2))
        self._outcomes = np.zeros(num_envs, np.uint8)
        self._done = np.zeros(num_envs, np.bool_)
        self._generators: list[np.random.Generator | None] = [None] * num_envs
        self._seeds: list[int] = [-1] * num_envs
        self._moves_made: list[tuple[tuple[Any, int], ...]] = [()] * num_envs
        self._has_reset = False

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Starts an episode in every environment, or in those of ``options["reset_mask"]``."""
        seeds = each_seed(seed, self.num_envs)
        mask, specs, mazes = read_vector_options(options, self._specs, self.room, self._has_reset)
        chosen = np.arange(self.num_envs) if mask is None else np.flatnonzero(mask)
        for i in chosen.tolist() if seed is not None else ():
            if seeds[i] is not None:
                self._generators[i], self._seeds[i] = seeding.np_random(seeds[i])
        self._start_episodes(chosen, specs, mazes)
        self._has_reset = True
        return self._observe(), self._infos(mask)

    def step(self, actions: Any) -> tuple[Any, NDArray[np.float64], Mask, Mask, dict[str, Any]]:
        """Plays one move in every environment.

        Raises:
            InvalidMove: for actions that are not (num_envs,) moves.
            gymnasium.error.ResetNeeded: before the first reset, and for an ended episode where autoreset is disabled.
        """
        if not self._has_reset:
            raise gymnasium.error.ResetNeeded("Expects reset() before step(), actual: no reset yet")
        skipped, any_skipped = self._done, self._done.any()
        if any_skipped and self.autoreset_mode is AutoresetMode.DISABLED:
            ended = f"the episodes that have ended (autoreset is disabled), actual: {int(self._done.sum())} of them"
            raise gymnasium.error.ResetNeeded("Expects reset(options={'reset_mask': ...}) for " + ended)
        moves = self._as_moves(actions)
        if self.render_mode is not None:
            for i in np.flatnonzero(~skipped).tolist():
                self._moves_made[i] += ((divmod(int(self._positions[i]), self.room.cols), int(moves[i])),)
        before, after = self._distances_to_target, np.empty(self.num_envs, np.int64)
        ends = np.empty((2, self.num_envs), np.bool_)
        kernels.vector.advance(
            moves, skipped, self._sides, self._border, ACTION_MASKS, self._cells, self.max_steps, before,
            self._here, self._agents, self._positions, self._steps, after, self._outcomes, self._masks, ends,
        )  # fmt: skip
        if self.room.padded:
            hit = np.flatnonzero(self._outcomes == kernels.vector.HIT_WALL)
            self._outcomes[hit[off_grid(self._walls[hit], self._agents[hit], moves[hit])]] = kernels.vector.LEFT_GRID
        self._distances_to_target = after
        terminated, truncated = ends
        rewards = step_rewards(self._single.step_reward, before, after, self._start_distances, terminated)
        if any_skipped:
            rewards[skipped], terminated[skipped], truncated[skipped] = 0.0, False, False
            self._start_episodes(np.flatnonzero(skipped), self._specs)
        self._done = terminated | truncated
        finals: dict[str, Any] = {}
        if self.autoreset_mode is AutoresetMode.SAME_STEP and self._done.any():
            finals = self._final_infos()
            self._start_episodes(np.flatnonzero(self._done), self._specs)
        return self._observe(), rewards, terminated, truncated, {**self._infos(None), **finals}

    def maze(self, index: int) -> Maze:
        """The maze being played in environment ``index``, with the endpoints it had at the reset."""
        return MazeBatch(inside(self._walls[index])[None], self._origins[[index]], self._target_cells[[index]])[0]

    def render(self) -> tuple[Any, ...] | None:
        """A picture of each environment."""
        if self.render_mode is None:
            warn_no_render_mode()
            return None
        return tuple(env.render() for env in self.envs)

    def action_masks(self) -> NDArray[np.bool_]:
        """The moves that are possible in each environment, (num_envs, 4) bool."""
        return self._masks.astype(np.bool_)

    @property
    def envs(self) -> tuple[TokenMazeEnv, ...]:
        """Each environment as a single one, as by ``single``."""
        return tuple(self.single(index) for index in range(self.num_envs))

    def single(self, index: int) -> TokenMazeEnv:
        """Environment ``index`` as a single one in the same state: stepping it does not step the vector.

        It shares the random generator with the vector, and nothing else.
        """
        env = TokenMazeEnv.__new__(TokenMazeEnv)
        env.__dict__.update(self._single.__dict__)
        env.maze_spec = self._specs[index]
        if self._has_reset:
            env._np_random, env._np_random_seed = self._generator(index), self._seeds[index]
            maze = self.maze(index)
            episode = env.start(maze, distances_to(maze.walls, maze.target))
            if self.view_radius is not None:
                episode.visible_walls = self._visible_walls[index, : maze.rows, : maze.cols].copy()
                episode.observe = self.view.observer(episode.visible_walls, episode.maze.target)
            episode.cell, episode.distance = int(self._positions[index]), int(self._distances_to_target[index])
            episode.step_count, episode.last_move = int(self._steps[index]), OUTCOMES[self._outcomes[index]]
            episode.moves_made = self._moves_made[index]
            env._episode = episode
        return env

    def call(self, name: str, *args: Any, **kwargs: Any) -> tuple[Any, ...]:
        """Calls a method of each environment, or gets an attribute, as ``SyncVectorEnv.call`` does.

        Args:
            name: of a method or attribute of ``TokenMazeEnv``.
            args: of the method.
            kwargs: likewise.

        Raises:
            InvalidConfig: for a method that would change an environment: the vector's own does it for all.
            AttributeError: for a name that does not exist.
        """
        if name in ("reset", "step", "set_state", "close"):
            raise InvalidConfig(f"Expects {name} to be called on the vector environment itself, actual: call({name!r})")
        if name == "action_masks":  # asked for at every step
            return tuple(self.action_masks())
        found = [getattr(env, name) for env in self.envs]
        return tuple(value(*args, **kwargs) if callable(value) else value for value in found)

    def get_attr(self, name: str) -> tuple[Any, ...]:
        """An attribute of each environment, as ``SyncVectorEnv.get_attr`` gives it."""
        return self.call(name)

    def set_attr(self, name: str, values: Any) -> None:
        """Sets an attribute of all environments, for episodes to come: what a curriculum is made of.

        Args:
            name: ``maze_spec``; ``max_steps``; or ``step_reward``, as the argument ``reward``.
            values: one for all, or a list, tuple or array with one for each: equal ones, but for ``maze_spec``.

        Raises:
            UnknownName: for an attribute that cannot be set.
            InvalidConfig: for mazes that do not fit, and other values that differ: one object holds all environments.
        """
        check = lookup("attribute that can be set", name, SETTABLE)
        every = [check(value, self.room) for value in each_of(name, values, self.num_envs)]
        if name == "maze_spec":
            self._specs = EachSpec(every)
        elif any(value is not every[0] and value != every[0] for value in every):
            raise InvalidConfig(f"Expects one {name} for all {self.num_envs} environments, actual: {values!r}")
        else:
            setattr(self._single, name, every[0])
            self.max_steps = self._single.max_steps
            self.spec = self._spec

    @property
    def spec(self) -> EnvSpec | None:
        """What Gymnasium made the vector from, with its budget of steps as ``max_episode_steps``."""
        return self._spec

    @spec.setter
    def spec(self, spec: EnvSpec | None) -> None:
        self._spec = told_spec(spec, self.max_steps, self._single.step_reward)
        self._single.spec = copy.copy(spec)
        if self._single.spec is not None:
            self._single.spec.kwargs = {k: v for k, v in self._single.spec.kwargs.items() if k in ARGUMENTS}

    def get_state(self) -> VectorState:
        """All environments as they stand, with their random generators' states: for ``set_state``.

        ``envs.set_state(envs.get_state()[indices])`` goes on from those of ``indices``: a beam, a branch into all.
        """
        if not self._has_reset:
            raise gymnasium.error.ResetNeeded("Expects reset() first, actual: no reset yet")
        numbers = [
            None if generator is None else (seed, generator.bit_generator.state)
            for seed, generator in zip(self._seeds, self._generators, strict=True)
        ]
        arrays = {name: getattr(self, name).copy() for name in VECTOR_ARRAYS}
        return VectorState(self.view_radius, arrays, numbers, list(self._moves_made))

    def set_state(self, state: VectorState) -> None:
        """Goes on from a state of this vector, or of one of as many environments of the same arguments.

        Raises:
            InvalidConfig: for one of another size, ``view_radius`` or ``pad_to``.
        """
        walls = state.arrays["_walls"]
        theirs, own = (walls.shape, state.view_radius), (self._walls.shape, self.view_radius)
        if theirs != own or not (self.room.padded or (walls != OUTSIDE_BITS).all()):
            raise InvalidConfig(
                f"Expects a state of {own[0]} (environments, rows, columns), view_radius={own[1]}, "
                f"actual: {theirs[0]}, view_radius={theirs[1]}{'' if theirs != own else ', of smaller mazes'}"
            )
        for name, values in state.arrays.items():
            getattr(self, name)[:] = values
        for i, numbers in enumerate(state.generators):
            if numbers is not None:
                self._generator(i).bit_generator.state, self._seeds[i] = numbers[1], numbers[0]
        self._moves_made = list(state.moves_made)
        self._has_reset = True

    def __copy__(self) -> "TokenMazeVectorEnv":
        return copy.deepcopy(self)

    @property  # type: ignore[misc]
    def np_random(self) -> tuple[np.random.Generator, ...]:  # type: ignore[override]
        """The random generator of each environment."""
        return tuple(self._generator(i) for i in range(self.num_envs))

    @property
    def np_random_seed(self) -> tuple[int, ...]:  # type: ignore[override]
        """The seed of each environment's generator."""
        return tuple(self._seeds[i] for i, _ in enumerate(self.np_random))

    def _generator(self, index: int) -> np.random.Generator:
        generator = self._generators[index]
        if generator is None:
            generator, self._seeds[index] = seeding.np_random()
            self._generators[index] = generator
        return generator

    def _start_episodes(self, chosen: NDArray[np.int64], specs: EachSpec, given: dict[int, Maze] | None = None) -> None:
        """Starts episodes in the environments of the indices ``chosen``: of mazes ``given`` by index, or drawn."""
        given = given or {}
        drawing = np.array([i for i in chosen.tolist() if i not in given], np.int64) if given else chosen
        keys = np.array([draw_key(self._generator(i)) for i in drawing.tolist()], dtype=np.uint64)
        mazes = [(drawing[places], generate_batch(keys[places], spec)) for spec, places in specs.groups(drawing)]
        for i, maze in given.items():
            mazes.append((np.array([i]), MazeBatch(maze.walls[None], np.array([maze.origin]), np.array([maze.target]))))
        for indices, batch in mazes:
            if self.room.padded:
                self._walls[indices] = OUTSIDE_BITS
            self._walls[indices, : batch.walls.shape[1], : batch.walls.shape[2]] = batch.walls
            self._origins[indices], self._target_cells[indices] = batch.origins, batch.targets
        self._targets[chosen] = self._target_cells[chosen] @ (self.room.cols, 1)
        self._agents[chosen] = self._origins[chosen]
        self._positions[chosen] = self._origins[chosen] @ (self.room.cols, 1)
        kernels.vector.fill_all_sides(
            self._walls, self._positions, self._targets, chosen, self._sides, self._start_distances
        )
        self._distances_to_target[chosen] = self._start_distances[chosen]
        rows, cols = self._origins[chosen].T
        self._here[chosen] = self._sides[chosen, rows, cols]
        self._masks[chosen] = ACTION_MASKS[self._walls[chosen, rows, cols]]
        self._steps[chosen] = 0
        self._outcomes[chosen] = kernels.vector.NO_MOVE
        self._done[chosen] = False
        if self.view_radius is not None:
            self._visible_walls[chosen] = UNSEEN_BITS
            if self.room.padded:
                self._visible_walls[self._walls == OUTSIDE_BITS] = OUTSIDE_BITS
        for i in chosen.tolist() if self.render_mode is not None else ():
            self._moves_made[i] = ()

    def _observe(self, chosen: Any = ...) -> Any:
        """What the agents of the environments ``chosen`` see; under partial observability, every agent looks around."""
        if self.view_radius is not None:
            kernels.vector.reveal_all(self._walls, self._agents, self.view_radius, self._visible_walls)
        return self.view.observe_batch(self._visible_walls[chosen], self._positions[chosen], self._targets[chosen])

    def _as_moves(self, actions: Any) -> NDArray[np.int64]:
        moves = np.asarray(actions)
        if moves.shape != (self.num_envs,):
            raise InvalidMove(f"Expects actions of shape ({self.num_envs},), actual: {moves.shape}")
        if moves.dtype.kind not in "iu":
            return np.array([as_move(action) for action in actions], dtype=np.int64)
        numbers = moves.astype(np.int64, copy=False)
        if numbers.view(np.uint64).max() > 3:  # unsigned, one below 0 is above 3 too
            raise InvalidMove(f"Expects actions from 0 to 3, actual: {moves.min()} to {moves.max()}")
        return numbers

    def _final_infos(self) -> dict[str, Any]:
        """The last observations and infos of the episodes that have just ended, before they are reset."""
        ended = np.flatnonzero(self._done)
        observations = np.full(self.num_envs, None, dtype=object)
        for i, observation in zip(ended.tolist(), self._observe(ended), strict=True):
            observations[i] = observation
        infos = {"final_obs": observations, "final_info": self._infos(self._done)}
        return {**infos, "_final_obs": self._done.copy(), "_final_info": self._done.copy()}

    def _infos(self, chosen: Mask | None) -> dict[str, Any]:
        """The infos of the environments ``chosen`` (``None`` for all); zeros and None elsewhere."""
        infos: dict[str, Any] = {
            "agent_position": self._agents.copy(),
            "target_position": self._target_cells.copy(),
            "action_mask": self._masks.copy(),
            "distance": self._distances_to_target.copy(),
            "step_count": self._steps.copy(),
            "last_move": outcomes_of(self._outcomes),
        }
        masks = np.ones((len(infos), self.num_envs), np.bool_)
        if chosen is not None:
            masks[:] = chosen
            for value in infos.values():
                value[~chosen] = None if value.dtype == object else 0
        return infos | {f"_{name}": mask for name, mask in zip(infos, masks, strict=True)}
