"""What names a model: a folder, a GGUF file or a hub name. One rule for training and for the benchmark."""

import re
from pathlib import Path

from maze_env._cli import near, path_of
from tokenmaze.agents.errors import InvalidCheckpoint
from tokenmaze.agents.shipped import FOLDER, SHIPPED

HUB_NAME = re.compile(r"\w[\w.-]*/[\w.-]+")
"""``owner/model``; a path may look the same."""
OURS = ("runs", "models")
"""The folders of this project's trainings and of what it fetches: never owners on the hub."""


def is_hub_name(name: str) -> bool:
    """Whether this is ``owner/model``; where there is a folder of the owner's name, it is a path.

    >>> is_hub_name("Qwen/Qwen3-0.6B"), is_hub_name("runs/my-sft")
    (True, False)
    """
    owner = name.partition("/")[0]
    return HUB_NAME.fullmatch(name) is not None and owner not in OURS and not Path(owner).is_dir()


def check_exists(name: str) -> None:
    """Raises InvalidCheckpoint for a name that is neither a hub name nor of a folder or GGUF file that exists."""
    path = path_of(name)
    if not (path.is_dir() or (path.is_file() and path.suffix == ".gguf") or is_hub_name(name)):
        there = "is none" if path.exists() else f"does not exist{near(path)}"
        if name in SHIPPED:
            there = f"as a model is in {FOLDER / name}"
        raise InvalidCheckpoint(
            f"Expects a folder with a saved model, a GGUF file or a hub name 'owner/model', actual: {name!r}, "
            f"which {there}"
        )
