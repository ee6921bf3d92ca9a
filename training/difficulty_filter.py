"""Mazes that a model neither always nor never solves: the others' groups earn one reward throughout, and teach nothing.

Source of the idea: dynamic sampling in DAPO, Yu et al. 2025, arXiv 2503.14476; here once, before training.
"""

import logging
from dataclasses import replace
from itertools import islice
from typing import Any

from transformers import PreTrainedModel

from agents.llm_policy import LLMPolicy
from agents.rollout import rollout
from maze_env.errors import InvalidConfig
from maze_env.maze import Maze
from training.mazes import DataConfig, make_mazes

MOST_TRIED = 50
"""Times as many mazes as are asked for: with fewer unsettled ones among them, the model is too good or too bad."""
logger = logging.getLogger(__name__)


def unsettled_mazes(config: DataConfig, model: PreTrainedModel, tokenizer: Any, args: Any) -> list[Maze]:
    """The first ``config.examples`` mazes of the draw of which ``model`` solves some samples and not all.

    Args:
        args: the stage's; ``filter_samples`` samples are drawn at its temperature and completion length.

    Raises:
        InvalidConfig: when there are too few such mazes.
    """
    policy = LLMPolicy(model, tokenizer, temperature=args.temperature, max_new_tokens=args.max_completion_length)
    samples, kept, tried = args.filter_samples, [], 0
    most = MOST_TRIED * config.examples
    mazes = (maze for maze, _ in make_mazes(replace(config, examples=most)))
    while chunk := list(islice(mazes, 256)):
        attempts = [maze for maze in chunk for _ in range(samples)]
        seeds = range(args.seed + tried * samples, args.seed + tried * samples + len(attempts))
        solved = [record.solved for record in rollout(policy, attempts, seeds)]
        tried += len(chunk)
        kept += [maze for i, maze in enumerate(chunk) if 0 < sum(solved[i * samples : (i + 1) * samples]) < samples]
        if len(kept) >= config.examples:
            logger.info(f"{len(kept) / tried:.1%} of {tried} mazes are neither always nor never solved")
            return kept[: config.examples]
    raise InvalidConfig(
        f"Expects {config.examples} mazes that the model sometimes solves (filter_samples), "
        f"actual: {len(kept)} of {tried}"
    )
