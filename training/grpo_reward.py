"""The rewards of GRPO in the form that TRL calls: of answers, by ``maze_env.verifier`` and a scheme of
``maze_env.rewards``; of episodes, the environment's own. What is added is their logging.
"""

import time
from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any

from agents.prompts import Prompt, write_messages
from agents.protocols import Tokenizer
from agents.tokenization import TextDecoder
from maze_env.attempt import Attempt, Reply
from maze_env.episode import Episode
from maze_env.maze import Maze
from maze_env.rewards import scheme_named
from maze_env.tokens import maze_from_text
from training.grpo_metrics import LogMetric, log_attempts


class MazeReward:
    """A reward function as TRL calls one: the rewards of a batch of completions, by a scheme of ``maze_env.rewards``.

    Rows have a column ``maze``, the maze's text, and a prompt that is text or messages. A truncated completion has none
    of the tokens that end one. It is verified as it stands, and its reward is 0.
    """

    def __init__(
        self,
        scheme: str,
        tokenizer: Tokenizer,
        thinking_opened: bool | None = None,
        eos_ids: Collection[int] | None = None,
    ):
        """A reward function for completions of ``tokenizer``'s model.

        Args:
            scheme: a name in ``maze_env.rewards.SCHEMES``.
            tokenizer: reads the completions.
            thinking_opened: whether prompts end inside an open ``<think>``; by default what the prompts tell.
            eos_ids: the tokens that end a completion; by default the tokenizer's end token.
        """
        self.__name__ = f"reward_{scheme}"
        self.scheme, self.tokenizer, self.thinking_opened = scheme_named(scheme), tokenizer, thinking_opened
        self.eos_ids = frozenset([tokenizer.eos_token_id] if eos_ids is None else eos_ids)
        self._decode = TextDecoder(tokenizer, self.eos_ids)

    def __call__(
        self,
        completion_ids: list[list[int]],
        maze: list[str],
        prompts: Sequence[Any] = (),
        log_metric: LogMetric | None = None,
        **columns: Any,
    ) -> list[float]:
        """The rewards of a batch.

        Args:
            completion_ids: the tokens of each completion, with the one that ended it.
            maze: the text of each completion's maze, the same for those of a group.
            prompts: of each completion, texts or messages; the first tells whether they open the thinking.
            log_metric: logs a number under a name.
            columns: what else TRL passes, ``completions`` among it; not read.
        """
        # Not TRL's `completions`: of a model whose chat template it can parse, they lack the thinking.
        texts = [self._decode(ids) for ids in completion_ids]
        opened = self._opened(prompts)
        began = time.perf_counter()
        mazes: dict[str, Maze] = {text: maze_from_text(text) for text in dict.fromkeys(maze)}
        terms: Counter[str] = Counter()
        rewards, attempts = [], []
        for text, ids, maze_text in zip(texts, completion_ids, maze, strict=True):
            truncated = self.eos_ids.isdisjoint(ids)
            episode = Episode(mazes[maze_text], "plan")
            episode.step(Reply(text, len(ids), truncated, thinking_opened=opened))
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

    def _opened(self, prompts: Sequence[Any]) -> bool:
        if self.thinking_opened is not None or not prompts:
            return bool(self.thinking_opened)
        first = prompts[0]
        return Prompt(first if isinstance(first, str) else write_messages(self.tokenizer, first)).thinking_opened


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
