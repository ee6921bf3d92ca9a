"""Small trained models that come along with the package, so that there is something to measure and to look at at once.

Each is a folder of ``agents/weights``: a checkpoint of half precision, ``README.md`` (what it is, how it was made, what
it reaches, what it cannot do), ``run.json`` (its training) and ``result.json`` (every attempt that its figures count).
``make weights`` remakes them (benchmarks/weights.py).
"""

import hashlib
from pathlib import Path
from typing import Any, NamedTuple

from maze_env.episode import Mode

FOLDER = Path(__file__).parent / "weights"
"""Theirs, each by its name."""
WEIGHTS_FILE = "model.safetensors"


class Shipped(NamedTuple):
    """A model that comes along, and how it is asked unless somebody says otherwise."""

    recipe: str
    """Of ``training/configs``."""
    stage: str
    """The last one of its training."""
    suite: str
    """On which its card tells figures."""
    mode: Mode
    """In which it acts there."""
    options: dict[str, Any]
    """What its agent is given. Stored in half precision, it computes in single, of which processors are as fast."""
    limits: str
    """What it cannot do, for its card."""


SHIPPED = {
    "tiny": Shipped(
        "default",
        "grpo",
        "mazebench-1000",
        "plan",
        {"max_new_tokens": 896, "dtype": "float32"},
        "It was trained on mazes of 4x4 to 8x8, with loops and without; of larger ones it solves the fewer the larger "
        "they are. Coordinates that name the column first it cannot read.",
    ),
    "tiny-alphamaze": Shipped(
        "alphamaze",
        "grpo",
        "mazebench-1000",
        "plan",
        {"max_new_tokens": 256, "dtype": "float32"},
        "It reads mazes of 5x5 without loops in the standard phrasing; it has not seen other sizes.",
    ),
    "tiny-fog": Shipped(
        "fog",
        "grpo",
        "fog",
        "play",
        {"multi_turn": True, "dtype": "float32"},
        "It plays mazes of 5x5 in fog of radius 1, one dialogue an episode; it makes no plans.",
    ),
}
"""By the agent's name."""


def folder_of(name: str) -> Path:
    """Where the model of that name is."""
    return FOLDER / name


def default_options(name: str) -> dict[str, Any]:
    """What the agent of that name is given where nobody says otherwise; nothing for an agent that is no such model."""
    return dict(SHIPPED[name].options) if name in SHIPPED else {}


def revision_of(name: str) -> dict[str, str]:
    """What tells a result which weights these were: their SHA-256; nothing for an agent that is no such model."""
    if name not in SHIPPED:
        return {}
    return {"weights_sha256": hashlib.sha256((folder_of(name) / WEIGHTS_FILE).read_bytes()).hexdigest()}
