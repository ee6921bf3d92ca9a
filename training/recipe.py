"""What a recipe consists of and how it is measured (``configs/<recipe>/recipe.yaml``), one fact at a time, for make.

    python -m training.recipe default model        prints: tiny
    python -m training.recipe default stages       prints: sft grpo
    python -m training.recipe default suites       prints: mazebench-1000 beyond
    python -m training.recipe default benchmark    prints: --max-new-tokens 896

It imports little, so that it answers at once.
"""

from pathlib import Path

import yaml

from maze_env._arguments import ArgumentParser
from maze_env._cli import called_as, run_command
from maze_env.errors import lookup

RECIPES = {path.parent.name: path for path in sorted(Path(__file__).parent.glob("configs/*/recipe.yaml"))}


def fact_of(recipe: str, fact: str) -> str:
    """A model, stages or suites with blanks between them, or flags of a benchmark; UnknownName for none such."""
    facts = yaml.safe_load(lookup("recipe", recipe, RECIPES).read_text(encoding="utf-8"))
    value = lookup(f"fact of recipe {recipe}", fact, facts)
    if isinstance(value, str):
        return value
    flags = [f"--{key.replace('_', '-')} {flag}" for key, flag in value.items()] if isinstance(value, dict) else value
    return " ".join(flags)


def main() -> None:
    """Prints one fact of one recipe."""
    parser = ArgumentParser(prog=called_as("training.recipe"), description=main.__doc__)
    parser.add_argument("recipe", help=", ".join(RECIPES))
    parser.add_argument("fact", help="model, stages, suites, benchmark, ...")
    options = parser.parse_args()
    print(fact_of(options.recipe, options.fact))


if __name__ == "__main__":
    run_command(main)
