"""Training that plays: what is supervised, what is rewarded, and that the environment's replies teach nothing."""

from itertools import pairwise

import pytest
import torch

from agents.baselines import BASELINES
from agents.multi_turn_policy import MultiTurnPolicy
from agents.rollout import rollout
from agents.tiny_model import build_model, build_tokenizer
from maze_env.answers import moves_to_text, parse_answer
from maze_env.dynamics import transition
from maze_env.errors import InvalidConfig, UnknownName
from maze_env.solving import shortest_path
from maze_env.tokens import maze_from_text
from maze_env.verifier import verify
from tests import tiny
from tests.training import runs
from training import grpo
from training.mazes import DataConfig, make_mazes
from training.multi_turn import Rules, TurnRollout, expert_dataset, expert_game, game_dataset, opening, play_reward

DATA = DataConfig(examples=12, sizes="3x3,2x4", maze_seed=3)
STRANGER = {"tokenizer": tiny.byte_tokenizer(tiny.CHAT)}


def of_kind(kind):
    if kind == "embedded":
        return build_model(tiny.SMALL, 0), build_tokenizer()
    return tiny.byte_model(STRANGER["tokenizer"]), STRANGER["tokenizer"]


@pytest.mark.parametrize("view_radius", [None, 0])
@pytest.mark.parametrize("kind", ["embedded", "stranger"])
def test_the_supervised_tokens_are_exactly_the_experts_moves(kind, view_radius):
    _, tokenizer = of_kind(kind)
    rows = expert_dataset(DATA, tokenizer, 4096, 4, 0, "shortest-path", view_radius)
    experts = {}  # in fog, mazes begin alike, and whole games can be
    for maze, key in make_mazes(DATA):
        prompt, texts = expert_game(tokenizer, BASELINES["shortest-path"]("play"), maze, key % 2**32, view_radius)
        assert prompt == opening(tokenizer, maze, view_radius)
        experts[prompt + "".join(text for text, _ in texts)] = maze
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


class Trainer:
    """What a rollout asks of a trainer."""

    def __init__(self, model, tokenizer, mazes, temperature=1.0):
        self.model, self.processing_class, self.mazes = model, tokenizer, mazes
        self.args = type("Arguments", (), {"temperature": temperature})
        self.accelerator = type("Accelerator", (), {"unwrap_model": staticmethod(lambda model: model)})


@pytest.mark.parametrize("view_radius", [None, 0])
@pytest.mark.parametrize("kind", ["embedded", "stranger"])
def test_a_rollout_is_the_dialogue_and_its_log_probabilities_are_the_models(kind, view_radius):
    model, tokenizer = of_kind(kind)
    rows = game_dataset(DATA, tokenizer, 4096, 80, view_radius)
    rollout = TurnRollout(Rules(view_radius), 80, 8)
    prompts, mazes = ([row[column] for row in rows for _ in range(2)] for column in ("prompt", "maze"))
    torch.manual_seed(0)
    played = rollout(prompts, Trainer(model, tokenizer, mazes, temperature=1.3))
    for index, prompt in enumerate(prompts):
        ids, mask = played["completion_ids"][index], played["env_mask"][index]
        assert tokenizer.decode(played["prompt_ids"][index]) == prompt
        assert len(ids) == len(mask) == len(played["logprobs"][index]) <= 80 + 1
        whole = torch.tensor([played["prompt_ids"][index] + ids])
        with torch.no_grad():
            logits = model.eval()(whole).logits[0, -len(ids) - 1 : -1] / 1.3
        expected = logits.log_softmax(-1).gather(1, torch.tensor(ids)[:, None]).squeeze(1)
        for own, drawn, recomputed in zip(mask, played["logprobs"][index], expected.tolist(), strict=True):
            assert drawn == pytest.approx(recomputed, abs=1e-3) if own else drawn == 0.0
    assert sum(map(sum, played["env_mask"])) > 0
    assert any(0 in mask for mask in played["env_mask"])


@pytest.mark.parametrize("view_radius", [None, 0])
def test_what_is_rewarded_is_the_environments_return(view_radius, tmp_path):
    # A policy that has learned to play, so that some games end on the target.
    trained = sft_that_plays(tmp_path, **({} if view_radius is None else {"view_radius": view_radius}))
    tokenizer = build_tokenizer()
    model = MultiTurnPolicy(trained).decoder.model
    rows = game_dataset(DataConfig(examples=24, sizes="2x2"), tokenizer, 4096, 40, view_radius)
    # In fog, mazes begin alike: which one a game is played in is not for the prompt to say.
    assert (len(set(rows["prompt"])) < len(set(rows["maze"]))) == (view_radius is not None)
    rollout = TurnRollout(Rules(view_radius), 40, 1)
    torch.manual_seed(0)
    played = rollout(rows["prompt"], Trainer(model, tokenizer, rows["maze"]))
    columns = ("game_cause", "game_return", "game_moves", "game_legal", "completion_ids", "env_mask")
    for row, cause, paid, moves, legal, ids, mask in zip(rows, *(played[name] for name in columns), strict=True):
        if cause == "solved":
            assert paid == pytest.approx(1.1)
            assert ids[-1] == tokenizer.eos_token_id
            assert moves
        else:
            assert paid < 1
        own = [token for token, is_own in zip(ids, mask, strict=True) if is_own]
        maze = maze_from_text(row["maze"])
        cells = [maze.origin]
        assert list(parse_answer(tokenizer.decode(own)).moves) == moves
        for move in moves:
            cells.append(transition(maze, cells[-1], move)[0])
        assert (cells[-1] == maze.target) == (cause == "solved")
        assert legal == all(one != other for one, other in pairwise(cells))
    logged = {}
    games = {name: played[name] for name in ("game_return", "game_cause", "game_moves", "game_legal")}
    rewards = play_reward([], **games, maze=rows["maze"], log_metric=logged.__setitem__)
    assert rewards == played["game_return"]
    assert logged["solved_rate"] == played["game_cause"].count("solved") / 24 > 0
    assert logged["legality"] == sum(played["game_legal"]) / 24 < 1
    assert logged["answers/moves"] == sum(map(len, played["game_moves"])) / 24


def sft_that_plays(folder, **settings):
    runs.train_sft(folder / "sft", mode="play", examples=1024, save_strategy="no", **settings)
    return str(folder / "sft")


def test_sft_teaches_to_play_and_grpo_goes_on_from_there(tmp_path):
    trained = sft_that_plays(tmp_path)
    mazes = tiny.mazes(48, 2, 2)
    before = rollout(MultiTurnPolicy(trained), mazes, range(48))
    assert sum(record.solved for record in before) > 24
    runs.train_grpo(tmp_path / "grpo", trained, mode="play", max_completion_length=40, save_strategy="no",
                    max_turn_tokens=1, validate_every=3, validate_mazes=5)  # fmt: skip
    assert not runs.same_weights(trained, tmp_path / "grpo")
    log = runs.log_of(tmp_path / "grpo")
    assert all(0 <= entry["solved_rate"] <= 1 for entry in log if "solved_rate" in entry)
    assert any("validation/solved_rate" in entry for entry in log)


def test_replies_get_no_gradient_and_a_group_plays_one_maze(tmp_path, monkeypatch):
    captured = {}

    def train(self, resume_from_checkpoint=None):
        captured["trainer"] = self

    monkeypatch.setattr(grpo.MazeGRPOTrainer, "train", train)
    monkeypatch.setattr(grpo, "finish", lambda *arguments: {})
    runs.train_grpo(tmp_path / "grpo", sft_that_plays(tmp_path), mode="play", max_completion_length=30,
                    save_strategy="no", max_turn_tokens=1)  # fmt: skip
    trainer = captured["trainer"]
    trainer.model.train()
    rows = [row for row in trainer.train_dataset.select(range(4)) for _ in range(8)]
    inputs = trainer._generate_and_score_completions(rows)
    prompts = trainer.processing_class.batch_decode(inputs["prompt_ids"])
    assert [prompts[start : start + 8] for start in range(0, 32, 8)] == [
        [prompts[start]] * 8 for start in range(0, 32, 8)
    ]
    hidden = []

    def watch(_module, _inputs, output):
        output.retain_grad()
        hidden.append(output)

    # What comes out of the last norm goes into the prediction of the next token and nowhere else.
    hook = trainer.model.model.norm.register_forward_hook(watch)
    trainer._step, trainer.current_gradient_accumulation_steps = 0, 1
    inputs["advantages"] = torch.ones_like(inputs["advantages"])  # every row teaches
    trainer.compute_loss(trainer.model, inputs).backward()
    hook.remove()
    gradient = torch.cat([output.grad for output in hidden]).abs().sum(-1)
    own = (inputs["completion_mask"] * inputs["tool_mask"]).bool()
    first = inputs["prompt_ids"].shape[1] - 1
    gradient = gradient[:, first : first + own.shape[1]]
    assert (gradient[~own] == 0).all()
    assert (gradient[own] > 0).float().mean() > 0.9


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"mode": "ply"}, UnknownName, "Did you mean 'play'?"),
        ({"view_radius": 1}, InvalidConfig, "Expects view_radius with mode play alone"),
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
        runs.train_grpo(tmp_path / "run", "embedded", mode="play", reward="alphamaze", from_nothing=True)


def test_a_game_that_cannot_fit_is_an_error():
    with pytest.raises(InvalidConfig, match="Expects games of at most 30 tokens"):
        expert_dataset(DATA, build_tokenizer(), 30, 4, 0, "shortest-path", None)
    with pytest.raises(InvalidConfig, match="Expects prompts and max_completion_length=20 to fit"):
        game_dataset(DATA, build_tokenizer(), 40, 20, None)
