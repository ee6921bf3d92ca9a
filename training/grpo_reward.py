"""The rewards of GRPO in the form that TRL calls: of answers, by ``maze_env.verifier`` and a scheme of
``maze_env.rewards``; of episodes, the environment's own. What is added is their logging.
"""

import time
from collections import Counter
from collections.abc import Collection
from typing import Any

from agents.protocols import Tokenizer
from maze_env.attempt import Attempt, Reply
from maze_env.episode import Episode
from maze_env.maze import Maze
from maze_env.rewards import scheme_named
from maze_env.tokens import maze_from_text
from training.grpo_metrics import LogMetric, log_attempts


class MazeReward:
    """Called with the completions of a batch; returns their rewards by a scheme of ``maze_env.rewards``.

    A truncated completion has none of the tokens ``eos_ids``. It is verified as it stands, and its reward is 0.
    ``thinking_opened`` says whether prompts end inside an open ``<think>``.
    """

    def __init__(self, scheme: str, tokenizer: Tokenizer, thinking_opened: bool, eos_ids: Collection[int]):
        self.__name__ = f"reward_{scheme}"
        self.scheme, self.tokenizer = scheme_named(scheme), tokenizer
        self.thinking_opened, self.eos_ids = thinking_opened, frozenset(eos_ids)

    def __call__(
        self, completion_ids: list[list[int]], maze: list[str], log_metric: LogMetric | None = None, **columns: Any
    ) -> list[float]:
        """The rewards of a batch; ``maze`` is the text of each completion's, the same for those of a group."""
        # Not TRL's `completions`: of a model whose chat template it can parse, they lack the thinking.
        texts = self.tokenizer.batch_decode(completion_ids, skip_special_tokens=True)
        began = time.perf_counter()
        mazes: dict[str, Maze] = {text: maze_from_text(text) for text in dict.fromkeys(maze)}
        terms: Counter[str] = Counter()
        rewards, attempts = [], []
        for text, ids, maze_text in zip(texts, completion_ids, maze, strict=True):
            truncated = self.eos_ids.isdisjoint(ids)
            episode = Episode(mazes[maze_text], "plan")
            episode.step(Reply(text, len(ids), truncated, thinking_opened=self.thinking_opened))
            assert episode.verdict is not None
            parts = self.scheme.terms(episode.maze, episode.verdict)
            if truncated:
                parts = dict.fromkeys(parts, 0.0)
            terms.update(parts)
            rewards.append(sum(parts.values()))
            attempts.append(episode.attempt)
        if log_metric is not None:
            log_metric("environment_seconds", time.perf_counter() - began)
            log_attempts(log_metric, attempts)
            for name, total in terms.items():
                log_metric(f"reward_terms/{name}", total / len(rewards))
        return rewards


def episode_return(
    attempt: list[Attempt],
    environment_seconds: list[float] | None = None,
    log_metric: LogMetric | None = None,
    **columns: Any,
) -> list[float]:
    """The environment's return of each episode, and their log; ``environment_seconds`` is what each spent there."""
    if log_metric is not None:
        if environment_seconds is not None:
            log_metric("environment_seconds", sum(environment_seconds))
        log_attempts(log_metric, attempt)
    return [one.reward for one in attempt]
