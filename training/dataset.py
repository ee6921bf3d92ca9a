"""Rows as token ids: what a trainer reads, checked so that nothing is cut, in batches of rows of similar length."""

import random
from collections.abc import Iterable, Sequence
from itertools import chain, islice
from multiprocessing import get_context

import numpy as np
from datasets import Dataset
from numpy.typing import NDArray

from maze_env.errors import InvalidConfig, UnreadableMaze
from maze_env.maze import Maze
from tokenmaze.agents.prompts import render
from tokenmaze.agents.protocols import Tokenizer
from tokenmaze.agents.tokenization import token_ids as token_ids_of
from tokenmaze.training.mazes import DataConfig, supervised_draws, supervised_row

TOKENIZE_BATCH = 256
"""Examples tokenised together: few enough that one too long for the model is found at once."""
BUCKET_BATCHES = 16
"""Batches whose rows are sorted by length together. A larger bucket would leave less padding and mix rows less."""


def token_ids(tokenizer: Tokenizer, texts: list[str]) -> list[list[int]]:
    """The tokens of ``texts``. Raises InvalidConfig for text that the vocabulary does not have."""
    try:
        return token_ids_of(tokenizer, texts)
    except UnreadableMaze as error:
        raise InvalidConfig(
            "Expects mazes and traces that the model's vocabulary can write (of the tiny model, names says how far "
            f"coordinates go, and line_numbers whether it has those of pointers and walks), actual: {error}"
        ) from error


def supervised_dataset(
    config: DataConfig, tokenizer: Tokenizer, context: int, batch_size: int, seed: int, processes: int | None = None
) -> Dataset:
    """Rows of ``input_ids`` and ``labels``, in which exactly the completion and the end token are supervised.

    They are written and tokenised in so many ``processes`` of their own, where a number is given: the same rows.
    """
    draws = supervised_draws(config)
    # A few at a time: what else a tokenizer returns is many times the size of the ids.
    chunks = iter(lambda: list(islice(draws, TOKENIZE_BATCH)), [])
    origin = f"sizes={config.sizes}, trace_styles={config.trace_styles}"
    settings = ("examples", origin, context, batch_size, seed)
    if not processes:
        rows = (_written(config, tokenizer, chunk) for chunk in chunks)
        return labelled_dataset(chain.from_iterable(rows), *settings)
    with get_context("spawn").Pool(processes, _begin_writer, (config, tokenizer)) as pool:
        return labelled_dataset(chain.from_iterable(pool.imap(_write, chunks)), *settings)


Draws = list[tuple[Maze, int, str]]
Parts = list[list[list[int]]]
_writer: tuple[DataConfig, Tokenizer] | None = None
"""In a process that writes rows: what it writes them by."""


def _begin_writer(config: DataConfig, tokenizer: Tokenizer) -> None:
    global _writer
    _writer = config, tokenizer


def _write(draws: Draws) -> Parts:
    assert _writer is not None
    return _written(*_writer, draws)


def _written(config: DataConfig, tokenizer: Tokenizer, draws: Draws) -> Parts:
    """The tokens of the prompt and of the completion, end token included, of each row."""
    prompts, completions = [], []
    for draw in draws:
        row = supervised_row(config, *draw)
        prompt, completion = render(tokenizer, row["maze"], row["phrasing"]), row["completion"]
        prompts.append(prompt.text)
        completions.append(completion.removeprefix(prompt.opening))  # by the chat template
    pairs = zip(token_ids(tokenizer, prompts), token_ids(tokenizer, completions), strict=True)
    return [[head, [*tail, tokenizer.eos_token_id]] for head, tail in pairs]


def labelled_dataset(
    rows: Iterable[Sequence[list[int]]], kind: str, origin: str, context: int, batch_size: int, seed: int
) -> Dataset:
    """Rows of ``input_ids`` and ``labels``, int32 of the row's length; labels are -100 where nothing is supervised.

    Args:
        rows: the parts of each, tokens of which every second one is supervised.
        kind: what rows are called in an error.
        origin: where they come from, likewise.
        context: tokens that a row may have; nothing is ever cut.
        batch_size: rows of a step, on all devices.
        seed: of the batches' order.

    Raises:
        InvalidConfig: for a row that is too long.
    """
    arrays: list[tuple[NDArray[np.int32], NDArray[np.int32]]] = []
    for parts in rows:
        ids = np.fromiter(chain.from_iterable(parts), np.int32)
        if len(ids) > context:
            raise InvalidConfig(
                f"Expects {kind} of at most {context} tokens, the model's context, actual: one of {len(ids)} "
                f"tokens ({origin})"
            )
        supervised = np.repeat(np.arange(len(parts)) % 2 == 1, list(map(len, parts)))
        arrays.append((ids, np.where(supervised, ids, np.int32(-100))))
    order = length_bucketed_order([len(ids) for ids, _ in arrays], batch_size, seed)
    return Dataset.from_dict({"input_ids": [arrays[i][0] for i in order], "labels": [arrays[i][1] for i in order]})


def length_bucketed_order(lengths: list[int], batch_size: int, seed: int) -> list[int]:
    """An order of rows, each once, in which a batch's rows are of similar length and batches come in random order.

    Rows are sorted within buckets of ``BUCKET_BATCHES`` batches, and each bucket's batches are shuffled. The order is
    fixed here and read in sequence by the trainer, so that a resumed run reads on where it stopped.

    >>> length_bucketed_order([9, 2, 8, 1], batch_size=2, seed=0)
    [3, 1, 2, 0]
    """
    rng = random.Random(seed)
    order: list[int] = []
    size = BUCKET_BATCHES * batch_size
    for start in range(0, len(lengths), size):
        bucket = sorted(range(start, min(len(lengths), start + size)), key=lengths.__getitem__)
        batches = [bucket[i : i + batch_size] for i in range(0, len(bucket), batch_size)]
        rng.shuffle(batches)
        order += [index for batch in batches for index in batch]
    return order


def check_prompts_fit(
    tokenizer: Tokenizer, prompts: list[str], budget: int, context: int, key: str = "max_completion_length"
) -> None:
    """Raises InvalidConfig unless each prompt and a full completion, ``budget`` of ``key``, fit into ``context``."""
    longest = max(map(len, token_ids(tokenizer, prompts)))
    if longest + budget > context:
        raise InvalidConfig(
            f"Expects prompts and {key}={budget} to fit into the model's context of "
            f"{context} tokens, actual: a prompt of {longest} tokens"
        )
