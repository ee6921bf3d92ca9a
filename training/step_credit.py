"""Credit for steps instead of answers: which tokens of an answer GRPO learns from.

An answer's reward says nothing of which of its hundreds of tokens was wrong, and where a trace may go on in several
ways, most of what its tokens are paid is noise. A trace style's verifier (``maze_env.traces.first_fault``) knows the
first token that is not true of the maze, or in vain, and that is made less likely, however its group did. An answer
that does not solve is learned from there alone; one that solves has the advantage that its group gives it everywhere
else. It is a signal between a reward and a demonstration: it says where an answer goes wrong, and not what is right.

The gradient of log p vanishes where p is near 1, so a mistake that a model is sure of would hardly be unlearned. What a
wrong token adds to the loss is therefore -log(1 - p), the unlikelihood of Welleck et al., arXiv 1908.04319.
"""

import re
from bisect import bisect_right
from collections.abc import Collection, Sequence

import torch
from torch import Tensor

from maze_env import traces
from maze_env.maze import Maze
from maze_env.verifier import verify
from tokenmaze.agents.protocols import Tokenizer
from tokenmaze.agents.tokenization import TextDecoder

MOST_ODDS = 100.0
"""The largest p / (1 - p) that a wrong token counts with."""
_UNFINISHED = re.compile(r"((?:BACK)*+)\s*+(?:BA?C?|PA?T?H?)?\s*+(?:<[^>]*+)?")
"""What a cut answer may have behind its last token of the maze; all but ``BACK`` may yet become something else."""


class StepCredit:
    """Advantages of tokens, of completions in one trace style about standard mazes."""

    def __init__(self, style: str, tokenizer: Tokenizer, eos_ids: Collection[int], opening: str = ""):
        """For completions of ``tokenizer``'s model that ``eos_ids`` end, after prompts that have their ``opening``."""
        self.style = style
        self.mazes: list[Maze] = []
        """Those that are being attempted, one for each row."""
        self._opening = opening
        self._decode, self._eos_ids = TextDecoder(tokenizer, frozenset(eos_ids)), frozenset(eos_ids)

    def judge(self, maze: Maze, ids: Sequence[int]) -> tuple[bool, int | None]:
        """Whether a completion solves its maze, and the number of its first token that is wrong.

        That is ``None`` where nothing untrue or in vain is said: it was cut short, or its style does not tell.
        """
        text, is_cut = self._opening + self._decode(ids), self._eos_ids.isdisjoint(ids)
        text = _without_unfinished(text) if is_cut else text
        solved = not is_cut and verify(maze, text).solved
        place = traces.first_fault(self.style, maze, text)
        if place is None or ((is_cut or solved) and place >= len(text)):
            return solved, None
        place = max(0, place - len(self._opening))
        return solved, bisect_right(range(len(ids)), place, key=lambda count: len(self._decode(ids[:count]))) - 1

    def lost(self, rows: Sequence[int], ids: Tensor) -> list[bool]:
        """Whether what has been written at ``mazes`` so far has a wrong token.

        Args:
            rows: their numbers.
            ids: of each, (rows, tokens) int64.
        """
        return [
            self.judge(self.mazes[row], written)[1] is not None for row, written in zip(rows, ids.tolist(), strict=True)
        ]

    def weights(self, ids: Tensor, mask: Tensor, advantages: Tensor) -> tuple[Tensor, Tensor]:
        """The advantage of each token of the answers to ``mazes``, (completions, tokens), and which of them are wrong.

        Every token of an answer that solves has the answer's own, and a wrong one -1: as much as any in a group that
        half solves. Were an answer the mean of its tokens, one that is wrong would outweigh hundreds of right ones.

        Args:
            ids: (completions, tokens) int64.
            mask: 1 for the tokens of the completion, likewise.
            advantages: (completions,) float, of the answers.
        """
        lengths = mask.sum(dim=1)
        weights = torch.zeros(ids.shape, dtype=advantages.dtype, device=advantages.device)
        wrong = torch.zeros_like(weights, dtype=torch.bool)
        for row, maze in enumerate(self.mazes):
            length = int(lengths[row])
            solved, fault = self.judge(maze, ids[row, :length].tolist())
            if solved:
                weights[row, :length] = advantages[row]
            if fault is not None:
                weights[row, fault], wrong[row, fault] = -1.0, True
        return weights, wrong


def _without_unfinished(text: str) -> str:
    """A cut answer without a word that its next tokens may yet complete."""
    end = text.rfind(">") + 1
    tail = _UNFINISHED.fullmatch(text, end)
    return text if tail is None else text[:end] + tail[1]


def unlikelihood(weights: Tensor, wrong: Tensor, log_probs: Tensor) -> Tensor:
    """Weights of log p with which the gradient of a wrong token is that of its unlikelihood, -log(1 - p).

    >>> unlikelihood(torch.tensor([2.0, -3.0]), torch.tensor([False, True]), torch.tensor([0.75, 0.75]).log())
    tensor([ 2., -9.])
    """
    probability = log_probs.exp()
    odds = (probability / (1 - probability).clamp(min=1e-6)).clamp(max=MOST_ODDS)
    return torch.where(wrong, weights * odds, weights)
