"""Tabular Q-learning: learns each maze from scratch, by acting in it, and then plays what it learned.

Source: Watkins and Dayan, "Q-learning", Machine Learning 8 (1992); with optimistic first values (Sutton and Barto,
"Reinforcement Learning", 2nd edition, section 2.6) in place of random exploration, so that a maze is learned the same
way each time. Moves are certain here, so the step size is 1.
"""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from agents.base import Agent, Mode
from maze_env.attempt import Reply
from maze_env.maze import Maze
from maze_env.moves import MOVE_TOKENS
from maze_env.phrasings import STANDARD
from maze_env.rewards import step_scheme_named
from maze_env.tokens import maze_from_text
from maze_env.vector import TokenMazeVectorEnv


class QLearningAgent(Agent):
    """Plays each maze ``episodes`` times for itself, all mazes of a size side by side, and then greedily.

    Args:
        episodes: its budget in each maze, of at most 4 * rows * cols steps each.
        discount: of future rewards, which are the environment's.

    Attributes:
        learning_curve: the share of mazes that were solved in each episode of the last training.
    """

    name = "q-learning"
    modes: ClassVar[tuple[Mode, ...]] = ("play",)

    def __init__(self, mode: Mode = "play", episodes: int = 60, discount: float = 0.95):
        self.mode = mode
        self.episodes, self.discount = episodes, discount
        self._tables: list[NDArray[np.float64]] | None = None
        self.learning_curve: list[float] = []

    def supports(self, phrasing: str) -> bool:
        return phrasing == STANDARD

    def reset(self, seeds: Sequence[int], phrasing: str = STANDARD) -> None:
        self._tables = None

    def act(self, observations: list[str]) -> list[Reply]:
        mazes = [maze_from_text(text) if text else None for text in observations]
        if self._tables is None:
            self._tables = self._learn_all([maze for maze in mazes if maze is not None])
        tokens = []
        for maze, table in zip(mazes, self._tables, strict=True):
            if maze is None:
                tokens.append("")
                continue
            row, col = maze.origin
            tokens.append(MOVE_TOKENS[int(table[row * maze.cols + col].argmax())])
        return list(map(Reply, tokens))

    def _learn_all(self, mazes: list[Maze]) -> list[NDArray[np.float64]]:
        tables: dict[int, NDArray[np.float64]] = {}
        for size in {(maze.rows, maze.cols) for maze in mazes}:
            chosen = [index for index, maze in enumerate(mazes) if (maze.rows, maze.cols) == size]
            tables.update(zip(chosen, self.learn([mazes[index] for index in chosen]), strict=True))
        return [tables[index] for index in range(len(mazes))]

    def learn(self, mazes: list[Maze]) -> NDArray[np.float64]:
        """The values of each maze's cells and moves after training: (mazes, rows * cols, 4). Mazes are of one size."""
        count, rows, cols = len(mazes), mazes[0].rows, mazes[0].cols
        env = TokenMazeVectorEnv(count, "Disabled", rows=rows, cols=cols, split=None, view="state")
        # No way is worth more than being paid in full at once: first values that promise as much have every move tried.
        table = np.full((count, rows * cols, 4), step_scheme_named("solved").bounds[1])
        index, played = np.arange(count), np.zeros(count, np.int64)
        solved = np.zeros((self.episodes, count), np.bool_)
        states, _ = env.reset(options={"maze": mazes})
        while (learning := np.flatnonzero(played < self.episodes)).size:
            actions = table[index, states].argmax(axis=1)
            following, rewards, terminated, truncated, _ = env.step(actions)
            worth = rewards + self.discount * np.where(terminated, 0.0, table[index, following].max(axis=1))
            table[learning, states[learning], actions[learning]] = worth[learning]
            ended = terminated | truncated
            solved[played[learning], learning] = terminated[learning]  # of an episode the last step's word stays
            played += ended
            states = env.reset(options={"maze": mazes, "reset_mask": ended})[0] if ended.any() else following
        self.learning_curve = solved.mean(axis=1).tolist()
        return table
