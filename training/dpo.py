"""Direct preference optimisation on the model's own answers: to each maze, solved ones before failed ones.

    tokenmaze dpo --config rivals/dpo.yaml --model runs/my-sft --output_dir runs/my-dpo

The model that training starts from samples attempts at each maze, the environment verifies them, and TRL's
``DPOTrainer`` trains on pairs of a solved and a failed one. Mazes that are always or never solved give none.

Source: Rafailov et al. 2023, arXiv 2305.18290; here the verdict takes the place of people's preferences.
"""

import random
import time
from collections.abc import Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from datasets import Dataset
from transformers import HfArgumentParser
from trl import DPOConfig, DPOTrainer

from maze_env._cli import called_as, run_command
from maze_env.errors import InvalidConfig
from tokenmaze.training.arguments import option, parse, parser_of
from tokenmaze.training.common import as_dict, begin, end_processes, finish, run
from tokenmaze.training.dataset import length_bucketed_order
from tokenmaze.training.evaluation import EvaluatedTrainer, Evaluation
from tokenmaze.training.mazes import DataConfig, training_mazes
from tokenmaze.training.model import ModelConfig, check_model_words, load, lora_config
from tokenmaze.training.right_padded import require_masks
from tokenmaze.training.run_folder import Stopwatch
from tokenmaze.training.sampling import Group, SamplingConfig, check_can_sample, different, draw, figures_of
from tokenmaze.training.trl_adapter import train_loss
from tokenmaze.training.trl_keys import check_keys, check_optimization

TEXTS = ("prompt", "chosen", "rejected")
"""Columns that TRL asks for where a trainer is made, to tokenise them."""
SAMPLED = ("samples", "solved_rate", "pass@group", "frac_reward_zero_std", "completions/mean_length")
"""What ``run.json`` says of the samples."""


@dataclass
class MazeDPOConfig(SamplingConfig, DPOConfig):
    """TRL's ``DPOConfig`` with this project's defaults and a few fields of its own. Every field is a key."""

    pairs: int = option(1, "Pairs of each maze, at most; no sample is in two of them.")
    max_length: int | None = option(None, "Kept None: nothing is cut.")
    train_sampling_strategy: str = option("sequential", "Kept 'sequential': training/dataset.py arranges the rows.")
    per_device_train_batch_size: int = option(16, "Pairs a step.")
    logging_steps: float = option(20, "Steps between log entries.")
    save_steps: float = option(500, "Steps between checkpoints.")

    def __post_init__(self) -> None:
        self.check(pairs=1, num_generations=2)
        check_keys(self, "dpo")
        super().__post_init__()
        check_model_words(self.model_init_kwargs)


class PairedEvaluation(Evaluation):
    """Attempts at validation mazes, whose rows TRL's trainer can read."""

    def rows(self) -> Dataset:
        rows = super().rows()
        return with_texts({name: rows[name] for name in rows.column_names})


class MazeDPOTrainer(EvaluatedTrainer, DPOTrainer):
    """TRL's trainer, which attempts validation mazes."""

    stage = "dpo"


def with_texts(columns: dict[str, Any]) -> Dataset:
    """Rows that also have ``TEXTS``, all empty."""
    count = len(next(iter(columns.values())))
    return Dataset.from_dict(columns | {name: [""] * count for name in TEXTS})


def pair_rows(groups: Iterable[Group], pairs: int, batch_size: int, seed: int) -> Dataset:
    """Rows of ``prompt_ids``, ``chosen_ids`` and ``rejected_ids``, lists of tokens exactly as they were sampled.

    Args:
        groups: the samples of each maze.
        pairs: how many of a maze, at most.
        batch_size: pairs of a step.
        seed: of the order.

    Raises:
        InvalidConfig: where no maze has both a solved and a failed sample.
    """
    rows = []
    for group in groups:
        unlike = different(group)
        solved, failed = ([one for one in unlike if one.succeeded is verdict] for verdict in (True, False))
        for good, bad in list(zip(solved, failed, strict=False))[:pairs]:
            rows.append({"prompt_ids": good.prompt, "chosen_ids": good.completion, "rejected_ids": bad.completion})
    if not rows:
        raise InvalidConfig("Expects a model that solves some of the mazes in some of its samples, actual: none")
    random.Random(seed).shuffle(rows)
    lengths = [sum(map(len, row.values())) for row in rows]
    return Dataset.from_list([rows[i] for i in length_bucketed_order(lengths, batch_size, seed)])


def train(model_config: ModelConfig, data: DataConfig, args: MazeDPOConfig) -> dict[str, Any]:
    """Runs the stage and returns its figures; the checkpoint and ``run.json`` are in ``args.output_dir``."""
    stopwatch = Stopwatch()
    check_can_sample(data, args)
    require_masks(model_config.attn_implementation, "DPO")
    configuration = as_dict(model_config, data, args)
    checkpoint = begin(configuration, args)

    model, tokenizer = load(
        model_config, args.seed, args.model_init_kwargs, trust_remote_code=args.trust_remote_code,
        pad_token=args.pad_token,
    )  # fmt: skip
    args.model_init_kwargs = None  # of these words TRL would load a model of its own
    check_optimization(args, model)
    evaluation = PairedEvaluation(args, data, tokenizer, args.max_completion_length, args.temperature)
    adapters = lora_config(model_config, model)
    reference = None if adapters else deepcopy(model)  # else it is the model without its adapters
    options = {"train_dataset": with_texts({"maze": [""]}), "ref_model": reference, "peft_config": adapters}
    trainer = MazeDPOTrainer(model, tokenizer, args, evaluation, model_config.model, **options)
    began = time.perf_counter()
    groups = draw(trainer, training_mazes(data), args.seed)
    sampled = figures_of(groups)
    figures = {name: sampled[name] for name in SAMPLED} | {"sampling_seconds": time.perf_counter() - began}
    # Tokens as they were sampled: of texts TRL would make its own.
    trainer.train_dataset = pair_rows(groups, args.pairs, args.per_device_train_batch_size, args.seed)
    run(trainer, "dpo", configuration, checkpoint)
    figures |= {"train_loss": train_loss(trainer), "pairs": len(trainer.train_dataset)}
    return finish(trainer, "dpo", configuration, stopwatch, figures, checkpoint)


KEYS = (ModelConfig, DataConfig, MazeDPOConfig)
"""Their fields are the command's options."""


def parser() -> HfArgumentParser:
    """The command line."""
    return parser_of(KEYS, prog=called_as("training.dpo"), description=__doc__)


def main(arguments: Sequence[str] | None = None) -> None:
    """Data, model, samples, trainer, save."""
    train(*parse(KEYS, arguments, parser()))
    end_processes()


if __name__ == "__main__":
    run_command(main)
