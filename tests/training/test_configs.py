"""The configurations that come with the project: each parses, and says what its stage's checks demand."""

from pathlib import Path

import pytest

from training.arguments import parse
from training.data import DataConfig
from training.grpo import MazeGRPOConfig
from training.model import ModelConfig
from training.sft import MazeSFTConfig

CONFIGS = Path(__file__).parents[2] / "training" / "configs"
FILES = sorted(CONFIGS.glob("*/*.yaml"))


def read(path):
    kind = MazeGRPOConfig if path.stem.startswith("grpo") else MazeSFTConfig
    return parse([ModelConfig, DataConfig, kind], ["--config", str(path), "--use_cpu", "true"])


def test_both_recipes_are_there():
    assert {path.relative_to(CONFIGS).as_posix() for path in FILES} >= {
        "default/sft.yaml",
        "default/grpo.yaml",
        "default/sft-continued.yaml",
        "search/sft.yaml",
    }


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(CONFIGS).as_posix())
def test_every_configuration_parses_and_trains_on_the_train_split_in_whole_steps(path):
    _, data, args = read(path)
    assert data.split == "train"
    assert args.max_steps == -1  # budgets are rows
    rows_a_step = args.per_device_train_batch_size * args.gradient_accumulation_steps
    answers = getattr(args, "num_generations", None) or 1
    assert data.examples * answers % rows_a_step == 0, "the last step would be smaller than the others"


def test_the_stages_of_a_recipe_train_on_mazes_of_their_own():
    seeds = [read(path)[1].maze_seed for path in FILES if path.parent.name == "default"]
    assert len(set(seeds)) == len(seeds)
