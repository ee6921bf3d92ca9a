"""The 8 symmetries of a grid: of its cells, moves, walls and mazes."""

import numpy as np

from maze_env.maze import Cell, Maze
from maze_env.moves import MOVES, Move, Walls

# The symmetries of a grid: bit 2 of the index transposes (swapping rows and columns), then bit 1 flips the rows and
# bit 0 the columns. A move changes its name along with the cells.
SYMMETRIES = range(8)


def transform_move(move: Move, symmetry: int) -> Move:
    """The name of ``move`` in the image under ``symmetry``."""
    value = int(move)
    if symmetry & 4:  # up <-> left, down <-> right
        value ^= 2
    vertical = value < 2
    if (vertical and symmetry & 2) or (not vertical and symmetry & 1):
        value ^= 1
    return Move(value)


def transform_cell(cell: Cell, shape: tuple[int, int], symmetry: int) -> Cell:
    """Where ``cell`` of a grid of ``shape`` lies in the image under ``symmetry``."""
    (row, col), (rows, cols) = cell, shape
    if symmetry & 4:
        row, col, rows, cols = col, row, cols, rows
    return (rows - 1 - row if symmetry & 2 else row), (cols - 1 - col if symmetry & 1 else col)


def transform_walls(walls: Walls, symmetry: int) -> Walls:
    """The image of a wall layout under ``symmetry``; (cols, rows) where it transposes."""
    image = walls.T if symmetry & 4 else walls
    if symmetry & 2:
        image = image[::-1]
    if symmetry & 1:
        image = image[:, ::-1]
    return np.ascontiguousarray(wall_bytes(symmetry)[image])


def wall_bytes(symmetry: int) -> Walls:
    """What each of the 16 wall bytes becomes in the image under ``symmetry``, (16,) uint8."""
    images = [sum(transform_move(move, symmetry).wall for move in MOVES if bits & move.wall) for bits in range(16)]
    return np.array(images, np.uint8)


def transform_maze(maze: Maze, symmetry: int) -> Maze:
    """The image of a maze under ``symmetry`` (0-7; 0 is the identity)."""
    origin, target = (transform_cell(cell, maze.walls.shape, symmetry) for cell in (maze.origin, maze.target))
    return Maze.from_validated(transform_walls(maze.walls, symmetry), origin, target)
