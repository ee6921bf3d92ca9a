"""The environment: wires generation, verification, rewards and views together, and holds no algorithm itself."""

from functools import lru_cache
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Discrete
from numpy.typing import NDArray

from maze_env.attempt import End, EndedBy
from maze_env.dynamics import transition
from maze_env.errors import InvalidConfig, InvalidMaze
from maze_env.generation import MazeSpec, generate
from maze_env.keys import draw_key
from maze_env.maze import Cell, Maze
from maze_env.moves import MOVES, Distances, Walls, as_move
from maze_env.rendering import RENDER_MODES, Scene, render
from maze_env.rewards import StepReward, step_scheme_named
from maze_env.solving import distances_to, require_path
from maze_env.tokens import maze_from_text
from maze_env.views import make_view
from maze_env.visibility import initial_visible_walls, reveal

NO_MOVE = "none"  # ``last_move`` after a reset
# Copied into each info: several times as fast as making them.
ACTION_MASKS = tuple(np.array([not bits & move.wall for move in MOVES], np.int8) for bits in range(16))


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

    ## Partial Observability
    With `view_radius=r` the agent sees the cells up to r rows and columns away, through walls, and remembers
    them; other cells have `<|unseen|>` in place of their walls. Where the target lies is known from the start.

    ## Starting State
    A maze drawn by `generator` from `split`, of `rows` x `cols` cells, whose shortest path has `min_length` to
    `max_length` moves and `min_turns` to `max_turns` turns. `reset` draws one 64-bit key from the environment's own
    random generator, and the maze is a pure function of that key and the parameters. `reset(options={"maze": ...})`
    takes a `Maze` or its text and plays exactly that maze, whose size must be the environment's.

    ## Rewards
    `reward="solved"`: 0.1 * (distance before - distance after) / start distance, and 1 more on reaching the target, so
    that every path to the target pays 1.1 in all. Schemes that reward the form of a whole answer have no step form and
    are rejected by name.

    ## Episode End
    Termination: the agent is on the target. Truncation: `max_steps` steps were taken, by default 4 * rows * cols.

    ## Information
    - `agent_position`: int64 of shape (2,), row and column. `target_position`: likewise.
    - `action_mask`: int8 of shape (4,), 1 where the move is possible; `action_space.sample(mask)` takes it.
    - `distance`: moves of the shortest path from here to the target.
    - `step_count`: steps taken since the reset.
    - `last_move`: what the last action did: `"moved"`, `"hit_wall"`, `"left_grid"`, or `"none"` after a reset.

    ## Arguments
    - `rows`, `cols`: 2 to 64 (default 5). `min_length`, `max_length`: bounds of the shortest path, inclusive.
      `min_turns`, `max_turns`: the same for its turns; of several shortest paths the straightest counts.
    - `generator`: `"dfs"` (default), `"wilson"`, `"kruskal"`, `"prim"`, `"binary-tree"`. `braid`: share of the dead
      ends that are opened, 0 (default) to 1; above 0 there are loops, and several shortest paths.
    - `split`: `"train"` (default), `"validation"`, `"benchmark"`, or `None` for all layouts.
    - `view`, `view_radius`: as above; `"text"` and full observability by default.
    - `max_steps`: steps before truncation. `reward`: the scheme's name.
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
        generator: str = "dfs",
        braid: float = 0.0,
        split: str | None = "train",
        view: str = "text",
        view_radius: int | None = None,
        max_steps: int | None = None,
        reward: str = "solved",
        render_mode: str | None = None,
    ):
        self.maze_spec = MazeSpec(
            rows, cols, min_length, max_length, min_turns, max_turns, generator=generator, braid=braid, split=split
        )
        """The mazes that ``reset`` draws."""
        self.max_steps = step_budget(max_steps, rows, cols)
        if render_mode is not None and render_mode not in RENDER_MODES:
            raise InvalidConfig(f"Expects render_mode None or one of {RENDER_MODES}, actual: {render_mode!r}")
        self.step_reward: StepReward = step_scheme_named(reward).step  # type: ignore[assignment]  # it has one
        """The step form of the reward scheme."""
        self.render_mode, self.view_radius = render_mode, view_radius
        self.view = make_view(view, rows, cols, view_radius)
        self.observation_space, self.action_space = self.view.space, Discrete(4)
        self._cell_arrays = cell_arrays(rows, cols)
        self._maze: Maze | None = None
        self.position: Cell
        """Where the agent stands."""
        self.visible_walls: Walls
        """As it has seen them, (rows, cols) uint8; under partial observability written into."""

    @property
    def maze(self) -> Maze:
        """The maze being played, with the endpoints it had at the reset."""
        if self._maze is None:
            raise gymnasium.error.ResetNeeded("Expects reset() before the maze is asked for, actual: no reset yet")
        return self._maze

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Starts an episode.

        Args:
            seed: of the environment's random generator; ``None`` lets it go on.
            options: ``{"maze": ...}`` plays that `Maze` or text.

        Raises:
            InvalidMaze: for a text that is no maze, or a maze that cannot be solved or has another size.
            InvalidConfig: for an option that does not exist.
        """
        super().reset(seed=seed)
        options = options or {}
        check_options(options, ["maze"])
        if options.get("maze") is None:
            maze = generate(draw_key(self.np_random), self.maze_spec)
            distances = distances_to(maze.walls, maze.target)
        else:
            maze, distances = playable(options["maze"], self.maze_spec)
        self._maze, self._distances = maze, distances
        self._distance_of = distances.ravel().tolist()
        self._target_array = np.array(maze.target, np.int64)
        self.position = maze.origin
        number = maze.origin[0] * maze.cols + maze.origin[1]
        self._distance = self._start_distance = self._distance_of[number]
        self._action_masks = [ACTION_MASKS[bits] for bits in maze.bits]
        self._step_count = 0
        self._last_move = NO_MOVE
        self._moves_made: list[tuple[Cell, int]] = []
        self.visible_walls = initial_visible_walls(maze, self.view_radius)
        self.view.start_episode(self.visible_walls, maze.target)
        return self.view.observe(number), self._info(number)

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
        maze = self._maze or self.maze
        if self.render_mode is not None:
            self._moves_made.append((self.position, move))
        self.position, self._last_move = transition(maze, self.position, move)
        if self.view_radius is not None:
            reveal(self.visible_walls, maze.walls, self.position, self.view_radius)
        row, col = self.position
        number = row * maze.cols + col
        before = self._distance
        self._distance = distance = self._distance_of[number]
        self._step_count += 1
        terminated = distance == 0
        reward = self.step_reward(before, distance, self._start_distance, terminated)
        truncated = not terminated and self._step_count >= self.max_steps
        return self.view.observe(number), reward, terminated, truncated, self._info(number)

    @property
    def end(self) -> End | None:
        """How the episode ended: ``SOLVED``, or when truncated ``SHORT_OF_TARGET``; ``None`` while it goes on."""
        if self._distance == 0:
            return End.SOLVED
        return End.SHORT_OF_TARGET if self._step_count >= self.max_steps else None

    @property
    def ended_by(self) -> EndedBy | None:
        """What ended the episode: the environment on the target, or the budget of steps; ``None`` while it goes on."""
        if self.end is None:
            return None
        return EndedBy.ENVIRONMENT if self.end is End.SOLVED else EndedBy.STEP_BUDGET

    def render(self) -> str | NDArray[np.uint8] | None:
        """The maze as text or picture: the agent, the target, the path walked and the illegal moves."""
        if self.render_mode is None:
            return None
        moves = tuple((cell, MOVES[move]) for cell, move in self._moves_made)
        return render(self.render_mode, Scene(self.visible_walls, self.maze, self.position, moves))

    def __repr__(self) -> str:
        fog = "" if self.view_radius is None else f", view_radius={self.view_radius}"
        return f"TokenMazeEnv({self.maze_spec.rows}x{self.maze_spec.cols} {self.maze_spec.generator}{fog})"

    def _info(self, number: int) -> dict[str, Any]:
        return {
            "agent_position": self._cell_arrays[number].copy(),
            "target_position": self._target_array.copy(),
            "action_mask": self._action_masks[number].copy(),
            "distance": self._distance,
            "step_count": self._step_count,
            "last_move": self._last_move,
        }


def check_options(options: dict[str, Any], known: list[str]) -> None:
    """Raises InvalidConfig for an option of ``reset`` that does not exist."""
    if set(options) - set(known):
        raise InvalidConfig(f"Expects reset options out of {known}, actual: {sorted(options)}")


def step_budget(max_steps: int | None, rows: int, cols: int) -> int:
    """Steps before truncation: ``max_steps``, by default 4 * rows * cols. Raises InvalidConfig when under 1."""
    if max_steps is not None and max_steps < 1:
        raise InvalidConfig(f"Expects max_steps of at least 1, actual: {max_steps}")
    return max_steps if max_steps is not None else 4 * rows * cols


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
