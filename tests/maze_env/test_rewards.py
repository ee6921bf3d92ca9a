"""Reward schemes, to the digit."""

import itertools

import numpy as np
import pytest

from maze_env.answers import Answer, moves_to_text
from maze_env.errors import InvalidConfig, UnknownName
from maze_env.maze import Maze
from maze_env.moves import Move
from maze_env.rewards import SCHEMES, scheme_named, step_scheme_named
from maze_env.solving import distances_to
from maze_env.symmetry import SYMMETRIES, transform_walls
from maze_env.tokens import maze_from_text
from maze_env.verifier import verify, verify_strict
from tests.maze_env.golden import (
    EXAMPLE_ANSWER,
    EXAMPLE_TEXT,
    HALVES_ASCII,
    ROOM_ASCII,
    endpoint_pairs,
    open_neighbours,
    spanning_trees,
)

EXAMPLE = maze_from_text(EXAMPLE_TEXT)  # 16 moves
ROOM = Maze.from_ascii(ROOM_ASCII)  # 2 moves: right, right
HALVES = Maze.from_ascii(HALVES_ASCII)  # no way
THOUGHT = "<think>\nhm\n</think>\n\n"
RIGHT = "<|right|><|right|>"


def reward(name, maze, completion, **how):
    return scheme_named(name)(maze, verify(maze, completion, **how))


@pytest.mark.parametrize(
    ("maze", "completion", "expected"),
    [
        (EXAMPLE, EXAMPLE_ANSWER, 1.1),
        (ROOM, "<|down|><|right|><|right|><|up|>", 1.1),  # a longer way is worth the same
        (EXAMPLE, "<|down|><|left|>", 0.1 * 2 / 16),
        (EXAMPLE, "<|down|><|right|>", 0.1 * 1 / 16),  # refused at a wall: the progress before it stays
        (EXAMPLE, "<|right|>", 0.0),  # further away: not below 0
        (EXAMPLE, "<|up|>", 0.0),
        (ROOM, RIGHT + "<|left|>", 0.0),  # passing through the target pays nothing
        (ROOM, "<|right|>" * 50, 0.0),
        (ROOM, RIGHT + "!", 0.0),
        (ROOM, "<think>" + RIGHT, 0.0),
        (ROOM, "", 0.0),
        (ROOM, "<|unreachable|>", 0.0),
        (HALVES, "<|unreachable|>", 1.0),  # nothing can be nearer to such a target, so no progress is paid
        (HALVES, "<|right|>", 0.0),
    ],
)
def test_solved_pays_the_target_and_progress_and_nothing_for_form(maze, completion, expected):
    assert reward("solved", maze, completion) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("maze", "completion"), [(EXAMPLE, EXAMPLE_ANSWER), (EXAMPLE, "<|down|><|left|>"), (ROOM, RIGHT + "<|left|>")]
)
def test_sparse_pays_the_target_and_nothing_else(maze, completion):
    assert reward("sparse", maze, completion) == (completion == EXAMPLE_ANSWER)
    step = step_scheme_named("sparse").step
    assert [step(2, 1, 2, False), step(1, 0, 2, True)] == [0.0, 1.0]
    assert step(np.array([2, 1]), np.array([1, 0]), np.array([2, 2]), np.array([False, True])).tolist() == [0.0, 1.0]


@pytest.mark.parametrize(
    ("completion", "correctness", "integrity", "thinking"),
    [
        (THOUGHT + RIGHT, 0.4, 0.5, 0.25),
        (THOUGHT + "<|right|> <|right|>", 0.4, 0.5, 0.25),
        (THOUGHT + "<|down|><|right|><|right|><|up|>", 0.8, 0.5, 0.25),  # the moves played are counted
        ("hm</think>" + RIGHT, 0.4, 0.5, 0.25),  # the prompt may have opened the thinking
        (RIGHT, 0.4, 0.5, 0.0),
        (THOUGHT + "<|up|>", 0.0, 0.5, 0.25),
        (THOUGHT + RIGHT + "<|left|>", 0.0, 0.5, 0.25),
        (THOUGHT + "go " + RIGHT, 0.0, 0.0, 0.25),
        (THOUGHT + "<|unreachable|>", 0.0, 0.0, 0.25),  # no movement token
        (THOUGHT, 0.0, 0.0, 0.25),
        ("<think>" + RIGHT, 0.0, 0.0, 0.0),
        ("<think><think></think>" + RIGHT, 0.4, 0.5, 0.0),
        ("", 0.0, 0.0, 0.0),
    ],
)
def test_alphamaze_pays_what_the_paper_says(completion, correctness, integrity, thinking):
    terms = scheme_named("alphamaze").terms(ROOM, verify(ROOM, completion))
    assert terms == {"correctness": correctness, "integrity": integrity, "thinking": thinking}
    assert reward("alphamaze", ROOM, completion) == pytest.approx(correctness + integrity + thinking, abs=1e-12)


@pytest.mark.parametrize(
    ("completion", "correctness", "integrity", "thinking"),
    [
        (THOUGHT + RIGHT, 0.4, 1.0, 0.25),
        (THOUGHT + RIGHT + "\n", 0.4, 1.0, 0.25),
        (THOUGHT + "<|right|> <|right|>", 0.0, 1.0, 0.25),  # separators, which the published prompt asks for
        (THOUGHT + "<|down|><|right|><|right|><|up|>", 0.0, 1.0, 0.25),  # another right way
        (THOUGHT + "<|ri ght|>", 0.0, 1.0, 0.25),  # white space anywhere is deleted
        (THOUGHT + RIGHT + "</think><|up|>", 0.4, 1.0, 0.25),  # up to the next </think>
        (THOUGHT + RIGHT + ".", 0.0, 0.0, 0.25),
        (THOUGHT, 0.0, 0.0, 0.25),
        ("<think>hm</think>" + RIGHT, 0.4, 1.0, 0.0),  # the tags want their newlines
        ("<think>\nhm</think>" + RIGHT, 0.4, 1.0, 0.125),
        ("hm\n</think>\n" + RIGHT, 0.4, 1.0, 0.125),
        ("<think>\n<think>\n</think>\n" + RIGHT, 0.4, 1.0, 0.125),
        (RIGHT, 0.0, 0.0, 0.0),
        ("", 0.0, 0.0, 0.0),
    ],
)
def test_alphamaze_code_pays_what_the_published_code_pays(completion, correctness, integrity, thinking):
    terms = scheme_named("alphamaze-code").terms(ROOM, verify(ROOM, completion, "published"))
    assert terms == {"correctness": correctness, "integrity": integrity, "thinking": thinking}


def test_a_one_move_maze_pays_the_published_code_0_2_for_being_solved_and_1_25_for_its_form():
    maze = ROOM.with_endpoints((0, 0), (0, 1))
    terms = scheme_named("alphamaze-code").terms(maze, verify(maze, THOUGHT + "<|right|>"))
    assert terms["correctness"] == 0.2
    assert terms["integrity"] + terms["thinking"] == 1.25


def test_the_example_in_full_marks_of_every_scheme():
    completion = THOUGHT + EXAMPLE_ANSWER
    assert reward("solved", EXAMPLE, completion) == pytest.approx(1.1, abs=1e-12)
    assert reward("alphamaze", EXAMPLE, completion) == pytest.approx(0.2 * 16 + 0.75, abs=1e-12)
    assert reward("alphamaze-code", EXAMPLE, completion) == pytest.approx(0.2 * 16 + 1.25, abs=1e-12)


def walks(walls, origin, distances, limit):
    """Every legal walk that ends when it first comes to where the distance is 0, of at most ``limit`` moves."""
    stack = [(origin, ())]
    while stack:
        cell, moves = stack.pop()
        if distances[cell] == 0:
            yield moves
            continue
        for word, neighbour in open_neighbours(walls, cell):
            if len(moves) + 1 + distances[neighbour] <= limit:
                stack.append((neighbour, (*moves, Move[word.upper()])))


def assert_forms_agree(walls, detour):
    """For all endpoints: the steps' rewards of each walk to the target sum to the reward of the answer."""
    scheme, count = step_scheme_named("solved"), 0
    least, greatest = scheme.bounds
    for origin, target in endpoint_pairs(*walls.shape):
        maze = Maze.from_validated(walls, origin, target)
        distances = distances_to(walls, target)
        table = distances.tolist()
        start = table[origin[0]][origin[1]]
        for moves in walks(walls, origin, distances, start + detour):
            count += 1
            verdict = verify_strict(maze, Answer("", "", moves, None), distances)
            total, cell = 0.0, origin
            for move in moves:
                before, cell = table[cell[0]][cell[1]], move.apply(cell)
                step = scheme.step(before, table[cell[0]][cell[1]], start, cell == target)
                assert least <= step <= greatest
                total += step
            assert verdict
            assert abs(total - scheme(maze, verdict)) < 1e-9
            assert abs(total - 1.1) < 1e-9
    return count


def test_step_and_answer_form_of_solved_agree_on_every_walk_to_the_target_in_all_192_trees_of_3x3():
    count = sum(assert_forms_agree(walls, detour=2) for walls in spanning_trees(3, 3))
    assert count > 192 * 72  # at least the shortest walk of each


def test_step_and_answer_form_agree_with_longer_detours_in_each_3x3_tree_up_to_symmetry():
    # Mirrored and turned mazes have the same walks under other names; the shapes left are few enough for +4.
    shapes = {
        min(transform_walls(walls, symmetry).tobytes() for symmetry in SYMMETRIES): walls
        for walls in spanning_trees(3, 3)
    }
    assert sum(assert_forms_agree(walls, detour=4) for walls in shapes.values()) > len(shapes) * 72


def test_step_and_answer_form_agree_in_a_room_full_of_loops():
    assert assert_forms_agree(ROOM.walls, detour=4) > 30


def test_a_blocked_step_pays_nothing_and_a_step_back_takes_what_it_gave():
    step = step_scheme_named("solved").step
    assert step(5, 5, 16, False) == 0.0
    assert step(5, 4, 16, False) + step(4, 5, 16, False) == 0.0
    assert step(1, 0, 1, True) == pytest.approx(1.1, abs=1e-12)


@pytest.mark.parametrize("name", ["alphamaze", "alphamaze-code"])
def test_schemes_that_reward_the_form_of_an_answer_are_refused_for_steps_by_name(name):
    with pytest.raises(
        InvalidConfig, match=f"Expects a reward scheme with a step form \\('solved', 'sparse'\\), actual: '{name}'"
    ):
        step_scheme_named(name)


def test_unknown_schemes_are_refused_with_the_nearest_one():
    with pytest.raises(UnknownName, match=r"actual: 'sovled'. Did you mean 'solved'\?"):
        scheme_named("sovled")
    with pytest.raises(UnknownName, match="Expects a reward scheme out of 'alphamaze', 'alphamaze-code', 'solved'"):
        step_scheme_named("xyz")


def test_a_reward_is_the_sum_of_its_terms():
    answers = ("", RIGHT, THOUGHT + RIGHT, THOUGHT + "<|right|>", "go", THOUGHT + moves_to_text([Move.UP]))
    for scheme, answer in itertools.product(SCHEMES.values(), answers):
        verdict = verify(ROOM, answer)
        assert scheme(ROOM, verdict) == sum(scheme.terms(ROOM, verdict).values())
