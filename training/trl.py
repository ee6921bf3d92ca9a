"""What a script of one's own takes from here for TRL's trainers: mazes, data sets, rewards and environments.

* ``SFTTrainer``: ``sft_dataset``.
* ``GRPOTrainer``, one answer for the whole maze: ``plan_dataset`` and ``MazeReward``.
* ``GRPOTrainer``, a move each turn by calling a tool: ``play_dataset``, ``MazeTool`` as ``environment_factory`` (or a
  function that makes one of another ``EnvConfig``) and ``tool_reward``.
* ``GRPOTrainer``, a move each turn written as text, for models without tools: ``multi_turn_dataset``,
  ``MultiTurnRollout`` as ``rollout_func`` and ``episode_return`` as reward.

Rows are plain: any column may be added, and any reward function of TRL's form stands beside these. A whole script is
``examples/own_grpo.py``. The stages ``training.sft`` and ``training.grpo`` are made of the same parts.

>>> mazes = training_mazes(DataConfig(examples=2, sizes="3x3"))
>>> plan_dataset(mazes).column_names
['prompt', 'maze', 'phrasing']
"""

from collections.abc import Iterable
from typing import Any

from datasets import Dataset

from maze_env.maze import Maze
from maze_env.tokens import maze_to_text
from tokenmaze.agents.prompts import conversation
from tokenmaze.training.export import conversational_columns
from tokenmaze.training.grpo_reward import MazeReward, episode_return
from tokenmaze.training.mazes import (
    DataConfig,
    Written,
    supervised_rows,
    training_mazes,
    training_texts,
    validation_mazes,
)
from tokenmaze.training.multi_turn import EnvConfig, MultiTurnRollout, multi_turn_dataset
from tokenmaze.training.tool_calls import MazeTool, play_row, tool_reward

__all__ = [
    "DataConfig",
    "EnvConfig",
    "MazeReward",
    "MazeTool",
    "MultiTurnRollout",
    "Written",
    "episode_return",
    "multi_turn_dataset",
    "plan_dataset",
    "play_dataset",
    "sft_dataset",
    "tool_reward",
    "training_mazes",
    "training_texts",
    "validation_mazes",
]


def plan_row(written: Written) -> dict[str, Any]:
    """A row of ``plan_dataset``."""
    messages = conversation(written.text, written.phrasing)
    return {"prompt": messages, "maze": written.text, "phrasing": written.phrasing}


def plan_dataset(mazes: Iterable[Maze | Written]) -> Dataset:
    """Rows of ``prompt`` (messages), ``maze`` (its text) and ``phrasing``, in which a model is asked for the whole way.

    Args:
        mazes: as they are, or as they are to be written (``training_texts``).
    """
    texts = [Written(maze_to_text(maze)) if isinstance(maze, Maze) else maze for maze in mazes]
    return Dataset.from_list([plan_row(text) for text in texts])


def play_dataset(mazes: Iterable[Maze], view_radius: int | None = None) -> Dataset:
    """Rows of ``prompt`` (messages) and ``maze`` for moves by tool calls.

    Args:
        mazes: those to play.
        view_radius: how far the agent sees, in cells; that of the ``EnvConfig`` that the environments are made with.
    """
    return Dataset.from_list([play_row(maze, view_radius) for maze in mazes])


def sft_dataset(config: DataConfig) -> Dataset:
    """Rows of ``prompt`` and ``completion``, both messages, and ``maze``: solved in the trace styles of ``config``.

    The chat template of the model has to end a message with the token that its generation stops at, as those of
    instruct models do.
    """
    return Dataset.from_list(
        [
            conversational_columns(row) | {"prompt": conversation(row["maze"], row["phrasing"])}
            for row in supervised_rows(config)
        ]
    )
