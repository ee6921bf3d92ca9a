"""Turn by turn: a batch of games whose key-value cache is kept, so that a turn costs its new tokens only.

``TurnDecoder`` holds the model's side of many games: what each has read and written so far. The policy that plays
benchmarks and the rollouts that train share it.
"""

from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor
from transformers import DynamicCache, PreTrainedModel

from agents.decoding import context_length, end_ids
from agents.kv_cache import with_room
from maze_env.errors import InvalidConfig, unknown_name
from maze_env.moves import MOVE_TOKENS, Move
from maze_env.tokens import first_move

Restriction = Literal["none", "moves", "legal"]
RESTRICTIONS: tuple[Restriction, ...] = ("none", "moves", "legal")
"""What a model may write as its move: anything, movement tokens, or those of moves that are possible."""


class TurnDecoder:
    """Reads and writes in many games at once.

    Games have read different amounts: what they read at a time is padded on the left, the padding is masked in the
    cache for good, and positions count real tokens alone, so each game sees what it would see alone.

    Args:
        temperature: 0 decodes greedily; above, samples from the whole (restricted) distribution.
        restrict: one of ``RESTRICTIONS``.
        max_turn_tokens: of one move; a model that has not written one by then has not made one.

    Raises:
        UnknownName: for a restriction that does not exist.
        InvalidConfig: from ``begin``, ``read`` and ``write``, when a game outgrows the model's context.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: Any,
        temperature: float = 0.0,
        restrict: Restriction = "none",
        max_turn_tokens: int = 16,
    ):
        if restrict not in RESTRICTIONS:
            raise unknown_name("restriction", restrict, RESTRICTIONS)
        self.model, self.tokenizer = model, tokenizer
        self.temperature, self.restrict, self.max_turn_tokens = temperature, restrict, max_turn_tokens
        self._move_ids = [tuple(tokenizer(token, add_special_tokens=False)["input_ids"]) for token in MOVE_TOKENS]
        self._ends, self._context = end_ids(model, tokenizer), context_length(model)

    @torch.inference_mode()
    def begin(self, prompts: Sequence[str], thinking_opened: bool = False) -> None:
        """Begins a game for each prompt, a text with its special tokens in it, which may open the thinking."""
        self.thinking_opened = thinking_opened
        count, device = len(prompts), self.model.device
        self.cache = with_room(DynamicCache(config=self.model.config))
        self.mask = torch.zeros((count, 0), dtype=torch.long, device=device)
        self.lengths = torch.zeros(count, dtype=torch.long, device=device)
        self.logits = torch.empty((count, 0), device=device)
        self.pending: list[list[int]] = [
            list(ids) for ids in self.tokenizer(list(prompts), add_special_tokens=False)["input_ids"]
        ]
        self._read()

    def keep(self, games: Sequence[int]) -> None:
        """Goes on with these games alone, in this order."""
        index = torch.tensor(list(games), dtype=torch.long, device=self.mask.device)
        self.cache.batch_select_indices(index)
        self.mask, self.lengths, self.logits = self.mask[index], self.lengths[index], self.logits[index]
        self.pending = [self.pending[game] for game in games]

    @torch.inference_mode()
    def read(self, texts: Sequence[str]) -> None:
        """Lets each game read a text, after what it has written."""
        for waiting, ids in zip(
            self.pending, self.tokenizer(list(texts), add_special_tokens=False)["input_ids"], strict=True
        ):
            waiting.extend(ids)
        self._read()

    @torch.inference_mode()
    def write(self, possible: Sequence[Sequence[Move]] | None = None) -> tuple[list[str], list[list[int]]]:
        """Lets each game write a move. ``log_probs`` holds, for each game, those of the tokens that it wrote.

        Args:
            possible: the moves that are possible in each game, for ``restrict="legal"``.

        Returns:
            The texts, and the tokens of each. A text that is no movement token is no move.
        """
        count = len(self.pending)
        written: list[list[int]] = [[] for _ in range(count)]
        self.log_probs: list[list[float]] = [[] for _ in range(count)]
        running = list(range(count))
        for _ in range(self.max_turn_tokens):
            scores = self._scores(running, written, possible)
            chosen = torch.multinomial(scores.exp(), 1) if self.temperature > 0 else scores.argmax(-1, keepdim=True)
            likely = scores.gather(1, chosen).squeeze(1).tolist()
            for game, token, log_prob in zip(running, chosen.squeeze(1).tolist(), likely, strict=True):
                written[game].append(token)
                self.log_probs[game].append(log_prob)
                self.pending[game].append(token)
            running = [game for game in running if not self._is_done(written[game])]
            if not running:
                break
            self._read(running)
        return [self.tokenizer.decode(ids, skip_special_tokens=True) for ids in written], written

    def _is_done(self, ids: list[int]) -> bool:
        if ids[-1] in self._ends or tuple(ids) in self._move_ids:
            return True
        return first_move(self.tokenizer.decode(ids, skip_special_tokens=True), self.thinking_opened) is not None

    def _scores(self, games: list[int], written: list[list[int]], possible: Sequence[Sequence[Move]] | None) -> Tensor:
        """Log-probabilities of the next token in each of ``games``, at the decoder's temperature."""
        scores = self.logits[games].float()
        if self.restrict != "none":
            allowed = torch.zeros_like(scores, dtype=torch.bool)
            for row, game in enumerate(games):
                done = written[game]
                moves = range(4) if self.restrict == "moves" or possible is None else possible[game]
                for move in moves:
                    ids = self._move_ids[move]
                    if ids[: len(done)] == tuple(done):
                        allowed[row, ids[len(done)]] = True
            scores = scores.masked_fill(~allowed, -torch.inf)
        return (scores / (self.temperature or 1.0)).log_softmax(-1)

    def _read(self, games: list[int] | None = None) -> None:
        """Feeds what waits (of ``games``, by default of all) to the model, in one pass."""
        count = len(self.pending)
        chunks: list[list[int]] = [[] for _ in range(count)]
        for game in range(count) if games is None else games:
            chunks[game], self.pending[game] = self.pending[game], []
        width = max(map(len, chunks))
        if width == 0:
            return
        device = self.mask.device
        pad = self.tokenizer.pad_token_id
        ids = torch.tensor([[pad] * (width - len(chunk)) + chunk for chunk in chunks], device=device)
        fresh = torch.tensor([[0] * (width - len(chunk)) + [1] * len(chunk) for chunk in chunks], device=device)
        longest = int((self.lengths + fresh.sum(1)).max())
        if games is None and longest + self.max_turn_tokens > self._context:  # a turn that was begun has its room
            raise InvalidConfig(
                f"Expects games and max_turn_tokens={self.max_turn_tokens} to fit into the model's context of "
                f"{self._context} tokens, actual: a game of {longest} tokens"
            )
        positions = (self.lengths[:, None] + fresh.cumsum(1) - 1).clamp(min=0)
        self.mask = torch.cat([self.mask, fresh], dim=1)
        self.lengths = self.lengths + fresh.sum(1)
        output = self.model(
            input_ids=ids, attention_mask=self.mask, position_ids=positions, past_key_values=self.cache,
            use_cache=True, logits_to_keep=1,
        )  # fmt: skip
        latest = output.logits[:, -1]
        has_read = fresh[:, -1:].bool()
        self.logits = latest if self.logits.shape[1] == 0 else torch.where(has_read, latest, self.logits)
