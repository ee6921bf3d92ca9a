"""What GRPO logs of a batch of attempts in addition to their reward: one definition for all its modes.

Names and meanings are those of a benchmark's summary, so that the two compare. In ``pass@group`` and ``answers/*`` a
gamed reward shows, or a policy that has stopped exploring.
"""

from collections import Counter
from collections.abc import Callable, Sequence

from maze_env.attempt import Attempt, End, EndedBy
from maze_env.maze import Maze

LogMetric = Callable[[str, float], None]


def log_attempts(log_metric: LogMetric, attempts: Sequence[Attempt]) -> None:
    """Logs the figures of a batch; attempts at one maze are a group.

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
