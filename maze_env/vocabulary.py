"""The closed vocabulary of mazes, answers and traces: one id for each token.

The embedded model's tokenizer and the environment's ``tokens`` view share it.
"""

from maze_env.moves import MOVE_TOKENS
from maze_env.tokens import MARKERS, THINK_CLOSE, THINK_OPEN, UNSEEN, WALL_TOKENS, coordinate_tokens
from maze_env.traces.retry import DEAD_END, RESET, WRONG_WAY
from maze_env.traces.search import BACK, PATH

PAD, BOS, EOS = "<pad>", "<bos>", "<eos>"
MAX_SIDE = 20
"""Grids up to 20x20 have their coordinates in the vocabulary."""

WORDS = (
    "\n", THINK_OPEN, THINK_CLOSE, RESET, BACK, PATH, DEAD_END, WRONG_WAY,
    "Step", " ", ": Go ", "up", "down", "left", "right", *"0123456789",
)  # fmt: skip
"""What traces are written with besides maze tokens."""

_NAMED = (
    *(PAD, BOS, EOS),
    *WORDS,
    *MOVE_TOKENS,
    *MARKERS,
    *WALL_TOKENS,
    *coordinate_tokens(MAX_SIDE, MAX_SIDE),
    UNSEEN,
)
VOCABULARY: tuple[str, ...] = (*_NAMED, *(f"<|reserved-{number}|>" for number in range(512 - len(_NAMED))))
"""All tokens; a token's id is its index. The reserved ones keep ids, sizes and so the random weights of a seed as they
are when a token joins; until then nothing writes them, and in an answer they are stray text."""

ID_OF_TOKEN: dict[str, int] = {token: index for index, token in enumerate(VOCABULARY)}
