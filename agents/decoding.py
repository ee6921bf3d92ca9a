"""Decoding that stops paying for sequences that have ended.

``transformers`` generates a batch until its longest sequence ends, and every row costs until then. Answers to mazes
differ much in length, and a few never end, so most of that is spent on padding.
This is the plain sampling loop with three things added: rows that have ended leave the batch and the key-value cache,
a prompt that several rows share, as the completions of a GRPO group do, is read once, and the cache is written in
place. Rows of a model that padding would harm are decoded in groups of one length (``agents.reading``). The loop plugs
into ``model.generate(custom_generate=...)``, so the rest, logits processors among it, is ``transformers``' own.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor
from transformers import Cache, DynamicCache, GenerationConfig, PreTrainedModel
from transformers.generation import LogitsProcessorList, StoppingCriteriaList

from maze_env.errors import InvalidConfig
from tokenmaze.agents.reading import CACHE_NAME, Reading, equal_lengths, new_cache, read, reading_of

KEEP_SHARE = 0.85
"""Rows are dropped when fewer than this share of the batch still runs; dropping copies the cache once."""
LOOK_EVERY = 64
"""Tokens between two looks at whether an answer is to end. More looks cost more than the tokens that they save."""
Lost = Callable[[list[int], Tensor], list[bool]]
"""(numbers of rows in the batch, what they have written, (rows, tokens) int64) -> which of them are to end at once."""


@contextmanager
def early_row_removal(model: PreTrainedModel, lost: Lost | None = None) -> Iterator[None]:
    """Lets ``model.generate`` decode with ``drop_finished``, for callers that cannot ask for it, as TRL's trainer.

    TRL's ``generation_kwargs`` do not reach ``custom_generate``: they become a ``GenerationConfig``, which has none.
    """
    model.generate = partial(type(model).generate, model, custom_generate=partial(drop_finished, lost=lost))
    try:
        yield
    finally:
        del model.generate


def context_length(model: PreTrainedModel) -> int:
    """The longest sequence that a model was made for, in tokens; 2**31 where its configuration does not tell.

    With the rotary positions called longrope (Phi 3 of 128k) that is the length from which on they change: they change
    for all rows of a batch as soon as one is longer, and for what has been read before.
    """
    config = model.config.get_text_config()
    positions = getattr(config, "rope_parameters", None) or {}
    kinds = [positions, *(kind for kind in positions.values() if isinstance(kind, dict))]  # one, or one a kind of layer
    changes = [kind["original_max_position_embeddings"] for kind in kinds if kind.get("rope_type") == "longrope"]
    return min([int(getattr(config, "max_position_embeddings", 0) or 2**31), *changes])


def drop_finished(
    model: PreTrainedModel,
    input_ids: Tensor,
    logits_processor: LogitsProcessorList,
    stopping_criteria: StoppingCriteriaList,
    generation_config: GenerationConfig,
    synced_gpus: bool = False,
    streamer: None = None,
    generator: torch.Generator | None = None,
    lost: Lost | None = None,
    **model_kwargs: Any,
) -> Tensor:
    """Greedy decoding or sampling for a decoder-only model, as ``generate(custom_generate=...)`` calls it.

    Args:
        model: the one that writes.
        input_ids: (batch, prompt) int64, padded on the left.
        logits_processor: applied to the scores of each token, (batch, vocabulary) float32.
        stopping_criteria: only the length among them is read.
        generation_config: ``do_sample``, ``eos_token_id`` and ``pad_token_id`` are read.
        synced_gpus: false; a model that is spread over processes is refused.
        streamer: ignored.
        generator: of the samples; default: the device's global one.
        lost: asked every ``LOOK_EVERY`` tokens; the rows that it names end with the first of ``eos_token_id``.
        model_kwargs: the cache, and the attention mask, (batch, prompt) int64.

    Returns:
        (batch, prompt + longest completion) int64, right of each end token filled with padding.
    """
    if synced_gpus:
        raise InvalidConfig("Expects a model that one process can run alone, actual: synced_gpus=True (FSDP or ZeRO-3)")
    reading, given = reading_of(model), model_kwargs.get(CACHE_NAME)
    is_asked_for = given is not None and (type(given) is not DynamicCache or given.offloading)
    mask = model_kwargs.get("attention_mask")
    mask = torch.ones_like(input_ids) if mask is None else mask
    ends = generation_config.eos_token_id
    eos_ids = input_ids.new_tensor(ends if isinstance(ends, list) else [] if ends is None else [ends])
    if lost is not None and not len(eos_ids):
        raise InvalidConfig("Expects a model with an end token, to end answers that are lost, actual: none")
    start, max_length = input_ids.shape[1], stopping_criteria.max_length
    sequences = input_ids.new_full((len(input_ids), max_length), generation_config.pad_token_id)
    sequences[:, :start] = input_ids

    def decode(rows: Tensor, begin: int, mask: Tensor | None) -> int:
        """Completes these rows, whose padding ends at ``begin`` or is masked; returns the length of the longest."""
        cache = None if reading.cache_name is None else given if is_asked_for else new_cache(model)
        running, inputs, length = torch.ones_like(rows, dtype=torch.bool), sequences[rows, begin:start], start
        while length < max_length and len(rows):
            behind = length - begin - inputs.shape[1]
            logits = (
                _read_prompts(model, reading, inputs, cache, mask)
                if length == start
                else read(model, reading, inputs, cache, mask, behind)
            )
            scores = logits_processor(sequences[rows, :length], logits.float())
            if generation_config.do_sample:
                chosen = torch.multinomial(scores.softmax(-1), 1, generator=generator).squeeze(1)
            else:
                chosen = scores.argmax(-1)
            if lost is not None and length > start and (length - start) % LOOK_EVERY == 0:
                ended = torch.tensor(lost(rows.tolist(), sequences[rows, start:length]), device=chosen.device)
                chosen[ended] = eos_ids[0]
            sequences[rows[running], length] = chosen[running]
            length += 1
            running &= ~torch.isin(chosen, eos_ids)
            if running.float().mean() < KEEP_SHARE:
                kept = torch.nonzero(running).squeeze(1)
                if cache is not None:
                    cache.reorder_cache(kept)
                rows, chosen, running = rows[kept], chosen[kept], running[kept]
                mask = None if mask is None else mask[kept]
            if mask is not None:
                mask = torch.cat([mask, mask.new_ones(len(mask), 1)], dim=1)
            inputs = sequences[rows, begin:length] if cache is None else chosen[:, None]
        return length

    everything = torch.arange(len(input_ids), device=input_ids.device)
    with _own_precision(model):
        if reading.pads_prompts:
            return sequences[:, : decode(everything, 0, mask)]
        lengths = mask.sum(dim=1).tolist()
        groups = [(everything[places], start - lengths[places[0]]) for places in equal_lengths(lengths)]
        return sequences[:, : max(decode(rows, begin, None) for rows, begin in groups)]


@contextmanager
def _own_precision(model: PreTrainedModel) -> Iterator[None]:
    """Lets a model on a processor compute in the precision of its weights where training wraps it in autocast.

    Autocast casts weights and cache anew for every token, which takes longer than what bfloat16 saves.
    """
    wrapped, own = vars(model).get("forward"), vars(model).get("_original_forward")  # of accelerate
    if own is None or model.device.type != "cpu":
        yield
        return
    model.forward = own
    try:
        yield
    finally:
        model.forward = wrapped


def _read_prompts(
    model: PreTrainedModel, reading: Reading, prompts: Tensor, cache: Cache | None, mask: Tensor | None
) -> Tensor:
    """As ``read``, each different prompt once."""
    padded = prompts if mask is None else torch.cat([prompts, mask], dim=1)
    different, which = padded.unique(dim=0, return_inverse=True)
    if len(different) == len(prompts):
        return read(model, reading, prompts, cache, mask)
    ids, seen = (different, None) if mask is None else different.tensor_split(2, dim=1)
    logits = read(model, reading, ids, cache, seen)
    if cache is not None:
        cache.reorder_cache(which)
    return logits[which]
