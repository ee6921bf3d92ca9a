"""Episodes whose moves are tool calls, for models that call tools. TRL's own loop drives them.

The other multi-turn mode, ``training.multi_turn``, serves any model. Environment and rewards are the same in both.
"""

from collections.abc import Callable, Collection
from typing import Any

from datasets import Dataset

from maze_env.attempt import Attempt, End, EndedBy, Reply
from maze_env.episode import Episode
from maze_env.moves import MOVES
from maze_env.tokens import maze_from_text, maze_to_text
from tokenmaze.agents.chat_templates import check_whole
from tokenmaze.agents.prompts import reply_text, tool_conversation
from tokenmaze.agents.protocols import Tokenizer
from tokenmaze.training.dataset import check_prompts_fit
from tokenmaze.training.grpo_reward import LogMetric, episode_return
from tokenmaze.training.mazes import DataConfig, make_mazes
from tokenmaze.training.multi_turn import EnvConfig
from tokenmaze.training.trl_adapter import prepare_tool_calls

DIRECTIONS = {move.name.lower(): move for move in MOVES}


class MazeTool:
    """An episode that a model plays by calling ``move``: what TRL's ``environment_factory`` makes.

    TRL shows every public method to the model as a tool, and asks the model on for as long as it calls one. So ``move``
    is the only one; every call counts, also one that names no direction, up to the environment's budget of steps; and
    after the end nothing changes any more.
    """

    def __init__(self, env: EnvConfig):
        self._env = env

    def reset(self, maze: str, **columns: Any) -> None:
        """Begins an episode on the maze of a row."""
        self._episode, self._calls = self._env.episode(maze_from_text(maze)), 0

    def move(self, direction: str) -> str:
        """Moves to the neighbouring cell.

        Args:
            direction: One of up, down, left and right.

        Returns:
            Where you stand then, and the walls there.
        """
        if self._last_words():
            return "The game is over."
        self._calls += 1
        chosen = DIRECTIONS.get(str(direction))
        if chosen is not None:
            self._episode.step(Reply(chosen.token))
        if not self._last_words() and self._calls >= self._episode.env.max_steps:
            self._episode.stop(End.SHORT_OF_TARGET, EndedBy.STEP_BUDGET)
        if last_words := self._last_words():
            return last_words
        if chosen is None:
            return f"Expects one of {', '.join(DIRECTIONS)}, actual: {direction!r}."
        return reply_text(self._episode.observation, bare=False)

    def _last_words(self) -> str:
        """What is said at the end; empty while the episode goes on."""
        if self._episode.end is None:
            return ""
        result = "You stand on the target" if self._episode.end is End.SOLVED else "No moves are left"
        return f"{result}. The game is over."

    def _attempt(self, truncated: bool) -> Attempt:
        """What came of the episode, which a model that stopped calling has left, or was cut off in."""
        if self._episode.end is None:
            self._episode.step(Reply("", tokens=0, truncated=truncated))
        return self._episode.attempt


def tool_reward(eos_ids: Collection[int]) -> Callable[..., list[float]]:
    """TRL's reward function: the environment's return of each episode, cut off where none of ``eos_ids`` ends it."""

    def environment_return(
        completion_ids: list[list[int]], environments: list[MazeTool], log_metric: LogMetric | None = None, **_: Any
    ) -> list[float]:
        pairs = zip(environments, completion_ids, strict=True)
        attempts = [environment._attempt(truncated=ids[-1] not in eos_ids) for environment, ids in pairs]
        return episode_return(attempts, log_metric=log_metric)

    environment_return.__name__ = episode_return.__name__  # by which TRL logs it
    return environment_return


def tool_dataset(
    config: DataConfig, tokenizer: Tokenizer, context: int, max_completion_length: int, view_radius: int | None
) -> Dataset:
    """Rows of ``prompt`` (messages) and ``maze`` for GRPO by tool calls. Prepares the tokenizer to read such calls."""
    prepare_tool_calls(tokenizer)
    tools = [MazeTool(EnvConfig()).move]
    rows, texts = [], []
    for maze, _ in make_mazes(config):
        prompt = tool_conversation(Episode(maze, view_radius=view_radius).observation)
        rows.append({"prompt": prompt, "maze": maze_to_text(maze)})
        texts.append(tokenizer.apply_chat_template(prompt, tools=tools, add_generation_prompt=True, tokenize=False))
        check_whole(texts[-1], prompt[0]["content"])
    check_prompts_fit(tokenizer, texts, max_completion_length, context)
    return Dataset.from_list(rows)
