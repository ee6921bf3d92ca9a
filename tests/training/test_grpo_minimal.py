"""The minimal GRPO learns, and its advantages, loss and gradients are those of TRL's trainer."""

import copy
from itertools import islice

import pytest
import torch
from datasets import Dataset
from trl import GRPOConfig, GRPOTrainer

from maze_env import generate, maze_from_text, maze_to_text, shortest_path
from maze_env.answers import moves_to_text
from maze_env.generation import MazeSpec
from maze_env.splits import layout_hash
from tokenmaze.agents.tiny_model import TinyConfig, build_model, build_tokenizer
from tokenmaze.training.examples import grpo_minimal
from tokenmaze.training.examples.grpo_minimal import (
    answer_mask,
    draw_mazes,
    encode,
    group_advantages,
    policy_loss,
    reward_answers,
    warm_up,
)


def test_it_learns_to_solve_mazes_of_layouts_it_never_saw():
    start, end = grpo_minimal.train(seed=0, warm_up_steps=150, steps=75, report_every=75)
    assert end > start + 0.05


def test_training_and_test_mazes_share_no_layout():
    trained, tested = (
        {layout_hash(maze.walls) for maze in islice(draw_mazes(0, held_out), 300)} for held_out in (False, True)
    )
    assert trained
    assert tested
    assert not trained & tested


def test_prompts_of_all_mazes_have_one_length():
    tokenizer = build_tokenizer()
    mazes = list(islice(draw_mazes(0, held_out=False), 50))
    prompts = encode(tokenizer, map(maze_to_text, mazes))
    assert tokenizer.pad_token_id not in prompts
    assert tokenizer.batch_decode(prompts) == [maze_to_text(maze) for maze in mazes]


def test_the_mask_ends_with_the_end_token():
    assert answer_mask(torch.tensor([[5, 2, 0, 0], [2, 0, 0, 0], [5, 6, 7, 8]]), eos=2).tolist() == [
        [1, 1, 0, 0],
        [1, 0, 0, 0],
        [1, 1, 1, 1],
    ]


def test_rewards_of_answers():
    tokenizer = build_tokenizer()
    maze = generate(1, MazeSpec(3, 3, min_length=2, max_length=2))
    path = moves_to_text(shortest_path(maze))
    texts = [path + "<eos>", path, path[: path.index(">") + 1] + "<eos>", "<|target|><eos>"]
    answers = tokenizer(texts, padding=True, padding_side="right", return_tensors="pt").input_ids
    assert reward_answers(tokenizer, [maze] * 4, answers).tolist() == pytest.approx([1.1, 0, 0.05, 0])


def test_advantages_are_centred_and_zero_in_a_group_of_equals():
    advantages = group_advantages(torch.tensor([[0.0, 1.0, 0.0, 1.0], [1.0, 1.0, 1.0, 1.0]]))
    assert advantages.sum(dim=1).tolist() == pytest.approx([0, 0], abs=1e-6)
    assert advantages[0].std().item() == pytest.approx(1, abs=1e-3)
    assert not advantages[1].any()


class Watched(GRPOTrainer):
    """TRL's trainer; keeps the batch, the loss and the gradients of its step."""

    def compute_loss(self, model, inputs, *arguments, **options):
        loss = super().compute_loss(model, inputs, *arguments, **options)
        parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self.seen = inputs, loss.item(), torch.autograd.grad(loss, parameters, retain_graph=True)
        return loss


def test_advantages_loss_and_gradients_are_those_of_trl(tmp_path):
    """TRL samples a batch and takes a step; what follows the answers is computed again by the minimal file."""
    tokenizer, group = build_tokenizer(), 8
    model = build_model(TinyConfig(hidden_size=32, layers=2, heads=2), seed=0)
    mazes = draw_mazes(0, held_out=False)
    warm_up(model, tokenizer, mazes, steps=60)  # so that answers end, and some come nearer to the target
    before = copy.deepcopy(model)

    def reward(prompts, completion_ids, **columns):
        answers = torch.nn.utils.rnn.pad_sequence([torch.tensor(ids) for ids in completion_ids], batch_first=True)
        return reward_answers(tokenizer, [maze_from_text(prompt) for prompt in prompts], answers).tolist()

    trainer = Watched(
        model=model,
        reward_funcs=reward,
        args=GRPOConfig(
            output_dir=str(tmp_path), per_device_train_batch_size=64, num_generations=group, max_steps=1,
            max_completion_length=6, temperature=1.0, top_k=0, use_cpu=True, bf16=False,
            activation_checkpointing=False, report_to="none", save_strategy="no",
        ),
        train_dataset=Dataset.from_list([{"prompt": maze_to_text(maze)} for maze in islice(mazes, 8)]),
        processing_class=tokenizer,
    )  # fmt: skip
    trainer.train()
    inputs, trl_loss, trl_gradients = trainer.seen

    # TRL shuffles the answers once they have their advantages; sorted by prompt, groups stand together again.
    order = sorted(range(64), key=lambda row: inputs["prompt_ids"][row].tolist())
    prompts, answers, trl_advantages, trl_mask = (
        inputs[name][order] for name in ("prompt_ids", "completion_ids", "advantages", "completion_mask")
    )
    mask = answer_mask(answers, tokenizer.eos_token_id)
    assert torch.equal(mask, trl_mask.float())
    assert not mask.all()
    rewards = reward_answers(tokenizer, [maze_from_text(text) for text in tokenizer.batch_decode(prompts)], answers)
    advantages = group_advantages(rewards.view(-1, group)).flatten()
    assert advantages.abs().max() > 0.5
    torch.testing.assert_close(advantages, trl_advantages, atol=1e-5, rtol=0)

    loss = policy_loss(before, prompts, answers, advantages)
    assert abs(trl_loss) > 1e-4
    assert loss.item() == pytest.approx(trl_loss, abs=1e-5)
    gradients = torch.autograd.grad(loss, list(before.parameters()))
    assert max(gradient.abs().max() for gradient in gradients) > 1e-3
    for ours, theirs in zip(gradients, trl_gradients, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=0)
