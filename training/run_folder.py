"""The folder of a run: never mixed into another run, and described by one ``run.json`` beside the checkpoint."""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

from maze_env.commands import check_folder, provenance, write_whole
from maze_env.errors import InvalidConfig, InvalidOutput


def prepare(output_dir: str, resume: bool, overwrite: bool) -> Path:
    """Makes sure, before any long work, that the run can be written where it is meant to go.

    Raises:
        InvalidOutput: for a folder that holds something already (unless asked to resume or overwrite), one that cannot
            be written to, or a run to resume that is not there.
    """
    folder = Path(output_dir)
    if resume and overwrite:
        raise InvalidConfig("Expects one of --resume and --overwrite, actual: both")
    if folder.exists() and not folder.is_dir():
        raise InvalidOutput(f"Expects a folder for the run, actual: {output_dir!r} is a file")
    filled = folder.exists() and any(folder.iterdir())
    if resume and not filled:
        raise InvalidOutput(f"Expects a run to resume in {output_dir!r}, actual: nothing there")
    if filled and not resume and not overwrite:
        raise InvalidOutput(
            f"Expects an empty or new folder for the run, actual: {output_dir!r} is in use; "
            "choose another --output_dir, or --resume or --overwrite this one"
        )
    if filled and overwrite:
        remove_run(folder)
    check_folder(folder)
    return folder


def remove_run(folder: Path) -> None:
    """Deletes an earlier run's folder, so that nothing of it is mixed into the new one.

    Raises:
        InvalidOutput: for a folder that holds no run, which is then left as it is.
    """
    known = ("run.json", "config.json", "checkpoint-*/trainer_state.json", "checkpoint-*")
    if not any(any(folder.glob(pattern)) for pattern in known):
        raise InvalidOutput(f"Expects an earlier run to overwrite, actual: {str(folder)!r} holds something else")
    shutil.rmtree(folder)


def last_checkpoint(folder: Path) -> str:
    """The newest complete ``checkpoint-N`` of a run. A save that was cut off has no trainer state, and is passed over.

    Raises:
        InvalidOutput: when there is none.
    """
    steps = [
        int(path.parent.name.removeprefix("checkpoint-")) for path in folder.glob("checkpoint-*/trainer_state.json")
    ]
    if not steps:
        raise InvalidOutput(f"Expects a checkpoint-N to resume from in {str(folder)!r}, actual: none")
    return str(folder / f"checkpoint-{max(steps)}")


def write_run(folder: Path, stage: str, configuration: dict[str, Any], figures: dict[str, Any]) -> None:
    """Writes ``run.json``: what was run, with what, and what came of it."""
    module = {"sft": "training.sft", "grpo": "training.grpo"}[stage]
    run = {
        "stage": stage,
        "figures": figures,
        "provenance": provenance(module, sys.argv[1:], figures["wall_seconds"]),
        "configuration": configuration,
    }
    write_whole(folder / "run.json", json.dumps(run, indent=2, default=str) + "\n")
