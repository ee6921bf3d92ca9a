"""Muon and AdamW as one optimizer."""

import copy

import pytest
import torch
from torch import nn
from torch.optim import AdamW, Muon
from torch.optim.lr_scheduler import LambdaLR

from tests import tiny
from tokenmaze.agents.tiny_model import build_model
from tokenmaze.training.optimizers import MuonAdamW, muon_adamw


def model_of(seed=0):
    """An embedding, two matrices, vectors."""
    torch.manual_seed(seed)
    return nn.Sequential(nn.Embedding(7, 8), nn.Linear(8, 6), nn.LayerNorm(6), nn.Tanh(), nn.Linear(6, 7, bias=False))


def learn(model, step, turns, first=0):
    """Takes ``turns`` steps on batches of its own."""
    for turn in range(first, first + turns):
        ids = torch.randint(7, (16,), generator=torch.Generator().manual_seed(turn))
        nn.functional.cross_entropy(model(ids), ids).backward()
        step()
        model.zero_grad()


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


def test_it_equals_running_the_two_apart_step_by_step():
    joint, apart = model_of(), model_of()
    optimizer = muon_adamw(joint, 0.01, 0.02, weight_decay=0.1)
    embedding, first, norm, _, last = apart
    muon = Muon([first.weight, last.weight], lr=0.02, weight_decay=0.1, adjust_lr_fn="match_rms_adamw")
    adamw = AdamW(
        [embedding.weight, first.bias, norm.weight, norm.bias], lr=0.01, betas=(0.9, 0.95), weight_decay=0.0
    )  # fmt: skip
    start = copy.deepcopy(joint)
    for turn in range(5):
        learn(joint, optimizer.step, 1, turn)
        learn(apart, lambda: (muon.step(), adamw.step()), 1, turn)
        assert same(joint, apart)
    moved = [not torch.equal(a, b) for a, b in zip(start.parameters(), joint.parameters(), strict=True)]
    assert all(moved)


def test_hidden_matrices_go_to_muon_and_all_else_to_adamw():
    model = build_model(tiny.SMALL, 0)
    optimizer = muon_adamw(model, 0.01, 0.02, weight_decay=0.1)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    muon, adamw = ({names[id(p)] for p in group["params"]} for group in optimizer.param_groups)
    kinds = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
    assert len(muon) == 2 * len(kinds)
    assert all(any(f"{kind}.weight" in name for kind in kinds) for name in muon)
    # The embedding is a matrix too, and the output head with it, being tied.
    assert adamw == {name for name in names.values() if "norm" in name} | {"model.embed_tokens.weight"}
    assert muon | adamw == set(names.values())
    assert [group["lr"] for group in optimizer.param_groups] == [0.02, 0.01]
    assert [group["weight_decay"] for group in optimizer.param_groups] == [0.1, 0.0]


def test_an_untied_output_head_goes_to_adamw():
    tokenizer = tiny.byte_tokenizer()
    model = tiny.byte_model(tokenizer)
    assert model.lm_head.weight is not model.model.embed_tokens.weight
    muon, adamw = muon_adamw(model, 0.01, 0.02, 0.0).param_groups
    assert any(parameter is model.lm_head.weight for parameter in adamw["params"])
    assert not any(parameter is model.lm_head.weight for parameter in muon["params"])


def test_frozen_parameters_are_left_alone():
    model = model_of()
    model[1].weight.requires_grad_(False)
    frozen = model[1].weight.clone()
    learn(model, muon_adamw(model, 0.01, 0.02, 0.1).step, 2)
    assert torch.equal(model[1].weight, frozen)


def test_a_saved_state_goes_on_exactly_where_it_was(tmp_path):
    whole = model_of()
    learn(whole, muon_adamw(whole, 0.01, 0.02, 0.1).step, 6)

    interrupted = model_of()
    optimizer = muon_adamw(interrupted, 0.01, 0.02, 0.1)
    learn(interrupted, optimizer.step, 3)
    torch.save((interrupted.state_dict(), optimizer.state_dict()), tmp_path / "state.pt")
    assert not same(interrupted, whole)

    resumed = model_of(seed=1)
    weights, state = torch.load(tmp_path / "state.pt", weights_only=True)
    resumed.load_state_dict(weights)
    optimizer = muon_adamw(resumed, 5.0, 5.0, 0.5)  # what counts is what was saved
    optimizer.load_state_dict(state)
    learn(resumed, optimizer.step, 3, first=3)
    assert same(resumed, whole)


def test_the_state_holds_the_momentum_of_every_parameter():
    model = model_of()
    optimizer = muon_adamw(model, 0.01, 0.02, 0.1)
    learn(model, optimizer.step, 1)
    state = optimizer.state_dict()["state"]
    kinds = [sorted(entry) for _, entry in sorted(state.items())]
    assert kinds == [["momentum_buffer"]] * 2 + [["exp_avg", "exp_avg_sq", "step"]] * 4


@pytest.mark.parametrize("restored", [False, True])
def test_a_scheduler_reaches_both_parts(restored):
    model = model_of()
    optimizer = muon_adamw(model, 0.01, 0.02, 0.1)
    if restored:  # loading replaces the groups
        learn(model, optimizer.step, 1)
        optimizer.load_state_dict(optimizer.state_dict())
    scheduler = LambdaLR(optimizer, lambda step: 0.0 if step else 1.0)
    assert [group["lr"] for group in optimizer.param_groups] == [0.02, 0.01]
    learn(model, optimizer.step, 1)
    scheduler.step()
    before = copy.deepcopy(model)
    learn(model, optimizer.step, 1)
    assert same(model, before)  # at a rate of 0 neither part moves anything


def test_gradients_are_cleared_in_both_parts():
    model = model_of()
    optimizer = muon_adamw(model, 0.01, 0.02, 0.1)
    model(torch.arange(7)).sum().backward()
    optimizer.zero_grad()
    assert all(parameter.grad is None for parameter in model.parameters())


def test_a_closure_is_called_once_and_its_loss_returned():
    model, calls = model_of(), []
    optimizer = muon_adamw(model, 0.01, 0.02, 0.1)
    before = copy.deepcopy(model)

    def closure():
        calls.append(1)
        loss = model(torch.arange(7)).square().sum()
        loss.backward()
        return loss

    assert optimizer.step(closure) > 0
    assert len(calls) == 1
    assert isinstance(optimizer, MuonAdamW)
    assert not same(model, before)
