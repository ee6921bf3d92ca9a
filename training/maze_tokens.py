"""Maze tokens as tokens of an existing model's vocabulary, instead of a dozen pieces of text each.

They join as ordinary tokens, never special ones: trainers decode with ``skip_special_tokens=True``, and answers must
survive that. Each new row of the input embedding, and of the output head where it is a matrix of its own, starts as the
mean of the rows of the pieces that the token's text had before; the mean over whole vocabularies (Hewitt 2021,
https://nlp.stanford.edu/~johnhew/vocab-expansion.html) would start all of them alike. Pieces that all have, as ``<|``,
are left out, and later ones weigh more: in a plain mean ``<|0-3|>`` is ``<|3-0|>``, and of SmolLM2's 424 rows 380 would
be the same as another.
"""

from collections.abc import Iterable

import torch
from tokenizers import AddedToken
from transformers import PreTrainedModel

from maze_env.errors import InvalidConfig
from maze_env.moves import MOVE_TOKENS
from maze_env.tokens import MARKERS, MAZE_TOKEN, UNSEEN, WALL_TOKENS, coordinate_tokens
from maze_env.vocabulary import MAX_VOCABULARY_SIDE
from tokenmaze.agents.protocols import Tokenizer

COORDINATES = coordinate_tokens(MAX_VOCABULARY_SIDE, MAX_VOCABULARY_SIDE)
MAZE_TOKENS: tuple[str, ...] = (*MOVE_TOKENS, *MARKERS, *WALL_TOKENS, UNSEEN, *COORDINATES)
"""What joins: moves, markers, walls, and the coordinates of grids up to 20x20."""


def require_maze_tokens(tokenizer: Tokenizer, texts: Iterable[str], when: str) -> None:
    """Raises InvalidConfig where a move, or anything that ``texts`` of mazes have, is several tokens."""
    tokens = sorted({*MOVE_TOKENS, *(found[0] for text in texts for found in MAZE_TOKEN.finditer(text))})
    for token, ids in zip(tokens, tokenizer(tokens, add_special_tokens=False)["input_ids"], strict=True):
        if len(ids) != 1:
            raise InvalidConfig(
                f"Expects a vocabulary with maze tokens {when} (SFT with add_maze_tokens true makes one), actual: "
                f"{token} is {len(ids)} tokens"
            )


@torch.no_grad()
def add_maze_tokens(model: PreTrainedModel, tokenizer: Tokenizer) -> list[int]:
    """Adds those of ``MAZE_TOKENS`` that the vocabulary lacks, and returns their ids.

    Raises InvalidConfig where the vocabulary has one of them as a special token, which decoding would drop.
    """
    if special := set(tokenizer.all_special_tokens) & set(MAZE_TOKENS):
        raise InvalidConfig(
            f"Expects maze tokens to be ordinary tokens of the vocabulary, actual: special ones, {sorted(special)[:3]}"
        )
    known = tokenizer.get_vocab()
    new = [token for token in MAZE_TOKENS if token not in known]
    pieces = tokenizer(new, add_special_tokens=False)["input_ids"] if new else []
    tokenizer.add_tokens([AddedToken(token, normalized=False, special=False) for token in new])
    rows = model.get_input_embeddings().weight.shape[0]
    if len(tokenizer) > rows:  # many models have rows to spare
        model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    ids: list[int] = tokenizer.convert_tokens_to_ids(new)
    shared = set.intersection(*map(set, pieces)) if pieces else set()
    layers = (model.get_input_embeddings(), model.get_output_embeddings())
    for matrix in {id(layer.weight): layer.weight for layer in layers if layer is not None}.values():
        for index, piece in zip(ids, pieces, strict=True):
            own = torch.tensor([part for part in piece if part not in shared] or piece, device=matrix.device)
            weights = torch.arange(1, len(own) + 1, dtype=matrix.dtype, device=matrix.device)
            matrix[index] = weights / weights.sum() @ matrix[own]
    return ids
