"""Stable-Baselines3 on TokenMaze, both ways: the vector environment as its ``VecEnv``, its policies as our agents.

An optional extra: ``pip install -e .[sb3]``. ``training/ppo.py`` trains with it.
"""

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from gymnasium.spaces import Box
from numpy.typing import NDArray
from stable_baselines3 import PPO
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.vec_env import VecEnv

from agents.base import Agent, Mode
from agents.errors import InvalidCheckpoint
from maze_env.attempt import Reply
from maze_env.errors import InvalidMaze
from maze_env.moves import MOVE_TOKENS
from maze_env.phrasings import STANDARD
from maze_env.tokens import parse_cells
from maze_env.vector import TokenMazeVectorEnv
from maze_env.views import GridView


class MazeVecEnv(VecEnv):
    """``TokenMazeVectorEnv`` in the form that Stable-Baselines3 trains on; ``options`` are its arguments.

    Episodes' returns and lengths are reported as its ``Monitor`` does.
    """

    def __init__(self, num_envs: int, **options: Any):
        self.env = TokenMazeVectorEnv(num_envs, "SameStep", **options)
        super().__init__(num_envs, self.env.single_observation_space, self.env.single_action_space)
        self._returns = np.zeros(num_envs)

    def reset(self) -> NDArray[Any]:
        seeds = self._seeds if any(seed is not None for seed in self._seeds) else None
        observations, _ = self.env.reset(seed=seeds)
        self._reset_seeds()
        self._returns[:] = 0
        return observations

    def step_async(self, actions: NDArray[Any]) -> None:
        self._actions = actions

    def step_wait(self) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], list[dict[str, Any]]]:
        observations, rewards, terminated, truncated, infos = self.env.step(self._actions)
        self._returns += rewards
        done = terminated | truncated
        each: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        for i in np.flatnonzero(done).tolist():
            each[i] = {
                "terminal_observation": infos["final_obs"][i],
                "TimeLimit.truncated": bool(truncated[i]),
                "episode": {"r": float(self._returns[i]), "l": int(infos["final_info"]["step_count"][i])},
                "is_success": bool(terminated[i]),
            }
        self._returns[done] = 0
        return observations, rewards.astype(np.float32), done, each

    def close(self) -> None:
        self.env.close()

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        return [getattr(self.env, attr_name)] * len(list(self._get_indices(indices)))

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        raise NotImplementedError("one object holds all environments: none of them has attributes of its own")

    def env_method(self, method_name: str, *args: Any, indices: Any = None, **kwargs: Any) -> list[Any]:
        raise NotImplementedError("one object holds all environments: none of them has methods of its own")

    def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
        return [False] * len(list(self._get_indices(indices)))


class MazeFeatures(BaseFeaturesExtractor):
    """What a cell's way to the target looks like, by one convolution applied again and again to the ``grid`` view.

    Each pass carries what a cell knows to its neighbours, so ``iterations`` bounds how far ahead it sees. The features
    are those of the agent's cell. Source of a recurrent network that sees its input at each pass: Bansal et al.,
    arXiv 2202.05826.

    Args:
        channels: of the hidden state, and the number of features.
        iterations: passes of the convolution.
    """

    AGENT = 4  # the grid view's channel

    def __init__(self, observation_space: Box, channels: int, iterations: int):
        super().__init__(observation_space, features_dim=channels)
        self.iterations = iterations
        self.project = torch.nn.Conv2d(observation_space.shape[0], channels, 3, padding=1)
        self.carry = torch.nn.Conv2d(channels, channels, 3, padding=1, bias=False)

    def forward(self, grids: torch.Tensor) -> torch.Tensor:
        """Features, (n, channels), of grids, (n, 6 or 7, rows, cols) float."""
        seen = self.project(grids)
        hidden = torch.relu(seen)
        for _ in range(self.iterations):
            hidden = torch.relu(seen + self.carry(hidden))
        return (hidden * grids[:, self.AGENT : self.AGENT + 1]).sum((2, 3))


class SB3Agent(Agent):
    """A policy that ``training/ppo.py`` saved, greedy.

    Raises:
        InvalidCheckpoint: when the file is no such policy. InvalidMaze: for a maze of another size than it was trained
        on.
    """

    modes: ClassVar[tuple[Mode, ...]] = ("play",)

    def __init__(self, path: str, mode: Mode = "play"):
        self.mode, self.name = mode, path
        if not Path(path).is_file():
            raise InvalidCheckpoint(
                f"Expects a file saved by Stable-Baselines3, actual: {path!r}, which does not exist"
            )
        try:
            self.policy = PPO.load(path, device="cpu")
        except Exception as error:  # a zip of anything: the package raises whatever comes
            raise InvalidCheckpoint(f"Expects a PPO policy saved by Stable-Baselines3, actual: {path!r}") from error
        shape = self.policy.observation_space.shape
        if shape is None or len(shape) != 3 or shape[0] not in (6, 7):
            raise InvalidCheckpoint(f"Expects a policy on the 'grid' view, actual: observations of shape {shape}")
        channels, self.rows, self.cols = shape
        self._view = GridView(self.rows, self.cols, 0 if channels == 7 else None)

    def supports(self, phrasing: str) -> bool:
        return phrasing == STANDARD

    def act(self, observations: list[str]) -> list[Reply]:
        live = [index for index, text in enumerate(observations) if text]
        parsed = [parse_cells(observations[index]) for index in live]
        for walls, _, _ in parsed:
            if walls.shape != (self.rows, self.cols):
                raise InvalidMaze(
                    f"Expects mazes of {self.rows}x{self.cols}, actual: {walls.shape[0]}x{walls.shape[1]}"
                )
        tokens = [""] * len(observations)
        if live:
            cells = np.array([[origin, target] for _, origin, target in parsed]) @ (self.cols, 1)
            grids = self._view.observe_batch(np.stack([walls for walls, _, _ in parsed]), cells[:, 0], cells[:, 1])
            moves, _ = self.policy.predict(grids, deterministic=True)
            for index, move in zip(live, moves.tolist(), strict=True):
                tokens[index] = MOVE_TOKENS[move]
        return list(map(Reply, tokens))
