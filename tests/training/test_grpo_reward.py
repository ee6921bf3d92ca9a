"""The GRPO reward is ``verify`` and a scheme, to the digit."""

import numpy as np
import pytest
from transformers import TrainingArguments

from maze_env.attempt import End, EndedBy
from maze_env.errors import InvalidConfig, TokenMazeError
from maze_env.maze import Maze
from maze_env.phrasings import PHRASINGS, phrasing_named
from maze_env.placement import placed_text
from maze_env.rewards import SCHEMES, scheme_named
from maze_env.tokens import maze_to_text
from maze_env.verifier import verify
from tests import tiny
from tests.maze_env.golden import EXAMPLE_ANSWER, EXAMPLE_ASCII, ROOM_ASCII
from tokenmaze.agents.prompts import conversation, render
from tokenmaze.training.grpo import SOLVING_PAYS, MazeGRPOConfig
from tokenmaze.training.grpo_reward import MazeReward

EOS, OTHER_EOS = 2, 7
TOKENIZER = tiny.byte_tokenizer(tiny.CHAT)
RIGHT = "<|right|><|right|>"
EXAMPLE, ROOM = Maze.from_ascii(EXAMPLE_ASCII), Maze.from_ascii(ROOM_ASCII)
ATTEMPTS = [
    (EXAMPLE, EXAMPLE_ANSWER),
    (EXAMPLE, f"<think>\nso\n</think>\n\n{EXAMPLE_ANSWER}"),
    (EXAMPLE, "<|down|><|left|><|up|>"),
    (EXAMPLE, "<|up|>"),
    (EXAMPLE, EXAMPLE_ANSWER + "<|up|>"),
    (EXAMPLE, "<think>" + EXAMPLE_ANSWER),
    (EXAMPLE, f"so\n</think>\n\n{EXAMPLE_ANSWER}"),
    (EXAMPLE, "no idea"),
    (EXAMPLE, ""),
    (ROOM, "<|right|><|right|>"),
    (ROOM, "<|down|><|right|><|right|><|up|>"),
    (ROOM, "<|right|>"),
]


def reward_of(attempts, scheme="solved", thinking_opened=False, ended=True, end=EOS, length_penalty=0.0, **options):
    """The rewards of a batch, as TRL would call for them."""
    written = [TOKENIZER(text, add_special_tokens=False)["input_ids"] for _, text in attempts]
    return MazeReward(scheme, TOKENIZER, thinking_opened, [EOS, OTHER_EOS], length_penalty)(
        completion_ids=[[*ids, *([end] if ended else [])] for ids in written],
        maze=[maze_to_text(maze) for maze, _ in attempts],
        prompts=["unused"] * len(attempts),
        completions=["unused"] * len(attempts),
        **options,
    )


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("thinking_opened", [False, True])
def test_the_reward_is_the_schemes_to_the_digit(scheme, thinking_opened):
    expected = [
        scheme_named(scheme)(maze, verify(maze, text, thinking_opened=thinking_opened)) for maze, text in ATTEMPTS
    ]
    assert reward_of(ATTEMPTS, scheme, thinking_opened) == expected
    assert len(set(expected)) >= 2


def test_rewards_by_hand():
    # Solved: 1 + 0.1. Three of sixteen moves: 0.1 * 3/16. A wall at once, a walk past the target, bad form: nothing.
    assert reward_of(ATTEMPTS[:9]) == pytest.approx([1.1, 1.1, 0.1 * 3 / 16, 0, 0, 0, 1.1, 0, 0])


def thought(words, answer):
    """An answer after so many words of thinking."""
    return f"<think>\n{'so ' * words}\n</think>\n\n{answer}"


@pytest.mark.parametrize("scheme", ["solved", "sparse"])
def test_a_length_penalty_is_the_papers_over_the_solved_ones_of_each_maze(scheme):
    answers = [thought(words, EXAMPLE_ANSWER) for words in (1, 40, 9)]
    attempts = [
        (EXAMPLE, answers[0]),
        (ROOM, RIGHT),
        (EXAMPLE, "<|down|>"),
        (EXAMPLE, answers[1]),
        (EXAMPLE, answers[2]),
    ]
    lengths = np.array([len(TOKENIZER(text, add_special_tokens=False)["input_ids"]) + 1 for text in answers])
    penalties = 0.3 / (1 + np.exp(-(lengths - lengths.mean()) / lengths.std()))
    logged = {}
    plain = reward_of(attempts, scheme)
    paid = reward_of(attempts, scheme, length_penalty=0.3, log_metric=logged.__setitem__)
    lost = [penalties[0], 0.15, 0, penalties[1], penalties[2]]  # alone, one is as long as the mean
    assert paid == pytest.approx([before - less for before, less in zip(plain, lost, strict=True)])
    assert paid[0] > paid[4] > paid[3]
    assert logged["reward_terms/length"] == pytest.approx(-sum(lost) / 5)
    if scheme == "sparse":
        assert paid[0] == pytest.approx(1 - 0.3 / (1 + np.exp((lengths.mean() - lengths[0]) / lengths.std())))


@pytest.mark.parametrize("scheme", SOLVING_PAYS)
def test_solving_pays_more_than_not_however_long_it_takes(scheme):
    almost = EXAMPLE_ANSWER[: EXAMPLE_ANSWER.rindex("<|")]
    solvers = [(EXAMPLE, thought(words, EXAMPLE_ANSWER)) for words in (1, 1, 1, 1, 1, 1, 1, 300)]
    *paid, unsolved = reward_of([*solvers, (EXAMPLE, almost)], scheme, length_penalty=0.999)
    assert min(paid) == paid[-1] > unsolved
    assert reward_of([(EXAMPLE, "no idea"), (EXAMPLE, "")], scheme, length_penalty=0.5) == [0, 0]


def test_a_truncated_answer_takes_no_part_in_the_lengths():
    logged = {}
    assert reward_of(ATTEMPTS, ended=False, length_penalty=0.5, log_metric=logged.__setitem__) == [0] * len(ATTEMPTS)
    assert logged["reward_terms/length"] == 0


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"length_penalty": 1.0}, "Expects length_penalty from 0 to below 1"),
        ({"length_penalty": -0.1}, "Expects length_penalty from 0 to below 1"),
        ({"length_penalty": 0.2, "reward": "alphamaze"}, r"\(solved or sparse\), actual: 0.2 with alphamaze"),
        (
            {"length_penalty": 0.2, "mode": "play"},
            "length_penalty and step_credit only with mode plan, actual: mode play",
        ),
        ({"scale_rewards": "maen"}, "Did you mean 'mean'"),
        ({"scale_rewards": "mean", "multi_objective_aggregation": "normalize_then_sum"}, "Expects multi_objective"),
    ],
)
def test_keys_of_the_reward_that_do_not_go_together_are_refused(keys, said):
    with pytest.raises(TokenMazeError, match=said):
        MazeGRPOConfig(**keys)


def test_lengths_are_not_compared_over_processes_that_share_a_group(monkeypatch):
    monkeypatch.setattr(TrainingArguments, "world_size", 2)
    keys = {"length_penalty": 0.2, "per_device_train_batch_size": 24, "num_generations": 16}
    with pytest.raises(InvalidConfig, match=r"a multiple of num_generations with length_penalty .*, actual: 24, 16"):
        MazeGRPOConfig(**keys)
    assert MazeGRPOConfig(**{**keys, "num_generations": 8})


def test_a_placed_maze_earns_what_the_standard_one_does():
    places = [((3, 14), "shuffled"), ((0, 0), "bottom-up"), ((15, 0), "standard")]
    texts = [placed_text(maze, *places[i % 3], key=i) for i, (maze, _) in enumerate(ATTEMPTS)]
    written = [[*TOKENIZER(text, add_special_tokens=False)["input_ids"], EOS] for _, text in ATTEMPTS]
    assert MazeReward("solved", TOKENIZER, False, [EOS])(completion_ids=written, maze=texts) == reward_of(ATTEMPTS)


@pytest.mark.parametrize("phrasing", PHRASINGS)
def test_a_maze_in_other_words_earns_what_the_standard_one_does(phrasing):
    way, written = (
        phrasing_named(phrasing),
        [TOKENIZER(text, add_special_tokens=False)["input_ids"] for _, text in ATTEMPTS],
    )
    ids = [TOKENIZER(way.translate(text), add_special_tokens=False)["input_ids"] + [EOS] for _, text in ATTEMPTS]
    mazes = [way.write(maze) for maze, _ in ATTEMPTS]
    columns = {"maze": mazes, "prompts": [""] * len(mazes), "phrasing": [phrasing] * len(mazes)}
    reward = MazeReward("solved", TOKENIZER, False, [EOS])
    assert reward(completion_ids=ids, **columns) == reward_of(ATTEMPTS)
    if way.translate(RIGHT) != RIGHT:
        standard = reward(completion_ids=[[*ids, EOS] for ids in written], **columns)
        assert max(standard) < max(reward_of(ATTEMPTS)), "the tokens are another phrasing's"


def test_a_model_may_end_with_another_token_than_its_tokenizers():
    assert reward_of(ATTEMPTS, end=OTHER_EOS) == reward_of(ATTEMPTS)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_completion_without_an_end_gets_nothing_even_if_it_solves(scheme):
    assert reward_of(ATTEMPTS, scheme, ended=False) == [0.0] * len(ATTEMPTS)


def test_the_terms_and_every_end_are_logged():
    logged = {}
    reward_of(ATTEMPTS, log_metric=logged.__setitem__)
    count = len(ATTEMPTS)
    terms = [scheme_named("solved").terms(maze, verify(maze, text)) for maze, text in ATTEMPTS]
    assert logged["solved_rate"] == pytest.approx(5 / count)
    assert logged["reward_terms/solved"] == pytest.approx(5 / count)
    assert logged["reward_terms/progress"] == pytest.approx(sum(term["progress"] for term in terms) / count)
    ends = {name.removeprefix("end/"): rate * count for name, rate in logged.items() if name.startswith("end/")}
    assert ends == pytest.approx(dict.fromkeys(End, 0) | {
        "solved": 5, "short_of_target": 2, "past_target": 1, "unclosed_thinking": 1, "stray_text": 1, "empty": 1,
    } | {verify(*ATTEMPTS[3]).end: 1})  # fmt: skip
    assert logged["ended_by/agent"] == 1


def test_a_truncated_completion_has_the_end_of_its_text_and_says_which_budget_ended_it():
    logged, whole = {}, {}
    reward_of(ATTEMPTS, ended=False, log_metric=logged.__setitem__)
    reward_of(ATTEMPTS, log_metric=whole.__setitem__)
    assert logged["ended_by/token_budget"] == 1
    assert logged["solved_rate"] == logged["end/solved"] == whole["end/solved"] > 0
    assert logged["reward_terms/solved"] == logged["reward_terms/progress"] == 0


def test_every_batch_logs_the_same_names():
    # A log entry averages a name over the batches that logged it: one left out for being 0 would be overstated.
    names = []
    for attempts, ended in ((ATTEMPTS, True), (ATTEMPTS[:1], True), (ATTEMPTS[:1], False)):
        logged = {}
        reward_of(attempts, ended=ended, log_metric=logged.__setitem__)
        names.append(set(logged))
    assert names[0] == names[1] == names[2]
    assert names[0] >= {f"end/{end}" for end in End} | {f"ended_by/{party}" for party in EndedBy}


def test_trl_calls_it_by_the_schemes_name():
    assert MazeReward("alphamaze", TOKENIZER).__name__ == "reward_alphamaze"


def test_what_a_group_answers_is_logged():
    logged = {}
    texts = ["<|right|><|right|>", "<|right|><|right|>", "<|down|><|right|><|right|><|up|>", "<|up|>"]
    reward_of([(ROOM, text) for text in texts] + [(EXAMPLE, "no idea")] * 2, log_metric=logged.__setitem__)
    assert logged["answers/distinct"] == (3 + 1) / 2
    assert logged["answers/distinct_first_moves"] == (3 + 1) / 2
    assert logged["answers/moves"] == (2 + 2 + 4 + 1) / 6
    assert logged["legality"] == 3 / 6
    assert logged["solved_rate"] == 3 / 6
    assert logged["pass@group"] == 1 / 2  # of the two groups, one holds an answer that arrives


@pytest.mark.parametrize("chat", [tiny.CHAT, tiny.R1_CHAT])
@pytest.mark.parametrize("form", ["text", "messages"])
def test_whether_the_thinking_is_opened_is_read_off_the_prompts_of_either_form(chat, form):
    tokenizer, opened = tiny.byte_tokenizer(chat), chat == tiny.R1_CHAT
    text = maze_to_text(EXAMPLE)
    prompt = conversation(text) if form == "messages" else render(tokenizer, text).text
    ids = [*tokenizer(EXAMPLE_ANSWER, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]
    completions = [[{"role": "assistant", "content": EXAMPLE_ANSWER}] if form == "messages" else EXAMPLE_ANSWER]
    rewards = MazeReward("solved", tokenizer)(
        prompts=[prompt], completions=completions, completion_ids=[ids], maze=[text], trainer_state=None
    )
    assert (rewards[0] > 1) == (not opened)
