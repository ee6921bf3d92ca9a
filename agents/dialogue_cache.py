"""What the model has read of many dialogues, and the logits after it.

Dialogues read different amounts. Four ways to read them as if each were alone, by what the model bears:
``PaddedDialogues``, one batch with padding; ``WindowedDialogues``, one with masks of each query and key;
``EqualDialogues``, batches without padding; ``UncachedDialogues``, all anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor
from transformers import Cache, PreTrainedModel
from transformers.cache_utils import DynamicSlidingWindowLayer

from tokenmaze.agents.kv_cache import PreallocatedLayer
from tokenmaze.agents.reading import Reading, equal_lengths, new_cache, read, reading_of, rows_of


class Dialogues(Protocol):
    """Texts that grow, each as if it were alone."""

    logits: Tensor
    """(dialogues, vocabulary), after the last token read."""

    def read(self, chunks: Sequence[Sequence[int]]) -> None:
        """Reads what comes next in each dialogue; at first something in all, later nothing where a chunk is empty."""

    def select(self, dialogues: Sequence[int]) -> None:
        """Keeps only these dialogues, in this order."""


def dialogues_of(model: PreTrainedModel, pad_id: int) -> Dialogues:
    """The way to read that is right for the model; no dialogues yet."""
    reading = reading_of(model)
    if reading.pads_turns:
        return PaddedDialogues(model, reading, pad_id)
    if reading.windows is not None:
        return WindowedDialogues(model, reading, pad_id)
    return UncachedDialogues(model, reading) if reading.cache_name is None else EqualDialogues(model, reading)


class PaddedDialogues(Dialogues):
    """One batch: chunks are padded on the left, and the padding is masked in the cache for good."""

    def __init__(self, model: PreTrainedModel, reading: Reading, pad_id: int):
        self.model, self.reading, self.pad_id = model, reading, pad_id
        self._cache = new_cache(model)
        # (dialogues, tokens) int64, 1 where the cache holds a token of the dialogue, 0 for padding.
        self._mask: Tensor | None = None
        self.logits = torch.empty(0, device=model.device)

    def read(self, chunks: Sequence[Sequence[int]]) -> None:
        width, device = max(map(len, chunks)), self.model.device
        ids = torch.tensor([[self.pad_id] * (width - len(chunk)) + [*chunk] for chunk in chunks], device=device)
        fresh = torch.tensor([[0] * (width - len(chunk)) + [1] * len(chunk) for chunk in chunks], device=device)
        first = self._mask is None
        self._mask = fresh if self._mask is None else torch.cat([self._mask, fresh], dim=1)
        latest = read(self.model, self.reading, ids, self._cache, self._mask, attention=self._attention(width))
        self.logits = latest if first else torch.where(fresh[:, -1:].bool(), latest, self.logits)

    def _attention(self, width: int) -> Any:
        """What the last ``width`` columns attend to, where the mask alone does not say it."""
        return None

    def select(self, dialogues: Sequence[int]) -> None:
        assert self._mask is not None
        index = torch.tensor(list(dialogues), dtype=torch.long, device=self._mask.device)
        self._cache.reorder_cache(index)
        self._mask, self.logits = self._mask[index], self.logits[index]


class WindowedDialogues(PaddedDialogues):
    """One batch as well, of models with sliding windows, which count tokens here, not places.

    All tokens are kept, those too that no window reaches any more, and masks say which are seen.
    """

    def __init__(self, model: PreTrainedModel, reading: Reading, pad_id: int):
        super().__init__(model, reading, pad_id)
        self._cache = Cache(layers=[_keeping_all(layer) for layer in self._cache.layers])

    def _attention(self, width: int) -> Any:
        """For each type of layer (dialogues, 1, width, tokens), 0 for what is seen, else the least number."""
        assert self.reading.windows is not None
        assert self._mask is not None
        if self._mask.shape[1] == width:
            return None  # padding in front of a prompt is no harm, and masks of each token and token are large
        dtype = self.model.dtype
        places = self._mask.cumsum(-1) - 1
        distance = places[:, -width:, None] - places[:, None, :]
        seen = (distance >= 0) & self._mask[:, None, :].bool()
        least = torch.finfo(dtype).min
        masks = {
            kind: torch.zeros(seen.shape, dtype=dtype, device=seen.device)
            .masked_fill(~(seen if window is None else seen & (distance < window)), least)
            .unsqueeze(1)
            for kind, window in self.reading.windows.items()
        }
        return masks.get("", masks)


def _keeping_all(layer: Any) -> Any:
    """A layer of a cache, one that keeps all tokens in place of one of a sliding window."""
    return PreallocatedLayer() if isinstance(layer, DynamicSlidingWindowLayer) else layer


@dataclass
class Batch:
    """Dialogues that have read equally many tokens at every turn."""

    dialogues: list[int]
    """Their numbers among all; row ``i`` of the cache is that of ``dialogues[i]``."""
    cache: Cache
    """What they have read."""
    length: int = 0
    """Tokens that each has read."""


class EqualDialogues(Dialogues):
    """Batches of dialogues that have read equally many tokens at every turn, so that there is no padding.

    A batch is split where its dialogues read chunks of different lengths; at worst each dialogue is read alone.
    """

    def __init__(self, model: PreTrainedModel, reading: Reading):
        self.model, self.reading = model, reading
        self._batches: list[Batch] = []
        self.logits = torch.empty(0, device=model.device)

    def read(self, chunks: Sequence[Sequence[int]]) -> None:
        if not self._batches:
            self._batches = [Batch(list(range(len(chunks))), new_cache(self.model))]
        self._batches = [part for batch in self._batches for part in _split(batch, chunks)]
        for batch in self._batches:
            if chunks[batch.dialogues[0]]:
                ids = torch.tensor([[*chunks[one]] for one in batch.dialogues], device=self.model.device)
                latest = self._read_batch(batch, ids)
                if not len(self.logits):
                    self.logits = latest.new_zeros(len(chunks), latest.shape[1])
                self.logits[batch.dialogues] = latest

    def _read_batch(self, batch: Batch, ids: Tensor) -> Tensor:
        """Lets a batch read (dialogues, tokens) int64; returns (dialogues, vocabulary)."""
        whole = self.reading.reads_on or batch.length == 0
        for part in [ids] if whole else ids.split(1, dim=1):
            logits = read(self.model, self.reading, part, batch.cache, None, batch.length)
            batch.length += part.shape[1]
        return logits

    def select(self, dialogues: Sequence[int]) -> None:
        place = {dialogue: index for index, dialogue in enumerate(dialogues)}
        for batch in self._batches:
            kept = [index for index, dialogue in enumerate(batch.dialogues) if dialogue in place]
            if kept and len(kept) < len(batch.dialogues):
                batch.cache.reorder_cache(torch.tensor(kept, device=self.model.device))
            batch.dialogues = [place[batch.dialogues[index]] for index in kept]
        self._batches = [batch for batch in self._batches if batch.dialogues]
        self.logits = self.logits[list(dialogues)]


def _split(batch: Batch, chunks: Sequence[Sequence[int]]) -> list[Batch]:
    """The parts of a batch whose chunks are of one length each; the batch itself where all are."""
    parts = equal_lengths([len(chunks[dialogue]) for dialogue in batch.dialogues])
    if len(parts) == 1:
        return [batch]
    taken = [rows_of(batch.cache, torch.tensor(rows)) for rows in parts]
    return [
        Batch([batch.dialogues[row] for row in rows], cache, batch.length)
        for rows, cache in zip(parts, taken, strict=True)
    ]


class UncachedDialogues(Dialogues):
    """Reads each dialogue from its beginning whenever something is added to it, in batches of equal lengths."""

    def __init__(self, model: PreTrainedModel, reading: Reading):
        self.model, self.reading = model, reading
        self._texts: list[list[int]] = []
        self.logits = torch.empty(0, device=model.device)

    def read(self, chunks: Sequence[Sequence[int]]) -> None:
        self._texts = self._texts or [[] for _ in chunks]
        for text, chunk in zip(self._texts, chunks, strict=True):
            text.extend(chunk)
        fresh = [dialogue for dialogue, chunk in enumerate(chunks) if chunk]
        for places in equal_lengths([len(self._texts[dialogue]) for dialogue in fresh]):
            batch = [fresh[place] for place in places]
            ids = torch.tensor([self._texts[dialogue] for dialogue in batch], device=self.model.device)
            latest = read(self.model, self.reading, ids, None, None)
            if not len(self.logits):
                self.logits = latest.new_zeros(len(chunks), latest.shape[1])
            self.logits[batch] = latest

    def select(self, dialogues: Sequence[int]) -> None:
        self._texts = [self._texts[dialogue] for dialogue in dialogues]
        self.logits = self.logits[list(dialogues)]
