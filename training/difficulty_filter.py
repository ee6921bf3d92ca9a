"""Mazes that a model neither always nor never solves: the others' groups earn one reward throughout, and teach nothing.

Source of the idea: dynamic sampling in DAPO, Yu et al. 2025, arXiv 2503.14476; here once, before training.
"""

import logging
from dataclasses import replace
from itertools import islice
from typing import Protocol

from transformers import PreTrainedModel

from agents.llm_policy import LLMPolicy
from agents.protocols import Tokenizer
from agents.rollout import rollout
from maze_env.errors import InvalidConfig
from maze_env.maze import Maze
from training.mazes import DataConfig, make_mazes

MAX_CANDIDATES_PER_MAZE = 50
"""Mazes tried for each one asked for: where fewer pass the filter, the model is too good or too bad for them."""
logger = logging.getLogger(__name__)


class FilterArguments(Protocol):
    """What the filter reads of a stage's configuration."""

    filter_samples: int
    temperature: float
    max_completion_length: int | None
    seed: int


def filter_by_pass_rate(
    config: DataConfig, model: PreTrainedModel, tokenizer: Tokenizer, args: FilterArguments
) -> list[Maze]:
    """The first ``config.examples`` mazes of the draw of which ``model`` solves some samples and not all.

    Args:
        config: the draw.
        model: the one that training starts from.
        tokenizer: its tokenizer.
        args: ``filter_samples`` attempts at each maze, at the temperature and completion length of the training.

    Raises:
        InvalidConfig: when too few of ``MAX_CANDIDATES_PER_MAZE`` times as many mazes pass.
    """
    assert args.max_completion_length is not None
    policy = LLMPolicy(model, tokenizer, temperature=args.temperature, max_new_tokens=args.max_completion_length)
    samples, tried = args.filter_samples, 0
    kept: list[Maze] = []
    candidates = replace(config, examples=MAX_CANDIDATES_PER_MAZE * config.examples)
    mazes = (maze for maze, _ in make_mazes(candidates))
    while chunk := list(islice(mazes, 256)):
        repeated = [maze for maze in chunk for _ in range(samples)]
        seeds = range(args.seed + tried * samples, args.seed + (tried + len(chunk)) * samples)
        solved = [attempt.solved for attempt in rollout(policy, repeated, seeds)]
        tried += len(chunk)
        kept += [maze for i, maze in enumerate(chunk) if 0 < sum(solved[i * samples : (i + 1) * samples]) < samples]
        if len(kept) >= config.examples:
            logger.info(f"{len(kept) / tried:.1%} of {tried} mazes are neither always nor never solved")
            return kept[: config.examples]
    raise InvalidConfig(
        f"Expects {config.examples} mazes that the model sometimes solves (filter_samples), "
        f"actual: {len(kept)} of {tried}"
    )
