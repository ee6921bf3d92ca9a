"""Views: what an observation is. The same maze as text, as token ids, as a grid of channels, or as a cell's number.

A view is defined by ``observe_batch``; a single environment is a batch of one. Text overrides ``observer`` too, for
speed. A view keeps nothing of an episode, so that environments and their copies can share one. To add a view, subclass
``View`` and enter it into ``VIEWS``:

>>> class OffsetView(View):  # rows and columns to the target as the crow flies, (2,) int64
...     def __init__(self, rows, cols, view_radius=None):
...         super().__init__(rows, cols, view_radius)
...         self.space = Box(-max(rows, cols), max(rows, cols), (2,), np.int64)
...
...     def observe_batch(self, walls, positions, targets):
...         agents, goals = (np.stack(np.divmod(cells, self.cols), 1) for cells in (positions, targets))
...         return goals - agents
>>> observe = OffsetView(2, 3).observer(np.zeros((2, 3), np.uint8), target=(1, 2))
>>> observe(0).tolist()
[1, 2]
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from functools import partial
from itertools import accumulate
from typing import Any

import numpy as np
from gymnasium.spaces import Box, Discrete, Space
from numpy.typing import NDArray

from maze_env import kernels
from maze_env.errors import lookup
from maze_env.maze import Cell
from maze_env.moves import OUTSIDE_BITS, Walls
from maze_env.padding import padded
from maze_env.spaces import MazeText
from maze_env.tokens import BLANK, ORIGIN, TARGET, UNSEEN, WALL_TOKENS, cell_texts, coordinate_tokens
from maze_env.visibility import check_view_radius
from maze_env.vocabulary import ID_OF_TOKEN, VOCABULARY, check_sides

# The walls of n mazes, (n, rows, cols) uint8: ``UNSEEN_BITS`` where a cell has not been seen, and ``OUTSIDE_BITS``, all
# four sides closed, around a maze that is smaller than the view.
Batch = NDArray[np.uint8]
Cells = NDArray[np.int64]  # a cell of each maze, (n,) int64, numbered row by row


Observer = Callable[[int], Any]
"""The observation of an episode as it stands, by the number of the agent's cell."""


class View(ABC):
    """Makes the observations of mazes of one size; where an environment takes smaller ones, this is the largest."""

    space: Space[Any]
    """The space of one observation."""

    def __init__(self, rows: int, cols: int, view_radius: int | None):
        self.rows, self.cols, self.view_radius = rows, cols, view_radius

    @abstractmethod
    def observe_batch(self, walls: Batch, positions: Cells, targets: Cells) -> Any:
        """The observations of a batch, in the form of ``batch_space``.

        Args:
            walls: of n mazes, as ``Batch``.
            positions: the agents' cells, (n,) int64, numbered row by row.
            targets: likewise.
        """

    def observer(self, walls: Walls, target: Cell) -> Observer:
        """What observes in a single environment, as long as ``walls`` are what its agent has seen.

        Args:
            walls: of a maze, (rows, cols) uint8, ``UNSEEN_BITS`` where a cell has not been seen; never to be written
                into again.
            target: as (row, col).
        """
        walls = padded(walls, self.rows, self.cols, OUTSIDE_BITS)
        return partial(self._observe, walls[None], np.array([target[0] * self.cols + target[1]]))

    def _observe(self, walls: Batch, targets: Cells, position: int) -> Any:
        return self.observe_batch(walls, np.array([position]), targets)[0]


class MarkedTexts(dict[int, str]):
    """The texts of a maze by the number of the agent's cell, whose marker alone moves: made as they are asked for.

    Args:
        text: the maze without its agent, with a blank in each cell but the target's.
        spans: where in ``text`` the marker of each cell begins and ends.
    """

    KEPT = 32
    """How many are kept: all of a small maze; of the largest, some megabytes."""

    def __init__(self, text: str, spans: list[tuple[int, int]]):
        super().__init__()
        self._text, self._spans = text, spans

    def __missing__(self, position: int) -> str:
        if len(self) == self.KEPT:
            self.clear()
        start, end = self._spans[position]
        text = self[position] = f"{self._text[:start]}{ORIGIN}{self._text[end:]}"
        return text


class TextView(View):
    """``text``: the maze in the AlphaMaze token format."""

    def __init__(self, rows: int, cols: int, view_radius: int | None):
        super().__init__(rows, cols, view_radius)
        self.space = MazeText(rows, cols, view_radius)

    def observe_batch(self, walls: Batch, positions: Cells, targets: Cells) -> tuple[str, ...]:
        cells = zip(walls, positions.tolist(), targets.tolist(), strict=True)
        return tuple("".join(cell_texts(w, divmod(p, self.cols), divmod(t, self.cols))) for w, p, t in cells)

    def observer(self, walls: Walls, target: Cell) -> Observer:
        if self.view_radius is not None:
            return super().observer(walls, target)
        texts = cell_texts(walls, None, target)
        ends = list(accumulate(map(len, texts)))
        ends[self.cols - 1 :: self.cols] = [end - 1 for end in ends[self.cols - 1 :: self.cols]]  # before the newline
        spans = [(end - len(BLANK), end) for end in ends]
        number = target[0] * self.cols + target[1]
        spans[number] = (ends[number] - len(TARGET), ends[number])
        return MarkedTexts("".join(texts), spans).__getitem__


class TokensView(View):
    """``tokens``: the text as ids of ``maze_env.vocabulary``, (rows * (3 * cols + 1),) int32."""

    def __init__(self, rows: int, cols: int, view_radius: int | None):
        super().__init__(rows, cols, view_radius)
        check_sides(rows, cols, "the 'tokens' view")
        self.length = rows * (3 * cols + 1)
        """Of one observation, in tokens."""
        self.space = Box(0, len(VOCABULARY) - 1, (self.length,), np.int32)
        self._coordinates = _ids(coordinate_tokens(rows, cols))
        self._walls_ids = _ids([*WALL_TOKENS, UNSEEN])
        self._markers = _ids([BLANK, ORIGIN, TARGET, "\n"])

    def observe_batch(self, walls: Batch, positions: Cells, targets: Cells) -> NDArray[np.int32]:
        out = np.empty((len(walls), self.length), dtype=np.int32)
        kernels.views.encode_tokens(walls, positions, targets, self._coordinates, self._walls_ids, self._markers, out)
        return out


def _ids(tokens: Iterable[str]) -> NDArray[np.int32]:
    return np.array([ID_OF_TOKEN[token] for token in tokens], dtype=np.int32)


class GridView(View):
    """``grid``: (channels, rows, cols) uint8 of 0 and 1.

    Channels: 0 to 3 wall up, down, left, right, 4 agent, 5 target; under partial observability 6 unseen.
    """

    def __init__(self, rows: int, cols: int, view_radius: int | None):
        super().__init__(rows, cols, view_radius)
        self.channels = 6 if view_radius is None else 7
        """Planes of one observation."""
        self.space = Box(0, 1, (self.channels, rows, cols), np.uint8)

    def observe_batch(self, walls: Batch, positions: Cells, targets: Cells) -> NDArray[np.uint8]:
        out = np.empty((len(walls), self.channels, self.rows, self.cols), dtype=np.uint8)
        kernels.views.encode_grid(walls, positions, targets, out)
        return out


class StateView(View):
    """``state``: the number of the agent's cell, row * cols + col. Enough for a table that learns one maze."""

    def __init__(self, rows: int, cols: int, view_radius: int | None):
        super().__init__(rows, cols, view_radius)
        self.space = Discrete(rows * cols)

    def observe_batch(self, walls: Batch, positions: Cells, targets: Cells) -> Cells:
        return positions.copy()

    def observer(self, walls: Walls, target: Cell) -> Observer:
        return np.int64


VIEWS: dict[str, type[View]] = {"text": TextView, "tokens": TokensView, "grid": GridView, "state": StateView}


def make_view(name: str, rows: int, cols: int, view_radius: int | None = None) -> View:
    """The view of that name, one of ``VIEWS``, for mazes of ``rows`` x ``cols``; with a radius, under fog."""
    check_view_radius(view_radius)
    return lookup("view", name, VIEWS)(rows, cols, view_radius)
