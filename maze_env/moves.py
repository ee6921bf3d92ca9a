"""The four moves, and with them the axis convention of the whole project: stated here, imported everywhere.

A cell is ``(row, col)``; row 0 is the top, column 0 is the left. A cell's walls are one byte in which bit ``k`` is set
when there is a wall on the side ``Move(k)``.
"""

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from maze_env.errors import InvalidMove


class Move(IntEnum):
    """A step to a neighbouring cell. The value is the action index, the wall bit's position, and the fixed order."""

    UP = 0
    """To the row before."""
    DOWN = 1
    """To the row after."""
    LEFT = 2
    """To the column before."""
    RIGHT = 3
    """To the column after."""

    @property
    def token(self) -> str:
        """E.g. ``<|up|>``."""
        return MOVE_TOKENS[self]

    @property
    def wall(self) -> int:
        """The bit of this side in a cell's wall byte."""
        return 1 << self

    @property
    def opposite(self) -> "Move":
        """The move that undoes this one."""
        return Move(self ^ 1)

    def apply(self, cell: tuple[int, int]) -> tuple[int, int]:
        """The neighbour of ``cell`` on this side; it may lie off the grid.

        >>> Move.UP.apply((2, 1))
        (1, 1)
        """
        row_step, col_step = DELTA_PAIRS[self]
        return cell[0] + row_step, cell[1] + col_step


MOVES: tuple[Move, ...] = tuple(Move)
MOVE_TOKENS: tuple[str, ...] = tuple(f"<|{move.name.lower()}|>" for move in MOVES)
MOVE_OF_TOKEN: dict[str, Move] = dict(zip(MOVE_TOKENS, MOVES, strict=True))

DELTA_PAIRS: tuple[tuple[int, int], ...] = ((-1, 0), (1, 0), (0, -1), (0, 1))  # (row step, column step) of each move
DELTAS = np.array(DELTA_PAIRS, dtype=np.int64)  # (4, 2), for array code
DELTAS.setflags(write=False)

ALL_WALLS = 0b1111
Walls = NDArray[np.uint8]  # the wall bytes of a grid, (rows, cols) uint8
UNSEEN_BITS = 16  # stands among wall bytes for a cell that the agent has not seen
OUTSIDE_BITS = 47  # stands among wall bytes for what is not of a maze smaller than the array: closed on all four sides
Distances = NDArray[np.int16]  # moves from each cell to one of them, (rows, cols) int16
UNREACHABLE = -1  # stands among distances for a cell that no path leads to


def possible_moves(bits: int) -> list[Move]:
    """The moves that a wall byte leaves open, in the fixed order."""
    return [move for move in MOVES if not bits >> move & 1]


def as_move(action: object) -> Move:
    """The move that an index 0-3 (any integer type but ``bool``) or a movement token names; else raises InvalidMove."""
    if isinstance(action, str):
        move = MOVE_OF_TOKEN.get(action.strip())
        if move is not None:
            return move
    elif isinstance(action, (int, np.integer)) and not isinstance(action, bool) and 0 <= action < 4:
        return MOVES[action]
    elif isinstance(action, np.ndarray) and action.shape == () and np.issubdtype(action.dtype, np.integer):
        return as_move(action.item())
    token = f"<|{action.strip().lower()}|>" if isinstance(action, str) else ""
    hint = f". Did you mean {token!r}?" if token in MOVE_OF_TOKEN else ""
    raise InvalidMove(f"Expects a move: 0, 1, 2, 3 or one of {', '.join(MOVE_TOKENS)}, actual: {action!r}{hint}")
