"""What a move does, and what an answer is worth under both rules."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maze_env.answers import moves_to_text, parse_answer
from maze_env.attempt import ILLEGAL, MALFORMED, End
from maze_env.dynamics import Outcome, transition
from maze_env.errors import UnknownName
from maze_env.maze import Maze
from maze_env.moves import MOVES, Move
from maze_env.solving import UNREACHABLE, distances_to
from maze_env.tokens import maze_from_text
from maze_env.verifier import verify
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

    verdict = verify(EXAMPLE, EXAMPLE_ANSWER)
    assert (verdict.end, verdict.legal_moves, verdict.position) == (End.SOLVED, 16, (2, 4))
    assert (verdict.start_distance, verdict.end_distance) == (16, 0)


def test_every_move_from_every_cell_of_every_3x3_tree_does_what_the_walls_say():
    for walls in spanning_trees(3, 3):
        maze = Maze.from_validated(walls, (0, 0), (2, 2))
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
    (ROOM, "<|right|><|right|>", End.SOLVED, 2, (0, 2)),
    (ROOM, "<|right|> <|right|>", End.SOLVED, 2, (0, 2)),
    (ROOM, THOUGHT + "<|right|>\n<|right|>\n", End.SOLVED, 2, (0, 2)),
    (ROOM, "<|down|><|right|><|right|><|up|>", End.SOLVED, 4, (0, 2)),  # any way counts, not one golden string
    (ROOM, "<|right|><|left|><|right|><|right|>", End.SOLVED, 4, (0, 2)),
    (ROOM, "<|right|>", End.SHORT_OF_TARGET, 1, (0, 1)),
    (ROOM, "<|right|><|left|>", End.SHORT_OF_TARGET, 2, (0, 0)),
    (ROOM, "<|up|>", End.LEFT_GRID, 0, (0, 0)),
    (ROOM, "<|down|><|down|><|up|>", End.LEFT_GRID, 1, (1, 0)),
    (EXAMPLE, "<|up|>", End.HIT_WALL, 0, (3, 1)),
    (EXAMPLE, "<|down|><|right|>", End.HIT_WALL, 1, (4, 1)),
    (ROOM, "<|right|><|right|><|down|>", End.PAST_TARGET, 2, (0, 2)),
    (ROOM, "<|right|><|right|><|down|><|up|>", End.PAST_TARGET, 2, (0, 2)),  # also when it comes back
    (ROOM, "<|right|><|right|><|right|>", End.PAST_TARGET, 2, (0, 2)),  # also into a wall
    (ROOM, "<|right|>" * 50, End.PAST_TARGET, 2, (0, 2)),  # a reward hack of failed runs
    (ROOM, "", End.EMPTY, 0, (0, 0)),
    (ROOM, THOUGHT, End.EMPTY, 0, (0, 0)),
    (ROOM, "go <|right|><|right|>", End.STRAY_TEXT, 0, (0, 0)),
    (ROOM, "<|right|><|right|>.", End.STRAY_TEXT, 0, (0, 0)),
    (ROOM, "<|right|><|jump|><|right|>", End.STRAY_TEXT, 0, (0, 0)),  # earlier code let unknown tokens do nothing
    (ROOM, "<|right|><|right|>" + THOUGHT, End.EMPTY, 0, (0, 0)),  # only what follows counts
    (ROOM, THOUGHT + "<|right|><|right|></think>", End.STRAY_TEXT, 0, (0, 0)),
    (ROOM, THOUGHT + "<|up|></think><|right|><|right|>", End.STRAY_TEXT, 0, (0, 0)),  # the first </think> rules
    (ROOM, "<think><|right|><|right|>", End.UNCLOSED_THINKING, 0, (0, 0)),  # a dropped closing tag
    (ROOM, THOUGHT + "<|unreachable|>", End.SAID_UNREACHABLE, 0, (0, 0)),  # it is reachable
    (ROOM, "<|right|><|unreachable|>", End.STRAY_TEXT, 0, (0, 0)),
]


@pytest.mark.parametrize(("maze", "answer", "cause", "legal_moves", "position"), VERDICTS)
def test_strict_verdicts(maze, answer, cause, legal_moves, position):
    verdict = verify(maze, answer)
    assert (verdict.end, verdict.legal_moves, verdict.position) == (cause, legal_moves, position)
    assert verdict.start_distance == bfs(maze.walls, maze.target)[maze.origin]
    assert verdict.end_distance == bfs(maze.walls, maze.target)[position]
    assert verdict.answer == parse_answer(answer)


def test_every_cause_is_reached_and_belongs_to_one_group():
    assert {cause for _, _, cause, _, _ in VERDICTS} == set(End) - {
        End.NOT_A_MOVE,
        End.REQUEST_FAILED,
    }  # those are ends of play and of requests
    assert set(End) - MALFORMED - ILLEGAL == {
        End.SOLVED,
        End.PAST_TARGET,
        End.SHORT_OF_TARGET,
        End.SAID_UNREACHABLE,
    }
    assert not MALFORMED & ILLEGAL


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        ("<|unreachable|>", End.SOLVED),
        (THOUGHT + " <|unreachable|>\n", End.SOLVED),
        ("<|unreachable|><|unreachable|>", End.STRAY_TEXT),
        ("it is <|unreachable|>", End.STRAY_TEXT),
        ("<think><|unreachable|>", End.UNCLOSED_THINKING),
        ("", End.EMPTY),
        (THOUGHT, End.EMPTY),
        ("<|down|>", End.HIT_WALL),
        ("<|left|>", End.LEFT_GRID),
    ],
)
def test_where_no_way_leads_to_the_target_saying_so_is_right_and_nothing_else(answer, cause):
    cut_off = Maze.from_ascii(CUT_OFF_ASCII)
    verdict = verify(cut_off, answer)
    assert (verdict.end, verdict.solved) == (cause, cause is End.SOLVED)
    assert (verdict.position, verdict.start_distance) == (cut_off.origin, UNREACHABLE)
    assert not verify(cut_off, answer, "published")  # which knows no such answer


@given(st.lists(st.sampled_from(MOVES)))
def test_no_moves_solve_a_maze_without_a_way(moves):
    assert not verify(Maze.from_ascii(HALVES_ASCII), moves_to_text(moves))


@pytest.mark.parametrize("rule", ["strict", "published"])
def test_a_verdict_is_true_exactly_when_it_solved_the_maze(rule):
    # An earlier scorer returned `(False, message)`, which is true in an `if`.
    for maze, answer, _, _, _ in VERDICTS:
        verdict = verify(maze, answer, rule)
        assert bool(verdict) is verdict.solved is (verdict.end is End.SOLVED)
    assert verify(ROOM, THOUGHT + "<|right|><|right|>", rule)
    assert not verify(ROOM, THOUGHT + "<|right|>", rule)


def test_a_verdict_cannot_be_changed():
    with pytest.raises(AttributeError):
        verify(ROOM, "<|up|>").end = End.SOLVED


def test_a_prompt_that_opened_the_thinking_needs_it_closed():
    assert verify(ROOM, "<|right|><|right|>", thinking_opened=True).end is End.UNCLOSED_THINKING
    assert verify(ROOM, "hm</think><|right|><|right|>", thinking_opened=True)


def test_a_parsed_answer_and_known_distances_change_nothing():
    answer = THOUGHT + "<|right|><|right|>"
    distances = distances_to(ROOM.walls, ROOM.target)
    assert verify(ROOM, parse_answer(answer), distances=distances) == verify(ROOM, answer)


def test_an_unknown_rule_is_refused_with_the_nearest_one():
    with pytest.raises(
        UnknownName, match=r"Expects a verifier rule out of 'published', 'strict'.* Did you mean 'strict'\?"
    ):
        verify(ROOM, "", "strickt")


@given(mazes(solvable=True), st.lists(st.sampled_from(MOVES), min_size=1, max_size=12))
def test_the_strict_rule_is_the_replay_of_the_walls(maze, moves):
    cell, expected, played = maze.origin, None, 0
    for move in moves:
        row_step, col_step = STEPS[WORDS[move]]
        if cell == maze.target:
            expected = End.PAST_TARGET
            break
        following = cell[0] + row_step, cell[1] + col_step
        if int(maze.walls[cell]) & 2**move:
            inside = 0 <= following[0] < maze.rows and 0 <= following[1] < maze.cols
            expected = End.HIT_WALL if inside else End.LEFT_GRID
            break
        cell, played = following, played + 1
    expected = expected or (End.SOLVED if cell == maze.target else End.SHORT_OF_TARGET)
    verdict = verify(maze, moves_to_text(moves))
    assert (verdict.end, verdict.position, verdict.legal_moves) == (expected, cell, played)


# The differences that the docstring of judge_published lists, each with what both rules say.
SEALED_IN = Maze.from_ascii("""
+---+---+
| O |   |
+---+   +
|     X |
+---+---+
""")
DIFFERENCES = [
    (ROOM, "<|right|><|right|>", End.SOLVED, End.EMPTY),  # without </think> there is no answer
    (ROOM, "<think><|right|><|right|>", End.UNCLOSED_THINKING, End.EMPTY),
    (ROOM, "</think>I go <|right|>, then <|right|>.", End.STRAY_TEXT, End.SOLVED),  # text is passed over
    (ROOM, "</think><|right|><|jump|><|right|>", End.STRAY_TEXT, End.SOLVED),  # an unknown token does nothing
    (ROOM, "</think><|right|><|right|", End.STRAY_TEXT, End.SOLVED),  # a last bracket is not missed
    (ROOM, "</think><|right|><|right|></think><|up|>", End.STRAY_TEXT, End.SOLVED),  # up to the next </think>
    (ROOM, "</think><|right|><|right|><|down|><|up|>", End.PAST_TARGET, End.SOLVED),  # past the target and back
    (ROOM, "</think><|right|><|right|><|down|>", End.PAST_TARGET, End.SHORT_OF_TARGET),
    (SEALED_IN, "</think><|down|><|right|>", End.HIT_WALL, End.SOLVED),  # <|all_wall|> blocks no direction
    (SEALED_IN, "</think><|up|>", End.LEFT_GRID, End.LEFT_GRID),
    (SEALED_IN, "</think><|all|>", End.STRAY_TEXT, End.HIT_WALL),  # ... but the word "all"
]


@pytest.mark.parametrize(("maze", "answer", "strict", "published"), DIFFERENCES)
def test_the_published_rule_differs_where_it_says(maze, answer, strict, published):
    assert verify(maze, answer).end is strict
    assert verify(maze, answer, "published").end is published


@given(mazes(solvable=True), st.lists(st.sampled_from(MOVES), min_size=1, max_size=12))
def test_on_well_formed_answers_the_rules_differ_only_past_the_target_and_in_closed_cells(maze, moves):
    answer = THOUGHT + moves_to_text(moves)
    strict, published = verify(maze, answer), verify(maze, answer, "published")
    if strict.end is End.PAST_TARGET:
        assert published.legal_moves >= strict.legal_moves
    else:  # a closed cell cannot be the origin of a maze that has a way
        # The border's wall is a wall to the published scorer, which looks at the walls first.
        cause = End.HIT_WALL if strict.end is End.LEFT_GRID else strict.end
        assert (published.end, published.legal_moves) == (cause, strict.legal_moves)
        assert published.position == strict.position
