"""Every phrasing can be read back, says what is wrong with a text, and puts answers into standard tokens."""

import re

import pytest
from hypothesis import given

from maze_env.errors import InvalidMaze, InvalidMazeText, UnknownName
from maze_env.maze import Maze
from maze_env.phrasings import (
    PHRASINGS,
    STANDARD,
    maze_from_adjacency,
    maze_from_cells,
    open_sides,
    phrasing_named,
    rename,
    transpose,
)
from maze_env.tokens import MAZE_TOKEN, maze_from_text, maze_to_text
from maze_env.verifier import verify
from maze_env.vocabulary import VOCABULARY
from tests.maze_env.golden import EXAMPLE_ANSWER, EXAMPLE_TEXT, ROOM_ASCII, ROOM_TEXT, SEALED_TEXT, mazes

EXAMPLE, ROOM = maze_from_text(EXAMPLE_TEXT), Maze.from_ascii(ROOM_ASCII)
RENAMED_ROOM = """\
<|0-0|><|closed_north_west|><|start|><|0-1|><|closed_north|><|empty|><|0-2|><|closed_north_east|><|goal|>
<|1-0|><|closed_south_west|><|empty|><|1-1|><|closed_south|><|empty|><|1-2|><|closed_south_east|><|empty|>
"""
TRANSPOSED_ROOM = """\
<|0-0|><|up_left_wall|><|origin|><|1-0|><|up_wall|><|blank|><|2-0|><|up_right_wall|><|target|>
<|0-1|><|down_left_wall|><|blank|><|1-1|><|down_wall|><|blank|><|2-1|><|down_right_wall|><|blank|>
"""
SHUFFLED_ROOM = """\
<|1-1|><|down_wall|><|blank|><|0-2|><|up_right_wall|><|target|><|0-1|><|up_wall|><|blank|>
<|1-0|><|down_left_wall|><|blank|><|1-2|><|down_right_wall|><|blank|><|0-0|><|up_left_wall|><|origin|>
"""
ADJACENT_ROOM = (
    "2x3\n<ADJLIST_START> (0,0) <--> (1,0) ; (0,0) <--> (0,1) ; (0,1) <--> (1,1) ; (0,1) <--> (0,2) ; "
    "(0,2) <--> (1,2) ; (1,0) <--> (1,1) ; (1,1) <--> (1,2) ; <ADJLIST_END> "
    "<ORIGIN_START> (0,0) <ORIGIN_END> <TARGET_START> (0,2) <TARGET_END>"
)
ROOMS = {
    "standard": ROOM_TEXT,
    "terse": ROOM_TEXT,
    "renamed": RENAMED_ROOM,
    "transposed": TRANSPOSED_ROOM,
    "bottom-up": "".join(reversed(ROOM_TEXT.splitlines(keepends=True))),
    "shuffled": SHUFFLED_ROOM,
    "adjacency": ADJACENT_ROOM,
    "ascii": ROOM_ASCII.strip(),
}


@pytest.mark.parametrize("name", PHRASINGS)
def test_a_room_by_hand(name):
    assert PHRASINGS[name].write(ROOM) == ROOMS[name]


@given(mazes())
def test_every_maze_is_read_back(maze):
    for phrasing in PHRASINGS.values():
        assert phrasing.read(phrasing.write(maze)) == maze


def test_all_that_is_renamed_has_a_name_of_its_own():
    sealed = rename(SEALED_TEXT)  # every kind of wall, all four and none included
    assert "<|all_closed|>" in sealed
    assert "<|all_open|>" in sealed
    tokens = {token for text in (EXAMPLE_TEXT, SEALED_TEXT, EXAMPLE_ANSWER) for token in MAZE_TOKEN.findall(text)}
    names = {token for token in tokens if "-" not in token}
    assert len({rename(name) for name in names}) == len(names)
    assert not {rename(name) for name in names} & set(VOCABULARY)


@pytest.mark.parametrize("name", PHRASINGS)
def test_translation_is_its_own_inverse(name):
    text = f"<think>{EXAMPLE_TEXT}</think>\n\n{EXAMPLE_ANSWER}"
    translate = PHRASINGS[name].translate
    assert translate(translate(text)) == text


def test_answers_are_judged_in_the_tokens_of_their_phrasing():
    assert verify(ROOM, rename("<|east|> <|east|>"))
    assert verify(ROOM, rename("<|right|><|right|>")).end == "stray_text"  # such tokens are none there
    assert transpose("<|3-1|><|down|>") == "<|1-3|><|down|>"  # a coordinate in a trace is put right, a move stays


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("<|1-1|>", "<|1-0|>", "Expects <|1-1|> next, row by row, actual: <|1-0|>"),
        ("<|1-1|><|down_wall|><|blank|>", "", "Expects <|1-1|> next"),
        ("<|1-2|>", "so <|1-2|>", "Expects nothing but maze tokens, actual: 'so'"),
        ("<|up_wall|>", "<|wall|>", "Expects a wall token in cell <|0-1|>, actual: <|wall|>"),
        ("<|target|>", "<|blank|>", "Expects exactly one <|target|>, actual: none"),
    ],
)
def test_cells_in_any_order_are_checked_as_those_in_theirs(old, new, message):
    assert old in SHUFFLED_ROOM
    with pytest.raises(InvalidMazeText, match=re.escape(message)):
        maze_from_cells(SHUFFLED_ROOM.replace(old, new, 1))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("2x3\n", "", "Expects ROWSxCOLS, <ADJLIST_START>"),
        ("<ORIGIN_END>", "", "Expects ROWSxCOLS, <ADJLIST_START>"),
        ("(0,0) <--> (1,0)", "(0,0) - (1,0)", "between neighbours in the 2x3 grid, actual: '(0,0) - (1,0)'"),
        ("(0,0) <--> (1,0)", "(0,0) <--> (1,1)", "between neighbours in the 2x3 grid, actual: '(0,0) <--> (1,1)'"),
        ("(0,0) <--> (1,0)", "(0,2) <--> (0,3)", "between neighbours in the 2x3 grid, actual: '(0,2) <--> (0,3)'"),
        ("(0,0) <--> (1,0)", "(1,0) <--> (1,1)", "every open side once, actual: '(1,0) <--> (1,1)' again"),
        ("<TARGET_START> (0,2)", "<TARGET_START> (5,5)", "Expects the target inside the 2x3 grid"),
        ("2x3", "99x3", "Expects a grid of 2x2 to 64x64 cells"),
    ],
)
def test_what_is_wrong_with_an_adjacency_list_is_named(old, new, message):
    assert old in ADJACENT_ROOM
    with pytest.raises(InvalidMaze, match=re.escape(message)):
        maze_from_adjacency(ADJACENT_ROOM.replace(old, new, 1))


def test_the_sides_of_a_list_may_stand_in_any_order():
    head, sides, tail = ADJACENT_ROOM.partition("(0,0) <--> (1,0) ; ")
    assert maze_from_adjacency(head + tail.replace("<ADJLIST_END>", f"{sides}<ADJLIST_END>")) == ROOM
    assert open_sides(EXAMPLE).count("<-->") == 24


@pytest.mark.parametrize("name", ["transposed", "bottom-up", "shuffled"])
def test_what_the_closed_vocabulary_holds_has_as_many_tokens_as_the_standard(name):
    text = PHRASINGS[name].write(EXAMPLE)
    assert sorted(MAZE_TOKEN.findall(text)) == sorted(MAZE_TOKEN.findall(EXAMPLE_TEXT))
    assert text.count("\n") == EXAMPLE_TEXT.count("\n")
    assert text != maze_to_text(EXAMPLE)


def test_an_unknown_phrasing_names_the_nearest():
    assert phrasing_named(STANDARD).write is maze_to_text
    with pytest.raises(UnknownName, match="Did you mean 'transposed'"):
        phrasing_named("transposd")
