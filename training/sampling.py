"""Groups of attempts that a model samples at mazes, with tokens and verdicts: what ``rft`` and ``dpo`` learn from."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean

from transformers import Trainer

from maze_env.attempt import Attempt
from maze_env.errors import InvalidConfig
from maze_env.keys import key_of
from maze_env.maze import Maze
from tokenmaze.agents.llm_policy import LLMPolicy
from tokenmaze.agents.rollout import rollout
from tokenmaze.training.arguments import option
from tokenmaze.training.common import StageConfig
from tokenmaze.training.grpo_reward import log_attempts
from tokenmaze.training.mazes import DataConfig, require_standard_texts

ROLLOUT_MAZES = 256
"""Mazes that are attempted together: their episodes are in memory at once."""


@dataclass
class SamplingConfig(StageConfig):
    """The keys of stages that learn from samples."""

    num_generations: int = option(8, "Samples of each maze.")
    temperature: float = option(1.0, "Of the samples.")
    max_completion_length: int = option(256, "A sample's budget in tokens; one cut short by it counts as a failure.")
    generation_batch_size: int = option(256, "Samples drawn at once.")

    def check(self, **bounds: float) -> None:
        super().check(max_completion_length=1, generation_batch_size=1, **bounds)
        if not 0 < self.temperature < math.inf:
            raise InvalidConfig(f"Expects temperature above 0 (groups are sampled), actual: {self.temperature}")
        if self.mode != "plan":
            raise InvalidConfig(f"Expects mode plan (a sample is one answer for the whole maze), actual: {self.mode}")


def check_can_sample(data: DataConfig, args: SamplingConfig) -> None:
    """Raises InvalidConfig for mazes in other texts than the standard ones, and for several processes."""
    require_standard_texts(data, "samples are answers to standard texts")
    if args.world_size > 1:
        raise InvalidConfig(f"Expects one process (there are as many rows as are kept), actual: {args.world_size}")


@dataclass(frozen=True)
class Sample:
    """One attempt, and the tokens that it was made of."""

    attempt: Attempt
    """What the environment says of it."""
    prompt: list[int]
    """What the model read."""
    completion: list[int]
    """What it wrote, exactly as sampled, with the token that ended it."""

    @property
    def succeeded(self) -> bool:
        """Whether it solved the maze and came to an end of its own, as the reward ``solved`` asks."""
        return self.attempt.solved and not self.attempt.truncated


Group = list[Sample]
"""The samples of one maze."""


def sample_groups(policy: LLMPolicy, mazes: Sequence[Maze], size: int, seed: int) -> Iterator[Group]:
    """``size`` attempts of ``policy`` at each maze, in the order of the mazes; a function of these arguments alone."""
    for start in range(0, len(mazes), ROLLOUT_MAZES):
        repeated = [maze for maze in mazes[start : start + ROLLOUT_MAZES] for _ in range(size)]
        seeds = [key_of("sample", seed, start, number) for number in range(len(repeated))]
        attempts = rollout(policy, repeated, seeds)
        samples = [Sample(one, policy.prompts[i], policy.completions[i]) for i, one in enumerate(attempts)]
        yield from (samples[first : first + size] for first in range(0, len(samples), size))


def draw(trainer: Trainer, mazes: Sequence[Maze], seed: int) -> list[Group]:
    """A group of each maze by the model of a trainer as it is, with the sampling keys of the trainer's ``args``."""
    args: SamplingConfig = trainer.args
    policy = LLMPolicy(
        trainer.model, trainer.processing_class, temperature=args.temperature,
        max_new_tokens=args.max_completion_length, batch_size=args.generation_batch_size,
    )  # fmt: skip
    with trainer.accelerator.autocast():  # which a model that has been trained brings along
        return list(sample_groups(policy, mazes, args.num_generations, seed))


def different(samples: Sequence[Sample]) -> list[Sample]:
    """The samples without those whose tokens an earlier one has."""
    return list({tuple(sample.completion): sample for sample in samples}.values())


def figures_of(groups: Sequence[Group]) -> dict[str, float]:
    """What a log says of samples, by the names that GRPO's log has for its completions."""
    samples = [sample for group in groups for sample in group]
    figures: dict[str, float] = {}
    log_attempts(figures.__setitem__, [sample.attempt for sample in samples])
    return figures | {
        "samples": len(samples),
        "frac_reward_zero_std": fmean(len({sample.succeeded for sample in group}) == 1 for group in groups),
        "completions/mean_length": fmean(len(sample.completion) for sample in samples),
        "completions/max_length": max(len(sample.completion) for sample in samples),
        "completions/clipped_ratio": fmean(sample.attempt.truncated for sample in samples),
    }
