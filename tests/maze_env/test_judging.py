"""What a move does, and what an answer is worth under both rules."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maze_env.errors import UnknownName
from maze_env.judging import ILLEGAL, MALFORMED, Cause, Outcome, judge, transition
from maze_env.maze import Maze
from maze_env.moves import MOVES, Move
from maze_env.solving import UNREACHABLE, distances_to
from maze_env.tokens import maze_from_text, moves_to_text, parse_answer
from tests.maze_env.golden import (
    CUT_OFF_ASCII,
    EXAMPLE_ANSWER,
    EXAMPLE_TEXT,
    HALVES_ASCII,
    ROOM_ASCII,
    SEALED_ASCII,
    STEPS,
    WORDS,
    bfs,
    cells_of,
    mazes,
    read_cells,
    spanning_trees,
    tokens_of,
)

EXAMPLE = maze_from_text(EXAMPLE_TEXT)
ROOM = Maze.from_ascii(ROOM_ASCII)  # two moves: right, right
THOUGHT = "<think>\nhm\n</think>\n\n"


def test_the_example_replays_in_16_moves_to_the_target():
    # By the tokens alone: the walls as words, the moves as words, nothing of the package.
    walls, cell = read_cells(EXAMPLE_TEXT), (3, 1)
    for token in tokens_of(EXAMPLE_ANSWER):
        word = token[2:-2]
        assert word not in walls[cell]
        cell = cell[0] + STEPS[word][0], cell[1] + STEPS[word][1]
    assert cell == (2, 4)

    verdict = judge(EXAMPLE, EXAMPLE_ANSWER)
    assert (verdict.cause, verdict.legal_moves, verdict.position) == (Cause.SOLVED, 16, (2, 4))
    assert (verdict.start_distance, verdict.end_distance) == (16, 0)


def test_every_move_from_every_cell_of_every_3x3_tree_does_what_the_walls_say():
    for walls in spanning_trees(3, 3):
        maze = Maze.trusted(walls, (0, 0), (2, 2))
        for cell, (k, word) in itertools.product(cells_of(3, 3), enumerate(WORDS)):
            row, col = cell[0] + STEPS[word][0], cell[1] + STEPS[word][1]
            inside = 0 <= row < 3 and 0 <= col < 3
            if int(walls[cell]) & 2**k:
                expected = cell, Outcome.HIT_WALL if inside else Outcome.LEFT_GRID
            else:
                expected = (row, col), Outcome.MOVED
            assert transition(maze, cell, Move(k)) == expected


@pytest.mark.parametrize("move", MOVES)
def test_all_wall_blocks_every_direction(move):
    # Earlier code read `<|all_wall|>` as no wall.
    sealed = Maze.from_ascii(SEALED_ASCII)
    cell, outcome = transition(sealed, (0, 1), move)
    assert cell == (0, 1)
    assert outcome is (Outcome.LEFT_GRID if move is Move.UP else Outcome.HIT_WALL)


# On ROOM (2x3, origin top left, target top right, no inner walls) and, for walls, on EXAMPLE.
VERDICTS = [
    (ROOM, "<|right|><|right|>", Cause.SOLVED, 2, (0, 2)),
    (ROOM, "<|right|> <|right|>", Cause.SOLVED, 2, (0, 2)),
    (ROOM, THOUGHT + "<|right|>\n<|right|>\n", Cause.SOLVED, 2, (0, 2)),
    (ROOM, "<|down|><|right|><|right|><|up|>", Cause.SOLVED, 4, (0, 2)),  # any way counts, not one golden string
    (ROOM, "<|right|><|left|><|right|><|right|>", Cause.SOLVED, 4, (0, 2)),
    (ROOM, "<|right|>", Cause.SHORT_OF_TARGET, 1, (0, 1)),
    (ROOM, "<|right|><|left|>", Cause.SHORT_OF_TARGET, 2, (0, 0)),
    (ROOM, "<|up|>", Cause.LEFT_GRID, 0, (0, 0)),
    (ROOM, "<|down|><|down|><|up|>", Cause.LEFT_GRID, 1, (1, 0)),
    (EXAMPLE, "<|up|>", Cause.HIT_WALL, 0, (3, 1)),
    (EXAMPLE, "<|down|><|right|>", Cause.HIT_WALL, 1, (4, 1)),
    (ROOM, "<|right|><|right|><|down|>", Cause.PAST_TARGET, 2, (0, 2)),
    (ROOM, "<|right|><|right|><|down|><|up|>", Cause.PAST_TARGET, 2, (0, 2)),  # also when it comes back
    (ROOM, "<|right|><|right|><|right|>", Cause.PAST_TARGET, 2, (0, 2)),  # also into a wall
    (ROOM, "<|right|>" * 50, Cause.PAST_TARGET, 2, (0, 2)),  # a reward hack of failed runs
    (ROOM, "", Cause.EMPTY, 0, (0, 0)),
    (ROOM, THOUGHT, Cause.EMPTY, 0, (0, 0)),
    (ROOM, "go <|right|><|right|>", Cause.STRAY_TEXT, 0, (0, 0)),
    (ROOM, "<|right|><|right|>.", Cause.STRAY_TEXT, 0, (0, 0)),
    (ROOM, "<|right|><|jump|><|right|>", Cause.STRAY_TEXT, 0, (0, 0)),  # earlier code let unknown tokens do nothing
    (ROOM, "<|right|><|right|>" + THOUGHT, Cause.EMPTY, 0, (0, 0)),  # only what follows counts
    (ROOM, THOUGHT + "<|right|><|right|></think>", Cause.STRAY_TEXT, 0, (0, 0)),
    (ROOM, THOUGHT + "<|up|></think><|right|><|right|>", Cause.STRAY_TEXT, 0, (0, 0)),  # the first </think> rules
    (ROOM, "<think><|right|><|right|>", Cause.UNCLOSED_THINKING, 0, (0, 0)),  # a dropped closing tag
    (ROOM, THOUGHT + "<|unreachable|>", Cause.SAID_UNREACHABLE, 0, (0, 0)),  # it is reachable
    (ROOM, "<|right|><|unreachable|>", Cause.STRAY_TEXT, 0, (0, 0)),
]


@pytest.mark.parametrize(("maze", "answer", "cause", "legal_moves", "position"), VERDICTS)
def test_strict_verdicts(maze, answer, cause, legal_moves, position):
    verdict = judge(maze, answer)
    assert (verdict.cause, verdict.legal_moves, verdict.position) == (cause, legal_moves, position)
    assert verdict.start_distance == bfs(maze.walls, maze.target)[maze.origin]
    assert verdict.end_distance == bfs(maze.walls, maze.target)[position]
    assert verdict.answer == parse_answer(answer)


def test_every_cause_is_reached_and_belongs_to_one_group():
    assert {cause for _, _, cause, _, _ in VERDICTS} == set(Cause)
    assert set(Cause) - MALFORMED - ILLEGAL == {
        Cause.SOLVED,
        Cause.PAST_TARGET,
        Cause.SHORT_OF_TARGET,
        Cause.SAID_UNREACHABLE,
    }
    assert not MALFORMED & ILLEGAL


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        ("<|unreachable|>", Cause.SOLVED),
        (THOUGHT + " <|unreachable|>\n", Cause.SOLVED),
        ("<|unreachable|><|unreachable|>", Cause.STRAY_TEXT),
        ("it is <|unreachable|>", Cause.STRAY_TEXT),
        ("<think><|unreachable|>", Cause.UNCLOSED_THINKING),
        ("", Cause.EMPTY),
        (THOUGHT, Cause.EMPTY),
        ("<|down|>", Cause.HIT_WALL),
        ("<|left|>", Cause.LEFT_GRID),
    ],
)
def test_where_no_way_leads_to_the_target_saying_so_is_right_and_nothing_else(answer, cause):
    cut_off = Maze.from_ascii(CUT_OFF_ASCII)
    verdict = judge(cut_off, answer)
    assert (verdict.cause, verdict.solved) == (cause, cause is Cause.SOLVED)
    assert (verdict.position, verdict.start_distance) == (cut_off.origin, UNREACHABLE)
    assert not judge(cut_off, answer, "published")  # which knows no such answer


@given(st.lists(st.sampled_from(MOVES)))
def test_no_moves_solve_a_maze_without_a_way(moves):
    assert not judge(Maze.from_ascii(HALVES_ASCII), moves_to_text(moves))


@pytest.mark.parametrize("rule", ["strict", "published"])
def test_a_verdict_is_true_exactly_when_it_solved_the_maze(rule):
    # An earlier scorer returned `(False, message)`, which is true in an `if`.
    for maze, answer, _, _, _ in VERDICTS:
        verdict = judge(maze, answer, rule)
        assert bool(verdict) is verdict.solved is (verdict.cause is Cause.SOLVED)
    assert judge(ROOM, THOUGHT + "<|right|><|right|>", rule)
    assert not judge(ROOM, THOUGHT + "<|right|>", rule)


def test_a_verdict_cannot_be_changed():
    with pytest.raises(AttributeError):
        judge(ROOM, "<|up|>").cause = Cause.SOLVED


def test_a_prompt_that_opened_the_thinking_needs_it_closed():
    assert judge(ROOM, "<|right|><|right|>", thinking_opened=True).cause is Cause.UNCLOSED_THINKING
    assert judge(ROOM, "hm</think><|right|><|right|>", thinking_opened=True)


def test_a_parsed_answer_and_known_distances_change_nothing():
    answer = THOUGHT + "<|right|><|right|>"
    distances = distances_to(ROOM.walls, ROOM.target)
    assert judge(ROOM, parse_answer(answer), distances=distances) == judge(ROOM, answer)


def test_an_unknown_rule_is_refused_with_the_nearest_one():
    with pytest.raises(
        UnknownName, match=r"Expects a judging rule out of 'published', 'strict'.* Did you mean 'strict'\?"
    ):
        judge(ROOM, "", "strickt")


@given(mazes(solvable=True), st.lists(st.sampled_from(MOVES), min_size=1, max_size=12))
def test_the_strict_rule_is_the_replay_of_the_walls(maze, moves):
    cell, expected, played = maze.origin, None, 0
    for move in moves:
        row_step, col_step = STEPS[WORDS[move]]
        if cell == maze.target:
            expected = Cause.PAST_TARGET
            break
        following = cell[0] + row_step, cell[1] + col_step
        if int(maze.walls[cell]) & 2**move:
            inside = 0 <= following[0] < maze.rows and 0 <= following[1] < maze.cols
            expected = Cause.HIT_WALL if inside else Cause.LEFT_GRID
            break
        cell, played = following, played + 1
    expected = expected or (Cause.SOLVED if cell == maze.target else Cause.SHORT_OF_TARGET)
    verdict = judge(maze, moves_to_text(moves))
    assert (verdict.cause, verdict.position, verdict.legal_moves) == (expected, cell, played)


# The differences that the docstring of judge_published lists, each with what both rules say.
SEALED_IN = Maze.from_ascii("""
+---+---+
| O |   |
+---+   +
|     X |
+---+---+
""")
DIFFERENCES = [
    (ROOM, "<|right|><|right|>", Cause.SOLVED, Cause.EMPTY),  # without </think> there is no answer
    (ROOM, "<think><|right|><|right|>", Cause.UNCLOSED_THINKING, Cause.EMPTY),
    (ROOM, "</think>I go <|right|>, then <|right|>.", Cause.STRAY_TEXT, Cause.SOLVED),  # text is passed over
    (ROOM, "</think><|right|><|jump|><|right|>", Cause.STRAY_TEXT, Cause.SOLVED),  # an unknown token does nothing
    (ROOM, "</think><|right|><|right|", Cause.STRAY_TEXT, Cause.SOLVED),  # a last bracket is not missed
    (ROOM, "</think><|right|><|right|></think><|up|>", Cause.STRAY_TEXT, Cause.SOLVED),  # up to the next </think>
    (ROOM, "</think><|right|><|right|><|down|><|up|>", Cause.PAST_TARGET, Cause.SOLVED),  # past the target and back
    (ROOM, "</think><|right|><|right|><|down|>", Cause.PAST_TARGET, Cause.SHORT_OF_TARGET),
    (SEALED_IN, "</think><|down|><|right|>", Cause.HIT_WALL, Cause.SOLVED),  # <|all_wall|> blocks no direction
    (SEALED_IN, "</think><|up|>", Cause.LEFT_GRID, Cause.LEFT_GRID),
    (SEALED_IN, "</think><|all|>", Cause.STRAY_TEXT, Cause.HIT_WALL),  # ... but the word "all"
]


@pytest.mark.parametrize(("maze", "answer", "strict", "published"), DIFFERENCES)
def test_the_published_rule_differs_where_it_says(maze, answer, strict, published):
    assert judge(maze, answer).cause is strict
    assert judge(maze, answer, "published").cause is published


@given(mazes(solvable=True), st.lists(st.sampled_from(MOVES), min_size=1, max_size=12))
def test_on_well_formed_answers_the_rules_differ_only_past_the_target_and_in_closed_cells(maze, moves):
    answer = THOUGHT + moves_to_text(moves)
    strict, published = judge(maze, answer), judge(maze, answer, "published")
    if strict.cause is Cause.PAST_TARGET:
        assert published.legal_moves >= strict.legal_moves
    else:  # a closed cell cannot be the origin of a maze that has a way
        # The border's wall is a wall to the published scorer, which looks at the walls first.
        cause = Cause.HIT_WALL if strict.cause is Cause.LEFT_GRID else strict.cause
        assert (published.cause, published.legal_moves) == (cause, strict.legal_moves)
        assert published.position == strict.position
