"""Decodes a batch of multi-turn dialogues with one key-value cache, so that a turn costs only its new tokens."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor
from transformers import PreTrainedModel

from agents.decoding import end_ids, read
from agents.kv_cache import preallocate
from agents.protocols import Tokenizer
from maze_env.answers import first_move
from maze_env.errors import unknown_name
from maze_env.moves import MOVE_TOKENS, Move

Restriction = Literal["none", "moves", "legal"]
RESTRICTIONS: tuple[Restriction, ...] = ("none", "moves", "legal")
"""What a model may write as its move: anything, movement tokens, or those of moves that are possible."""


def check_restriction(name: str) -> None:
    """Raises UnknownName for one that does not exist."""
    if name not in RESTRICTIONS:
        raise unknown_name("restriction", name, RESTRICTIONS)


class MultiTurnDecoder:
    """The model's side of many dialogues: what each has read and written so far.

    Dialogues have read different amounts: what they read at a time is padded on the left, the padding is masked in the
    cache for good, and positions count only real tokens, so each dialogue sees what it would see alone.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: Tokenizer,
        temperature: float = 0.0,
        restrict: Restriction = "none",
        max_turn_tokens: int = 16,
    ):
        """A decoder without dialogues; arguments as of ``MultiTurnPolicy``."""
        check_restriction(restrict)
        self.model, self.tokenizer = model, tokenizer
        self.temperature, self.restrict, self.max_turn_tokens = temperature, restrict, max_turn_tokens
        self._move_ids = [tuple(tokenizer(token, add_special_tokens=False)["input_ids"]) for token in MOVE_TOKENS]
        self.end_ids = end_ids(model, tokenizer)
        """The tokens that end a turn."""

    @torch.inference_mode()
    def prefill(self, prompts: Sequence[Sequence[int]], thinking_opened: bool = False) -> None:
        """Starts a dialogue for each prompt; all end inside an open ``<think>``, or none does."""
        self.thinking_opened = thinking_opened
        """Whether the prompts end inside an open ``<think>``."""
        count, device = len(prompts), self.model.device
        self.cache = preallocate(self.model.config)
        """Keys and values of every token read."""
        self.mask = torch.zeros((count, 0), dtype=torch.long, device=device)
        """(dialogues, tokens) int64, 1 where the cache holds a token of the dialogue, 0 for padding."""
        self.logits = torch.empty((count, 0), device=device)
        """(dialogues, vocabulary) in the model's dtype, after the last token read."""
        self.unread: list[list[int]] = [list(ids) for ids in prompts]
        """What the model has still to read of each dialogue."""
        self._read(range(count))

    def select(self, dialogues: Sequence[int]) -> None:
        """Keeps only these dialogues, in this order."""
        index = torch.tensor(list(dialogues), dtype=torch.long, device=self.mask.device)
        self.cache.batch_select_indices(index)
        self.mask, self.logits = self.mask[index], self.logits[index]
        self.unread = [self.unread[dialogue] for dialogue in dialogues]

    @torch.inference_mode()
    def append(self, replies: Sequence[Sequence[int]]) -> None:
        """Lets each dialogue read the tokens of a reply, after what it has written."""
        for unread, ids in zip(self.unread, replies, strict=True):
            unread.extend(ids)
        self._read(range(len(self.unread)))

    @torch.inference_mode()
    def generate(
        self, possible: Sequence[Sequence[Move]] | None = None, generator: torch.Generator | None = None
    ) -> tuple[list[str], list[list[int]], list[list[float]]]:
        """Lets each dialogue write a move, out of those that are ``possible`` with ``restrict="legal"``.

        Returns for each dialogue the text, its token ids, and the log-probability of each of them.
        """
        running = list(range(len(self.unread)))
        written: list[list[int]] = [[] for _ in running]
        log_probs: list[list[float]] = [[] for _ in running]
        for _ in range(self.max_turn_tokens):
            scores = self._scores(running, written, possible)
            sampled = self.temperature > 0
            chosen = (
                torch.multinomial(scores.exp(), 1, generator=generator) if sampled else scores.argmax(-1, keepdim=True)
            )
            chosen_log_probs = scores.gather(1, chosen).squeeze(1).tolist()
            for dialogue, token, log_prob in zip(running, chosen.squeeze(1).tolist(), chosen_log_probs, strict=True):
                written[dialogue].append(token)
                log_probs[dialogue].append(log_prob)
                self.unread[dialogue].append(token)
            running = [dialogue for dialogue in running if not self._is_done(written[dialogue])]
            if not running:
                break
            self._read(running)
        return [self.tokenizer.decode(ids, skip_special_tokens=True) for ids in written], written, log_probs

    def _is_done(self, ids: list[int]) -> bool:
        if ids[-1] in self.end_ids or tuple(ids) in self._move_ids:
            return True
        return first_move(self.tokenizer.decode(ids, skip_special_tokens=True), self.thinking_opened) is not None

    def _scores(
        self, dialogues: list[int], written: list[list[int]], possible: Sequence[Sequence[Move]] | None
    ) -> Tensor:
        """Log-probabilities of the next token, (dialogues, vocabulary) float32, at the decoder's temperature."""
        scores = self.logits[dialogues].float()
        if self.restrict != "none":
            allowed = torch.zeros_like(scores, dtype=torch.bool)
            for row, dialogue in enumerate(dialogues):
                done = written[dialogue]
                for move in range(4) if self.restrict == "moves" or possible is None else possible[dialogue]:
                    ids = self._move_ids[move]
                    if ids[: len(done)] == tuple(done):
                        allowed[row, ids[len(done)]] = True
            scores = scores.masked_fill(~allowed, -torch.inf)
        return (scores / (self.temperature or 1.0)).log_softmax(-1)

    def _read(self, dialogues: Sequence[int]) -> None:
        """Feeds what these dialogues have not read to the model, in one pass."""
        chunks: list[list[int]] = [[] for _ in self.unread]
        for dialogue in dialogues:
            chunks[dialogue], self.unread[dialogue] = self.unread[dialogue], []
        width = max(map(len, chunks))
        if width == 0:
            return
        pad, device = self.tokenizer.pad_token_id, self.mask.device
        ids = torch.tensor([[pad] * (width - len(chunk)) + chunk for chunk in chunks], device=device)
        fresh = torch.tensor([[0] * (width - len(chunk)) + [1] * len(chunk) for chunk in chunks], device=device)
        self.mask = torch.cat([self.mask, fresh], dim=1)
        latest = read(self.model, ids, self.mask, self.cache)
        self.logits = latest if self.logits.shape[1] == 0 else torch.where(fresh[:, -1:].bool(), latest, self.logits)
