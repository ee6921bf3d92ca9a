"""Stable-Baselines3 on the vector environment, and its policies as agents. Skipped where it is not installed."""

import numpy as np
import pytest

from agents import registry
from agents.errors import InvalidCheckpoint
from agents.rollout import rollout
from maze_env.errors import InvalidConfig, InvalidMaze
from maze_env.generation import MazeSpec, generate
from tests import tiny

sb3 = pytest.importorskip("stable_baselines3", reason="optional extra: pip install -e .[sb3]")


@pytest.fixture(scope="module")
def policy(tmp_path_factory):
    """A policy trained for a moment on 2x2 mazes, by the command that users run."""
    folder = tmp_path_factory.mktemp("ppo") / "run"
    done = tiny.python(
        "-m", "training.ppo", "--output_dir", str(folder), "--rows", "2", "--cols", "2", "--num_envs", "32",
        "--total_timesteps", "60000", "--n_steps", "16", "--batch_size", "256", "--channels", "16", "--iterations", "2",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder / "policy.zip"


def test_a_policy_learns_small_mazes_and_plays_them_through_the_registry(policy):
    agent = registry.make(str(policy), "play")
    mazes = [generate(key, MazeSpec(2, 2)) for key in range(40)]
    records = rollout(agent, mazes, range(40))
    assert sum(record.solved for record in records) >= 36  # a random walker solves all too, but not in the fewest moves
    assert np.mean([len(record.moves) - record.start_distance for record in records if record.solved]) < 0.2


def test_the_run_is_recorded_and_not_overwritten(policy):
    assert (policy.parent / "run.json").is_file()
    done = tiny.python("-m", "training.ppo", "--output_dir", str(policy.parent))
    assert done.returncode == 2
    assert "Expects a new folder, actual:" in done.stderr


def test_a_maze_of_another_size_and_a_file_of_another_kind_are_refused(policy, tmp_path):
    agent = registry.make(str(policy), "play")
    with pytest.raises(InvalidMaze, match="Expects mazes of 2x2, actual: 3x3"):
        rollout(agent, [generate(0, MazeSpec(3, 3))], [0])
    with pytest.raises(InvalidCheckpoint, match="which does not exist"):
        registry.make("nothing.zip", "play")
    (tmp_path / "bad.zip").write_bytes(b"no zip")
    with pytest.raises(InvalidCheckpoint, match="Expects a PPO policy"):
        registry.make(str(tmp_path / "bad.zip"), "play")
    with pytest.raises(InvalidConfig, match="actual: 'plan'"):
        registry.make(str(policy), "plan")


def test_the_vec_env_reports_episodes_as_sb3_expects():
    from stable_baselines3.common.vec_env import VecMonitor

    from agents.sb3 import MazeVecEnv

    env = MazeVecEnv(4, rows=2, cols=3, view="grid", max_steps=6)
    env.seed(3)
    first = env.reset()
    env.seed(3)
    assert np.array_equal(env.reset(), first)
    ended = 0
    generator = np.random.default_rng(0)
    for _ in range(40):
        observations, rewards, done, infos = env.step(generator.integers(0, 4, 4))
        assert observations.shape == (4, 6, 2, 3)
        assert rewards.dtype == np.float32
        for index in np.flatnonzero(done):
            ended += 1
            info = infos[index]
            assert info["terminal_observation"].shape == (6, 2, 3)
            assert info["is_success"] == (not info["TimeLimit.truncated"])
            assert 1 <= info["episode"]["l"] <= 6
            assert info["is_success"] == (info["episode"]["r"] > 1)
    assert ended > 10
    assert VecMonitor(MazeVecEnv(2, view="grid")).reset().shape == (2, 6, 5, 5)


def test_wrong_settings_are_one_line(tmp_path):
    for arguments, message in (
        (["--iterations", "-1"], "Expects iterations of at least 0"),
        (["--num_envs", "0"], "Expects num_envs of at least 1"),
        (["--total_timestep", "5"], "Did you mean 'total_timesteps'?"),
    ):
        done = tiny.python("-m", "training.ppo", "--output_dir", str(tmp_path / "x"), *arguments)
        assert done.returncode == 2
        assert message in done.stderr
