"""The GRPO reward: ``judge`` and a named scheme of ``maze_env.rewards``, in the form that TRL calls. Nothing is defined
here a second time; what this adds is the logging of the reward's terms.
"""

import time
from collections import Counter
from collections.abc import Callable, Collection
from typing import Any

from maze_env.attempt import ILLEGAL, MALFORMED, End
from maze_env.maze import Maze
from maze_env.rewards import scheme_named
from maze_env.solving import distances_to
from maze_env.tokens import maze_from_text
from maze_env.verifier import verify
from training.grpo_metrics import log_groups


class MazeReward:
    """Called with the completions of a batch; returns their rewards.

    A truncated completion is judged as it stands: it has none of the tokens ``ends``, so its reward is 0.
    """

    def __init__(self, scheme: str, thinking_opened: bool, ends: Collection[int]):
        self.__name__ = f"reward_{scheme}"
        self.scheme = scheme_named(scheme)
        self.thinking_opened, self.ends = thinking_opened, frozenset(ends)

    def __call__(
        self,
        completions: list[str],
        completion_ids: list[list[int]],
        maze: list[str],
        log_metric: Callable[[str, float], None] | None = None,
        **columns: Any,
    ) -> list[float]:
        """Rewards of ``completions``; ``maze`` is the text column of each row, the same for a group's completions."""
        began = time.perf_counter()
        solved_mazes: dict[str, tuple[Maze, Any]] = {}
        terms: Counter[str] = Counter()
        causes: Counter[str] = Counter()
        rewards, answers, solved, legal = [], [], [], []
        for text, ids, maze_text in zip(completions, completion_ids, maze, strict=True):
            if maze_text not in solved_mazes:
                parsed = maze_from_text(maze_text)
                solved_mazes[maze_text] = parsed, distances_to(parsed.walls, parsed.target)
            parsed, distances = solved_mazes[maze_text]
            truncated = self.ends.isdisjoint(ids)
            verdict = verify(parsed, text, thinking_opened=self.thinking_opened, distances=distances)
            parts = self.scheme.terms(parsed, verdict)
            if truncated:
                parts = dict.fromkeys(parts, 0.0)
            terms.update(parts)
            causes["truncated" if truncated else str(verdict.cause)] += 1
            rewards.append(sum(parts.values()))
            answers.append(verdict.answer.moves)
            solved.append(verdict.solved and not truncated)
            legal.append(verdict.cause not in MALFORMED | ILLEGAL and not truncated)
        if log_metric is not None:
            log_metric("environment_seconds", time.perf_counter() - began)
            log_groups(log_metric, maze, answers, solved, legal)
            for name, total in terms.items():
                log_metric(f"reward_terms/{name}", total / len(rewards))
            # All causes, those that did not occur too: a log entry averages over the batches that logged a name.
            for cause in ("truncated", *End):
                if cause is not End.SOLVED:
                    log_metric(f"failures/{cause}", causes[cause] / len(rewards))
        return rewards
