"""Q-learning learns mazes by acting in them alone."""

import pytest

from maze_env.errors import InvalidConfig
from maze_env.generation import MazeSpec, generate
from maze_env.maze import Maze
from tokenmaze.agents import registry
from tokenmaze.agents.q_learning import QLearningAgent
from tokenmaze.agents.rollout import rollout

MAZES = [generate(key, MazeSpec(5, 5, split=None)) for key in range(40)]


def test_within_its_budget_it_has_learned_the_shortest_way_of_every_maze():
    agent = QLearningAgent()
    attempts = rollout(agent, MAZES, range(40))
    assert all(attempt.solved and len(attempt.moves) == attempt.start_distance for attempt in attempts)
    assert len(agent.learning_curve) == 60
    assert agent.learning_curve[-1] == 1.0


def test_with_one_episode_it_has_not():
    agent = QLearningAgent(episodes=1)
    attempts = rollout(agent, MAZES, range(40))
    assert sum(attempt.solved for attempt in attempts) < 40


def test_mazes_of_several_sizes_are_learned_together_and_the_same_way_each_time():
    mazes = [generate(key, MazeSpec(*size, split=None)) for key, size in enumerate([(3, 3), (4, 5), (3, 3), (6, 2)])]
    first, second = (rollout(QLearningAgent(episodes=20), mazes, range(4)) for _ in range(2))
    assert [attempt.moves for attempt in first] == [attempt.moves for attempt in second]
    assert all(attempt.solved for attempt in first)


def test_walls_are_learned_by_running_into_them():
    corridor = Maze.from_ascii("""
        +---+---+
        | O | X |
        +   +   +
        |       |
        +---+---+
    """)
    table = QLearningAgent(episodes=10).learn([corridor])[0]
    best = table.max(axis=1)
    assert table[0].argmax() == 1
    assert (table[0, [0, 2, 3]] < best[0]).all()


def test_it_is_made_by_name_and_only_plays():
    assert isinstance(registry.make("q-learning", "play"), QLearningAgent)
    with pytest.raises(InvalidConfig, match=r"Expects a mode of 'q-learning', one of .*'play'.*, actual: 'plan'"):
        registry.make("q-learning", "plan")
