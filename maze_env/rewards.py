"""Named reward schemes: the reward of a verified answer, and for some of a single step.

The GRPO reward is ``verify`` and one of these; the environment's step reward is the step form of one of these. Nothing
else in the project defines a reward. To add a scheme, enter it into ``SCHEMES``:

>>> from maze_env.verifier import verify
>>> def brief_terms(maze, verdict):
...     return {"solved": float(verdict.solved), "length": -0.01 * len(verdict.answer.moves)}
>>> scheme = RewardScheme("brief", brief_terms, step=None)
>>> maze = Maze([[5, 9], [14, 14]], (0, 0), (1, 1))
>>> round(scheme(maze, verify(maze, "<|right|><|down|>")), 2)
0.98
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maze_env import kernels
from maze_env._functions import require_parameters
from maze_env.answers import moves_to_text
from maze_env.attempt import MALFORMED, End
from maze_env.errors import InvalidConfig, lookup
from maze_env.maze import Maze
from maze_env.moves import MOVE_TOKENS
from maze_env.solving import shortest_path
from maze_env.tokens import THINK_CLOSE, THINK_OPEN
from maze_env.verifier import Verdict

PROGRESS = 0.1

StepReward = Callable[[Any, Any, Any, Any], Any]
"""(distance before, distance after, start distance, target reached) -> the reward of one step of the environment, in
plain arithmetic, which takes numbers of one environment and (n,) arrays of many."""


AnswerReward = Callable[[Maze, Verdict], float]
"""(maze, verdict) -> the reward of a verified answer."""


@dataclass(frozen=True)
class RewardScheme:
    """A reward for answers, and perhaps for steps."""

    name: str
    """Its key in ``SCHEMES``."""
    terms: Callable[[Maze, Verdict], dict[str, float]]
    """(maze, verdict) -> the parts of the reward by name; their sum is the reward."""
    step: StepReward | None
    """``None`` where the scheme speaks of an answer's form, which a step does not have."""
    bounds: tuple[float, float] = (-float("inf"), float("inf"))
    """Min and max reward of one step."""

    def __call__(self, maze: Maze, verdict: Verdict) -> float:
        """The reward of a verified answer."""
        return sum(self.terms(maze, verdict).values())


def solved_terms(maze: Maze, verdict: Verdict) -> dict[str, float]:
    """``solved``: r = 1[solved] + 0.1 * max(0, (d_start - d_end) / d_start), d being true maze distance to the target.

    A malformed answer gets 0, and so does one that goes past the target, which would otherwise be rewarded for passing
    through. An answer that runs into a wall keeps the progress before it. Where no path leads to the target there is no
    progress, and saying so gets 1.
    """
    gated = verdict.end in MALFORMED or verdict.end is End.PAST_TARGET
    progress = 0.0 if gated else max(0.0, (verdict.start_distance - verdict.end_distance) / verdict.start_distance)
    return {"solved": float(verdict.solved), "progress": PROGRESS * progress}


def solved_step(before: Any, after: Any, start: Any, reached: Any) -> Any:
    """``solved``, step by step: 0.1 * (d_before - d_after) / d_start, and 1 more on the target.

    Summed over any legal path to the target it telescopes to the 1.1 of the answer form.
    """
    return PROGRESS * (before - after) / start + reached


def sparse_terms(maze: Maze, verdict: Verdict) -> dict[str, float]:
    """``sparse``: r = 1[solved]."""
    return {"solved": float(verdict.solved)}


def sparse_step(before: Any, after: Any, start: Any, reached: Any) -> Any:
    """``sparse``, step by step: 1 on the target."""
    return 1.0 * reached


def step_rewards(
    step_reward: StepReward,
    before: NDArray[np.int64],
    after: NDArray[np.int64],
    start: NDArray[np.int64],
    reached: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """The reward of a step in each of n environments, (n,): what ``step_reward`` gives for these arrays, (n,) each."""
    rewards = np.empty(len(before))
    if step_reward is solved_step:  # the usual one: compiled, for in NumPy it is a fifth of a whole step
        kernels.vector.solved_rewards(before, after, start, PROGRESS, rewards)
    else:  # perhaps one that is the same for all
        rewards[:] = step_reward(before, after, start, reached)
    return rewards


def alphamaze_terms(maze: Maze, verdict: Verdict) -> dict[str, float]:
    """``alphamaze``: the paper's text (arXiv 2502.14669, section 3.3).

    Correctness 0.2 for each step of the solution when the maze is solved; integrity 0.5 when the answer is movement
    tokens only; thinking 0.25 for the tags. The text leaves open which solution is counted; here the moves played.
    """
    answer = verdict.answer
    well_formed = answer.fault is None and not answer.says_unreachable
    tags = answer.text.count(THINK_CLOSE) == 1 and answer.text.count(THINK_OPEN) <= 1
    return {
        "correctness": 0.2 * len(answer.moves) if verdict.solved else 0.0,
        "integrity": 0.5 if well_formed else 0.0,
        "thinking": 0.25 if tags else 0.0,
    }


_CODE_MOVES_ONLY = re.compile(rf"(?:{'|'.join(map(re.escape, MOVE_TOKENS))})+")


def alphamaze_code_terms(maze: Maze, verdict: Verdict) -> dict[str, float]:
    """``alphamaze-code``: the published code.

    Source: ``training/grpo_stage.py`` of menloresearch/visual-thinker at 7c52f09e. The answer is the text between the
    first ``</think>`` and the next. Correctness 0.2 * moves only when it equals the one golden string, so separators
    (which the published prompt asks for) and other right paths get 0; integrity 1.0 when it is movement tokens
    only, white space anywhere deleted; thinking 0.125 for exactly one "<think>\\n" and 0.125 for exactly one
    "\\n</think>\\n". The golden string is the shortest path.
    """
    text = verdict.answer.text
    pieces = text.split(THINK_CLOSE)
    extracted = pieces[1].strip() if len(pieces) > 1 else ""
    golden = moves_to_text(shortest_path(maze))
    return {
        "correctness": 0.2 * len(extracted.split("|><|")) if extracted == golden else 0.0,
        "integrity": 1.0 if _CODE_MOVES_ONLY.fullmatch(re.sub(r"\s", "", extracted)) else 0.0,
        "thinking": 0.125 * (text.count(f"{THINK_OPEN}\n") == 1) + 0.125 * (text.count(f"\n{THINK_CLOSE}\n") == 1),
    }


SCHEMES: dict[str, RewardScheme] = {
    "solved": RewardScheme("solved", solved_terms, solved_step, (-PROGRESS, 1.0 + PROGRESS)),
    "sparse": RewardScheme("sparse", sparse_terms, sparse_step, (0.0, 1.0)),
    "alphamaze": RewardScheme("alphamaze", alphamaze_terms, None),
    "alphamaze-code": RewardScheme("alphamaze-code", alphamaze_code_terms, None),
}


def step_reward_of(reward: str | RewardScheme | StepReward) -> StepReward:
    """The step reward of a scheme, of its name, or a function that is one.

    Raises:
        UnknownName: for a name that does not exist.
        InvalidConfig: for a scheme without a step form, and a function that is not a ``StepReward``.
    """
    if isinstance(reward, RewardScheme) or not callable(reward):
        return _step_form(reward if isinstance(reward, RewardScheme) else scheme_named(reward))
    try:
        float(reward(2, 1, 2, False))
    except Exception as error:
        expected = "a step reward of (distance before, distance after, start distance, target reached)"
        raise InvalidConfig(f"Expects {expected}, actual: {reward!r} ({type(error).__name__}: {error})") from error
    return reward


def scheme_of(reward: str | RewardScheme | AnswerReward) -> RewardScheme:
    """A scheme, the one of its name, or the one whose only term is a function of maze and verdict.

    Raises:
        UnknownName: for a name that does not exist.
        InvalidConfig: for what is none of the three, and a function of other arguments.
    """
    if isinstance(reward, RewardScheme):
        return reward
    if isinstance(reward, str):
        return scheme_named(reward)
    if not callable(reward):
        raise InvalidConfig(f"Expects a reward scheme, its name, or a function of maze and verdict, actual: {reward!r}")
    require_parameters("reward", reward, "maze", "verdict")
    name = getattr(reward, "__name__", type(reward).__name__)
    return RewardScheme(name, partial(_only_term, name, reward), step=None)


def _only_term(name: str, reward: AnswerReward, maze: Maze, verdict: Verdict) -> dict[str, float]:
    return {name: float(reward(maze, verdict))}


def _step_form(scheme: RewardScheme) -> StepReward:
    if scheme.step is None:
        valid = ", ".join(repr(s.name) for s in SCHEMES.values() if s.step)
        form = f"{scheme.name!r}, which rewards the form of a whole answer"
        raise InvalidConfig(f"Expects a reward scheme with a step form ({valid}), actual: {form}")
    return scheme.step


def scheme_named(name: str) -> RewardScheme:
    """The scheme of that name."""
    return lookup("reward scheme", name, SCHEMES)


def step_scheme_named(name: str) -> RewardScheme:
    """The scheme of that name; raises InvalidConfig where it has no step form."""
    scheme = scheme_named(name)
    _step_form(scheme)
    return scheme
