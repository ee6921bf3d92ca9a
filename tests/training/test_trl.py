"""A script of one's own with TRL: the example as it stands, and each part of ``training.trl`` in TRL's own trainers."""

import pickle

import pytest
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import GRPOConfig, GRPOTrainer, SFTConfig, SFTTrainer
from trl.chat_template_utils import qwen2_5_chat_template

from maze_env import maze_from_text, shortest_path, split_of
from maze_env.answers import moves_to_text
from maze_env.errors import InvalidConfig
from maze_env.rewards import RewardScheme, scheme_named, scheme_of
from maze_env.verifier import verify
from tests import tiny
from tests.training import runs
from tokenmaze.agents.prompts import conversation, render, set_prompt_template, tool_conversation
from tokenmaze.agents.tiny_model import build_model, build_tokenizer
from tokenmaze.training.examples import own_grpo
from tokenmaze.training.examples.own_grpo import brevity
from tokenmaze.training.trl import (
    DataConfig,
    EnvConfig,
    MazeReward,
    MazeTool,
    MultiTurnRollout,
    episode_return,
    multi_turn_dataset,
    plan_dataset,
    play_dataset,
    sft_dataset,
    tool_reward,
    training_mazes,
    validation_mazes,
)

SMALL = {
    "use_cpu": True, "bf16": False, "activation_checkpointing": False, "report_to": "none", "save_strategy": "no",
    "per_device_train_batch_size": 4, "num_generations": 2, "max_steps": 1, "logging_steps": 1,
}  # fmt: skip
MAZES = training_mazes(DataConfig(examples=4, sizes="3x3", lengths="2-4"))


def settings(folder, **more):
    return GRPOConfig(output_dir=str(folder), **SMALL | more)


def logged(trainer):
    """What the trainer logged at its first step."""
    trainer.train()
    return trainer.state.log_history[0]


def solve(prompt):
    """The answer to a prompt of ``plan_dataset``, whatever its chat template."""
    maze = maze_from_text(prompt.rpartition("MAZE:\n")[2].partition("<im_end>")[0])
    return moves_to_text(shortest_path(maze))


def test_rows_are_questions_about_training_mazes():
    rows = plan_dataset(MAZES)
    assert [row["maze"] for row in rows] == [row["maze"] for row in play_dataset(MAZES)]
    for row, played, maze in zip(rows, play_dataset(MAZES, view_radius=0), MAZES, strict=True):
        assert maze_from_text(row["maze"]) == maze
        assert split_of(maze.walls) == "train"
        assert row["prompt"] == conversation(row["maze"])
        assert "<|unseen|><|blank|>" in played["prompt"][0]["content"]
    assert {split_of(maze.walls) for maze in validation_mazes(DataConfig(), 4)} == {"validation"}


def test_supervised_rows_are_solved_in_the_trace_styles():
    for row in sft_dataset(DataConfig(examples=4, sizes="3x3", trace_styles="path")):
        answer = row["completion"][0]["content"]
        assert verify(maze_from_text(row["maze"]), answer).solved
        assert "<think>" in answer
        assert row["prompt"] == conversation(row["maze"])


@pytest.mark.parametrize("template", ["Solve {maze}!", None])
def test_rows_for_sft_and_for_grpo_are_asked_alike(template):
    tokenizer = tiny.byte_tokenizer(tiny.CHAT) if template else build_tokenizer()
    if template:
        set_prompt_template(tokenizer, template)
    (row,) = sft_dataset(DataConfig(examples=1, sizes="3x3", trace_styles="path"))
    maze = maze_from_text(row["maze"])
    (asked,) = plan_dataset([maze])
    written = [tokenizer.apply_chat_template(one["prompt"], tokenize=False) for one in (row, asked)]
    assert written[0] == written[1]
    assert render(tokenizer, row["maze"]).text.startswith(written[0])


def test_a_reward_may_be_a_name_a_scheme_or_a_function():
    maze = MAZES[0]
    right = verify(maze, moves_to_text(shortest_path(maze)))
    wrong = verify(maze, "no idea")
    scheme = RewardScheme("twice", lambda maze, verdict: {"twice": 2.0 * verdict.solved}, step=None)
    assert scheme_of("solved") is scheme_named("solved")
    assert scheme_of(scheme) is scheme
    assert (scheme_of(brevity)(maze, right), scheme_of(brevity)(maze, wrong)) == (1.0, 0.0)
    assert scheme_of(brevity).terms(maze, right) == {"brevity": 1.0}
    assert pickle.loads(pickle.dumps(scheme_of(brevity))).name == "brevity"
    for reward, name in (("solved", "solved"), (scheme, "twice"), (brevity, "brevity")):
        assert MazeReward(reward, build_tokenizer()).__name__ == f"reward_{name}"
    with pytest.raises(InvalidConfig, match="function of maze and verdict, actual: 3"):
        scheme_of(3)
    for other in (lambda maze: 1.0, lambda maze, verdict, more: 1.0):
        with pytest.raises(InvalidConfig, match=r"Expects a reward of \(maze, verdict\), actual: <lambda>\(maze"):
            MazeReward(other, build_tokenizer())


@pytest.fixture(scope="module")
def solver(tmp_path_factory):
    """A tiny checkpoint, untrained: its answers are what a test scripts."""
    tokenizer = build_tokenizer()
    return tiny.save(tmp_path_factory.mktemp("tiny"), build_model(tiny.SMALL, seed=0), tokenizer)


def test_the_example_trains(solver, tmp_path, monkeypatch):
    kept = []
    monkeypatch.setattr(
        own_grpo, "GRPOTrainer", lambda *rest, **more: kept.append(GRPOTrainer(*rest, **more)) or kept[0]
    )
    monkeypatch.setattr(own_grpo, "DataConfig", lambda **more: DataConfig(**{**more, "examples": 8}))
    load = AutoModelForCausalLM.from_pretrained

    def scripted(name):
        model = load(name)
        turns = iter(range(10**6))

        def write(prompt):  # of each group one right answer and one wrong
            return moves_to_text(shortest_path(maze_from_text(prompt))) if next(turns) % 2 else "<|up|>"

        tiny.scripted(type("Policy", (), {"model": model, "tokenizer": AutoTokenizer.from_pretrained(name)}), write)
        return model

    monkeypatch.setattr(own_grpo.AutoModelForCausalLM, "from_pretrained", scripted)
    keys = {key: value for key, value in SMALL.items() if key != "max_steps"} | {"max_steps": 2, "learning_rate": 1e-2}
    arguments = [text for key, value in keys.items() for text in (f"--{key}", str(value))]
    own_grpo.main(["--model_name_or_path", solver, "--output_dir", str(tmp_path), *arguments])
    entry = kept[0].state.log_history[0]
    assert entry["rewards/reward_brevity/mean"] > 0
    assert entry["rewards/reward_solved/mean"] > entry["rewards/reward_brevity/mean"]
    assert 0 < entry["solved_rate"] < 1
    assert not runs.same_weights(tmp_path, solver)


@pytest.mark.parametrize("conversational", [True, False])
def test_the_reward_takes_messages_and_text(tmp_path, conversational):
    tokenizer = tiny.byte_tokenizer(tiny.CHAT)
    model = tiny.byte_model(tokenizer)
    tiny.scripted(type("Policy", (), {"model": model, "tokenizer": tokenizer}), solve)
    rows = plan_dataset(MAZES)
    if not conversational:
        rows = rows.map(lambda row: {"prompt": row["prompt"][0]["content"]})

    def length(completions, **columns):  # TRL's own form, beside ours
        return [float(len(text) if isinstance(text, str) else len(text[0]["content"])) for text in completions]

    rewards = [MazeReward("solved", tokenizer), length]
    args = settings(tmp_path, max_completion_length=64)
    entry = logged(GRPOTrainer(model, rewards, args, rows, processing_class=tokenizer))
    assert entry["rewards/reward_solved/mean"] == pytest.approx(1.1)
    assert entry["solved_rate"] == 1
    assert entry["rewards/length/mean"] > 10


def test_the_environment_class_plays_by_tool_calls(tmp_path):
    special = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|fim_pad|>")
    tokenizer = tiny.byte_tokenizer(qwen2_5_chat_template, special)
    model = tiny.byte_model(tokenizer)

    def call(prompt):
        if "The game is over." in prompt:
            return "Done."
        maze = maze_from_text(prompt.rpartition("MAZE:\n")[2].partition("\nYou are at")[0])
        move = shortest_path(maze)[prompt.count("<tool_response>")]
        return f'<tool_call>\n{{"name": "move", "arguments": {{"direction": "{move.name.lower()}"}}}}\n</tool_call>'

    tiny.scripted(type("Policy", (), {"model": model, "tokenizer": tokenizer}), call)
    rows = play_dataset(MAZES)
    assert rows[0]["prompt"] == tool_conversation(EnvConfig().episode(MAZES[0]).observation)
    reward, args = tool_reward([tokenizer.eos_token_id]), settings(tmp_path, max_completion_length=2000)
    trainer = GRPOTrainer(model, reward, args, rows, processing_class=tokenizer, environment_factory=MazeTool)
    entry = logged(trainer)
    assert entry["rewards/episode_return/mean"] == pytest.approx(1.1)
    assert entry["tools/call_frequency"] >= 2


def test_moves_written_as_text_are_played(solver, tmp_path):
    model, tokenizer = AutoModelForCausalLM.from_pretrained(solver), AutoTokenizer.from_pretrained(solver)
    rows = multi_turn_dataset(DataConfig(examples=4, sizes="3x3"), tokenizer, 1024, 64, view_radius=None)
    rollout, args = MultiTurnRollout(EnvConfig(max_steps=6), 64, 1), settings(tmp_path, max_completion_length=64)
    trainer = GRPOTrainer(model, episode_return, args, rows, processing_class=tokenizer, rollout_func=rollout)
    entry = logged(trainer)
    assert entry["end/short_of_target"] + entry["end/not_a_move"] + entry["end/solved"] == 1


def test_a_pretrained_model_learns_from_the_supervised_rows(tmp_path):
    tokenizer = tiny.byte_tokenizer(tiny.CHAT)
    keys = {key: value for key, value in SMALL.items() if key != "num_generations"}
    args = SFTConfig(output_dir=str(tmp_path), max_length=2048, **keys)
    rows = sft_dataset(DataConfig(examples=4, sizes="3x3", trace_styles="direct"))
    entry = logged(SFTTrainer(tiny.byte_model(tokenizer), args, train_dataset=rows, processing_class=tokenizer))
    assert entry["loss"] > 1
