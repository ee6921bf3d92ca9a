"""Stable-Baselines3 on the vector environment, and its policies as agents. Skipped where it is not installed."""

import json
import pickle
from pathlib import Path

import gymnasium
import numpy as np
import pytest

from maze_env.errors import InvalidConfig, InvalidMaze, UnknownName
from maze_env.generation import MazeSpec, generate
from tests import tiny
from tests.maze_env.test_vector import assert_same
from tokenmaze.agents import registry
from tokenmaze.agents.errors import InvalidCheckpoint
from tokenmaze.agents.rollout import rollout

sb3 = pytest.importorskip("stable_baselines3", reason="optional extra: pip install 'tokenmaze[sb3]'")


@pytest.fixture(scope="module")
def policy(tmp_path_factory):
    """A policy trained for a moment on 2x2 mazes, by the command that users run."""
    folder = tmp_path_factory.mktemp("ppo") / "run"
    done = tiny.python(
        "-m", "training.ppo", "--output_dir", str(folder), "--size", "2x2", "--num_envs", "32",
        "--total_timesteps", "60000", "--n_steps", "16", "--batch_size", "256", "--channels", "16", "--iterations", "2",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder


def test_a_policy_learns_small_mazes_and_plays_them_through_the_registry(policy):
    agent = registry.make(str(policy), "play")
    mazes = [generate(key, MazeSpec(2, 2)) for key in range(40)]
    attempts = rollout(agent, mazes, range(40))
    assert (
        sum(attempt.solved for attempt in attempts) >= 36
    )  # a random walker solves all too, but not in the fewest moves
    assert np.mean([len(attempt.moves) - attempt.start_distance for attempt in attempts if attempt.solved]) < 0.2


def test_the_run_is_recorded_and_not_overwritten(policy):
    assert {file.name for file in policy.iterdir()} == {"run.json", "sb3_config.json", "policy.safetensors"}
    done = tiny.python("-m", "training.ppo", "--output_dir", str(policy))
    assert done.returncode == 2
    assert "Expects a new or an empty folder, actual:" in done.stderr


def test_a_maze_of_another_size_and_a_mode_that_it_lacks_are_refused(policy):
    agent = registry.make(str(policy), "play")
    with pytest.raises(InvalidMaze, match="Expects mazes of 2x2, actual: 3x3"):
        rollout(agent, [generate(0, MazeSpec(3, 3))], [0])
    with pytest.raises(InvalidConfig, match="actual: 'plan'"):
        registry.make(str(policy), "plan")
    with pytest.raises(InvalidConfig, match=r"Expects no options of agent .* actual: 'greedy'"):
        registry.make(str(policy), "play", greedy=False)
    assert not agent.supports("terse")
    assert agent.supports("standard")


class Boom:
    """Its unpickling leaves a trace."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_a_pickle_is_refused_unread_and_the_error_says_what_to_do(tmp_path):
    mark, bad = tmp_path / "code-has-run", tmp_path / "policy.zip"
    bad.write_bytes(pickle.dumps(Boom(mark)))
    for name in (str(bad), "nothing.zip", "runs/policy.zip"):
        with pytest.raises(InvalidCheckpoint, match=r"a pickle, which runs code .* Train anew, or .* save_policy\("):
            registry.make(name, "play")
    for file in ("sb3_config.json", "policy.safetensors"):
        (tmp_path / file).write_bytes(bad.read_bytes())
    with pytest.raises(InvalidCheckpoint, match=r"Expects a folder with sb3_config\.json and policy\.safetensors"):
        registry.make(str(tmp_path), "play")
    assert not mark.exists()


def small_model(**options):
    from tokenmaze.agents.sb3 import MazeVecEnv, policy_options

    env = MazeVecEnv(2, rows=2, cols=3, view="grid", **options)
    return sb3.PPO("MlpPolicy", env, policy_kwargs=policy_options(4, 2), n_steps=4, batch_size=8, seed=0, device="cpu")


@pytest.mark.parametrize("view_radius", [None, 1])
def test_a_policy_that_was_stored_is_the_same(tmp_path, view_radius):
    from tokenmaze.agents.sb3 import load_policy, save_policy

    model = small_model(view_radius=view_radius)
    model.learn(64)
    save_policy(model.policy, tmp_path / "policy")
    stored = load_policy(tmp_path / "policy")
    assert stored.observation_space == model.observation_space
    weights, expected = stored.state_dict(), model.policy.state_dict()
    assert weights.keys() == expected.keys()
    assert all(np.array_equal(weights[name], expected[name]) for name in weights)
    observations = model.env.reset()
    moves, expected_moves = (one.predict(observations, deterministic=True)[0] for one in (stored, model))
    assert np.array_equal(moves, expected_moves)
    mazes = [generate(key, MazeSpec(2, 3)) for key in range(4)]
    attempts = rollout(registry.make(str(tmp_path / "policy"), "play"), mazes, range(4), view_radius=view_radius)
    assert all(attempt.moves for attempt in attempts)


def test_a_policy_as_stable_baselines3_saved_it_is_converted_as_the_error_says(tmp_path):
    from tokenmaze.agents.sb3 import load_policy, save_policy

    model = small_model()
    model.save(tmp_path / "policy.zip")
    save_policy(sb3.PPO.load(tmp_path / "policy.zip").policy, tmp_path / "policy")
    weights, expected = load_policy(tmp_path / "policy").state_dict(), model.policy.state_dict()
    assert all(np.array_equal(weights[name], expected[name]) for name in expected)


def test_a_folder_whose_weights_are_not_complete_is_no_policy(tmp_path, monkeypatch):
    from tokenmaze.agents import sb3 as module

    def full(policy, path):
        Path(path).write_bytes(b"half")
        raise OSError("No space left on device")

    module.save_policy(small_model().policy, tmp_path)
    monkeypatch.setattr(module, "save_model", full)
    with pytest.raises(OSError, match="No space left"):
        module.save_policy(small_model().policy, tmp_path)
    with pytest.raises(InvalidCheckpoint):
        registry.make(str(tmp_path), "play")


def test_another_network_is_not_stored_in_part(tmp_path):
    from tokenmaze.agents.sb3 import MazeVecEnv, save_policy

    model = sb3.PPO("MlpPolicy", MazeVecEnv(2, rows=2, cols=2, view="grid"), n_steps=4, batch_size=8, device="cpu")
    with pytest.raises(
        InvalidConfig, match=r"Expects a policy with agents\.sb3\.policy_options, actual: FlattenExtractor"
    ):
        save_policy(model.policy, tmp_path / "policy")
    assert not (tmp_path / "policy").exists()


def change(config, **values):
    config.write_text(json.dumps({**json.loads(config.read_text()), **values}))


DAMAGES = {
    "no weights": lambda folder: (folder / "policy.safetensors").unlink(),
    "weights cut off": lambda folder: (folder / "policy.safetensors").write_bytes(b"12345678"),
    "no json": lambda folder: (folder / "sb3_config.json").write_text("{"),
    "no object": lambda folder: (folder / "sb3_config.json").write_text("[]"),
    "no sizes": lambda folder: (folder / "sb3_config.json").write_text("{}"),
    "other sizes": lambda folder: change(folder / "sb3_config.json", channels=5),
    "no size": lambda folder: change(folder / "sb3_config.json", channels="16"),
    "no view": lambda folder: change(folder / "sb3_config.json", observation_shape=[5, 2, 3]),
    "another view": lambda folder: change(folder / "sb3_config.json", observation_shape=[7, 2, 3]),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_folder_is_an_error_that_names_it(tmp_path, damage):
    from tokenmaze.agents.sb3 import save_policy

    save_policy(small_model().policy, tmp_path)
    DAMAGES[damage](tmp_path)
    with pytest.raises(InvalidCheckpoint, match=f"of training.ppo, actual: '{tmp_path}'"):
        registry.make(str(tmp_path), "play")


def test_the_vec_env_reports_episodes_as_sb3_expects():
    from stable_baselines3.common.monitor import Monitor

    from tokenmaze.agents.sb3 import MazeVecEnv

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
            assert info["step_count"] == info["episode"]["l"]
            assert env.reset_infos[index]["step_count"] == 0
    assert ended > 10
    assert env.env_is_wrapped(Monitor) == [True] * 4  # so that `evaluate_policy` takes the episodes as reported


def test_wrong_settings_are_one_line(tmp_path):
    for arguments, message in (
        (["--iterations", "-1"], "Expects iterations of at least 0"),
        (["--num_envs", "0"], "Expects num_envs of at least 1"),
        (["--num_envs", "1", "--n_steps", "1"], "Expects num_envs times n_steps of at least 2, actual: 1"),
        (["--seed", "-1"], "Expects seed from 0 to 4294967295, actual: -1"),
        (["--gamma", "1.5"], "Expects gamma from 0 to 1, actual: 1.5"),
        (["--total_timestep", "5"], "Did you mean 'total_timesteps'?"),
    ):
        done = tiny.python("-m", "training.ppo", "--output_dir", str(tmp_path / "x"), *arguments)
        assert done.returncode == 2
        assert message in done.stderr


def test_it_is_as_their_own_vector_of_single_environments():
    from stable_baselines3.common.vec_env import DummyVecEnv

    from tokenmaze.agents.sb3 import MazeVecEnv

    options = {"view": "grid", "rows": 2, "cols": 3, "max_steps": 5, "render_mode": "rgb_array", "view_radius": 1}
    ours = MazeVecEnv(3, **options)
    theirs = DummyVecEnv([lambda: gymnasium.make("TokenMaze-v0", **options)] * 3)
    ours.seed(7), theirs.seed(7)
    assert np.array_equal(ours.reset(), theirs.reset())
    assert_same(ours.reset_infos, theirs.reset_infos)
    for actions in np.random.default_rng(0).integers(0, 4, (25, 3)):
        (observations, rewards, done, infos), expected = ours.step(actions), theirs.step(actions)
        assert_same((observations, rewards, done), expected[:3])
        for info, right in zip(infos, expected[3], strict=True):
            assert_same({name: info[name] for name in right if name != "TimeLimit.truncated"}, dropped(right))
        assert_same(ours.env_method("action_masks"), theirs.env_method("action_masks"))  # as MaskablePPO asks
        assert_same(ours.render(), theirs.render())
    for name in ("maze", "position", "max_steps", "render_mode", "action_mask"):
        assert ours.has_attr(name) == theirs.has_attr(name)
    assert ours.has_attr("action_masks")
    assert ours.get_attr("position", indices=[0, 2]) == theirs.get_attr("position", indices=[0, 2])
    assert_same(ours.env_method("action_masks", indices=1), theirs.env_method("action_masks", indices=1))
    assert ours.metadata == {"render_modes": ["human", "rgb_array"], "render_fps": 4}


def dropped(info):
    return {name: value for name, value in info.items() if name != "TimeLimit.truncated"}


def test_options_and_attributes_reach_the_environments():
    from tokenmaze.agents.sb3 import MazeVecEnv

    envs = MazeVecEnv(2, view="grid", rows=3, cols=3)
    mazes = tiny.mazes(2)
    envs.set_options([{"maze": maze} for maze in mazes])
    envs.reset()
    assert envs.get_attr("maze") == mazes
    envs.set_options({"max_length": 1})
    envs.reset()
    assert [info["distance"] for info in envs.reset_infos] == [1, 1]
    envs.set_options([{"min_length": 4}, {"max_length": 2}])
    envs.reset()
    assert envs.reset_infos[0]["distance"] >= 4
    assert envs.reset_infos[1]["distance"] <= 2
    envs.set_options([{"maze": mazes[0]}, {}])
    envs.reset()
    assert envs.get_attr("maze")[0] == mazes[0] != envs.get_attr("maze")[1]
    envs.set_attr("max_steps", 2)
    envs.set_attr("maze_spec", MazeSpec(3, 3, min_length=3))
    envs.set_options()
    envs.reset()
    assert [envs.step([0, 0])[2].all() for _ in range(2)] == [False, True]
    easy = MazeSpec(3, 3, max_length=1)
    envs.set_attr("maze_spec", easy, indices=1)
    assert envs.get_attr("maze_spec") == [MazeSpec(3, 3, min_length=3), easy]
    with pytest.raises(InvalidConfig, match=r"Expects all environments in set_attr .*, actual: 1"):
        envs.set_attr("max_steps", 2, indices=1)
    with pytest.raises(
        UnknownName, match=r"Expects an attribute that can be set out of .*'max_steps'.*, actual: 'max_step'"
    ):
        envs.set_attr("max_step", 2)


def test_a_vector_environment_is_taken_or_refused_in_words():
    from tokenmaze.agents.sb3 import MazeVecEnv

    def make(mode, name="TokenMaze-v0", **options):
        return gymnasium.make_vec(name, num_envs=2, autoreset_mode=mode, **options)

    ours, theirs = MazeVecEnv(make("SameStep", view="grid")), MazeVecEnv(2, view="grid")
    ours.seed(1), theirs.seed(1)
    assert np.array_equal(ours.reset(), theirs.reset())
    for wrong, message in (
        (make("NextStep"), "Expects a vector environment with autoreset_mode='SameStep', actual: 'NextStep'"),
        (gymnasium.make_vec("CartPole-v1", num_envs=2), "Expects a number or a TokenMaze vector environment, actual: "),
        ("two", "Expects num_envs of at least 1, actual: 'two'"),
    ):
        with pytest.raises(InvalidConfig, match=message):
            MazeVecEnv(wrong)
    with pytest.raises(InvalidConfig, match=r"Expects no options beside a vector environment, actual: \['rows'\]"):
        MazeVecEnv(make("SameStep"), rows=3)


def test_their_recorder_records_it_and_their_checker_takes_the_single_environment(tmp_path):
    pytest.importorskip("moviepy", reason="the recorder writes with moviepy")
    from stable_baselines3.common.env_checker import check_env
    from stable_baselines3.common.vec_env import VecVideoRecorder

    from tokenmaze.agents.sb3 import MazeVecEnv

    envs = MazeVecEnv(2, view="grid", render_mode="rgb_array")
    recorder = VecVideoRecorder(envs, str(tmp_path), lambda step: step == 0, video_length=3)
    recorder.reset()
    for _ in range(4):
        recorder.step([0, 1])
    recorder.close()
    assert next(tmp_path.glob("*.mp4")).stat().st_size > 1000
    for view in ("grid", "tokens", "state"):
        for pad_to in (None, (5, 8)):
            env = gymnasium.make("TokenMaze-v0", view=view, pad_to=pad_to, render_mode="rgb_array")
            check_env(env, warn=False)  # the grid is no photo
