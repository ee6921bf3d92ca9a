"""What a recipe consists of and how it is measured (``configs/<recipe>/recipe.yaml``), one fact at a time, for make.

    python -m training.recipe default stages       prints: untrained sft grpo
    python -m training.recipe default benchmark    prints: --suite mazebench-1000 --max-new-tokens 256

It imports little, so that it answers at once.
"""

import argparse
from pathlib import Path

from maze_env._cli import run_command
from maze_env.errors import unknown_name
from training.yaml_files import read_config

RECIPES = {path.parent.name: path for path in sorted(Path(__file__).parent.glob("configs/*/recipe.yaml"))}
FACTS = ("stages", "control", "benchmark")


def fact_of(recipe: str, fact: str) -> str:
    """A list of stages with blanks between them, or the benchmark's flags.

    Args:
        recipe: its name, a folder of ``training/configs``.
        fact: one of ``FACTS``.

    Raises:
        UnknownName: for a recipe that does not exist, or a fact that it does not state.
    """
    if recipe not in RECIPES:
        raise unknown_name("recipe", recipe, RECIPES)
    facts = read_config(RECIPES[recipe], FACTS)
    if fact not in facts:
        raise unknown_name(f"fact of recipe {recipe}", fact, facts)
    if isinstance(facts[fact], dict):
        return " ".join(f"--{key.replace('_', '-')} {value}" for key, value in facts[fact].items())
    return " ".join(facts[fact])


def main() -> None:
    """Prints one fact of one recipe."""
    parser = argparse.ArgumentParser(prog="python -m training.recipe", description="One fact of one recipe.")
    parser.add_argument("recipe", help=", ".join(RECIPES))
    parser.add_argument("fact", choices=FACTS)
    options = parser.parse_args()
    print(fact_of(options.recipe, options.fact))


if __name__ == "__main__":
    run_command(main)
