"""Text spaces. ``Space[str]`` of our own rather than ``gymnasium.spaces.Text``, for two reasons: its samples are valid
mazes, not random characters; and Gymnasium's ``AsyncVectorEnv`` with its default shared memory silently corrupts
``Text`` and its subclasses, while it refuses a space that it does not know, at construction. What else Gymnasium asks
of a space (to batch, to flatten ...) is registered below.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from gymnasium.spaces import Box, Space, Tuple
from gymnasium.spaces.utils import flatdim, flatten, flatten_space, is_space_dtype_shape_equiv, unflatten
from gymnasium.vector.utils import batch_differing_spaces, create_empty_array
from gymnasium.wrappers.utils import create_zero_array
from numpy.typing import NDArray

from maze_env.errors import InvalidMaze
from maze_env.generation import MazeSpec, generate
from maze_env.keys import draw_key
from maze_env.maze import MIN_SIDE
from maze_env.moves import UNSEEN_BITS
from maze_env.padding import Room
from maze_env.tokens import BLANK, ORIGIN, TARGET, UNSEEN, cell_texts, parse_cells
from maze_env.visibility import check_view_radius, initial_visible_walls, known_maze, open_unseen
from maze_env.vocabulary import ID_OF_TOKEN, PAD, VOCABULARY, check_sides


class MazeText(Space[str]):
    """The texts of mazes of one size, and of their terminal form, where the agent on the target hides it.

    With a ``view_radius`` (partial observability) cells may be unseen. With ``smaller``, mazes with fewer rows or
    columns belong to it. ``sample`` draws a maze by depth-first search from any split, as it is seen from its origin;
    it takes no mask. Flattened, a text is its token ids, with zeros behind those of a smaller maze.
    """

    def __init__(
        self,
        rows: int,
        cols: int,
        view_radius: int | None = None,
        seed: int | np.random.Generator | None = None,
        smaller: bool = False,
    ):
        check_view_radius(view_radius)
        self.spec = MazeSpec(rows, cols, split=None)
        """The mazes that ``sample`` draws, or the largest of them."""
        self.view_radius, self.smaller = view_radius, smaller
        super().__init__(shape=None, dtype=None, seed=seed)

    @property
    def is_np_flattenable(self) -> bool:
        """Whether Gymnasium may join it with other spaces into one array: its token ids are an array of their own."""
        return False

    def sample(self, mask: None = None, probability: None = None) -> str:
        """A random maze as text."""
        if mask is not None or probability is not None:
            raise ValueError(f"Expects no mask or probability for MazeText.sample, actual: {mask!r}, {probability!r}")
        spec = self.spec
        if self.smaller:
            rows, cols = self.np_random.integers(MIN_SIDE, (spec.rows, spec.cols), endpoint=True).tolist()
            spec = replace(spec, rows=rows, cols=cols)
        maze = generate(draw_key(self.np_random), spec)
        return "".join(cell_texts(initial_visible_walls(maze, self.view_radius), maze.origin, maze.target))

    def contains(self, x: Any) -> bool:
        """Whether ``x`` is the text of such a maze, or its terminal form, exactly as an environment writes it."""
        if not isinstance(x, str) or (self.view_radius is None and UNSEEN in x):
            return False
        if TARGET not in x and x.count(ORIGIN) == 1:  # terminal: with a target in any other cell it must be a maze
            x = x.replace(BLANK, TARGET, 1)
        try:
            maze = known_maze(x)
        except InvalidMaze:
            return False
        fits = Room(self.spec.rows, self.spec.cols, self.smaller).fits(maze.rows, maze.cols)
        return fits and x == "".join(cell_texts(*parse_cells(x)))  # no white space but a newline after each row

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MazeText) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[object, ...]:
        return MazeText, self.spec, self.view_radius, self.smaller

    def __repr__(self) -> str:
        fog = "" if self.view_radius is None else f", view_radius={self.view_radius}"
        return f"MazeText({self.spec.rows}, {self.spec.cols}{fog}{', smaller=True' if self.smaller else ''})"


WORDS = re.compile(r"<\|[^|]*\|>|\n")


@flatdim.register(MazeText)
def _flatdim(space: MazeText) -> int:
    rows, cols = space.spec.rows, space.spec.cols
    check_sides(rows, cols, "a flattened text")
    return rows * (3 * cols + 1)


@flatten_space.register(MazeText)
def _flatten_space(space: MazeText) -> Box:
    """The space of the ``tokens`` view."""
    return Box(0, len(VOCABULARY) - 1, (flatdim(space),), np.int32)


@flatten.register(MazeText)
def _flatten(space: MazeText, x: str) -> NDArray[np.int32]:  # type: ignore[misc]
    ids = [ID_OF_TOKEN[token] for token in WORDS.findall(x)]
    return np.array(ids + [ID_OF_TOKEN[PAD]] * (flatdim(space) - len(ids)), dtype=np.int32)


@unflatten.register(MazeText)
def _unflatten(space: MazeText, x: NDArray[np.int32]) -> str:  # type: ignore[misc]
    return "".join(VOCABULARY[index] for index in x).replace(PAD, "")


@create_zero_array.register(MazeText)
def _zero(space: MazeText) -> str:  # type: ignore[misc]
    """What stands before there is an observation: a room without inner walls, or one of which nothing is seen."""
    rows, cols = space.spec.rows, space.spec.cols
    unseen = np.full((rows, cols), UNSEEN_BITS, dtype=np.uint8)
    walls = open_unseen(unseen) if space.view_radius is None else unseen
    return "".join(cell_texts(walls, (0, 0), (rows - 1, cols - 1)))


@create_empty_array.register(MazeText)
def _empty(space: MazeText, n: int = 1, fn: Any = np.zeros) -> tuple[str, ...]:
    return (_zero(space),) * n


@batch_differing_spaces.register(MazeText)
def _batch_differing(spaces: Sequence[MazeText]) -> Tuple:  # type: ignore[misc]
    """Texts of several sizes side by side."""
    return Tuple(spaces)


@is_space_dtype_shape_equiv.register(MazeText)
def _is_text_too(space_1: MazeText, space_2: Space[Any]) -> bool:
    return isinstance(space_2, MazeText)
