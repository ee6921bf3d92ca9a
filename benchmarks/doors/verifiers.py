"""Mazes for verifiers 0.4: a taskset, and the environment in which its tasks are planned or played.

    vf-validate tokenmaze-verifiers -n 8 --runtime.type subprocess
    vf-eval tokenmaze-verifiers -n 8 --env.taskset.mode play

``tokenmaze_verifiers`` is the package that the id names. A task's reward is read off its trace alone, so ``vf-replay``
scores stored traces to the same figure. Nothing here touches a global random state: episodes may run side by side.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import count
from typing import Literal, Self

import verifiers.v1 as vf
from pydantic import model_validator

from maze_env.generation import MazeSpec
from maze_env.keys import key_of
from maze_env.rewards import scheme_named, step_scheme_named
from maze_env.solving import shortest_path
from maze_env.splits import layout_hash
from maze_env.tokens import maze_from_text
from maze_env.visibility import check_view_radius
from tokenmaze.benchmarks.doors.task import Game, Score, Task, score_answer, score_game, task_of_seed, tasks_of_suite


class TokenMazeTaskConfig(vf.TaskConfig):
    """How answers are rewarded."""

    reward: str = "solved"
    """A name in ``maze_env.rewards.SCHEMES``; in mode play one with a step form."""


class TokenMazeConfig(vf.TasksetConfig):
    """Which mazes there are: endless ones by seed, or for an evaluation those of a suite."""

    task: TokenMazeTaskConfig = TokenMazeTaskConfig()
    mode: Literal["plan", "play"] = "plan"
    """``plan``: one answer for the whole maze. ``play``: a move a turn, the environment answering each."""
    suite: str | None = None
    """A suite's name, such as ``mazebench-100``: for an evaluation, its mazes in place of those that the keys below
    describe, as far as they are seen in it."""
    seed: int = 0
    """Chooses the mazes."""
    rows: int = 5
    """Cells from top to bottom, 2 to 64."""
    cols: int = 5
    """Cells from left to right, likewise."""
    min_length: int = 1
    """Fewest moves of the shortest path."""
    max_length: int | None = None
    """Most moves of the shortest path, inclusive; ``None`` for no bound."""
    generator: str = "dfs"
    """One of ``maze_env.generation.GENERATORS``."""
    braid: float = 0.0
    """Share of the dead ends that are opened, 0 to 1: above 0 there are several paths."""
    split: str | None = "train"
    """One of ``maze_env.splits.SPLITS``, or ``None`` to draw from all layouts."""
    max_steps: int | None = None
    """In mode play, the budget of moves; ``None`` for 4 * rows * cols."""
    view_radius: int | None = None
    """How far the player sees, in cells; ``None`` for everything. A suite says it itself."""

    @property
    def spec(self) -> MazeSpec:
        """The mazes that seeds make."""
        return MazeSpec(
            self.rows, self.cols, self.min_length, self.max_length, generator=self.generator, braid=self.braid,
            split=self.split,
        )  # fmt: skip

    @model_validator(mode="after")
    def check(self) -> Self:
        """Raises ValueError for values that are impossible, before any task is made."""
        if self.mode == "plan":
            scheme_named(self.task.reward)
        else:
            step_scheme_named(self.task.reward)
        if self.suite is None:
            _ = self.spec  # which refuses what cannot be
            check_view_radius(self.view_radius)
        return self


class TokenMazeData(vf.TaskData):
    """One maze as verifiers carries it."""

    maze: str
    """Its text."""
    mode: Literal["plan", "play"]
    """As ``TokenMazeConfig`` has it."""
    max_steps: int | None = None
    """Likewise."""
    view_radius: int | None = None
    """Likewise."""

    def game(self) -> Game:
        """A game on the maze that begins."""
        return Game(self.maze, self.max_steps, self.view_radius)


class TokenMazeTask(vf.Task[TokenMazeData, vf.State, TokenMazeTaskConfig]):
    """One maze to solve."""

    @property
    def key(self) -> str:
        """Mode, hash of the wall layout and hash of the maze: mirrored and rotated copies share the second."""
        walls = maze_from_text(self.data.maze).walls
        return f"{self.data.mode}/{layout_hash(walls):016x}/{key_of(self.data.maze):016x}"

    def verdict(self, replies: Sequence[str], truncated: bool = False) -> Score:
        """The verdict on what a model wrote: of its replies the last in mode plan, all of them in mode play."""
        data, reward = self.data, self.config.reward
        if data.mode == "plan":
            return score_answer(data.maze, replies[-1] if replies else "", reward, truncated=truncated)
        return score_game(data.maze, replies, data.max_steps, data.view_radius, reward, truncated=truncated)

    def verdict_of(self, trace: vf.Trace) -> Score:
        """The verdict on a trace."""
        replies = [message.content or "" for message in trace.assistant_messages]
        return self.verdict(replies, trace.is_truncated)

    @vf.reward
    async def maze_reward(self, trace: vf.Trace) -> float:
        """The reward of the scheme."""
        return self.verdict_of(trace).reward

    @vf.metric
    async def maze_metrics(self, trace: vf.Trace) -> dict[str, float]:
        """``solved``, ``legal`` and ``moves``; ``trace.info["verdict"]`` has the verdict in words."""
        score = self.verdict_of(trace)
        trace.info["verdict"] = score.as_dict()
        return {"solved": float(score.solved), "legal": float(score.legal), "moves": float(score.moves)}

    async def validate(self, runtime: vf.Runtime) -> bool:
        """Whether a shortest path solves it."""
        maze = maze_from_text(self.data.maze)
        if self.data.mode == "plan":
            return self.verdict([Task(self.data.id or "", "", maze).answer]).solved
        return self.verdict([move.token for move in shortest_path(maze)]).solved


class TokenMazeTaskset(vf.Taskset[TokenMazeTask, TokenMazeConfig]):
    """The mazes of a configuration, without an end unless they are a suite's."""

    def __init__(self, config: TokenMazeConfig):
        super().__init__(config)
        self.INFINITE = config.suite is None

    def load(self) -> Iterator[TokenMazeTask]:
        """The tasks in order: those of one seed are the same in every process."""
        for task in self._tasks():
            given = {"maze": task.text, "mode": self.config.mode, "max_steps": self.config.max_steps}
            data = TokenMazeData(id=task.id, name=task.id, view_radius=task.view_radius, **given)
            prompt = task.prompt if data.mode == "plan" else data.game().prompt
            yield TokenMazeTask(data.model_copy(update={"prompt": prompt}), self.config.task)

    def _tasks(self) -> Iterable[Task]:
        config = self.config
        if config.suite is not None:
            return tasks_of_suite(config.suite, mode=config.mode)
        made = (task_of_seed(config.seed, index, config.spec) for index in count())
        return (replace(task, view_radius=config.view_radius) for task in made)


class TokenMazeEnvConfig(vf.SingleAgentEnvConfig):
    """Who answers."""

    agent: vf.AgentConfig = vf.AgentConfig(harness={"id": "null"}, runtime={"type": "subprocess"})
    """The model that is trained or measured: it has no tools and runs no code, so no sandbox is needed."""


class TokenMazeEnv(vf.SingleAgentEnv, vf.Env[TokenMazeEnvConfig]):
    """Asks once in mode plan; in mode play answers each move until the game is over."""

    async def run(self, task: TokenMazeTask, agents: vf.Agents) -> None:
        """One episode."""
        if task.data.mode == "plan":
            await agents.agent.run(task)
            return
        game = task.data.game()
        async with agents.agent.interaction(task) as interaction:
            segment = await interaction.turn()
            while not segment.terminated:
                answer = game.turn(segment.last_reply)
                if game.over:
                    break
                segment = await interaction.turn(answer)
