"""Muon and AdamW as one optimizer, which is the form in which a trainer takes an optimizer from outside.

Muon (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon; here ``torch.optim.Muon``) takes matrices only and
is meant for hidden layers; embeddings, the output head and vectors stay with AdamW. For a model trained from nothing;
pretrained models are better left to AdamW, which they were trained with.
"""

from collections.abc import Callable
from itertools import chain
from typing import Any

import torch
from torch import nn
from torch.optim import AdamW, Muon, Optimizer


class MuonAdamW(Optimizer):
    """Two optimizers behind one interface: parameter groups, state and steps of both, in one checkpoint."""

    def __init__(self, muon: Muon, adamw: AdamW):
        """Takes over the parameters of both, which must not be stepped by themselves from then on."""
        self._parts: tuple[Optimizer, Optimizer] = (muon, adamw)
        super().__init__(list(chain(muon.param_groups, adamw.param_groups)), {})
        self._share_groups()

    def _share_groups(self) -> None:
        """Lets the parts work on this object's own groups and state, so that schedulers and checkpoints reach both."""
        first = len(self._parts[0].param_groups)
        self._parts[0].param_groups, self._parts[1].param_groups = self.param_groups[:first], self.param_groups[first:]
        for part in self._parts:
            part.state = self.state

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for part in self._parts:
            part.step()
        return loss

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        super().load_state_dict(state_dict)
        self._share_groups()


def muon_adamw(model: nn.Module, learning_rate: float, muon_learning_rate: float, weight_decay: float) -> MuonAdamW:
    """Muon for the matrices of the hidden layers, AdamW for all else that is trained, which has no weight decay.

    Muon's rate is scaled to AdamW's update size (``match_rms_adamw``, from Liu et al. 2025, arXiv 2502.16982).
    """
    embeddings = {id(p) for m in model.modules() if isinstance(m, nn.Embedding) for p in m.parameters()}
    head = getattr(model, "get_output_embeddings", lambda: None)()
    if head is not None:
        embeddings |= {id(p) for p in head.parameters()}
    trained = [p for p in model.parameters() if p.requires_grad]
    matrices = [p for p in trained if p.ndim == 2 and id(p) not in embeddings]
    others = [p for p in trained if p.ndim != 2 or id(p) in embeddings]
    return MuonAdamW(
        Muon(matrices, lr=muon_learning_rate, weight_decay=weight_decay, adjust_lr_fn="match_rms_adamw"),
        AdamW(others, lr=learning_rate, betas=(0.9, 0.95), weight_decay=0.0),
    )
