"""Several sizes in one environment: a padded maze plays as the maze alone, in observations of one shape."""

import copy
import pickle

import cloudpickle
import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AsyncVectorEnv, AutoresetMode

from maze_env import MazeSpec, generate, maze_from_text
from maze_env.errors import ImpossibleMaze, InvalidConfig, InvalidMaze
from maze_env.maze import Maze
from maze_env.padding import enclosed
from maze_env.spaces import MazeText
from maze_env.token_maze import TokenMazeEnv
from maze_env.vector import TokenMazeVectorEnv
from maze_env.views import VIEWS
from maze_env.vocabulary import ID_OF_TOKEN, PAD
from tests.maze_env.golden import FORK_ASCII, ROOM_ASCII
from tests.maze_env.test_vector import MODES, assert_same, make, make_sync
from tests.maze_env.test_views import WRAPPERS

SIZES = [(2, 2), (3, 5), (5, 3), (4, 4), (6, 5)]
ROOM = (6, 5)
FORK = Maze.from_ascii(FORK_ASCII)


def assert_shown(view, observation, alone, rows, cols, fog):
    """That a padded observation is the one of the maze alone, and what is outside of it."""
    if view == "text":
        assert observation == alone
    elif view == "tokens":
        assert observation[: len(alone)].tolist() == alone.tolist()
        assert set(observation[len(alone) :].tolist()) <= {ID_OF_TOKEN[PAD]}
    elif view == "grid":
        assert observation[:, :rows, :cols].tolist() == alone.tolist()
        outside = np.ones(ROOM, np.bool_)
        outside[:rows, :cols] = False
        assert observation[:4, outside].all()
        assert not observation[4:, outside].any()
        assert observation.shape == (7 if fog else 6, *ROOM)
    else:
        row, col = divmod(int(alone), cols)
        assert observation == row * ROOM[1] + col


@pytest.mark.parametrize("view_radius", [None, 0, 1])
@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_a_smaller_maze_plays_as_it_does_alone(size, view, view_radius):
    options = {"view": view, "view_radius": view_radius, "braid": 0.3, "split": None, "max_steps": 40}
    rows, cols = size
    padded = TokenMazeEnv(2, 2, pad_to=ROOM, render_mode="ansi", **options)
    alone = TokenMazeEnv(rows, cols, render_mode="ansi", **options)
    observation, info = padded.reset(seed=3, options={"rows": rows, "cols": cols})
    expected, expected_info = alone.reset(seed=3)
    assert padded.maze == alone.maze
    for action in [*np.random.default_rng(0).integers(0, 4, 40).tolist(), None]:
        assert observation in padded.observation_space
        assert_shown(view, observation, expected, rows, cols, view_radius is not None)
        assert_same(info, expected_info)
        assert padded.action_masks().tolist() == alone.action_masks().tolist()
        assert padded.render() == alone.render()
        assert np.array_equal(padded.visible_walls, alone.visible_walls)
        if action is None or padded.end is not None:
            break
        (observation, *result, info), (expected, *expected_result, expected_info) = (
            padded.step(action), alone.step(action)
        )  # fmt: skip
        assert result == expected_result


@pytest.mark.parametrize("view_radius", [None, 1])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("view", VIEWS)
def test_a_vector_of_several_sizes_is_as_gymnasiums_of_single_environments(view, mode, view_radius):
    options = {"view": view, "view_radius": view_radius, "pad_to": ROOM, "split": None, "max_steps": 12, "braid": 0.2}
    fast, slow = (
        make(len(SIZES), mode, rows=2, cols=2, **options),
        make_sync(len(SIZES), mode, rows=2, cols=2, **options),
    )
    assert fast.observation_space == slow.observation_space
    specs = [MazeSpec(rows, cols, split=None, generator="wilson") for rows, cols in SIZES]
    fast.set_attr("maze_spec", specs), slow.set_attr("maze_spec", specs)
    assert fast.get_attr("maze_spec") == slow.get_attr("maze_spec") == tuple(specs)
    assert_same(slow.reset(seed=5), fast.reset(seed=5))
    generator, outcomes = np.random.default_rng(0), set()
    for turn in range(50):
        actions = generator.integers(0, 4, len(SIZES))
        expected = slow.step(actions)
        assert_same(expected, fast.step(actions), f"step {turn}")
        outcomes |= set(expected[4]["last_move"])
        done = expected[2] | expected[3]
        if mode == "Disabled" and done.any():
            assert_same(slow.reset(options={"reset_mask": done}), fast.reset(options={"reset_mask": done}), f"{turn}")
    assert {"left_grid", "hit_wall", "moved"} <= outcomes
    assert [(maze.rows, maze.cols) for maze in fast.call("maze")] == SIZES
    assert fast.call("maze") == slow.call("maze")
    for name in ("position", "action_masks", "visible_walls"):
        assert_same(fast.call(name), slow.call(name), name)
    fast.set_attr("maze_spec", MazeSpec(4, 4)), slow.set_attr("maze_spec", MazeSpec(4, 4))
    assert_same(slow.reset(), fast.reset())


@pytest.mark.parametrize("view_radius", [None, 1])
@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.filterwarnings("error")
def test_gymnasiums_checker_has_nothing_to_say(view, view_radius):
    env = gymnasium.make(
        "TokenMaze-v0", rows=3, cols=4, pad_to=(5, 7), view=view, view_radius=view_radius, render_mode="rgb_array"
    )
    check_env(env.unwrapped)
    assert env.spec.max_episode_steps == env.unwrapped.max_steps == 140


@pytest.mark.parametrize("view_radius", [None, 1])
@pytest.mark.parametrize("view", VIEWS)
def test_wrapper_and_keyword_show_the_same(view, view_radius):
    options = {"pad_to": ROOM, "view_radius": view_radius}
    direct = gymnasium.make("TokenMaze-v0", view=view, **options)
    wrapped = WRAPPERS[view](gymnasium.make("TokenMaze-v0", view="state", **options))
    assert wrapped.observation_space == direct.observation_space
    for seed, (rows, cols) in enumerate(SIZES):
        chosen = {"seed": seed, "options": {"rows": rows, "cols": cols}}
        assert np.array_equal(wrapped.reset(**chosen)[0], direct.reset(**chosen)[0])
        for action in (0, 3, 1, 1):
            assert np.array_equal(wrapped.step(action)[0], direct.step(action)[0])


def test_mazes_of_any_size_up_to_the_largest_are_given():
    env, envs = TokenMazeEnv(pad_to=(5, 5)), TokenMazeVectorEnv(2, pad_to=(5, 5))
    mazes = [FORK, generate(0, MazeSpec(5, 4))]
    for maze in mazes:
        assert maze_from_text(env.reset(options={"maze": maze})[0]) == maze
    assert envs.reset(options={"maze": mazes})[0] == tuple(map(str, (env.reset(options={"maze": m})[0] for m in mazes)))
    assert [envs.maze(0), envs.maze(1)] == mazes
    large = generate(0, MazeSpec(5, 6))
    for one in (env, envs):
        with pytest.raises(InvalidMaze, match="Expects a maze of at most 5x5, actual: 5x6"):
            one.reset(options={"maze": large})
        with pytest.raises(InvalidConfig, match="Expects a MazeSpec of at most 5x5, actual: 5x6"):
            one.reset(options={"cols": 6})
        with pytest.raises(ImpossibleMaze, match="Expects rows from 2 to 64, actual: 1"):
            one.reset(options={"rows": 1})
    for one in (TokenMazeEnv(), TokenMazeVectorEnv(2)):
        with pytest.raises(
            InvalidConfig, match=r"Expects a MazeSpec of 5x5, actual: 3x5 \(pad_to makes room for others"
        ):
            one.reset(options={"rows": 3})
        assert one.reset(seed=0, options={"rows": 5})[0] == one.reset(seed=0)[0]


@pytest.mark.parametrize(
    "pad_to", [(4, 9), (9, 4), (5, 65), (5, 5, 5), (5.0, 5.0), ("5", "5"), 5, "55", {5, 6}], ids=str
)
@pytest.mark.parametrize("make_env", [TokenMazeEnv, TokenMazeVectorEnv])
def test_what_makes_no_room_is_refused(make_env, pad_to):
    with pytest.raises(
        InvalidConfig, match=r"Expects pad_to None or \(rows, cols\), from \(5, 5\) to \(64, 64\), actual: "
    ):
        make_env(pad_to=pad_to)
    with pytest.raises(ImpossibleMaze, match=r"Expects sides of at most 20 for the 'tokens' view .* actual: 5x21"):
        make_env(pad_to=(5, 21), view="tokens")


def test_pictures_have_one_shape_and_drawings_show_the_maze_alone():
    env = TokenMazeEnv(pad_to=(6, 6), render_mode="rgb_array", view_radius=1)
    shapes = {env.reset(options={"rows": side, "cols": 5}) and env.render().shape for side in (2, 4, 6)}
    assert len(shapes) == 1
    env.reset(options={"rows": 2, "cols": 3})
    picture = env.render()
    assert (picture[len(picture) // 2 :] == picture[-1, -1]).all()  # rock
    drawn = TokenMazeEnv(pad_to=(6, 6), render_mode="ansi")
    drawn.reset(options={"maze": Maze.from_ascii(ROOM_ASCII)})
    assert drawn.render() == ROOM_ASCII.strip()


@pytest.mark.parametrize("view_radius", [None, 0])
def test_what_gymnasium_asks_of_the_space_of_texts_of_several_sizes(view_radius):
    space = MazeText(4, 6, view_radius, seed=0, smaller=True)
    texts = [space.sample() for _ in range(200)]
    sizes = {(text.count("\n"), text.splitlines()[0].count("<|0-")) for text in texts}
    assert len(sizes) == 15  # 3 * 5; one is missing with a chance of 15 * (14 / 15)**200, 2e-5
    for text in texts:
        assert text in space
        assert text in MazeText(4, 6, 0, smaller=True)
        flat = spaces.flatten(space, text)
        assert flat in spaces.flatten_space(space)
        assert spaces.unflatten(space, flat) == text
    assert MazeText(5, 5).sample() not in space
    assert space != MazeText(4, 6, view_radius)
    assert hash(space) == hash(MazeText(4, 6, view_radius, smaller=True))
    assert repr(MazeText(4, 6, 1, smaller=True)) == "MazeText(4, 6, view_radius=1, smaller=True)"
    assert pickle.loads(pickle.dumps(space)) == space
    assert repr(TokenMazeEnv(3, 4, pad_to=(5, 6))) == "TokenMazeEnv(3x4 dfs, pad_to=(5, 6))"


@pytest.mark.parametrize("view_radius", [None, 1])
@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("remake", [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env)), None])
def test_copies_and_states_keep_the_size(remake, view, view_radius):
    options = {"view": view, "view_radius": view_radius, "pad_to": ROOM}
    env = TokenMazeEnv(**options)
    env.reset(seed=0, options={"rows": 3, "cols": 4})
    env.step(0)
    if remake is None:
        twin = TokenMazeEnv(**options)
        twin.reset(seed=9)
        twin.set_state(pickle.loads(pickle.dumps(env.get_state())))
    else:
        twin = remake(env)
    for action in (1, 3, 1, 2):
        assert_same(twin.step(action), env.step(action))
    assert_same(twin.reset(), env.reset())
    envs = TokenMazeVectorEnv(2, **options)
    envs.reset(seed=0, options={"rows": [3, 5], "cols": [4, 2]})
    state, first = envs.get_state(), envs.step([1, 1])
    envs.reset()
    envs.set_state(state)
    assert_same(envs.step([1, 1]), first)


def test_a_state_of_smaller_mazes_goes_into_no_environment_of_one_size():
    padded, envs = TokenMazeEnv(pad_to=(5, 5)), TokenMazeVectorEnv(2, pad_to=(5, 5))
    padded.reset(options={"rows": 3}), envs.reset(options={"rows": [3, 5]})
    with pytest.raises(InvalidConfig, match="Expects a state of 5x5, view_radius=None, actual: 3x5, padded to 5x5"):
        TokenMazeEnv().set_state(padded.get_state())
    with pytest.raises(InvalidConfig, match="view_radius=None, of smaller mazes"):
        TokenMazeVectorEnv(2).set_state(envs.get_state())
    TokenMazeVectorEnv(2).set_state(envs.get_state()[[1, 1]])  # both 5x5


@pytest.mark.parametrize("context", ["fork", "spawn"])
def test_processes_of_several_sizes_share_memory(context):
    def maker(side):
        return lambda: gymnasium.make("maze_env:TokenMaze-v0", rows=side, cols=side, pad_to=(5, 5), view="tokens")

    envs = AsyncVectorEnv([maker(side) for side in (3, 5)], context=context, autoreset_mode=AutoresetMode.SAME_STEP)
    observations, _ = envs.reset(seed=1)
    envs.close()
    mine = make(2, pad_to=(5, 5), view="tokens").reset(seed=1, options={"rows": [3, 5], "cols": [3, 5]})[0]
    assert np.array_equal(observations, mine)


def test_a_vector_of_several_sizes_is_copied_by_value():
    envs = make(3, "SameStep", pad_to=(5, 5), view="grid", max_steps=5)
    envs.set_attr("maze_spec", [MazeSpec(side, side) for side in (3, 4, 5)])
    envs.reset(seed=0)
    twin = cloudpickle.loads(cloudpickle.dumps(envs))
    for actions in np.random.default_rng(0).integers(0, 4, (12, 3)):
        assert_same(twin.step(actions), envs.step(actions))


def test_an_enclosed_maze_is_the_maze_with_closed_cells_around():
    maze = enclosed(FORK, 4, 5, (1, 2))
    assert maze.walls[1:3, 2:5].tolist() == FORK.walls.tolist()
    outside = np.ones((4, 5), bool)
    outside[1:3, 2:5] = False
    assert set(maze.walls[outside].tolist()) == {15}
    assert (maze.origin, maze.target) == ((1, 2), (1, 4))
    assert enclosed(FORK, 2, 3, (0, 0)) == FORK


@pytest.mark.parametrize("at", [(1, 0), (0, 1), (-1, 0)])
def test_a_maze_that_does_not_fit_is_not_enclosed(at):
    with pytest.raises(ImpossibleMaze, match="fits into 2x3, actual: 2x3 at"):
        enclosed(FORK, 2, 3, at)
