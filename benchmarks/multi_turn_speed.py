"""How fast a language model plays in one dialogue, its cache kept, against a fresh ``generate`` over the whole history.

    python -m benchmarks.multi_turn_speed --output benchmarks/multi_turn_speed.json

Both play the same games of the environment and have to make the same moves; they are measured alternately.
"""

import statistics
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from transformers import GenerationConfig, LogitsProcessorList, PreTrainedModel

from maze_env._cli import run_command
from maze_env.errors import InvalidConfig, TokenMazeError
from maze_env.generation import MazeSpec, generate_batch
from maze_env.maze import Maze
from maze_env.moves import MOVE_TOKENS, Move
from tokenmaze.agents.checkpoints import load_for_inference
from tokenmaze.agents.multi_turn_decoder import MultiTurnDecoder
from tokenmaze.agents.multi_turn_policy import MultiTurnPolicy
from tokenmaze.agents.protocols import Tokenizer
from tokenmaze.agents.rollout import rollout
from tokenmaze.agents.tiny_model import TinyConfig, build_model, build_tokenizer
from tokenmaze.benchmarks.timing import Measurement, ratio

MIN_AGREEMENT = 0.99
"""Share of games that must be the same with both decoders; rounding may decide between moves of equal score."""

Played = tuple[float, list[tuple[Move, ...]]]
"""Moves per second, and the moves of each game."""


class DifferentMoves(TokenMazeError):
    """The two decoders did not play the same games, so their speeds do not compare."""


class UncachedDecoder(MultiTurnDecoder):
    """Keeps no cache: each turn ``generate`` reads the prompt and the dialogue so far."""

    def prefill(self, prompts: Sequence[Sequence[int]], thinking_opened: bool = False) -> None:
        self.thinking_opened, self.unread = thinking_opened, [list(ids) for ids in prompts]

    def select(self, dialogues: Sequence[int]) -> None:
        self.unread = [self.unread[dialogue] for dialogue in dialogues]

    def append(self, replies: Sequence[Sequence[int]]) -> None:
        for history, ids in zip(self.unread, replies, strict=True):
            history.extend(ids)

    @torch.inference_mode()
    def generate(
        self, possible: Sequence[Sequence[Move]] | None = None, generator: torch.Generator | None = None
    ) -> tuple[list[str], list[list[int]], list[list[float]]]:
        pad, width, device = self.tokenizer.pad_token_id, max(map(len, self.unread)), self.model.device
        rows = torch.tensor([[pad] * (width - len(ids)) + ids for ids in self.unread], device=device)
        mask = torch.tensor([[0] * (width - len(ids)) + [1] * len(ids) for ids in self.unread], device=device)
        forbidden = torch.ones(self.model.get_output_embeddings().out_features, dtype=torch.bool, device=device)
        forbidden[[ids[0] for ids in self._move_ids]] = False
        only = LogitsProcessorList([lambda _, scores: scores.masked_fill(forbidden, -torch.inf)])
        config = GenerationConfig(max_new_tokens=1, do_sample=False, pad_token_id=pad, eos_token_id=list(self.end_ids))
        output = self.model.generate(rows, config, logits_processor=only, attention_mask=mask)
        written = output[:, width:].tolist()
        self.append(written)
        return [self.tokenizer.decode(ids) for ids in written], written, [[0.0] * len(ids) for ids in written]


def play(model: PreTrainedModel, tokenizer: Tokenizer, mazes: Sequence[Maze], turns: int, cached: bool) -> Played:
    """Plays ``turns`` turns on each maze, all in one batch."""
    policy = MultiTurnPolicy(model, tokenizer, restrict="moves")
    if not cached:
        policy.decoder = UncachedDecoder(model, tokenizer, restrict="moves")
    start = time.perf_counter()
    attempts = rollout(policy, mazes, range(len(mazes)), max_steps=turns)
    seconds = time.perf_counter() - start
    return sum(len(attempt.moves) for attempt in attempts) / seconds, [attempt.moves for attempt in attempts]


def measure(model: PreTrainedModel, tokenizer: Tokenizer, games: int, turns: int, rounds: int) -> dict[str, Any]:
    """Measures both decoders, round after round. Raises DifferentMoves when the two play different games."""
    if any(len(tokenizer(token, add_special_tokens=False)["input_ids"]) != 1 for token in MOVE_TOKENS):
        raise InvalidConfig("Expects a model with one token for each move (add_maze_tokens), actual: several")
    batch = generate_batch(np.arange(games, dtype=np.uint64), MazeSpec(5, 5, min_length=10))
    mazes = [batch[index] for index in range(games)]
    rates: dict[str, list[float]] = {"kept": [], "fresh": []}
    for _ in range(rounds):
        (kept, moves), (fresh, others) = (play(model, tokenizer, mazes, turns, cached) for cached in (True, False))
        agreement = sum(one == other for one, other in zip(moves, others, strict=True)) / games
        if agreement < MIN_AGREEMENT:
            raise DifferentMoves(f"Expects the same moves from both decoders, actual: in {agreement:.1%} of the games")
        rates["kept"].append(kept)
        rates["fresh"].append(fresh)
    medians, ratios = {name: statistics.median(values) for name, values in rates.items()}, ratio(*rates.values())
    return {"games": games, "turns": turns, "moves_per_second": medians, "ratio": ratios, "rounds": rates}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures, prints and stores."""
    parser = Measurement("benchmarks.multi_turn_speed", __doc__, rounds=3)
    parser.add_argument("--model", help="a folder or hub name; default: the tiny model, untrained")
    parser.add_argument("--games", type=int, default=1024, help="played in one batch (default %(default)s)")
    parser.add_argument("--turns", type=int, default=16, help="of each game (default %(default)s)")
    options = parser.checked(arguments)
    if min(options.games, options.turns) < 1:
        raise InvalidConfig(f"Expects games and turns of at least 1, actual: {options.games} and {options.turns}")
    tiny = (build_model(TinyConfig(), seed=0).eval(), build_tokenizer()) if options.model is None else None
    model, tokenizer = tiny or load_for_inference(options.model, None)
    result = measure(model, tokenizer, options.games, options.turns, options.rounds)
    rates, ratio = result["moves_per_second"], result["ratio"]
    print(
        f"{options.games} games in one batch, {options.turns} turns: {rates['kept']:,.0f} moves/s with the cache kept, "
        f"{rates['fresh']:,.0f} with a fresh generate; {ratio['median']:.1f} times "
        f"[{ratio['min']:.1f}, {ratio['max']:.1f}]"
    )
    parser.store(result, options.output)


if __name__ == "__main__":
    run_command(main)
