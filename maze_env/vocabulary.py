"""The closed vocabulary of mazes, answers and traces: one id for each token.

The tiny model's tokenizer and the environment's ``tokens`` view share it.
"""

from maze_env.errors import ImpossibleMaze
from maze_env.moves import MOVE_TOKENS
from maze_env.tokens import MARKERS, THINK_CLOSE, THINK_OPEN, UNSEEN, WALL_TOKENS, coordinate_tokens

PAD, BOS, EOS = "<pad>", "<bos>", "<eos>"
RESET = "RESET"  # in a trace of attempts: gives one up and starts again at the origin
BACK, PATH = "BACK", "PATH"  # in an exploration: returns to the cell before; and begins the path that was found
DEAD_END, WRONG_WAY = "This is a dead end.", "This leads the wrong way."  # in a redrawn trace: why one is given up
MAX_VOCABULARY_SIDE = 20  # grids up to 20x20 have their coordinates in the vocabulary

WORDS = (
    "\n", THINK_OPEN, THINK_CLOSE, RESET, BACK, PATH, DEAD_END, WRONG_WAY,
    "Step", " ", ": Go ", "up", "down", "left", "right", *"0123456789",
)  # fmt: skip
"""What traces are written with besides maze tokens."""

NUMERALS = tuple("\t" * (number // 16) + " " * (1 + number % 16) for number in range(64))
"""White space that numbers lines (traces/line_numbers.py). A model that is to write them has them after the vocabulary;
the first is one of ``WORDS``."""

_COORDINATES = coordinate_tokens(MAX_VOCABULARY_SIDE, MAX_VOCABULARY_SIDE)
_NAMED = (PAD, BOS, EOS, *WORDS, *MOVE_TOKENS, *MARKERS, *WALL_TOKENS, *_COORDINATES, UNSEEN)
VOCABULARY: tuple[str, ...] = (*_NAMED, *(f"<|reserved-{number}|>" for number in range(512 - len(_NAMED))))
"""All tokens; a token's id is its index. A new token takes the place of a reserved one, so that other ids, the size and
with it a seed's random weights stay. Nothing writes reserved tokens, and in an answer they are stray text."""

ID_OF_TOKEN: dict[str, int] = {token: index for index, token in enumerate(VOCABULARY)}


def check_sides(rows: int, cols: int, what: str) -> None:
    """Raises ImpossibleMaze unless the vocabulary, which ``what`` is written in, has the coordinates of such a grid."""
    if max(rows, cols) > MAX_VOCABULARY_SIDE:
        most = f"{MAX_VOCABULARY_SIDE} for {what} (the vocabulary ends there)"
        raise ImpossibleMaze(f"Expects sides of at most {most}, actual: {rows}x{cols}")
