"""Placed mazes come back whole, their answers mean the same, and readers of standard mazes refuse them."""

import re
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maze_env import traces
from maze_env.errors import ImpossibleMaze, InvalidMazeText, UnknownName
from maze_env.maze import Maze
from maze_env.phrasings import phrasing_named
from maze_env.placement import LISTINGS, MAX_NAMES_SIDE, placed_text, read_placed, shift_names
from maze_env.tokens import maze_from_text, maze_to_text
from maze_env.verifier import verify
from tests.maze_env.golden import EXAMPLE_ANSWER, EXAMPLE_TEXT, ROOM_ASCII, ROOM_TEXT, mazes, tokens_of

EXAMPLE, ROOM = maze_from_text(EXAMPLE_TEXT), Maze.from_ascii(ROOM_ASCII)
PLACED_ROOM = """\
<|9-12|><|up_left_wall|><|origin|><|9-13|><|up_wall|><|blank|><|9-14|><|up_right_wall|><|target|>
<|10-12|><|down_left_wall|><|blank|><|10-13|><|down_wall|><|blank|><|10-14|><|down_right_wall|><|blank|>
"""
MOST = MAX_NAMES_SIDE - 1
offsets = st.tuples(st.integers(0, MOST - 5), st.integers(0, MOST - 5))
listings = st.sampled_from(sorted(LISTINGS))


def test_a_room_by_hand():
    assert placed_text(ROOM, (9, 12)) == PLACED_ROOM
    assert placed_text(ROOM, (9, 12), "bottom-up") == "".join(reversed(PLACED_ROOM.splitlines(keepends=True)))
    assert placed_text(ROOM) == ROOM_TEXT
    assert shift_names(PLACED_ROOM, (-9, -12)) == ROOM_TEXT


@given(mazes(), offsets, listings, st.integers(0, 2**64 - 1))
def test_every_maze_is_read_back_from_any_place_and_order(maze, offset, listing, key):
    text = placed_text(maze, offset, listing, key)
    assert read_placed(text) == (maze, offset)
    assert sorted(tokens_of(shift_names(text, (-offset[0], -offset[1])))) == sorted(tokens_of(maze_to_text(maze)))
    assert text.count("\n") == maze.rows


@given(mazes(solvable=True), offsets, st.sampled_from(sorted(traces.TRACE_STYLES)), st.integers(0, 2**64 - 1))
def test_an_answer_about_a_placed_maze_is_the_standard_one_in_its_names(maze, offset, style, key):
    standard = traces.write(style, maze, key)
    completion = shift_names(standard, offset)
    placed = read_placed(placed_text(maze, offset, "shuffled", key)).maze
    back = shift_names(completion, (-offset[0], -offset[1]))
    assert back == standard
    traces.validate(style, placed, back)
    # Moves have no names: whole or cut anywhere, the verdict is the same before it is moved back.
    for text in (standard, *(standard[: Random(key + i).randrange(len(standard))] for i in range(3))):
        assert verify(placed, shift_names(text, offset))._replace(answer=None) == verify(maze, text)._replace(
            answer=None
        )


@given(mazes(), offsets.filter(any), listings)
def test_readers_of_standard_mazes_refuse_it(maze, offset, listing):
    text = placed_text(maze, offset, listing)
    for read in (maze_from_text, phrasing_named("bottom-up").read, phrasing_named("shuffled").read):
        with pytest.raises(
            InvalidMazeText, match=r"Expects (<\|0-0\|> next, row by row|a last cell from .*), actual: <\|"
        ):
            read(text)


def test_a_key_chooses_the_shuffle():
    texts = {placed_text(EXAMPLE, listing="shuffled", key=key) for key in range(20)}
    assert len(texts) == 20
    assert placed_text(EXAMPLE, listing="shuffled", key=7) in texts
    assert placed_text(EXAMPLE, key=1) == placed_text(EXAMPLE, key=2)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("<|10-13|>", "<|10-12|>", "Expects <|10-13|> next, row by row, actual: <|10-12|>"),
        ("<|10-13|><|down_wall|><|blank|>", "", "Expects <|10-13|> next"),
        ("<|10-13|>", "<|010-13|>", "Expects <|10-13|> next, row by row, actual: <|10-14|>"),
        ("<|10-14|>", "so <|10-14|>", "Expects nothing but maze tokens, actual: 'so'"),
        ("<|up_wall|>", "<|wall|>", "Expects a wall token in cell <|9-13|>, actual: <|wall|>"),
        ("<|up_wall|>", "<|unseen|>", "in cell <|9-13|>"),
        ("<|blank|>", "<|origin|>", "actual: one in <|9-12|> and one in <|9-13|>"),
        (PLACED_ROOM, "no maze", "Expects the tokens of a maze, actual: 'no maze'"),
        (PLACED_ROOM, "", "Expects the tokens of a maze, actual: ''"),
    ],
)
def test_what_is_wrong_is_said_in_the_names_of_the_text(old, new, message):
    assert old in PLACED_ROOM
    with pytest.raises(InvalidMazeText, match=re.escape(message)):
        read_placed(PLACED_ROOM.replace(old, new, 1))


def test_what_does_not_fit_is_an_error():
    assert read_placed(placed_text(ROOM, (MOST - 1, MOST - 2))) == (ROOM, (MOST - 1, MOST - 2))
    for offset in ((MOST, 0), (0, MOST - 1), (-1, 0), (0, -1)):
        with pytest.raises(ImpossibleMaze, match="Expects a place in a grid of 10000x10000 names"):
            placed_text(ROOM, offset)
    with pytest.raises(UnknownName, match="Did you mean 'bottom-up'"):
        placed_text(ROOM, listing="bottom_up")


def test_text_is_moved_whole_or_not_at_all():
    assert shift_names(f"so <|3-1|> {EXAMPLE_ANSWER} (3,1)", (1, 2)) == f"so <|4-3|> {EXAMPLE_ANSWER} (3,1)"
    with pytest.raises(InvalidMazeText, match=re.escape("from 0 to 9999 once moved by (-4, 0), actual: <|3-1|>")):
        shift_names("<|5-0|><|3-1|>", (-4, 0))
    with pytest.raises(InvalidMazeText, match=re.escape("actual: <|3-9999|>")):
        shift_names("<|3-9999|>", (0, 1))
