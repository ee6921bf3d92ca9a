"""The environment: wires generation, verification, rewards and views together, and holds no algorithm itself."""

import copy
import inspect
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import Any, Never

import gymnasium
import numpy as np
from gymnasium.envs.registration import EnvSpec
from gymnasium.spaces import Discrete
from numpy.typing import NDArray

from maze_env.attempt import End, EndedBy
from maze_env.dynamics import MOVED, stops
from maze_env.errors import InvalidConfig, unknown_name
from maze_env.generation import MazeSpec, generate
from maze_env.keys import draw_key
from maze_env.layouts import LayoutGenerator, layout_of, name_of
from maze_env.maze import Cell, Maze
from maze_env.moves import ALL_WALLS, MOVES, OUTSIDE_BITS, UNREACHABLE, Distances, Walls, as_move
from maze_env.options import (
    check_options,
    check_seed,
    check_spec,
    playable,
    spec_with,
    step_budget,
    told_spec,
    warn_no_render_mode,
)
from maze_env.padded_views import make_padded_view
from maze_env.padding import Room, padded
from maze_env.rendering import RENDER_MODES, Scene, render
from maze_env.rewards import RewardScheme, StepReward, step_reward_of
from maze_env.solving import distances_to
from maze_env.state import EpisodeState, copy_generator, copy_space
from maze_env.views import make_view
from maze_env.visibility import initial_visible_walls, revealed

# Copied into each info: several times as fast as making them.
ACTION_MASKS = tuple(np.array([not bits & move.wall for move in MOVES], np.int8) for bits in range(16))
State = tuple[EpisodeState, tuple[int, Any] | None]
"""What ``TokenMazeEnv.get_state`` gives: the episode, and seed and state of the random generator, if there is one."""


@lru_cache(maxsize=64)
def cell_arrays(rows: int, cols: int) -> tuple[NDArray[np.int64], ...]:
    """Each cell as a (row, col) array, in row-major order."""
    return tuple(np.array((row, col), np.int64) for row in range(rows) for col in range(cols))


class TokenMazeEnv(gymnasium.Env[Any, Any]):
    """
    ## Description
    A maze written in the tokens of AlphaMaze (arXiv 2502.14669). The agent starts at the origin and has to reach
    the target. What it reads is text; what it does is a movement token.

    ## Action Space
    `Discrete(4)`: 0 up, 1 down, 2 left, 3 right. `step` takes the index or the movement token (`"<|up|>"`). A move into
    a wall or off the grid leaves the agent in place, costs a step, and is flagged in the info.

    ## Observation Space
    By `view`, or by the wrappers of `maze_env.wrappers`:

    - `"text"`: `MazeText(rows, cols)`, the maze cell by cell, row by row, each row ended by a newline; a cell is
      `<|row-col|><|walls|><|marker|>`. `<|origin|>` stands where the agent stands now, so every observation is a maze
      to solve from here. The terminal observation shows `<|origin|>` on the target and no `<|target|>`.
    - `"tokens"`: `Box`, (rows * (3 * cols + 1),) int32: that text as ids of `maze_env.vocabulary`; sides up to 20.
    - `"grid"`: `Box`, (6, rows, cols) uint8, 0 or 1: wall up, down, left, right, agent, target; with `view_radius` a
      seventh channel, unseen.
    - `"state"`: `Discrete(rows * cols)`, the number of the agent's cell.

    ## Several Sizes
    With `pad_to=(R, C)` the environment takes mazes of all sizes up to R x C: of `rows` x `cols`, unless `reset` is
    told another size, as by `options={"rows": 3}`. Observations have the shape that R x C has, with a smaller maze in
    the upper left corner: in `"grid"` the cells outside of it have four walls and nothing else, `"state"` numbers the
    cells of R x C, `"tokens"` ends with `<pad>`, id 0. `"text"` is that of the maze alone.

    ## Partial Observability
    With `view_radius=r` the agent sees the cells up to r rows and columns away, through walls, and remembers
    them; other cells have `<|unseen|>` in place of their walls. Where the target lies is known from the start.

    ## Starting State
    A maze drawn by `generator` from `split`, of `rows` x `cols` cells, whose shortest path has `min_length` to
    `max_length` moves and `min_turns` to `max_turns` turns. `reset` draws one 64-bit key from the environment's own
    random generator, and the maze is a pure function of that key and the parameters. `reset(options={"maze": ...})`
    takes a `Maze` or its text and plays exactly that maze, whose size must be the environment's;
    `reset(options={"max_length": 5})`, and whatever else a `MazeSpec` says, stands in for the environment's own in that
    episode. Setting `maze_spec` of the unwrapped environment changes all later ones.

    ## Rewards
    `reward="solved"`: 0.1 * (distance before - distance after) / start distance, and 1 more on reaching the target, so
    that every path to the target pays 1.1 in all. Schemes that reward the form of a whole answer have no step form and
    are rejected by name. `reward` may also be a function of (distance before, distance after, start distance, target
    reached), or a `RewardScheme` that holds one; a vector environment calls it with arrays of all its environments.

    ## Episode End
    Termination: the agent is on the target. Truncation: `max_steps` steps were taken, by default 4 * rows * cols, of
    `pad_to` where there is one. `spec.max_episode_steps` is the same number.

    ## Information
    - `agent_position`: int64 of shape (2,), row and column. `target_position`: likewise.
    - `action_mask`: int8 of shape (4,), 1 where the move is possible; `action_space.sample(mask)` takes it.
    - `distance`: moves of the shortest path from here to the target.
    - `step_count`: steps taken since the reset.
    - `last_move`: what the last action did: `"moved"`, `"hit_wall"`, `"left_grid"`, or `"none"` after a reset.

    ## Copies
    `copy.deepcopy`, `pickle` and `get_state` with `set_state` give an environment that goes on like the original and
    apart from it, its random generator included. For a search, `set_state` is the fastest.

    ## Arguments
    - `rows`, `cols`: 2 to 64 (default 5). `min_length`, `max_length`: bounds of the shortest path, inclusive.
      `min_turns`, `max_turns`: the same for its turns; of several shortest paths the straightest counts.
    - `generator`: `"dfs"` (default), `"wilson"`, `"kruskal"`, `"prim"`, `"binary-tree"`, or a function of one's own
      (random generator, rows, cols) -> wall bytes or a maze, see `maze_env.layouts`; it is tried once at construction.
      `braid`: share of the dead ends that are opened, 0 (default) to 1; above 0 there are loops.
    - `split`: `"train"` (default), `"validation"`, `"benchmark"`, or `None` for all layouts.
    - `view`, `view_radius`, `pad_to`: as above; `"text"`, full observability and one size by default.
    - `max_steps`: steps before truncation. `reward`: as above.
    - `render_mode`: `None`, `"ansi"` or `"rgb_array"`, which show the path walked and the illegal moves.

    ## Example
    >>> env = gymnasium.make("TokenMaze-v0", rows=3, cols=3)
    >>> text, info = env.reset(seed=0)
    >>> print(text.splitlines()[1])
    <|1-0|><|left_wall|><|blank|><|1-1|><|up_right_wall|><|origin|><|1-2|><|left_right_wall|><|blank|>
    >>> text, reward, terminated, truncated, info = env.step("<|down|>")
    >>> info["last_move"].value, info["distance"]
    ('moved', 5)

    ## Version History
    - v0: initial version.
    """

    metadata = {"render_modes": RENDER_MODES, "render_fps": 4}  # noqa: RUF012 (Gymnasium's own form)

    def __init__(
        self,
        rows: int = 5,
        cols: int = 5,
        min_length: int = 1,
        max_length: int | None = None,
        min_turns: int = 0,
        max_turns: int | None = None,
        generator: str | LayoutGenerator = "dfs",
        braid: float = 0.0,
        split: str | None = "train",
        view: str = "text",
        view_radius: int | None = None,
        pad_to: tuple[int, int] | None = None,
        max_steps: int | None = None,
        reward: str | RewardScheme | StepReward = "solved",
        render_mode: str | None = None,
        **unknown: Never,
    ):
        for name in unknown:
            raise unknown_name("argument", name, ARGUMENTS)
        spec = MazeSpec(
            rows, cols, min_length, max_length, min_turns, max_turns, generator=generator, braid=braid, split=split
        )
        if not isinstance(generator, str):
            layout_of(generator, np.random.default_rng(0), rows, cols)
        self.room = Room.of(rows, cols, pad_to)
        """The sizes of mazes that it takes."""
        self.maze_spec = spec
        self.max_steps = step_budget(max_steps, self.room.rows, self.room.cols)
        if render_mode is not None and not (isinstance(render_mode, str) and render_mode in RENDER_MODES):
            raise InvalidConfig(f"Expects render_mode None or one of {RENDER_MODES}, actual: {render_mode!r}")
        self.step_reward = step_reward_of(reward)
        """Of one step, as ``maze_env.rewards`` describes it."""
        self.render_mode, self.view_radius = render_mode, view_radius
        make = make_padded_view if self.room.padded else make_view
        self.view = make(view, self.room.rows, self.room.cols, view_radius)
        self.observation_space, self.action_space = self.view.space, Discrete(4)
        self._strides = (-self.room.cols, self.room.cols, -1, 1)  # to the number of the neighbour on each side
        self._cell_arrays = cell_arrays(self.room.rows, self.room.cols)
        self._episode: EpisodeState | None = None

    @property
    def spec(self) -> EnvSpec | None:
        """What Gymnasium made the environment from, with its budget of steps as ``max_episode_steps``."""
        return self._spec

    @spec.setter
    def spec(self, spec: EnvSpec | None) -> None:
        self._spec = told_spec(spec, self.max_steps, self.step_reward)

    @property
    def maze_spec(self) -> MazeSpec:
        """The mazes that ``reset`` draws. To set it changes the episodes to come: what a curriculum is made of."""
        return self._maze_spec

    @maze_spec.setter
    def maze_spec(self, spec: MazeSpec) -> None:
        self._maze_spec = check_spec(spec, self.room)

    @property
    def maze(self) -> Maze:
        """The maze being played, with the endpoints it had at the reset."""
        return self._under_way().maze

    @property
    def position(self) -> Cell:
        """Where the agent stands."""
        return self._under_way().position

    @property
    def visible_walls(self) -> Walls:
        """The walls that the agent has seen, (rows, cols) uint8, read-only, ``UNSEEN_BITS`` where it has not."""
        return self._under_way().visible_walls

    def _under_way(self) -> EpisodeState:
        if self._episode is None:
            raise gymnasium.error.ResetNeeded("Expects reset() first, actual: no reset yet")
        return self._episode

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Starts an episode.

        Args:
            seed: of the environment's random generator; ``None`` lets it go on.
            options: ``{"maze": ...}`` plays that `Maze` or text; the fields of ``MazeSpec``, such as ``max_length``,
                ``rows`` or ``generator``, stand in for the environment's own in this episode.

        Raises:
            InvalidMaze: for a text that is no maze, or a maze that cannot be solved or does not fit.
            ImpossibleMaze: for bounds that no maze can meet.
            UnknownName: for an option that does not exist.
            InvalidConfig: for sizes that do not fit, or a seed below 0.
        """
        seed, options = check_seed(seed), check_options(options)
        super().reset(seed=seed)
        if options.get("maze") is None:
            maze = generate(draw_key(self.np_random), spec_with(self._maze_spec, options, self.room))
            distances = distances_to(maze.walls, maze.target)
        else:
            maze, distances = playable(options["maze"], self.room)
        self._episode = self.start(maze, distances)
        return self._episode.observe(self._episode.cell), self._info(self._episode)

    def start(self, maze: Maze, distances: Distances) -> EpisodeState:
        """The first state of an episode of ``maze``, whose distances to the target these are."""
        visible_walls, distance = initial_visible_walls(maze, self.view_radius), int(distances[maze.origin])
        rows, cols = self.room.rows, self.room.cols
        walls = padded(maze.walls, rows, cols, ALL_WALLS).tobytes()
        return EpisodeState(
            maze=maze,
            view=self.view,
            observe=self.view.observer(visible_walls, maze.target),
            distances=padded(distances, rows, cols, UNREACHABLE).ravel().tolist(),
            target=np.array(maze.target, np.int64),
            walls=walls,
            masks=[ACTION_MASKS[bits] for bits in walls],
            stops=stops(maze.rows, maze.cols, cols),
            start_distance=distance,
            cell=maze.origin[0] * cols + maze.origin[1],
            visible_walls=visible_walls,
            distance=distance,
        )

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Plays one move.

        Args:
            action: 0 to 3, or a movement token.

        Raises:
            InvalidMove: for anything else.
            gymnasium.error.ResetNeeded: before the first reset.
        """
        # A plain index needs no lookup, and each use of an enumeration's member would be slower.
        move = action if type(action) is int and 0 <= action < 4 else as_move(action)
        episode = self._episode or self._under_way()
        cell, before = episode.cell, episode.distance
        if self.render_mode is not None:
            episode.moves_made += ((episode.position, move),)
        if episode.walls[cell] >> move & 1:
            episode.last_move = episode.stops[cell][move]
        else:
            episode.cell = cell = cell + self._strides[move]
            episode.last_move = MOVED
        if self.view_radius is not None:
            maze, visible = episode.maze, episode.visible_walls
            episode.visible_walls = revealed(visible, maze.walls, episode.position, self.view_radius)
            episode.observe = self.view.observer(episode.visible_walls, maze.target)
        episode.distance = distance = episode.distances[cell]
        episode.step_count = step_count = episode.step_count + 1
        terminated = distance == 0
        reward = self.step_reward(before, distance, episode.start_distance, terminated)
        truncated = not terminated and step_count >= self.max_steps
        return episode.observe(cell), reward, terminated, truncated, self._info(episode)

    def action_masks(self) -> NDArray[np.bool_]:
        """The moves that are possible, (4,) bool: what sb3-contrib's ``MaskablePPO`` asks for."""
        episode = self._under_way()
        return episode.masks[episode.cell].astype(np.bool_)

    def get_state(self) -> State:
        """The episode as it stands, with the random generator's state: for ``set_state``, here or in another process.

        Two microseconds, where a deep copy of the environment takes ten times as long: what a search branches with.
        """
        generator = self._np_random
        numbers = None if generator is None else (self.np_random_seed, generator.bit_generator.state)
        return replace(self._under_way()), numbers

    def set_state(self, state: State) -> None:
        """Goes on from a state of this environment, or of one of the same size, ``view_radius`` and ``pad_to``.

        Raises:
            InvalidConfig: for one of another environment.
        """
        episode, numbers = state
        theirs, own = episode.view, self.view
        like = (theirs.rows, theirs.cols, theirs.view_radius) == (own.rows, own.cols, own.view_radius)
        if not like or not self.room.fits(episode.maze.rows, episode.maze.cols):
            maze, largest = f"{episode.maze.rows}x{episode.maze.cols}", f"{theirs.rows}x{theirs.cols}"
            came = maze if maze == largest else f"{maze}, padded to {largest}"
            raise InvalidConfig(
                f"Expects a state of {self.room}, view_radius={own.view_radius}, "
                f"actual: {came}, view_radius={theirs.view_radius}"
            )
        self._episode = replace(episode)
        if theirs is not own:  # it may show something else
            self._episode.view = own
            self._episode.observe = own.observer(episode.visible_walls, episode.maze.target)
        if numbers is not None:
            if self._np_random is None:
                self._np_random, _ = gymnasium.utils.seeding.np_random(0)
            self._np_random_seed, self._np_random.bit_generator.state = numbers

    def __deepcopy__(self, memo: dict[int, Any]) -> "TokenMazeEnv":
        twin = memo[id(self)] = type(self).__new__(type(self))
        for name, value in self.__dict__.items():
            twin.__dict__[name] = COPIED.get(name, copy.deepcopy)(value, memo)
        return twin

    def __copy__(self) -> "TokenMazeEnv":
        return copy.deepcopy(self)

    @property
    def end(self) -> End | None:
        """How the episode ended: ``SOLVED``, or when truncated ``SHORT_OF_TARGET``; ``None`` while it goes on."""
        episode = self._under_way()
        if episode.distance == 0:
            return End.SOLVED
        return End.SHORT_OF_TARGET if episode.step_count >= self.max_steps else None

    @property
    def ended_by(self) -> EndedBy | None:
        """What ended the episode: the environment on the target, or the budget of steps; ``None`` while it goes on."""
        if self.end is None:
            return None
        return EndedBy.ENVIRONMENT if self.end is End.SOLVED else EndedBy.STEP_BUDGET

    def render(self) -> str | NDArray[np.uint8] | None:
        """The maze as text or picture: the agent, the target, the path walked and the illegal moves."""
        if self.render_mode is None:
            warn_no_render_mode()
            return None
        episode = self._under_way()
        moves = tuple((cell, MOVES[move]) for cell, move in episode.moves_made)
        visible_walls = episode.visible_walls
        if self.render_mode == "rgb_array":  # whose shape is always the same
            visible_walls = padded(visible_walls, self.room.rows, self.room.cols, OUTSIDE_BITS)
        return render(self.render_mode, Scene(visible_walls, episode.maze, episode.position, moves))

    def __repr__(self) -> str:
        fog = "" if self.view_radius is None else f", view_radius={self.view_radius}"
        spec, room = self._maze_spec, f", pad_to=({self.room.rows}, {self.room.cols})" if self.room.padded else ""
        return f"TokenMazeEnv({spec.rows}x{spec.cols} {name_of(spec.generator)}{fog}{room})"

    def _info(self, episode: EpisodeState) -> dict[str, Any]:
        cell = episode.cell
        return {
            "agent_position": self._cell_arrays[cell].copy(),
            "target_position": episode.target.copy(),
            "action_mask": episode.masks[cell].copy(),
            "distance": episode.distance,
            "step_count": episode.step_count,
            "last_move": episode.last_move,
        }


ARGUMENTS = [name for name in inspect.signature(TokenMazeEnv).parameters if name != "unknown"]


def _shared(value: Any, memo: dict[int, Any]) -> Any:
    return value


def _copied_generator(generator: np.random.Generator | None, memo: dict[int, Any]) -> np.random.Generator | None:
    return None if generator is None else copy_generator(generator)


# How a deep copy copies what it shares, or copies faster than by default.
COPIED: dict[str, Callable[[Any, dict[int, Any]], Any]] = {
    **dict.fromkeys(("_maze_spec", "room", "view", "step_reward", "_spec", "_cell_arrays", "_strides"), _shared),
    **dict.fromkeys(("observation_space", "action_space"), copy_space),
    "_np_random": _copied_generator,
}
