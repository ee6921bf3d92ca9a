"""GRPO on the environment's reward end to end, from a model that solves some mazes."""

import shutil
from collections import Counter

import pytest
import torch
from transformers import LlamaForCausalLM

from maze_env.attempt import End, EndedBy
from maze_env.errors import InvalidConfig
from maze_env.tokens import maze_to_text
from tests import tiny
from tests.training import runs
from tokenmaze.agents import decoding
from tokenmaze.agents.errors import InvalidCheckpoint
from tokenmaze.agents.prompts import render
from tokenmaze.agents.tiny_model import build_tokenizer
from tokenmaze.training import trl_adapter
from tokenmaze.training.dataset import token_ids
from tokenmaze.training.grpo_reward import MazeReward
from tokenmaze.training.mazes import DataConfig, make_mazes
from tokenmaze.training.step_credit import MOST_ODDS
from tokenmaze.training.trl_adapter import SparseGRPOTrainer, drop_zero_advantage_rows

GROUP = 8


@pytest.fixture(scope="module")
def finished(trained, tmp_path_factory):
    """A run of 6 steps that nothing interrupted, checkpoints at 3 and 6."""
    folder = tmp_path_factory.mktemp("finished") / "run"
    return folder, runs.train_grpo(folder, trained)


@pytest.fixture
def batches(monkeypatch):
    """The batches that the loss is computed on, as they come."""
    seen = []
    original = SparseGRPOTrainer.compute_loss

    def spy(self, model, inputs, *rest, **options):
        seen.append({name: value.clone() for name, value in inputs.items() if isinstance(value, torch.Tensor)})
        return original(self, model, inputs, *rest, **options)

    monkeypatch.setattr(SparseGRPOTrainer, "compute_loss", spy)
    return seen


@pytest.fixture
def rewarded(monkeypatch):
    """(mazes, completions, rewards) of each call of the reward."""
    seen = []
    original = MazeReward.__call__

    def spy(self, **options):
        rewards = original(self, **options)
        seen.append((options["maze"], options["completion_ids"], rewards))
        return rewards

    monkeypatch.setattr(MazeReward, "__call__", spy)
    return seen


def training_log(folder):
    return [entry for entry in runs.log_of(folder) if "loss" in entry]


def test_the_weights_move_and_the_folder_is_complete(finished, trained):
    folder, figures = finished
    assert not runs.same_weights(folder, trained)
    assert runs.same_weights(folder, folder / "checkpoint-6")
    run = runs.run_file(folder)
    assert run["stage"] == "grpo"
    assert run["figures"] == figures
    assert figures["steps"] == 6
    assert 0 < figures["environment_share"] < 0.5
    rewards = [entry["reward"] for entry in training_log(folder)]
    assert figures["reward"]["first"] == rewards[0]
    assert figures["reward"]["last"] == rewards[-1]
    assert figures["reward"]["min"] <= min(rewards[0], rewards[-1]) <= figures["reward"]["max"] == max(rewards)
    assert run["configuration"]["model"] == str(trained)
    assert run["configuration"]["reward"] == "solved"


def test_every_step_logs_what_there_is_to_watch(finished):
    log = training_log(finished[0])
    assert [entry["step"] for entry in log] == [1, 2, 3, 4, 5, 6]
    names = {
        "solved_rate", "legality", "pass@group", "answers/moves", "answers/distinct", "answers/distinct_first_moves",
        "environment_seconds", "reward_terms/solved", "reward_terms/progress", "frac_reward_zero_std", "entropy",
        "completions/clipped_ratio", "loss", "reward", "reward_std", "num_tokens",
        *(f"end/{end}" for end in End), *(f"ended_by/{party}" for party in EndedBy),
    }  # fmt: skip
    for entry in log:
        assert names <= entry.keys()
        terms = entry["reward_terms/solved"] + entry["reward_terms/progress"]
        assert entry["reward"] == pytest.approx(terms, abs=1e-6)
        for kind in ("end/", "ended_by/"):
            assert sum(value for name, value in entry.items() if name.startswith(kind)) == pytest.approx(1)
        assert entry["end/solved"] == entry["solved_rate"]
        assert entry["ended_by/token_budget"] == pytest.approx(entry["completions/clipped_ratio"])
        assert entry["entropy"] > 0


def test_the_groups_have_spread_so_that_there_is_something_to_learn(finished):
    # Without it the tests of this file would compare runs that learn nothing.
    log = training_log(finished[0])
    assert all(entry["reward_std"] > 0 for entry in log)
    assert sum(entry["frac_reward_zero_std"] for entry in log) / 6 < 0.75
    assert all(entry["grad_norm"] > 0 for entry in log)


def test_every_group_plays_one_maze_and_every_row_is_played_once(trained, tmp_path, rewarded, batches):
    runs.train_grpo(tmp_path / "run", trained, save_strategy="no")
    groups = []
    for mazes, completions, _ in rewarded:
        assert len(mazes) == len(completions) == 32
        groups += [mazes[start : start + GROUP] for start in range(0, 32, GROUP)]
    assert all(len(set(group)) == 1 for group in groups)
    rows = Counter(maze_to_text(maze) for maze, _ in make_mazes(DataConfig(examples=24, sizes="2x2")))
    assert Counter(group[0] for group in groups) == rows
    assert len(rows) > 10
    assert any(len(set(map(tuple, completions))) > 4 for _, completions, _ in rewarded)  # they are sampled


def test_answers_better_than_their_groups_mean_and_only_they_are_strengthened(trained, tmp_path, rewarded, batches):
    runs.train_grpo(tmp_path / "run", trained, save_strategy="no", shuffle_dataset=False, examples=4)
    rewards = torch.tensor(rewarded[0][2]).view(-1, GROUP)
    above = (rewards - rewards.mean(dim=1, keepdim=True)).flatten()
    # The loss may read a generation's rows in another order, so the signs are counted.
    assert Counter(batches[0]["advantages"].sign().tolist()) == Counter(
        torch.where(above.abs() < 1e-6, 0.0, above.sign()).tolist()
    )
    assert (rewards.std(dim=1) > 0).any()


def test_a_truncated_completion_counts_in_the_loss_with_its_reward_of_0(trained, tmp_path, rewarded, batches):
    # 8 tokens are enough for answers of one move: in a group, some end and some are cut off.
    runs.train_grpo(tmp_path / "run", trained, save_strategy="no", max_completion_length=8)
    log = training_log(tmp_path / "run")
    assert 0 < sum(entry["ended_by/token_budget"] for entry in log) / 6 < 1
    found = 0
    for batch in batches:
        for ids, mask, advantage in zip(
            batch["completion_ids"], batch["completion_mask"], batch["advantages"], strict=True
        ):
            if (ids != 2).all() and (ids != 0).all():  # neither end nor padding
                assert mask.sum() == 8  # every token takes part ...
                assert advantage <= 1e-6  # ... and 0 is never above a group's mean
                found += bool(advantage < -1e-3)
    assert found  # some are really weakened


def test_evaluating_with_samples_changes_nothing_that_is_drawn_or_learned(trained, finished, tmp_path):
    evaluations = {"eval_strategy": "steps", "eval_steps": 2, "eval_mazes": 2, "eval_samples": 2}
    runs.train_grpo(tmp_path / "run", trained, **evaluations)
    steps = [entry["step"] for entry in runs.log_of(tmp_path / "run") if "eval_pass@2" in entry]
    assert steps == [0, 2, 4, 6]
    assert runs.same_weights(tmp_path / "run", finished[0])


def test_a_killed_run_resumes_and_ends_with_bitwise_the_same_weights(trained, finished, tmp_path):
    folder = tmp_path / "run"
    values = {**runs.GRPO, "output_dir": folder, "model": trained}
    runs.kill("grpo", 5, values)
    assert [path.name for path in folder.glob("checkpoint-*")] == ["checkpoint-3"]
    assert runs.run_file(folder)["figures"] is None
    runs.train_grpo(folder, trained, resume=True)
    assert not runs.same_weights(folder / "checkpoint-3", folder)  # weights moved after the checkpoint
    assert runs.same_weights(folder, finished[0])
    assert [entry["step"] for entry in training_log(folder)] == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    "changes",
    [
        {"num_iterations": 2, "save_steps": 4},
        {"steps_per_generation": 2, "save_steps": 2},
        {"per_device_train_batch_size": 16, "gradient_accumulation_steps": 2, "save_steps": 1},
        {"muon_learning_rate": 0.001, "eval_strategy": "steps", "eval_steps": 2, "eval_mazes": 2},
        {"beta": 0.1},
    ],
    ids=str,
)
def test_every_generation_boundary_that_may_be_saved_resumes_exactly(trained, tmp_path, changes):
    folder = tmp_path / "run"
    runs.train_grpo(folder, trained, save_total_limit=100, **changes)
    steps = sorted(int(path.name.partition("-")[2]) for path in folder.glob("checkpoint-*"))
    middle = steps[(len(steps) - 1) // 2]
    assert middle < steps[-1]
    shutil.copytree(folder, tmp_path / "finished")
    for step in steps:
        if step > middle:
            shutil.rmtree(folder / f"checkpoint-{step}")
    runs.train_grpo(folder, trained, save_total_limit=100, resume=True, **changes)
    assert not runs.same_weights(folder / f"checkpoint-{middle}", folder)
    assert runs.same_weights(folder, tmp_path / "finished")


def test_no_model_is_an_error_before_anything_is_written(tmp_path):
    values = {**runs.GRPO, "output_dir": tmp_path / "run"}
    done = tiny.python("-m", "training.grpo", *runs.arguments(values))
    assert done.returncode == 2
    assert "error: Expects --model to name a checkpoint" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "run").exists()
    with pytest.raises(InvalidCheckpoint, match="does not exist"):
        runs.train_grpo(tmp_path / "run", tmp_path / "none")
    assert not (tmp_path / "run").exists()


def test_random_weights_are_trained_when_asked_for(tmp_path):
    sizes = {"hidden_size": 32, "layers": 2, "heads": 2}
    figures = runs.train_grpo(tmp_path / "run", "tiny", from_scratch=True, examples=4, save_strategy="no", **sizes)
    assert figures["steps"] == 1


def test_prompts_that_leave_no_room_are_an_error(trained, tmp_path):
    with pytest.raises(InvalidConfig, match="max_completion_length=4090"):
        runs.train_grpo(tmp_path / "run", trained, max_completion_length=4090)


@pytest.mark.parametrize("kind", ["tiny", "chat"])
def test_a_model_reads_exactly_the_rendered_prompt(kind, trained, tmp_path, monkeypatch, rewarded):
    if kind == "tiny":
        tokenizer, model = build_tokenizer(), trained
    else:  # its tokenizer puts a begin token before whatever it is given, and its template writes one too
        tokenizer = tiny.byte_tokenizer("<s>" + tiny.R1_CHAT)
        model = tiny.save(tmp_path / "model", tiny.byte_model(tokenizer), tokenizer)
    read = []
    original = LlamaForCausalLM.generate

    def spy(self, *rest, **options):
        for ids, mask in zip(options["input_ids"], options["attention_mask"], strict=True):
            read.append(ids[mask.bool()].tolist())
        return original(self, *rest, **options)

    monkeypatch.setattr(LlamaForCausalLM, "generate", spy)
    runs.train_grpo(
        tmp_path / "run", model, examples=2, per_device_train_batch_size=4, num_generations=2,
        max_completion_length=4, save_strategy="no",
    )  # fmt: skip
    prompts = [render(tokenizer, maze).text for batch, _, _ in rewarded for maze in batch]
    assert len(prompts) == 4
    assert sorted(read) == sorted(token_ids(tokenizer, prompts))
    if kind == "chat":
        assert all(prompt.count("<s>") == 1 and prompt.endswith("<think>\n") for prompt in prompts)


@pytest.mark.slow
def test_the_solved_rate_rises(trained, tmp_path):
    # 32 mazes a step; over 25 steps the mean of a rate of 0.18 has a standard error of about 0.013.
    runs.train_grpo(
        tmp_path / "run", trained, examples=32 * 250, per_device_train_batch_size=256, learning_rate=0.002,
        lr_scheduler_type="constant", save_strategy="no",
    )  # fmt: skip
    rates = [entry["solved_rate"] for entry in training_log(tmp_path / "run")]
    first, last = sum(rates[:25]) / 25, sum(rates[-25:]) / 25
    assert last > first + 0.05, (first, last)


def test_leaving_out_completions_without_advantage_changes_the_weights_by_rounding_alone(
    trained, tmp_path, monkeypatch
):
    pairs = {"num_generations": 2, "examples": 32, "save_strategy": "no"}  # of two answers, both often earn the same
    folder = tmp_path / "left-out"
    runs.train_grpo(folder, trained, **pairs)
    computed = Counter()

    def all_rows(inputs, at_least):
        computed["all"] += len(inputs["advantages"])
        computed["kept"] += len(drop_zero_advantage_rows(inputs, at_least)["advantages"])
        return inputs

    monkeypatch.setattr(trl_adapter, "drop_zero_advantage_rows", all_rows)
    runs.train_grpo(tmp_path / "run", trained, **pairs)
    assert computed["kept"] < computed["all"], "every completion of this run has an advantage, so it shows nothing"
    one, other = runs.weights(folder), runs.weights(tmp_path / "run")
    moved = max((one[name] - value).abs().max() for name, value in runs.weights(trained).items())
    apart = max((one[name] - other[name]).abs().max() for name in one)
    assert apart < 0.01 * moved


def micro_batch(**more):
    mask = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0], [1, 0, 0, 0]])
    return {
        "prompt_ids": torch.arange(12).view(3, 4), "completion_ids": torch.arange(12).view(3, 4),
        "completion_mask": mask, "importance_sampling_ratio": torch.arange(3).view(3, 1),
        "advantages": torch.tensor([0.0, 1.0, -1.0]), "num_items_in_batch": torch.tensor(7), "other": None, **more,
    }  # fmt: skip


def test_completions_without_advantage_and_padding_are_left_out():
    kept = drop_zero_advantage_rows(micro_batch())
    assert kept["prompt_ids"].tolist() == [[4, 5, 6, 7], [8, 9, 10, 11]]
    assert kept["completion_ids"].tolist() == [[4, 5], [8, 9]]
    assert kept["importance_sampling_ratio"].tolist() == [[1], [2]]
    assert kept["num_items_in_batch"] == 7
    none = drop_zero_advantage_rows(micro_batch(advantages=torch.zeros(3)))
    assert none["completion_ids"].tolist() == [[0, 1, 2, 3]]


def test_others_fill_up_where_another_process_has_more_to_learn_from():
    kept = drop_zero_advantage_rows(micro_batch(advantages=torch.tensor([0.0, 0.0, -1.0])), at_least=2)
    assert kept["prompt_ids"].tolist() == [[0, 1, 2, 3], [8, 9, 10, 11]]
    assert kept["advantages"].tolist() == [0, -1]
    every = drop_zero_advantage_rows(micro_batch(), at_least=1)
    assert every["advantages"].tolist() == [1, -1]


def test_a_tensor_that_is_not_known_is_an_error():
    with pytest.raises(KeyError, match="pixel_values"):
        drop_zero_advantage_rows(micro_batch(pixel_values=torch.zeros(3, 4)))


def test_with_step_credit_an_answer_is_blamed_for_one_token_alone(trained, tmp_path, batches):
    # The model answers without reasoning: the first token that an exploration would not have follows "<think>\n".
    runs.train_grpo(
        tmp_path / "run", trained, examples=12, step_credit="pointers", reward="sparse", save_strategy="no"
    )  # fmt: skip
    counts = Counter()
    for batch in batches:
        for weights, mask in zip(batch["advantages"], batch["completion_mask"], strict=True):
            assert -MOST_ODDS <= weights[2].item() < 0
            places = set(weights.nonzero().flatten().tolist())
            assert places in ({2}, set(mask.nonzero().flatten().tolist()))
            counts[places == {2}] += 1
    assert min(counts[True], counts[False]) > 5
    assert not runs.same_weights(tmp_path / "run", trained)


def test_with_stop_at_fault_an_answer_is_over_at_the_first_look_after_its_fault(
    trained, tmp_path, batches, monkeypatch
):
    # As above, each is wrong in its third token.
    monkeypatch.setattr(decoding, "LOOK_EVERY", 4)
    end, keys = build_tokenizer().eos_token_id, {"step_credit": "pointers", "reward": "sparse", "save_strategy": "no"}
    runs.train_grpo(tmp_path / "run", trained, examples=12, stop_at_fault=True, **keys)
    assert batches
    for batch in batches:
        assert batch["completion_mask"].sum(dim=1).max() <= 5
        assert (batch["completion_ids"].gather(1, batch["completion_mask"].sum(dim=1, keepdim=True) - 1) == end).all()
        for weights in batch["advantages"]:
            assert weights.nonzero().flatten().tolist() == [2]


@pytest.mark.parametrize("keys", [{}, {"step_credit": "pointers", "reward": "sparse"}, {"beta": 0.1}], ids=str)
def test_rows_of_like_length_are_computed_together_and_teach_the_same(trained, tmp_path, monkeypatch, keys):
    computed = {}

    def add(module, arguments, given):
        if given.get("labels") is not None:
            rows, columns = given["input_ids"].shape
            computed[part].append((rows, columns, int(given["attention_mask"].sum())))

    def prepare(self, *rest, original=SparseGRPOTrainer.__init__, **named):
        original(self, *rest, **named)
        self.model.register_forward_pre_hook(add, with_kwargs=True)

    monkeypatch.setattr(SparseGRPOTrainer, "__init__", prepare)
    for part in (32, 8):
        computed[part] = []
        monkeypatch.setattr(trl_adapter, "PART", part)
        sizes = "{2x2: 1, 2x3: 1, 4x4: 1}"
        runs.train_grpo(tmp_path / str(part), trained, sizes=sizes, examples=12, save_strategy="no", **keys)
    whole, split = (runs.weights(tmp_path / str(part)) for part in (32, 8))
    assert not runs.same_weights(tmp_path / "32", trained)
    for name, value in whole.items():
        torch.testing.assert_close(split[name], value, rtol=1e-3, atol=3e-4)
    texts = {part: sum(text for _, _, text in calls) for part, calls in computed.items()}
    places = {part: sum(rows * columns for rows, columns, _ in calls) for part, calls in computed.items()}
    assert texts[32] == texts[8]  # the same tokens, and less padding
    assert places[8] - texts[8] < (places[32] - texts[32]) * 0.7
    assert max(rows for rows, _, _ in computed[8]) == 8 < max(rows for rows, _, _ in computed[32])


@pytest.mark.parametrize("evaluated", ["no", "steps"])
def test_on_a_processor_autocast_is_for_learning_and_not_for_writing(trained, tmp_path, monkeypatch, evaluated):
    kept, computed = set(), set()

    def read(model, reading, inputs, cache, *rest, read=decoding.read):
        logits = read(model, reading, inputs, cache, *rest)
        kept.update(part.dtype for layer in cache.layers for part in (layer.keys, layer.values))
        return logits

    def compute_loss(self, *rest, compute_loss=SparseGRPOTrainer.compute_loss, **named):
        handle = self.model.model.layers[0].mlp.up_proj.register_forward_hook(
            lambda _, __, out: computed.add(out.dtype)
        )
        loss = compute_loss(self, *rest, **named)
        handle.remove()
        return loss

    monkeypatch.setattr(decoding, "read", read)
    monkeypatch.setattr(SparseGRPOTrainer, "compute_loss", compute_loss)
    more = {"eval_strategy": "steps", "eval_steps": 1, "eval_mazes": 4} if evaluated == "steps" else {}
    runs.train_grpo(tmp_path / "run", trained, bf16=True, examples=8, save_strategy="no", **more)
    assert kept == {torch.float32}
    assert computed == {torch.bfloat16}
