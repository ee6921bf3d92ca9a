"""What the log of GRPO tells of each group beside its reward: figures in which a gamed reward, or a policy that has
stopped exploring, shows. One definition for plan and play.
"""

from collections.abc import Callable, Sequence

from maze_env.moves import Move


def log_groups(
    log_metric: Callable[[str, float], None],
    mazes: Sequence[str],
    answers: Sequence[Sequence[Move]],
    solved: Sequence[bool],
    legal: Sequence[bool],
) -> None:
    """Logs the figures of the completions of a batch.

    Args:
        mazes: the maze text of each completion: completions of one maze are a group.
        answers: the moves of each. solved, legal: whether they arrive, and whether all of them are possible.

    ``solved_rate`` is pass@1, at training's temperature; ``pass@group`` is pass@k, k being the group's size: the share
    of mazes that at least one of its completions solves. One answer in every group: a policy that explores no longer.
    """
    groups: dict[str, list[int]] = {}
    for index, maze in enumerate(mazes):
        groups.setdefault(maze, []).append(index)

    def mean_over_groups(figure: Callable[[list[int]], float]) -> float:
        return sum(map(figure, groups.values())) / len(groups)

    log_metric("solved_rate", sum(solved) / len(solved))
    log_metric("pass@group", mean_over_groups(lambda group: any(solved[i] for i in group)))
    log_metric("legality", sum(legal) / len(legal))
    log_metric("answers/moves", sum(map(len, answers)) / len(answers))
    log_metric("answers/distinct", mean_over_groups(lambda group: len({tuple(answers[i]) for i in group})))
    log_metric(
        "answers/distinct_first_moves", mean_over_groups(lambda group: len({tuple(answers[i][:1]) for i in group}))
    )
