"""Checkpoints that count: those that are whole, as a list of their files says that is written last.

``Trainer`` writes a dozen files and then deletes older checkpoints. A run that dies in between, or a disk that fills
up, leaves some of them out or cut off, and ``Trainer`` would go on from what is there without a word.
"""

import hashlib
import json
import logging
import os
import re
import shutil
from pathlib import Path
from typing import Any

from accelerate import PartialState
from transformers import Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from maze_env._cli import write_whole
from maze_env.errors import InvalidConfig
from tokenmaze.training.trl_adapter import counters, restore_counters

logger = logging.getLogger(__name__)

MANIFEST = "manifest.json"
"""``{"counters": trl_adapter.counters, "files": {name: [bytes, SHA-256 in hex]}}``, of the checkpoint's other files."""
NAME = re.compile(r"checkpoint-(?:0|[1-9][0-9]*)")
"""Other folders, such as a copy ``checkpoint-12-backup``, are the user's: never read, never deleted."""
INEXACT = {
    "save_only_model": "without the optimizer's state a resumed run goes another way",
    "ignore_data_skip": "a resumed run would read the first rows again",
    "auto_find_batch_size": "a resumed run would look for its batch size anew",
    "sync_ref_model": "the reference model is in no checkpoint",
    "use_adaptive_entropy": "its weight is in no checkpoint",
    "use_vllm": "the state of vLLM's random numbers is in no checkpoint",
}
"""Keys with which a resumed run ends otherwise than one that was not interrupted, and why."""
STATELESS_OPTIMIZERS = re.compile(r"(ada)?lomo|.*_layerwise")
"""Values of ``optim`` whose state ``Trainer`` does not save: the update is made in the backward pass."""


def check_resumable(args: Any) -> None:
    """Raises InvalidConfig for a stage's settings that save what cannot be resumed; with ``resume``, not exactly."""
    if args.save_strategy == "best":
        raise InvalidConfig(
            "Expects save_strategy 'steps', 'epoch' or 'no' (load_best_model_at_end keeps the best checkpoint beside "
            "the newest, from which alone a run resumes), actual: 'best'"
        )
    if not args.resume:
        return
    for key, reason in INEXACT.items():
        if getattr(args, key, False):
            raise InvalidConfig(f"Expects {key}=False with --resume ({reason}), actual: {getattr(args, key)!r}")
    optimizer = str(getattr(args.optim, "value", args.optim))
    if STATELESS_OPTIMIZERS.fullmatch(optimizer):
        raise InvalidConfig(f"Expects an optim whose state is saved with --resume, actual: {optimizer!r}")


class WholeCheckpoints(TrainerCallback):
    """Lists the files of each checkpoint once all processes have written it; only then deletes the oldest ones."""

    def __init__(self, trainer: Trainer, limit: int | None):
        """``limit``: how many checkpoints are kept, the best one aside; ``None`` for all."""
        self.trainer, self.limit = trainer, limit

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        if state.global_step:
            manifest = Path(str(args.output_dir)) / f"checkpoint-{state.global_step}" / MANIFEST
            restore_counters(self.trainer, json.loads(manifest.read_text(encoding="utf-8"))["counters"])
        best = Path(str(args.output_dir)) / f"checkpoint-{state.best_global_step}"
        if state.best_global_step and best.is_dir():
            state.best_model_checkpoint = str(best)  # the state has where it was written, and a run may have been moved

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> TrainerControl:
        """Logs before each checkpoint: what is averaged between log entries is in no checkpoint."""
        if control.should_save and args.logging_strategy != "no" and state.global_step < state.max_steps:
            control.should_log = True
        return control

    on_epoch_end = on_step_end

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        PartialState().wait_for_everyone()
        if args.should_save:
            folder = Path(str(args.output_dir)) / f"checkpoint-{state.global_step}"
            write_manifest(folder, counters(self.trainer))
            self.on_train_end(args, state, control)

    def on_train_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Deletes the oldest; at the end once more, for a run that was killed while it did."""
        if args.should_save and self.limit:
            best = Path(state.best_model_checkpoint).name if state.best_model_checkpoint else None
            delete_oldest(Path(str(args.output_dir)), self.limit, best)


def numbered(folder: Path) -> list[Path]:
    """The folders ``checkpoint-N`` of a run, whole or not, the newest first."""
    found = [path for path in folder.iterdir() if NAME.fullmatch(path.name) and path.is_dir()]
    return sorted(found, key=_step, reverse=True)


def write_manifest(checkpoint: Path, counts: dict[str, float]) -> None:
    """Lists the files of a checkpoint that has been written, once they have reached the disk."""
    files: dict[str, list[Any]] = {}
    for path in sorted(checkpoint.rglob("*")):
        if path.is_file() and path != checkpoint / MANIFEST:
            with path.open("rb+") as stream:
                os.fsync(stream.fileno())
            files[path.relative_to(checkpoint).as_posix()] = _size_and_hash(path)
    write_whole(checkpoint / MANIFEST, json.dumps({"counters": counts, "files": files}, indent=1) + "\n")


def fault(checkpoint: Path) -> str | None:
    """Why a checkpoint is not whole; ``None`` for one that is."""
    try:
        files = json.loads((checkpoint / MANIFEST).read_text(encoding="utf-8"))["files"]
        listed = {str(name): list(facts) for name, facts in files.items()}
    except FileNotFoundError:
        return f"it was not written to its end (no {MANIFEST})"
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        return f"its {MANIFEST} cannot be read ({type(error).__name__})"
    for name, facts in listed.items():
        path = checkpoint / name
        if not path.is_file():
            return f"{name} is missing"
        if path.stat().st_size != facts[0]:
            return f"{name} has {path.stat().st_size} of {facts[0]} bytes"
        if _size_and_hash(path) != facts:
            return f"{name} has changed"
    return None


def newest_whole(folder: Path) -> Path | None:
    """The newest whole checkpoint of a run; a warning names those passed over, and why."""
    for checkpoint in numbered(folder):
        reason = fault(checkpoint)
        if reason is None:
            return checkpoint
        logger.warning("%s is passed over: %s.", checkpoint, reason)
    return None


def delete_oldest(folder: Path, limit: int, best: str | None) -> None:
    """Deletes all checkpoints before the newest that has a manifest, but ``limit`` in all and the one called ``best``.

    Among those deleted are the ones without a manifest: cut off when they were written, or when they were deleted.
    """
    sealed = [path for path in numbered(folder) if (path / MANIFEST).is_file()]
    for path in numbered(folder):
        if sealed and path not in sealed[:limit] and path.name != best and _step(path) < _step(sealed[0]):
            (path / MANIFEST).unlink(missing_ok=True)  # first: half of it is none
            shutil.rmtree(path, ignore_errors=True)


def _step(checkpoint: Path) -> int:
    return int(checkpoint.name.rpartition("-")[2])


def _size_and_hash(path: Path) -> list[Any]:
    with path.open("rb") as stream:
        return [path.stat().st_size, hashlib.file_digest(stream, "sha256").hexdigest()]
