"""Decodes a batch of multi-turn dialogues, in which a turn costs only its new tokens."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor
from transformers import PreTrainedModel, TopPLogitsWarper

from maze_env.answers import first_move
from maze_env.errors import unknown_name
from maze_env.moves import MOVE_TOKENS, Move
from tokenmaze.agents.dialogue_cache import dialogues_of
from tokenmaze.agents.generation import end_ids
from tokenmaze.agents.protocols import Tokenizer
from tokenmaze.agents.tokenization import TextDecoder

Restriction = Literal["none", "moves", "legal"]
RESTRICTIONS: tuple[Restriction, ...] = ("none", "moves", "legal")
"""What a model may write as its move: anything, movement tokens, or those of moves that are possible."""


def check_restriction(name: str) -> None:
    """Raises UnknownName for one that does not exist."""
    if name not in RESTRICTIONS:
        raise unknown_name("restriction", name, RESTRICTIONS)


class MultiTurnDecoder:
    """The model's side of many dialogues: what each has read and written so far, as if it were alone."""

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: Tokenizer,
        temperature: float = 0.0,
        restrict: Restriction = "none",
        max_turn_tokens: int = 16,
        top_p: float = 1.0,
    ):
        """A decoder without dialogues; arguments as of ``MultiTurnPolicy``."""
        check_restriction(restrict)
        self.model, self.tokenizer = model, tokenizer
        self.temperature, self.top_p = temperature, top_p
        self.restrict, self.max_turn_tokens = restrict, max_turn_tokens
        self._move_ids = [tuple(tokenizer(token, add_special_tokens=False)["input_ids"]) for token in MOVE_TOKENS]
        self.end_ids = end_ids(model, tokenizer)
        """The tokens that end a turn."""
        self.text_of = TextDecoder(tokenizer, self.end_ids)
        """Writes tokens as text."""

    @torch.inference_mode()
    def prefill(self, prompts: Sequence[Sequence[int]], thinking_opened: bool = False) -> None:
        """Starts a dialogue for each prompt; all end inside an open ``<think>``, or none does."""
        self.thinking_opened = thinking_opened
        """Whether the prompts end inside an open ``<think>``."""
        self.dialogues = dialogues_of(self.model, self.tokenizer.pad_token_id)
        """What the model has read of each dialogue."""
        self.unread: list[list[int]] = [list(ids) for ids in prompts]
        """What the model has still to read of each dialogue."""
        self._read(range(len(prompts)))

    @property
    def logits(self) -> Tensor:
        """(dialogues, vocabulary), after the last token read."""
        return self.dialogues.logits

    @torch.inference_mode()
    def select(self, dialogues: Sequence[int]) -> None:
        """Keeps only these dialogues, in this order."""
        self.dialogues.select(dialogues)
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
        return [self.text_of(ids) for ids in written], written, log_probs

    def _is_done(self, ids: list[int]) -> bool:
        if ids[-1] in self.end_ids or tuple(ids) in self._move_ids:
            return True
        return first_move(self.text_of(ids), self.thinking_opened) is not None

    def _scores(
        self, dialogues: list[int], written: list[list[int]], possible: Sequence[Sequence[Move]] | None
    ) -> Tensor:
        """Log-probabilities of the next token, (dialogues, vocabulary) float32, as they are drawn from."""
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
        scores = scores / (self.temperature or 1.0)
        if self.top_p < 1:
            scores = TopPLogitsWarper(self.top_p)(None, scores)
        return scores.log_softmax(-1)

    def _read(self, dialogues: Sequence[int]) -> None:
        """Feeds what these dialogues have not read to the model."""
        chunks: list[list[int]] = [[] for _ in self.unread]
        for dialogue in dialogues:
            chunks[dialogue], self.unread[dialogue] = self.unread[dialogue], []
        if any(chunks):
            self.dialogues.read(chunks)
