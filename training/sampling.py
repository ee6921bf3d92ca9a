"""Groups of attempts that a model samples at mazes, with their tokens and verdicts: what ``rft`` learns from."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean

from maze_env.attempt import Attempt
from maze_env.keys import key_of
from maze_env.maze import Maze
from tokenmaze.agents.llm_policy import LLMPolicy
from tokenmaze.agents.rollout import rollout
from tokenmaze.training.grpo_reward import log_attempts

ROLLOUT_MAZES = 256
"""Mazes that are attempted together: their episodes are in memory at once."""


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


def figures_of(groups: Sequence[Group]) -> dict[str, float]:
    """What a log says of samples, by the names that GRPO's log has for its completions."""
    samples = [sample for group in groups for sample in group]
    figures: dict[str, float] = {}
    log_attempts(figures.__setitem__, [sample.attempt for sample in samples])
    return figures | {
        "frac_reward_zero_std": fmean(len({sample.succeeded for sample in group}) == 1 for group in groups),
        "completions/mean_length": fmean(len(sample.completion) for sample in samples),
        "completions/max_length": max(len(sample.completion) for sample in samples),
        "completions/clipped_ratio": fmean(sample.attempt.truncated for sample in samples),
    }
