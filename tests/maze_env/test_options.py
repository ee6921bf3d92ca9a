"""What a reset is told, for all environments of a vector or for each: as the single environments are told it."""

import gymnasium
import numpy as np
import pytest

from maze_env import MazeSpec, generate, maze_to_text
from maze_env.errors import ImpossibleMaze, InvalidConfig, TokenMazeError, UnknownName
from maze_env.options import DRAWN
from maze_env.token_maze import TokenMazeEnv
from maze_env.vector import TokenMazeVectorEnv
from tests.maze_env.test_arguments import ODD
from tests.maze_env.test_layouts import sidewinder
from tests.maze_env.test_vector import MODES, assert_same, make

PER_ENVIRONMENT = {
    "rows": [2, 5, 3],
    "cols": [4, 2, 5],
    "min_length": [1, 6, 3],
    "max_length": [2, None, 4],
    "min_turns": [0, 3, 1],
    "max_turns": [0, None, 2],
    "generator": ["prim", sidewinder, "binary-tree"],
    "braid": [0.0, 1.0, 0.5],
    "split": [None, "train", None],
}


@pytest.mark.parametrize("form", [list, tuple, np.array])
@pytest.mark.parametrize("name", DRAWN)
@pytest.mark.parametrize("mode", MODES)
def test_each_environment_draws_what_its_entry_says(mode, name, form):
    values = PER_ENVIRONMENT[name]
    vector, single = make(3, mode, pad_to=(5, 5)), TokenMazeEnv(pad_to=(5, 5))
    texts, infos = vector.reset(seed=4, options={name: form(values)})
    for index, value in enumerate(values):
        text, info = single.reset(seed=4 + index, options={name: value})
        assert texts[index] == text
        assert infos["distance"][index] == info["distance"]
    for value in values:
        texts, _ = vector.reset(seed=4, options={name: value})  # one for all
        assert texts[2] == single.reset(seed=6, options={name: value})[0]
    assert vector.reset(seed=4)[0] == make(3, mode, pad_to=(5, 5)).reset(seed=4)[0]  # and then no more


def test_they_can_be_combined_and_given_to_some():
    vector = make(3, "Disabled", pad_to=(6, 6), view="grid")
    vector.reset(seed=0, options={"rows": [3, 4, 5], "cols": (3, 4, 6), "min_length": 4, "max_length": [4, 5, 6]})
    assert [(maze.rows, maze.cols) for maze in vector.call("maze")] == [(3, 3), (4, 4), (5, 6)]
    before = vector.call("maze")
    mask = np.array([True, False, True])
    _, infos = vector.reset(options={"reset_mask": mask, "min_length": [9, 24, 9], "rows": 5, "cols": 5})
    assert infos["distance"][mask].min() >= 9
    after = vector.call("maze")
    assert [(one == other) for one, other in zip(before, after, strict=True)] == [False, True, False]


def test_mazes_are_given_to_some_and_drawn_by_the_others():
    maze, vector = generate(5, MazeSpec(3, 4)), make(3, pad_to=(5, 5))
    vector.reset(seed=1, options={"maze": [None, maze_to_text(maze), None]})
    drawn = make(3, pad_to=(5, 5))
    drawn.reset(seed=1)
    assert vector.call("maze") == (drawn.maze(0), maze, drawn.maze(2))


@pytest.mark.parametrize("name", DRAWN)
def test_a_curriculum_holds_over_the_autoresets_where_options_do_not(name):
    specs = [MazeSpec(**{name: value}) for value in PER_ENVIRONMENT[name]]
    vector = make(3, "SameStep", pad_to=(5, 5), max_steps=1)
    vector.set_attr("maze_spec", specs)
    vector.reset(seed=4)
    single = TokenMazeEnv(pad_to=(5, 5))
    keys = [np.random.default_rng(4 + index) for index in range(3)]  # as Gymnasium seeds: one key for each episode
    for _ in range(4):
        for index, spec in enumerate(specs):
            single.maze_spec = spec
            key = int(keys[index].integers(0, 2**64, dtype=np.uint64))
            assert vector.maze(index) == generate(key, spec)
            single.reset(seed=0)
            assert (single.maze.rows, single.maze.cols) == (spec.rows, spec.cols)
        vector.step([0, 0, 0])


def test_one_specification_is_drawn_in_one_batch(monkeypatch):
    from maze_env import vector as module

    calls = []

    def counted(keys, spec):
        calls.append(len(keys))
        return original(keys, spec)

    original = module.generate_batch
    monkeypatch.setattr(module, "generate_batch", counted)
    envs = TokenMazeVectorEnv(6)
    envs.reset(options={"max_length": [3, 3, 5, 3, 5, 3]})
    assert sorted(calls) == [2, 4]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"max_length": [1, 2]}, InvalidConfig, "Expects one max_length, or one for each of 3 environments, actual: 2"),
        ({"max_length": [1, 2, 0]}, ImpossibleMaze, "Expects max_length of at least min_length 1, actual: 0"),
        ({"rows": [[5], [5], [5]]}, InvalidConfig, "Expects one value for each environment, actual: "),
        (
            {"rows": np.array([[5, 5, 5]])},
            InvalidConfig,
            "Expects one rows, or one for each of 3 environments, actual: 1",
        ),
        (
            {"rows": [5, 5, 4]},
            InvalidConfig,
            r"Expects a MazeSpec of 5x5, actual: 4x5 \(pad_to makes room for others\)",
        ),
        ({"generator": ["dfs", "dsf", "dfs"]}, UnknownName, "Did you mean 'dfs'?"),
        ({"maze": [None, 3, None]}, TokenMazeError, "Expects a Maze or its text, actual: int"),
        ({"maze": [generate(0)] * 3, "rows": 5}, InvalidConfig, r"or what maze to draw, actual: both \(rows\)"),
    ],
)
def test_what_is_wrong_is_refused_before_anything_changes(options, error, message):
    vector = make(3)
    vector.reset(seed=0)
    before = vector.get_state()
    with pytest.raises(error, match=message):
        vector.reset(seed=7, options=options)
    assert_same(vector.get_state().arrays, before.arrays)
    assert vector.np_random_seed == (0, 1, 2)


def test_the_specification_tells_the_length_of_an_episode_and_what_counts_as_solved():
    assert gymnasium.spec("TokenMaze-v0").reward_threshold == 1.0
    for make_env in (gymnasium.make, gymnasium.make_vec):
        spec = make_env("TokenMaze-v0", rows=3, cols=4).spec
        assert (spec.max_episode_steps, spec.reward_threshold) == (48, 1.0)
        spec = make_env("TokenMaze-v0", max_steps=7, reward=lambda before, after, start, reached: -1).spec
        assert (spec.max_episode_steps, spec.reward_threshold) == (7, None)
    envs = gymnasium.make_vec("TokenMaze-v0", num_envs=2)
    envs.set_attr("step_reward", lambda before, after, start, reached: reached)
    envs.set_attr("max_steps", 9)
    assert (envs.spec.max_episode_steps, envs.spec.reward_threshold) == (9, None)
    assert gymnasium.spec("TokenMaze-v0").reward_threshold == 1.0  # the registry's stays


@pytest.mark.parametrize("name", ["maze", *DRAWN])
@pytest.mark.parametrize("value", ODD, ids=repr)
def test_any_odd_value_is_refused_in_one_line(name, value):
    if name == "braid" and value is True:
        pytest.skip("a share of 1")
    for env in (TokenMazeEnv(pad_to=(6, 6)), TokenMazeVectorEnv(3, pad_to=(6, 6))):
        with pytest.raises(TokenMazeError, match=r"^Expects [^\n]*, actual: [^\n]*$"):
            env.reset(options={name: value})
