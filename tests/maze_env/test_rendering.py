"""Pictures: what is drawn where."""

import gymnasium
import numpy as np
import pytest

from maze_env import rendering
from maze_env.generation import MazeSpec, generate
from maze_env.symmetry import transform_maze
from maze_env.token_maze import TokenMazeEnv
from maze_env.vector import TokenMazeVectorEnv
from tests.maze_env.test_visibility import CORNER


def episode(mode, actions, **options):
    env = TokenMazeEnv(3, 4, split=None, render_mode=mode, **options)
    env.reset(options={"maze": CORNER})
    for action in actions:
        env.step(action)
    return env


def test_the_text_shows_the_way_walked_and_the_walls_that_refused():
    assert episode("ansi", [3, 1, 1, 2, 3]).render() == (
        "+---+---+---+---+\n"
        "| . !           |\n"
        "+   +   +---+   +\n"
        "| . |       |   |\n"
        "+   +---+   +   +\n"
        "! .   O     | X |\n"
        "+---+---+---+---+"
    )


def test_the_text_shows_what_fog_hides():
    assert episode("ansi", [0], view_radius=0).render() == (
        "+-!-+---+---+---+\n"
        "| O | ?   ?   ? |\n"
        "+   +   +   +   +\n"
        "| ?   ?   ?   ? |\n"
        "+   +   +   +   +\n"
        "| ?   ?   ?   X |\n"
        "+---+---+---+---+"
    )


def pixel(picture, row, col):
    """The colour in the middle of a cell, rows and columns counted in halves: whole for cells, .5 for walls between."""
    cell = 128
    return tuple(picture[int(row * cell + cell // 2) + 5, int(col * cell + cell // 2) + 5].tolist())


def test_the_picture_has_each_thing_in_its_colour():
    picture = episode("rgb_array", [3, 1, 1, 3]).render()
    assert picture.dtype == np.uint8
    assert picture.shape == (3 * 128 + 10, 4 * 128 + 10, 3)
    assert pixel(picture, 2, 1) == rendering.AGENT_COLOR
    assert pixel(picture, 2, 3) == rendering.TARGET_COLOR
    assert pixel(picture, 0, 2) == rendering.FLOOR_COLOR
    assert pixel(picture, 1, 0) == pixel(picture, 1.5, 0) == rendering.PATH_COLOR
    assert tuple(picture[64, 128 + 5]) == rendering.ILLEGAL_COLOR
    assert tuple(picture[128 + 64, 128 + 5]) == rendering.WALL_COLOR
    assert tuple(picture[25, 25]) == rendering.ORIGIN_COLOR
    fog = episode("rgb_array", [1], view_radius=0).render()
    assert pixel(fog, 0, 2) == rendering.UNSEEN_COLOR
    assert pixel(fog, 2, 3) == rendering.TARGET_COLOR  # where it lies is known


@pytest.mark.parametrize("size", [(2, 2), (2, 64), (64, 2), (20, 20), (64, 64)], ids=str)
def test_every_size_gives_a_sharp_picture_of_some_512_pixels(size):
    env = gymnasium.make("TokenMaze-v0", rows=size[0], cols=size[1], render_mode="rgb_array", view_radius=3)
    env.reset(seed=0)
    for _ in range(30):
        env.step(env.action_space.sample())
    picture = env.render()
    assert 480 <= max(picture.shape) <= 560
    lines = {
        rendering.WALL_COLOR,
        rendering.FLOOR_COLOR,
        rendering.UNSEEN_COLOR,
        rendering.TARGET_COLOR,
        rendering.ORIGIN_COLOR,
        rendering.PATH_COLOR,
    }
    lines |= {rendering.ILLEGAL_COLOR}
    cell = max(8, 512 // max(size) // 2 * 2)
    row, col = env.unwrapped.position
    outside = np.ones(picture.shape[:2], dtype=bool)
    outside[row * cell : (row + 1) * cell + 9, col * cell : (col + 1) * cell + 9] = False
    assert {
        tuple(color) for color in np.unique(picture[outside], axis=0).tolist()
    } <= lines  # blended in the disc alone


@pytest.mark.parametrize("side", range(2, 65))
def test_both_sides_of_every_picture_are_even(side):
    # Found in this package: of 63 square sizes 42 were odd, and their videos of a kind that many players refuse.
    maze = generate(0, MazeSpec(side, 2 + side % 7, split=None))
    for turned in (maze, transform_maze(maze, 4)):
        height, width, _ = rendering.draw_pixels(rendering.Scene(turned.walls, turned, turned.origin)).shape
        assert (height % 2, width % 2) == (0, 0)


@pytest.mark.parametrize("make", [TokenMazeEnv, lambda: TokenMazeVectorEnv(2)], ids=["single", "vector"])
def test_no_mode_no_picture_and_a_warning_as_gymnasiums_own(make):
    env = make()
    env.reset(seed=0)
    with pytest.warns(UserWarning, match="You are calling render method without specifying any render mode"):
        assert env.render() is None
