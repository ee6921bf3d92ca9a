"""The rewards of GRPO in the form that TRL calls: of answers, by ``maze_env.verifier`` and a scheme of
``maze_env.rewards``; of episodes, the environment's own. And what is logged of the attempts in all its modes: in
``pass@group`` and ``answers/*`` a gamed reward shows, or a policy that has stopped exploring.
"""

import math
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from statistics import fmean, pstdev
from typing import Any

from maze_env.attempt import Attempt, End, EndedBy, Reply
from maze_env.episode import Episode
from maze_env.maze import Maze
from maze_env.phrasings import STANDARD
from maze_env.rewards import AnswerReward, RewardScheme, scheme_of
from tokenmaze.agents.prompts import Prompt, write_messages
from tokenmaze.agents.protocols import Tokenizer
from tokenmaze.agents.tokenization import TextDecoder
from tokenmaze.training.mazes import Written

LogMetric = Callable[[str, float], None]
Watch = Callable[[Sequence[Attempt], Mapping[str, Any], LogMetric | None], None]
"""(attempts of a batch, the other columns of their rows, how to log) -> nothing: whoever follows the attempts."""


class MazeReward:
    """A reward function as TRL calls one: the rewards of a batch of completions, by a scheme or by one's own function.

    Rows have a column ``maze``, the maze's text, placed or not (``maze_env.placement``), a prompt that is text or
    messages, and a column ``phrasing`` where not all are in the standard one. A truncated completion has none of the
    tokens that end one. It is verified as it stands, and its reward is 0.
    """

    def __init__(
        self,
        reward: str | RewardScheme | AnswerReward,
        tokenizer: Tokenizer,
        thinking_opened: bool | None = None,
        eos_ids: Collection[int] | None = None,
        length_penalty: float = 0.0,
        watch: Watch | None = None,
    ):
        """A reward function for completions of ``tokenizer``'s model.

        Args:
            reward: a scheme of ``maze_env.rewards``, its name in ``SCHEMES``, or a function of maze and ``Verdict``.
            tokenizer: reads the completions.
            thinking_opened: whether prompts end inside an open ``<think>``; by default what the prompts tell.
            eos_ids: the tokens that end a completion; by default the tokenizer's end token.
            length_penalty: alpha of ``length_terms``, from 0 to below 1. Where solving earns at least 1 more than not
                solving, it does not change which of the two earns more.
            watch: is told the attempts of each batch.
        """
        self.scheme = scheme_of(reward)
        """What rewards the verdicts."""
        self.tokenizer, self.thinking_opened = tokenizer, thinking_opened
        self.length_penalty, self.watch = length_penalty, watch
        self.__name__ = f"reward_{self.scheme.name}"
        self.eos_ids = frozenset([tokenizer.eos_token_id] if eos_ids is None else eos_ids)
        self._decode = TextDecoder(tokenizer, self.eos_ids)

    def __call__(
        self,
        completion_ids: list[list[int]],
        maze: list[str],
        prompts: Sequence[Any] = (),
        log_metric: LogMetric | None = None,
        phrasing: Sequence[str] | None = None,
        **columns: Any,
    ) -> list[float]:
        """The rewards of a batch.

        Args:
            completion_ids: the tokens of each completion, with the one that ended it.
            maze: the text of each completion's maze, the same for those of a group.
            prompts: of each completion, texts or messages; the first tells whether they open the thinking.
            log_metric: logs a number under a name.
            phrasing: the one of ``maze_env.phrasings`` of each maze; by default the standard one.
            columns: what else TRL passes, ``completions`` among it; not read.
        """
        # Not TRL's `completions`: of a model whose chat template it can parse, they lack the thinking.
        texts = [self._decode(ids) for ids in completion_ids]
        opened = self._opened(prompts)
        began = time.perf_counter()
        written = [Written(*pair) for pair in zip(maze, phrasing or [STANDARD] * len(maze), strict=True)]
        mazes: dict[Written, Maze] = {one: one.maze for one in dict.fromkeys(written)}
        parts_of: list[dict[str, float]] = []
        attempts: list[Attempt] = []
        solvers: dict[Written, list[int]] = {one: [] for one in mazes}  # the rows that are paid for solving
        for text, ids, one in zip(texts, completion_ids, written, strict=True):
            truncated = self.eos_ids.isdisjoint(ids)
            episode = Episode(mazes[one], "plan", phrasing=one.phrasing)
            episode.step(Reply(text, len(ids), truncated, thinking_opened=opened))
            assert episode.verdict is not None
            parts = self.scheme.terms(episode.maze, episode.verdict)
            if truncated:
                parts = dict.fromkeys(parts, 0.0)
            elif episode.verdict.solved:
                solvers[one].append(len(attempts))
            parts_of.append(parts)
            attempts.append(episode.attempt)
        if self.length_penalty:
            for parts in parts_of:
                parts["length"] = 0.0
            for rows in solvers.values():
                penalties = length_terms([len(completion_ids[row]) for row in rows], self.length_penalty)
                for row, penalty in zip(rows, penalties, strict=True):
                    parts_of[row]["length"] = penalty
        rewards = [sum(parts.values()) for parts in parts_of]
        if self.watch is not None:
            self.watch(attempts, columns, log_metric)
        if log_metric is not None:
            log_metric("environment_seconds", time.perf_counter() - began)
            log_attempts(log_metric, attempts)
            for name in parts_of[0]:
                log_metric(f"reward_terms/{name}", fmean(parts[name] for parts in parts_of))
        return rewards

    def _opened(self, prompts: Sequence[Any]) -> bool:
        if self.thinking_opened is not None or not prompts:
            return bool(self.thinking_opened)
        first = prompts[0]
        return Prompt(first if isinstance(first, str) else write_messages(self.tokenizer, first)).thinking_opened


def length_terms(lengths: Sequence[int], alpha: float) -> list[float]:
    """What the solved completions of a group are paid less for their tokens: -alpha * sigmoid((length - mean) / std).

    Mean and standard deviation are those of ``lengths``; where all are equal, each gets -alpha / 2. With a reward of 0
    and 1 the sum is 1[solved] (1 - alpha sigmoid(...)), as in Arora and Zanette 2025, arXiv 2502.04463. The length of
    what is not solved does not count: giving up early pays nothing.

    >>> " ".join(f"{term:.3f}" for term in length_terms([10, 20, 30], alpha=0.2))
    '-0.045 -0.100 -0.155'
    """
    if not lengths:
        return []
    mean, spread = fmean(lengths), pstdev(lengths) or 1.0
    return [-alpha / (1 + math.exp((mean - length) / spread)) for length in lengths]


def episode_return(
    attempt: list[Attempt], environment_seconds: Sequence[float] = (), log_metric: LogMetric | None = None, **_: Any
) -> list[float]:
    """The environment's return of each episode, and their log; ``environment_seconds`` is what each spent there."""
    if log_metric is not None:
        if environment_seconds:
            log_metric("environment_seconds", sum(environment_seconds))
        log_attempts(log_metric, attempt)
    return [one.reward for one in attempt]


def log_attempts(log_metric: LogMetric, attempts: Sequence[Attempt]) -> None:
    """Logs the figures of a batch, by the names of a benchmark's summary; attempts at one maze are a group.

    ``solved_rate`` is pass@1, at training's temperature; ``pass@group`` is pass@k, k being the group's size: the share
    of mazes that at least one attempt solves. ``end/*`` and ``ended_by/*`` are shares of the attempts, all of them at
    each step: a log entry averages a name over the batches that logged it, so none may be left out for being 0.
    """
    groups: dict[Maze, list[Attempt]] = {}
    for attempt in attempts:
        groups.setdefault(attempt.maze, []).append(attempt)
    ends, ended_by = (Counter(values) for values in zip(*((a.end, a.ended_by) for a in attempts), strict=True))

    def mean_over_groups(figure: Callable[[list[Attempt]], float]) -> float:
        return sum(map(figure, groups.values())) / len(groups)

    count = len(attempts)
    log_metric("solved_rate", sum(attempt.solved for attempt in attempts) / count)
    log_metric("pass@group", mean_over_groups(lambda group: any(attempt.solved for attempt in group)))
    log_metric("legality", sum(attempt.legal for attempt in attempts) / count)
    log_metric("answers/moves", sum(len(attempt.moves) for attempt in attempts) / count)
    log_metric("answers/distinct", mean_over_groups(lambda group: len({attempt.moves for attempt in group})))
    log_metric("answers/distinct_first_moves", mean_over_groups(lambda group: len({one.moves[:1] for one in group})))
    for end in End:
        log_metric(f"end/{end}", ends[end] / count)
    for party in EndedBy:
        log_metric(f"ended_by/{party}", ended_by[party] / count)
