"""Reasoning traces: what each style writes, that it validates, and that no small change of it does.

The style ``search`` and AlphaMaze's own wording have files of their own.
"""

import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maze_env import traces
from maze_env.answers import moves_to_text, parse_answer
from maze_env.errors import InvalidMaze, UnknownName
from maze_env.generation import MazeSpec, generate
from maze_env.maze import Maze
from maze_env.solving import shortest_path
from maze_env.tokens import THINK_CLOSE, maze_from_text, maze_to_text
from maze_env.traces import TRACE_STYLES, path, redraw
from maze_env.traces.errors import InvalidTrace
from maze_env.verifier import verify
from tests.maze_env.golden import (
    CUT_OFF_ASCII,
    EXAMPLE_ANSWER,
    EXAMPLE_TEXT,
    FORK_ASCII,
    ROOM_ASCII,
    bfs,
    cells_of,
    mazes,
    tokens_of,
)

EXAMPLE = maze_from_text(EXAMPLE_TEXT)
SIZES = [(2, 2), (3, 5), (5, 5), (6, 4), (8, 8)]
each_style = pytest.mark.parametrize("style", TRACE_STYLES)

FORK = Maze.from_ascii(FORK_ASCII)
FORK_PATH = "<|0-0|><|up_down_left_wall|><|right|><|0-1|><|up_wall|><|right|><|0-2|><|target|>"


@each_style
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_every_style_validates_its_own_output(style, size):
    for key in range(25):
        maze = generate(key, MazeSpec(*size, split=None))
        completion = traces.write(style, maze, key)
        traces.validate(style, maze, completion)
        assert verify(maze, completion)


@each_style
@given(maze=mazes(max_side=5, solvable=True), key=st.integers(0, 99))
def test_every_style_validates_its_own_output_in_mazes_with_loops(style, maze, key):
    # Found in this package: a wrong attempt that came upon the target by a loop was called a dead end.
    completion = traces.write(style, maze, key)
    traces.validate(style, maze, completion)
    assert verify(maze, completion)


@each_style
def test_the_answer_is_the_shortest_path_of_a_tree(style):
    for key in range(10):
        maze = generate(key, MazeSpec())
        answer = parse_answer(traces.write(style, maze, key))
        assert len(answer.moves) == bfs(maze.walls, maze.target)[maze.origin]


@each_style
def test_a_completion_is_a_pure_function_of_maze_and_key(style):
    random.seed(1)
    state = random.getstate()
    first = traces.write(style, EXAMPLE, 7)
    assert random.getstate() == state
    random.seed(2)
    assert traces.write(style, EXAMPLE, 7) == first


def test_keys_vary_the_wrong_attempts_and_nothing_else():
    for style in TRACE_STYLES:
        drawn = {traces.write(style, FORK, key) for key in range(20)}
        assert (len(drawn) > 1) == style.startswith(("pointers", "retry"))
        assert {parse_answer(text).moves for text in drawn} == {tuple(shortest_path(FORK))}


@each_style
def test_the_answer_is_behind_the_thinking_and_not_in_the_prompt(style):
    completion = traces.write(style, EXAMPLE, 1)
    assert completion.startswith("<think>\n")
    assert completion.count(THINK_CLOSE) == 1
    answer = completion.partition("\n</think>\n\n")[2]
    assert "".join(answer.split()) == EXAMPLE_ANSWER  # in pointers numbers stand before the moves, white space
    assert not set(tokens_of(EXAMPLE_ANSWER)) & set(tokens_of(maze_to_text(EXAMPLE)))


def test_golden_direct():
    assert traces.write("direct", FORK, 0) == "<think>\n\n</think>\n\n<|right|><|right|>"


def test_golden_path():
    assert traces.write("path", FORK, 0) == f"<think>\n{FORK_PATH}\n</think>\n\n<|right|><|right|>"


def test_golden_retry():
    wrong = "<|0-0|><|up_down_left_wall|><|right|><|0-1|><|up_wall|><|down|><|1-1|><|down_wall|>"
    short = f"{wrong}RESET\n"
    left = f"{wrong}<|left|><|1-0|><|up_down_left_wall|>RESET\n"
    right = f"{wrong}<|right|><|1-2|><|up_down_right_wall|>RESET\n"
    for style, attempts in (("retry", (short, left, right)), ("retry-dead-end", (left, right))):
        drawn = {traces.write(style, FORK, key) for key in range(30)}
        assert drawn == {f"<think>\n{wrong}{FORK_PATH}\n</think>\n\n<|right|><|right|>" for wrong in attempts}


def drawing(*tokens):
    """The redrawn FORK with these in place of the three markers of its first row."""
    walls = ("<|0-0|><|up_down_left_wall|>", "<|0-1|><|up_wall|>", "<|0-2|><|up_down_right_wall|>")
    below = "<|1-0|><|up_down_left_wall|><|blank|><|1-1|><|down_wall|><|blank|><|1-2|><|up_down_right_wall|><|blank|>"
    return "".join(wall + token for wall, token in zip(walls, tokens, strict=True)) + "\n" + below


STEP_1 = f"Step 1: Go right\n{drawing('<|right|>', '<|blank|>', '<|target|>')}"
STEP_2 = f"Step 2: Go right\n{drawing('<|origin|>', '<|right|>', '<|target|>')}"
STEP_2_WRONG = f"Step 2: Go down\n{drawing('<|origin|>', '<|down|>', '<|target|>')}"


def test_golden_redraw_shows_the_move_in_the_cell_that_is_left_and_the_origin_once_left():
    assert traces.write("redraw", FORK, 0) == f"<think>\n{STEP_1}\n\n{STEP_2}\n</think>\n\n<|right|><|right|>"


def test_golden_retry_redraw_restarts_the_numbers_after_a_reset():
    # The wrong attempts of FORK have 3 steps at most: two (it leads the wrong way) or three (a dead end).
    drawn = {traces.write("retry-redraw", FORK, key) for key in range(20)}
    two = (
        f"<think>\n{STEP_1}\n\n{STEP_2_WRONG}\n\nThis leads the wrong way.\nRESET\n"
        f"{STEP_1}\n\n{STEP_2}\n</think>\n\n<|right|><|right|>"
    )
    assert two in drawn
    assert sum("Step 3: Go" in text and "This is a dead end.\nRESET\nStep 1" in text for text in drawn) == 2
    assert len(drawn) == 3


@pytest.mark.parametrize("cell", cells_of(5, 5))
def test_a_redrawn_step_changes_the_marker_of_its_cell_and_no_other_token(cell):
    for move in shortest_path(EXAMPLE)[:2]:
        line, _, text = redraw.step_text(EXAMPLE, 3, cell, move).partition("\n")
        assert line == f"Step 3: Go {move.name.lower()}"
        expected = tokens_of(EXAMPLE_TEXT)
        expected[3 * (5 * cell[0] + cell[1]) + 2] = move.token
        assert tokens_of(text) == expected
        assert re.sub(r"<[^>]*>", "", text) == "\n" * 5


@pytest.mark.parametrize("style", ["retry", "retry-dead-end", "retry-redraw"])
def test_retry_writes_wrong_attempts_where_the_path_has_forks_and_none_elsewhere(style):
    corridor = Maze([[7, 11], [7, 11]], (0, 0), (0, 1))
    assert "RESET" not in traces.write(style, corridor, 0)
    for key in range(10):
        assert "RESET" in traces.write(style, FORK, key)


def units(completion):
    """A completion in its smallest parts: tokens, tags, words, other signs, white space one by one."""
    return re.findall(r"<\|[^|>]*\|>|</?think>|\w+|\s|.", completion)


REPLACEMENTS = [
    "<|up|>",
    "<|down|>",
    "<|left|>",
    "<|right|>",
    "<|blank|>",
    "<|origin|>",
    "<|target|>",
    "<|no_wall|>",
    "<|up_left_wall|>",
    "<|0-0|>",
    "<|9-9|>",
    "RESET",
    "BACK",
    "up",
    "1",
    " ",
    "\n",
    "x",
]


def unit_mutations(parts, draw):
    """Each part deleted, doubled, swapped with the next, and replaced by another (four drawn ones each)."""
    for k in range(len(parts)):
        yield parts[:k] + parts[k + 1 :]
        yield [*parts[:k], parts[k], *parts[k:]]
        if k + 1 < len(parts):
            yield [*parts[:k], parts[k + 1], parts[k], *parts[k + 2 :]]
        for other in draw.sample(REPLACEMENTS, 4):
            yield [*parts[:k], other, *parts[k + 1 :]]


def published(text):
    """A text without the blank line before a sentence, which the published data does not have: as true."""
    return text.replace("\n\nThis", "\nThis")


def assert_refused(style, maze, mutations, original):
    count = 0
    for mutation in mutations:
        if published(mutation) != published(original):
            count += 1
            try:
                traces.validate(style, maze, mutation)
            except InvalidTrace:
                continue
            pytest.fail(f"a changed {style} trace passed:\n{mutation}")
    assert count > 20


@each_style
def test_one_part_deleted_doubled_swapped_or_replaced_is_caught(style):
    # In a tree no such change of the shortest path is another shortest path. What cannot be caught this way, because it
    # is a true trace as well: a whole wrong attempt left out or moved, "the wrong way" said of a dead end, in a search
    # the move that leads back in place of the last BACK, and in pointers the way back listed, or not, and never made.
    small = [FORK, generate(3, MazeSpec(3, 2, min_length=3)), generate(4, MazeSpec(2, 3, min_length=2))]
    for key, maze in enumerate(small if "redraw" in style else [*small, EXAMPLE]):
        completion = traces.write(style, maze, key)
        mutations = list(map("".join, unit_mutations(units(completion), random.Random(key))))
        if style == "pointers":
            mutations = [text for text in mutations if without_way_back(text) != without_way_back(completion)]
        assert_refused(style, maze, mutations, completion)


def without_way_back(trace):
    """A trace of ``pointers`` in which no cell lists its way back."""
    move = r"<\|(?:up|down|left|right)\|>"
    return re.sub(f"({move})((?:{move})+)", lambda found: found[1] + found[2].replace(found[1], ""), trace)


@pytest.mark.parametrize("style", ["redraw", "retry-redraw"])
def test_one_line_deleted_doubled_or_swapped_is_caught(style):
    completion = traces.write(style, EXAMPLE, 5)
    lines = completion.split("\n")
    mutations = []
    for k in range(len(lines) - 1):
        mutations.append(lines[:k] + lines[k + 1 :])
        mutations.append([*lines[:k], lines[k], *lines[k:]])
        mutations.append([*lines[:k], lines[k + 1], lines[k], *lines[k + 2 :]])
    assert_refused(style, EXAMPLE, map("\n".join, mutations), completion)


ALSO = {style: set() for style in TRACE_STYLES} | {
    "path": {"retry", "retry-dead-end"},
    "redraw": {"retry-redraw"},
    "retry-dead-end": {"retry"},
}


@each_style
def test_the_completion_of_another_maze_or_style_is_refused(style):
    completion = traces.write(style, EXAMPLE, 1)
    with pytest.raises(InvalidTrace):
        traces.validate(style, FORK, completion)
    for other in set(TRACE_STYLES) - {style}:
        # A retry without a wrong attempt is a path; one whose attempts all end at dead ends is of both compact forms.
        if other not in ALSO[style]:
            with pytest.raises(InvalidTrace):
                traces.validate(other, EXAMPLE, completion)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("<|0-1|>", r"Expects step 1 in <\|0-0\|>, actual: <\|0-1\|>"),
        (
            "<|0-0|><|no_wall|><|right|>",
            r"Expects <\|up_down_left_wall\|> for <\|0-0\|> in step 1, actual: <\|no_wall\|>",
        ),
        ("<|0-0|><|up_down_left_wall|><|blank|>", r"Expects a movement token in step 1, actual: <\|blank\|>"),
        ("<|0-0|><|up_down_left_wall|><|down|>", r"Expects a possible move in step 1, actual: <\|down\|> .* hit_wall"),
        ("up", "Expects nothing but maze tokens in a path trace, actual: 'up' among them"),
    ],
)
def test_a_wrong_step_of_a_path_is_named(wrong, message):
    # A stray word was once reported as an InvalidMazeText, which callers that wait for InvalidTrace do not catch.
    filler = "<|0-0|>" * (-len(tokens_of(wrong)) % 3)
    with pytest.raises(InvalidTrace, match=message):
        path.validate(FORK, f"{wrong}{filler}<|0-2|><|target|>")


def test_an_answer_that_does_not_follow_from_the_trace_is_named():
    with pytest.raises(InvalidTrace, match=r"Expects the answer that the trace arrives at, .*, actual: "):
        traces.validate("path", FORK, f"<think>\n{FORK_PATH}\n</think>\n\n<|right|>")


def test_a_wrong_answer_behind_an_empty_trace_is_named_by_its_cause():
    with pytest.raises(InvalidTrace, match="Expects an answer that solves the maze, actual: hit_wall"):
        traces.validate("direct", FORK, "<think>\n\n</think>\n\n<|down|>")


@pytest.mark.parametrize("maze", [Maze.from_ascii(CUT_OFF_ASCII)])
@each_style
def test_a_maze_without_a_way_has_no_trace(style, maze):
    with pytest.raises((InvalidMaze, InvalidTrace), match=r"Expects a path from \(0, 0\) to \(0, 2\), actual: none"):
        traces.write(style, maze, 0)


def test_an_unknown_style_is_refused_with_the_nearest_one():
    with pytest.raises(UnknownName, match=r"Expects a trace style out of .* Did you mean 'redraw'\?"):
        traces.write("redrawn", EXAMPLE, 0)


def test_a_way_by_a_loop_to_the_target_is_no_wrong_attempt():
    # From the origin of the room the second row leads to the target as well: not one word may call that a dead end.
    room = Maze.from_ascii(ROOM_ASCII)
    for key in range(30):
        for attempt in traces.write("retry-dead-end", room, key).split("RESET")[:-1]:
            end = tokens_of(attempt)[-2]
            assert end not in ("<|0-1|>", "<|1-2|>"), moves_to_text(shortest_path(room))  # the cells beside the target
