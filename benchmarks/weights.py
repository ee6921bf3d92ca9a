"""Remakes the models that come along with the package (agents/shipped.py) from trained checkpoints: ``make weights``.

    python -m benchmarks.weights --runs runs
    python -m benchmarks.weights --runs runs --names tiny tiny-fog

``runs/<recipe>-<seed>/<stage>`` becomes ``agents/weights/<name>``: the weights in half precision, the files that load
them, the training's ``run.json``, the result of that half-precision model on the suite of its card, and the card.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from maze_env._arguments import ArgumentParser
from maze_env._cli import called_as, path_of, run_command, write_whole
from maze_env.errors import lookup
from tokenmaze.agents.errors import InvalidCheckpoint
from tokenmaze.agents.shipped import SHIPPED, WEIGHTS_FILE, folder_of
from tokenmaze.benchmarks.figures import LEGAL, SOLVED, SPL
from tokenmaze.benchmarks.record import Result, load

LOADED = ("generation_config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "run.json")
"""What is copied beside weights and configuration."""
RESULT, CARD = "result.json", "README.md"
TEMPLATE = """\
---
library_name: transformers
license: apache-2.0
tags: [tokenmaze, maze, {stage}]
---
# {name}

A causal language model of {parameters:,} parameters that finds ways through mazes written in tokens. It comes with
TokenMaze: `tokenmaze bench --agent {name}{flags}`.

| | |
| --- | --- |
| recipe | `{recipe}` (training/configs/{recipe}), last stage `{stage}`: `make train RECIPE={recipe}` |
| data | {stages}{examples:,} {data}; layouts of the training split alone, none of which is in a suite |
| seeds | training {seed}, mazes of the last stage {maze_seed} |
| weights | bfloat16, {bytes:,} bytes; computed in float32 |
{figures}
| before rounding | {before} of {attempts} solved by the checkpoint in float32; {changed} |

`result.json` holds every attempt that these figures count, `run.json` every key and version of the training.

**Limits.** {limits} It knows no other language than the maze's: it is for tests, examples and comparisons.
"""


def half(source: Path, target: Path) -> None:
    """Writes the model of ``source`` into the new folder ``target``, its weights as bfloat16."""
    weights = load_file(source / WEIGHTS_FILE)
    target.mkdir()
    halves = {name: tensor.to(torch.bfloat16).contiguous() for name, tensor in weights.items()}
    save_file(halves, target / WEIGHTS_FILE, metadata={"format": "pt"})
    (target / WEIGHTS_FILE).chmod(0o644)  # safetensors makes files that nobody else can read, and a wheel keeps that
    config = json.loads((source / "config.json").read_text(encoding="utf-8")) | {"dtype": "bfloat16"}
    write_whole(target / "config.json", json.dumps(config, indent=2) + "\n")
    for name in LOADED:
        write_whole(target / name, (source / name).read_text(encoding="utf-8"))


def figures(result: Result) -> str:
    """The row of a card that tells what a model reached."""
    summary = result.summary
    low, high = map(SOLVED.text, summary.solved_rate_wilson_95)
    solved = f"{summary.solved:,} of {summary.attempts:,} solved, {SOLVED.text(summary.solved_rate)} %"
    legal, spl = LEGAL.text(summary.legality), SPL.text(summary.spl)
    return f"| {result.suite.name} | {solved} (95 % Wilson {low} to {high}); legal {legal} %; SPL {spl} |"


def card(name: str, result: Result, run: dict[str, Any], before: Result) -> str:
    """``README.md`` of a shipped model.

    Args:
        name: of the model.
        result: of the half-precision weights, on the suite of its card.
        run: the training's ``run.json``.
        before: the checkpoint's result on the same suite.
    """
    shipped, summary, configuration = SHIPPED[name], result.summary, run["configuration"]
    pairs = zip(result.attempts, before.attempts, strict=True)
    differ = sum(one.moves != other.moves for one, other in pairs)
    parameters = sum(tensor.numel() for tensor in load_file(folder_of(name) / WEIGHTS_FILE).values())
    lengths = configuration["lengths"]
    return TEMPLATE.format(
        name=name,
        stage=shipped.stage,
        recipe=shipped.recipe,
        parameters=parameters,
        flags=f" --mode {shipped.mode} --suite {shipped.suite}" if shipped.mode == "play" else "",
        stages="" if shipped.stage == "sft" else "after SFT as the recipe says, ",
        examples=configuration["examples"],
        data=f"mazes of {', '.join(configuration['sizes'])}, shortest paths of "
        + (f"{', '.join(lengths) if isinstance(lengths, dict) else lengths} moves" if lengths else "any length"),
        seed=configuration["seed"],
        maze_seed=configuration["maze_seed"],
        bytes=(folder_of(name) / WEIGHTS_FILE).stat().st_size,
        suite=shipped.suite,
        figures=figures(result),
        attempts=f"{summary.attempts:,}",
        before=f"{before.summary.solved:,}",
        changed="every answer is the same" if not differ else f"{differ:,} answers differ",
        limits=shipped.limits,
    )


def remake(name: str, runs: Path, seed: int) -> None:
    """Makes the folder of one model. Raises InvalidCheckpoint where its training has not ended."""
    shipped, target = SHIPPED[name], folder_of(name)
    training = runs / f"{shipped.recipe}-{seed}"
    source, measured = training / shipped.stage, training / "results" / f"{shipped.suite}-{shipped.stage}.json"
    if not measured.is_file():
        right = f"make train RECIPE={shipped.recipe} SEED={seed}"
        raise InvalidCheckpoint(f"Expects a finished training ({right}), actual: no {measured}")
    target.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        half(source, Path(folder) / name)
        shutil.rmtree(target, ignore_errors=True)
        shutil.move(Path(folder) / name, target)
    flags = ["--agent", name, "--suite", shipped.suite, "--mode", shipped.mode]
    about = ["--recipe", shipped.recipe, "--stage", shipped.stage, "--train-seed", str(seed)]
    command = [sys.executable, "-m", "tokenmaze.benchmarks.mazebench", *flags, *about, "--texts"]
    subprocess.run([*command, "--output", f"{name}/{RESULT}"], cwd=target.parent, check=True)
    run = json.loads((target / "run.json").read_text(encoding="utf-8"))
    write_whole(target / CARD, card(name, load(target / RESULT), run, load(measured)))


def parser() -> ArgumentParser:
    """The command line."""
    made = ArgumentParser(prog=called_as("benchmarks.weights"), description=__doc__)
    made.add_argument("--runs", type=path_of, default=Path("runs"), help="where trainings are (default %(default)s)")
    made.add_argument("--seed", type=int, default=0, help="of the trainings (default %(default)s)")
    made.add_argument("--names", nargs="+", default=list(SHIPPED), help="models to remake (default: all)")
    return made


def main(arguments: Sequence[str] | None = None) -> None:
    """Remakes the models."""
    options = parser().parse_args(arguments)
    for name in options.names:
        lookup("shipped model", name, SHIPPED)
    for name in options.names:
        remake(name, options.runs, options.seed)


if __name__ == "__main__":
    run_command(main)
