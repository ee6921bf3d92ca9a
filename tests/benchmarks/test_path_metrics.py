"""How agents walked: by hand, and against agents whose walks are known."""

from random import Random

import pytest

from agents.base import Agent
from agents.baselines import BASELINES
from agents.rollout import rollout
from benchmarks.path_metrics import cells_walked, first_illegal_moves, optimality_gap, returns
from benchmarks.suites import load
from maze_env.maze import Maze
from tests.maze_env.golden import CUT_OFF_ASCII

# Open all through, but for one wall.
ROOM = Maze.from_ascii("""
    +---+---+---+
    | O         |
    +   +---+   +
    |         X |
    +---+---+---+
""")
UP, DOWN, LEFT, RIGHT = "<|up|>", "<|down|>", "<|left|>", "<|right|>"


class Script(Agent):
    """Plays each of its scripts, move by move or as one answer."""

    name = "script"

    def __init__(self, mode, scripts):
        self.mode, self.scripts = mode, scripts

    def reset(self, seeds):
        self.turn = 0

    def act(self, observations):
        self.turn += 1
        if self.mode == "plan":
            return ["".join(script) for script in self.scripts]
        return [script[self.turn - 1] if text else "" for script, text in zip(self.scripts, observations, strict=True)]


def plan(*scripts):
    return rollout(Script("plan", scripts), [ROOM] * len(scripts), range(len(scripts)))


def play(*scripts, **options):
    return rollout(Script("play", scripts), [ROOM] * len(scripts), range(len(scripts)), **options)


def test_the_optimality_gap_is_over_what_arrived():
    records = plan([RIGHT, RIGHT, DOWN], [RIGHT, LEFT, DOWN, RIGHT, RIGHT], [RIGHT, RIGHT])
    assert optimality_gap(records) == {"ratio": pytest.approx((0 + 2 / 3) / 2), "moves": 1.0}
    assert optimality_gap(records[2:]) is None


def test_saying_that_no_way_leads_to_the_target_has_no_length():
    sealed = Maze.from_ascii(CUT_OFF_ASCII)
    records = rollout(Script("plan", [["<|unreachable|>"], [RIGHT, RIGHT, DOWN]]), [sealed, ROOM], [0, 1])
    assert [record.solved for record in records] == [True, True]
    assert optimality_gap(records) == {"ratio": 0.0, "moves": 0.0}
    assert optimality_gap(records[:1]) is None


def test_a_refused_move_of_play_makes_the_way_longer():
    records = play([UP, RIGHT, RIGHT, DOWN])
    assert optimality_gap(records) == {"ratio": pytest.approx(1 / 3), "moves": 1.0}


def test_the_first_refused_move_by_what_refused_it():
    records = plan([RIGHT, DOWN], [RIGHT, RIGHT, UP], [RIGHT, DOWN, DOWN], [UP], [RIGHT, RIGHT, DOWN], ["down"])
    assert first_illegal_moves(records) == {
        "hit_wall": {"attempts": 2, "share": 2 / 6, "median": 2, "at": {"2": 2}},
        "left_grid": {"attempts": 2, "share": 2 / 6, "median": 2, "at": {"1": 1, "3": 1}},
    }
    assert first_illegal_moves(play([RIGHT, DOWN, UP, RIGHT, DOWN])) == {  # the border's is not the first
        "hit_wall": {"attempts": 1, "share": 1.0, "median": 2, "at": {"2": 1}}
    }
    assert first_illegal_moves(records[4:]) == {}


def test_the_cells_of_a_walk_are_those_that_were_played():
    records = plan([RIGHT, DOWN, DOWN], [RIGHT, "stray"])
    assert [cells_walked(record) for record in records] == [[(0, 0), (0, 1)], [(0, 0)]]
    assert cells_walked(play([UP, DOWN, RIGHT, RIGHT])[0]) == [(0, 0), (1, 0), (1, 1), (1, 2)]


def test_cells_visited_again_are_counted_by_attempt():
    back_and_forth = [RIGHT, LEFT, RIGHT, RIGHT, DOWN]  # (0, 0) and (0, 1) again
    records = plan([RIGHT, RIGHT, DOWN], back_and_forth, [UP, UP], ["stray"])
    assert returns(records) == {"revisits": 2 / 4, "loops": 1 / 4}


def test_in_fog_a_return_with_new_knowledge_is_no_loop():
    # At radius 0 the cell below is new, so the way back to the origin is no loop, and the second way down is one.
    once, twice = [DOWN, UP, RIGHT, RIGHT, DOWN], [DOWN, UP, DOWN, RIGHT, RIGHT]
    for radius, loops in ((0, [0.0, 1.0]), (1, [1.0, 1.0]), (None, [1.0, 1.0])):
        records = play(once, twice, view_radius=radius)
        assert all(record.solved for record in records)
        assert [returns([record], radius)["loops"] for record in records] == loops
        assert returns(records, radius)["revisits"] == (1 + 2) / 2


def test_explorers_come_back_and_do_not_loop():
    suite = load("fog")
    mazes = Random(0).sample(suite.mazes, 100)
    for name in ("shortest-path", "a-star"):
        walked = returns(rollout(BASELINES[name]("play"), mazes, range(100), view_radius=1), 1)
        assert walked["loops"] == 0.0
        assert walked["revisits"] > 0.1
    random = returns(rollout(BASELINES["random"]("play"), mazes, range(100), view_radius=1), 1)
    assert random["loops"] > 0.5
