"""Credit for steps: which tokens of a completion GRPO learns from, and how much."""

import re

import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.decoders import Fuse
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Split
from transformers import PreTrainedTokenizerFast

from maze_env import traces
from maze_env.errors import InvalidConfig, TokenMazeError
from maze_env.maze import Maze
from maze_env.tokens import maze_to_text
from tests.maze_env.golden import FORK_ASCII
from tokenmaze.agents.tiny_model import TinyConfig, build_tokenizer
from tokenmaze.training.grpo import MazeGRPOConfig
from tokenmaze.training.maze_tokens import require_maze_tokens
from tokenmaze.training.mazes import DataConfig, require_standard_texts
from tokenmaze.training.step_credit import MOST_ODDS, StepCredit, unlikelihood
from tokenmaze.training.trl_adapter import drop_zero_advantage_rows

FORK = Maze.from_ascii(FORK_ASCII)
TOKENIZER = build_tokenizer(TinyConfig(line_numbers=True))
END = TOKENIZER.eos_token_id
RIGHT = traces.write("pointers", FORK, 0)
LAST = re.search(r"[ \t]+<\|right\|>$", RIGHT)[0]
"""The last move, after its number."""


def ids_of(text, is_ended=True):
    return TOKENIZER(text, add_special_tokens=False)["input_ids"] + [END] * is_ended


@pytest.fixture
def credit():
    return StepCredit("pointers", TOKENIZER, [END])


@pytest.fixture(scope="session")
def letters():
    """A tokenizer of single letters, as the worst that a vocabulary without maze tokens may do."""
    words = ["[PAD]", "[END]", *sorted(set(RIGHT))]
    backend = Tokenizer(WordLevel({word: index for index, word in enumerate(words)}, unk_token="[PAD]"))
    backend.pre_tokenizer = Split("", "isolated")
    backend.decoder = Fuse()
    return PreTrainedTokenizerFast(tokenizer_object=backend, pad_token="[PAD]", eos_token="[END]")


def test_an_answer_that_solves_may_have_a_fault_in_its_trace(credit):
    assert credit.judge(FORK, ids_of(RIGHT)) == (True, None)
    ids = ids_of(RIGHT.replace("<|target|>", "<|blank|>", 1))
    solved, fault = credit.judge(FORK, ids)
    assert (solved, TOKENIZER.decode(ids[fault])) == (True, "<|blank|>")


def test_the_fault_is_the_first_token_that_is_untrue(credit):
    wrong = re.sub(r"(PATH\n[ \t]+)<\|0-0\|>", r"\1<|0-1|>", RIGHT).removesuffix(LAST)
    ids = ids_of(wrong)
    solved, fault = credit.judge(FORK, ids)
    assert not solved
    assert TOKENIZER.decode(ids[: fault - 1]).endswith("PATH\n")
    assert TOKENIZER.decode(ids[fault]) == "<|0-1|>"


def test_an_answer_that_ends_too_early_is_wrong_in_its_end_token_and_one_that_is_cut_nowhere(credit):
    early = RIGHT.removesuffix(LAST)
    ids = ids_of(early)
    assert credit.judge(FORK, ids) == (False, len(ids) - 1)
    assert credit.judge(FORK, ids_of(early, is_ended=False)) == (False, None)
    assert credit.judge(FORK, ids_of(RIGHT)[:20]) == (False, None)


@pytest.mark.parametrize("opening", ["<think>", "<think>\n"])
def test_a_prompt_may_have_opened_the_thinking(opening):
    opened = StepCredit("pointers", TOKENIZER, [END], opening)
    assert opened.judge(FORK, ids_of(RIGHT.removeprefix(opening))) == (True, None)
    assert opened.judge(FORK, ids_of(RIGHT.removeprefix(opening))[:20]) == (False, None)
    ids = ids_of(RIGHT.removeprefix(opening).replace("<|target|>", "<|blank|>", 1).removesuffix(LAST))
    solved, fault = opened.judge(FORK, ids)
    assert (solved, TOKENIZER.decode(ids[fault])) == (False, "<|blank|>")


def test_what_solves_counts_in_all_of_its_tokens_and_what_is_wrong_in_one(credit):
    early, untrue = RIGHT.removesuffix(LAST), RIGHT.replace("<|target|>", "<|blank|>", 1)
    rows = [ids_of(RIGHT), ids_of(early), ids_of(early, is_ended=False), ids_of(untrue)]
    width = max(map(len, rows))
    ids = torch.tensor([row + [TOKENIZER.pad_token_id] * (width - len(row)) for row in rows])
    mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows])
    credit.mazes = [FORK] * 4
    weights, wrong = credit.weights(ids, mask, torch.tensor([0.8, -0.7, -0.7, 0.8]))
    expected = torch.zeros(ids.shape)
    expected[0, : len(rows[0])] = expected[3, : len(rows[3])] = 0.8
    expected[1, len(rows[1]) - 1] = -1
    fault = int((ids[3] != ids[0]).nonzero()[0])
    expected[3, fault] = -1
    torch.testing.assert_close(weights, expected)
    assert wrong.nonzero().tolist() == [[1, len(rows[1]) - 1], [3, fault]]


def test_a_wrong_token_has_the_gradient_of_its_unlikelihood():
    for probability in (0.01, 0.5, 0.97):
        logit = torch.tensor(probability).logit().requires_grad_()
        log_prob = torch.nn.functional.logsigmoid(logit)
        weight = unlikelihood(torch.tensor(-2.0), torch.tensor(True), log_prob.detach())
        (gradient,) = torch.autograd.grad(-weight * log_prob, logit)
        (right,) = torch.autograd.grad(-2 * torch.log(1 - torch.sigmoid(logit)), logit)
        torch.testing.assert_close(gradient, right)
    sure = unlikelihood(torch.tensor(-2.0), torch.tensor(True), torch.tensor(0.0))
    assert sure == -2 * MOST_ODDS


def test_completions_without_weights_and_what_follows_the_last_weight_are_left_out():
    weights = torch.tensor([[0.0, 0, 0, 0], [0, -2, 0, 0], [1, 1, 0, 0]])
    batch = {
        "prompt_ids": torch.arange(12).view(3, 4), "completion_ids": torch.arange(12).view(3, 4),
        "completion_mask": torch.ones(3, 4, dtype=torch.long), "advantages": weights,
    }  # fmt: skip
    kept = drop_zero_advantage_rows(batch)
    assert kept["advantages"].tolist() == [[0, -2], [1, 1]]
    assert kept["completion_ids"].tolist() == [[4, 5], [8, 9]]
    assert kept["prompt_ids"].tolist() == [[4, 5, 6, 7], [8, 9, 10, 11]]
    none = drop_zero_advantage_rows(batch | {"advantages": torch.zeros(3, 4)})
    assert none["completion_ids"].shape == (1, 1)


def test_what_is_written_so_far_is_lost_from_its_first_wrong_token_on(credit):
    credit.mazes = [FORK] * 2
    wrong = ids_of(RIGHT.replace("<|target|>", "<|blank|>", 1), is_ended=False)
    right = ids_of(RIGHT, is_ended=False)
    fault = next(place for place, (one, other) in enumerate(zip(wrong, right, strict=True)) if one != other)
    for length in range(1, len(right)):
        written = torch.tensor([wrong[:length], right[:length]])
        assert credit.lost([0, 1], written) == [length > fault, False]
    assert credit.lost([1], torch.tensor([wrong])) == [True]


def test_half_a_word_at_the_end_is_not_wrong_yet(letters):
    credit = StepCredit("pointers", letters, [letters.eos_token_id])
    credit.mazes = [FORK]
    written = letters(RIGHT, add_special_tokens=False)["input_ids"]
    for length in range(1, len(written)):
        assert credit.lost([0], torch.tensor([written[:length]])) == [False]


@pytest.mark.parametrize("tail", [" " * 100_000 + "X", "BACK" * 50_000 + "\nPAT", "<" * 100_000])
def test_whatever_a_model_writes_is_judged_at_once(letters, tail):
    # A pattern that tried every way to split the blanks would take hours.
    credit = StepCredit("pointers", letters, [letters.eos_token_id])
    ids = letters(RIGHT[:60] + tail, add_special_tokens=False)["input_ids"]
    assert credit.judge(FORK, ids)[0] is False


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"step_credit": "search"}, "Expects step_credit out of pointers"),
        ({"step_credit": "serch"}, "Did you mean 'search'"),
        ({"step_credit": "pointers", "loss_type": "grpo"}, "Expects loss_type dapo with step_credit"),
        ({"step_credit": "pointers", "importance_sampling_level": "sequence"}, "importance_sampling_level token with"),
        ({"step_credit": "pointers", "top_entropy_quantile": 0.2}, "Expects top_entropy_quantile 1.0 with step_credit"),
        ({"step_credit": "pointers", "mode": "play"}, "step_credit only with mode plan"),
        ({"stop_at_fault": True}, "Expects stop_at_fault only with step_credit"),
        ({"step_credit": "pointers", "stop_at_fault": True, "use_vllm": True}, "without use_vllm"),
    ],
)
def test_where_there_is_no_such_credit_it_is_refused(tmp_path, keys, message):
    with pytest.raises(TokenMazeError) as error:
        MazeGRPOConfig(output_dir=str(tmp_path), reward="sparse", **keys)
    assert message in str(error.value)


def test_a_vocabulary_without_maze_tokens_is_refused(letters):
    # The token in which a wrong coordinate begins would be the one in which the right one does.
    text = maze_to_text(FORK)
    require_maze_tokens(TOKENIZER, [text], "with step_credit")
    with pytest.raises(InvalidConfig, match=r"Expects a vocabulary with maze tokens with step_credit .* tokens$"):
        require_maze_tokens(letters, [text], "with step_credit")


def test_it_reads_standard_texts():
    with pytest.raises(InvalidConfig, match="with step_credit"):
        require_standard_texts(DataConfig(placements="20x20"), "with step_credit")
