"""Text to tokens and back: what a model reads, and what it has written."""

from collections.abc import Collection, Iterable, Sequence

from tokenizers.models import WordLevel

from maze_env.answers import parse_answer
from maze_env.errors import UnreadableMaze
from maze_env.moves import MOVE_TOKENS
from maze_env.phrasings import rename
from maze_env.tokens import (
    COORDINATE_TOKEN,
    MARKERS,
    THINK_CLOSE,
    THINK_OPEN,
    UNREACHABLE_TOKEN,
    UNSEEN,
    WALL_TOKENS,
    coordinate_token,
)
from tokenmaze.agents.errors import InvalidCheckpoint
from tokenmaze.agents.protocols import Tokenizer

TAGS = (THINK_OPEN, THINK_CLOSE)
KEPT = frozenset({*TAGS, *MOVE_TOKENS, *map(rename, MOVE_TOKENS), *MARKERS, *WALL_TOKENS, UNSEEN, UNREACHABLE_TOKEN})
"""Tokens that answers and traces are written with, besides coordinates."""
_CELLS = "".join(coordinate_token((row, 19 - row)) for row in range(20)) + "".join((*WALL_TOKENS, UNSEEN, *MARKERS))
_MOVES = "".join(MOVE_TOKENS)
SAMPLES = (*MOVE_TOKENS, *TAGS, _CELLS, f"{THINK_OPEN}\n{_CELLS}\n{THINK_CLOSE}\n\n{_MOVES}", UNREACHABLE_TOKEN)
"""What a model may have to write, single tokens first."""


def token_ids(tokenizer: Tokenizer, texts: Sequence[str]) -> list[list[int]]:
    """The tokens of each text; none is added, for prompts and replies have their special tokens already.

    Raises UnreadableMaze for text that a closed vocabulary lacks, as the tiny model's may.
    """
    try:
        return tokenizer(list(texts), add_special_tokens=False)["input_ids"]
    except Exception as error:  # the tokenizers package has no class for it
        backend, known = tokenizer.backend_tokenizer, tokenizer.get_vocab()
        words = (word for text in texts for word, _ in backend.pre_tokenizer.pre_tokenize_str(text))
        unknown = next((word for word in words if word not in known), None)
        if unknown is None or not isinstance(backend.model, WordLevel):
            raise
        raise UnreadableMaze(f"Expects text in the model's vocabulary, actual: {unknown!r}") from error


class TextDecoder:
    """Tokens that a model has written, as text.

    Special tokens are left out, as ``skip_special_tokens`` does, but those of mazes and thinking: a vocabulary may have
    them as special ones. So are the tokens that end a completion, which need not be special. Spaces stay as they are.
    """

    def __init__(self, tokenizer: Tokenizer, end_ids: Collection[int] = ()):
        """A decoder of ``tokenizer``; ``end_ids`` are the tokens that end a completion, besides the tokenizer's."""
        self.tokenizer = tokenizer
        special = {index for index, token in tokenizer.added_tokens_decoder.items() if token.special}
        special |= set(tokenizer.all_special_ids)
        kept = {index for index in special if _is_kept(tokenizer.decode([index], skip_special_tokens=False).strip())}
        ends = {tokenizer.pad_token_id, tokenizer.eos_token_id, *end_ids}
        self._left_out = (special - kept) | ends

    def __call__(self, ids: Iterable[int]) -> str:
        """The text of one sequence of tokens."""
        return self.tokenizer.decode(
            [index for index in ids if index not in self._left_out],
            skip_special_tokens=False,
            clean_up_tokenization_spaces=False,
        )


def _is_kept(token: str) -> bool:
    return token in KEPT or COORDINATE_TOKEN.fullmatch(token) is not None


def check_answers_survive(tokenizer: Tokenizer, end_ids: Collection[int]) -> None:
    """Raises InvalidCheckpoint unless answers and traces are the same after tokenising and decoding, blanks apart.

    What a closed vocabulary does not have is passed over: its model cannot write it.
    """
    decode = TextDecoder(tokenizer, end_ids)
    for text in SAMPLES:
        try:
            (ids,) = token_ids(tokenizer, [text])
        except UnreadableMaze:
            continue
        read = decode(ids)
        if "".join(read.split()) != "".join(text.split()) or parse_answer(read)[2:] != parse_answer(text)[2:]:
            raise InvalidCheckpoint(
                "Expects a tokenizer that writes maze tokens and think tags and reads the same, "
                f"actual: {text[:60]!r} comes back as {read[:60]!r}"
            )
