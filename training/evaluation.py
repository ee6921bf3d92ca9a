"""What a run shows of itself as it goes: the solved rate on validation mazes, in ``Trainer.evaluate``."""

import logging
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from datasets import Dataset
from transformers import PreTrainedModel, Trainer, TrainerControl

from maze_env._cli import write_whole
from maze_env.attempt import Attempt
from maze_env.maze import Maze
from maze_env.tokens import maze_from_text, maze_to_text
from tokenmaze.agents.base import Agent
from tokenmaze.agents.llm_policy import LLMPolicy
from tokenmaze.agents.multi_turn_policy import MultiTurnPolicy
from tokenmaze.agents.protocols import Tokenizer
from tokenmaze.agents.reading import evaluation_mode
from tokenmaze.agents.rollout import rollout
from tokenmaze.training.common import StageConfig, by_first_process
from tokenmaze.training.dataset import token_ids
from tokenmaze.training.mazes import DataConfig, validation_mazes
from tokenmaze.training.model_card import model_card
from tokenmaze.training.optimizers import muon_adamw
from tokenmaze.training.trl_adapter import complete_head, train_loss

logger = logging.getLogger(__name__)


class Evaluation:
    """Attempts at mazes of the validation split, in the mode that is trained for.

    The mazes have the run's own sizes and lengths, and are the same at every evaluation and in every run of that
    configuration. They are no suite: figures to publish come from MazeBench.
    """

    def __init__(
        self, args: StageConfig, data: DataConfig, tokenizer: Tokenizer, max_tokens: int, temperature: float = 1.0
    ):
        """``max_tokens`` is of a completion, in mode plan; ``temperature`` of the sampled attempts."""
        self.args, self.data, self.tokenizer = args, data, tokenizer
        self.max_tokens, self.temperature = max_tokens, temperature

    def rows(self) -> Dataset:
        """Rows of ``maze``, its text, and, because trainers ask for it, ``input_ids``, its tokens."""
        texts = [maze_to_text(maze) for maze in validation_mazes(self.data, self.args.eval_mazes)]
        return Dataset.from_dict({"maze": texts, "input_ids": token_ids(self.tokenizer, texts)})

    def figures(self, model: PreTrainedModel, mazes: list[Maze]) -> dict[str, float]:
        """``solved_rate``, ``malformed_rate`` and ``tokens_per_attempt``, greedily; with samples ``pass@...``."""
        greedy = self._attempt(model, mazes, temperature=0.0, repeats=1)
        figures = {
            "solved_rate": fmean(attempt.solved for attempt in greedy),
            "malformed_rate": fmean(attempt.malformed for attempt in greedy),
            "tokens_per_attempt": fmean(attempt.tokens or 0 for attempt in greedy),
        }
        if samples := self.args.eval_samples:
            sampled = self._attempt(model, mazes, self.temperature, repeats=samples)
            solved = [sum(attempt.solved for attempt in sampled[i :: len(mazes)]) for i in range(len(mazes))]
            figures |= {"pass@1": sum(solved) / len(sampled), f"pass@{samples}": fmean(map(bool, solved))}
        return figures

    def _attempt(self, model: PreTrainedModel, mazes: list[Maze], temperature: float, repeats: int) -> list[Attempt]:
        """``repeats`` attempts at every maze, one round after another."""
        if self.args.mode == "play":
            policy: Agent = MultiTurnPolicy(model, self.tokenizer, temperature=temperature)
        else:
            policy = LLMPolicy(model, self.tokenizer, temperature=temperature, max_new_tokens=self.max_tokens)
        count = len(mazes)
        rounds = (range(start, start + count) for start in range(0, repeats * count, count))
        return [one for seeds in rounds for one in rollout(policy, mazes, seeds, view_radius=self.args.view_radius)]


class EvaluatedTrainer(Trainer):
    """Mixed into TRL's trainers: ``evaluate`` attempts mazes, and warns of a reward that seems to be gamed.

    ``eval_strategy`` and ``eval_steps`` say when, as for any trainer, and ``metric_for_best_model`` may name any of the
    figures, such as ``eval_solved_rate``. The first process evaluates for all.
    """

    control: TrainerControl
    stage: str
    """The module of this package that trains, for the model's card."""

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: Tokenizer,
        args: StageConfig,
        evaluation: Evaluation,
        source: str,
        **options: Any,
    ):
        """A trainer as its parents make it, with the optimizer of ``args``.

        Args:
            model: what is trained.
            tokenizer: the model's.
            args: its configuration.
            evaluation: what it does in ``evaluate``.
            source: the model that it starts from, for the model's card.
            options: the parents'.
        """
        self.evaluation, self.source = evaluation, source
        rows = None if args.eval_strategy == "no" else evaluation.rows()
        if (muon := args.muon_learning_rate) is not None:
            options["optimizers"] = muon_adamw(model, args.learning_rate, muon, args.weight_decay), None
        super().__init__(model=model, args=args, eval_dataset=rows, processing_class=tokenizer, **options)
        complete_head(self.model)

    def create_model_card(
        self, model_name: str | None = None, dataset_name: str | None = None, tags: str | list[str] | None = None
    ) -> None:
        """This project's card in place of TRL's."""
        self._write_card(self.args.output_dir)

    def save_model(self, output_dir: str | None = None, _internal_call: bool = False) -> None:
        super().save_model(output_dir, _internal_call)
        self._write_card(output_dir or self.args.output_dir)  # peft has written one of its own there

    def _write_card(self, folder: str) -> None:
        if self.is_world_process_zero():
            rates = [entry["eval_solved_rate"] for entry in self.state.log_history if "eval_solved_rate" in entry]
            name = Path(self.args.output_dir).resolve().name
            card = model_card(name, self.stage, self.source, rates[-1] if rates else None)
            write_whole(Path(folder) / "README.md", card)

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        if "train_loss" in logs:  # which Trainer divides by the steps since the run was resumed
            logs["train_loss"] = train_loss(self)
        super().log(logs, start_time)

    def evaluate(
        self, eval_dataset: Dataset | None = None, ignore_keys: list[str] | None = None, metric_key_prefix: str = "eval"
    ) -> dict[str, float]:
        rows = self.eval_dataset if eval_dataset is None else eval_dataset
        mazes = [maze_from_text(text) for text in rows["maze"]]
        with evaluation_mode(self.model):  # by which TRL tells the metrics of an evaluation from those of training
            figures = by_first_process(self.args, lambda: self.evaluation.figures(self.model, mazes))
            metrics = {f"{metric_key_prefix}_{name}": value for name, value in figures.items()}
            self.log(metrics)
            self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        if self.is_world_process_zero() and (warning := gamed_reward(self.state.log_history, len(rows))):
            logger.warning(warning)
        return metrics


def gamed_reward(log: Sequence[Mapping[str, float]], mazes: int) -> str:
    """A warning where the reward has risen since the first evaluation while the solved rate has clearly fallen; or "".

    ``log`` holds a run's entries so far; the solved rates are of ``mazes`` mazes.
    """
    pairs, rewards = [], []  # for each evaluation, the mean reward since the one before, and its solved rate
    for entry in log:
        if "reward" in entry:
            rewards.append(entry["reward"])
        if "eval_solved_rate" in entry and rewards:
            pairs.append((fmean(rewards), entry["eval_solved_rate"]))
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
