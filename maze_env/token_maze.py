"""The environment: wires generation, judging, rewards and text together, and holds no algorithm itself."""

from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Discrete

from maze_env.errors import InvalidConfig, InvalidMaze
from maze_env.generation import MazeSpec, generate
from maze_env.judging import transition
from maze_env.maze import Cell, Maze, draw_ascii
from maze_env.moves import MOVES, as_move
from maze_env.rewards import step_scheme_named
from maze_env.solving import UNREACHABLE, distances_to
from maze_env.spaces import MazeText, draw_key
from maze_env.tokens import maze_from_text, maze_to_text

RENDER_MODES = ["ansi"]


class TokenMazeEnv(gymnasium.Env[str, Any]):
    """
    ## Description
    A maze written in the tokens of AlphaMaze (arXiv 2502.14669). The agent starts at the origin and is to reach the
    target. What it reads is text; what it does is a movement token.

    ## Action Space
    `Discrete(4)`: 0 up, 1 down, 2 left, 3 right. `step` takes the index or the movement token (`"<|up|>"`). A move into
    a wall or off the grid leaves the agent in place, costs a step, and is flagged in the information.

    ## Observation Space
    `MazeText(rows, cols)`: the maze cell by cell, row by row, each row ended by a newline; a cell is
    `<|row-col|><|walls|><|marker|>`. `<|origin|>` stands where the agent stands now, so every observation is a maze to
    solve from here. The terminal observation shows `<|origin|>` on the target and no `<|target|>`.

    ## Starting State
    A maze drawn by `generator` from `split`, of `rows` x `cols` cells, whose shortest path has `min_length` to
    `max_length` moves. `reset` draws one 64-bit key from the environment's own random generator, and the maze is a pure
    function of that key and the parameters. `reset(options={"maze": ...})` takes a `Maze` or its text and plays exactly
    that maze, whose size must be the environment's.

    ## Rewards
    `reward="solved"`: 0.1 * (distance before - distance after) / start distance, and 1 more on reaching the target, so
    that every way to the target pays 1.1 in all. Schemes that reward the form of a whole answer have no step form and
    are refused by name.

    ## Episode End
    Termination: the agent is on the target. Truncation: `max_steps` steps were taken, by default 4 * rows * cols.

    ## Information
    - `agent_position`: (row, column). `target_position`: (row, column).
    - `action_mask`: int8 of shape (4,), 1 where the move is possible; `action_space.sample(mask)` takes it.
    - `distance`: moves of the shortest path from here to the target.
    - `step_count`: steps taken since the reset.
    - `last_move`: what the last action did: `"moved"`, `"hit_wall"`, `"left_grid"`, or `"none"` after a reset.

    ## Arguments
    - `rows`, `cols`: 2 to 64 (default 5). `min_length`, `max_length`: bounds of the shortest path, inclusive.
    - `generator`: `"dfs"`. `split`: `"train"` (default), `"validation"`, `"benchmark"`, or `None` for all layouts.
    - `max_steps`: steps before truncation. `reward`: the scheme's name. `render_mode`: `None` or `"ansi"`.

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
        generator: str = "dfs",
        split: str | None = "train",
        max_steps: int | None = None,
        reward: str = "solved",
        render_mode: str | None = None,
    ):
        self.maze_spec = MazeSpec(rows, cols, min_length, max_length, generator, split)
        if max_steps is not None and max_steps < 1:
            raise InvalidConfig(f"Expects max_steps of at least 1, actual: {max_steps}")
        if render_mode is not None and render_mode not in RENDER_MODES:
            raise InvalidConfig(f"Expects render_mode None or one of {RENDER_MODES}, actual: {render_mode!r}")
        self.max_steps = max_steps if max_steps is not None else 4 * rows * cols
        self.reward_scheme = step_scheme_named(reward)
        self.render_mode = render_mode
        self.observation_space = MazeText(rows, cols)
        self.action_space = Discrete(4)
        self._maze: Maze | None = None

    @property
    def maze(self) -> Maze:
        """The maze being played, with the endpoints it had at the reset."""
        if self._maze is None:
            raise gymnasium.error.ResetNeeded("Expects reset() before the maze is asked for, actual: no reset yet")
        return self._maze

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[str, dict[str, Any]]:
        """Starts an episode.

        Args:
            seed: seeds the environment's generator. options: `{"maze": Maze or text}` plays that maze.

        Raises:
            InvalidMazeText, InvalidMaze: for a maze that is none, cannot be solved, or has another size.
            InvalidConfig: for an option that does not exist.
        """
        super().reset(seed=seed)
        options = options or {}
        if set(options) - {"maze"}:
            raise InvalidConfig(f"Expects reset options out of ['maze'], actual: {sorted(options)}")
        if options.get("maze") is None:
            maze = generate(draw_key(self.np_random), self.maze_spec)
        else:
            maze = options["maze"] if isinstance(options["maze"], Maze) else maze_from_text(options["maze"])
            if (maze.rows, maze.cols) != (self.maze_spec.rows, self.maze_spec.cols):
                raise InvalidMaze(
                    f"Expects a maze of {self.maze_spec.rows}x{self.maze_spec.cols}, actual: {maze.rows}x{maze.cols}"
                )
        distances = distances_to(maze.walls, maze.target)
        if distances[maze.origin] == UNREACHABLE:
            raise InvalidMaze(f"Expects a way from {maze.origin} to {maze.target}, actual: none")
        self._maze, self._distances = maze, distances
        self._position: Cell = maze.origin
        self._step_count = 0
        self._last_move = "none"
        return self._observation(), self._info()

    def step(self, action: Any) -> tuple[str, float, bool, bool, dict[str, Any]]:
        """Plays one move, an index or a movement token. Raises InvalidMove for anything else."""
        move = as_move(action)
        maze = self.maze
        before = int(self._distances[self._position])
        self._position, outcome = transition(maze, self._position, move)
        self._step_count += 1
        self._last_move = str(outcome)
        terminated = self._position == maze.target
        assert self.reward_scheme.step is not None
        reward = self.reward_scheme.step(
            before, int(self._distances[self._position]), int(self._distances[maze.origin]), terminated
        )
        truncated = not terminated and self._step_count >= self.max_steps
        return self._observation(), reward, terminated, truncated, self._info()

    def render(self) -> str | None:
        """The maze as ASCII: `O` the agent, `X` the target, `.` the origin once it has been left."""
        if self.render_mode is None:
            return None
        maze = self.maze
        return draw_ascii(maze.walls, {maze.origin: ".", maze.target: "X", self._position: "O"})

    def _observation(self) -> str:
        return maze_to_text(self.maze, self._position)

    def _info(self) -> dict[str, Any]:
        walls = int(self.maze.walls[self._position])
        return {
            "agent_position": self._position,
            "target_position": self.maze.target,
            "action_mask": np.array([not walls & move.wall for move in MOVES], dtype=np.int8),
            "distance": int(self._distances[self._position]),
            "step_count": self._step_count,
            "last_move": self._last_move,
        }
