"""The configurations that come with the project: each parses, and says what its stage's checks demand."""

from pathlib import Path

import pytest
from accelerate.commands.config.config_args import load_config_from_file

from training.arguments import parse
from training.grpo import MazeGRPOConfig
from training.mazes import DataConfig
from training.model import ModelConfig
from training.sft import MazeSFTConfig

CONFIGS = Path(__file__).parents[2] / "training" / "configs"
LAUNCH, VLLM = sorted(CONFIGS.glob("accelerate/*.yaml")), sorted(CONFIGS.glob("vllm/*.yaml"))
SETTINGS = sorted(CONFIGS.glob("settings/*.yaml"))
STYLES = sorted(CONFIGS.glob("styles/*.yaml"))
FEW = [CONFIGS / "styles" / f"{name}.yaml" for name in ("redraw", "direct-few")]
FILES = sorted({*CONFIGS.glob("*/*.yaml")} - {*LAUNCH, *VLLM, *SETTINGS, *STYLES})


def read(*paths):
    kind = MazeGRPOConfig if paths[0].stem.startswith("grpo") else MazeSFTConfig
    files = [text for path in paths for text in ("--config", str(path))]
    return parse([ModelConfig, DataConfig, kind], [*files, "--use_cpu", "true"])


def test_both_recipes_are_there():
    assert {path.relative_to(CONFIGS).as_posix() for path in FILES} >= {
        "default/sft.yaml",
        "default/grpo.yaml",
        "default/sft-continued.yaml",
        "search/sft.yaml",
    }


def name_of(path):
    return path.relative_to(CONFIGS).as_posix()


@pytest.mark.parametrize("path", LAUNCH, ids=name_of)
def test_accelerate_reads_its_configurations(path):
    config = load_config_from_file(str(path))
    assert config.num_processes > 1


def grpo_and(*paths):
    """The default recipe's GRPO with further files."""
    files = [text for path in (CONFIGS / "default" / "grpo.yaml", *paths) for text in ("--config", str(path))]
    return parse([MazeGRPOConfig, DataConfig, ModelConfig], [*files, "--use_cpu", "true"])


@pytest.mark.parametrize("path", SETTINGS, ids=name_of)
def test_a_setting_is_one_change_to_the_base_and_takes_as_many_steps(path):
    args, data, _ = grpo_and(CONFIGS / "settings" / "base.yaml", path)
    assert (
        data.examples * args.num_generations == 60 * args.per_device_train_batch_size * args.gradient_accumulation_steps
    )
    base, _, _ = grpo_and(CONFIGS / "settings" / "base.yaml")
    changed = {
        "base": [],
        "dr-grpo": ["loss_type", "scale_rewards"],
        "kl": ["beta"],
        "curriculum": ["short_first", "shuffle_dataset"],
        "skip": ["skip_settled"],
        "top-entropy": ["top_entropy_quantile"],
        "alphamaze": ["reward"],
    }[path.stem]
    one, other = args.to_dict(), base.to_dict()
    assert sorted(name for name in one if one[name] != other[name] and name != "logging_dir") == changed


@pytest.mark.parametrize("path", STYLES, ids=name_of)
def test_a_style_alone_is_trained_as_the_default_recipe_is(path):
    default = CONFIGS / "default" / "sft.yaml"
    (_, usual, alike), (_, data, args) = read(default), read(default, path)
    assert data.styles == f"{path.stem.removesuffix('-few')}:1"
    assert (data.sizes, data.lengths, args.learning_rate) == (usual.sizes, usual.lengths, alike.learning_rate)
    assert data.examples % args.per_device_train_batch_size == 0
    if path not in FEW:
        assert data.examples == usual.examples


@pytest.mark.parametrize("path", FEW, ids=name_of)
def test_redraw_and_its_control_differ_in_their_style_alone(path):
    default = CONFIGS / "default" / "sft.yaml"
    (_, redraw, long), (_, other, short) = read(default, FEW[0]), read(default, path)
    assert other.examples == redraw.examples
    for key in ("per_device_train_batch_size", "lr_scheduler_kwargs", "warmup_steps", "learning_rate"):
        assert getattr(short, key) == getattr(long, key)


@pytest.mark.parametrize("path", VLLM, ids=name_of)
def test_a_second_file_adds_to_the_first(path):
    (alone, *_), (both, *_) = grpo_and(), grpo_and(path)
    assert (alone.use_vllm, both.use_vllm) == (False, True)
    assert both.vllm_mode == path.stem
    assert both.learning_rate == alone.learning_rate


@pytest.mark.parametrize("path", FILES, ids=name_of)
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
