"""PPO on the ``grid`` view, across mazes, by Stable-Baselines3.

    tokenmaze ppo --config ppo.yaml
    tokenmaze bench --mode play --agent runs/ppo

Source: Schulman et al., "Proximal Policy Optimization Algorithms", arXiv 1707.06347.
"""

import json
import sys
import time
from argparse import ArgumentTypeError
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from transformers import HfArgumentParser

from maze_env._arguments import read_pair
from maze_env._cli import called_as, check_folder, path_of, run_command, write_whole
from maze_env.errors import InvalidConfig, InvalidOutput
from tokenmaze.agents.provenance import provenance
from tokenmaze.training.arguments import option, parse, parser_of, require_at_least

SECONDS_A_LINE = 5.0


@dataclass
class PPORunConfig:
    """What to train on and how. Names are those of Stable-Baselines3 where it has them."""

    output_dir: str = option("runs/ppo", "A new folder, for the policy and run.json.")
    size: str = option("5x5", "Of the mazes, as ROWSxCOLS.")
    generator: str = option("dfs", "Name of the maze generator.")
    view_radius: int | None = option(None, "Radius of partial observability; none by default.")
    num_envs: int = option(256, "Environments side by side.")
    total_timesteps: int = option(5_000_000, "Steps of all environments together.")
    n_steps: int = option(32, "Steps of each environment between updates.")
    batch_size: int = option(1024, "Steps in a minibatch.")
    n_epochs: int = option(3, "Passes over the steps of an update.")
    learning_rate: float = option(1e-3, "Adam's, falling linearly to 0.")
    gamma: float = option(0.97, "Discount.")
    gae_lambda: float = option(0.95, "Of generalised advantage estimation.")
    ent_coef: float = option(0.01, "Weight of the entropy bonus.")
    channels: int = option(16, "Of the network's hidden state in each cell.")
    iterations: int = option(12, "Passes of its convolution: how many cells it sees ahead.")
    seed: int = option(0, "Of weights, mazes and actions.")

    def __post_init__(self) -> None:
        try:
            self.cells = read_pair("x", self.size)
            """The (rows, cols) of ``size``."""
        except ArgumentTypeError as error:
            raise InvalidConfig(f"Expects size as {error}") from None
        require_at_least(self, num_envs=1, total_timesteps=1, n_steps=1, batch_size=2, n_epochs=1, learning_rate=0)
        require_at_least(self, channels=1, iterations=0, ent_coef=0)
        for name, most in (("gamma", 1), ("gae_lambda", 1), ("seed", 2**32 - 1)):
            if not 0 <= getattr(self, name) <= most:
                raise InvalidConfig(f"Expects {name} from 0 to {most}, actual: {getattr(self, name)}")
        if self.num_envs * self.n_steps < 2:
            raise InvalidConfig("Expects num_envs times n_steps of at least 2, actual: 1")


def progress(total: int) -> Callable[[dict[str, Any], dict[str, Any]], bool]:
    """A callback of Stable-Baselines3 that prints a line now and then: steps, and the episodes that ended last."""
    began = told = time.monotonic()

    def report(variables: dict[str, Any], _: dict[str, Any]) -> bool:
        nonlocal told
        now, model = time.monotonic(), variables["self"]
        steps, episodes, solved = model.num_timesteps, model.ep_info_buffer, model.ep_success_buffer
        if episodes and now - told >= SECONDS_A_LINE:
            told = now
            print(
                f"step {steps:,}/{total:,}  reward {fmean(one['r'] for one in episodes):.3f}  "
                f"solved {fmean(solved):.3f}  moves {fmean(one['l'] for one in episodes):.1f}  "
                f"{steps / max(now - began, 1e-9):,.0f} steps/s",
                flush=True,
            )
        return True

    return report


def train(config: PPORunConfig) -> Path:
    """Trains and saves; returns the folder, which ``agents.registry.make`` takes."""
    from stable_baselines3 import PPO

    from tokenmaze.agents.sb3 import MazeVecEnv, one_thread, policy_options, save_policy

    folder = path_of(config.output_dir)
    if folder.is_dir() and any(folder.iterdir()):
        raise InvalidOutput(f"Expects a new or an empty folder, actual: {folder} holds files")
    check_folder(folder)
    started = time.monotonic()
    values = asdict(config)
    rows, cols = config.cells
    options = ("n_steps", "batch_size", "n_epochs", "gamma", "gae_lambda", "ent_coef", "seed")
    model = PPO(
        "MlpPolicy",
        MazeVecEnv(
            config.num_envs,
            view="grid",
            rows=rows,
            cols=cols,
            generator=config.generator,
            view_radius=config.view_radius,
        ),
        learning_rate=lambda left: config.learning_rate * left,
        policy_kwargs=policy_options(config.channels, config.iterations),
        device="cpu",
        **{name: values[name] for name in options},
    )
    with one_thread():
        model.learn(config.total_timesteps, callback=progress(config.total_timesteps))
    save_policy(model.policy, folder)
    seconds = time.monotonic() - started
    run = {"configuration": values, "provenance": provenance("training.ppo", sys.argv[1:], seconds)}
    write_whole(folder / "run.json", json.dumps(run, indent=1) + "\n")
    return folder


def parser() -> HfArgumentParser:
    """The command line."""
    return parser_of([PPORunConfig], prog=called_as("training.ppo"), description=__doc__)


def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the configuration and trains."""
    (config,) = parse([PPORunConfig], arguments, parser())
    print(f"saved {train(config)}")


if __name__ == "__main__":
    run_command(main)
