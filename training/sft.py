"""Supervised fine-tuning on reasoning traces, by TRL's ``SFTTrainer``.

    python -m training.sft --config training/configs/default/sft.yaml --output_dir runs/my-sft

Departures from the paper (AlphaMaze, arXiv 2502.14669), which fine-tuned a pretrained 1.5B model:
1. The default starts from random weights, in a vocabulary of one token per maze token.
2. Matrices are trained by Muon, the rest by AdamW, where ``muon_learning_rate`` is set (for models from nothing).
3. Nothing is cut at 4,096 tokens: an example that does not fit is an error before training starts.
"""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from trl import SFTConfig, SFTTrainer

from maze_env.commands import run_command
from maze_env.errors import InvalidConfig
from training import run_folder
from training.arguments import parse, require_at_least
from training.data import DataConfig
from training.model import ModelConfig, load
from training.monitor import Stopwatch, ValidationCallback
from training.optimizers import muon_adamw
from training.rows import context_length, supervised_dataset


@dataclass
class MazeSFTConfig(SFTConfig):
    """TRL's ``SFTConfig`` with this project's defaults and a few fields of its own. Every field is a key."""

    output_dir: str | None = field(default="runs/sft", metadata={"help": "The run's folder: checkpoints and run.json."})
    resume: bool = field(default=False, metadata={"help": "Go on from the newest checkpoint in output_dir."})
    overwrite: bool = field(default=False, metadata={"help": "Replace what is in output_dir."})
    muon_learning_rate: float | None = field(
        default=None,
        metadata={"help": "Train the hidden matrices by Muon at this rate; None for AdamW throughout."},
    )
    validate_every: int = field(default=0, metadata={"help": "Steps between looks at validation mazes; 0 for none."})
    validate_mazes: int = field(default=100, metadata={"help": "Mazes in each look."})
    validate_tokens: int = field(default=512, metadata={"help": "Longest completion in a look, in tokens."})
    max_length: int | None = field(default=None, metadata={"help": "Kept None: nothing is cut. See training/rows.py."})
    train_sampling_strategy: str = field(
        default="sequential", metadata={"help": "Kept 'sequential': rows are arranged before; see training/rows.py."}
    )
    num_train_epochs: float = field(default=1.0, metadata={"help": "Passes over the rows."})
    per_device_train_batch_size: int = field(default=32, metadata={"help": "Rows a step and device."})
    bf16: bool | None = field(default=False, metadata={"help": "bfloat16 autocast; for GPUs."})
    activation_checkpointing: bool | None = field(default=False, metadata={"help": "Trade time for memory."})
    dataloader_pin_memory: bool = field(default=False, metadata={"help": "Pinned host memory; for GPUs."})
    logging_steps: float = field(default=20, metadata={"help": "Steps between log entries."})
    save_strategy: str = field(default="steps", metadata={"help": "'steps', 'epoch' or 'no'."})
    save_steps: float = field(default=500, metadata={"help": "Steps between checkpoints."})
    save_total_limit: int | None = field(default=2, metadata={"help": "Checkpoints kept."})

    def __post_init__(self) -> None:
        require_at_least(
            self, per_device_train_batch_size=1, learning_rate=0, muon_learning_rate=0,
            validate_every=0, validate_mazes=1, validate_tokens=1,
        )  # fmt: skip
        if self.max_length is not None:
            raise InvalidConfig(f"Expects max_length to stay None (nothing is cut), actual: {self.max_length}")
        if self.packing:
            raise InvalidConfig("Expects packing to stay false (rows are arranged by length), actual: true")
        if self.train_sampling_strategy != "sequential":
            raise InvalidConfig(
                "Expects train_sampling_strategy 'sequential' (the rows' order is fixed by training/rows.py, so that a "
                f"resumed run reads on where it stopped), actual: {self.train_sampling_strategy!r}"
            )
        super().__post_init__()


def main() -> None:
    """Data, model, trainer, save."""
    model_config, data, args = parse([ModelConfig, DataConfig, MazeSFTConfig], description=__doc__)
    train(model_config, data, args)


def train(model_config: ModelConfig, data: DataConfig, args: MazeSFTConfig) -> dict[str, Any]:
    """Runs the stage and returns its figures; the checkpoint and ``run.json`` are in ``args.output_dir``."""
    stopwatch = Stopwatch()
    configuration = as_dict(model_config, data, args)
    checkpoint = run_folder.prepare(str(args.output_dir), configuration, args.resume, args.overwrite)

    model, tokenizer = load(model_config, args.seed)
    rows = supervised_dataset(data, tokenizer, context_length(model), args.per_device_train_batch_size, args.seed)

    if checkpoint is None:
        run_folder.write_run(Path(str(args.output_dir)), "sft", configuration, None)
    optimizer = None
    if args.muon_learning_rate is not None:
        optimizer = muon_adamw(model, args.learning_rate, args.muon_learning_rate, args.weight_decay)
    validation = ValidationCallback(data, tokenizer, args.validate_every, args.validate_mazes, args.validate_tokens)
    trainer = SFTTrainer(
        model=model,
        args=args,
        train_dataset=rows,
        processing_class=tokenizer,
        optimizers=(optimizer, None),
        callbacks=[validation],
    )
    validation.trainer = trainer
    result = trainer.train(resume_from_checkpoint=checkpoint)

    return finish(trainer, "sft", configuration, stopwatch, {"train_loss": result.training_loss})


def as_dict(*configurations: Any) -> dict[str, Any]:
    """All keys of a run and their values."""
    merged: dict[str, Any] = {}
    for config in configurations:
        merged.update(config.to_dict() if hasattr(config, "to_dict") else asdict(config))
    return merged


def finish(
    trainer: Any, stage: str, configuration: dict[str, Any], stopwatch: Stopwatch, figures: dict[str, Any]
) -> dict[str, Any]:
    """Saves model, tokenizer, the log and ``run.json``; returns the figures."""
    folder = Path(trainer.args.output_dir)
    trainer.save_model(str(folder))
    figures = {**figures, "steps": trainer.state.global_step, **stopwatch.figures()}
    if trainer.is_world_process_zero():
        trainer.state.save_to_json(str(folder / "trainer_state.json"))
        run_folder.write_run(folder, stage, configuration, figures)  # last: figures say that the run is complete
    return figures


if __name__ == "__main__":
    run_command(main)
