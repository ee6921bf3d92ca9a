"""The maze as a value: walls, origin and target; its drawing in ASCII, both ways.

Its token text is in ``tokens.py``, its symmetries in ``symmetry.py``, how mazes are made in ``generation.py``.
"""

from collections.abc import Sequence

import numpy as np

from maze_env.errors import InvalidMaze
from maze_env.moves import ALL_WALLS, MOVES, Move, Walls, possible_moves

Cell = tuple[int, int]  # a cell as (row, column)
MIN_SIDE, MAX_SIDE = 2, 64


class Maze:
    """An immutable maze.

    Args:
        walls: (rows, cols) integers, the wall byte of each cell.
        origin: where the agent starts, as (row, col).
        target: where it should go, likewise.

    Raises:
        InvalidMaze: when a wall is seen from one side only, the border is open, or an endpoint is off the grid.
    """

    __slots__ = ("_walls", "bits", "cols", "origin", "rows", "target")
    origin: Cell
    """Where the agent starts."""
    target: Cell
    """Where it should go; never the origin."""
    _walls: Walls
    rows: int
    """Cells from top to bottom, 2 to 64."""
    cols: int
    """Cells from left to right, likewise."""
    bits: bytes
    """The walls in row-major order, which index faster than an array."""

    def __init__(self, walls: object, origin: Sequence[int], target: Sequence[int]):
        array = np.array(walls)
        check_walls(array)
        array = array.astype(np.uint8, copy=False)
        rows, cols = array.shape
        for name, cell in (("origin", origin), ("target", target)):
            if len(cell) != 2 or not (0 <= cell[0] < rows and 0 <= cell[1] < cols):
                raise InvalidMaze(f"Expects the {name} inside the {rows}x{cols} grid, actual: {tuple(cell)}")
        if tuple(origin) == tuple(target):
            raise InvalidMaze(f"Expects origin and target in different cells, actual: both at {tuple(origin)}")
        ends = (int(origin[0]), int(origin[1])), (int(target[0]), int(target[1]))
        self._set(array.tobytes(), rows, cols, *ends)

    @classmethod
    def from_validated(cls, walls: Walls, origin: Cell, target: Cell) -> "Maze":
        """A maze of parts that are known to be consistent, such as a generator's, without the checks."""
        rows, cols = walls.shape
        return cls.from_bits(walls.tobytes(), rows, cols, origin, target)

    @classmethod
    def from_bits(cls, bits: bytes, rows: int, cols: int, origin: Cell, target: Cell) -> "Maze":
        """As ``from_validated``, of the wall bytes in row-major order."""
        maze = cls.__new__(cls)
        maze._set(bits, rows, cols, origin, target)
        return maze

    def _set(self, bits: bytes, rows: int, cols: int, origin: Cell, target: Cell) -> None:
        SET_BITS(self, bits)
        SET_COLS(self, cols)
        SET_ORIGIN(self, origin)
        SET_ROWS(self, rows)
        SET_TARGET(self, target)

    @property
    def walls(self) -> Walls:
        """(rows, cols) uint8, read-only; bit ``k`` is set when there is a wall on side ``Move(k)``."""
        try:
            return self._walls
        except AttributeError:  # made when first asked for: to read a maze and verify an answer takes the bytes alone
            walls = np.ndarray((self.rows, self.cols), np.uint8, self.bits)  # read-only, because bytes are
            SET_WALLS(self, walls)
            return walls

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a Maze cannot be changed; make a new one instead of setting {name!r}")

    def __reduce__(self) -> tuple[object, ...]:
        return Maze, (self.walls, self.origin, self.target)

    def _key(self) -> tuple[object, ...]:
        return self.cols, self.bits, self.origin, self.target

    def __eq__(self, other: object) -> bool:
        return self._key() == other._key() if isinstance(other, Maze) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        return f"Maze({self.rows}x{self.cols}, origin={self.origin}, target={self.target})"

    def __str__(self) -> str:
        return self.to_ascii()

    def is_open(self, cell: Cell, move: Move) -> bool:
        """Whether ``move`` leads from ``cell`` to a neighbour."""
        return not self.bits[cell[0] * self.cols + cell[1]] >> move & 1

    def open_moves(self, cell: Cell) -> list[Move]:
        """The moves that are possible from ``cell``, in the fixed order."""
        return possible_moves(self.bits[cell[0] * self.cols + cell[1]])

    def with_endpoints(self, origin: Cell, target: Cell) -> "Maze":
        """The same walls with other endpoints."""
        return Maze(self.walls, origin, target)

    def to_ascii(self) -> str:
        """A drawing with ``O`` at the origin and ``X`` at the target. ``Maze.from_ascii`` reads it back.

        >>> print(Maze([[5, 9], [14, 14]], (0, 0), (1, 1)).to_ascii())
        +---+---+
        | O     |
        +   +   +
        |   | X |
        +---+---+
        """
        return draw_ascii(self.walls, {self.origin: "O", self.target: "X"})

    @classmethod
    def from_ascii(cls, drawing: str) -> "Maze":
        """The maze of a drawing made by ``to_ascii``, or by an environment's ``render`` as ``ansi``.

        Blank lines around it and indentation are ignored. Of a rendering, the agent is the origin, and the cells and
        walls that it marked (``.``, ``!``) count as what they are. A cell that it has not seen (``?``) has the walls of
        those around it.

        Raises:
            InvalidMaze: naming the line or cell that is not as expected; for a side that may be unseen from both its
                cells, and for an agent on the target, which hides it.
        """
        lines = [line.strip() for line in drawing.strip().splitlines()]
        if len(lines) < 3 or len(lines) % 2 == 0:
            raise InvalidMaze(f"Expects 2 * rows + 1 lines of drawing, actual: {len(lines)}")
        rows, cols = len(lines) // 2, (len(lines[0]) - 1) // 4
        for number, line in enumerate(lines):
            if len(line) != 4 * cols + 1:
                raise InvalidMaze(f"Expects {4 * cols + 1} characters in line {number}, actual: {len(line)}")
        walls = np.zeros((rows, cols), dtype=np.uint8)
        found: dict[str, Cell] = {}
        unseen: set[Cell] = set()
        for row in range(rows):
            for col in range(cols):
                above, middle, below = lines[2 * row : 2 * row + 3]
                sides = (above[4 * col + 2], below[4 * col + 2], middle[4 * col], middle[4 * col + 4])
                walls[row, col] = sum(move.wall for move in MOVES if sides[move] != " ")
                mark = middle[4 * col + 2]
                if mark in "OX":
                    if mark in found:
                        raise InvalidMaze(f"Expects one {mark!r}, actual: at {found[mark]} and at {(row, col)}")
                    found[mark] = (row, col)
                elif mark == "?":
                    unseen.add((row, col))
                elif mark not in " .":
                    raise InvalidMaze(f"Expects 'O', 'X', '.' or a blank in cell {(row, col)}, actual: {mark!r}")
        marks = {(row, col): lines[2 * row + 1][4 * col + 2] for row in range(rows) for col in range(cols)}
        for number, (line, due) in enumerate(zip(lines, draw_ascii(walls, marks).splitlines(), strict=True)):
            for place, (came, right) in enumerate(zip(line, due, strict=True)):
                is_hit_wall = came == "!" and right in "-|" and place % 2 == 0
                if came != right and not is_hit_wall:
                    where = f"in line {number}, at character {place}"
                    raise InvalidMaze(f"Expects {right!r} {where}, actual: {came!r}")
        for mark, role in (("O", "origin"), ("X", "target")):
            if mark not in found:
                hidden = " (an agent on the target hides it)" if mark == "X" and "O" in found else ""
                raise InvalidMaze(f"Expects one {mark!r} for the {role}, actual: none{hidden}")
        for cell in sorted(unseen):  # the target is marked whether it has been seen or not
            for neighbour in (move.apply(cell) for move in MOVES):
                if neighbour in unseen or neighbour == found["X"]:
                    came = f"an unseen side between {cell} and {neighbour}"
                    raise InvalidMaze(f"Expects a drawing that shows every wall, actual: {came}")
        return cls(walls, found["O"], found["X"])


SET_WALLS, SET_BITS, SET_COLS, SET_ORIGIN, SET_ROWS, SET_TARGET = (
    Maze.__dict__[name].__set__ for name in Maze.__slots__
)
"""Of the attributes of a maze while it is made: several times as fast as ``object.__setattr__``."""


def draw_ascii(walls: Walls, marks: dict[Cell, str]) -> str:
    """The walls as ASCII, with a one-character mark in some cells."""

    def horizontal(row: Sequence[int], side: Move) -> str:
        return "+" + "".join(("---" if bits & side.wall else "   ") + "+" for bits in row)

    lines = []
    for number, row in enumerate(walls.tolist()):
        line = "|" if row[0] & Move.LEFT.wall else " "
        for col, bits in enumerate(row):
            line += f" {marks.get((number, col), ' ')} " + ("|" if bits & Move.RIGHT.wall else " ")
        lines += [horizontal(row, Move.UP), line]
    return "\n".join([*lines, horizontal(walls[-1].tolist(), Move.DOWN)])


def check_walls(walls: Walls) -> None:
    """Raises InvalidMaze unless walls have a valid size, a closed border, and each wall on both its sides."""
    if walls.ndim != 2 or not all(MIN_SIDE <= side <= MAX_SIDE for side in walls.shape):
        sizes = f"{MIN_SIDE}x{MIN_SIDE} to {MAX_SIDE}x{MAX_SIDE}"
        raise InvalidMaze(f"Expects a grid of {sizes} cells, actual: an array of shape {walls.shape}")
    if not np.issubdtype(walls.dtype, np.integer):
        raise InvalidMaze(f"Expects walls as integers, actual: {walls.dtype}")
    for row, col in np.argwhere((walls < 0) | (walls > ALL_WALLS)).tolist():
        raise InvalidMaze(f"Expects wall bits 0-15 in cell {(row, col)}, actual: {walls[row, col]}")
    rows, cols = walls.shape
    around = np.pad(walls, 1, constant_values=ALL_WALLS)
    for move in (Move.DOWN, Move.RIGHT, Move.UP, Move.LEFT):
        row, col = move.apply((1, 1))
        neighbours = around[row : row + rows, col : col + cols]
        for first in np.argwhere((walls >> move & 1) != (neighbours >> move.opposite & 1)).tolist():
            cell = (first[0], first[1])
            there = move.apply(cell)
            if not (0 <= there[0] < rows and 0 <= there[1] < cols):
                raise InvalidMaze(f"Expects a wall {move.name.lower()} of border cell {cell}, actual: open")
            seen_from = cell if walls[cell] & move.wall else there
            side = f"the side between {cell} and {there} to be the same from both cells"
            raise InvalidMaze(f"Expects {side}, actual: a wall seen from {seen_from} only")
