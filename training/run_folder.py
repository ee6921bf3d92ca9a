"""The folder of a run: never mixed into another run, and described by one ``run.json`` beside the checkpoint.

``run.json`` is written when training begins, without figures, and again when it ends. A resumed run is thereby held to
the configuration that it began with.
"""

import json
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from maze_env._cli import check_folder, write_whole
from maze_env._text import public
from maze_env.errors import InvalidConfig, InvalidOutput
from tokenmaze.agents.provenance import peak_memory, provenance
from tokenmaze.training.checkpoints import newest_whole

RUN_FILE = "run.json"
FREE_TO_CHANGE = {
    "output_dir", "resume", "overwrite", "save_total_limit", "logging_dir", "report_to", "run_name", "disable_tqdm",
}  # fmt: skip
"""Keys that may differ when a run is resumed; a folder that was moved or renamed is another ``output_dir``."""


def prepare(output_dir: str, configuration: dict[str, Any], resume: bool, overwrite: bool) -> str | None:
    """Makes sure, before any long work, that the run can be written; returns the checkpoint to go on from, if any.

    Raises InvalidOutput for a folder in use by anything but a run to resume or overwrite, or that cannot be written to;
    InvalidConfig for a run that is to be resumed with another configuration, naming the key.
    """
    folder = Path(output_dir)
    if resume and overwrite:
        raise InvalidConfig("Expects one of --resume and --overwrite, actual: both")
    if folder.exists() and not folder.is_dir():
        raise InvalidOutput(f"Expects a folder for the run, actual: {output_dir!r} is a file")
    checkpoint = None
    if folder.exists() and any(folder.iterdir()):
        if not resume and not overwrite:
            raise InvalidOutput(
                f"Expects an empty or new folder for the run, actual: {output_dir!r} is in use; "
                "choose another --output_dir, or --resume or --overwrite the run that is there"
            )
        if not (folder / RUN_FILE).is_file():
            raise InvalidOutput(f"Expects a run ({RUN_FILE}) in {output_dir!r}, actual: something else is there")
        if overwrite:
            source = Path(str(configuration.get("model"))).resolve()
            if source.is_relative_to(folder.resolve()):
                raise InvalidConfig(f"Expects --model outside the folder to overwrite, actual: {str(source)!r}")
        else:
            check_same(folder, configuration)
            checkpoint = newest_whole(folder)
    check_folder(folder)
    return None if checkpoint is None else str(checkpoint)


def check_same(folder: Path, configuration: dict[str, Any]) -> None:
    """Raises InvalidConfig unless ``configuration`` is that of the run in ``folder``; InvalidOutput where damaged."""
    try:
        began = dict(json.loads((folder / RUN_FILE).read_text(encoding="utf-8"))["configuration"])
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise InvalidOutput(
            f"Expects the configuration of the run in {str(folder / RUN_FILE)!r}, actual: {type(error).__name__}, "
            f"{error}; --overwrite begins anew"
        ) from None
    now = public(json.loads(json.dumps(configuration, default=str)))
    for key in sorted(set(began) | set(now)):
        # The order of a mapping counts too: with it the same weights draw other mazes.
        if key not in FREE_TO_CHANGE and json.dumps(began.get(key)) != json.dumps(now.get(key)):
            raise InvalidConfig(
                f"Expects the run in {str(folder)!r} to be resumed with the configuration it began with, "
                f"{key}={began.get(key)!r}, actual: {key}={now.get(key)!r}"
            )


def empty(folder: Path) -> None:
    """Removes what is in a folder; the folder itself may be a link or a mount, and stays."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def write_run(folder: Path, stage: str, configuration: dict[str, Any], figures: dict[str, Any] | None) -> None:
    """Writes ``run.json``: what is run, with what, and, once it has ended, what came of it (``figures``)."""
    run = {
        "stage": stage,
        "figures": figures,
        "provenance": provenance(f"training.{stage}", sys.argv[1:], figures["wall_seconds"] if figures else 0.0),
        "configuration": public(json.loads(json.dumps(configuration, default=str))),
    }
    write_whole(folder / RUN_FILE, json.dumps(run, indent=2, default=str) + "\n")


def figures_of(folder: Path) -> dict[str, Any] | None:
    """What came of the run in a folder; ``None`` where it has not ended."""
    figures: dict[str, Any] | None = json.loads((folder / RUN_FILE).read_text(encoding="utf-8"))["figures"]
    return figures


class Stopwatch:
    """Wall seconds since it was made, and the process's peak memory."""

    def __init__(self) -> None:
        self._start = time.perf_counter()

    def figures(self) -> dict[str, float | None]:
        """``wall_seconds``, and ``peak_memory_gib``, resident, of this process; ``None`` on Windows."""
        return {"wall_seconds": round(time.perf_counter() - self._start, 1), "peak_memory_gib": peak_memory()}
