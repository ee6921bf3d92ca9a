"""The token format: vocabulary, golden texts, round trips, and the parsing of answers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maze_env.answers import moves_to_text, parse_answer
from maze_env.attempt import End
from maze_env.generation import MazeSpec, generate
from maze_env.maze import Maze
from maze_env.moves import Move
from maze_env.tokens import WALL_TOKENS, coordinate_token, coordinate_tokens, maze_from_text, maze_to_text
from tests.maze_env.golden import (
    EXAMPLE_ANSWER,
    EXAMPLE_ASCII,
    EXAMPLE_TEXT,
    ROOM_ASCII,
    ROOM_TEXT,
    SEALED_ASCII,
    SEALED_TEXT,
    mazes,
    read_cells,
)

GOLDEN = {
    "example": (EXAMPLE_TEXT, EXAMPLE_ASCII),
    "room": (ROOM_TEXT, ROOM_ASCII),
    "sealed": (SEALED_TEXT, SEALED_ASCII),
}
MOVES_TEXT = {Move.UP: "<|up|>", Move.DOWN: "<|down|>", Move.LEFT: "<|left|>", Move.RIGHT: "<|right|>"}


def test_the_16_wall_tokens_stand_at_the_index_of_their_wall_bits():
    assert list(WALL_TOKENS) == [
        "<|no_wall|>",
        "<|up_wall|>",
        "<|down_wall|>",
        "<|up_down_wall|>",
        "<|left_wall|>",
        "<|up_left_wall|>",
        "<|down_left_wall|>",
        "<|up_down_left_wall|>",
        "<|right_wall|>",
        "<|up_right_wall|>",
        "<|down_right_wall|>",
        "<|up_down_right_wall|>",
        "<|left_right_wall|>",
        "<|up_left_right_wall|>",
        "<|down_left_right_wall|>",
        "<|all_wall|>",
    ]


def test_coordinates_are_row_then_column_in_row_major_order():
    assert coordinate_token((3, 1)) == "<|3-1|>"
    assert coordinate_tokens(2, 3) == ("<|0-0|>", "<|0-1|>", "<|0-2|>", "<|1-0|>", "<|1-1|>", "<|1-2|>")


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_texts_and_drawings_are_the_same_mazes_both_ways(name):
    text, drawing = GOLDEN[name]
    assert maze_from_text(text) == Maze.from_ascii(drawing)
    assert maze_to_text(Maze.from_ascii(drawing)) == text


@given(mazes())
def test_every_maze_survives_its_text(maze):
    text = maze_to_text(maze)
    assert maze_from_text(text) == maze
    assert text.count("\n") == maze.rows
    for cell, words in read_cells(text).items():
        assert words == {move.name.lower() for move in Move if not maze.is_open(cell, move)}


@pytest.mark.parametrize("size", [(2, 64), (64, 2), (64, 64)], ids=str)
def test_the_largest_sizes_survive_their_text(size):
    maze = generate(0, MazeSpec(*size))
    assert maze_from_text(maze_to_text(maze)) == maze


@pytest.mark.parametrize("between", ["", " ", "\n", "\r\n", "\n\n  ", "\t"])
def test_rows_may_be_divided_by_any_white_space(between):
    # Published copies of a prompt have a blank in place of the newline between rows.
    assert maze_from_text(EXAMPLE_TEXT.replace("\n", between)) == Maze.from_ascii(EXAMPLE_ASCII)
    spaced = EXAMPLE_TEXT.replace("|><|", f"|>{between}<|")
    assert maze_from_text(spaced) == Maze.from_ascii(EXAMPLE_ASCII)


def test_the_agent_replaces_the_origin_and_hides_a_target_below_it():
    room = Maze.from_ascii(ROOM_ASCII)
    moved = maze_to_text(room, agent=(1, 1))
    assert maze_from_text(moved) == room.with_endpoints((1, 1), (0, 2))
    assert maze_to_text(room, agent=(0, 0)) == ROOM_TEXT  # (0, 0) is a place, not a missing one
    on_target = ROOM_TEXT.replace("<|origin|>", "<|blank|>").replace("<|target|>", "<|origin|>")
    assert maze_to_text(room, agent=(0, 2)) == on_target


def test_a_maze_text_holds_no_movement_token():
    assert not any(
        token in maze_to_text(generate(key, MazeSpec())) for key in range(20) for token in MOVES_TEXT.values()
    )


ANSWERS = {
    "moves alone": ("<|up|><|left|>", "", (Move.UP, Move.LEFT), None),
    "spaces between": ("<|up|> <|left|>", "", (Move.UP, Move.LEFT), None),
    "any white space": ("\n <|up|>\n\t<|left|> \n", "", (Move.UP, Move.LEFT), None),
    "after thinking": ("<think>\nhm\n</think>\n\n<|up|>", "\nhm\n", (Move.UP,), None),
    "white space first": (" \n<think>hm</think><|up|>", "hm", (Move.UP,), None),
    "opened elsewhere": ("hm</think><|up|>", "hm", (Move.UP,), None),
    "moves in the thinking do not count": ("<think><|down|></think><|up|>", "<|down|>", (Move.UP,), None),
    "a second close": ("<think>a</think><|up|></think><|left|>", "a", (Move.UP,), End.STRAY_TEXT),
    "a second thought": ("<think>a</think><think>b</think><|up|>", "a", (), End.STRAY_TEXT),
    "never closed": ("<think>hm <|up|>", "hm <|up|>", (), End.UNCLOSED_THINKING),
    "never closed, white space first": ("\n<think>hm", "hm", (), End.UNCLOSED_THINKING),
    "opened late": ("<|up|><think>", "<|up|><think>", (), End.UNCLOSED_THINKING),
    "nothing": ("", "", (), End.EMPTY),
    "white space": (" \n", "", (), End.EMPTY),
    "nothing after thinking": ("<think>a</think>\n", "a", (), End.EMPTY),
    "words": ("I go up", "", (), End.STRAY_TEXT),
    "words behind": ("<|up|><|left|> done", "", (Move.UP, Move.LEFT), End.STRAY_TEXT),
    "words between": ("<|up|> then <|left|>", "", (Move.UP,), End.STRAY_TEXT),
    "an unknown token": ("<|up|><|jump|><|left|>", "", (Move.UP,), End.STRAY_TEXT),
    "a wall token": ("<|up_wall|>", "", (), End.STRAY_TEXT),
    "a bracket short": ("<|up|><|left|", "", (Move.UP,), End.STRAY_TEXT),
    "another case": ("<|UP|>", "", (), End.STRAY_TEXT),
    "a blank within": ("<| up|>", "", (), End.STRAY_TEXT),
    "no way": ("<think>hm</think>\n\n<|unreachable|>\n", "hm", (), None),
    "no way, and on": ("<|unreachable|><|up|>", "", (), End.STRAY_TEXT),
    "no way after a move": ("<|up|><|unreachable|>", "", (Move.UP,), End.STRAY_TEXT),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_an_answer_is_what_follows_the_first_close_and_nothing_but_moves(case):
    text, thinking, moves, fault = ANSWERS[case]
    answer = parse_answer(text)
    assert (answer.text, answer.thinking, answer.moves, answer.fault) == (text, thinking, moves, fault)
    assert answer.says_unreachable is (case == "no way")


def test_a_prompt_that_opened_the_thinking_makes_an_unclosed_answer_a_fault():
    assert parse_answer("<|up|>").fault is None
    assert parse_answer("<|up|>", thinking_opened=True).fault is End.UNCLOSED_THINKING
    closed = parse_answer("hm</think><|up|>", thinking_opened=True)
    assert (closed.fault, closed.thinking, closed.moves) == (None, "hm", (Move.UP,))


@given(st.lists(st.sampled_from(list(Move)), min_size=1))
def test_moves_survive_their_text(moves):
    assert moves_to_text(moves) == "".join(MOVES_TEXT[move] for move in moves)
    assert parse_answer(moves_to_text(moves)).moves == tuple(moves)


@given(
    st.lists(st.sampled_from([*MOVES_TEXT.values(), "<think>", "</think>", " ", "\n", "x", "<|", "|>", "<|no_wall|>"]))
)
def test_no_text_breaks_the_parser_and_the_rule_is_that_of_its_words(pieces):
    text = "".join(pieces)
    answer = parse_answer(text)
    before, close, after = text.partition("</think>")
    if not close:
        if "<think>" in before:
            assert answer.fault is End.UNCLOSED_THINKING
            return
        after = before
    left = after
    for token in MOVES_TEXT.values():
        left = left.replace(token, " ")
    if left.strip():
        assert answer.fault is End.STRAY_TEXT
    elif not after.strip():
        assert answer.fault is End.EMPTY
    else:
        assert answer.fault is None
        assert moves_to_text(answer.moves) == "".join(after.split())


def test_the_example_answer_reads_as_16_moves():
    assert len(parse_answer(EXAMPLE_ANSWER).moves) == 16
