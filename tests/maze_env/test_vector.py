"""The vector environment is as many single ones: compared with Gymnasium's own vector of them, step by step."""

import gymnasium
import numpy as np
import psutil
import pytest
from gymnasium.vector import AutoresetMode
from hypothesis import given, settings
from hypothesis import strategies as st

import maze_env
from maze_env.errors import InvalidConfig, InvalidMaze, InvalidMove, UnknownName
from maze_env.token_maze import TokenMazeEnv
from maze_env.views import VIEWS
from tests.maze_env.test_generation import run_python

MODES = [mode.value for mode in AutoresetMode]
SMALL = {"rows": 4, "cols": 3, "max_steps": 12, "generator": "wilson", "braid": 0.3, "split": None}


def make(count=3, mode="NextStep", **options):
    return gymnasium.make_vec(
        "TokenMaze-v0", num_envs=count, vectorization_mode="vector_entry_point", autoreset_mode=mode, **options
    )


def make_sync(count=3, mode="NextStep", **options):
    return gymnasium.make_vec(
        "TokenMaze-v0",
        num_envs=count,
        vectorization_mode="sync",
        vector_kwargs={"autoreset_mode": AutoresetMode(mode)},
        **options,
    )


def assert_same(left, right, path=""):
    """Equal in value, type, dtype and shape, all the way down."""
    assert type(left) is type(right), path
    if isinstance(left, dict):
        assert set(left) == set(right), path
        for key in left:
            assert_same(left[key], right[key], f"{path}/{key}")
    elif isinstance(left, np.ndarray) and left.dtype != object:
        assert (left.dtype, left.shape) == (right.dtype, right.shape), path
        assert np.array_equal(left, right), path
    elif isinstance(left, (np.ndarray, tuple, list)):
        assert len(left) == len(right), path
        for index, (one, other) in enumerate(zip(left, right, strict=True)):
            assert_same(one, other, f"{path}[{index}]")
    else:
        assert left == right, path


@pytest.mark.parametrize("view_radius", [None, 0, 1])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("view", VIEWS)
def test_it_gives_what_gymnasiums_vector_of_single_environments_gives(view, mode, view_radius):
    options = {"view": view, "view_radius": view_radius, **SMALL}
    fast, slow = make(5, mode, **options), make_sync(5, mode, **options)
    assert fast.observation_space == slow.observation_space
    assert fast.action_space == slow.action_space
    assert fast.single_observation_space == slow.single_observation_space
    assert fast.metadata["autoreset_mode"] is slow.metadata["autoreset_mode"]
    assert_same(slow.reset(seed=5), fast.reset(seed=5))
    generator, ended = np.random.default_rng(0), 0
    for turn in range(60):
        actions = generator.integers(0, 4, 5)
        expected = slow.step(actions)
        assert_same(expected, fast.step(actions), f"step {turn}")
        done = expected[2] | expected[3]
        ended += int(done.sum())
        if mode == "Disabled" and done.any():
            assert_same(slow.reset(options={"reset_mask": done}), fast.reset(options={"reset_mask": done}), f"{turn}")
    assert ended > 10
    assert_same(slow.reset(), fast.reset())
    assert fast.np_random_seed == slow.np_random_seed


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 2**32),
    st.integers(2, 6),
    st.integers(2, 6),
    st.sampled_from(sorted(VIEWS)),
    st.none() | st.integers(0, 3),
    st.lists(st.integers(0, 3), min_size=1, max_size=30),
)
def test_one_environment_in_a_vector_is_one_alone(seed, rows, cols, view, view_radius, actions):
    options = {"rows": rows, "cols": cols, "view": view, "view_radius": view_radius, "split": None}
    vector, single = make(2, **options), gymnasium.make("TokenMaze-v0", **options)
    observations, infos = vector.reset(seed=[seed + 1, seed])
    observation, info = single.reset(seed=seed)
    for action in actions:
        assert np.array_equal(observations[1], observation)
        assert all(np.array_equal(infos[key][1], value) for key, value in info.items())
        observations, rewards, terminated, truncated, infos = vector.step(np.array([0, action]))
        observation, reward, ended, cut, info = single.step(action)
        assert (rewards[1], terminated[1], truncated[1]) == (reward, ended, cut)
        if ended or cut:
            break


def test_seeds_may_be_a_number_a_list_or_partly_left_out():
    one, other = make(), make()
    assert_same(one.reset(seed=7), other.reset(seed=[7, 8, 9]))
    assert one.np_random_seed == (7, 8, 9)
    other.reset(seed=[None, 8, None])
    one.reset()
    assert one.np_random[0].bit_generator.state == other.np_random[0].bit_generator.state
    assert other.np_random_seed == (7, 8, 9)
    with pytest.raises(InvalidConfig, match="Expects a seed for each of 3 environments, actual: 2"):
        one.reset(seed=[1, 2])


def test_given_mazes_are_played_one_for_all_or_one_for_each():
    mazes = [maze_env.generate(key, maze_env.MazeSpec()) for key in range(3)]
    vector = make(3)
    texts, _ = vector.reset(options={"maze": mazes[1]})
    assert texts == (maze_env.maze_to_text(mazes[1]),) * 3
    texts, _ = vector.reset(options={"maze": [mazes[0], maze_env.maze_to_text(mazes[1]), mazes[2]]})
    assert texts == tuple(map(maze_env.maze_to_text, mazes))
    assert [vector.maze(index) for index in range(3)] == mazes
    with pytest.raises(InvalidConfig, match="Expects one maze, or one for each of 3 environments, actual: 2"):
        vector.reset(options={"maze": mazes[:2]})
    with pytest.raises(InvalidMaze, match="Expects a maze of 5x5, actual: 4x4"):
        vector.reset(options={"maze": maze_env.generate(0, maze_env.MazeSpec(4, 4))})
    with pytest.raises(InvalidMaze, match="Expects a Maze or its text, actual: int"):
        vector.reset(options={"maze": [1, 2, 3]})


def test_actions_may_be_tokens_and_nothing_but_moves():
    one, other = make(), make()
    one.reset(seed=0), other.reset(seed=0)
    assert_same(one.step(["<|up|>", "<|right|>", "<|down|>"]), other.step([0, 3, 1]))
    for wrong, message in (
        ([0, 1], r"Expects actions of shape \(3,\), actual: \(2,\)"),
        ([0, 1, 4], "Expects actions from 0 to 3, actual: 0 to 4"),
        ([0, -1, 3], "actual: -1 to 3"),
        ([0.0, 1.0, 2.0], "Expects a move"),
        (["up", "down", "left"], "Expects a move"),
    ):
        with pytest.raises(InvalidMove, match=message):
            one.step(wrong)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"count": 0}, InvalidConfig, "Expects num_envs of at least 1, actual: 0"),
        ({"mode": "Later"}, InvalidConfig, r"Expects autoreset_mode out of .*'NextStep'.*, actual: 'Later'"),
        ({"view": "texts"}, UnknownName, "Did you mean 'text'?"),
        ({"reward": "alphamaze"}, InvalidConfig, "step form"),
        ({"max_steps": 0}, InvalidConfig, "Expects max_steps of at least 1"),
    ],
)
def test_bad_arguments_are_refused_at_construction(arguments, error, message):
    with pytest.raises(error, match=message):
        make(**arguments)


def test_bad_calls_are_refused():
    vector = make(mode="Disabled", rows=2, cols=2)
    with pytest.raises(gymnasium.error.ResetNeeded, match="no reset yet"):
        vector.step([0, 0, 0])
    with pytest.raises(InvalidConfig, match="all of them at first"):
        vector.reset(options={"reset_mask": np.array([True, False, False])})
    vector.reset(seed=0)
    with pytest.raises(
        UnknownName, match=r"Expects a reset option out of .*'reset_mask'.*, actual: 'mzae'. Did you mean"
    ):
        vector.reset(options={"mzae": 1})
    for mask in ([True, False, False], np.array([True, False]), np.array([1, 0, 0])):
        with pytest.raises(InvalidConfig, match=r"Expects reset_mask as \(3,\) bool"):
            vector.reset(options={"reset_mask": mask})
    while not vector._done.any():
        vector.step(vector.action_space.sample())
    with pytest.raises(gymnasium.error.ResetNeeded, match=r"autoreset is disabled\), actual: [123] of them"):
        vector.step([0, 0, 0])


def test_max_episode_steps_truncates_earlier():
    vector = make(max_episode_steps=2, min_length=5)
    vector.reset(seed=0)
    assert [vector.step([0, 0, 0])[3].all() for _ in range(2)] == [False, True]


def test_results_are_not_changed_by_later_steps():
    vector = make(view="grid", max_steps=3)
    kept = [vector.reset(seed=0)]
    copies = [repr(kept[0])]
    for _ in range(8):
        kept.append(vector.step([0, 1, 2]))
        copies.append(repr(kept[-1]))
    assert [repr(result) for result in kept] == copies


def test_pictures_are_those_of_the_single_environments():
    vector, sync = make(render_mode="ansi", view_radius=1), make_sync(render_mode="ansi", view_radius=1)
    vector.reset(seed=0), sync.reset(seed=0)
    for action in (0, 3, 1, 1, 2):
        vector.step([action] * 3), sync.step([action] * 3)
        assert vector.render() == sync.render()


@pytest.mark.parametrize("view_radius", [None, 1])
def test_what_training_libraries_ask_of_it_is_what_gymnasiums_own_answers(view_radius):
    options = {"view_radius": view_radius, "render_mode": "ansi", "mode": "SameStep", **SMALL}
    fast, slow = make(**options), make_sync(**options)
    for envs in (fast, slow):
        envs.reset(seed=0)
        for actions in ([0, 1, 2], [3, 3, 1], [1, 1, 1]):
            envs.step(actions)
    for name in (
        "maze", "position", "end", "ended_by", "max_steps", "maze_spec", "render_mode", "view_radius", "np_random_seed",
        "action_masks", "render", "observation_space", "action_space", "metadata",
    ):  # fmt: skip
        assert_same(fast.get_attr(name), slow.get_attr(name), name)
        assert_same(fast.call(name), slow.call(name), name)
    assert_same(fast.get_attr("visible_walls"), slow.get_attr("visible_walls"))
    assert [one.integers(99) for one in fast.get_attr("np_random")] == [one.integers(99) for one in slow.np_random]
    assert fast.np_random[0] is fast.get_attr("np_random")[0]  # not a copy: who draws from it moves it
    for theirs, ours in zip(slow.get_attr("spec"), fast.get_attr("spec"), strict=True):
        assert (ours.id, ours.kwargs, ours.max_episode_steps) == (theirs.id, theirs.kwargs, theirs.max_episode_steps)
    assert fast.spec.max_episode_steps == 12
    assert [env.unwrapped.maze for env in slow.envs] == [env.unwrapped.maze for env in fast.envs]
    fast.envs[0].step(1)
    assert fast.get_attr("position") == slow.get_attr("position")
    for envs in (fast, slow):
        with pytest.raises(AttributeError):
            envs.get_attr("mazes")
    for name in ("reset", "step", "close", "set_state"):
        with pytest.raises(InvalidConfig, match=f"Expects {name} to be called on the vector environment itself"):
            fast.call(name)
    assert make_sync().get_attr("render_mode") == make().get_attr("render_mode")  # before any reset


def test_a_curriculum_is_set_for_episodes_to_come():
    envs = make(mode="SameStep", rows=4, cols=4, view="state")
    envs.reset(seed=0)
    envs.set_attr("maze_spec", maze_env.MazeSpec(4, 4, max_length=1))
    envs.set_attr("max_steps", [3, 3, 3])
    envs.set_attr("step_reward", lambda before, after, start, reached: -1)
    for _ in range(3):
        _, rewards, _, _, infos = envs.step([0, 0, 0])
    assert infos["distance"].tolist() == [1, 1, 1]  # all were truncated and have begun anew
    assert_same(rewards, np.full(3, -1.0))
    assert envs.reset(options={"min_length": 5, "max_length": None})[1]["distance"].min() >= 5
    assert envs.reset()[1]["distance"].max() == 1
    for name, value, message in (
        ("max_steps", [1, 2, 3], r"Expects one max_steps for all 3 environments, actual: \[1, 2, 3\]"),
        ("max_steps", [1, 1], "Expects one max_steps, or one for each of 3 environments, actual: 2"),
        ("max_steps", 0, "Expects max_steps of at least 1, actual: 0"),
        (
            "maze_spec",
            maze_env.MazeSpec(5, 5),
            r"Expects a MazeSpec of 4x4, actual: 5x5 \(pad_to makes room for others\)",
        ),
        ("step_reward", "solve", "Did you mean 'solved'?"),
        ("walls", 1, "Expects an attribute that can be set out of 'max_steps', 'maze_spec', 'step_reward', actual"),
    ):
        with pytest.raises(maze_env.TokenMazeError, match=message):
            envs.set_attr(name, value)


def resident():
    """Bytes of memory that this process holds."""
    return psutil.Process().memory_info().rss


@pytest.mark.parametrize("view", ["text", "grid"])
def test_a_hundred_thousand_episodes_leave_memory_flat(view):
    vector, single = make(256, rows=3, cols=3, max_steps=2, view=view), TokenMazeEnv(3, 3, view=view)
    vector.reset(seed=0), single.reset(seed=0)
    actions = np.random.default_rng(0).integers(0, 4, (1_200, 256))
    for batch in actions[:100]:
        vector.step(batch)
    before = resident()
    episodes = 0
    for batch in actions:
        _, _, terminated, truncated, _ = vector.step(batch)
        episodes += int((terminated | truncated).sum())
    for _ in range(10_000):
        single.reset()
        single.step(0)
    assert episodes > 90_000
    assert resident() - before < 4 * 2**20


def test_async_vectors_refuse_text_and_step_arrays():
    options = {"vectorization_mode": "async", "num_envs": 2}
    with pytest.raises(Exception, match="shared_memory"):
        gymnasium.make_vec("TokenMaze-v0", **options)
    slow = gymnasium.make_vec("TokenMaze-v0", **options, vector_kwargs={"shared_memory": False})
    texts, _ = slow.reset(seed=3)
    slow.close()
    grids = gymnasium.make_vec("TokenMaze-v0", **options, view="grid")
    observations, _ = grids.reset(seed=3)
    grids.close()
    assert texts == make(2).reset(seed=3)[0]
    assert np.array_equal(observations, make(2, view="grid").reset(seed=3)[0])


# Prints what a few vectors give, bytes and all; run compiled and not.
PRINT_STEPS = """
import numpy as np
from maze_env.vector import TokenMazeVectorEnv
for view in ("text", "tokens", "grid", "state"):
    env = TokenMazeVectorEnv(3, "SameStep", view=view, view_radius=1, rows=3, cols=4, braid=0.5, max_steps=6)
    print(env.reset(seed=1))
    for actions in np.random.default_rng(0).integers(0, 4, (12, 3)):
        print(*map(repr, env.step(actions)))
"""


def test_interpreted_and_compiled_kernels_give_the_same_steps():
    compiled = run_python(PRINT_STEPS)
    assert len(compiled) > 10_000
    assert run_python(PRINT_STEPS, NUMBA_DISABLE_JIT="1") == compiled
