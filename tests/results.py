"""Results that tests construct from a stored one."""

from dataclasses import replace

from maze_env.attempt import End
from tokenmaze.benchmarks.record import result_text


def constructed(stored, failed, stage=None, train_seed=None):
    """``stored``, a result that solved every maze, with those in ``failed`` unsolved."""
    attempts = [replace(one, end=End.HIT_WALL) if one.maze in failed else one for one in stored.attempts]
    summary = replace(stored.summary, solved=stored.summary.attempts - len(failed))
    return replace(stored, attempts=tuple(attempts), stage=stage, train_seed=train_seed, summary=summary)


def write(path, result):
    path.write_text(result_text(result), encoding="utf-8")
    return str(path)


def staged(stored):
    """Three stages of a recipe, two of them with two training seeds."""
    return [
        constructed(stored, range(14), "sft", 2),
        constructed(stored, range(12), "sft", 1),
        constructed(stored, range(2), "grpo", 1),
        constructed(stored, range(5), "grpo", 2),
        constructed(stored, range(9), "sft-continued", 1),
    ]
