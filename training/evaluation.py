"""What a run shows of itself as it goes: the solved rate on validation mazes, in ``Trainer.evaluate``."""

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from accelerate.utils import broadcast_object_list
from datasets import Dataset
from transformers import PreTrainedModel, PreTrainedTokenizerBase, Trainer

from agents.base import Agent
from agents.llm_policy import LLMPolicy
from agents.multi_turn_policy import MultiTurnPolicy
from agents.rollout import rollout
from maze_env.attempt import Attempt
from maze_env.maze import Maze
from maze_env.tokens import maze_from_text, maze_to_text
from training.dataset import token_ids
from training.mazes import DataConfig, validation_mazes

logger = logging.getLogger(__name__)

MakePolicy = Callable[[PreTrainedModel, PreTrainedTokenizerBase, float, int], Agent]
"""From model, tokenizer, temperature and longest completion to the agent that attempts the mazes."""


def single_turn_policy(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, temperature: float, max_tokens: int
) -> Agent:
    """A model that answers at once (mode plan)."""
    return LLMPolicy(model, tokenizer, temperature=temperature, max_new_tokens=max_tokens)


def multi_turn_policy(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, temperature: float, max_tokens: int
) -> Agent:
    """A model that plays in a dialogue (mode play), as long as its context allows."""
    return MultiTurnPolicy(model, tokenizer, temperature=temperature)


class Evaluation:
    """Attempts at mazes of the validation split, in the mode that is trained for.

    The mazes have the run's own sizes and lengths, and are the same at every evaluation and in every run of that
    configuration. They are no suite: figures to publish come from MazeBench.
    """

    def __init__(
        self,
        data: DataConfig,
        tokenizer: PreTrainedTokenizerBase,
        make_policy: MakePolicy,
        max_tokens: int,
        mazes: int = 100,
        samples: int = 0,
        view_radius: int | None = None,
    ):
        """An evaluation of runs on ``data``.

        Args:
            data: the run's; sizes and lengths are taken from it.
            tokenizer: the model's.
            make_policy: makes a model an agent.
            max_tokens: of a completion.
            mazes: how many are attempted.
            samples: sampled attempts at each maze (temperature 1), for pass@1 and pass@k; 0 for none.
            view_radius: of partial observability.
        """
        self.tokenizer, self.make_policy, self.max_tokens = tokenizer, make_policy, max_tokens
        self.samples, self.view_radius = samples, view_radius
        self.mazes = validation_mazes(data, mazes)

    def dataset(self) -> Dataset:
        """Rows of ``maze`` and, because trainers ask for it, ``input_ids``, its tokens."""
        texts = [maze_to_text(maze) for maze in self.mazes]
        return Dataset.from_dict({"maze": texts, "input_ids": token_ids(self.tokenizer, texts)})

    def figures(self, model: PreTrainedModel, mazes: Sequence[Maze]) -> dict[str, float]:
        """``solved_rate``, ``malformed_rate`` and ``tokens_per_attempt``, greedily; with samples ``pass@...``."""
        greedy = self._attempt(model, mazes, temperature=0.0, repeats=1)
        figures = {
            "solved_rate": sum(attempt.solved for attempt in greedy) / len(greedy),
            "malformed_rate": sum(attempt.malformed for attempt in greedy) / len(greedy),
            "tokens_per_attempt": sum(attempt.tokens or 0 for attempt in greedy) / len(greedy),
        }
        if self.samples:
            sampled = self._attempt(model, mazes, temperature=1.0, repeats=self.samples)
            solved = [sum(attempt.solved for attempt in sampled[i :: len(mazes)]) for i in range(len(mazes))]
            figures["pass@1"] = sum(solved) / len(sampled)
            figures[f"pass@{self.samples}"] = sum(map(bool, solved)) / len(solved)
        return figures

    def _attempt(
        self, model: PreTrainedModel, mazes: Sequence[Maze], temperature: float, repeats: int
    ) -> list[Attempt]:
        """``repeats`` attempts at every maze, one round after another."""
        policy = self.make_policy(model, self.tokenizer, temperature, self.max_tokens)
        count, attempts = len(mazes), []
        devices = [torch.cuda.current_device()] if torch.cuda.is_available() else []
        with torch.random.fork_rng(devices=devices):  # an evaluation must not change what the run draws
            for number in range(repeats):
                seeds = range(number * count, (number + 1) * count)
                attempts += rollout(policy, mazes, seeds, view_radius=self.view_radius)
        return attempts


class EvaluatedTrainer(Trainer):
    """Mixed into TRL's trainers: ``evaluate`` attempts mazes, and warns of a reward that seems to be gamed.

    ``eval_strategy`` and ``eval_steps`` say when, as for any trainer, and ``metric_for_best_model`` may name any of the
    figures, such as ``eval_solved_rate``. The first process evaluates for all.
    """

    def __init__(self, *args: Any, evaluation: Evaluation | None = None, **kwargs: Any):
        """A trainer as its parents make it, and its evaluation; without one it cannot evaluate."""
        self.evaluation = evaluation
        super().__init__(*args, eval_dataset=evaluation.dataset() if evaluation else None, **kwargs)

    def evaluate(
        self,
        eval_dataset: Dataset | None = None,
        ignore_keys: list[str] | None = None,
        metric_key_prefix: str = "eval",
    ) -> dict[str, float]:
        assert self.evaluation is not None
        rows = self.eval_dataset if eval_dataset is None else eval_dataset
        outcome: list[Any] = [None]
        was_training = self.model.training
        self.model.eval()  # by which TRL tells the metrics of an evaluation from those of training
        if self.is_world_process_zero():
            outcome = [self.evaluation.figures(self.model, [maze_from_text(text) for text in rows["maze"]])]
        if self.args.world_size > 1:
            broadcast_object_list(outcome)
        metrics = {f"{metric_key_prefix}_{name}": value for name, value in outcome[0].items()}
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        self.model.train(was_training)
        if self.is_world_process_zero() and (warning := gamed_reward(self.state.log_history, len(rows))):
            logger.warning(warning)
        return metrics


def gamed_reward(log: Sequence[Mapping[str, float]], mazes: int) -> str:
    """What to say when the reward has risen since the first evaluation while the solved rate has clearly fallen.

    Args:
        log: the entries of a run so far.
        mazes: how many the solved rates are of.

    Returns:
        The warning; empty where there is nothing to warn of.
    """
    pairs, rewards = [], []  # for each evaluation, the mean reward since the one before, and its solved rate
    for entry in log:
        if "reward" in entry:
            rewards.append(entry["reward"])
        if "eval_solved_rate" in entry and rewards:
            pairs.append((sum(rewards) / len(rewards), entry["eval_solved_rate"]))
            rewards = []
    if not pairs:
        return ""
    (first_reward, first_rate), (reward, rate) = pairs[0], pairs[-1]
    noise = 2 * math.sqrt((first_rate * (1 - first_rate) + rate * (1 - rate)) / mazes)
    if reward <= first_reward or rate >= first_rate - noise:
        return ""
    return (
        f"The training reward rose from {first_reward:.3f} to {reward:.3f} while the solved rate on validation mazes "
        f"fell from {first_rate:.1%} to {rate:.1%}: the reward is probably gamed."
    )
