"""Rejection-sampling fine-tuning in rounds: supervised fine-tuning on the model's own answers that solve their maze.

    tokenmaze rft --config rivals/rft.yaml --model runs/my-sft --output_dir runs/my-rft

In each round the model samples attempts at mazes that it has not seen, the environment verifies them, and TRL's
``SFTTrainer`` trains on those that arrive. Nothing else is learned from: no trace, no teacher, no failure. It is the
plainest rival of GRPO for the same number of samples.

Sources: expert iteration, Anthony et al. 2017, arXiv 1705.08439; STaR, Zelikman et al. 2022, arXiv 2203.14465; RFT,
Yuan et al. 2023, arXiv 2308.01825. Here a round goes on from the model, and the optimizer, of the round before; STaR
begins each anew from the first model.
"""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from math import ceil
from pathlib import Path
from typing import Any

from datasets import Dataset
from torch.optim import Optimizer
from torch.utils.data import DataLoader
from transformers import (
    HfArgumentParser,
    PreTrainedModel,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)
from trl import SFTConfig, SFTTrainer

from maze_env._cli import called_as, run_command
from maze_env.errors import InvalidConfig, lookup
from maze_env.keys import key_of
from maze_env.maze import Maze
from tokenmaze.agents.decoding import context_length
from tokenmaze.agents.protocols import Tokenizer
from tokenmaze.training.arguments import option, parse, parser_of
from tokenmaze.training.common import as_dict, begin, end_processes, finish, run
from tokenmaze.training.dataset import labelled_dataset
from tokenmaze.training.evaluation import EvaluatedTrainer, Evaluation
from tokenmaze.training.mazes import DataConfig, make_mazes
from tokenmaze.training.model import ModelConfig, check_model_words, load, lora_config
from tokenmaze.training.right_padded import require_masks
from tokenmaze.training.run_folder import Stopwatch
from tokenmaze.training.sampling import (
    Group,
    Sample,
    SamplingConfig,
    check_can_sample,
    different,
    draw,
    figures_of,
)
from tokenmaze.training.trl_adapter import train_loss
from tokenmaze.training.trl_keys import check_keys, check_optimization

KEEP: dict[str, Callable[[Group], Group]] = {
    "all": lambda solved: solved,
    "one": lambda solved: solved[:1],
    "shortest": lambda solved: sorted(solved, key=lambda sample: len(sample.completion))[:1],
}
"""Which of a maze's different solved samples, in the order in which they were drawn, are learned from."""


@dataclass
class MazeRFTConfig(SamplingConfig, SFTConfig):
    """TRL's ``SFTConfig`` with this project's defaults and a few fields of its own. Every field is a key."""

    rounds: int = option(8, "Rounds of sampling and training; each takes its share of the examples, which are mazes.")
    keep: str = option("all", "Learn from all different solved samples of a maze, from one, or from the shortest.")
    max_length: int | None = option(None, "Kept None: nothing is cut. See training/dataset.py.")
    train_sampling_strategy: str = option("sequential", "Kept 'sequential': training/dataset.py arranges the rows.")
    num_train_epochs: float = option(1.0, "Passes over the rows of a round.")
    per_device_train_batch_size: int = option(32, "Rows a step.")
    logging_steps: float = option(20, "Steps between log entries; each round has one of its samples besides.")
    save_steps: float = option(0, "Kept 0: a checkpoint is written at the end of each round.")

    def __post_init__(self) -> None:
        self.check(rounds=1, num_generations=1)
        lookup("keep", self.keep, KEEP)
        if not self.num_train_epochs > 0:
            raise InvalidConfig(
                f"Expects num_train_epochs above 0, passes over a round, actual: {self.num_train_epochs}"
            )
        check_keys(self, "rft")
        super().__post_init__()
        check_model_words(self.model_init_kwargs)


class MazeRFTTrainer(EvaluatedTrainer, SFTTrainer):
    """TRL's trainer, once for each round: it goes on from the last round's checkpoint, with rows sampled by that model.

    A run that was killed thereby resumes as any round begins.
    """

    stage = "rft"
    args: MazeRFTConfig
    """The run's keys."""

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: Tokenizer,
        args: MazeRFTConfig,
        evaluation: Evaluation,
        source: str,
        **options: Any,
    ):
        """A trainer as ``EvaluatedTrainer``; ``evaluation`` has the mazes to train on too."""
        none_yet = Dataset.from_dict({"input_ids": [[tokenizer.eos_token_id]], "labels": [[-100]]})  # TRL asks for rows
        super().__init__(model, tokenizer, args, evaluation, source, train_dataset=none_yet, **options)
        self.before = TrainerState()
        """The state in which the round before has ended."""
        self.sampled: dict[str, float] = {}
        """What the log says of the round's samples."""
        self.steps = 0
        """Of the round."""

    def train(self, resume_from_checkpoint: str | bool | None = None, **options: Any) -> Any:
        """Trains all rounds, or those that are left after a checkpoint; returns what the trainer says of the last."""
        self.add_callback(RoundLog(self))
        while True:
            if resume_from_checkpoint:
                self.before = TrainerState.load_from_json(str(Path(str(resume_from_checkpoint)) / "trainer_state.json"))
            output = super().train(resume_from_checkpoint, **options)
            if rounds_of(self.state) == self.args.rounds:
                return output
            resume_from_checkpoint = str(Path(str(self.args.output_dir)) / f"checkpoint-{self.state.global_step}")

    def get_train_dataloader(self) -> DataLoader:
        """Called when the weights of the round before are in place: samples this round's rows."""
        done, self.sampled = rounds_of(self.before), {}
        self.args.max_steps = self.before.global_step
        if done < self.args.rounds:  # else the run was killed after its last round, and nothing is to be trained
            self.train_dataset = self._sample(done)
            batches = ceil(len(self.train_dataset) / self.args.per_device_train_batch_size)
            self.steps = ceil(ceil(batches / self.args.gradient_accumulation_steps) * self.args.num_train_epochs)
            self.args.max_steps += self.steps
        return super().get_train_dataloader()

    def _sample(self, number: int) -> Dataset:
        """The rows of a round, and in ``self.sampled`` what its log says."""
        began, args = time.perf_counter(), self.args
        mazes = list(round_mazes(self.evaluation.data, number, args.rounds))
        groups = draw(self, mazes, key_of(args.seed, number))
        kept = [sample for group in groups for sample in chosen(group, args.keep)]
        if not kept:
            raise InvalidConfig(
                "Expects a model that solves some of the mazes (begin with sft, or with easier ones), "
                f"actual: none of {sum(map(len, groups))} samples in round {number + 1}"
            )
        random.Random(key_of(args.seed, number)).shuffle(kept)
        self.sampled = figures_of(groups) | {
            "round": number + 1,
            "kept": len(kept),
            "sampling_seconds": time.perf_counter() - began,
        }
        rows = ((sample.prompt, sample.completion) for sample in kept)
        context, batch = context_length(self.model), args.per_device_train_batch_size
        return labelled_dataset(rows, "samples", f"round {number + 1}", context, batch, args.seed)

    def create_scheduler(self, num_training_steps: int, optimizer: Optimizer | None = None) -> Any:
        """The schedule spans the run: rounds to come count as many steps as this one, so that the last is exact."""
        left = self.args.rounds - rounds_of(self.before) - 1
        return super().create_scheduler(num_training_steps + max(left, 0) * self.steps, optimizer)


class RoundLog(TrainerCallback):
    """Logs what a round sampled when it begins, and its last steps before its checkpoint is written."""

    def __init__(self, trainer: MazeRFTTrainer):
        """Of the trainer's rounds."""
        self.trainer = trainer

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        if self.trainer.sampled:
            self.trainer.log(self.trainer.sampled)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> TrainerControl:
        control.should_log |= state.global_step == state.max_steps
        return control


def rounds_of(state: TrainerState) -> int:
    """How many rounds have been logged."""
    return sum("kept" in entry for entry in state.log_history)


def round_mazes(data: DataConfig, number: int, rounds: int) -> Iterator[Maze]:
    """The mazes of a round, counted from 0: the next of ``data.examples`` in their order, shared out evenly."""
    share = slice(data.examples * number // rounds, data.examples * (number + 1) // rounds)
    return (maze for maze, _ in islice(make_mazes(data), share.start, share.stop))


def chosen(group: Group, keep: str) -> list[Sample]:
    """The samples of a maze that are learned from, as ``keep`` of ``KEEP`` says."""
    return KEEP[keep](different([sample for sample in group if sample.succeeded]))


def train(model_config: ModelConfig, data: DataConfig, args: MazeRFTConfig) -> dict[str, Any]:
    """Runs the stage and returns its figures; the checkpoint and ``run.json`` are in ``args.output_dir``."""
    stopwatch = Stopwatch()
    check_can_sample(data, args)
    if data.examples < args.rounds:
        raise InvalidConfig(f"Expects at least one of the examples for each round, actual: {data.examples} examples")
    require_masks(model_config.attn_implementation, "rejection sampling")
    configuration = as_dict(model_config, data, args)
    checkpoint = begin(configuration, args)

    model, tokenizer = load(
        model_config, args.seed, args.model_init_kwargs, trust_remote_code=args.trust_remote_code,
        eos_token=args.eos_token, pad_token=args.pad_token,
    )  # fmt: skip
    args.model_init_kwargs = None  # TRL would say that it reads none, of a model that is loaded
    args.ignore_data_skip = True  # a round goes on from a checkpoint with rows of its own
    check_optimization(args, model)
    evaluation = Evaluation(args, data, tokenizer, args.max_completion_length, args.temperature)
    source, adapters = model_config.model, lora_config(model_config, model)
    trainer = MazeRFTTrainer(model, tokenizer, args, evaluation, source, peft_config=adapters)
    run(trainer, "rft", configuration, checkpoint)
    figures = {"train_loss": train_loss(trainer), **totals(trainer.state)}
    return finish(trainer, "rft", configuration, stopwatch, figures, checkpoint)


def totals(state: TrainerState) -> dict[str, Any]:
    """Of all rounds: samples, those kept, seconds of sampling; and the solved rates of the first and the last."""
    rounds = [entry for entry in state.log_history if "kept" in entry]
    sums = {name: sum(entry[name] for entry in rounds) for name in ("samples", "kept", "sampling_seconds")}
    return sums | {"solved_rate": {"first": rounds[0]["solved_rate"], "last": rounds[-1]["solved_rate"]}}


KEYS = (ModelConfig, DataConfig, MazeRFTConfig)
"""Their fields are the command's options."""


def parser() -> HfArgumentParser:
    """The command line."""
    return parser_of(KEYS, prog=called_as("training.rft"), description=__doc__)


def main(arguments: Sequence[str] | None = None) -> None:
    """Data, model, rounds, save."""
    train(*parse(KEYS, arguments, parser()))
    end_processes()


if __name__ == "__main__":
    run_command(main)
