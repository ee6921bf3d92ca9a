"""Supervised fine-tuning on reasoning traces, by TRL's ``SFTTrainer``.

    python -m training.sft --config training/configs/default/sft.yaml --output_dir runs/my-sft

Departures from the paper (AlphaMaze, arXiv 2502.14669), which fine-tuned a pretrained 1.5B model:
1. The default starts from random weights, in a vocabulary of one token per maze token.
2. Matrices are trained by Muon, the rest by AdamW, where ``muon_learning_rate`` is set (for models from scratch).
3. Nothing is cut at 4,096 tokens: an example that does not fit is an error before training starts.
"""

from dataclasses import dataclass
from typing import Any

from trl import SFTConfig, SFTTrainer

from agents.baselines import BASELINES
from agents.decoding import context_length
from maze_env._cli import run_command
from maze_env.errors import InvalidConfig, lookup
from training.arguments import option, parse, require_default
from training.common import StageConfig, as_dict, begin, check_divides, end_processes, finish, run
from training.dataset import supervised_dataset
from training.evaluation import EvaluatedTrainer, Evaluation
from training.mazes import DataConfig
from training.model import ModelConfig, load, lora_config
from training.multi_turn import expert_dataset
from training.run_folder import Stopwatch


@dataclass
class MazeSFTConfig(StageConfig, SFTConfig):
    """TRL's ``SFTConfig`` with this project's defaults and a few fields of its own. Every field is a key."""

    expert: str = option("shortest-path", f"Whose episodes are learned from in mode play: {', '.join(BASELINES)}.")
    eval_max_tokens: int = option(512, "Longest completion in an evaluation, in tokens.")
    max_length: int | None = option(None, "Kept None: nothing is cut. See training/dataset.py.")
    train_sampling_strategy: str = option("sequential", "Kept 'sequential': training/dataset.py arranges the rows.")
    per_device_train_batch_size: int = option(32, "Rows a step and device.")
    logging_steps: float = option(20, "Steps between log entries.")
    save_steps: float = option(500, "Steps between checkpoints.")

    def __post_init__(self) -> None:
        self.check(eval_max_tokens=1)
        lookup("expert", self.expert, BASELINES)
        require_default(self, "max_length", "nothing is cut")
        if self.chat_template_path is not None:
            raise InvalidConfig(
                "Expects chat_template_file in place of chat_template_path (which TRL reads after the rows are made), "
                f"actual: chat_template_path={self.chat_template_path!r}"
            )
        require_default(self, "packing", "rows are arranged by length")
        fixed = "training/dataset.py fixes the rows' order, so that a resumed run reads on where it stopped"
        require_default(self, "train_sampling_strategy", fixed)
        super().__post_init__()


class MazeSFTTrainer(EvaluatedTrainer, SFTTrainer):
    """TRL's trainer, which attempts validation mazes."""


def train(model_config: ModelConfig, data: DataConfig, args: MazeSFTConfig) -> dict[str, Any]:
    """Runs the stage and returns its figures; the checkpoint and ``run.json`` are in ``args.output_dir``."""
    stopwatch = Stopwatch()
    configuration = as_dict(model_config, data, args)
    checkpoint = begin(configuration, args)

    model, tokenizer = load(model_config, args.seed)
    # Rows of all processes, so that a step's rows are the same however many share them.
    context, batch = context_length(model), args.per_device_train_batch_size * args.world_size
    if args.mode == "play":
        rows = expert_dataset(data, tokenizer, context, batch, args.seed, args.expert, args.view_radius)
    else:
        rows = supervised_dataset(data, tokenizer, context, batch, args.seed)
    check_divides(len(rows), args.per_device_train_batch_size, args.world_size)
    evaluation, adapters = Evaluation(args, data, tokenizer, args.eval_max_tokens), lora_config(model_config, model)
    trainer = MazeSFTTrainer(model, tokenizer, args, evaluation, train_dataset=rows, peft_config=adapters)
    figures = {"train_loss": run(trainer, "sft", configuration, checkpoint).training_loss}
    return finish(trainer, "sft", configuration, stopwatch, figures, checkpoint)


def main() -> None:
    """Data, model, trainer, save."""
    train(*parse([ModelConfig, DataConfig, MazeSFTConfig], description=__doc__))
    end_processes()


if __name__ == "__main__":
    run_command(main)
