"""The environment: Gymnasium's contract, and this project's own."""

import inspect
import pickle
import re
import warnings

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import SyncVectorEnv

import maze_env
from maze_env.attempt import End, EndedBy
from maze_env.errors import ImpossibleMaze, InvalidConfig, InvalidMaze, InvalidMazeText, InvalidMove, UnknownName
from maze_env.maze import Maze
from maze_env.moves import MOVES
from maze_env.solving import shortest_path
from maze_env.splits import split_of
from maze_env.token_maze import TokenMazeEnv
from maze_env.tokens import maze_from_text, maze_to_text
from tests.maze_env.golden import CUT_OFF_ASCII, EXAMPLE_ANSWER, EXAMPLE_TEXT, ROOM_ASCII, bfs, tokens_of
from tests.maze_env.test_generation import run_python

ROOM = Maze.from_ascii(ROOM_ASCII)

# Plays two seeded episodes of random moves and prints all that the environment returns.
PRINT_EPISODES = """
import gymnasium, maze_env
env = gymnasium.make("TokenMaze-v0", rows=4, cols=6)
env.action_space.seed(5)
for seed in (11, None):
    print(env.reset(seed=seed))
    done = False
    while not done:
        *result, terminated, truncated, info = env.step(env.action_space.sample())
        print(result, terminated, truncated, info)
        done = terminated or truncated
"""


def comparable(info):
    return {key: value.tolist() if isinstance(value, np.ndarray) else value for key, value in info.items()}


def play(env, actions):
    """All that ``step`` returns, in a form that compares."""
    results = []
    for action in actions:
        *result, info = env.step(action)
        results.append((*result, comparable(info)))
        if result[2] or result[3]:
            break
    return results


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"rows": 2, "cols": 2},
        {"rows": 3, "cols": 7},
        {"rows": 7, "cols": 4, "split": None, "min_length": 5},
        {"render_mode": "ansi"},
    ],
    ids=repr,
)
def test_the_checker_of_gymnasium_finds_no_fault_and_warns_of_nothing(arguments):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(gymnasium.make("TokenMaze-v0", **arguments).unwrapped)


@pytest.mark.parametrize("name", ["TokenMaze-v0", "maze_env:TokenMaze-v0"])
def test_it_is_made_by_both_names(name):
    env = gymnasium.make(name)
    assert type(env.unwrapped) is TokenMazeEnv
    assert env.spec.max_episode_steps == env.unwrapped.max_steps == 100
    assert not isinstance(env, gymnasium.wrappers.TimeLimit)  # the environment truncates by itself


def test_two_environments_with_one_seed_are_equal_to_the_end_of_the_episode():
    actions = np.random.default_rng(0).integers(4, size=400).tolist()
    first, second = TokenMazeEnv(6, 4), TokenMazeEnv(6, 4)
    for seed in (1, 2, None):  # None: the generator goes on
        (text, info), (other_text, other_info) = first.reset(seed=seed), second.reset(seed=seed)
        assert (text, comparable(info)) == (other_text, comparable(other_info))
        results = play(first, actions)
        assert results == play(second, actions)
        assert results[-1][2] or results[-1][3]


def test_seeds_differ_and_so_do_the_mazes_of_one_seed():
    env = TokenMazeEnv()
    texts = [env.reset(seed=seed)[0] for seed in (1, 2, None, None)]
    assert len(set(texts)) == 4


def test_the_same_seed_gives_the_same_bytes_in_another_process():
    first = run_python(PRINT_EPISODES, PYTHONHASHSEED="1")
    assert first.count("<|target|>") > 10
    assert run_python(PRINT_EPISODES, PYTHONHASHSEED="2") == first


def test_a_pickled_environment_goes_on_as_the_original():
    env = TokenMazeEnv(5, 4)
    fresh = pickle.loads(pickle.dumps(env))
    assert fresh.reset(seed=3)[0] == env.reset(seed=3)[0]
    env.step(0)
    again = pickle.loads(pickle.dumps(env))
    actions = np.random.default_rng(1).integers(4, size=100).tolist()
    assert play(again, actions) == play(env, actions)
    assert again.reset()[0] == env.reset()[0]


def section(title):
    """The text of one section of the environment's docstring."""
    return inspect.getdoc(TokenMazeEnv).partition(f"## {title}\n")[2].partition("\n## ")[0]


def test_the_docstring_has_the_sections_of_gymnasium():
    titles = re.findall(r"^## (.*)$", inspect.getdoc(TokenMazeEnv), re.MULTILINE)
    assert titles == [
        "Description",
        "Action Space",
        "Observation Space",
        "Several Sizes",
        "Partial Observability",
        "Starting State",
        "Rewards",
        "Episode End",
        "Information",
        "Copies",
        "Arguments",
        "Example",
        "Version History",
    ]
    assert all(section(title).strip() for title in titles)
    assert "Termination:" in section("Episode End")
    assert "Truncation:" in section("Episode End")


def test_an_environment_shows_its_size_generator_and_view_radius():
    assert repr(TokenMazeEnv()) == "TokenMazeEnv(5x5 dfs)"
    assert repr(TokenMazeEnv(3, 4, generator="prim", view_radius=1)) == "TokenMazeEnv(3x4 prim, view_radius=1)"


def test_the_documented_info_keys_are_the_returned_ones_and_mean_what_is_said():
    env = TokenMazeEnv(2, 3)
    _, info = env.reset(options={"maze": ROOM})
    documented = set(re.findall(r"`(\w+)`: ", section("Information")))
    assert documented == set(info) == set(env.step(3)[4])
    assert comparable(info) == {
        "agent_position": [0, 0],
        "target_position": [0, 2],
        "action_mask": [0, 1, 0, 1],
        "distance": 2,
        "step_count": 0,
        "last_move": "none",
    }
    assert info["action_mask"].dtype == np.int8
    assert env.action_space.sample(info["action_mask"]) in (1, 3)


def test_the_documented_arguments_are_the_constructors():
    documented = set(re.findall(r"`(\w+)`", section("Arguments").replace("`None`", "")))
    assert documented == set(inspect.signature(TokenMazeEnv).parameters) - {"unknown"}


@pytest.mark.parametrize("size", [(2, 2), (2, 64), (64, 2), (3, 4), (33, 17), (64, 64)], ids=str)
def test_all_sizes_from_2_to_64_play_and_are_solved_by_the_oracle(size):
    env = TokenMazeEnv(*size)
    text, info = env.reset(seed=1)
    assert text in env.observation_space
    path = shortest_path(env.maze)
    assert info["distance"] == len(path) <= env.max_steps
    total = 0.0
    for move in path:
        text, reward, terminated, truncated, info = env.step(int(move))
        assert not truncated
        total += reward
    assert terminated
    assert text in env.observation_space
    assert info["distance"] == 0
    assert total == pytest.approx(1.1)


@pytest.mark.parametrize("size", [(1, 5), (5, 65), (0, 0)], ids=str)
def test_other_sizes_are_refused(size):
    with pytest.raises(ImpossibleMaze, match="from 2 to 64"):
        TokenMazeEnv(*size)


@pytest.mark.parametrize("arguments", [{"min_length": 25}, {"min_length": 4, "max_length": 3}, {"max_length": 0}])
def test_impossible_length_bounds_are_refused_at_construction(arguments):
    with pytest.raises(ImpossibleMaze, match=r"Expects m\w+_length .*, actual: "):
        gymnasium.make("TokenMaze-v0", **arguments)


@pytest.mark.parametrize("maze", [EXAMPLE_TEXT, EXAMPLE_TEXT.replace("\n", " "), maze_from_text(EXAMPLE_TEXT)])
def test_a_given_maze_is_played_exactly_and_the_example_is_solved_in_16_moves(maze):
    env = TokenMazeEnv()
    text, _ = env.reset(options={"maze": maze})
    assert text == EXAMPLE_TEXT
    results = play(env, tokens_of(EXAMPLE_ANSWER))
    assert len(results) == 16
    assert [terminated for _, _, terminated, _, _ in results] == [False] * 15 + [True]
    assert sum(reward for _, reward, _, _, _ in results) == pytest.approx(1.1)
    last = results[-1][0]
    assert last == EXAMPLE_TEXT.replace("<|origin|>", "<|blank|>").replace("<|target|>", "<|origin|>")
    assert last in env.observation_space


def test_a_given_maze_leaves_the_random_generator_where_it_was():
    env, other = TokenMazeEnv(), TokenMazeEnv()
    env.reset(seed=5, options={"maze": EXAMPLE_TEXT})
    other.reset(seed=5, options={"maze": None})
    env.reset(seed=5)
    assert env.reset()[0] == other.reset()[0]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"maze": "<|0-0|><|no_wall|><|blank|>"}, InvalidMazeText, r"actual: <\|0-0\|>"),
        ({"maze": EXAMPLE_TEXT}, InvalidMaze, "Expects a maze of 2x3, actual: 5x5"),
        (
            {"maze": Maze.from_ascii(CUT_OFF_ASCII)},
            InvalidMaze,
            r"Expects a path from \(0, 0\) to \(0, 2\), actual: none",
        ),
        ({"mase": ROOM}, UnknownName, r"Expects a reset option out of .*, actual: 'mase'. Did you mean 'maze'\?"),
    ],
)
def test_a_bad_reset_is_a_clear_error_and_leaves_the_episode_as_it_was(options, error, message):
    # Found in this package: distances of the refused maze stayed behind and priced the steps of the old one.
    env, untouched = TokenMazeEnv(2, 3), TokenMazeEnv(2, 3)
    env.reset(options={"maze": ROOM})
    untouched.reset(options={"maze": ROOM})
    with pytest.raises(error, match=message):
        env.reset(options=options)
    assert play(env, [1, 3, 3, 0]) == play(untouched, [1, 3, 3, 0])


def test_every_observation_is_a_maze_to_solve_from_where_the_agent_stands():
    env = TokenMazeEnv(4, 5)
    env.reset(seed=0)
    generator = np.random.default_rng(0)
    for _ in range(60):
        text, _, terminated, truncated, info = env.step(int(generator.integers(4)))
        if terminated or truncated:
            break
        maze = maze_from_text(text)
        assert maze == env.maze.with_endpoints(tuple(info["agent_position"]), tuple(info["target_position"]))
        assert info["distance"] == bfs(maze.walls, maze.target)[maze.origin]
        assert info["action_mask"].tolist() == [int(maze.is_open(maze.origin, move)) for move in MOVES]
        again, _ = TokenMazeEnv(4, 5).reset(options={"maze": text})
        assert again == text


@pytest.mark.parametrize(
    ("action", "last_move"), [("<|up|>", "left_grid"), (0, "left_grid"), (2, "hit_wall"), ("<|right|>", "hit_wall")]
)
def test_a_refused_move_leaves_the_agent_costs_a_step_pays_nothing_and_is_flagged(action, last_move):
    shut = Maze.from_ascii("""
        +---+---+---+
        |   | O |   |
        +   +   +   +
        |         X |
        +---+---+---+
    """)
    env = TokenMazeEnv(2, 3)
    before, _ = env.reset(options={"maze": shut})
    text, reward, terminated, truncated, info = env.step(action)
    assert (text, reward, terminated, truncated) == (before, 0.0, False, False)
    assert (info["last_move"], info["step_count"], info["agent_position"].tolist()) == (last_move, 1, [0, 1])


def test_an_episode_is_truncated_after_max_steps_and_not_when_the_last_one_arrives():
    env = TokenMazeEnv(2, 3, max_steps=3)
    env.reset(options={"maze": ROOM})
    assert [result[2:4] for result in play(env, [0, 0, 0, 0])] == [(False, False), (False, False), (False, True)]
    env.reset(options={"maze": ROOM})
    assert [result[2:4] for result in play(env, [0, 3, 3])][-1] == (True, False)


def test_max_steps_is_4_for_each_cell_and_can_be_tightened():
    assert TokenMazeEnv(3, 5).max_steps == 60
    env = gymnasium.make("TokenMaze-v0", rows=2, cols=3, max_episode_steps=1)
    env.reset(options={"maze": ROOM})
    assert env.step(0)[2:4] == (False, True)
    with pytest.raises(InvalidConfig, match="Expects max_steps of at least 1, actual: 0"):
        TokenMazeEnv(max_steps=0)


@pytest.mark.parametrize("action", [4, -1, "up", None, 1.0, True])
def test_an_action_that_is_none_is_refused_and_changes_nothing(action):
    env = TokenMazeEnv(2, 3)
    env.reset(options={"maze": ROOM})
    with pytest.raises(InvalidMove, match="Expects a move"):
        env.step(action)
    assert env.step(3)[4]["step_count"] == 1


def test_a_step_before_the_first_reset_is_refused():
    with pytest.raises(gymnasium.error.ResetNeeded, match="Expects reset"):
        TokenMazeEnv().step(0)


@pytest.mark.parametrize("split", ["train", "validation", "benchmark"])
def test_the_mazes_are_of_the_split_that_was_asked_for_and_of_train_by_default(split):
    env = TokenMazeEnv() if split == "train" else TokenMazeEnv(split=split)
    env.reset(seed=0)
    for _ in range(40):
        env.reset()
        assert split_of(env.maze.walls) == split


def test_the_drawing_shows_agent_target_and_the_cells_it_has_left():
    env = TokenMazeEnv(2, 3, render_mode="ansi")
    env.reset(options={"maze": ROOM})
    assert env.render() == ROOM.to_ascii()
    env.step("<|right|>")
    assert env.render() == ROOM.to_ascii().replace("| O       X |", "| .   O   X |")
    env.step("<|right|>")
    assert env.render() == ROOM.to_ascii().replace("| O       X |", "| .   .   O |")


def test_a_vector_of_environments_plays_as_each_alone():
    makers = [lambda: gymnasium.make("TokenMaze-v0", rows=4, cols=4)] * 3
    vector, singles = SyncVectorEnv(makers), [make() for make in makers]
    texts, _ = vector.reset(seed=[1, 2, 3])
    assert list(texts) == [env.reset(seed=seed)[0] for env, seed in zip(singles, (1, 2, 3), strict=True)]
    generator = np.random.default_rng(0)
    for _ in range(10):
        actions = generator.integers(4, size=3)
        texts, rewards, terminated, _, infos = vector.step(actions)
        alone = [env.step(action) for env, action in zip(singles, actions, strict=True)]
        assert list(texts) == [result[0] for result in alone]
        assert rewards.tolist() == [result[1] for result in alone]
        assert infos["distance"].tolist() == [result[4]["distance"] for result in alone]
        if terminated.any():  # from here on the vector resets by itself
            break


def test_the_public_names_exist():
    assert all(hasattr(maze_env, name) for name in maze_env.__all__)
    assert maze_to_text(maze_env.generate(1, maze_env.MazeSpec())) in TokenMazeEnv().observation_space


def test_an_episode_says_how_it_ended_and_what_ended_it():
    env = TokenMazeEnv(2, 2, max_steps=2)
    env.reset(options={"maze": Maze([[5, 9], [14, 14]], (0, 0), (1, 1))})
    assert (env.end, env.ended_by) == (None, None)
    env.step("<|right|>")
    env.step("<|down|>")
    assert (env.end, env.ended_by) == (End.SOLVED, EndedBy.ENVIRONMENT)
    env.reset(options={"maze": Maze([[5, 9], [14, 14]], (0, 0), (1, 1))})
    env.step("<|right|>")
    env.step("<|right|>")
    assert (env.end, env.ended_by) == (End.SHORT_OF_TARGET, EndedBy.STEP_BUDGET)
