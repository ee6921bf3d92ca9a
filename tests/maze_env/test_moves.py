"""The axis convention, which everything else imports."""

import numpy as np
import pytest

from maze_env.errors import InvalidMove
from maze_env.moves import DELTAS, MOVES, Move, as_move


def test_the_order_is_up_down_left_right_and_row_0_is_the_top():
    assert [(move.name, int(move)) for move in MOVES] == [("UP", 0), ("DOWN", 1), ("LEFT", 2), ("RIGHT", 3)]
    assert [move.apply((5, 7)) for move in MOVES] == [(4, 7), (6, 7), (5, 6), (5, 8)]
    assert DELTAS.tolist() == [[-1, 0], [1, 0], [0, -1], [0, 1]]


def test_tokens_and_wall_bits_follow_the_order():
    assert [move.token for move in MOVES] == ["<|up|>", "<|down|>", "<|left|>", "<|right|>"]
    assert [move.wall for move in MOVES] == [1, 2, 4, 8]


@pytest.mark.parametrize("move", MOVES)
def test_the_opposite_move_leads_back(move):
    assert move.opposite.apply(move.apply((3, 3))) == (3, 3)


def test_the_shared_deltas_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        DELTAS[0, 0] = 1


@pytest.mark.parametrize(
    "action", [2, np.int64(2), np.uint8(2), np.array(2), Move.LEFT, "<|left|>", " <|left|>\n"], ids=repr
)
def test_an_index_of_any_integer_type_and_a_token_name_a_move(action):
    assert as_move(action) is Move.LEFT


@pytest.mark.parametrize(
    "action",
    [4, -1, True, np.True_, 1.0, None, "up", "<|no_wall|>", "<|up|><|up|>", "", np.array([1]), np.array(4), [1]],
    ids=repr,
)
def test_anything_else_is_refused_and_quoted(action):
    with pytest.raises(InvalidMove, match=r"Expects a move: 0, 1, 2, 3 or one of .*, actual: "):
        as_move(action)


def test_a_move_by_its_bare_name_is_told_its_token():
    for action in ("up", " Up"):
        with pytest.raises(InvalidMove, match=r"actual: '.*'. Did you mean '<\|up\|>'\?"):
            as_move(action)
