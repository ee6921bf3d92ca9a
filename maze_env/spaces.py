"""Text spaces. ``Space[str]`` of our own rather than ``gymnasium.spaces.Text``, for two reasons: its samples are valid
mazes, not random characters; and Gymnasium's ``AsyncVectorEnv`` with its default shared memory silently corrupts
``Text`` and its subclasses, while it refuses a space that it does not know, at construction.
"""

from typing import Any

import numpy as np
from gymnasium.spaces import Space

from maze_env.errors import InvalidMazeText
from maze_env.generation import MazeSpec, generate
from maze_env.tokens import BLANK, ORIGIN, TARGET, maze_from_text, maze_to_text


class MazeText(Space[str]):
    """The texts of mazes of one size, and of their terminal form, where the agent on the target hides it.

    Two spaces are equal when their sizes are. ``sample`` draws a maze of that size by depth-first search from any
    split; it takes no mask.
    """

    def __init__(self, rows: int, cols: int, seed: int | np.random.Generator | None = None):
        self.spec = MazeSpec(rows, cols, split=None)
        super().__init__(shape=None, dtype=None, seed=seed)

    @property
    def is_np_flattenable(self) -> bool:
        """A text has no fixed-size array form."""
        return False

    def sample(self, mask: None = None, probability: None = None) -> str:
        """A random maze as text."""
        if mask is not None or probability is not None:
            raise ValueError(f"Expects no mask or probability for MazeText.sample, actual: {mask!r}, {probability!r}")
        return maze_to_text(generate(draw_key(self.np_random), self.spec))

    def contains(self, x: Any) -> bool:
        """Whether ``x`` is the text of such a maze, or its terminal form."""
        if not isinstance(x, str):
            return False
        if TARGET not in x and x.count(ORIGIN) == 1:
            # Terminal: lend it a target anywhere else, then it must be a maze.
            x = x.replace(BLANK, TARGET, 1)
        try:
            maze = maze_from_text(x)
        except InvalidMazeText:
            return False
        return (maze.rows, maze.cols) == (self.spec.rows, self.spec.cols)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MazeText) and self.spec == other.spec

    def __hash__(self) -> int:
        return hash((MazeText, self.spec))

    def __repr__(self) -> str:
        return f"MazeText({self.spec.rows}, {self.spec.cols})"


def draw_key(random: np.random.Generator) -> int:
    """One 64-bit key for a maze, from a NumPy generator."""
    return int(random.integers(0, 2**64, dtype=np.uint64))
