"""Command lines and YAML files to dataclasses."""

import re
from dataclasses import fields

import pytest

from maze_env.errors import InvalidConfig, UnknownName
from tokenmaze.agents.errors import InvalidCheckpoint
from tokenmaze.training.arguments import CONFIGS, parse
from tokenmaze.training.grpo import MazeGRPOConfig
from tokenmaze.training.mazes import DataConfig
from tokenmaze.training.model import ModelConfig
from tokenmaze.training.sft import MazeSFTConfig

SFT, GRPO = (ModelConfig, DataConfig, MazeSFTConfig), (ModelConfig, DataConfig, MazeGRPOConfig)


def yaml_file(folder, text):
    path = folder / "values.yaml"
    path.write_text(text)
    return str(path)


def test_defaults_are_the_dataclasses_own():
    model, data, args = parse(SFT, [])
    assert (model, data) == (ModelConfig(), DataConfig())
    assert args.per_device_train_batch_size == 32


def test_the_command_line_outranks_the_file_and_the_file_the_defaults(tmp_path):
    path = yaml_file(tmp_path, "examples: 7\nlayers: 3\nlearning_rate: 6e-5\nreport_to: none\n")
    for argv in (["--config", path, "--examples", "8"], ["--examples", "8", f"--config={path}"]):
        model, data, args = parse(SFT, argv)
        assert (data.examples, model.layers, args.learning_rate) == (8, 3, 6e-5)
        assert model.heads == ModelConfig().heads


def test_null_stands_for_a_default_of_none_alone(tmp_path):
    _, _, args = parse(SFT, ["--config", yaml_file(tmp_path, "muon_learning_rate: null\n")])
    assert args.muon_learning_rate is None
    with pytest.raises(InvalidConfig, match=r"Expects a value for examples .* \(its default is 10000\), actual: null"):
        parse(SFT, ["--config", yaml_file(tmp_path, "examples: null\n")])


def test_of_several_files_the_last_ones_values_count(tmp_path):
    first, second = tmp_path / "first.yaml", tmp_path / "second.yaml"
    first.write_text("examples: 7\nlayers: 3\n")
    second.write_text("layers: 5\n")
    for argv in (["--config", str(first), f"--config={second}"], ["--config", str(first), "--config", str(second)]):
        model, data, _ = parse(SFT, argv)
        assert (data.examples, model.layers) == (7, 5)
    with pytest.raises(InvalidConfig, match="no/such"):
        parse(SFT, ["--config", str(first), "--config", "no/such.yaml"])


def test_a_file_stands_on_its_base_and_that_on_its_own(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "lowest.yaml").write_text("examples: 7\nlayers: 3\nlengths: 1-4\nsizes: 4x4\n")
    (tmp_path / "deep" / "base.yaml").write_text("base: lowest.yaml\nlayers: 4\nsizes: {6x6: 1}\n")
    path = yaml_file(tmp_path, "base: deep/base.yaml\nlayers: 5\nlengths: null\n")
    model, data, _ = parse(SFT, ["--config", path])
    assert (data.examples, model.layers, data.lengths, data.sizes) == (7, 5, None, {"6x6": 1})  # a mapping replaces all
    _, data, _ = parse(SFT, ["--config", str(tmp_path / "deep" / "lowest.yaml"), "--config", path, "--sizes", "8x8"])
    assert (data.examples, data.sizes) == (7, {"8x8": 1})


def test_a_base_is_checked_like_any_file(tmp_path):
    (tmp_path / "base.yaml").write_text("exmples: 7\n")
    with pytest.raises(UnknownName, match=r"configuration key in .*base\.yaml .* Did you mean 'examples'"):
        parse(SFT, ["--config", yaml_file(tmp_path, "base: base.yaml\n")])
    with pytest.raises(InvalidConfig, match=r"none\.yaml', which does not exist"):
        parse(SFT, ["--config", yaml_file(tmp_path, "base: none.yaml\n")])
    (tmp_path / "base.yaml").write_text("base: values.yaml\n")
    with pytest.raises(InvalidConfig, match=r"values\.yaml' is a base of itself"):
        parse(SFT, ["--config", yaml_file(tmp_path, "base: base.yaml\n")])


def test_a_key_that_stands_twice_is_an_error(tmp_path):
    with pytest.raises(InvalidConfig, match=r"valid YAML in .*values\.yaml'.* a key stands twice"):
        parse(SFT, ["--config", yaml_file(tmp_path, "examples: 7\nlayers: 3\nexamples: 8\n")])


@pytest.mark.parametrize("sizes", ["{5x5: 2, 6x6: 1}", '{"5x5":2,"6x6":1}'])
def test_the_command_line_takes_mappings_as_yaml_or_json(sizes):
    _, data, _ = parse(SFT, ["--sizes", sizes, "--lengths", "1-4", "--trace_styles=[{rows: 2, path: 1}, {search: 1}]"])
    assert data.sizes == {"5x5": 2, "6x6": 1}
    assert data.length_shares == {(1, 4): 1.0}
    assert [rows for rows, _ in data.phases] == [2, None]


def test_dashes_and_equal_signs_are_as_good_as_underscores_and_blanks():
    _, data, args = parse(SFT, ["--maze-seed=4", "--per-device-train-batch-size", "5"])
    assert (data.maze_seed, args.per_device_train_batch_size) == (4, 5)


def test_values_of_every_kind_may_stand_in_a_file(tmp_path):
    text = (
        "overwrite: true\nsizes: {4x4: 1, 5x5: 3}\ntrace_styles: [{rows: 4, path: 1}, {retry: 1}]\n"
        "lr_scheduler_type: warmup_stable_decay\nmuon_learning_rate: null\n"
        "lr_scheduler_kwargs: {num_decay_steps: 6, decay_type: linear}\nwarmup_steps: 2\n"
    )
    _, data, args = parse(SFT, ["--config", yaml_file(tmp_path, text)])
    assert args.overwrite is True
    assert data.sizes == {"4x4": 1, "5x5": 3}
    assert data.phases == [(4, {"path": 1.0}), (None, {"retry": 1.0})]
    assert args.lr_scheduler_kwargs == {"num_decay_steps": 6, "decay_type": "linear"}
    assert args.muon_learning_rate is None


@pytest.mark.parametrize("kinds", [SFT, GRPO])
@pytest.mark.parametrize(
    ("key", "nearest"),
    [("exmples", "examples"), ("learning_rte", "learning_rate"), ("eval_stps", "eval_steps"),
     ("layer", "layers"), ("resum", "resume")],
)  # fmt: skip
def test_an_unknown_key_names_the_nearest_wherever_it_stands(tmp_path, kinds, key, nearest):
    hint = rf"actual: '{key}'\. Did you mean '{nearest}'"
    for argument in (f"--{key}", f"--{key.replace('_', '-')}", f"--{key}=3"):
        with pytest.raises(UnknownName, match=hint):
            parse(kinds, [argument, "3"])
    with pytest.raises(UnknownName, match=hint) as error:
        parse(kinds, ["--config", yaml_file(tmp_path, f"{key}: 3\n")])
    assert "values.yaml" in str(error.value)


def test_abbreviations_are_not_guessed():
    with pytest.raises(UnknownName, match="'example'"):
        parse(SFT, ["--example", "3"])


def test_a_file_that_is_missing_is_quoted():
    with pytest.raises(InvalidConfig, match=r"YAML file, actual: 'no/such\.yaml', which does not exist"):
        parse(SFT, ["--config", "no/such.yaml"])
    with pytest.raises(InvalidConfig, match="Expects a value of --config, actual: none"):
        parse(SFT, ["--config"])


@pytest.mark.parametrize("shipped", sorted(str(path.relative_to(CONFIGS)) for path in CONFIGS.rglob("*.yaml")))
def test_a_misspelt_configuration_is_told_the_nearest(shipped, tmp_path):
    for kinds in (SFT, GRPO):
        with pytest.raises(InvalidConfig, match=rf"does not exist\. Did you mean '{re.escape(shipped)}'\?"):
            parse(kinds, ["--config", shipped.replace(".yaml", ".yml")])
    (tmp_path / "my.yaml").touch()
    for text in (str(tmp_path / "mi.yaml"), yaml_file(tmp_path, "base: mi.yaml\n")):
        with pytest.raises(InvalidConfig, match=r"Did you mean '.*my\.yaml'\?"):
            parse(SFT, ["--config", text])


@pytest.mark.parametrize(("text", "kind"), [("- examples\n", "list"), ("examples", "str"), ("", "NoneType")])
def test_a_file_that_is_no_mapping_is_refused(tmp_path, text, kind):
    with pytest.raises(InvalidConfig, match=f"mapping of keys to values .* actual: {kind}"):
        parse(SFT, ["--config", yaml_file(tmp_path, text)])


def test_a_file_that_is_no_yaml_is_refused(tmp_path):
    with pytest.raises(InvalidConfig, match="valid YAML"):
        parse(SFT, ["--config", yaml_file(tmp_path, "examples: [1, 2\n")])


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--examples", "many"], "Expects --examples as int, actual: 'many'"),
        (["--use_cpu", "perhaps"], "perhaps"),
        (["--lr_scheduler_type", "cosin"], "cosin"),
        (["--examples"], "Expects a value of --examples, actual: none"),
        (["stray"], "Expects no more arguments, actual: stray"),
        (["--logging_steps", "0"], "logging_steps"),
        (["--max_length", "512"], "max_length to stay None .* actual: 512"),
        (["--packing", "true"], "packing to stay False"),
        (["--train_sampling_strategy", "random"], "'sequential' .* actual: 'random'"),
        (
            ["--chat_template_path", "chat.jinja"],
            "chat_template_path to stay None .*chat_template_file is read before.*, actual: 'chat.jinja'",
        ),
        (["--per_device_train_batch_size", "0"], "per_device_train_batch_size of at least 1, actual: 0"),
        (["--maze_seed", "-1"], "maze_seed of at least 0, actual: -1"),
        (["--seed", "-1"], "Expects seed from 0 .* actual: -1"),
        (["--eval_mazes", "0"], "eval_mazes of at least 1, actual: 0"),
        (["--eval_samples", "-1"], "eval_samples of at least 0, actual: -1"),
        (["--sizes", "5x5:1"], "sizes as {ROWSxCOLS: weight}, .* actual: '5x5:1'"),
        (["--muon_learning_rate", "-0.1"], "muon_learning_rate of at least 0, actual: -0.1"),
        (["--learning_rate", "-1"], "learning_rate of at least 0, actual: -1"),
        (["--hidden_size", "100", "--heads", "8"], "100 and 8"),
    ],
)
def test_impossible_sft_values_are_one_clear_error(argv, said):
    with pytest.raises(InvalidConfig, match=said):
        parse(SFT, argv)


BATCH = ["--per_device_train_batch_size", "32", "--num_generations", "8"]


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--num_train_epochs", "2"], "one pass .* actual: num_train_epochs=2.0"),
        (["--num_train_epochs", "0.5"], "one pass .* actual: num_train_epochs=0.5"),
        (["--max_steps", "10"], "one pass .* max_steps=10"),
        (["--num_generations", "5"], r"num_generations \(5\)"),
        (["--mask_truncated_completions", "true"], "mask_truncated_completions to stay False"),
        (["--save_steps", "3", "--num_iterations", "2"], r"num_iterations = 2 .* actual: 3 \* 1"),
        (["--save_steps", "3", "--steps_per_generation", "2"], r"num_iterations = 2 .* actual: 3 \* 1"),
        (["--save_steps", "0.5"], "save_steps"),
        (["--max_completion_length", "0"], "max_completion_length of at least 1, actual: 0"),
    ],
)
def test_contradictory_grpo_values_are_one_clear_error(argv, said):
    with pytest.raises(InvalidConfig, match=said):
        parse(GRPO, [*BATCH, *argv])


@pytest.mark.parametrize(
    "argv",
    [
        ["--save_steps", "4", "--num_iterations", "2"],
        ["--save_steps", "6", "--num_iterations", "3", "--steps_per_generation", "2"],
        ["--save_steps", "3", "--gradient_accumulation_steps", "2"],  # each step ends a generation's two passes
        ["--save_strategy", "no", "--num_iterations", "7"],
    ],
)
def test_saving_at_generation_boundaries_is_accepted(argv):
    assert parse(GRPO, [*BATCH, *argv])


def test_unknown_names_and_missing_checkpoints_are_errors_at_once():
    with pytest.raises(UnknownName, match="value of bf16 out of 'auto', 'false', 'true', actual: 'perhaps'"):
        parse(GRPO, ["--bf16", "perhaps"])
    with pytest.raises(UnknownName, match="Did you mean 'solved'"):
        parse(GRPO, ["--reward", "sovled"])
    with pytest.raises(InvalidCheckpoint, match=r"'\./none', which does not exist"):
        parse(GRPO, ["--model", "./none"])


@pytest.mark.parametrize("kinds", [SFT, GRPO])
def test_help_lists_every_field_and_explains_it(kinds, capsys):
    with pytest.raises(SystemExit) as end:
        parse(kinds, ["--help"])
    assert end.value.code == 0
    # Lines are broken anywhere, so blanks are left out on both sides.
    printed = "".join(capsys.readouterr().out.split())
    for field in (field for kind in kinds for field in fields(kind) if field.init):
        explanation = "".join(field.metadata.get("help", "").replace("%%", "%").split())
        assert len(explanation) > 10, field.name
        assert f"--{field.name}" in printed
        assert explanation in printed, field.name
    assert "--configFILE.yaml" in printed
