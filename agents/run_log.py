"""What a finished training run leaves in its folder: ``run.json``, and the trainer's log in ``trainer_state.json``."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

from maze_env._cli import near
from tokenmaze.agents.errors import InvalidCheckpoint


@dataclass(frozen=True)
class RunLog:
    """A finished run."""

    stage: str
    """What trained: ``sft``, ``rft``, ``grpo`` ..."""
    configuration: dict[str, Any]
    """Every key of the run and its value."""
    figures: dict[str, float]
    """``steps``, ``wall_seconds`` and others that ``run.json`` has."""
    entries: list[dict[str, Any]]
    """What was logged, in order; each has its ``step``."""

    @property
    def names(self) -> list[str]:
        """Every name that was logged, in order of appearance."""
        return list(dict.fromkeys(name for entry in self.entries for name in entry))

    def curve(self, name: str) -> list[tuple[float, float]]:
        """(step, value) of each entry that has a finite number under ``name``."""
        pairs = [(entry.get("step"), entry.get(name)) for entry in self.entries]
        return [(float(x), float(y)) for x, y in pairs if is_number(x) and is_number(y)]


def is_number(value: Any) -> TypeGuard[int | float]:
    """Whether a value is a finite number that a float can hold."""
    return isinstance(value, int | float) and abs(value) <= sys.float_info.max  # NaN is not


def read_run(folder: Path) -> RunLog:
    """Reads the folder of a run; raises InvalidCheckpoint for one that holds no finished run."""
    try:
        run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        entries = json.loads((folder / "trainer_state.json").read_text(encoding="utf-8"))["log_history"]
        figures = {name: one for name, one in (run.get("figures") or {}).items() if is_number(one)}
        log = RunLog(str(run["stage"]), run.get("configuration") or {}, figures, entries)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise InvalidCheckpoint(
            f"Expects the folder of a finished run, with run.json and trainer_state.json, actual: {str(folder)!r}, "
            f"{_reason(folder, error)}"
        ) from None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise InvalidCheckpoint(f"Expects a log in {str(folder / 'trainer_state.json')!r}, actual: none")
    return log


def _reason(folder: Path, error: Exception) -> str:
    """Why there is no finished run in a folder, in words."""
    if not folder.is_dir():
        return "which is no folder" if folder.exists() else f"which does not exist{near(folder)}"
    if isinstance(error, FileNotFoundError):
        return f"which has no {Path(error.filename).name}"
    if isinstance(error, OSError):
        return f"which cannot be read ({error.strerror})"
    return f"whose files hold something else ({' '.join(f'{type(error).__name__}: {error}'.split())})"
