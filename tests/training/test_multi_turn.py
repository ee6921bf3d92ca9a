"""Multi-turn training: what is supervised, what is rewarded, and that the environment's replies teach nothing."""

from types import SimpleNamespace

import pytest
import torch

from maze_env.answers import moves_to_text, parse_answer
from maze_env.attempt import End, EndedBy
from maze_env.dynamics import transition
from maze_env.errors import InvalidConfig, UnknownName
from maze_env.solving import shortest_path
from maze_env.tokens import maze_from_text
from maze_env.verifier import verify
from tests import tiny
from tests.training import runs
from tokenmaze.agents.multi_turn_policy import MultiTurnPolicy
from tokenmaze.agents.rollout import rollout
from tokenmaze.agents.tiny_model import build_model, build_tokenizer
from tokenmaze.training.grpo_reward import episode_return
from tokenmaze.training.mazes import DataConfig, make_mazes
from tokenmaze.training.model import TINY
from tokenmaze.training.multi_turn import (
    EnvConfig,
    MultiTurnRollout,
    expert_dataset,
    expert_rollout,
    initial_prompt,
    multi_turn_dataset,
)
from tokenmaze.training.trl_adapter import SparseGRPOTrainer

DATA = DataConfig(examples=12, sizes={"3x3": 1, "2x4": 1}, maze_seed=3)
STRANGER = {"tokenizer": tiny.byte_tokenizer(tiny.CHAT)}


def of_kind(kind):
    if kind == "tiny":
        return build_model(tiny.SMALL, 0), build_tokenizer()
    return tiny.byte_model(STRANGER["tokenizer"]), STRANGER["tokenizer"]


@pytest.mark.parametrize("view_radius", [None, 0])
@pytest.mark.parametrize("kind", ["tiny", "stranger"])
def test_the_supervised_tokens_are_exactly_the_experts_moves(kind, view_radius):
    _, tokenizer = of_kind(kind)
    rows = expert_dataset(DATA, tokenizer, 4096, 4, 0, "shortest-path", view_radius)
    experts = {}  # under partial observability mazes begin alike, and whole episodes can be
    drawn = list(make_mazes(DATA))
    for (maze, _), texts in zip(drawn, expert_rollout(tokenizer, "shortest-path", drawn, view_radius), strict=True):
        assert texts[0] == initial_prompt(tokenizer, maze, view_radius)
        experts["".join(texts)] = maze
    assert len(rows) == 12
    assert {tokenizer.decode(row["input_ids"]) for row in rows} == experts.keys()
    for row in rows:
        assert all(label in (-100, token) for token, label in zip(row["input_ids"], row["labels"], strict=True))
        whole = tokenizer.decode(row["input_ids"])
        maze = experts[whole]
        moves = parse_answer(tokenizer.decode([token for token in row["labels"] if token != -100])).moves
        verdict = verify(maze, moves_to_text(moves))
        if view_radius is None:
            assert list(moves) == shortest_path(maze)
        else:  # it explores: on the way it may turn back, and it arrives
            assert verdict.solved
        assert ("<|unseen|><|blank|>" in whole) == (view_radius is not None)


def played(model, tokenizer, rows, env, budget, max_turn_tokens, temperature=1.0):
    """What a rollout returns for the prompts of ``rows``, asked for by a trainer."""
    trainer = SimpleNamespace(
        model=model, processing_class=tokenizer, args=SimpleNamespace(temperature=temperature),
        accelerator=SimpleNamespace(unwrap_model=lambda model: model),
    )  # fmt: skip
    torch.manual_seed(0)
    return MultiTurnRollout(env, budget, max_turn_tokens)([row["prompt"] for row in rows], trainer)


@pytest.mark.parametrize("view_radius", [None, 0])
@pytest.mark.parametrize("kind", ["tiny", "stranger"])
def test_a_rollout_is_the_dialogue_and_its_log_probabilities_are_the_models(kind, view_radius):
    model, tokenizer = of_kind(kind)
    rows = [row for row in multi_turn_dataset(DATA, tokenizer, 4096, 80, view_radius) for _ in range(2)]
    columns = played(model, tokenizer, rows, EnvConfig(view_radius), 80, 8, temperature=1.3)
    for index, row in enumerate(rows):
        ids, mask = columns["completion_ids"][index], columns["env_mask"][index]
        maze = maze_from_text(row["prompt"][0]["maze"])
        assert tokenizer.decode(columns["prompt_ids"][index]) == initial_prompt(tokenizer, maze, view_radius)
        assert len(ids) == len(mask) == len(columns["logprobs"][index]) <= 80 + 1
        whole = torch.tensor([columns["prompt_ids"][index] + ids])
        with torch.no_grad():
            logits = model.eval()(whole).logits[0, -len(ids) - 1 : -1] / 1.3
        expected = logits.log_softmax(-1).gather(1, torch.tensor(ids)[:, None]).squeeze(1)
        for own, drawn, recomputed in zip(mask, columns["logprobs"][index], expected.tolist(), strict=True):
            assert drawn == pytest.approx(recomputed, abs=1e-3) if own else drawn == 0.0
    assert sum(map(sum, columns["env_mask"])) > 0
    assert any(0 in mask for mask in columns["env_mask"])


def test_a_rollout_draws_from_the_global_random_state_alone():
    model, tokenizer = of_kind("tiny")
    rows = list(multi_turn_dataset(DATA, tokenizer, 4096, 80, None))
    one, again = (played(model, tokenizer, rows, EnvConfig(), 80, 8)["completion_ids"] for _ in range(2))
    assert one == again
    torch.manual_seed(0)
    torch.rand(1)
    state = torch.get_rng_state()
    other = played(model, tokenizer, rows, EnvConfig(), 80, 8)["completion_ids"]
    assert other == one  # ``played`` seeds it again
    assert not torch.equal(torch.get_rng_state(), state)  # and it is what the samples come from


@pytest.mark.parametrize("view_radius", [None, 0])
def test_what_is_rewarded_is_the_environments_return(view_radius, tmp_path):
    # A policy that has learned to play, so that some episodes end on the target.
    trained = sft_that_plays(tmp_path, **({} if view_radius is None else {"view_radius": view_radius}))
    tokenizer = build_tokenizer()
    model = MultiTurnPolicy.from_pretrained(trained).decoder.model
    rows = list(multi_turn_dataset(DataConfig(examples=24, sizes="2x2"), tokenizer, 4096, 40, view_radius))
    # In fog, mazes begin alike: which one an episode is on is not for the prompt to say.
    starts, texts = ({row["prompt"][0][name] for row in rows} for name in ("content", "maze"))
    assert (len(starts) < len(texts)) == (view_radius is not None)
    columns = played(model, tokenizer, rows, EnvConfig(view_radius), 40, 1)
    attempts = columns["attempt"]
    for row, attempt, ids, mask in zip(rows, attempts, columns["completion_ids"], columns["env_mask"], strict=True):
        if attempt.end is End.SOLVED:
            assert attempt.reward == pytest.approx(1.1)
            assert attempt.moves
        else:
            assert attempt.reward < 1
        # An end that the environment wrote, unless the budget of tokens left no room for another turn.
        cut_off = attempt.ended_by is EndedBy.TOKEN_BUDGET and attempt.end is End.SHORT_OF_TARGET
        assert (ids[-1] == tokenizer.eos_token_id and mask[-1] == 0) == (not cut_off)
        own = [token for token, is_own in zip(ids, mask, strict=True) if is_own]
        maze = maze_from_text(row["prompt"][0]["maze"])
        assert attempt.maze == maze
        cells = [maze.origin]
        assert parse_answer(tokenizer.decode(own)).moves == attempt.moves
        for move in attempt.moves:
            cells.append(transition(maze, cells[-1], move)[0])
        assert (cells[-1] == maze.target) == attempt.solved
    logged = {}
    rewards = episode_return(attempts, columns["environment_seconds"], log_metric=logged.__setitem__)
    assert rewards == [attempt.reward for attempt in attempts]
    assert logged["solved_rate"] == logged["end/solved"] == sum(attempt.solved for attempt in attempts) / 24 > 0
    assert logged["legality"] == sum(attempt.legal for attempt in attempts) / 24 < 1
    assert logged["answers/moves"] == sum(len(attempt.moves) for attempt in attempts) / 24
    assert logged["ended_by/environment"] == logged["end/solved"]
    assert 0 < logged["environment_seconds"] < 60


def sft_that_plays(folder, **settings):
    runs.train_sft(folder / "sft", mode="play", examples=1024, save_strategy="no", **settings)
    return str(folder / "sft")


def test_sft_teaches_to_play_and_grpo_goes_on_from_there(tmp_path, recwarn):
    trained = sft_that_plays(tmp_path)
    mazes = tiny.mazes(48, 2, 2)
    before = rollout(MultiTurnPolicy.from_pretrained(trained), mazes, range(48))
    assert sum(attempt.solved for attempt in before) > 24
    runs.train_grpo(tmp_path / "grpo", trained, mode="play", max_completion_length=40, save_strategy="no",
                    max_turn_tokens=1, eval_strategy="steps", eval_steps=3, eval_mazes=5)  # fmt: skip
    assert not runs.same_weights(trained, tmp_path / "grpo")
    assert not [one for one in recwarn if "experimental feature" in str(one.message)]
    log = runs.log_of(tmp_path / "grpo")
    for entry in log:
        if "solved_rate" in entry:
            assert entry["end/solved"] == entry["ended_by/environment"] == entry["solved_rate"]
            assert entry["ended_by/token_budget"] >= entry["completions/clipped_ratio"]
    assert any("eval_solved_rate" in entry for entry in log)


def test_replies_get_no_gradient_and_a_group_plays_one_maze(tmp_path, monkeypatch):
    trained = sft_that_plays(tmp_path)
    groups, hidden, batches = [], [], []
    reward = episode_return

    def spy(attempt, **columns):
        groups.extend([attempt[start : start + 8] for start in range(0, len(attempt), 8)])
        return reward(attempt, **columns)

    original = SparseGRPOTrainer.compute_loss

    def compute_loss(self, model, inputs, *rest, **options):
        def watch(_module, _inputs, output):
            output.retain_grad()
            hidden.append(output)

        # What comes out of the last norm goes into the prediction of the next token and nowhere else.
        hook = model.model.norm.register_forward_hook(watch)
        inputs["advantages"] = torch.ones_like(inputs["advantages"])  # every row teaches
        batches.append(inputs)
        loss = original(self, model, inputs, *rest, **options)
        hook.remove()
        return loss

    monkeypatch.setattr("tokenmaze.training.grpo.episode_return", spy)
    monkeypatch.setattr(SparseGRPOTrainer, "compute_loss", compute_loss)
    monkeypatch.setattr("tokenmaze.training.trl_adapter.PART", 64)  # all rows in one pass
    runs.train_grpo(tmp_path / "grpo", trained, mode="play", max_completion_length=30, save_strategy="no",
                    max_turn_tokens=1, examples=4)  # fmt: skip
    assert len(groups) == 4
    assert all(len({attempt.maze for attempt in group}) == 1 for group in groups)
    (inputs,) = batches
    (output,) = hidden
    mask = torch.cat([inputs["prompt_mask"], inputs["completion_mask"]], dim=1)
    gradient = torch.zeros(mask.shape)  # in the order of the rows; they are computed in that of their lengths
    used = mask.any(dim=0).nonzero().flatten()
    gradient[mask.sum(dim=1).argsort(), int(used.min()) : int(used.max()) + 1] = output.grad.abs().sum(-1)
    own = (inputs["completion_mask"] * inputs["tool_mask"]).bool()
    first = inputs["prompt_ids"].shape[1] - 1
    gradient = gradient[:, first : first + own.shape[1]]
    assert (gradient[~own] == 0).all()
    assert (gradient[own] > 0).float().mean() > 0.9


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"mode": "ply"}, UnknownName, "Did you mean 'play'?"),
        ({"view_radius": 1}, InvalidConfig, "Expects view_radius only with mode play"),
        ({"mode": "play", "view_radius": -1}, InvalidConfig, "Expects view_radius None"),
        ({"mode": "play", "expert": "shortest"}, UnknownName, "Did you mean 'shortest-path'?"),
    ],
)
def test_wrong_settings_are_refused(settings, error, message, tmp_path):
    with pytest.raises(error, match=message):
        runs.train_sft(tmp_path / "run", **settings)
    assert not (tmp_path / "run").exists()


def test_a_scheme_for_whole_answers_cannot_pay_for_turns(tmp_path):
    with pytest.raises(InvalidConfig, match="step form"):
        runs.train_grpo(tmp_path / "run", TINY, mode="play", reward="alphamaze", from_scratch=True)


def test_an_episode_that_cannot_fit_is_an_error():
    with pytest.raises(InvalidConfig, match="Expects episodes of at most 30 tokens"):
        expert_dataset(DATA, build_tokenizer(), 30, 4, 0, "shortest-path", None)
    with pytest.raises(InvalidConfig, match="Expects prompts and max_completion_length=20 to fit"):
        multi_turn_dataset(DATA, build_tokenizer(), 40, 20, None)
