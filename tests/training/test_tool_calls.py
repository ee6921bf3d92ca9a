"""Episodes by tool calls: what the model is shown, what ends an episode, and what TRL makes of it."""

import re
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from transformers import AutoTokenizer
from transformers.utils import get_json_schema
from trl.chat_template_utils import qwen2_5_chat_template

from maze_env.attempt import End, EndedBy
from maze_env.errors import InvalidConfig
from maze_env.solving import shortest_path
from maze_env.tokens import maze_from_text
from tests import tiny
from tests.maze_env.golden import ROOM_TEXT
from tests.training import runs
from tokenmaze.agents.errors import InvalidCheckpoint
from tokenmaze.training import grpo
from tokenmaze.training.mazes import DataConfig
from tokenmaze.training.model import TINY
from tokenmaze.training.multi_turn import EnvConfig
from tokenmaze.training.tool_calls import MazeTool, tool_dataset, tool_reward
from tokenmaze.training.trl_adapter import SparseGRPOTrainer

ROOM = maze_from_text(ROOM_TEXT)  # 2 x 3, open, from the top left to the top right corner


EOS = 2


def started(**env):
    tool = MazeTool(EnvConfig(**env))
    tool.reset(maze=ROOM_TEXT, prompt="not read")
    return tool


def paid(*tools, ended=True):
    """The rewards of the tools' episodes, and what is logged of them."""
    logged = {}
    ids = [[5, EOS] if ended else [5, 5]] * len(tools)
    reward = tool_reward(eos_ids=[EOS])
    return reward(completion_ids=ids, environments=list(tools), log_metric=logged.__setitem__), logged


def test_move_is_the_only_tool_and_says_what_it_takes():
    public = [name for name in vars(MazeTool) if not name.startswith("_")]
    assert sorted(public) == ["move", "reset"]
    schema = get_json_schema(MazeTool(EnvConfig()).move)["function"]
    assert schema["name"] == "move"
    assert list(schema["parameters"]["properties"]) == ["direction"]
    assert "up, down, left and right" in schema["parameters"]["properties"]["direction"]["description"]


def test_an_episode_is_the_environments():
    tool = started()
    assert tool.move("up") == "A wall is in the way. You are at <|0-0|>, <|up_left_wall|>."
    assert tool.move("right") == "You moved. You are at <|0-1|>, <|up_wall|>."
    assert tool.move("right") == "You stand on the target. The game is over."
    # Frozen: nothing after the end counts.
    assert tool.move("left") == "The game is over."
    rewards, logged = paid(tool)
    assert rewards == [pytest.approx(1.1)]
    assert logged["end/solved"] == logged["ended_by/environment"] == 1
    assert logged["legality"] == 0
    assert logged["answers/moves"] == 3
    tool.reset(maze=ROOM_TEXT)
    rewards, logged = paid(tool)
    assert rewards == [0.0]
    assert logged["answers/moves"] == 0


def test_calls_are_bounded_whatever_they_say():
    tool = started(max_steps=3)
    assert tool.move("north") == "Expects one of up, down, left, right, actual: 'north'."
    assert tool.move(None).startswith("Expects one of")
    assert tool.move("right") == "No moves are left. The game is over."
    assert tool.move("right") == "The game is over."
    rewards, logged = paid(tool)
    assert rewards == [pytest.approx(0.05)]
    assert logged[f"end/{End.SHORT_OF_TARGET}"] == logged[f"ended_by/{EndedBy.STEP_BUDGET}"] == 1
    assert logged["answers/moves"] == 1


def test_in_fog_a_reply_shows_what_came_into_view():
    tool = started(view_radius=0)
    assert "You see: <|0-1|><|up_wall|>" in tool.move("right")


def test_the_log_tells_giving_up_from_being_cut_off():
    won, lost = started(), started()
    won.move("right"), won.move("right")
    rewards, logged = paid(won, lost)
    assert rewards == [pytest.approx(1.1), 0.0]
    assert logged["end/solved"] == logged["ended_by/environment"] == 0.5
    assert logged["end/not_a_move"] == logged["ended_by/agent"] == 0.5
    assert logged["pass@group"] == 1
    _, logged = paid(started(), ended=False)
    assert logged["end/short_of_target"] == logged["ended_by/token_budget"] == 1


@pytest.fixture(scope="module")
def caller(tmp_path_factory):
    """A stranger's checkpoint whose chat template is Qwen2.5's, tools and all."""
    special = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|fim_pad|>")
    tokenizer = tiny.byte_tokenizer(qwen2_5_chat_template, special)
    return tiny.save(tmp_path_factory.mktemp("caller"), tiny.byte_model(tokenizer), tokenizer)


SETTINGS = {"mode": "play", "tool_calls": True, "max_completion_length": 2000, "save_strategy": "no"}


def maze_of(prompt):
    return prompt.rpartition("MAZE:\n")[2].partition("\nYou are at")[0]


def expert(prompt):
    """Calls the tool along the shortest path; gives up in every other episode, counted in ``turn``."""
    expert.turn += 1
    if "The game is over." in prompt.rpartition("<|im_start|>user")[2]:
        return "Done."
    if "<tool_response>" not in prompt and expert.turn % 2:
        return "I cannot find the way."
    maze = maze_from_text(maze_of(prompt))
    cell = tuple(map(int, re.findall(r"You are at <\|(\d+)-(\d+)\|>", prompt)[-1]))
    move = shortest_path(maze.with_endpoints(cell, maze.target))[0]
    return f'<tool_call>\n{{"name": "move", "arguments": {{"direction": "{move.name.lower()}"}}}}\n</tool_call>'


def test_grpo_plays_by_tool_calls(caller, tmp_path, monkeypatch, recwarn):
    tokenizer = AutoTokenizer.from_pretrained(caller)
    expert.turn = 0

    @contextmanager
    def script(model, lost=None):
        tiny.scripted(SimpleNamespace(model=model, tokenizer=tokenizer), expert)
        yield

    monkeypatch.setattr(grpo, "early_row_removal", script)
    batches = []
    original = SparseGRPOTrainer.compute_loss

    def spy(self, model, inputs, *rest, **options):
        batches.append(inputs)
        return original(self, model, inputs, *rest, **options)

    monkeypatch.setattr(SparseGRPOTrainer, "compute_loss", spy)
    runs.train_grpo(tmp_path / "run", caller, examples=4, **SETTINGS)
    assert not [one for one in recwarn if "experimental feature" in str(one.message)]
    assert not runs.same_weights(tmp_path / "run", caller)
    (inputs,) = batches

    given_up = 0
    for index in range(32):
        prompt = tokenizer.decode(inputs["prompt_ids"][index][inputs["prompt_mask"][index].bool()])
        maze = maze_from_text(maze_of(prompt))
        assert '"name": "move"' in prompt
        ids, real = inputs["completion_ids"][index], inputs["completion_mask"][index].bool()
        own = tokenizer.decode(ids[real & inputs["tool_mask"][index].bool()])
        told = tokenizer.decode(ids[real & ~inputs["tool_mask"][index].bool()])
        assert "<tool_response>" not in own
        assert "<tool_call>" not in told
        # Every second episode of each group was won, the others given up.
        if inputs["advantages"][index] > 0:
            path = [move.name.lower() for move in shortest_path(maze)]
            assert re.findall(r'"direction": "(\w+)"', own) == path
            assert told.count("<tool_response>") == len(path)
            assert told.count("You stand on the target.") == 1
        else:
            given_up += 1
            assert own == "I cannot find the way.<|im_end|>"
            assert told == ""
    assert given_up == 16
    (entry,) = [entry for entry in runs.log_of(tmp_path / "run") if "loss" in entry]
    assert entry["end/solved"] == entry["end/not_a_move"] == 0.5


def test_what_cannot_call_tools_is_refused(caller, tmp_path):
    folder = tmp_path / "run"
    with pytest.raises(InvalidCheckpoint, match="Expects a chat template that shows tools"):
        runs.train_grpo(folder, TINY, from_scratch=True, **SETTINGS)
    plain = tiny.byte_tokenizer(tiny.CHAT)
    with pytest.raises(InvalidCheckpoint, match="Expects a chat template that shows tools"):
        tool_dataset(DataConfig(examples=2, sizes="2x2"), plain, 4096, 100, None)
    unknown = tiny.byte_tokenizer(qwen2_5_chat_template + " ")
    with pytest.raises(InvalidCheckpoint, match="Expects a chat template whose tool calls can be read"):
        tool_dataset(DataConfig(examples=2, sizes="2x2"), unknown, 4096, 100, None)
    with pytest.raises(InvalidConfig, match="to fit into the model's context"):
        runs.train_grpo(tmp_path / "other", caller, **{**SETTINGS, "max_completion_length": 4000})
    with pytest.raises(InvalidConfig, match="Expects tool_calls only with mode play"):
        runs.train_grpo(tmp_path / "third", caller, tool_calls=True)
    with pytest.raises(InvalidConfig, match="Expects eval_strategy no with tool_calls"):
        runs.train_grpo(tmp_path / "third", caller, eval_strategy="steps", eval_steps=1, **SETTINGS)
