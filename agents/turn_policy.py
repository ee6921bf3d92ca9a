"""``TurnPolicy``: a language model that plays turn by turn, in one dialogue for each game.

It reads the maze once; each turn it writes a move and reads a short reply: where it stands now, the walls there, and
under fog what came into view. Its key-value cache is kept, so a turn costs its new tokens alone.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import PreTrainedModel

from agents.base import Agent, Mode
from agents.episodes import Usage
from agents.llm_policy import load_for_inference
from agents.prompts import Replies, State, render_play
from agents.turns import Restriction, TurnDecoder
from maze_env.errors import InvalidConfig
from maze_env.maze import Cell
from maze_env.moves import MOVES, Move
from maze_env.tokens import UNSEEN_BITS, first_move, parse_cells


class TurnPolicy(Agent):
    """A causal language model as a player.

    Attributes:
        usage: tokens written in the last ``act``, one entry for each observation.
    """

    modes: ClassVar[tuple[Mode, ...]] = ("play",)

    def __init__(
        self,
        path: str,
        mode: Mode = "play",
        temperature: float = 0.0,
        restrict: Restriction = "none",
        max_turn_tokens: int = 16,
        batch_size: int = 1024,
        device: str | None = None,
        **load_options: Any,
    ):
        """Loads the model.

        Args:
            path: a folder or hub name.
            temperature: 0 decodes greedily; above, samples.
            restrict: ``none``: a move is whatever the model writes; ``moves``: movement tokens alone; ``legal``: those
                of possible moves alone.
            max_turn_tokens: of one turn.
            batch_size: games played side by side.
            device: where to put the model; default the first accelerator, else the CPU.
            load_options: ``chat_template_file``, and what ``from_pretrained`` takes.
        """
        if temperature < 0 or max_turn_tokens < 1 or batch_size < 1:
            raise InvalidConfig(
                "Expects temperature >= 0, max_turn_tokens >= 1 and batch_size >= 1, "
                f"actual: {temperature}, {max_turn_tokens}, {batch_size}"
            )
        model, tokenizer = load_for_inference(path, device, **load_options)
        self.name, self.mode, self.batch_size = path, mode, batch_size
        self._setup(model, tokenizer, temperature, restrict, max_turn_tokens)

    @classmethod
    def of_model(
        cls,
        model: PreTrainedModel,
        tokenizer: Any,
        temperature: float = 0.0,
        restrict: Restriction = "none",
        max_turn_tokens: int = 16,
    ) -> "TurnPolicy":
        """A policy of a model that is loaded already."""
        policy = cls.__new__(cls)
        policy.name, policy.mode, policy.batch_size = "model", "play", 1024
        policy._setup(model, tokenizer, temperature, restrict, max_turn_tokens)
        return policy

    def _setup(
        self, model: PreTrainedModel, tokenizer: Any, temperature: float, restrict: Restriction, max_turn_tokens: int
    ) -> None:
        self.tokenizer, self._replies = tokenizer, Replies(tokenizer)
        self.decoder = TurnDecoder(model, tokenizer, temperature, restrict, max_turn_tokens)
        self.usage = Usage([], [])
        self._games: list[int] | None = None

    def reset(self, seeds: Sequence[int]) -> None:
        self._games = None
        self._eyes = Eyes()
        self._turn, self._seeds = 0, list(seeds)

    def act(self, observations: list[str]) -> list[str]:
        live = [index for index, text in enumerate(observations) if text]
        texts = [""] * len(observations)
        self.usage = Usage([0] * len(observations), [False] * len(observations))
        if not live:
            return texts
        was_training = self.decoder.model.training
        self.decoder.model.eval()
        states = {index: self._eyes.look(index, observations[index]) for index in live}
        if self._games is None:
            prompts = [render_play(self.tokenizer, observations[index], states[index]) for index in live]
            self.decoder.begin([prompt.text for prompt in prompts], prompts[0].thinking_opened)
        else:
            if live != self._games:
                self.decoder.keep([self._games.index(index) for index in live])
            self.decoder.read([self._replies.write(states[index]) for index in live])
        self._games = live
        if self.decoder.temperature > 0:
            # One generator serves the batch, so a game's sample depends on its company's seeds, not on its own alone.
            torch.manual_seed(hash((self._turn, *(self._seeds[index] for index in live))) % 2**63)
        written, ids = self.decoder.write([possible_moves(states[index].walls) for index in live])
        self.decoder.model.train(was_training)
        for index, text, tokens in zip(live, written, ids, strict=True):
            move = first_move(text, self.decoder.thinking_opened)
            texts[index] = text if move is None else move.token  # what is no move stays, so that the record shows it
            self.usage.tokens[index] = len(tokens)
        self._turn += 1
        return texts


class Eyes:
    """Turns the observations of games into what a model is told: the state now, and what came into view since."""

    def __init__(self) -> None:
        self._last: dict[int, tuple[NDArray[np.uint8], Cell]] = {}

    def look(self, game: int, observation: str) -> State:
        """The state that the next observation of ``game`` shows, a text."""
        walls, cell, _ = parse_cells(observation)
        return self.see(game, walls, cell)

    def see(self, game: int, walls: NDArray[np.uint8], cell: Cell) -> State:
        """The same of an observation that is there as seen walls, (rows, cols) uint8, and the agent's cell."""
        before = self._last.get(game)
        self._last[game] = (walls.copy(), cell)
        bits = int(walls[cell])
        if before is None:
            return State(cell, bits)
        came = (before[0] == UNSEEN_BITS) & (walls != UNSEEN_BITS)
        seen = tuple(((int(r), int(c)), int(walls[r, c])) for r, c in zip(*came.nonzero(), strict=True))
        return State(cell, bits, cell != before[1], seen)


def possible_moves(bits: int) -> list[Move]:
    """The moves that a wall byte leaves open."""
    return [move for move in MOVES if not bits & move.wall]
