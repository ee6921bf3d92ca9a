"""Rejection-sampling fine-tuning end to end, and what of the samples is learned from."""

import re
import shutil
from collections import Counter

import pytest
from trl import SFTTrainer

from maze_env.attempt import Attempt, End, EndedBy
from maze_env.errors import InvalidConfig, UnknownName
from maze_env.tokens import maze_from_text
from maze_env.verifier import verify
from tests import tiny
from tests.training import runs
from tokenmaze.agents.llm_policy import LLMPolicy
from tokenmaze.agents.rollout import rollout
from tokenmaze.agents.tiny_model import build_model, build_tokenizer
from tokenmaze.training import rft
from tokenmaze.training.mazes import DataConfig, training_mazes
from tokenmaze.training.rft import MazeRFTConfig, chosen, round_mazes
from tokenmaze.training.sampling import Sample, draw, figures_of, sample_groups

MUON = {"muon_learning_rate": 0.001, "eval_strategy": "steps", "eval_steps": 2, "eval_mazes": 4}


@pytest.fixture(scope="module")
def finished(tmp_path_factory, trained):
    """A run of three rounds that nothing interrupted."""
    folder = tmp_path_factory.mktemp("finished") / "run"
    figures = runs.train_rft(folder, trained, **MUON)
    return folder, figures


def rounds_in(folder):
    """The log entries about the samples of the rounds."""
    return [entry for entry in runs.log_of(folder) if "kept" in entry]


def test_the_log_has_the_samples_of_each_round_before_its_steps(finished):
    folder, figures = finished
    rounds = rounds_in(folder)
    assert [entry["round"] for entry in rounds] == [1, 2, 3]
    assert rounds[0]["step"] == 0
    for entry in rounds:
        assert entry["samples"] == 64
        assert 0 < entry["solved_rate"] <= entry["pass@group"] <= 1
        assert 0 < entry["kept"] <= 64 * entry["solved_rate"]
        assert 0 <= entry["frac_reward_zero_std"] < 1
        assert 1 < entry["completions/mean_length"] <= entry["completions/max_length"] <= 12
    assert figures["samples"] == 192
    assert figures["kept"] == sum(entry["kept"] for entry in rounds)
    assert figures["solved_rate"] == {"first": rounds[0]["solved_rate"], "last": rounds[-1]["solved_rate"]}


def test_each_round_ends_with_a_log_entry_and_a_checkpoint_and_the_schedule_with_the_last(finished):
    folder, figures = finished
    log = runs.log_of(folder)
    ends = [later["step"] for later in rounds_in(folder)[1:]] + [figures["steps"]]
    losses = {entry["step"]: entry for entry in log if "loss" in entry}
    assert set(ends) <= losses.keys()
    assert [f"checkpoint-{end}" for end in ends[1:]] == sorted(path.name for path in folder.glob("checkpoint-*"))
    assert runs.same_weights(folder, folder / f"checkpoint-{ends[-1]}")
    rates = [losses[step]["learning_rate"] for step in sorted(losses)]
    assert rates == sorted(rates, reverse=True)
    assert 0 < rates[-1] <= runs.RFT["learning_rate"] / 2
    assert any("eval_solved_rate" in entry for entry in log)


def test_the_folder_says_what_was_run(finished):
    folder, figures = finished
    run = runs.run_file(folder)
    assert (run["stage"], run["figures"]) == ("rft", figures)
    assert {"rounds": 3, "keep": "all", "num_generations": 8, "max_steps": -1}.items() <= run["configuration"].items()


def test_rows_are_solved_samples_token_by_token_with_their_end(trained, tmp_path, monkeypatch):
    drawn, seen = [], []
    monkeypatch.setattr(rft, "draw", lambda *given: drawn.extend(draw(*given)) or drawn)
    compute_loss = SFTTrainer.compute_loss

    def spy(self, model, inputs, *rest, **options):
        seen.extend(zip(inputs["input_ids"].tolist(), inputs["labels"].tolist(), strict=True))
        return compute_loss(self, model, inputs, *rest, **options)

    monkeypatch.setattr(SFTTrainer, "compute_loss", spy)
    runs.train_rft(tmp_path / "run", trained, rounds=1, examples=12)
    tokenizer = build_tokenizer()
    solved = {(tuple(one.prompt), tuple(one.completion)) for group in drawn for one in group if one.succeeded}
    learned = set()
    for ids, labels in seen:
        start = labels.index(next(label for label in labels if label != -100))
        completion = tuple(label for label in labels if label != -100)
        assert tuple(ids[start : start + len(completion)]) == completion
        learned.add((tuple(ids[:start]), completion))
        assert completion[-1] == tokenizer.eos_token_id
        text = tokenizer.decode(completion[:-1])
        assert verify(maze_from_text(tokenizer.decode(ids[:start])), text).end is End.SOLVED
    assert learned == solved != set()


@pytest.mark.parametrize("rounds", [1, 3, 4])
def test_the_rounds_share_the_mazes_of_a_grpo_run_in_their_order(rounds):
    data = DataConfig(examples=10, sizes="3x3", maze_seed=3)
    shares = [list(round_mazes(data, number, rounds)) for number in range(rounds)]
    assert [maze for share in shares for maze in share] == training_mazes(data)
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def sample(completion, end=End.SOLVED, truncated=False):
    """A sample that wrote some tokens."""
    ended_by = EndedBy.TOKEN_BUDGET if truncated else EndedBy.AGENT
    (maze,) = tiny.mazes(1, 2, 2)
    attempt = Attempt(maze, "standard", 0, (), False, (), (), end, ended_by, (0, 0), 1, 1)
    return Sample(attempt, [7], completion)


def test_what_is_kept_of_a_maze():
    failed, cut = sample([1], End.SHORT_OF_TARGET), sample([2], truncated=True)
    first, again, short = sample([3, 3, 3]), sample([3, 3, 3]), sample([4, 4])
    group = [failed, cut, first, again, short]
    kept = {keep: [one.completion for one in chosen(group, keep)] for keep in rft.KEEP}
    assert kept == {"all": [[3, 3, 3], [4, 4]], "one": [[3, 3, 3]], "shortest": [[4, 4]]}
    assert all(chosen([failed, cut], keep) == [] for keep in rft.KEEP)


def test_figures_are_of_the_samples_that_grpo_would_reward():
    failed, cut, solved = sample([1], End.SHORT_OF_TARGET), sample([2, 2], truncated=True), sample([3, 3, 3])
    figures = figures_of([[failed, cut], [solved, solved], [solved, cut]])
    assert figures["frac_reward_zero_std"] == pytest.approx(2 / 3)
    assert figures["completions/mean_length"] == pytest.approx((1 + 2 + 3 + 3 + 3 + 2) / 6)
    assert figures["completions/clipped_ratio"] == pytest.approx(1 / 3)


def test_groups_are_in_the_order_of_their_mazes_and_a_function_of_the_seed():
    policy = LLMPolicy(build_model(tiny.SMALL, 0), build_tokenizer(), temperature=1.0, max_new_tokens=8, batch_size=5)
    mazes = tiny.mazes(4, 2, 2)
    one, again, other = (list(sample_groups(policy, mazes, 3, seed)) for seed in (1, 1, 2))
    assert one == again != other
    assert [[attempt.attempt.maze for attempt in group] for group in one] == [[maze] * 3 for maze in mazes]
    tokenizer = policy.tokenizer
    for drawn in (drawn for group in one for drawn in group):
        assert maze_from_text(tokenizer.decode(drawn.prompt)) == drawn.attempt.maze
        assert len(drawn.completion) == drawn.attempt.tokens
        assert (drawn.completion[-1] == tokenizer.eos_token_id) is not drawn.attempt.truncated


def test_the_tokens_of_a_policy_are_those_of_its_newest_turn():
    policy = LLMPolicy(build_model(tiny.SMALL, 0), build_tokenizer(), max_new_tokens=4)
    first, second = tiny.mazes(2, 2, 2)
    for maze in (first, second):
        (attempt,) = rollout(policy, [maze], [0])
        assert maze_from_text(policy.tokenizer.decode(policy.prompts[0])) == maze
        assert len(policy.completions[0]) == attempt.tokens


def test_it_learns_what_it_has_found(trained, tmp_path):
    long = {"examples": 288, "per_device_train_batch_size": 16, "learning_rate": 0.003}
    runs.train_rft(tmp_path / "run", trained, **long, lr_scheduler_type="constant")
    rates = [entry["solved_rate"] for entry in rounds_in(tmp_path / "run")]
    assert rates[0] + 0.03 < rates[-1]  # of 768 samples each


def test_a_killed_run_goes_on_from_its_last_whole_round_and_ends_with_the_same_weights(finished, trained, tmp_path):
    whole, figures = finished
    folder, begun = tmp_path / "run", rounds_in(whole)[2]["step"]
    runs.kill("rft", begun + 1, {**runs.RFT, **MUON, "output_dir": folder, "model": trained})
    assert (folder / f"checkpoint-{begun}").is_dir()
    assert runs.run_file(folder)["figures"] is None
    resumed = runs.train_rft(folder, trained, **MUON, resume=True)
    assert resumed["resumed_at_step"] == begun
    assert runs.same_weights(folder, whole)
    assert runs.timeless(runs.log_of(folder)) == runs.timeless(runs.log_of(whole))
    assert resumed["train_loss"] == figures["train_loss"]


def test_a_run_that_was_killed_after_its_last_round_ends_as_it_would_have(finished, trained, tmp_path):
    whole, figures = finished
    folder = tmp_path / "run"
    shutil.copytree(whole, folder)
    (folder / "model.safetensors").unlink()
    resumed = runs.train_rft(folder, trained, **MUON, resume=True)
    assert runs.same_weights(folder, whole)
    assert runs.timeless(runs.log_of(folder)) == runs.timeless(runs.log_of(whole))
    assert (resumed["steps"], resumed["kept"]) == (figures["steps"], figures["kept"])


def test_passes_and_accumulation_count_per_round(trained, tmp_path):
    several = {"num_train_epochs": 2, "gradient_accumulation_steps": 2, "per_device_train_batch_size": 2}
    figures = runs.train_rft(tmp_path / "run", trained, **several)
    steps = [-(-entry["kept"] // 4) * 2 for entry in rounds_in(tmp_path / "run")]
    assert figures["steps"] == sum(steps)


def test_a_model_that_solves_nothing_is_told_and_leaves_the_folder_free(tmp_path):
    policy = LLMPolicy(build_model(tiny.SMALL, 0), build_tokenizer())
    folder = tiny.save(tmp_path / "untrained", policy.model, policy.tokenizer)
    with pytest.raises(InvalidConfig, match=r"some of the mazes .* actual: none of 64 samples in round 1"):
        runs.train_rft(tmp_path / "run", folder)
    assert not list((tmp_path / "run").iterdir())


@pytest.mark.parametrize(
    ("keys", "error", "said"),
    [
        ({"mode": "play"}, InvalidConfig, "Expects mode plan"),
        ({"temperature": 0.0}, InvalidConfig, "Expects temperature above 0"),
        ({"keep": "shortst"}, UnknownName, "Did you mean 'shortest'"),
        ({"num_train_epochs": 0}, InvalidConfig, "Expects num_train_epochs above 0"),
        ({"rounds": 0}, InvalidConfig, "Expects rounds of at least 1"),
        ({"num_generations": 0}, InvalidConfig, "Expects num_generations of at least 1"),
        ({"save_steps": 5}, InvalidConfig, "Expects save_steps to stay 0 .*end of each round"),
        ({"save_strategy": "no"}, InvalidConfig, "Expects save_strategy to stay 'steps'"),
    ],
)
def test_keys_that_cannot_be_are_errors(keys, error, said):
    with pytest.raises(error, match=said):
        MazeRFTConfig(**keys)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"listings": "shuffled"}, "samples are answers to standard texts"),
        ({"rounds": 25}, "at least one of the examples for each round, actual: 24"),
    ],
)
def test_data_that_rounds_cannot_have_are_errors(keys, said, trained, tmp_path):
    with pytest.raises(InvalidConfig, match=re.escape(said)):
        runs.train_rft(tmp_path / "run", trained, **keys)


def test_the_same_command_gives_the_same_weights(finished, trained, tmp_path):
    runs.train_rft(tmp_path / "again", trained, **MUON)
    assert runs.same_weights(tmp_path / "again", finished[0])
    assert Counter(map(str, runs.timeless(rounds_in(tmp_path / "again")))) == Counter(
        map(str, runs.timeless(rounds_in(finished[0])))
    )
