"""``MultiTurnPolicy``: a language model that plays in one dialogue for each episode.

It reads the maze once; each turn it writes a move and reads a short reply: where it stands now, the walls there, and
under partial observability what came into view.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from transformers import PreTrainedModel

from agents.base import Agent, Mode
from agents.decoding import context_length, evaluation_mode
from agents.llm_policy import load_for_inference
from agents.multi_turn_decoder import MultiTurnDecoder, Restriction
from agents.prompts import Replies, multi_turn_prompt_template, prompt_settings, render_play, token_ids
from agents.protocols import Tokenizer
from maze_env.answers import first_move
from maze_env.attempt import Reply
from maze_env.episode import Observation
from maze_env.errors import InvalidConfig
from maze_env.keys import key_of
from maze_env.moves import possible_moves
from maze_env.phrasings import STANDARD
from maze_env.tokens import parse_cells


@dataclass
class Transcript:
    """The tokens of a dialogue behind its prompt.

    Attributes:
        ids: token ids, the model's and the environment's in order.
        own: 1 for each token that the model wrote, 0 for one that it read.
        log_probs: of each token that the model wrote, at the temperature it was drawn at; 0.0 for one that it read.
    """

    ids: list[int] = field(default_factory=list)
    own: list[int] = field(default_factory=list)
    log_probs: list[float] = field(default_factory=list)

    def add(self, ids: Sequence[int], log_probs: Sequence[float] | None = None) -> None:
        """Adds tokens of the model, with their log-probabilities, or of the environment, without."""
        self.ids += ids
        self.own += [int(log_probs is not None)] * len(ids)
        self.log_probs += log_probs if log_probs is not None else [0.0] * len(ids)


class MultiTurnPolicy(Agent):
    """A causal language model as a player.

    Attributes:
        prompts: token ids of the prompt of each episode since the last reset.
        transcripts: what each of them has written and read since.
    """

    modes: ClassVar[tuple[Mode, ...]] = ("play",)

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: Tokenizer,
        name: str = "model",
        mode: Mode = "play",
        temperature: float = 0.0,
        restrict: Restriction = "none",
        max_turn_tokens: int = 16,
        batch_size: int = 1024,
        max_tokens: int | None = None,
    ):
        """A policy of a model that is loaded already, as during training.

        Args:
            model: a causal language model.
            tokenizer: its tokenizer.
            name: what results call it.
            mode: ``play``, the only one.
            temperature: 0 decodes greedily; above, samples from the whole (restricted) distribution.
            restrict: what the model may write: ``none``: anything; ``moves``: movement tokens only; ``legal``: those of
                possible moves only.
            max_turn_tokens: of one turn.
            batch_size: episodes played at once.
            max_tokens: of a dialogue behind its prompt; by default what the model's context has room for. A dialogue
                without room for another turn ends in a truncated reply.

        Raises:
            InvalidConfig: for values that cannot be.
            UnknownName: for a restriction that does not exist.
        """
        _check_options(temperature, max_turn_tokens, batch_size, max_tokens)
        self.name, self.mode, self.batch_size = name, mode, batch_size
        self.tokenizer, self._replies = tokenizer, Replies(tokenizer)
        self.decoder = MultiTurnDecoder(model, tokenizer, temperature, restrict, max_turn_tokens)
        self.max_tokens, self._context = max_tokens, context_length(model)
        self.reset([])

    @classmethod
    def from_pretrained(
        cls,
        path: str,
        mode: Mode = "play",
        temperature: float = 0.0,
        restrict: Restriction = "none",
        max_turn_tokens: int = 16,
        batch_size: int = 1024,
        max_tokens: int | None = None,
        device: str | None = None,
        **load_options: Any,
    ) -> "MultiTurnPolicy":
        """Loads the model.

        Args:
            path: a folder or hub name.
            mode: as the constructor's, and so are the next five.
            temperature: 0 decodes greedily.
            restrict: what the model may write.
            max_turn_tokens: of one turn.
            batch_size: episodes played at once.
            max_tokens: of a dialogue behind its prompt.
            device: where to put the model; default the first accelerator, else the CPU.
            load_options: ``chat_template_file``, and what ``from_pretrained`` takes.

        Raises:
            InvalidCheckpoint: as ``load_checkpoint``.
            InvalidConfig: for values that cannot be.
        """
        _check_options(temperature, max_turn_tokens, batch_size, max_tokens)
        model, tokenizer = load_for_inference(path, device, **load_options)
        return cls(model, tokenizer, path, mode, temperature, restrict, max_turn_tokens, batch_size, max_tokens)

    @property
    def settings(self) -> dict[str, Any]:
        decoder, sampled = self.decoder, self.decoder.temperature > 0
        return {
            "temperature": decoder.temperature,
            "restrict": decoder.restrict,
            "max_turn_tokens": decoder.max_turn_tokens,
            "max_new_tokens": self.max_tokens,
            "do_sample": sampled,
            "top_k": 0 if sampled else None,
            "top_p": 1.0 if sampled else None,
            "eos_token_id": decoder.end_ids,
            "dtype": str(decoder.model.dtype).removeprefix("torch."),
            **prompt_settings(multi_turn_prompt_template(self.tokenizer)),
        }

    def supports(self, phrasing: str) -> bool:
        return phrasing == STANDARD

    def reset(self, seeds: Sequence[int], phrasing: str = STANDARD) -> None:
        self._seeds, self._turn = list(seeds), 0
        self._playing: list[int] = []
        self._last: dict[int, Observation] = {}
        self.prompts: dict[int, list[int]] = {}
        self.transcripts: dict[int, Transcript] = {}

    def act(self, observations: list[str]) -> list[Reply]:
        parsed: list[Observation | None] = [None] * len(observations)
        for index, text in enumerate(observations):
            if text:
                parsed[index] = Observation(*parse_cells(text)).after(self._last.get(index))
        self._last = {index: observation for index, observation in enumerate(parsed) if observation is not None}
        return self.respond(parsed)

    def respond(self, observations: Sequence[Observation | None]) -> list[Reply]:
        live = {index: observation for index, observation in enumerate(observations) if observation is not None}
        replies = [Reply("", tokens=0)] * len(observations)
        if not live:
            return replies
        with evaluation_mode(self.decoder.model):
            if self._turn == 0:
                self._start(live)
            else:
                self._continue(live)
            written = self._write(live)
        self._turn += 1
        for index in live:
            replies[index] = written.get(index, Reply("", tokens=0, truncated=True))
        return replies

    def _write(self, live: dict[int, Observation]) -> dict[int, Reply]:
        """One turn of each dialogue that has room for it."""
        if not self._playing:
            return {}
        possible = [possible_moves(int(live[index].walls[live[index].position])) for index in self._playing]
        opened, replies = self.decoder.thinking_opened, {}
        turns = self.decoder.generate(possible, self._generator())
        for index, text, ids, log_probs in zip(self._playing, *turns, strict=True):
            self.transcripts[index].add(ids, log_probs)
            move = first_move(text, opened)
            written = text if move is None else move.token  # a text without a move stays, so that the attempt shows it
            truncated = move is None and ids[-1] not in self.decoder.end_ids
            replies[index] = Reply(written, len(ids), truncated, thinking_opened=opened)
        return replies

    def _start(self, live: dict[int, Observation]) -> None:
        prompts = [render_play(self.tokenizer, observation) for observation in live.values()]
        self.prompts = dict(zip(live, token_ids(self.tokenizer, [prompt.text for prompt in prompts]), strict=True))
        longest = max(map(len, self.prompts.values()))
        if longest + self.decoder.max_turn_tokens > self._context:
            raise InvalidConfig(
                f"Expects prompts and max_turn_tokens={self.decoder.max_turn_tokens} to fit into the context of "
                f"{self.name!r}, {self._context} tokens, actual: a prompt of {longest} tokens"
            )
        self.transcripts = {index: Transcript() for index in live}
        self._playing = list(live)
        self.decoder.prefill(list(self.prompts.values()), prompts[0].thinking_opened)

    def _continue(self, live: dict[int, Observation]) -> None:
        """Lets each dialogue read what its move did; those without room for another turn end here."""
        texts = [self._replies.write(observation) for observation in live.values()]
        reply_ids = dict(zip(live, token_ids(self.tokenizer, texts), strict=True))
        playing = [
            index
            for index in self._playing
            if index in live and len(reply_ids[index]) + self.decoder.max_turn_tokens <= self._room(index)
        ]
        if playing and playing != self._playing:
            self.decoder.select([self._playing.index(index) for index in playing])
        self._playing = playing
        if playing:
            for index in playing:
                self.transcripts[index].add(reply_ids[index])
            self.decoder.append([reply_ids[index] for index in playing])

    def _room(self, index: int) -> int:
        """Tokens that a dialogue may still hold."""
        room = self._context - len(self.prompts[index])
        if self.max_tokens is not None:
            room = min(room, self.max_tokens)
        return room - len(self.transcripts[index].ids)

    def _generator(self) -> torch.Generator | None:
        """The randomness of one turn. One generator serves the batch, so a sample depends on all seeds of the batch."""
        if self.decoder.temperature == 0:
            return None
        generator = torch.Generator(self.decoder.model.device)
        return generator.manual_seed(key_of(self._turn, *(self._seeds[index] for index in self._playing)) % 2**63)


def _check_options(temperature: float, max_turn_tokens: int, batch_size: int, max_tokens: int | None) -> None:
    if temperature < 0 or max_turn_tokens < 1 or batch_size < 1:
        raise InvalidConfig(
            "Expects temperature >= 0, max_turn_tokens >= 1 and batch_size >= 1, "
            f"actual: {temperature}, {max_turn_tokens}, {batch_size}"
        )
    if max_tokens is not None and max_tokens < max_turn_tokens:
        raise InvalidConfig(
            f"Expects max_tokens with room for a turn of max_turn_tokens={max_turn_tokens}, actual: {max_tokens}"
        )
