"""Mazes as a data set of reasoning-gym, with a curriculum: importing this module registers ``token_maze``.

>>> import reasoning_gym
>>> import tokenmaze.benchmarks.doors.reasoning_gym
>>> data = reasoning_gym.create_dataset("token_maze", seed=0, size=2)
>>> entry = data[0]
>>> entry["metadata"]["difficulty"]["grid_size"], data.score_answer(entry["answer"], entry)
((5, 5), 1.0)
"""

from dataclasses import dataclass
from typing import Any

from reasoning_gym.coaching import BaseCurriculum, RangeAttributeDefinition
from reasoning_gym.dataset import ProceduralDataset
from reasoning_gym.factory import register_dataset

from maze_env.errors import InvalidConfig, is_integer
from maze_env.generation import MazeSpec
from maze_env.keys import key_of
from tokenmaze.benchmarks.doors.task import score_answer, task_of_seed

NAME = "token_maze"


@dataclass
class TokenMazeConfig:
    """Which mazes to make: of square grids, each size of the range equally often."""

    min_grid_size: int = 5
    """Cells of a side, 2 to 64."""
    max_grid_size: int = 5
    """Likewise, inclusive."""
    min_dist: int = 1
    """Fewest moves of the shortest path."""
    max_dist: int | None = None
    """Most moves of the shortest path, inclusive; ``None`` for no bound."""
    generator: str = "dfs"
    """One of ``maze_env.generation.GENERATORS``."""
    braid: float = 0.0
    """Share of the dead ends that are opened, 0 to 1: above 0 there are several paths."""
    split: str | None = "train"
    """One of ``maze_env.splits.SPLITS``, or ``None`` to draw from all layouts."""
    seed: int | None = None
    """Chooses the mazes; ``None`` draws one."""
    size: int = 500
    """How many entries the data set has."""

    def validate(self) -> None:
        """Raises InvalidConfig or ImpossibleMaze for values that are impossible."""
        if not is_integer(self.size) or self.size < 1:
            raise InvalidConfig(f"Expects size of at least 1, actual: {self.size!r}")
        for side in (self.min_grid_size, self.max_grid_size):
            self.spec(side)
        if self.max_grid_size < self.min_grid_size:
            raise InvalidConfig(
                f"Expects max_grid_size of at least min_grid_size {self.min_grid_size}, actual: {self.max_grid_size}"
            )

    def spec(self, side: int) -> MazeSpec:
        """The mazes of one size."""
        return MazeSpec(
            side, side, self.min_dist, self.max_dist, generator=self.generator, braid=self.braid, split=self.split
        )


class TokenMazeDataset(ProceduralDataset):
    """Entries whose question is the benchmark's and whose answer is a path in tokens.

    Entry ``i`` is a pure function of the configuration and ``i``; no global random state is read.
    """

    category = "games"

    def __init__(self, config: TokenMazeConfig):
        super().__init__(config, config.seed, config.size)

    def __getitem__(self, idx: int) -> dict[str, Any]:
        """The entry at an index: question, answer, and in ``metadata`` the maze and what it is."""
        config = self.config
        sizes = config.max_grid_size - config.min_grid_size + 1
        side = config.min_grid_size + key_of("grid_size", self.seed, idx) % sizes
        task = task_of_seed(self.seed, idx, config.spec(side))
        return {
            "question": task.prompt,
            "answer": task.answer,
            "metadata": {
                "source_dataset": NAME,
                "source_index": idx,
                "id": task.id,
                "maze": task.text,
                "grid_size": side,
                "shortest_path_length": task.shortest,
                "difficulty": {
                    "grid_size": (config.min_grid_size, config.max_grid_size),
                    "dist": (config.min_dist, config.max_dist),
                },
            },
        }

    def score_answer(self, answer: str | None, entry: dict[str, Any]) -> float:
        """The reward ``solved`` of an answer, moves alone or behind ``</think>``; at most 1, as scores are here.

        1 for any path to the target, however long; up to 0.1 for one that breaks off, by how much nearer it came.
        """
        return min(1.0, score_answer(entry["metadata"]["maze"], answer or "").reward)


class TokenMazeCurriculum(BaseCurriculum):
    """Longer paths, then larger grids: ``dist`` and ``grid_size``, each a range that grows from below."""

    def __init__(self) -> None:
        super().__init__(type(self).__name__, TokenMazeConfig)
        self._define_attributes(
            RangeAttributeDefinition(
                name="dist",
                levels=[1, 4, 8, 12, 16],
                description="Moves of the shortest path",
                lower_field_name="min_dist",
                upper_field_name="max_dist",
                ensure_interval=True,
            ),
            RangeAttributeDefinition(
                name="grid_size",
                levels=[5, 6, 8, 10],
                description="Cells of a side",
                lower_field_name="min_grid_size",
                upper_field_name="max_grid_size",
            ),
        )


register_dataset(NAME, TokenMazeDataset, TokenMazeConfig, TokenMazeCurriculum)
