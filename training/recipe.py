"""What a recipe consists of and how it is measured (``configs/<recipe>/recipe.yaml``), one fact at a time, for make.

    python -m training.recipe default model        prints: tiny
    python -m training.recipe default stages       prints: sft grpo
    python -m training.recipe default suites       prints: mazebench-1000 beyond
    python -m training.recipe default benchmark    prints: --max-new-tokens 896
    python -m training.recipe default launch grpo  prints: accelerate launch ... -m training.grpo ...
    python -m training.recipe default jobs         prints: --jobs 2 OMP_NUM_THREADS=1 TQDM_DISABLE=1

``processes`` says of a stage, or of ``benchmark``, in how many processes a processor does it fastest. ``launch`` makes
of it the command of a stage, in which a step has as many rows as in one process: gradient_accumulation_steps are shared
out. ``jobs`` makes of it how make measures several results at once. With an accelerator, or with fewer cores, both
print the command for one process.

It imports little, so that it answers at once.
"""

import os
from pathlib import Path
from typing import Any

import yaml

from maze_env._arguments import ArgumentParser
from maze_env._cli import called_as, run_command
from maze_env.errors import InvalidConfig, lookup

CONFIGS = Path(__file__).parent / "configs"
RECIPES = {path.parent.name: path for path in sorted(CONFIGS.glob("*/recipe.yaml"))}


def _facts(recipe: str) -> dict[str, Any]:
    return yaml.safe_load(lookup("recipe", recipe, RECIPES).read_text(encoding="utf-8"))


def fact_of(recipe: str, fact: str) -> str:
    """A model, stages or suites with blanks between them, or flags of a benchmark; UnknownName for none such."""
    facts = _facts(recipe)
    value = lookup(f"fact of recipe {recipe}", fact, facts)
    if isinstance(value, str):
        return value
    flags = [f"--{key.replace('_', '-')} {flag}" for key, flag in value.items()] if isinstance(value, dict) else value
    return " ".join(flags)


def launch_of(recipe: str, stage: str) -> str:
    """The command that trains a stage on this machine, up to its keys.

    Raises UnknownName for a recipe that there is not, InvalidConfig where steps cannot be shared out.
    """
    processes = _processes(recipe, stage)
    if processes == 1:
        return f"python -m training.{stage}"
    steps = _key(CONFIGS / recipe / f"{stage}.yaml", "gradient_accumulation_steps") or 1
    if steps % processes:
        raise InvalidConfig(
            f"Expects gradient_accumulation_steps to be a multiple of {processes} processes, actual: {steps}"
        )
    return (
        f"accelerate launch --config_file training/configs/accelerate/cpus.yaml --num_processes {processes} "
        f"-m training.{stage} --use_cpu true --gradient_accumulation_steps {steps // processes}"
    )


def _key(path: Path, key: str) -> Any:
    """What a configuration, or else its base, says of a key; ``None`` where none does."""
    values = yaml.safe_load(path.read_text(encoding="utf-8"))
    return values[key] if key in values else _key(path.parent / values["base"], key) if "base" in values else None


def jobs_of(recipe: str) -> str:
    """Flags for make, by which results are measured at once, each by its share of the cores."""
    processes = _processes(recipe, "benchmark")
    if processes == 1:
        return "--jobs 1"
    return f"--jobs {processes} OMP_NUM_THREADS={_cores() // processes} TQDM_DISABLE=1"


def _processes(recipe: str, stage: str) -> int:
    processes = _facts(recipe).get("processes", {}).get(stage, 1)
    return 1 if processes == 1 or processes > _cores() or _has_accelerator() else processes


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _has_accelerator() -> bool:
    import torch  # seconds, which the other facts do without

    return torch.accelerator.is_available()


def main() -> None:
    """Prints one fact of one recipe."""
    parser = ArgumentParser(prog=called_as("training.recipe"), description=main.__doc__)
    parser.add_argument("recipe", help=", ".join(RECIPES))
    parser.add_argument("fact", help="model, stages, suites, benchmark, ..., launch or jobs")
    parser.add_argument("stage", nargs="?", help="with launch: the stage, e.g. grpo")
    options = parser.parse_args()
    if (options.fact == "launch") != (options.stage is not None):
        parser.error(f"Expects a stage with launch, and with it alone, actual: {options.fact} {options.stage or ''}")
    if options.fact == "jobs":
        print(jobs_of(options.recipe))
    else:
        print(launch_of(options.recipe, options.stage) if options.stage else fact_of(options.recipe, options.fact))


if __name__ == "__main__":
    run_command(main)
