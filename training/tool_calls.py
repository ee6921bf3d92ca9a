"""Episodes whose moves are tool calls, for models that call tools. TRL's own loop drives them.

The other multi-turn mode, ``training.multi_turn``, serves any model. Environment and rewards are the same in both.
"""

from collections.abc import Callable, Collection
from typing import Any

from datasets import Dataset

from maze_env.episode import Episode
from maze_env.maze import Maze
from maze_env.tokens import maze_from_text, maze_to_text
from tokenmaze.agents.chat_templates import check_whole
from tokenmaze.agents.prompts import tool_conversation
from tokenmaze.agents.protocols import Tokenizer
from tokenmaze.agents.tool_game import ToolGame
from tokenmaze.training.dataset import check_prompts_fit
from tokenmaze.training.grpo_reward import LogMetric, episode_return
from tokenmaze.training.mazes import DataConfig, make_mazes, require_standard_texts
from tokenmaze.training.multi_turn import WRITTEN_BY, EnvConfig
from tokenmaze.training.trl_adapter import prepare_tool_calls


class MazeTool:
    """A game that a model plays by calling ``move``: what TRL's ``environment_factory`` makes.

    TRL shows every public method to the model as a tool, and asks the model on for as long as it calls one. So ``move``
    is the only one.
    """

    def __init__(self, env: EnvConfig = EnvConfig()):  # noqa: B008  frozen
        self._env = env

    def reset(self, maze: str, **columns: Any) -> None:
        """Begins an episode on the maze of a row."""
        self._game = ToolGame(self._env.episode(maze_from_text(maze)))

    def move(self, direction: str) -> str:
        """Moves to the neighbouring cell.

        Args:
            direction: One of up, down, left and right.

        Returns:
            Where you stand then, and the walls there.
        """
        return self._game.move(direction)


def tool_reward(eos_ids: Collection[int]) -> Callable[..., list[float]]:
    """TRL's reward function: the environment's return of each episode, cut off where none of ``eos_ids`` ends it."""

    def environment_return(
        completion_ids: list[list[int]], environments: list[MazeTool], log_metric: LogMetric | None = None, **_: Any
    ) -> list[float]:
        pairs = zip(environments, completion_ids, strict=True)
        attempts = [environment._game.attempt(truncated=ids[-1] not in eos_ids) for environment, ids in pairs]
        return episode_return(attempts, log_metric=log_metric)

    environment_return.__name__ = episode_return.__name__  # by which TRL logs it
    return environment_return


def play_row(maze: Maze, view_radius: int | None) -> dict[str, Any]:
    """A row of ``prompt`` (messages) and ``maze`` (its text) for GRPO by tool calls."""
    prompt = tool_conversation(Episode(maze, view_radius=view_radius).observation)
    return {"prompt": prompt, "maze": maze_to_text(maze)}


def tool_dataset(
    config: DataConfig, tokenizer: Tokenizer, context: int, max_completion_length: int, view_radius: int | None
) -> Dataset:
    """Rows of ``play_row``, each of which fits into ``context``. Prepares the tokenizer to read such calls."""
    require_standard_texts(config, WRITTEN_BY)
    prepare_tool_calls(tokenizer)
    tools = [MazeTool().move]
    rows, texts = [], []
    for maze, _ in make_mazes(config):
        rows.append(play_row(maze, view_radius))
        prompt = rows[-1]["prompt"]
        texts.append(tokenizer.apply_chat_template(prompt, tools=tools, add_generation_prompt=True, tokenize=False))
        check_whole(texts[-1], prompt[0]["content"])
    check_prompts_fit(tokenizer, texts, max_completion_length, context)
    return Dataset.from_list(rows)
