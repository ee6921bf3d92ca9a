"""GRPO's log-probabilities are those of each text alone, or the model is refused before any work.

TRL's trainer pads prompts on the left and tells the model no positions. Attention with rotary positions bears that;
learned positions (GPT-2 ...) and recurrent layers do not. Padding on the right is no harm to any causal model, so for
those each row is moved to the left edge before the forward pass, and what comes out is moved back. So it is where rows
are to be computed without masks (``right_padded``), whatever padding would do to the model.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel
from trl.trainer.utils import add_fused_lm_head

from tokenmaze.agents.errors import InvalidCheckpoint
from tokenmaze.agents.reading import evaluation_mode, reading_of, unwrapped
from tokenmaze.training import right_padded

INPUTS, OUTPUTS = ("input_ids", "attention_mask", "labels"), ("log_probs", "entropy")
"""Tensors of (rows, tokens) that a forward pass over labels is given, and returns."""
SIZES = ((24, 4), (9, 12), (17, 7))
"""Tokens of prompt and answer in the rows that a model is tried on."""
TOLERANCE = 0.01
"""How far log-probabilities of float32 weights may be off, in the mean; of others, ``LOW_PRECISION_TOLERANCE``."""
LOW_PRECISION_TOLERANCE = 0.25


def align_rows(model: torch.nn.Module) -> list[Any]:
    """Lets forward passes over labels read rows from the left edge, where padding on the left would harm the model.

    A model with the attention ``right_padded`` has it in these passes alone, from now on, and else ``STANDARD``.
    Returns the handles of the hooks, by which it can be undone.
    """
    without_masks = right_padded.attention_of(unwrapped(model)) == right_padded.NAME
    if reading_of(model).pads_unplaced and not without_masks:
        return []
    if without_masks:
        unwrapped(model).set_attn_implementation(right_padded.STANDARD)
    starts: list[Tensor] = []

    def move(module: torch.nn.Module, arguments: tuple[Any, ...], given: dict[str, Any]) -> Any:
        if given.get("labels") is None:  # as in generation
            return None
        starts[:] = [given["attention_mask"].argmax(dim=1)]
        if without_masks:
            unwrapped(model).set_attn_implementation(right_padded.NAME)
        return arguments, given | {name: _moved(given[name], -starts[0]) for name in INPUTS}

    def move_back(module: torch.nn.Module, arguments: tuple[Any, ...], given: dict[str, Any], outputs: Any) -> None:
        if given.get("labels") is not None:
            if without_masks:
                unwrapped(model).set_attn_implementation(right_padded.STANDARD)
            for name in OUTPUTS:
                if (values := getattr(outputs, name, None)) is not None:
                    setattr(outputs, name, _moved(values, starts[0]))

    return [
        model.register_forward_pre_hook(move, with_kwargs=True),
        model.register_forward_hook(move_back, with_kwargs=True),
    ]


def _moved(rows: Tensor, steps: Tensor) -> Tensor:
    """(rows, tokens), each row moved to the right by its number of ``steps``, (rows,); what leaves comes in again."""
    places = torch.arange(rows.shape[1], device=rows.device) - steps[:, None]
    return rows.gather(1, places % rows.shape[1])


@torch.no_grad()
def check_log_probs(model: PreTrainedModel) -> None:
    """Raises InvalidCheckpoint unless what TRL computes of padded rows is what the model gives for each row alone."""
    if any(parameter.is_meta or not parameter.numel() for parameter in model.parameters()):
        return  # sharded: not all there
    size, count = model.get_input_embeddings().weight.shape[0], max(map(sum, SIZES))
    texts = [[(7 * row + 31 * place) % size for place in range(sum(sizes))] for row, sizes in enumerate(SIZES)]
    width = max(prompt for prompt, _ in SIZES)
    try:
        with evaluation_mode(model):
            alone = [_log_probs(model, text, prompt) for text, (prompt, _) in zip(texts, SIZES, strict=True)]
            together = _padded_log_probs(model, texts, width + count)[:, width - 1 :]
    except (AttributeError, TypeError, ValueError, RuntimeError) as error:
        raise InvalidCheckpoint(f"{_expected(model)}, actual: {type(error).__name__} ({error})") from error
    differences = [(own - row[: len(own)]).abs().mean() for own, row in zip(alone, together, strict=True)]
    tolerance = TOLERANCE if model.dtype == torch.float32 else LOW_PRECISION_TOLERANCE
    if not (worst := float(torch.stack(differences).max())) <= tolerance:
        raise InvalidCheckpoint(f"{_expected(model)}, actual: they differ by {worst:.2g}")


def _expected(model: PreTrainedModel) -> str:
    kind = model.config.model_type
    return f"Expects a model of whose padded rows TRL computes the log-probabilities that each has alone ({kind!r})"


def _log_probs(model: PreTrainedModel, text: list[int], prompt: int) -> Tensor:
    """Of each token behind the prompt, (tokens,) float32, in one plain pass."""
    ids = torch.tensor([text], device=model.device)
    return model(ids).logits[0, prompt - 1 : -1].float().log_softmax(-1).gather(1, ids[0, prompt:, None]).squeeze(1)


def _padded_log_probs(model: PreTrainedModel, texts: list[list[int]], length: int) -> Tensor:
    """Of each token, as TRL's trainer computes them, (texts, length - 1); prompts end at one place."""
    width = max(prompt for prompt, _ in SIZES)
    ids = torch.zeros(len(texts), length, dtype=torch.long)
    mask = torch.zeros_like(ids)
    for row, (text, (prompt, _)) in enumerate(zip(texts, SIZES, strict=True)):
        place = slice(width - prompt, width - prompt + len(text))
        ids[row, place], mask[row, place] = torch.tensor(text), 1
    ids, mask = ids.to(model.device), mask.to(model.device)
    labels = ids.masked_fill(mask == 0, -100)
    with _trl_head(model):
        return model(input_ids=ids, attention_mask=mask, labels=labels, fused_lm_head=True).log_probs.float()


@contextmanager
def _trl_head(model: PreTrainedModel) -> Iterator[None]:
    """The model as TRL's trainer makes it, and afterwards as it was."""
    own, attention = vars(model).get("forward"), right_padded.attention_of(unwrapped(model))
    handles = align_rows(model)
    add_fused_lm_head(model)
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
        unwrapped(model).set_attn_implementation(attention)
        del model.forward
        if own is not None:
            model.forward = own
