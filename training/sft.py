"""Supervised fine-tuning on reasoning traces, by TRL's ``SFTTrainer``.

    tokenmaze sft --config default/sft.yaml --output_dir runs/my-sft

Departures from the paper (AlphaMaze, arXiv 2502.14669), which fine-tuned a pretrained 1.5B model:
1. The default starts from random weights, in a vocabulary of one token per maze token.
2. Matrices are trained by Muon, the rest by AdamW, where ``muon_learning_rate`` is set (for models from scratch).
3. Nothing is cut at 4,096 tokens: an example that does not fit is an error before training starts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from datasets import Dataset
from transformers import HfArgumentParser
from trl import SFTConfig, SFTTrainer

from maze_env._cli import called_as, run_command
from maze_env.errors import lookup
from tokenmaze.agents.baselines import BASELINES
from tokenmaze.agents.decoding import context_length
from tokenmaze.agents.prompts import render
from tokenmaze.training.arguments import option, parse, parser_of
from tokenmaze.training.common import StageConfig, as_dict, begin, check_divides, end_processes, finish, run
from tokenmaze.training.dataset import check_prompts_fit, supervised_dataset
from tokenmaze.training.evaluation import EvaluatedTrainer, Evaluation
from tokenmaze.training.mazes import DataConfig
from tokenmaze.training.model import ModelConfig, check_model_words, load, lora_config
from tokenmaze.training.multi_turn import expert_dataset
from tokenmaze.training.right_padded import check_layers, standard_attention
from tokenmaze.training.run_folder import Stopwatch
from tokenmaze.training.trl_adapter import train_loss
from tokenmaze.training.trl_keys import check_keys, check_optimization


@dataclass
class MazeSFTConfig(StageConfig, SFTConfig):
    """TRL's ``SFTConfig`` with this project's defaults and a few fields of its own. Every field is a key."""

    expert: str = option("shortest-path", f"Whose episodes are learned from in mode play: {', '.join(BASELINES)}.")
    eval_max_tokens: int = option(512, "Longest completion in an evaluation, in tokens.")
    max_length: int | None = option(None, "Kept None: nothing is cut. See training/dataset.py.")
    dataset_num_proc: int | None = option(None, "Processes that write and tokenize rows; None: this one. Mode plan.")
    train_sampling_strategy: str = option("sequential", "Kept 'sequential': training/dataset.py arranges the rows.")
    per_device_train_batch_size: int = option(32, "Rows a step and device.")
    logging_steps: float = option(20, "Steps between log entries.")
    save_steps: float = option(500, "Steps between checkpoints.")

    def __post_init__(self) -> None:
        self.check(eval_max_tokens=1, dataset_num_proc=1)
        lookup("expert", self.expert, BASELINES)
        check_keys(self, "sft")
        super().__post_init__()
        check_model_words(self.model_init_kwargs)


class MazeSFTTrainer(EvaluatedTrainer, SFTTrainer):
    """TRL's trainer, which attempts validation mazes."""

    stage = "sft"

    def evaluate(
        self, eval_dataset: Dataset | None = None, ignore_keys: list[str] | None = None, metric_key_prefix: str = "eval"
    ) -> dict[str, float]:
        with standard_attention(self.accelerator.unwrap_model(self.model)):
            return super().evaluate(eval_dataset, ignore_keys, metric_key_prefix)


def train(model_config: ModelConfig, data: DataConfig, args: MazeSFTConfig) -> dict[str, Any]:
    """Runs the stage and returns its figures; the checkpoint and ``run.json`` are in ``args.output_dir``."""
    stopwatch = Stopwatch()
    configuration = as_dict(model_config, data, args)
    checkpoint = begin(configuration, args)

    model, tokenizer = load(
        model_config, args.seed, args.model_init_kwargs, trust_remote_code=args.trust_remote_code,
        eos_token=args.eos_token, pad_token=args.pad_token,
    )  # fmt: skip
    args.model_init_kwargs = None  # TRL would say that it reads none, of a model that is loaded
    check_layers(model)
    check_optimization(args, model)
    # Rows of all processes, so that a step's rows are the same however many share them.
    context, batch = context_length(model), args.per_device_train_batch_size * args.world_size
    evaluation, adapters = Evaluation(args, data, tokenizer, args.eval_max_tokens), lora_config(model_config, model)
    if args.mode == "plan" and args.eval_strategy != "no":
        prompts = [render(tokenizer, text).text for text in evaluation.rows()["maze"]]
        check_prompts_fit(tokenizer, prompts, args.eval_max_tokens, context, "eval_max_tokens")
    if args.mode == "play":
        rows = expert_dataset(data, tokenizer, context, batch, args.seed, args.expert, args.view_radius)
    else:
        rows = supervised_dataset(data, tokenizer, context, batch, args.seed, args.dataset_num_proc)
    check_divides(len(rows), args.per_device_train_batch_size, args.world_size)
    source = model_config.model
    trainer = MazeSFTTrainer(model, tokenizer, args, evaluation, source, train_dataset=rows, peft_config=adapters)
    run(trainer, "sft", configuration, checkpoint)
    figures = {"train_loss": train_loss(trainer)}
    return finish(trainer, "sft", configuration, stopwatch, figures, checkpoint)


KEYS = (ModelConfig, DataConfig, MazeSFTConfig)
"""Their fields are the command's options."""


def parser() -> HfArgumentParser:
    """The command line."""
    return parser_of(KEYS, prog=called_as("training.sft"), description=__doc__)


def main(arguments: Sequence[str] | None = None) -> None:
    """Data, model, trainer, save."""
    train(*parse(KEYS, arguments, parser()))
    end_processes()


if __name__ == "__main__":
    run_command(main)
