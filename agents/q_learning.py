"""Tabular Q-learning: learns each maze from scratch, by acting in it, and then acts on what it learned.

Source: Watkins and Dayan, "Q-learning", Machine Learning 8 (1992); with optimistic first values (Sutton and Barto,
"Reinforcement Learning", 2nd edition, section 2.6) in place of random exploration, so that training is deterministic.
Moves are deterministic as well, so the step size is 1.
"""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from maze_env.attempt import Reply
from maze_env.errors import InvalidConfig
from maze_env.maze import Maze
from maze_env.moves import MOVE_TOKENS
from maze_env.phrasings import STANDARD
from maze_env.rewards import step_scheme_named
from maze_env.tokens import maze_from_text
from maze_env.vector import TokenMazeVectorEnv
from tokenmaze.agents.base import Agent, Mode
from tokenmaze.agents.errors import require_at_least


class QLearningAgent(Agent):
    """Trains on each maze for ``episodes`` episodes, all mazes of a size in one vector environment, then acts greedily.

    An episode has at most 4 * rows * cols steps; rewards are the environment's, those of the future discounted.
    """

    name = "q-learning"
    modes: ClassVar[tuple[Mode, ...]] = ("play",)
    learning_curve: list[float]
    """Share of mazes solved in each episode of the last training."""

    def __init__(self, mode: Mode = "play", episodes: int = 60, discount: float = 0.95):
        require_at_least(1, episodes=episodes)
        if not 0 <= discount <= 1:
            raise InvalidConfig(f"Expects a discount from 0 to 1, actual: {discount}")
        self.mode, self.episodes, self.discount = mode, episodes, discount
        self._tables: dict[int, NDArray[np.float64]] = {}
        self.learning_curve = []

    def supports(self, phrasing: str) -> bool:
        return phrasing == STANDARD

    def reset(self, seeds: Sequence[int], phrasing: str = STANDARD) -> None:
        self._tables = {}

    def act(self, observations: list[str]) -> list[Reply]:
        mazes = {index: maze_from_text(text) for index, text in enumerate(observations) if text}
        if not self._tables:
            for size in {(maze.rows, maze.cols) for maze in mazes.values()}:
                chosen = [index for index, maze in mazes.items() if (maze.rows, maze.cols) == size]
                self._tables |= zip(chosen, self.learn([mazes[index] for index in chosen]), strict=True)
        replies = [Reply("")] * len(observations)
        for index, maze in mazes.items():
            row, col = maze.origin
            replies[index] = Reply(MOVE_TOKENS[self._tables[index][row * maze.cols + col].argmax()])
        return replies

    def learn(self, mazes: list[Maze]) -> NDArray[np.float64]:
        """Trains on mazes of one size: the value of each move in each cell, (mazes, rows * cols, 4) float64."""
        count, rows, cols = len(mazes), mazes[0].rows, mazes[0].cols
        env = TokenMazeVectorEnv(count, "Disabled", rows=rows, cols=cols, split=None, view="state")
        # Optimistic initialisation at the maximum return, so that every move is tried.
        values = np.full((count, rows * cols, 4), step_scheme_named("solved").bounds[1])
        index, played = np.arange(count), np.zeros(count, np.int64)
        solved = np.zeros((self.episodes, count), np.bool_)
        states, _ = env.reset(options={"maze": mazes})
        while (learning := np.flatnonzero(played < self.episodes)).size:
            actions = values[index, states].argmax(axis=1)
            following, rewards, terminated, truncated, _ = env.step(actions)
            targets = rewards + self.discount * np.where(terminated, 0.0, values[index, following].max(axis=1))
            values[learning, states[learning], actions[learning]] = targets[learning]
            ended = terminated | truncated
            # The last step of an episode overwrites the others.
            solved[played[learning], learning] = terminated[learning]
            played += ended
            states = env.reset(options={"maze": mazes, "reset_mask": ended})[0] if ended.any() else following
        self.learning_curve = solved.mean(axis=1).tolist()
        return values
