"""Mazes for SkyRL: two text environments and the rows to train on. Importing this module registers them.

>>> import skyrl_gym
>>> row = rows(1, mode="play")[0]
>>> env = skyrl_gym.make(row["env_class"], extras=row)
>>> messages, _ = env.init(row["prompt"])
>>> env.step("<|up|>")["observations"]
[{'role': 'user', 'content': 'You moved. You are at <|0-2|>, <|up_right_wall|>.'}]
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from skyrl_gym import register
from skyrl_gym.envs.base_text_env import BaseTextEnv, BaseTextEnvStepOutput, ConversationType

from maze_env.episode import Mode
from maze_env.errors import lookup
from maze_env.generation import MazeSpec
from maze_env.rewards import scheme_named, step_scheme_named
from tokenmaze.benchmarks.doors.task import Game, Score, score_answer, task_of_seed

ENV_CLASSES: dict[str, str] = {"plan": "tokenmaze-plan", "play": "tokenmaze-play"}
"""The environments by mode."""


def rows(
    count: int,
    mode: Mode = "plan",
    seed: int = 0,
    spec: MazeSpec = MazeSpec(),  # noqa: B008  frozen
    view_radius: int | None = None,
    reward: str = "solved",
) -> list[dict[str, Any]]:
    """Rows of a data set as SkyRL reads them, from ``.parquet`` or ``.jsonl``.

    Args:
        count: how many.
        mode: ``plan``: one answer for the whole maze; ``play``: a move a turn, the environment answering each.
        seed: chooses the mazes; a longer data set begins with the rows of a shorter one.
        spec: what mazes to make; by default 5x5 of the split ``train``.
        view_radius: how far the player sees, in cells; ``None`` for everything.
        reward: a name in ``maze_env.rewards.SCHEMES``; in mode play one with a step form.

    Returns:
        Rows of ``prompt`` (messages), ``env_class``, ``reward_spec`` (whose ``ground_truth`` is the maze's text and
        ``scheme`` the reward's name), ``view_radius`` and ``id``.

    Raises:
        UnknownName: for a mode or reward that does not exist.
        InvalidConfig: for a reward without a step form, and a view radius that cannot be.
    """
    env_class = lookup("mode", mode, ENV_CLASSES)
    (scheme_named if mode == "plan" else step_scheme_named)(reward)
    made = []
    for index in range(count):
        task = replace(task_of_seed(seed, index, spec), view_radius=view_radius)
        prompt = task.prompt if mode == "plan" else Game(task.maze, view_radius=view_radius).prompt
        made.append({
            "prompt": [{"role": "user", "content": prompt}],
            "env_class": env_class,
            "reward_spec": {"method": "rule", "ground_truth": task.text, "scheme": reward},
            "view_radius": view_radius,
            "id": task.id,
        })  # fmt: skip
    return made


class PlanEnv(BaseTextEnv):
    """``tokenmaze-plan``: one step, whose action is the whole answer."""

    score: Score | None = None
    """The verdict, once there is one."""

    def __init__(self, env_config: Any = None, *, extras: Mapping[str, Any]):
        """As ``skyrl_gym.make`` makes it; ``extras`` is a row of ``rows``."""
        super().__init__()
        self._maze, self._scheme = extras["reward_spec"]["ground_truth"], extras["reward_spec"]["scheme"]

    def step(self, action: str) -> BaseTextEnvStepOutput:
        """Rewards the answer; ``metadata`` has the verdict."""
        self.turns += 1
        self.score = score_answer(self._maze, action, self._scheme)
        reward, metadata = self.score.reward, self.score.as_dict()
        return BaseTextEnvStepOutput(observations=[], reward=reward, done=True, metadata=metadata)

    def get_metrics(self) -> dict[str, float]:
        """The episode's figures; none of one that had no answer."""
        return _metrics(self.score)


class PlayEnv(BaseTextEnv):
    """``tokenmaze-play``: a move each step, which earns its step reward, until the game is over."""

    def __init__(self, env_config: Any = None, *, extras: Mapping[str, Any]):
        """As ``skyrl_gym.make`` makes it; ``extras`` is a row of ``rows``.

        SkyRL adds ``max_turns`` to it, the moves that a game may have; without, 4 * rows * cols.
        """
        super().__init__()
        spec = extras["reward_spec"]
        self.game = Game(spec["ground_truth"], extras.get("max_turns"), extras.get("view_radius"), spec["scheme"])
        """What is played."""

    def step(self, action: str) -> BaseTextEnvStepOutput:
        """Plays a move; behind the last one ``metadata`` has the verdict."""
        self.turns += 1
        before = self.game.reward
        answer = self.game.turn(action)
        over = self.game.over
        observations: ConversationType = [] if over else [{"role": "user", "content": answer}]
        metadata = self.game.score.as_dict() if over else {}
        reward = self.game.reward - before
        return BaseTextEnvStepOutput(observations=observations, reward=reward, done=over, metadata=metadata)

    def get_metrics(self) -> dict[str, float]:
        """The episode's figures; a game that goes on has run out of context, and ends here."""
        self.game.leave(truncated=True)
        return _metrics(self.game.score)


def _metrics(score: Score | None) -> dict[str, float]:
    if score is None:
        return {}
    return {"solved": float(score.solved), "legal": float(score.legal), "moves": float(score.moves)}


register(id=ENV_CLASSES["plan"], entry_point=PlanEnv)
register(id=ENV_CLASSES["play"], entry_point=PlayEnv)
