"""Pictures of an episode: as text (``ansi``) and as pixels (``rgb_array``), drawn from the same scene."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maze_env.maze import Cell, Maze, draw_ascii
from maze_env.moves import MOVES, OUTSIDE_BITS, UNSEEN_BITS, Move, Walls
from maze_env.visibility import open_unseen

RENDER_MODES = ["ansi", "rgb_array"]


@dataclass(frozen=True)
class Scene:
    """What a picture shows."""

    visible_walls: Walls
    """As the agent has seen them, (rows, cols) uint8; ``UNSEEN_BITS`` where it has not, ``OUTSIDE_BITS`` outside."""
    maze: Maze
    """As it was at the reset."""
    position: Cell
    """Where the agent stands."""
    moves: tuple[tuple[Cell, Move], ...] = ()
    """Those made, illegal ones included, each with the cell it was made from."""
    thought: Collection[Cell] = ()
    """Cells that the agent's reasoning was at; only a text shows them."""

    def made(self, legal: bool) -> list[tuple[Cell, Move]]:
        """Those of the moves that are legal, or illegal."""
        return [(cell, move) for cell, move in self.moves if self.maze.is_open(cell, move) == legal]


def render(mode: str, scene: Scene) -> str | NDArray[np.uint8]:
    """The picture of ``scene`` in one of ``RENDER_MODES``."""
    return draw_text(scene) if mode == "ansi" else draw_pixels(scene)


def draw_text(scene: Scene) -> str:
    """The scene in letters.

    ``O`` the agent, ``X`` the target, ``.`` cells it has left, ``:`` others that it thought of, ``?`` unseen cells,
    ``!`` a wall it ran into.
    """
    marks = {(int(row), int(col)): "?" for row, col in np.argwhere(scene.visible_walls == UNSEEN_BITS)}
    marks.update(dict.fromkeys(scene.thought, ":"))
    marks.update({cell: "." for cell, _ in scene.moves})
    marks.update({scene.maze.origin: ".", scene.maze.target: "X", scene.position: "O"})
    lines = [list(line) for line in draw_ascii(open_unseen(scene.visible_walls), marks).splitlines()]
    for (row, col), move in scene.made(legal=False):
        row_step, col_step = move.apply((0, 0))
        lines[2 * row + 1 + row_step][4 * col + 2 + 2 * col_step] = "!"
    return "\n".join(map("".join, lines))


FLOOR_COLOR, UNSEEN_COLOR, WALL_COLOR = (250, 250, 247), (176, 182, 190), (38, 44, 56)
AGENT_COLOR, TARGET_COLOR, ORIGIN_COLOR = (214, 81, 40), (35, 148, 98), (226, 196, 160)
PATH_COLOR, ILLEGAL_COLOR = (112, 154, 209), (206, 30, 52)
PICTURE_SIDE = 512  # pixels of the longer side, about: a cell is a whole number of them, so that every line is sharp
MIN_CELL = 8  # pixels


def draw_pixels(scene: Scene) -> NDArray[np.uint8]:
    """The scene as (height, width, 3) uint8, both even: the path walked blue, walls that the agent ran into red."""
    rows, cols = scene.visible_walls.shape
    # Even, as the sides of the picture then are: most players want that of a video.
    cell = max(MIN_CELL, PICTURE_SIDE // max(rows, cols) // 2 * 2)
    line, half = max(2, cell // 24 * 2), max(1, cell // 12)
    picture = np.full((rows * cell + line, cols * cell + line, 3), FLOOR_COLOR, dtype=np.uint8)

    def fill(place: Cell, margin: float, color: tuple[int, int, int]) -> None:
        inset = round(margin * (cell - line))
        top, left = place[0] * cell + line, place[1] * cell + line
        picture[top + inset : top + cell - line - inset, left + inset : left + cell - line - inset] = color

    for mark, color in ((UNSEEN_BITS, UNSEEN_COLOR), (OUTSIDE_BITS, WALL_COLOR)):
        for row, col in np.argwhere(scene.visible_walls == mark):
            picture[row * cell : (row + 1) * cell + line, col * cell : (col + 1) * cell + line] = color
    fill(scene.maze.origin, 0.1, ORIGIN_COLOR)
    fill(scene.maze.target, 0.1, TARGET_COLOR)
    for place, move in scene.made(legal=True):
        (top, bottom), (left, right) = np.sort(np.transpose([place, move.apply(place)])) * cell + (cell + line) // 2
        picture[top - half : bottom + half, left - half : right + half] = PATH_COLOR
    _disc(picture, scene.position, cell, line)

    def draw_side(place: tuple[int, ...], move: Move, color: tuple[int, int, int]) -> None:
        top, left = (place[0] + (move is Move.DOWN)) * cell, (place[1] + (move is Move.RIGHT)) * cell
        height, width = (line, cell + line) if move in (Move.UP, Move.DOWN) else (cell + line, line)
        picture[top : top + height, left : left + width] = color

    for place, bits in np.ndenumerate(open_unseen(scene.visible_walls)):
        for move in MOVES:
            if bits & move.wall:
                draw_side(place, move, WALL_COLOR)
    for place, move in scene.made(legal=False):  # over the wall, from post to post
        draw_side(place, move, ILLEGAL_COLOR)
    return picture


def _disc(picture: NDArray[np.uint8], place: Cell, cell: int, line: int) -> None:
    """The agent: a disc whose rim is blended by how much of each pixel it covers."""
    top, left = place[0] * cell + line, place[1] * cell + line
    patch = picture[top : top + cell - line, left : left + cell - line]
    steps = np.arange(cell - line) - (cell - line - 1) / 2
    distance = np.hypot(steps[:, None], steps[None, :])
    cover = np.clip(0.32 * (cell - line) - distance + 0.5, 0, 1)[:, :, None]
    patch[:] = np.round(cover * np.array(AGENT_COLOR) + (1 - cover) * patch)
