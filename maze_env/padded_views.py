"""The views that list cells, in an environment with mazes of several sizes: they leave out what is outside.

The others show it as closed cells, and need nothing of their own.
"""

from functools import lru_cache, partial

import numpy as np
from numpy.typing import NDArray

from maze_env.errors import lookup
from maze_env.maze import Cell
from maze_env.moves import Walls
from maze_env.padding import inside, sizes_of
from maze_env.spaces import MazeText
from maze_env.tokens import cell_texts
from maze_env.views import VIEWS, Batch, Cells, Observer, TextView, TokensView, View
from maze_env.visibility import check_view_radius
from maze_env.vocabulary import ID_OF_TOKEN, PAD


class PaddedTextView(TextView):
    """``text``: that of the maze alone, so that texts differ in length."""

    def __init__(self, rows: int, cols: int, view_radius: int | None):
        super().__init__(rows, cols, view_radius)
        self.space = MazeText(rows, cols, view_radius, smaller=True)

    def observe_batch(self, walls: Batch, positions: Cells, targets: Cells) -> tuple[str, ...]:
        cells = zip(walls, positions.tolist(), targets.tolist(), strict=True)
        return tuple("".join(cell_texts(inside(w), divmod(p, self.cols), divmod(t, self.cols))) for w, p, t in cells)

    def observer(self, walls: Walls, target: Cell) -> Observer:
        rows, cols = walls.shape
        return partial(_renumbered, _text_view(rows, cols, self.view_radius).observer(walls, target), self.cols, cols)


@lru_cache(maxsize=64)
def _text_view(rows: int, cols: int, view_radius: int | None) -> TextView:
    return TextView(rows, cols, view_radius)


def _renumbered(observe: Observer, largest_cols: int, cols: int, position: int) -> str:
    """The observation of a maze of ``cols`` columns, by the number of the agent's cell in the largest."""
    row, col = divmod(position, largest_cols)
    return str(observe(row * cols + col))


class PaddedTokensView(TokensView):
    """``tokens``: the ids of the maze's text, and then those of ``<pad>``, which are 0."""

    def observe_batch(self, walls: Batch, positions: Cells, targets: Cells) -> NDArray[np.int32]:
        out = np.full((len(walls), self.length), ID_OF_TOKEN[PAD], dtype=np.int32)
        sizes, of_maze = np.unique(sizes_of(walls), axis=0, return_inverse=True)
        for number, (rows, cols) in enumerate(sizes.tolist()):
            chosen = np.flatnonzero(of_maze.ravel() == number)
            view = _tokens_view(rows, cols, self.view_radius)
            agents, goals = (
                row * cols + col for row, col in (np.divmod(cells[chosen], self.cols) for cells in (positions, targets))
            )
            out[chosen, : view.length] = view.observe_batch(
                np.ascontiguousarray(walls[chosen, :rows, :cols]), agents, goals
            )
        return out


@lru_cache(maxsize=64)
def _tokens_view(rows: int, cols: int, view_radius: int | None) -> TokensView:
    return TokensView(rows, cols, view_radius)


PADDED_VIEWS: dict[str, type[View]] = {"text": PaddedTextView, "tokens": PaddedTokensView}


def make_padded_view(name: str, rows: int, cols: int, view_radius: int | None = None) -> View:
    """The view of that name for mazes of up to ``rows`` x ``cols``; else as ``views.make_view``."""
    check_view_radius(view_radius)
    return lookup("view", name, VIEWS | PADDED_VIEWS)(rows, cols, view_radius)
