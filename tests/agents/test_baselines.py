"""The baselines: what each is sure to do, in both modes."""

from collections import Counter

import pytest

from maze_env.answers import parse_answer
from maze_env.attempt import Reply
from maze_env.dynamics import Outcome
from maze_env.maze import Maze
from maze_env.moves import MOVE_OF_TOKEN, Move
from maze_env.phrasings import PHRASINGS
from maze_env.solving import shortest_path
from maze_env.symmetry import transform_maze
from maze_env.tokens import maze_to_text
from tests import tiny
from tests.maze_env import golden
from tokenmaze.agents.baselines import (
    BASELINES,
    GreedyAgent,
    LeftHandAgent,
    RandomAgent,
    RandomLegalAgent,
    RightHandAgent,
)
from tokenmaze.agents.rollout import rollout

MODES = ("play", "plan")
BOTH_MODES = pytest.mark.parametrize("mode", MODES)
EVERY_AGENT = pytest.mark.parametrize("name", BASELINES)


def small_trees():
    """Every 2x3 tree maze with every pair of endpoints, and every 3x3 tree with some of them."""
    pairs_2x3, pairs_3x3 = golden.endpoint_pairs(2, 3), golden.endpoint_pairs(3, 3)
    for walls in golden.spanning_trees(2, 3):
        yield from (Maze(walls, origin, target) for origin, target in pairs_2x3)
    for number, walls in enumerate(golden.spanning_trees(3, 3)):
        yield from (Maze(walls, *pair) for pair in pairs_3x3[number % 24 :: 24])


def test_the_baselines_are_known_by_their_own_names():
    names = {"random", "random-legal", "greedy", "left-hand", "right-hand", "depth-first", "shortest-path", "a-star"}
    assert set(BASELINES) == names
    assert all(BASELINES[name].name == name and BASELINES[name].modes == MODES for name in names)


@EVERY_AGENT
@BOTH_MODES
def test_every_agent_plays_every_size_within_the_budget(name, mode):
    mazes = [*tiny.mazes(5, 2, 2), *tiny.mazes(5, 3, 5)]
    attempts = rollout(BASELINES[name](mode), mazes, range(len(mazes)))
    for maze, attempt in zip(mazes, attempts, strict=True):
        assert attempt.maze == maze
        assert 1 <= len(attempt.moves) <= 4 * maze.rows * maze.cols
        assert not attempt.malformed


@BOTH_MODES
@pytest.mark.parametrize("name", ["shortest-path", "a-star"])
def test_the_oracles_solve_everything_in_the_fewest_moves(name, mode):
    mazes = [*list(small_trees())[::7], *tiny.mazes(20, 6, 4), *tiny.mazes(20, 6, 6, braid=1.0)]
    for attempt in rollout(BASELINES[name](mode), mazes, range(len(mazes))):
        assert attempt.solved
        assert attempt.legal
        assert len(attempt.moves) == golden.bfs(attempt.maze.walls, attempt.maze.origin)[attempt.maze.target]


@pytest.mark.parametrize("hand", [LeftHandAgent, RightHandAgent])
def test_a_wall_follower_finds_every_target_of_a_maze_without_loops(hand):
    # With a hand on the wall each of the n - 1 passages is walked at most once in each direction.
    mazes = [*small_trees(), *tiny.mazes(40, 8, 8)]
    for attempt in rollout(hand("plan"), mazes, range(len(mazes))):
        assert attempt.solved, attempt.maze.to_ascii()
        assert len(attempt.moves) <= 2 * (attempt.maze.rows * attempt.maze.cols - 1)


@pytest.mark.parametrize("hand", [LeftHandAgent, RightHandAgent])
def test_a_wall_follower_walks_the_same_way_in_both_modes(hand):
    mazes = tiny.mazes(10, 4, 4)
    played, planned = (rollout(hand(mode), mazes, range(10)) for mode in MODES)
    assert [attempt.moves for attempt in played] == [attempt.moves for attempt in planned]


def test_left_and_right_hand_are_mirror_images():
    # Symmetry 1 swaps left and right; both agents start facing up, which it leaves alone.
    swapped = {Move.LEFT: Move.RIGHT, Move.RIGHT: Move.LEFT, Move.UP: Move.UP, Move.DOWN: Move.DOWN}
    mazes = tiny.mazes(20, 5, 4)
    left = rollout(LeftHandAgent("plan"), mazes, range(20))
    right = rollout(RightHandAgent("plan"), [transform_maze(maze, 1) for maze in mazes], range(20))
    assert [[swapped[move] for move in attempt.moves] for attempt in left] == [list(attempt.moves) for attempt in right]
    assert any(attempt.moves != other.moves for attempt, other in zip(left, right, strict=True))


def test_a_wall_follower_forgets_the_last_episode_at_reset():
    maze = tiny.mazes(1, 5, 5, min_length=8)[0]
    agent = LeftHandAgent("play")
    first = rollout(agent, [maze], [0])
    assert rollout(agent, [maze], [0]) == first


@pytest.mark.parametrize("agent", [RandomLegalAgent, GreedyAgent, LeftHandAgent, RightHandAgent])
def test_agents_that_read_walls_never_walk_into_one(agent):
    mazes = tiny.mazes(20, 4, 5)
    for mode in MODES:
        for attempt in rollout(agent(mode), mazes, range(20)):
            assert set(attempt.outcomes) == {Outcome.MOVED}


def test_random_takes_all_four_moves_equally_often_walls_or_not():
    # 10,000 moves whose seeds are fixed; unbiased, a count off by 5 sigma (217) has a chance under 1 in a million.
    agent = RandomAgent("play")
    observation = maze_to_text(tiny.mazes(1, 3, 3)[0])
    agent.reset(range(500))
    counts = Counter(reply.text for _ in range(20) for reply in agent.act([observation] * 500))
    assert set(counts) == set(MOVE_OF_TOKEN)
    assert all(abs(count - 2500) < 217 for count in counts.values())


def test_greedy_takes_a_possible_move_that_ends_nearest_as_the_crow_flies():
    mazes = tiny.mazes(60, 5, 5)
    agent = GreedyAgent("play")
    agent.reset(range(60))
    detours = 0
    for maze, reply in zip(mazes, agent.act([maze_to_text(maze) for maze in mazes]), strict=True):
        reach = {
            word: abs(row - maze.target[0]) + abs(col - maze.target[1])
            for word, (row, col) in golden.open_neighbours(maze.walls, maze.origin)
        }
        assert reach[reply.text.removeprefix("<|").removesuffix("|>")] == min(reach.values())
        detours += MOVE_OF_TOKEN[reply.text] is not shortest_path(maze)[0]
    assert detours  # it is not the oracle


def test_greedy_breaks_ties_by_chance():
    # From a corner of an open room both ways are as near.
    room = Maze.from_ascii("+---+---+\n| O     |\n+   +   +\n|     X |\n+---+---+")
    agent = GreedyAgent("play")
    agent.reset(range(64))  # one sided by chance: 2 in 2**64
    assert {reply.text for reply in agent.act([maze_to_text(room)] * 64)} == {"<|down|>", "<|right|>"}


@EVERY_AGENT
@BOTH_MODES
def test_the_same_seeds_give_the_same_texts(name, mode):
    mazes = tiny.mazes(6, 4, 4)
    first = rollout(BASELINES[name](mode), mazes, range(6))
    assert rollout(BASELINES[name](mode), mazes, range(6)) == first


@pytest.mark.parametrize("name", ["random", "random-legal"])
@BOTH_MODES
def test_other_seeds_give_other_texts(name, mode):
    mazes = tiny.mazes(6, 4, 4)
    first, second = (rollout(BASELINES[name](mode), mazes, range(start, start + 6)) for start in (0, 100))
    assert [attempt.texts for attempt in first] != [attempt.texts for attempt in second]


@EVERY_AGENT
@BOTH_MODES
def test_an_episode_does_not_depend_on_its_company(name, mode):
    mazes = [*tiny.mazes(5, 4, 4), *tiny.mazes(2, 2, 2)]
    together = rollout(BASELINES[name](mode), mazes, range(7))
    alone = [rollout(BASELINES[name](mode), [maze], [seed])[0] for seed, maze in enumerate(mazes)]
    assert together == alone


@EVERY_AGENT
def test_an_ended_episode_gets_no_text(name):
    agent = BASELINES[name]("play")
    agent.reset([0, 1])
    ended, live = agent.act(["", maze_to_text(tiny.mazes(1)[0])])
    assert ended.text == ""
    assert live.text in MOVE_OF_TOKEN
    assert live == Reply(live.text)  # no tokens are counted, and nothing can be cut off or fail


@pytest.mark.parametrize("phrasing", PHRASINGS)
def test_the_oracle_reads_and_writes_every_phrasing(phrasing):
    mazes = [Maze.from_ascii(golden.EXAMPLE_ASCII), *tiny.mazes(5, 3, 4)]
    attempts = rollout(BASELINES["shortest-path"]("plan"), mazes, range(6), phrasing=phrasing)
    assert all(attempt.solved for attempt in attempts)
    assert attempts[0].texts[0] == PHRASINGS[phrasing].translate(golden.EXAMPLE_ANSWER)


@EVERY_AGENT
def test_who_looks_at_the_whole_maze_says_that_no_way_leads_to_the_target(name):
    agent = BASELINES[name]("plan")
    halves = Maze.from_ascii(golden.HALVES_ASCII)
    solved = [attempt.solved for attempt in rollout(agent, [halves, *tiny.mazes(3)], range(4))]
    if name in ("shortest-path", "a-star", "depth-first"):
        assert all(solved)
    else:
        assert not solved[0]


def test_a_plan_that_misses_the_target_ends_with_the_budget():
    # A dead end that points at the target holds the greedy agent for good.
    trap = Maze.from_ascii(
        "+---+---+---+\n| O |     X |\n+   +   +---+\n|   |       |\n+   +---+   +\n|           |\n+---+---+---+"
    )
    agent = GreedyAgent("plan")
    agent.reset([0])
    moves = parse_answer(agent.act([maze_to_text(trap)])[0].text).moves
    assert len(moves) == 4 * 9
