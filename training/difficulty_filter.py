"""Mazes that a model neither always nor never solves: the others' groups earn one reward throughout, and teach nothing.

Source of the idea: dynamic sampling in DAPO, Yu et al. 2025, arXiv 2503.14476; here once, before training.
"""

import logging
from dataclasses import replace
from itertools import islice

from maze_env.errors import InvalidConfig
from maze_env.maze import Maze
from tokenmaze.agents.base import Agent
from tokenmaze.agents.rollout import rollout
from tokenmaze.training.mazes import DataConfig, make_mazes, require_standard_texts

MAX_CANDIDATES_PER_MAZE = 50
"""Mazes tried for each one asked for: where fewer pass the filter, the model is too good or too bad for them."""
logger = logging.getLogger(__name__)


def filter_by_pass_rate(config: DataConfig, policy: Agent, samples: int, seed: int) -> list[Maze]:
    """The first ``config.examples`` mazes of the draw of which ``policy`` solves some samples and not all.

    Args:
        config: the mazes.
        policy: the model that training starts from, sampled as in training.
        samples: attempts at each maze.
        seed: the first attempt's; each has its own.

    Raises:
        InvalidConfig: for fewer such mazes than asked for, and for placed ones.
    """
    require_standard_texts(config, "filter_samples attempts standard texts")
    kept: list[Maze] = []
    tried = 0
    candidates = make_mazes(replace(config, examples=MAX_CANDIDATES_PER_MAZE * config.examples))
    while chunk := [maze for maze, _ in islice(candidates, 256)]:
        repeated = [maze for maze in chunk for _ in range(samples)]
        seeds = range(seed + tried * samples, seed + (tried + len(chunk)) * samples)
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
