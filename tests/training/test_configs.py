"""The configurations that come with the project, and the commands in their comments and in the Makefile: all parse."""

import importlib
import os
import re
import shlex
import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path

import pytest
import yaml
from accelerate.commands.config.config_args import load_config_from_file

from maze_env.errors import InvalidConfig, UnknownName
from tests.modules import ROOT, installed
from tokenmaze.benchmarks.mazebench import parser as benchmark_parser
from tokenmaze.benchmarks.record import STAGES as MEASURED
from tokenmaze.benchmarks.suite_specs import SUITES
from tokenmaze.training import recipe
from tokenmaze.training.arguments import parse
from tokenmaze.training.dpo import MazeDPOConfig
from tokenmaze.training.grpo import MazeGRPOConfig, check_fills_generations
from tokenmaze.training.mazes import DataConfig
from tokenmaze.training.model import ModelConfig
from tokenmaze.training.ppo import PPORunConfig
from tokenmaze.training.recipe import RECIPES, fact_of, jobs_of, launch_of
from tokenmaze.training.rft import MazeRFTConfig
from tokenmaze.training.sft import MazeSFTConfig

CONFIGS = ROOT / "training" / "configs"
EVERY = sorted(CONFIGS.rglob("*.yaml"))
LAUNCH = sorted(CONFIGS.glob("accelerate/*.yaml"))
VLLM = sorted(CONFIGS.glob("vllm/*.yaml"))
SETTINGS = sorted({*CONFIGS.glob("settings/*.yaml")} - set(RECIPES.values()))
TRACE_STYLES = sorted({*CONFIGS.glob("trace-styles/*.yaml")} - set(RECIPES.values()))
STAGES = sorted(path for path in EVERY if path.stem.startswith(("sft", "grpo", "rft", "dpo")))
FEW = [CONFIGS / "trace-styles" / f"{name}.yaml" for name in ("redraw", "direct-few")]


def read(path, *more):
    """What the stage of a file makes of it, of the model's, the data's and its own configuration."""
    name = "grpo" if path.parent.name == "settings" else path.stem.partition("-")[0]
    files = [text for name in (path, *more) for text in ("--config", str(name))]
    kinds = [
        ModelConfig,
        DataConfig,
        {"grpo": MazeGRPOConfig, "rft": MazeRFTConfig, "dpo": MazeDPOConfig}.get(name, MazeSFTConfig),
    ]
    pretrained = path.parent.name.endswith("smollm2") and path.stem != "sft-tiny"
    return parse(kinds, [*files, "--use_cpu", "true", *(["--model", "owner/model"] if pretrained else [])])


def name_of(path):
    return path.relative_to(CONFIGS).as_posix()


def test_every_file_is_tested_here():
    assert set(EVERY) == {*LAUNCH, *VLLM, *SETTINGS, *TRACE_STYLES, *STAGES, *RECIPES.values(), CONFIGS / "ppo.yaml"}
    assert len(STAGES) >= 14
    assert len(RECIPES) >= 9


@pytest.mark.parametrize("path", LAUNCH, ids=name_of)
def test_accelerate_reads_its_configurations(path):
    config = load_config_from_file(str(path))
    assert config.num_processes > 1


@pytest.mark.parametrize("path", [path for path in STAGES if path.stem.startswith("grpo")], ids=name_of)
def test_no_maze_is_left_out(path):
    _, data, args = read(path)
    check_fills_generations(data.examples, args)


def test_ppo_reads_its_configuration():
    (config,) = parse([PPORunConfig], ["--config", str(CONFIGS / "ppo.yaml")])
    assert config.total_timesteps == 5_000_000


@pytest.mark.parametrize("path", SETTINGS, ids=name_of)
def test_a_setting_is_one_change_to_the_base_and_takes_as_many_steps(path):
    _, data, args = read(path)
    assert (
        data.examples * args.num_generations == 60 * args.per_device_train_batch_size * args.gradient_accumulation_steps
    )
    _, _, base = read(CONFIGS / "settings" / "base.yaml")
    changed = {
        "base": [],
        "dr-grpo": ["loss_type", "scale_rewards"],
        "kl": ["beta"],
        "curriculum": ["curriculum", "shuffle_dataset"],
        "skip": ["filter_samples"],
        "top-entropy": ["top_entropy_quantile"],
        "alphamaze": ["reward"],
    }[path.stem]
    one, other = args.to_dict(), base.to_dict()
    assert sorted(name for name in one if one[name] != other[name] and name != "logging_dir") == changed


@pytest.mark.parametrize("path", TRACE_STYLES, ids=name_of)
def test_a_style_alone_is_trained_as_the_recipe_alphamaze_is(path):
    (_, usual, alike), (_, data, args) = read(CONFIGS / "alphamaze" / "sft.yaml"), read(path)
    assert data.trace_styles == {path.stem.removesuffix("-few"): 1}
    assert (data.sizes, data.lengths, args.learning_rate) == (usual.sizes, usual.lengths, alike.learning_rate)
    assert data.examples % args.per_device_train_batch_size == 0
    if path not in FEW:
        assert data.examples == usual.examples


def test_redraw_and_its_control_differ_in_their_style_alone():
    (_, redraw, long), (_, other, short) = (read(path) for path in FEW)
    assert other.examples == redraw.examples
    for key in ("per_device_train_batch_size", "lr_scheduler_kwargs", "warmup_steps", "learning_rate"):
        assert getattr(short, key) == getattr(long, key)


@pytest.mark.parametrize("path", VLLM, ids=name_of)
def test_a_second_file_adds_to_the_first(path):
    (_, _, alone), (_, _, both) = read(CONFIGS / "default" / "grpo.yaml"), read(CONFIGS / "default" / "grpo.yaml", path)
    assert (alone.use_vllm, both.use_vllm) == (False, True)
    assert both.vllm_mode == path.stem
    assert both.learning_rate == alone.learning_rate


@pytest.mark.parametrize("path", STAGES, ids=name_of)
def test_every_configuration_parses_and_trains_on_the_train_split_in_whole_steps(path):
    _, data, args = read(path)
    assert data.split == "train"
    assert args.max_steps == -1  # budgets are rows
    rows_a_step = args.per_device_train_batch_size * args.gradient_accumulation_steps
    answers = getattr(args, "num_generations", None) or 1
    assert data.examples * answers % rows_a_step == 0, "the last step would be smaller than the others"


def test_the_stages_of_a_recipe_train_on_mazes_of_their_own():
    for name, facts in (
        ("alphamaze", ["control"]),
        ("default", ["control", "shorter"]),
        ("smollm2", ["control"]),
        ("gpu-smollm2", ["control"]),
        ("ladder", ["stages"]),
    ):
        stages = {stage for fact in facts for stage in fact_of(name, fact).split()} - {"untrained", "sft-repeated"}
        seeds = [read(CONFIGS / name / f"{stage}.yaml")[1].maze_seed for stage in stages]
        assert len(set(seeds)) == len(seeds) >= 3


@pytest.mark.parametrize(("name", "rivals"), [("smollm2", ("rft", "dpo")), ("default", ("rft",))])
def test_rivals_learn_from_as_many_samples_of_the_same_mazes(name, rivals):
    assert set(rivals) < set(fact_of(name, "rivals").split())
    kept = ("sizes", "lengths", "generators", "braids", "maze_seed", "examples")
    mazes, samples = [], []
    for stage in ("grpo", *rivals):
        _, data, args = read(CONFIGS / name / f"{stage}.yaml")
        mazes.append([getattr(data, key) for key in kept])
        samples.append((args.num_generations, args.max_completion_length, args.temperature))
    assert all(one == mazes[0] for one in mazes)
    assert all(one == samples[0] for one in samples)


def test_a_model_without_pretraining_or_size_learns_from_the_same_rows():
    (_, data, args), *others = (
        read(CONFIGS / "smollm2" / f"{name}.yaml") for name in ("sft", "sft-random", "sft-tiny")
    )
    for _, other, its in others:
        assert other == data
        rows = [one.per_device_train_batch_size * one.gradient_accumulation_steps for one in (args, its)]
        assert rows[0] == rows[1]


@pytest.mark.parametrize("name", [name for name, path in RECIPES.items() if "stages" in path.read_text()])
def test_a_recipe_has_the_files_of_its_stages_and_measures_with_the_budget_that_it_evaluates_with(name):
    stages = fact_of(name, "stages").split()
    assert stages
    lists = [value for value in yaml.safe_load(RECIPES[name].read_text()).values() if isinstance(value, list)]
    for stage in {stage for value in lists for stage in value} - {"untrained", *SUITES}:
        assert (CONFIGS / name / f"{stage}.yaml").is_file()
        assert stage in MEASURED
    assert set(fact_of(name, "suites").split()) <= set(SUITES)
    options = benchmark_parser().parse_args(["--agent", "x", *fact_of(name, "benchmark").split()])
    _, _, sft = read(CONFIGS / name / "sft.yaml")
    assert options.mode == sft.mode
    if sft.mode == "plan":
        assert options.max_new_tokens == sft.eval_max_tokens
        if "grpo" in stages:
            assert read(CONFIGS / name / "grpo.yaml")[2].max_completion_length <= options.max_new_tokens


def test_what_a_recipe_does_not_say_is_an_error():
    assert fact_of("alphamaze", "stages") == "untrained sft grpo"
    assert fact_of("default", "suites") == "mazebench-1000 beyond"
    assert fact_of("smollm2", "model") == "models/smollm2"
    with pytest.raises(UnknownName, match="Did you mean 'search'"):
        fact_of("serch", "stages")
    with pytest.raises(UnknownName, match="out of 'benchmark', 'model', 'stages', 'suites', actual: 'control'"):
        fact_of("search", "control")


def test_a_recipe_is_launched_in_processes_where_a_processor_has_the_cores(monkeypatch):
    def here(cores, accelerator=False):
        monkeypatch.setattr(recipe, "_cores", lambda: cores)
        monkeypatch.setattr("torch.accelerator.is_available", lambda: accelerator)
        return launch_of("default", "grpo").split(), jobs_of("default")

    command, jobs = here(cores=4)
    assert command[:2] == ["accelerate", "launch"]
    assert command[command.index("--num_processes") + 1] == "2"
    assert jobs == "--jobs 2 OMP_NUM_THREADS=2 TQDM_DISABLE=1"
    # As many rows a step as in one process.
    _, _, args = read(CONFIGS / "default" / "grpo.yaml")
    assert int(command[command.index("--gradient_accumulation_steps") + 1]) * 2 == args.gradient_accumulation_steps
    assert launch_of("ladder", "grpo").split() == command  # whose steps stand in its file's base

    for options in ({"cores": 1}, {"cores": 4, "accelerator": True}):
        command, jobs = here(**options)
        assert command == ["python", "-m", "training.grpo"]
        assert jobs == "--jobs 1"
    assert launch_of("default", "sft") == "python -m training.sft"

    monkeypatch.setattr(recipe, "_facts", lambda name: {"processes": {"grpo": 3}})
    with pytest.raises(InvalidConfig, match="multiple of 3 processes, actual: 2"):
        here(cores=4)


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_says_how_it_is_launched(name):
    for stage in {path.stem for path in (CONFIGS / name).glob("*.yaml")} & {"sft", "grpo"}:
        assert f"-m training.{stage}" in launch_of(name, stage)
    assert jobs_of(name).startswith("--jobs ")


def commands_of(text):
    """(module, arguments) of every ``python -m`` and ``accelerate launch ... -m``, with lines joined at backslashes."""
    text = re.sub(r"\\\n#?", " ", text)
    for line in re.findall(r"(?:python|accelerate launch) .*?-m ((?:training|benchmarks|agents)\..*)", text):
        module, *arguments = shlex.split(line)
        yield module, arguments


def make_dry(*goals):
    """What ``make`` would run, by this Python, had nothing been trained yet."""
    here = Path(sys.executable).parent
    environment = {key: value for key, value in os.environ.items() if key not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    command = ["make", "-n", "-B", f"BIN={here}", f"VENV={here.parent}", *goals]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


class Parsed(Exception):
    """Raised in place of what a command does after its arguments have been read."""


@pytest.fixture
def check(monkeypatch, tmp_path):
    """Lets the module of a command read its arguments, in a folder with every ``runs/...`` and ``models/...``."""
    (tmp_path / "training").symlink_to(ROOT / "training")
    monkeypatch.chdir(tmp_path)
    parse_args = ArgumentParser.parse_args

    def stop(*arguments, **options):
        raise Parsed

    def parse_and_stop(self, *arguments):
        parse_args(self, *arguments)
        raise Parsed

    monkeypatch.setattr(ArgumentParser, "parse_args", parse_and_stop)

    def check(name, arguments):
        module = importlib.import_module(installed(name))
        if hasattr(module, "__path__"):  # a package
            module = importlib.import_module(installed(f"{name}.__main__"))
        for argument in arguments:
            if argument.startswith(("runs/", "models/")):
                Path(argument).mkdir(parents=True, exist_ok=True)
        if hasattr(module, "train"):  # its parser makes dataclasses, not by parse_args
            monkeypatch.setattr(module, "train", stop)
        monkeypatch.setattr(sys, "argv", [name, *arguments])
        with pytest.raises(Parsed):
            module.main()

    return check


@pytest.mark.parametrize("path", EVERY, ids=name_of)
def test_the_commands_of_the_comments_parse(path, check):
    for module, arguments in commands_of(path.read_text()):
        check(module, arguments)


def test_there_are_commands_in_the_comments():
    modules = [module for path in EVERY for module, _ in commands_of(path.read_text())]
    assert len(modules) >= 12
    assert set(modules) == {"training.sft", "training.grpo", "training.rft", "training.dpo", "training.ppo"}


@pytest.mark.parametrize(
    "goals",
    [
        ("control", "rivals", "shorter", "speed", "settings", "trace-styles", "demonstrations", "grpo-from-scratch"),
        *(("train", f"RECIPE={name}", "SEED=1") for name in RECIPES if "stages" in RECIPES[name].read_text()),
        *((goal, "RECIPE=smollm2") for goal in ("control", "rivals", "baselines")),
        ("train", "SFT_FLAGS=--examples 64", "GRPO_FLAGS=--examples 64"),
    ],
    ids=" ".join,
)
def test_the_commands_of_the_makefile_parse(goals, check):
    commands = list(commands_of(make_dry(*goals)))
    assert len(commands) >= 5
    for module, arguments in commands:
        check(module, arguments)
        if "SFT_FLAGS=--examples 64" in goals and module in ("training.sft", "training.grpo"):
            assert arguments[-2:] == ["--examples", "64"]
