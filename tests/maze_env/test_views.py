"""The views: what each shows, by hand on one maze, and the same through keyword, wrapper and batch."""

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.wrappers import (
    DelayObservation,
    FlattenObservation,
    FrameStackObservation,
    RecordEpisodeStatistics,
    TimeAwareObservation,
    TimeLimit,
)

from maze_env import wrappers
from maze_env.errors import ImpossibleMaze, InvalidConfig, UnknownName
from maze_env.generation import GENERATORS
from maze_env.token_maze import TokenMazeEnv
from maze_env.views import VIEWS, make_view
from maze_env.vocabulary import ID_OF_TOKEN, VOCABULARY
from tests.maze_env.golden import EXAMPLE_TEXT, ROOM_TEXT

WRAPPERS = {
    "text": wrappers.TextObservation,
    "tokens": wrappers.TokensObservation,
    "grid": wrappers.GridObservation,
    "state": wrappers.StateObservation,
}


def played(view, text=ROOM_TEXT, rows=2, cols=3, **options):
    env = TokenMazeEnv(rows, cols, split=None, view=view, **options)
    return env, env.reset(options={"maze": text})[0]


def test_tokens_are_the_texts_tokens():
    env, ids = played("tokens", EXAMPLE_TEXT, 5, 5)
    assert (ids.shape, ids.dtype) == ((80,), np.int32)
    assert "".join(VOCABULARY[index] for index in ids) == EXAMPLE_TEXT
    ids = env.step("<|up|>")[0]
    assert "".join(VOCABULARY[index] for index in ids) == EXAMPLE_TEXT  # a wall held it
    ids = env.step("<|down|>")[0]
    moved = EXAMPLE_TEXT.replace("<|origin|>", "<|blank|>")
    moved = moved.replace("<|4-1|><|down_right_wall|><|blank|>", "<|4-1|><|down_right_wall|><|origin|>")
    assert "".join(VOCABULARY[index] for index in ids) == moved


def test_the_grid_has_a_channel_for_each_wall_the_agent_and_the_target():
    env, grid = played("grid")
    assert (grid.shape, grid.dtype) == ((6, 2, 3), np.uint8)
    expected = {
        0: [[1, 1, 1], [0, 0, 0]],
        1: [[0, 0, 0], [1, 1, 1]],
        2: [[1, 0, 0], [1, 0, 0]],
        3: [[0, 0, 1], [0, 0, 1]],
        4: [[1, 0, 0], [0, 0, 0]],
        5: [[0, 0, 1], [0, 0, 0]],
    }
    assert grid.tolist() == list(expected.values())
    env.step(3)
    grid, _, terminated, _, _ = env.step(3)
    assert terminated
    assert grid[4].tolist() == grid[5].tolist() == expected[5]  # on the target, both


def test_the_state_is_the_number_of_the_cell():
    env, state = played("state")
    assert state == 0
    assert [env.step(move)[0] for move in (1, 3, 3, 0)] == [3, 4, 5, 2]


def test_fog_hides_the_walls_of_cells_not_seen_in_every_view():
    unseen = ID_OF_TOKEN["<|unseen|>"]
    _, text = played("text", view_radius=0)
    assert text.count("<|unseen|>") == 5
    assert text.startswith("<|0-0|><|up_left_wall|><|origin|><|0-1|><|unseen|><|blank|><|0-2|><|unseen|><|target|>\n")
    _, ids = played("tokens", view_radius=0)
    assert "".join(VOCABULARY[index] for index in ids) == text
    assert (ids == unseen).sum() == 5
    env, grid = played("grid", view_radius=0)
    assert grid.shape == (7, 2, 3)
    assert grid[6].tolist() == [[0, 1, 1], [1, 1, 1]]
    assert grid[:4].sum() == 2
    grid = env.step(3)[0]
    assert grid[6].tolist() == [[0, 0, 1], [1, 1, 1]]


@pytest.mark.parametrize("view_radius", [None, 1])
@pytest.mark.parametrize("view", VIEWS)
def test_wrapper_and_keyword_show_the_same(view, view_radius):
    options = {"rows": 4, "cols": 6, "view_radius": view_radius}
    direct = gymnasium.make("TokenMaze-v0", view=view, **options)
    wrapped = WRAPPERS[view](gymnasium.make("TokenMaze-v0", view="state", **options))
    assert wrapped.observation_space == direct.observation_space
    assert np.array_equal(wrapped.reset(seed=3)[0], direct.reset(seed=3)[0])
    for action in np.random.default_rng(0).integers(0, 4, 30).tolist():
        shown, expected = wrapped.step(action), direct.step(action)
        assert np.array_equal(shown[0], expected[0])
        assert type(shown[0]) is type(expected[0])
        assert shown[1:4] == expected[1:4]


def test_a_wrapper_refuses_another_environment():
    with pytest.raises(InvalidConfig, match="Expects a TokenMaze environment inside, actual: FrozenLakeEnv"):
        wrappers.GridObservation(gymnasium.make("FrozenLake-v1"))


@pytest.mark.parametrize("view_radius", [None, 0, 2])
@pytest.mark.parametrize("generator", GENERATORS)
@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.filterwarnings("error")
def test_gymnasiums_checker_has_nothing_to_say(view, generator, view_radius):
    options = {"view": view, "generator": generator, "view_radius": view_radius, "braid": 0.5}
    check_env(gymnasium.make("TokenMaze-v0", render_mode="rgb_array", **options).unwrapped)
    check_env(gymnasium.make("TokenMaze-v0", rows=3, cols=7, **options).unwrapped, skip_render_check=True)


def test_views_that_cannot_be_are_refused_by_name():
    with pytest.raises(UnknownName, match=r"Expects a view out of .*, actual: 'girds'. Did you mean 'grid'\?"):
        TokenMazeEnv(view="girds")
    with pytest.raises(ImpossibleMaze, match=r"Expects sides of at most 20 for the 'tokens' view .* actual: 5x21"):
        TokenMazeEnv(5, 21, view="tokens")
    for wrong in (-1, 1.0, True, "2"):
        with pytest.raises(InvalidConfig, match=f"Expects view_radius None .*, actual: {wrong!r}"):
            make_view("text", 5, 5, wrong)


def test_gymnasiums_wrappers_work():
    flat = FlattenObservation(gymnasium.make("TokenMaze-v0", view="grid"))
    assert flat.reset(seed=0)[0].shape == flat.observation_space.shape == (150,)
    assert FlattenObservation(gymnasium.make("TokenMaze-v0", view="state")).reset(seed=0)[0].sum() == 1  # one-hot
    ids, _ = FlattenObservation(gymnasium.make("TokenMaze-v0")).reset(seed=0)  # a text as its tokens
    assert np.array_equal(ids, gymnasium.make("TokenMaze-v0", view="tokens").reset(seed=0)[0])
    stacked = FrameStackObservation(gymnasium.make("TokenMaze-v0"), 3, padding_type="zero")
    texts, _ = stacked.reset(seed=0)
    assert texts in stacked.observation_space
    assert texts[0] == texts[1] != texts[2] == gymnasium.make("TokenMaze-v0").reset(seed=0)[0]
    delayed = DelayObservation(gymnasium.make("TokenMaze-v0", view_radius=1), 1)
    assert delayed.reset(seed=0)[0].count("<|unseen|>") == 25
    assert delayed.step(0)[0] == gymnasium.make("TokenMaze-v0", view_radius=1).reset(seed=0)[0]
    timed = TimeAwareObservation(gymnasium.make("TokenMaze-v0", max_steps=7), flatten=False, normalize_time=True)
    assert timed.max_timesteps == 7
    assert timed.reset(seed=0)[0] in timed.observation_space
    timed = TimeAwareObservation(gymnasium.make("TokenMaze-v0", view="grid", max_steps=7))
    assert timed.reset(seed=0)[0].shape == (151,)
    assert TimeAwareObservation(gymnasium.make("TokenMaze-v0")).reset(seed=0)[0]["obs"].shape == (80,)
    counted = RecordEpisodeStatistics(gymnasium.make("TokenMaze-v0", max_steps=3, min_length=5))
    counted.reset(seed=0)
    assert [counted.step(0)[4].get("episode", {}).get("l") for _ in range(3)] == [None, None, 3]
    limited = TimeLimit(gymnasium.make("TokenMaze-v0", min_length=5), 2)
    limited.reset(seed=0)
    assert [limited.step(0)[3] for _ in range(2)] == [False, True]
    shorter = gymnasium.make("TokenMaze-v0", max_episode_steps=2, min_length=5)
    shorter.reset(seed=0)
    assert [shorter.step(0)[3] for _ in range(2)] == [False, True]


def test_videos_can_be_recorded(tmp_path):
    pytest.importorskip("moviepy", reason="gymnasium's RecordVideo writes with moviepy")
    env = gymnasium.wrappers.RecordVideo(
        gymnasium.make("TokenMaze-v0", render_mode="rgb_array", max_steps=4, min_length=6), str(tmp_path)
    )
    env.reset(seed=0)
    while not env.step(env.action_space.sample())[3]:
        pass
    env.close()
    (video,) = tmp_path.glob("*.mp4")
    assert video.stat().st_size > 1000
