"""The text space: what it holds, what it draws, and that no vector environment can corrupt it."""

import functools
import importlib
import pickle
import sys
import types

import gymnasium
import pytest
from gymnasium import spaces
from gymnasium.spaces import Text
from gymnasium.vector import AsyncVectorEnv, SyncVectorEnv
from gymnasium.vector.utils import batch_space, concatenate, create_empty_array, iterate
from gymnasium.wrappers.utils import create_zero_array
from hypothesis import given

from maze_env.errors import ImpossibleMaze
from maze_env.maze import Maze
from maze_env.spaces import MazeText
from maze_env.splits import split_of
from maze_env.tokens import maze_from_text, maze_to_text
from tests.maze_env.golden import EXAMPLE_TEXT, ROOM_ASCII, ROOM_TEXT, cells_of, endpoint_pairs, mazes


@pytest.mark.parametrize("size", [(2, 2), (5, 5), (3, 7), (64, 64)], ids=str)
def test_samples_are_solvable_mazes_of_the_size_and_in_the_space(size):
    space = MazeText(*size, seed=0)
    for _ in range(20):
        text = space.sample()
        assert text in space
        assert maze_from_text(text).walls.shape == size


def test_samples_come_from_every_split():
    # 400 seeded layouts: one of the two shares of 5 % would be missing with a chance of 2 * 0.95**400, 2e-9.
    space = MazeText(5, 5, seed=0)
    assert {split_of(maze_from_text(space.sample()).walls) for _ in range(400)} == {"train", "validation", "benchmark"}


def test_a_seed_fixes_the_samples_and_seeds_differ():
    draws = [[MazeText(5, 5, seed=seed).sample() for _ in range(3)] for seed in (1, 1, 2)]
    assert draws[0] == draws[1]
    assert draws[0] != draws[2]


def test_spaces_are_equal_exactly_when_their_sizes_are():
    assert MazeText(3, 4, seed=1) == MazeText(3, 4, seed=2)
    assert hash(MazeText(3, 4)) == hash(MazeText(3, 4))
    assert MazeText(3, 4) != MazeText(4, 3)
    assert MazeText(3, 4) != Text(10)


def test_a_pickled_space_is_equal_and_goes_on_with_the_same_samples():
    space = MazeText(4, 5, seed=3)
    space.sample()
    again = pickle.loads(pickle.dumps(space))
    assert again == space
    assert again.sample() == space.sample()


def test_the_text_survives_the_way_to_json_and_back():
    space = MazeText(2, 3)
    assert space.from_jsonable(space.to_jsonable([ROOM_TEXT])) == [ROOM_TEXT]


@given(mazes())
def test_the_agent_anywhere_is_in_the_space_the_target_included(maze):
    space = MazeText(maze.rows, maze.cols)
    for agent in cells_of(maze.rows, maze.cols):
        assert maze_to_text(maze, agent) in space


def test_every_terminal_text_is_in_the_space_with_the_agent_in_any_cell():
    # The agent in cell 0 is the case that a target lent to the first cell would get wrong.
    space = MazeText(2, 3)
    for origin, target in endpoint_pairs(2, 3):
        text = maze_to_text(Maze.from_ascii(ROOM_ASCII).with_endpoints(origin, target), agent=target)
        assert "<|target|>" not in text
        assert text in space


@pytest.mark.parametrize(
    "text",
    [
        EXAMPLE_TEXT,  # another size
        "",
        "no maze",
        ROOM_TEXT.replace("<|origin|>", "<|blank|>"),
        ROOM_TEXT.replace("<|origin|>", "<|blank|>").replace("<|target|>", "<|blank|>"),
        ROOM_TEXT.replace("<|blank|>", "<|origin|>"),
        ROOM_TEXT.replace("<|target|>", "<|origin|>"),
        ROOM_TEXT.replace("<|target|>", "<|blank|>") + "stray",
        ROOM_TEXT.replace("<|target|>", "<|blank|>").replace("up_wall", "no_wall"),
        ROOM_TEXT.replace("<|target|>", "<|up|>"),
        ROOM_TEXT.replace("><", "> <", 1),  # mazes to the reader of texts, but nothing that an environment writes
        ROOM_TEXT.replace("\n", ""),
        ROOM_TEXT + "\n",
        ROOM_TEXT.replace("<|target|>", "<|blank|>").replace("\n", "\n\n", 1),
        ROOM_TEXT.replace("<|1-2|>", f"<|1-{'9' * 5000}|>"),  # Python refuses to read so long a number
        ROOM_TEXT.encode(),
        None,
        3,
    ],
    ids=lambda text: repr(text)[:40],
)
def test_anything_else_is_not_in_the_space(text):
    assert text not in MazeText(2, 3)


def test_the_space_takes_no_mask():
    with pytest.raises(ValueError, match="Expects no mask"):
        MazeText(2, 2).sample(mask=1)


def test_async_vectors_with_shared_memory_refuse_at_construction():
    # Gymnasium's AsyncVectorEnv with its default shared memory turns every `Text` observation into fill characters.
    with pytest.raises(ValueError, match=r"shared_memory=True.* caused an error"):
        AsyncVectorEnv([lambda: gymnasium.make("TokenMaze-v0")] * 2)


@pytest.mark.parametrize("view_radius", [None, 0])
@pytest.mark.parametrize("size", [(2, 2), (5, 4), (20, 20)], ids=str)
def test_what_gymnasium_asks_of_a_space(size, view_radius):
    space = MazeText(*size, view_radius, seed=0)
    texts = [space.sample() for _ in range(5)] + [create_zero_array(space)]
    for text in texts:
        flat = spaces.flatten(space, text)
        assert text in space
        assert flat in spaces.flatten_space(space)
        assert flat.shape == (spaces.flatdim(space),)
        assert spaces.unflatten(space, flat) == text
    batched = batch_space(space, len(texts))
    together = concatenate(space, texts, create_empty_array(space, len(texts)))
    assert together in batched
    assert create_empty_array(space, 3) in batch_space(space, 3)
    assert list(iterate(batched, together)) == texts
    assert spaces.utils.is_space_dtype_shape_equiv(space, MazeText(*size, view_radius))
    both = spaces.Dict(text=space, number=spaces.Discrete(3))
    assert spaces.flatten(both, {"text": texts[0], "number": 1}) in spaces.flatten_space(both)


def test_a_text_beyond_the_vocabulary_is_not_flattened():
    with pytest.raises(ImpossibleMaze, match=r"Expects sides of at most 20 for a flattened text .* actual: 2x21"):
        spaces.flatten_space(MazeText(2, 21))


def test_mazes_of_several_sizes_play_side_by_side():
    makers = [lambda side=side: gymnasium.make("TokenMaze-v0", rows=side, cols=side) for side in (3, 5)]
    envs = SyncVectorEnv(makers, observation_mode="different")
    texts, _ = envs.reset(seed=0)
    assert texts in envs.observation_space
    assert [len(text.splitlines()) for text in texts] == [3, 5]
    assert envs.step([0, 1])[0] in envs.observation_space


def test_minari_is_told_of_a_text_of_enough_characters(monkeypatch):
    # Minari is no dependency of the tests: its function, with the one entry that ours builds on.
    @functools.singledispatch
    def serialize_space(space, to_string=True):
        raise NotImplementedError

    serialize_space.register(Text, lambda space, to_string=True: space)
    serialization = types.SimpleNamespace(serialize_space=serialize_space)
    monkeypatch.setitem(sys.modules, "minari", types.ModuleType("minari"))
    monkeypatch.setitem(sys.modules, "minari.serialization", serialization)
    monkeypatch.delitem(sys.modules, "maze_env.minari", raising=False)
    importlib.import_module("maze_env.minari")
    for size in ((2, 2), (3, 11), (64, 64)):
        for view_radius in (None, 1):
            space = MazeText(*size, view_radius, seed=0)
            assert space.sample() in serialize_space(space)
