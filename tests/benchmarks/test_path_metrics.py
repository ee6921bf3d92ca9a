"""Paths: by hand, and against agents whose paths are known."""

from random import Random

import pytest

from maze_env.attempt import Reply
from maze_env.maze import Maze
from tests.maze_env.golden import CUT_OFF_ASCII
from tokenmaze.agents.base import Agent
from tokenmaze.agents.baselines import BASELINES
from tokenmaze.agents.rollout import rollout
from tokenmaze.benchmarks.figures import FirstIllegalMove, OptimalityGap
from tokenmaze.benchmarks.path_metrics import first_illegal_moves, optimality_gap, revisits_of, visited_cells
from tokenmaze.benchmarks.suites import load

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

    def reset(self, seeds, phrasing):
        self.turn = 0

    def act(self, observations):
        self.turn += 1
        if self.mode == "plan":
            return [Reply("".join(script)) for script in self.scripts]
        pairs = zip(self.scripts, observations, strict=True)
        return [Reply(script[self.turn - 1] if text else "") for script, text in pairs]


def plan(*scripts):
    return rollout(Script("plan", scripts), [ROOM] * len(scripts), range(len(scripts)))


def play(*scripts, **options):
    return rollout(Script("play", scripts), [ROOM] * len(scripts), range(len(scripts)), **options)


def test_the_optimality_gap_is_over_what_reached_the_target():
    records = plan([RIGHT, RIGHT, DOWN], [RIGHT, LEFT, DOWN, RIGHT, RIGHT], [RIGHT, RIGHT])
    assert optimality_gap(records) == OptimalityGap(ratio=pytest.approx((0 + 2 / 3) / 2), moves=1.0)
    assert optimality_gap(records[2:]) is None


def test_saying_that_the_target_is_unreachable_has_no_length():
    sealed = Maze.from_ascii(CUT_OFF_ASCII)
    records = rollout(Script("plan", [["<|unreachable|>"], [RIGHT, RIGHT, DOWN]]), [sealed, ROOM], [0, 1])
    assert [record.solved for record in records] == [True, True]
    assert optimality_gap(records) == OptimalityGap(ratio=0.0, moves=0.0)
    assert optimality_gap(records[:1]) is None


def test_an_illegal_move_of_play_makes_the_path_longer():
    records = play([UP, RIGHT, RIGHT, DOWN])
    assert optimality_gap(records) == OptimalityGap(ratio=pytest.approx(1 / 3), moves=1.0)


def test_the_first_illegal_move_by_what_refused_it():
    records = plan([RIGHT, DOWN], [RIGHT, RIGHT, UP], [RIGHT, DOWN, DOWN], [UP], [RIGHT, RIGHT, DOWN], ["down"])
    assert first_illegal_moves(records) == {
        "hit_wall": FirstIllegalMove(attempts=2, share=2 / 6, median=2, at={2: 2}),
        "left_grid": FirstIllegalMove(attempts=2, share=2 / 6, median=2, at={1: 1, 3: 1}),
    }
    assert first_illegal_moves(play([RIGHT, DOWN, UP, RIGHT, DOWN])) == {  # the border's is not the first
        "hit_wall": FirstIllegalMove(attempts=1, share=1.0, median=2, at={2: 1})
    }
    assert first_illegal_moves(records[4:]) == {}


def test_the_cells_of_a_path_are_those_that_were_played():
    records = plan([RIGHT, DOWN, DOWN], [RIGHT, "stray"])
    assert [visited_cells(record) for record in records] == [[(0, 0), (0, 1)], [(0, 0)]]
    assert visited_cells(play([UP, DOWN, RIGHT, RIGHT])[0]) == [(0, 0), (1, 0), (1, 1), (1, 2)]


def test_cells_visited_again_are_counted_by_attempt():
    back_and_forth = [RIGHT, LEFT, RIGHT, RIGHT, DOWN]  # (0, 0) and (0, 1) again
    records = plan([RIGHT, RIGHT, DOWN], back_and_forth, [UP, UP], ["stray"])
    assert [revisits_of(record) for record in records] == [(0, False), (2, True), (0, False), (0, False)]


def test_under_partial_observability_a_revisit_with_new_knowledge_is_no_loop():
    # At radius 0 the cell below is new, so the path back to the origin is no loop, and the second one down is.
    once, twice = [DOWN, UP, RIGHT, RIGHT, DOWN], [DOWN, UP, DOWN, RIGHT, RIGHT]
    for radius, loops in ((0, [False, True]), (1, [True, True]), (None, [True, True])):
        records = play(once, twice, view_radius=radius)
        assert all(record.solved for record in records)
        assert [revisits_of(record, radius)[1] for record in records] == loops
        assert [revisits_of(record, radius)[0] for record in records] == [1, 2]


def test_explorers_come_back_and_do_not_loop():
    suite = load("fog")
    mazes = Random(0).sample(suite.mazes, 100)

    def revisits(name):
        played = rollout(BASELINES[name]("play"), mazes, range(100), view_radius=1)
        return [revisits_of(attempt, 1) for attempt in played]

    for name in ("shortest-path", "a-star"):
        assert not any(is_loop for _, is_loop in revisits(name))
        assert sum(again for again, _ in revisits(name)) > 10
    assert sum(is_loop for _, is_loop in revisits("random")) > 50
