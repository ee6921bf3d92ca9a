"""What the stages share: keys, how a run begins and how it ends."""

import sys
from collections.abc import Callable
from ctypes import CDLL
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from accelerate import PartialState
from accelerate.utils import broadcast_object_list, gather_object
from transformers import Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from maze_env.errors import InvalidConfig, TokenMazeError, lookup
from maze_env.visibility import check_view_radius
from tokenmaze.agents.base import MODES
from tokenmaze.training import run_folder
from tokenmaze.training.arguments import option, require_at_least
from tokenmaze.training.checkpoints import WholeCheckpoints, check_resumable
from tokenmaze.training.console import told_in_lines
from tokenmaze.training.run_folder import Stopwatch
from tokenmaze.training.trl_adapter import is_sharded, score_labels_alone

Values = dict[str, Any]
BF16 = {"auto": None, "true": True, "false": False}
"""What the key ``bf16`` may say; ``auto`` asks the machine."""


@dataclass
class StageConfig(TrainingArguments if TYPE_CHECKING else object):  # type: ignore[misc]
    """The keys of every stage. Mixed into TRL's configuration of each, whose defaults it overrides."""

    output_dir: str | None = option("runs/unnamed", "The run's folder: checkpoints and run.json.")
    resume: bool = option(False, "Go on from the newest checkpoint in output_dir.")
    overwrite: bool = option(False, "Replace the run in output_dir.")
    mode: str = option("plan", "plan: one answer for the whole maze; play: by moves, the environment answering each.")
    view_radius: int | None = option(None, "Mode play: how far the agent sees; None: all.")
    muon_learning_rate: float | None = option(None, "Of Muon, for the hidden matrices; None for AdamW throughout.")
    eval_mazes: int = option(100, "Validation mazes attempted in each evaluation; see eval_strategy, eval_steps.")
    eval_samples: int = option(0, "Sampled attempts at each of them, for eval_pass@1 and eval_pass@K; 0 for none.")
    num_train_epochs: float = option(1.0, "Passes over the rows; GRPO keeps 1.")
    bf16: str = option("false", "bfloat16 autocast: true, false, or auto for where this machine multiplies in it.")
    activation_checkpointing: bool | None = option(False, "Trade time for memory.")
    gradient_checkpointing: bool = option(False, "The older name of activation_checkpointing: either turns it on.")
    dataloader_pin_memory: bool = option(False, "Pinned host memory; for GPUs.")
    save_strategy: str = option("steps", "'steps', 'epoch' or 'no'.")
    save_total_limit: int | None = option(2, "Checkpoints kept.")

    def check(self, **bounds: float) -> None:
        """Settles ``bf16``. Raises InvalidConfig for values that no stage can have, and for those under ``bounds``."""
        lookup("mode", self.mode, dict.fromkeys(MODES))
        check_view_radius(self.view_radius)
        if self.view_radius is not None and self.mode == "plan":
            raise InvalidConfig(
                "Expects view_radius only with mode play (a plan is made from the whole maze), "
                f"actual: {self.view_radius}"
            )
        self.activation_checkpointing = bool(self.activation_checkpointing or self.gradient_checkpointing)
        check_resumable(self)
        value = lookup("value of bf16", str(self.bf16).lower(), BF16)
        self.bf16 = has_native_bf16() if value is None else value  # type: ignore[assignment]
        if self.bf16 and not torch.accelerator.is_available():
            self.use_cpu = True  # transformers refuses bf16 on a processor unless told that it is meant
        require_at_least(self, learning_rate=0, muon_learning_rate=0, weight_decay=0, max_grad_norm=0, eval_samples=0)
        require_at_least(self, num_train_epochs=0, max_steps=-1, save_steps=0, save_total_limit=1)
        require_at_least(self, gradient_accumulation_steps=1, dataloader_num_workers=0)
        require_at_least(self, per_device_train_batch_size=1, eval_mazes=1, **bounds)


def has_native_bf16() -> bool:
    """Whether the accelerator, else the processor, has bfloat16 of its own: emulated, it is slower than float32."""
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if torch.accelerator.is_available():
        return False
    capabilities: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()  # not in every version of torch
    return any(has for name, has in capabilities.items() if "bf16" in name)


def by_first_process(args: TrainingArguments, work: Callable[[], Any]) -> Any:
    """What ``work`` returns, or raises of this project's errors, in the first process: the same in all."""
    outcome: list[Any] = [None]
    if args.process_index == 0:
        try:
            outcome = [work()]
        except TokenMazeError as error:
            outcome = [error]
    if args.world_size > 1:
        broadcast_object_list(outcome)
    if isinstance(outcome[0], TokenMazeError):
        raise outcome[0]
    return outcome[0]


def begin(configuration: Values, args: StageConfig) -> str | None:
    """``run_folder.prepare`` by the first process for all; returns the checkpoint to go on from.

    The number of processes becomes part of the configuration: each has random numbers of its own.
    """
    configuration["processes"] = args.world_size
    if configuration.get("lora_rank") is not None and args.muon_learning_rate is not None:
        raise InvalidConfig(
            "Expects muon_learning_rate unset with lora_rank (it would be given the weights that do not move), actual: "
            f"muon_learning_rate={args.muon_learning_rate}, lora_rank={configuration['lora_rank']}"
        )
    if configuration.get("prompt") is not None and args.mode == "play":
        raise InvalidConfig("Expects prompt only with mode plan (dialogues have their own), actual: mode play")
    prepare = partial(run_folder.prepare, str(args.output_dir), configuration, args.resume, args.overwrite)
    return by_first_process(args, prepare)


def run(trainer: Trainer, stage: str, configuration: Values, checkpoint: str | None) -> Any:
    """Trains, from ``checkpoint`` where there is one; returns what ``trainer.train`` does."""
    args = trainer.args
    credit = getattr(args, "step_credit", None)
    if is_sharded(trainer) and (args.mode == "play" or args.eval_strategy != "no" or credit):
        raise InvalidConfig(
            "Expects mode plan, eval_strategy no and no step_credit with FSDP or DeepSpeed, whose processes have to "
            f"read in step, actual: mode {args.mode}, eval_strategy {args.eval_strategy}, step_credit {credit}"
        )
    score_labels_alone()
    trainer.add_callback(FreedMemory())
    trainer.add_callback(WholeCheckpoints(trainer, args.save_total_limit))
    if checkpoint is not None:
        args.eval_on_start = False  # it was, when the run began
    args.save_total_limit = None  # Trainer would delete before the newest one is whole, and count any checkpoint-*
    folder, first = Path(args.output_dir), trainer.is_world_process_zero()
    is_new = first and checkpoint is None and not (args.resume and any(folder.iterdir()))
    if checkpoint is None and first:
        if is_new:  # no sooner: until here a failed start loses nothing
            run_folder.empty(folder)
        if getattr(args, "log_completions", False):
            (folder / "completions").mkdir(exist_ok=True)  # TRL's trainer made it, before the folder was emptied
        run_folder.write_run(folder, stage, configuration, None)
    try:
        with told_in_lines(trainer):
            return trainer.train(resume_from_checkpoint=checkpoint)
    except BaseException:
        if is_new and not trainer.state.global_step:
            run_folder.empty(folder)  # so that the corrected command finds the folder free
        raise


class FreedMemory(TrainerCallback):
    """Returns memory that is free to the system whenever a run logs, where the C library is glibc.

    Rows are of other lengths in each step, and what they leave behind is in pieces that the next cannot use: SFT of
    SmolLM2-135M, 8 rows at a time, had grown to 12.9 GiB (benchmarks/results/training/smollm2-0-sft.json).
    """

    def on_log(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        if trim := getattr(CDLL(None) if sys.platform == "linux" else None, "malloc_trim", None):
            trim(0)


def check_divides(rows: int, batch_size: int, processes: int) -> None:
    """Raises InvalidConfig where several processes would fill up their last step with rows they had before."""
    if processes > 1 and rows % (batch_size * processes):
        raise InvalidConfig(
            f"Expects examples to be a multiple of {batch_size * processes} (per_device_train_batch_size times "
            f"{processes} processes; a step that is not full would repeat rows), actual: {rows}"
        )


def as_dict(*configurations: Any) -> Values:
    """All keys of a run and their values."""
    parts = (config.to_dict() if hasattr(config, "to_dict") else asdict(config) for config in configurations)
    return {key: value for part in parts for key, value in part.items()}


def finish(
    trainer: Trainer, stage: str, configuration: Values, stopwatch: Stopwatch, figures: Values, checkpoint: str | None
) -> Values:
    """Saves model, tokenizer, log and ``run.json``.

    Returns ``figures`` and every run's: its time since it was resumed, and the peak memory of all processes together.
    """
    folder = Path(trainer.args.output_dir)
    if configuration["merge_lora"]:
        trainer.model = trainer.accelerator.unwrap_model(trainer.model).merge_and_unload()
    trainer.save_model(str(folder))
    resumed_at = int(checkpoint.rpartition("-")[2]) if checkpoint else 0
    if resumed_at == trainer.state.global_step and (ended := run_folder.figures_of(folder)):
        return ended  # nothing was left to do: log and figures are those of the run that did it
    steps = {"steps": trainer.state.global_step, "resumed_at_step": resumed_at}
    figures = {**figures, **steps, **stopwatch.figures()}
    peaks = gather_object([figures["peak_memory_gib"]])  # of every process
    figures["peak_memory_gib"] = None if None in peaks else round(sum(peaks), 2)
    if trainer.is_world_process_zero():
        trainer.state.save_to_json(str(folder / "trainer_state.json"))
        run_folder.write_run(folder, stage, configuration, figures)  # last: figures say that the run is complete
    return figures


def end_processes() -> None:
    """Closes what joins several processes, as the last act of a command: its threads may abort a process that exits.

    Together: those of a process that closes while another still talks to it may abort it, too.
    """
    PartialState().wait_for_everyone()
    PartialState().destroy_process_group()
