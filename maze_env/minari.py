"""The text view in data sets of Minari (``pip install minari[hdf5,create]``): import this before collecting.

A data set says that its texts are of these characters and at most this long, not that they are mazes: whoever loads it
needs Minari alone.
"""

from typing import Any

from gymnasium.spaces import Text
from minari.serialization import serialize_space

from maze_env.spaces import MazeText
from maze_env.tokens import MARKERS, UNSEEN, WALL_TOKENS, coordinate_token

CHARACTERS = "".join(sorted(set("".join((*MARKERS, *WALL_TOKENS, UNSEEN, "0123456789-\n")))))


@serialize_space.register(MazeText)
def serialize_text(space: MazeText, to_string: bool = True) -> Any:
    """The space as Minari stores a ``gymnasium.spaces.Text``."""
    rows, cols = space.spec.rows, space.spec.cols
    walls, marker = (max(map(len, tokens)) for tokens in (WALL_TOKENS, MARKERS))
    longest = rows * cols * (len(coordinate_token((rows, cols))) + walls + marker) + rows
    return serialize_space(Text(longest, charset=CHARACTERS), to_string)
