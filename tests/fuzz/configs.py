"""Configurations of training, files and command lines: a configuration, or an error of ours."""

import os
import tempfile
from functools import cache
from pathlib import Path

import yaml

from maze_env.errors import TokenMazeError
from tests.fuzz.kinds import Kind
from tests.fuzz.mutation import NASTY, VALUES, mutate_bytes, mutate_json, mutate_text, nested
from tokenmaze.training.arguments import parse
from tokenmaze.training.mazes import DataConfig
from tokenmaze.training.model import ModelConfig

FOLDER = Path(tempfile.gettempdir()) / f"fuzz-configs-{os.getpid()}"
CONFIGS = Path(__file__).parents[2] / "training" / "configs"
KEYS = (*DataConfig.__dataclass_fields__, *ModelConfig.__dataclass_fields__)


@cache
def texts():
    """The committed configurations, those keys of them that are no trainer's; with a model where make gives one."""
    made = []
    for path in sorted(CONFIGS.glob("*/*.yaml")):
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
        if path.parent.name.endswith("smollm2") and path.stem != "sft-tiny":
            values["model"] = "owner/model"
        made.append(yaml.safe_dump({key: value for key, value in values.items() if key in KEYS}, sort_keys=False))
    return sorted(set(made))


def alias_bomb(rng):
    """Values that are small as a text and huge once their aliases are followed; or that hold themselves."""
    if rng.random() < 0.2:
        return "sizes: &a [*a]\n"
    form = rng.choice(("[{}]", "{{{}}}", "merge"))
    lines = ["a0: &a0 {k: 1}"]
    for level in range(1, rng.choice((3, 12, 40))):
        last = f"*a{level - 1}"
        if form == "merge":
            inside = "{" + f"<<: [{', '.join([last] * 9)}]" + "}"
        elif form == "[{}]":
            inside = f"[{', '.join([last] * 9)}]"
        else:
            inside = "{" + ", ".join(f"k{i}: {last}" for i in range(9)) + "}"
        lines.append(f"a{level}: &a{level} {inside}")
    return "\n".join(lines) + f"\nsizes: *a{len(lines) - 1}\n"


def make(rng):
    """The bytes of a YAML file, and a command line."""
    kind, text = rng.random(), rng.choice(texts())
    argv = []
    for _ in range(rng.choice((0, 0, 1, 2))):
        value = rng.choice(
            (*NASTY, "{path: 1}", "[{rows: 1, path: 1}, direct]", "5x5", "1-4", "0.5", "path", "2024-99-99")
        )
        argv += rng.choice(([f"--{rng.choice(KEYS)}", value], [f"--{rng.choice(KEYS)}={value}"], [value]))
    if kind < 0.03:
        text = f"sizes: {nested(rng)}"
    elif kind < 0.06:
        text = alias_bomb(rng)
    elif kind < 0.5:
        value = mutate_json(rng, yaml.safe_load(text) or {"sizes": "5x5"})
        try:
            text = yaml.safe_dump(value, allow_unicode=True)
        except (yaml.YAMLError, RecursionError):
            text = str(value)
    elif kind < 0.9:
        text = mutate_text(rng, text, texts())
    else:
        odd = (*NASTY, *map(str, VALUES), "2024-99-99", "1:99:99", "!!binary x", "0b2")
        text = f"{rng.choice(KEYS)}: {rng.choice(odd)}"
    body = text.encode("utf-8", "surrogatepass")
    return (mutate_bytes(rng, body) if rng.random() < 0.1 else body), argv


def check(made):
    """Parses it; nothing is loaded and no maze is made."""
    body, argv = made
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / "config.yaml"
    path.write_bytes(body)
    try:
        parse([ModelConfig, DataConfig], ["--config", str(path), *argv])
    except TokenMazeError:
        return "refused"
    return "taken"


KIND = Kind(make, check)
