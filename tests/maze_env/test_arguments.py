"""What the environment and its vector are made with: taken, or refused in one line."""

import inspect

import gymnasium
import numpy as np
import pytest

import maze_env
from maze_env.errors import ImpossibleMaze, InvalidConfig, UnknownName
from maze_env.maze import Maze
from maze_env.rewards import RewardScheme
from maze_env.token_maze import TokenMazeEnv
from maze_env.vector import TokenMazeVectorEnv
from tests.maze_env.golden import ROOM_ASCII

ROOM = Maze.from_ascii(ROOM_ASCII)


def test_unknown_or_unfit_names_are_refused():
    with pytest.raises(UnknownName, match=r"Did you mean 'solved'\?"):
        TokenMazeEnv(reward="solve")
    with pytest.raises(InvalidConfig, match="Expects a reward scheme with a step form"):
        TokenMazeEnv(reward="alphamaze")
    with pytest.raises(InvalidConfig, match=r"Expects render_mode None or one of .*, actual: 'human'"):
        TokenMazeEnv(render_mode="human")


ODD = [print, object(), "seven", b"x", [], {}, (1, 2), 2.5, float("nan"), -1, True, np.array([1, 2]), np.array("x")]


@pytest.mark.parametrize("name", [name for name in inspect.signature(TokenMazeEnv).parameters if name != "unknown"])
@pytest.mark.parametrize("value", ODD, ids=repr)
def test_any_odd_value_of_an_argument_is_refused_in_one_line(name, value):
    # A share of 1 is one, whatever its type is.
    if name == "braid" and value is True:
        pytest.skip("a share of 1")
    for make in (TokenMazeEnv, TokenMazeVectorEnv):
        with pytest.raises(maze_env.TokenMazeError, match=r"^Expects [^\n]*, actual: [^\n]*$"):
            make(**{name: value})


@pytest.mark.parametrize("name", ["num_envs", "autoreset_mode", "max_episode_steps"])
@pytest.mark.parametrize("value", ODD, ids=repr)
def test_so_it_is_of_the_arguments_of_the_vector(name, value):
    with pytest.raises(maze_env.TokenMazeError, match=r"^Expects [^\n]*, actual: [^\n]*$"):
        TokenMazeVectorEnv(**{name: value})


@pytest.mark.parametrize("seed", [-1, 1.5, "x", True, print], ids=repr)
def test_a_seed_or_key_that_is_none_is_refused_in_one_line(seed):
    for env in (TokenMazeEnv(), TokenMazeVectorEnv(1)):
        with pytest.raises(InvalidConfig, match=r"^Expects a seed from 0 up, actual: [^\n]*$"):
            env.reset(seed=seed)
    with pytest.raises(InvalidConfig, match=r"^Expects a seed from 0 up, actual: [^\n]*$"):
        TokenMazeVectorEnv(1).reset(seed=[seed])
    for make in (maze_env.generate, lambda key: maze_env.generate_batch([key]), lambda key: generate_array(key)):
        with pytest.raises(InvalidConfig, match=r"^Expects keys from 0 to 2\*\*64 - 1, actual: [^\n]*$"):
            make(seed)


def generate_array(key):
    return maze_env.generate_batch(np.array([key]))


def test_keys_and_seeds_of_any_integer_type_are_the_same():
    maze = maze_env.generate(3)
    assert maze == maze_env.generate(3, maze_env.MazeSpec()) == maze_env.generate(np.int32(3))
    for keys in (np.array([3]), np.array([3], np.uint8), (3,), range(3, 4)):
        assert maze_env.generate_batch(keys)[0] == maze
    assert maze_env.generate(2**64 - 1) == maze_env.generate_batch(np.array([2**64 - 1], np.uint64))[0]
    with pytest.raises(InvalidConfig, match="Expects keys from 0"):
        maze_env.generate(maze_env.MazeSpec(), 3)
    with pytest.raises(InvalidConfig, match="Expects a MazeSpec, actual: 'dfs'"):
        maze_env.generate(3, "dfs")
    env = TokenMazeEnv()
    assert env.reset(seed=np.int64(3))[0] == env.reset(seed=3)[0] == TokenMazeVectorEnv(1).reset(seed=np.int8(3))[0][0]


@pytest.mark.parametrize("make", [gymnasium.make, gymnasium.make_vec])
def test_a_misspelt_argument_is_told_which_there_are(make):
    with pytest.raises(UnknownName, match=r"Expects an argument out of .*, actual: 'row'. Did you mean 'rows'"):
        make("TokenMaze-v0", row=5)


def test_the_bounds_of_one_episode_are_options_of_its_reset():
    env = TokenMazeEnv(4, 4)
    for _ in range(10):
        assert env.reset(options={"max_length": 2})[1]["distance"] <= 2
        assert env.reset(options={"min_length": 6, "min_turns": 3})[1]["distance"] >= 6
    with pytest.raises(ImpossibleMaze, match="Expects min_length from 1 to 15"):
        env.reset(options={"min_length": 16})
    maze = env.maze
    with pytest.raises(InvalidConfig, match=r"Expects a maze, or what maze to draw, actual: both \(min_length\)"):
        env.reset(options={"maze": maze, "min_length": 2})
    for options in (3, ["maze"], {1: 2}):
        with pytest.raises(maze_env.TokenMazeError, match=r"Expects (a reset option out of|reset options as a dict)"):
            env.reset(options=options)
    assert env.reset(seed=1)[0] == TokenMazeEnv(4, 4).reset(seed=1)[0]


def step_penalty(before, after, start, reached):
    return -0.1 + 5 * reached


@pytest.mark.parametrize(
    "reward", [step_penalty, RewardScheme("penalty", None, step_penalty)], ids=["function", "scheme"]
)
def test_a_reward_may_be_a_function(reward):
    env, envs = TokenMazeEnv(2, 3, reward=reward), TokenMazeVectorEnv(2, reward=reward, rows=2, cols=3)
    env.reset(options={"maze": ROOM}), envs.reset(options={"maze": ROOM})
    assert [env.step(move)[1] for move in (3, 3)] == [-0.1, 4.9]
    assert [envs.step([move, 0])[1].tolist() for move in (3, 3)] == [[-0.1, -0.1], [4.9, -0.1]]
    for wrong in (lambda before: 1, lambda *terms: "much", RewardScheme("answers", None, None)):
        with pytest.raises(InvalidConfig, match=r"Expects a (step reward of|reward scheme with) .*, actual: "):
            TokenMazeEnv(reward=wrong)
