"""Games by tool calls: what the model is shown and told, what ends a game, and what TRL makes of it."""

import re
from types import SimpleNamespace

import pytest
import torch
from transformers.utils import get_json_schema
from trl.chat_template_utils import qwen2_5_chat_template

from agents.errors import InvalidCheckpoint
from maze_env.errors import InvalidConfig
from maze_env.solving import shortest_path
from maze_env.tokens import maze_from_text
from tests import tiny
from tests.maze_env.golden import ROOM_TEXT
from tests.training import runs
from training import grpo
from training.mazes import DataConfig
from training.multi_turn import Rules
from training.tool_calls import MazeTool, ToolReward, tool_dataset

ROOM = maze_from_text(ROOM_TEXT)  # 2 x 3, open, from the top left to the top right corner


def begun(**rules):
    tool = MazeTool(Rules(**rules))
    tool.reset(maze=ROOM_TEXT, prompt="not looked at")
    return tool


def test_move_is_the_only_tool_and_says_what_it_takes():
    public = [name for name in vars(MazeTool) if not name.startswith("_")]
    assert sorted(public) == ["move", "reset"]
    schema = get_json_schema(MazeTool(Rules()).move)["function"]
    assert schema["name"] == "move"
    assert list(schema["parameters"]["properties"]) == ["direction"]
    assert "up, down, left and right" in schema["parameters"]["properties"]["direction"]["description"]


def outcome(tool):
    """Rewards, cause of the end, moves, and how many of them were refused."""
    game = tool._played()
    return game.rewards, game.cause, len(game.moves), game.refused


def test_a_game_is_the_environments():
    tool = begun()
    assert tool.move("up") == "A wall is in the way. You are at <|0-0|>, <|up_left_wall|>."
    assert tool.move("right") == "You moved. You are at <|0-1|>, <|up_wall|>."
    assert tool.move("right") == "You stand on the target. The game is over."
    assert outcome(tool) == (pytest.approx(1.1), "solved", 3, 1)
    # Frozen: nothing after the end counts.
    assert tool.move("left") == "The game is over."
    assert outcome(tool) == (pytest.approx(1.1), "solved", 3, 1)
    tool.reset(maze=ROOM_TEXT)
    assert outcome(tool) == (0.0, "", 0, 0)


def test_calls_are_bounded_whatever_they_say():
    tool = begun(max_steps=3)
    assert tool.move("north") == "Expects one of up, down, left, right, actual: 'north'."
    assert tool.move(None).startswith("Expects one of")
    assert tool.move("right") == "No moves are left. The game is over."
    assert tool.move("right") == "The game is over."
    assert outcome(tool) == (pytest.approx(0.05), "out_of_steps", 1, 0)


def test_in_fog_a_reply_shows_what_came_into_view():
    tool = begun(view_radius=0)
    assert "You see: <|0-1|><|up_wall|>" in tool.move("right")


def test_the_log_tells_giving_up_from_being_cut_off():
    won, lost, cut = begun(), begun(), begun()
    won.move("right"), won.move("right")
    logged = {}
    reward = ToolReward(ends=[2])
    paid = reward(
        ["", "", ""], [[5, 2], [5, 2], [5, 5]], [won, lost, cut], [ROOM_TEXT] * 3, log_metric=logged.__setitem__
    )
    assert paid == [pytest.approx(1.1), 0.0, 0.0]
    for name in ("solved_rate", "failures/not_a_move", "failures/truncated"):
        assert logged[name] == pytest.approx(1 / 3)
    assert logged["pass@group"] == 1


@pytest.fixture(scope="module")
def caller(tmp_path_factory):
    """A stranger's checkpoint whose chat template is Qwen2.5's, tools and all."""
    special = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|fim_pad|>")
    tokenizer = tiny.byte_tokenizer(qwen2_5_chat_template, special)
    return tiny.save(tmp_path_factory.mktemp("caller"), tiny.byte_model(tokenizer), tokenizer)


SETTINGS = {"mode": "play", "tool_calls": True, "max_completion_length": 2000, "save_strategy": "no"}


def trainer_of(caller, folder, monkeypatch):
    """A trainer as ``training.grpo`` makes it, stopped before its first step."""
    captured = {}
    monkeypatch.setattr(grpo.MazeGRPOTrainer, "train", lambda self, **_: captured.update(trainer=self))
    monkeypatch.setattr(grpo, "finish", lambda *_: {})
    runs.train_grpo(folder / "run", caller, **SETTINGS)
    return captured["trainer"]


def expert(prompt):
    """Calls the tool along the shortest path; gives up in every other game, told by the seed in ``turn``."""
    expert.turn += 1
    if "The game is over." in prompt.rpartition("<|im_start|>user")[2]:
        return "Done."
    if "<tool_response>" not in prompt and expert.turn % 2:
        return "I cannot find the way."
    maze = maze_from_text(prompt.rpartition("MAZE:\n")[2].partition("\nYou are at")[0])
    cell = tuple(map(int, re.findall(r"You are at <\|(\d+)-(\d+)\|>", prompt)[-1]))
    move = shortest_path(maze.with_endpoints(cell, maze.target))[0]
    return f'<tool_call>\n{{"name": "move", "arguments": {{"direction": "{move.name.lower()}"}}}}\n</tool_call>'


def test_grpo_plays_by_tool_calls(caller, tmp_path, monkeypatch):
    trainer = trainer_of(caller, tmp_path, monkeypatch)
    tokenizer = trainer.processing_class
    expert.turn = 0
    tiny.scripted(SimpleNamespace(model=trainer.model, tokenizer=tokenizer), expert)
    trainer.model.train()
    rows = [row for row in trainer.train_dataset.select(range(4)) for _ in range(8)]
    inputs = trainer._generate_and_score_completions(rows)

    # Every second game of each group was won, the others given up.
    advantages = inputs["advantages"].view(4, 8)
    assert (advantages[:, ::2] < 0).all()
    assert (advantages[:, 1::2] > 0).all()
    for index, row in enumerate(rows):
        prompt = tokenizer.decode(inputs["prompt_ids"][index][inputs["prompt_mask"][index].bool()])
        assert row["maze"].strip() in prompt
        assert '"name": "move"' in prompt
        ids, real = inputs["completion_ids"][index], inputs["completion_mask"][index].bool()
        own = tokenizer.decode(ids[real & inputs["tool_mask"][index].bool()])
        told = tokenizer.decode(ids[real & ~inputs["tool_mask"][index].bool()])
        assert "<tool_response>" not in own
        assert "<tool_call>" not in told
        if index % 2:
            maze = maze_from_text(row["maze"])
            path = [move.name.lower() for move in shortest_path(maze)]
            assert re.findall(r'"direction": "(\w+)"', own) == path
            assert told.count("<tool_response>") == len(path)
            assert told.count("You stand on the target.") == 1
        else:
            assert own == "I cannot find the way.<|im_end|>"
            assert told == ""

    trainer._step, trainer.current_gradient_accumulation_steps = 0, 1
    before = trainer.model.lm_head.weight.detach().clone()
    trainer.compute_loss(trainer.model, inputs).backward()
    assert trainer.model.lm_head.weight.grad.abs().sum() > 0
    assert torch.equal(before, trainer.model.lm_head.weight)


def test_what_cannot_call_tools_is_refused(caller, tmp_path):
    folder = tmp_path / "run"
    with pytest.raises(InvalidCheckpoint, match="Expects a chat template that shows tools"):
        runs.train_grpo(folder, "embedded", from_nothing=True, **SETTINGS)
    plain = tiny.byte_tokenizer(tiny.CHAT)
    with pytest.raises(InvalidCheckpoint, match="Expects a chat template that shows tools"):
        tool_dataset(DataConfig(examples=2, sizes="2x2"), plain, 4096, 100, None)
    unknown = tiny.byte_tokenizer(qwen2_5_chat_template + " ")
    with pytest.raises(InvalidCheckpoint, match="Expects a chat template whose tool calls can be read"):
        tool_dataset(DataConfig(examples=2, sizes="2x2"), unknown, 4096, 100, None)
    with pytest.raises(InvalidConfig, match="to fit into the model's context"):
        runs.train_grpo(tmp_path / "other", caller, **{**SETTINGS, "max_completion_length": 4000})
    with pytest.raises(InvalidConfig, match="Expects tool_calls with mode play alone"):
        runs.train_grpo(tmp_path / "third", caller, tool_calls=True)
    with pytest.raises(InvalidConfig, match="Expects validate_every 0 with tool_calls"):
        runs.train_grpo(tmp_path / "third", caller, validate_every=1, **SETTINGS)
