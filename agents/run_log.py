"""What a finished training run leaves in its folder: ``run.json``, and the trainer's log in ``trainer_state.json``."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.errors import InvalidCheckpoint


@dataclass(frozen=True)
class RunLog:
    """A finished run.

    Attributes:
        stage: ``sft`` or ``grpo``.
        configuration: every key of the run's configuration.
        figures: ``steps``, ``wall_seconds`` and others that ``run.json`` has.
        entries: what was logged, in order; each entry has its ``step``.
    """

    stage: str
    configuration: dict[str, Any]
    figures: dict[str, float]
    entries: list[dict[str, Any]]

    @property
    def names(self) -> list[str]:
        """Every name that was logged, in order of appearance."""
        return list(dict.fromkeys(name for entry in self.entries for name in entry))

    def curve(self, name: str) -> list[tuple[float, float]]:
        """(step, value) of each entry that has a finite number under ``name``."""
        values = ((entry.get("step"), entry.get(name)) for entry in self.entries)
        return [
            (float(step), float(value))
            for step, value in values
            if isinstance(step, int | float) and isinstance(value, int | float) and math.isfinite(value)
        ]


def read_run(folder: Path) -> RunLog:
    """Reads the folder of a run.

    Raises:
        InvalidCheckpoint: for a folder that holds no finished run.
    """
    try:
        run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        entries = json.loads((folder / "trainer_state.json").read_text(encoding="utf-8"))["log_history"]
        log = RunLog(str(run["stage"]), run.get("configuration") or {}, run.get("figures") or {}, entries)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise InvalidCheckpoint(
            f"Expects a finished run in {str(folder)!r}, actual: {type(error).__name__}, {error}"
        ) from None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise InvalidCheckpoint(f"Expects a log in {str(folder / 'trainer_state.json')!r}, actual: none")
    return log
