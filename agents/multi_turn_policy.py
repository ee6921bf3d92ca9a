"""``MultiTurnPolicy``: a language model that plays in one dialogue for each episode.

It reads the maze once; each turn it writes a move and reads a short reply: where it stands now, the walls there, and
under partial observability what came into view.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from transformers import PreTrainedModel

from maze_env.answers import first_move
from maze_env.attempt import Reply
from maze_env.episode import Observation
from maze_env.errors import InvalidConfig
from maze_env.moves import possible_moves
from maze_env.phrasings import STANDARD
from maze_env.tokens import parse_cells
from tokenmaze.agents.base import Mode
from tokenmaze.agents.decoding import context_length
from tokenmaze.agents.llm_policy import ModelAgent
from tokenmaze.agents.multi_turn_decoder import MultiTurnDecoder, Restriction, check_restriction
from tokenmaze.agents.prompts import Replies, multi_turn_prompt_template, prompt_settings, render_play
from tokenmaze.agents.protocols import Tokenizer
from tokenmaze.agents.reading import evaluation_mode
from tokenmaze.agents.tokenization import token_ids


@dataclass
class Transcript:
    """The tokens of a dialogue behind its prompt, the model's and the environment's in order."""

    ids: list[int] = field(default_factory=list)
    """The tokens, n of them."""
    own: list[int] = field(default_factory=list)
    """1 for each token that the model wrote, 0 for one that it read."""
    log_probs: list[float] = field(default_factory=list)
    """Of each token that the model wrote, at the temperature it was drawn at; 0.0 for one that it read."""

    def add(self, ids: Sequence[int], log_probs: Sequence[float] | None = None) -> None:
        """Adds tokens of the model, with their log-probabilities, or of the environment, without."""
        self.ids += ids
        self.own += [int(log_probs is not None)] * len(ids)
        self.log_probs += log_probs if log_probs is not None else [0.0] * len(ids)


class MultiTurnPolicy(ModelAgent):
    """A causal language model as a player."""

    modes: ClassVar[tuple[Mode, ...]] = ("play",)
    prompts: dict[int, list[int]]
    """Token ids of the prompt of each episode since the last reset."""
    transcripts: dict[int, Transcript]
    """What each of them has written and read since."""
    decoder: MultiTurnDecoder
    """The dialogues of the episodes that go on."""

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
        top_p: float = 1.0,
    ):
        """As ``LLMPolicy``; raises UnknownName for a restriction that does not exist.

        Args:
            model: as ``LLMPolicy``, and so are ``tokenizer``, ``name``, ``temperature`` and ``batch_size``.
            mode: play.
            restrict: what the model may write: ``none``: anything; ``moves``: moves only; ``legal``: possible moves.
            max_turn_tokens: of one turn; a model that has not written a move by then has not made one.
            max_tokens: of a dialogue behind its prompt; by default what the model's context has room for. A dialogue
                without room for another turn ends in a truncated reply.
        """
        budgets = {"max_turn_tokens": max_turn_tokens, "max_tokens": max_tokens, "batch_size": batch_size}
        drawn = {"temperature": temperature, "top_p": top_p, "restrict": restrict}
        super().__init__(model, tokenizer, name, mode, **drawn, **budgets)
        self.max_tokens, self._replies = max_tokens, Replies(tokenizer)
        self.decoder = MultiTurnDecoder(model, tokenizer, temperature, restrict, max_turn_tokens, top_p)

    @classmethod
    def check_options(cls, **options: Any) -> None:
        super().check_options(**options)
        check_restriction(options["restrict"])
        turn, total = options["max_turn_tokens"], options["max_tokens"]
        if total is not None and total < turn:
            raise InvalidConfig(f"Expects max_tokens with room for a turn of max_turn_tokens={turn}, actual: {total}")

    @property
    def settings(self) -> dict[str, Any]:
        decoder, sampled = self.decoder, self.sampled
        return {
            "temperature": decoder.temperature,
            "restrict": decoder.restrict,
            "max_turn_tokens": decoder.max_turn_tokens,
            "max_new_tokens": self.max_tokens,
            "do_sample": sampled,
            "top_k": 0 if sampled else None,
            "top_p": decoder.top_p if sampled else None,
            "eos_token_id": decoder.end_ids,
            "dtype": str(self.model.dtype).removeprefix("torch."),
            **prompt_settings(multi_turn_prompt_template(self.tokenizer)),
        }

    def supports(self, phrasing: str) -> bool:
        return phrasing == STANDARD

    def reset(self, seeds: Sequence[int], phrasing: str = STANDARD) -> None:
        super().reset(seeds, phrasing)
        self._playing: list[int] = []
        self._last: dict[int, Observation] = {}
        self.prompts = {}
        self.transcripts = {}

    def act(self, observations: list[str]) -> list[Reply]:
        self._last = {
            i: Observation(*parse_cells(text)).after(self._last.get(i)) for i, text in enumerate(observations) if text
        }
        return self.respond([self._last.get(index) for index in range(len(observations))])

    def respond(self, observations: Sequence[Observation | None]) -> list[Reply]:
        live = {index: observation for index, observation in enumerate(observations) if observation is not None}
        written: dict[int, Reply] = {}
        if live:
            with evaluation_mode(self.model):
                (self._continue if self._turn else self._start)(live)
                written = self._write(live)
            self._turn += 1
        return [written.get(i, Reply("", tokens=0, truncated=i in live)) for i in range(len(observations))]

    def _write(self, live: dict[int, Observation]) -> dict[int, Reply]:
        """One turn of each dialogue that has room for it."""
        if not self._playing:
            return {}
        possible = [possible_moves(int(live[index].walls[live[index].position])) for index in self._playing]
        opened, replies = self.decoder.thinking_opened, {}
        turns = self.decoder.generate(possible, self.generator(self._playing))
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
        self.check_room(self.prompts.values(), "max_turn_tokens", self.decoder.max_turn_tokens)
        self.transcripts = {index: Transcript() for index in live}
        self._playing = list(live)
        self.decoder.prefill(list(self.prompts.values()), prompts[0].thinking_opened)

    def _continue(self, live: dict[int, Observation]) -> None:
        """Lets each dialogue read what its move did; those without room for another turn end here."""
        texts = [self._replies.write(observation) for observation in live.values()]
        reply_ids = dict(zip(live, token_ids(self.tokenizer, texts), strict=True))
        needed = {index: len(ids) + self.decoder.max_turn_tokens for index, ids in reply_ids.items()}
        playing = [index for index in self._playing if index in needed and needed[index] <= self._room(index)]
        if playing and playing != self._playing:
            self.decoder.select([self._playing.index(index) for index in playing])
        self._playing = playing
        if playing:
            for index in playing:
                self.transcripts[index].add(reply_ids[index])
            self.decoder.append([reply_ids[index] for index in playing])

    def _room(self, index: int) -> int:
        """Tokens that a dialogue may still hold."""
        room = context_length(self.model) - len(self.prompts[index])
        return min(room, self.max_tokens or room) - len(self.transcripts[index].ids)
