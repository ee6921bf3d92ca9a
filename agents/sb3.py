"""Stable-Baselines3 on TokenMaze, both ways: the vector environment as its ``VecEnv``, its policies as our agents.

An optional extra: ``pip install 'tokenmaze[sb3]'``. ``training/ppo.py`` trains with it.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from gymnasium.spaces import Box, Discrete
from gymnasium.vector import AutoresetMode, VectorEnv
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_model, save_model
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.vec_env import VecEnv

from maze_env._cli import check_folder, write_whole
from maze_env.attempt import Reply
from maze_env.errors import InvalidConfig, InvalidMaze
from maze_env.moves import MOVE_TOKENS
from maze_env.phrasings import STANDARD
from maze_env.tokens import parse_cells
from maze_env.vector import TokenMazeVectorEnv
from maze_env.views import GridView
from tokenmaze.agents.base import Agent, Mode
from tokenmaze.agents.errors import InvalidCheckpoint


class MazeVecEnv(VecEnv):
    """``TokenMazeVectorEnv`` in the form that Stable-Baselines3 trains on, with rendering and action masks.

    The returns and lengths of episodes are reported as its ``Monitor`` does.

    Args:
        envs: how many; or a vector environment, which resets in the step that ends an episode.
        options: of the vector environment, where ``envs`` is a number.

    Raises:
        InvalidConfig: for what is neither, or another autoreset mode.
    """

    def __init__(self, envs: int | TokenMazeVectorEnv, **options: Any):
        self.env = envs if isinstance(envs, VectorEnv) else TokenMazeVectorEnv(envs, "SameStep", **options)
        """The environments inside."""
        if not isinstance(self.env, TokenMazeVectorEnv):
            raise InvalidConfig(f"Expects a number or a TokenMaze vector environment, actual: {type(envs).__name__}")
        if self.env.autoreset_mode is not AutoresetMode.SAME_STEP:
            mode = self.env.autoreset_mode.value
            raise InvalidConfig(f"Expects a vector environment with autoreset_mode='SameStep', actual: {mode!r}")
        if isinstance(envs, VectorEnv) and options:
            raise InvalidConfig(f"Expects no options beside a vector environment, actual: {sorted(options)}")
        super().__init__(self.env.num_envs, self.env.single_observation_space, self.env.single_action_space)
        self.metadata |= {"render_fps": self.env.metadata["render_fps"]}
        self._returns = np.zeros(self.num_envs)

    def reset(self) -> NDArray[Any]:
        seeds = self._seeds if any(seed is not None for seed in self._seeds) else None
        own = self.env.get_attr("maze_spec") if any(self._options) else ()
        options = {
            name: [given.get(name, getattr(spec, name, None)) for given, spec in zip(self._options, own, strict=True)]
            for name in {name: None for given in self._options for name in given}
        }
        observations, infos = self.env.reset(seed=seeds, options=options)
        self.reset_infos = _each(infos)
        self._reset_seeds()
        self._reset_options()
        self._returns[:] = 0
        return observations

    def step_async(self, actions: NDArray[Any]) -> None:
        self._actions = actions

    def step_wait(self) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], list[dict[str, Any]]]:
        observations, rewards, terminated, truncated, infos = self.env.step(self._actions)
        self._returns += rewards
        done = terminated | truncated
        env_infos = _each(infos)
        if done.any():
            last = {name: values[done] for name, values in infos["final_info"].items()}
            for i, info in zip(np.flatnonzero(done).tolist(), _each(last), strict=True):
                self.reset_infos[i] = env_infos[i]
                env_infos[i] = info | {
                    "terminal_observation": infos["final_obs"][i],
                    "TimeLimit.truncated": bool(truncated[i]),
                    "episode": {"r": float(self._returns[i]), "l": int(info["step_count"])},
                    "is_success": bool(terminated[i]),
                }
        self._returns[done] = 0
        return observations, rewards.astype(np.float32), done, env_infos

    def close(self) -> None:
        self.env.close()

    def get_images(self) -> list[NDArray[np.uint8] | None]:
        return list(self.env.render() or [None] * self.num_envs)

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        return [getattr(self.env.single(index), attr_name) for index in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        chosen = set(self._get_indices(indices))
        if attr_name == "maze_spec":
            value = [value if i in chosen else own for i, own in enumerate(self.env.get_attr(attr_name))]
        elif len(chosen) < self.num_envs:
            raise InvalidConfig(f"Expects all environments in set_attr (one object holds them), actual: {indices}")
        self.env.set_attr(attr_name, value)

    def env_method(self, method_name: str, *args: Any, indices: Any = None, **kwargs: Any) -> list[Any]:
        if indices is None:
            return list(self.env.call(method_name, *args, **kwargs))
        return [getattr(self.env.single(index), method_name)(*args, **kwargs) for index in self._get_indices(indices)]

    def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
        return [wrapper_class is Monitor for _ in self._get_indices(indices)]


def _each(infos: dict[str, Any]) -> list[dict[str, Any]]:
    """The infos of a vector for each environment, as a single one gives them."""
    names = [name for name in infos if f"_{name}" in infos and not name.startswith("final_")]
    columns = [infos[name].tolist() if infos[name].ndim == 1 else infos[name] for name in names]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


class MazeFeatures(BaseFeaturesExtractor):
    """Features of the path from a cell to the target: one convolution, applied repeatedly to the ``grid`` view.

    Each pass carries what a cell knows to its neighbours, so ``iterations`` bounds how far ahead it sees. The features
    are the ``channels`` of the hidden state in the agent's cell. Source of a recurrent network that sees its input at
    each pass: Bansal et al., arXiv 2202.05826.
    """

    AGENT = 4
    """The agent's channel of the grid view."""

    def __init__(self, observation_space: Box, channels: int, iterations: int):
        super().__init__(observation_space, features_dim=channels)
        self.iterations = iterations
        self.project = torch.nn.Conv2d(observation_space.shape[0], channels, 3, padding=1)
        """From the view to a hidden state."""
        self.carry = torch.nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        """From the hidden states of a cell and its neighbours to the cell's next one."""

    def forward(self, grids: torch.Tensor) -> torch.Tensor:
        """Features, (n, channels) float32, of grids, (n, 6 or 7, rows, cols) float32."""
        seen = self.project(grids)
        hidden = torch.relu(seen)
        for _ in range(self.iterations):
            hidden = torch.relu(seen + self.carry(hidden))
        return (hidden * grids[:, self.AGENT : self.AGENT + 1]).sum((2, 3))


def policy_options(channels: int, iterations: int) -> dict[str, Any]:
    """The ``policy_kwargs`` of a policy that ``save_policy`` can store: ``MazeFeatures`` and one layer on top."""
    sizes = {"channels": channels, "iterations": iterations}
    return {"features_extractor_class": MazeFeatures, "features_extractor_kwargs": sizes, "net_arch": []}


@contextmanager
def one_thread() -> Iterator[None]:
    """Lets torch compute in one thread: for networks this small a second one costs more than it does."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


CONFIG_FILE, WEIGHTS_FILE = "sb3_config.json", "policy.safetensors"


def save_policy(policy: ActorCriticPolicy, folder: str | Path) -> None:
    """Stores a policy as weights and sizes: unlike Stable-Baselines3's own files, loading it runs no code.

    The configuration is written last: a folder that has it is complete.
    """
    features = policy.features_extractor
    if not isinstance(features, MazeFeatures) or policy.net_arch:
        actual = f"{type(features).__name__} and net_arch={policy.net_arch}"
        raise InvalidConfig(f"Expects a policy with agents.sb3.policy_options, actual: {actual}")
    check_folder(Path(folder))
    (Path(folder) / CONFIG_FILE).unlink(missing_ok=True)
    save_model(policy, str(Path(folder) / WEIGHTS_FILE))
    sizes = {"channels": features.features_dim, "iterations": features.iterations}
    config = {"observation_shape": policy.observation_space.shape, **sizes}
    write_whole(Path(folder) / CONFIG_FILE, json.dumps(config) + "\n")


def load_policy(folder: str | Path) -> ActorCriticPolicy:
    """The policy that ``save_policy`` stored; InvalidCheckpoint where files are missing, damaged or do not match."""
    try:
        config = json.loads((Path(folder) / CONFIG_FILE).read_text(encoding="utf-8"))
        planes, rows, cols = config["observation_shape"]
        space = GridView(rows, cols, {6: None, 7: 0}[planes]).space
        options = policy_options(config["channels"], config["iterations"])
        policy = ActorCriticPolicy(space, Discrete(4), lambda _: 0.0, **options)
        load_model(policy, Path(folder) / WEIGHTS_FILE)
    except (OSError, ValueError, LookupError, TypeError, RuntimeError, SafetensorError) as error:
        right, reason = f"a folder with {CONFIG_FILE} and {WEIGHTS_FILE}", " ".join(str(error).split())[:200]
        came = f"{str(folder)!r} ({type(error).__name__}: {reason})"
        raise InvalidCheckpoint(f"Expects {right} of training.ppo, actual: {came}") from error
    policy.set_training_mode(False)
    return policy


class SB3Agent(Agent):
    """A policy that ``training/ppo.py`` saved, greedy, for mazes of the size that it was trained on."""

    modes: ClassVar[tuple[Mode, ...]] = ("play",)

    def __init__(self, path: str, mode: Mode = "play"):
        self.mode, self.name = mode, path
        self.policy = load_policy(path)
        """The network."""
        planes, self._rows, self._cols = self.policy.observation_space.shape
        self._view = GridView(self._rows, self._cols, 0 if planes == 7 else None)

    def supports(self, phrasing: str) -> bool:
        return phrasing == STANDARD

    def act(self, observations: list[str]) -> list[Reply]:
        live = [index for index, text in enumerate(observations) if text]
        parsed = [parse_cells(observations[index]) for index in live]
        for walls, _, _ in parsed:
            rows, cols = walls.shape
            if (rows, cols) != (self._rows, self._cols):
                raise InvalidMaze(f"Expects mazes of {self._rows}x{self._cols}, actual: {rows}x{cols}")
        replies = [Reply("")] * len(observations)
        if live:
            cells = np.array([[origin, target] for _, origin, target in parsed]) @ (self._cols, 1)
            grids = self._view.observe_batch(np.stack([walls for walls, _, _ in parsed]), cells[:, 0], cells[:, 1])
            with one_thread():
                moves, _ = self.policy.predict(grids, deterministic=True)
            for index, move in zip(live, moves.tolist(), strict=True):
                replies[index] = Reply(MOVE_TOKENS[move])
        return replies
