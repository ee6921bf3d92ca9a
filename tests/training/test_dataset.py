"""Rows as token ids: nothing masked or cut that should not be, and little padding."""

import random
from dataclasses import replace

import pytest

from maze_env.errors import InvalidConfig
from maze_env.phrasings import PHRASINGS
from maze_env.placement import read_placed
from maze_env.solving import shortest_path
from maze_env.tokens import THINK_OPEN, maze_from_text, maze_to_text
from tests import tiny
from tokenmaze.agents.prompts import conversation, render
from tokenmaze.agents.tiny_model import TinyConfig, build_model, build_tokenizer
from tokenmaze.training import grpo
from tokenmaze.training.dataset import BUCKET_BATCHES, length_bucketed_order, supervised_dataset, token_ids
from tokenmaze.training.difficulty_filter import filter_by_pass_rate
from tokenmaze.training.grpo import MazeGRPOConfig, PlanTask
from tokenmaze.training.mazes import DataConfig, make_mazes, supervised_rows, training_texts
from tokenmaze.training.multi_turn import expert_dataset, multi_turn_dataset
from tokenmaze.training.tool_calls import tool_dataset

STYLES = dict.fromkeys(("direct", "path", "retry", "redraw", "search"), 1)
MIXED = DataConfig(examples=70, sizes={"2x2": 1, "4x4": 1}, trace_styles=STYLES)


def rows_of(tokenizer, config=MIXED, context=4096):
    """(prompt ids, supervised ids) of each row, split where the labels begin."""
    dataset = supervised_dataset(config, tokenizer, context, batch_size=4, seed=0)
    for row in dataset:
        start = next(index for index, label in enumerate(row["labels"]) if label != -100)
        assert len(row["labels"]) == len(row["input_ids"])
        assert all(label == -100 for label in row["labels"][:start])
        assert row["labels"][start:] == row["input_ids"][start:]
        yield row["input_ids"][:start], row["labels"][start:]


def plan_rows(tokenizer, context, budget, data=MIXED, **options):
    """Rows of GRPO in mode plan, for a model of that context."""
    args = MazeGRPOConfig(use_cpu=True, max_completion_length=budget, **options)
    return PlanTask(args, data, build_model(replace(tiny.SMALL, context=context), 0), tokenizer).rows


@pytest.mark.parametrize("template", ["tiny", None, tiny.CHAT])
def test_exactly_the_completion_and_the_end_are_supervised_and_nothing_is_cut(template):
    tokenizer = build_tokenizer() if template == "tiny" else tiny.byte_tokenizer(template)
    texts = []
    for prompt, supervised in rows_of(tokenizer):
        assert supervised[-1] == tokenizer.eos_token_id
        assert tokenizer.eos_token_id not in supervised[:-1]
        texts.append((tokenizer.decode(prompt), tokenizer.decode(supervised[:-1])))
    expected = [(render(tokenizer, row["maze"]).text, row["completion"]) for row in supervised_rows(MIXED)]
    assert sorted(texts) == sorted(expected)


def test_processes_of_their_own_write_the_same_rows():
    config = DataConfig(examples=600, sizes="3x3", trace_styles="pointers", walks={"none": 1, "6x6": 1})
    tokenizer = build_tokenizer(TinyConfig(line_numbers=True))
    alone, shared = (supervised_dataset(config, tokenizer, 512, 8, 0, number) for number in (None, 2))
    assert shared.to_list() == alone.to_list()
    with pytest.raises(InvalidConfig, match="Expects examples of at most 40 tokens"):
        supervised_dataset(config, tokenizer, 40, 8, 0, 2)


@pytest.mark.parametrize("opening", ["<think>\n", "<think>"])
def test_where_the_template_opens_the_thinking_the_completion_goes_on_from_there(opening):
    tokenizer = tiny.byte_tokenizer(tiny.R1_CHAT.replace("<think>\n", opening))
    whole = []
    for prompt, supervised in rows_of(tokenizer):
        prompt_text, text = tokenizer.decode(prompt), tokenizer.decode(supervised[:-1])
        assert prompt_text.endswith("assistant\n" + opening)
        assert THINK_OPEN not in text
        whole.append(prompt_text + text)
    # Read together they are the prompt and the whole completion, with one opening tag.
    expected = [
        render(tokenizer, row["maze"]).text.removesuffix(opening) + row["completion"] for row in supervised_rows(MIXED)
    ]
    assert sorted(whole) == sorted(expected)


@pytest.mark.parametrize("make", [build_tokenizer, lambda: tiny.byte_tokenizer("<s>" + tiny.CHAT)])
def test_prompts_are_tokenised_as_the_policy_does(make):
    # No begin token but what the template writes.
    tokenizer = make()
    prompts = {tuple(tokenizer(render(tokenizer, r["maze"]).text, add_special_tokens=False)["input_ids"]) for r in
               supervised_rows(MIXED)}  # fmt: skip
    assert {tuple(prompt) for prompt, _ in rows_of(tokenizer)} == prompts


def test_an_example_that_does_not_fit_is_an_error_that_names_its_length():
    tokenizer = build_tokenizer()
    longest = max(len(prompt) + len(supervised) for prompt, supervised in rows_of(tokenizer))
    assert len(list(rows_of(tokenizer, context=longest))) == 70
    with pytest.raises(
        InvalidConfig, match=f"at most {longest - 1} tokens.*one of {longest} tokens.*sizes={{'2x2': 1, '4x4': 1}}"
    ):
        list(rows_of(tokenizer, context=longest - 1))


def test_a_maze_that_the_vocabulary_cannot_write_is_an_error_that_says_so():
    wide = DataConfig(examples=2, sizes="2x21")
    with pytest.raises(InvalidConfig, match="names says how far"):
        supervised_dataset(wide, build_tokenizer(), 4096, 4, 0)
    with pytest.raises(InvalidConfig, match="names says how far"):
        plan_rows(build_tokenizer(), 4096, 4, wide)


@pytest.mark.parametrize("count", [1, 3, 4, 63, 64, 65, 200])
@pytest.mark.parametrize("batch_size", [1, 4])
def test_arranging_loses_and_repeats_nothing(count, batch_size):
    lengths = [random.Random(count + i).randrange(50) for i in range(count)]
    assert sorted(length_bucketed_order(lengths, batch_size, seed=0)) == list(range(count))


def test_arranging_reduces_padding_to_less_than_a_third():
    source = random.Random(0)
    lengths = [source.randrange(100, 300) for _ in range(4096)]
    order = length_bucketed_order(lengths, 32, seed=0)

    def padding(sequence):
        batches = [[lengths[i] for i in sequence[start : start + 32]] for start in range(0, 4096, 32)]
        return sum(max(batch) * len(batch) - sum(batch) for batch in batches)

    assert padding(order) < padding(range(4096)) / 3


def test_arranging_does_not_sort_by_length():
    # Batches of similar length, but short and long ones in random order: the model must not see the lengths rise.
    lengths = list(range(4 * BUCKET_BATCHES))
    firsts = [lengths[i] for i in length_bucketed_order(lengths, 4, seed=0)[::4]]
    assert sorted(firsts) != firsts
    assert sorted(firsts, reverse=True) != firsts


def test_arranging_stays_within_a_bucket_so_that_early_rows_come_early():
    order = length_bucketed_order([5] * (8 * BUCKET_BATCHES), 4, seed=0)
    assert sorted(order[: 4 * BUCKET_BATCHES]) == list(range(4 * BUCKET_BATCHES))


def test_arranging_is_a_function_of_the_seed():
    lengths = list(range(100))
    assert length_bucketed_order(lengths, 4, seed=1) == length_bucketed_order(lengths, 4, seed=1)
    assert length_bucketed_order(lengths, 4, seed=1) != length_bucketed_order(lengths, 4, seed=2)


@pytest.mark.parametrize("template", ["tiny", tiny.CHAT, tiny.R1_CHAT])
def test_grpo_rows_hold_a_maze_and_messages_that_are_rendered_as_the_policy_does(template):
    tokenizer = build_tokenizer() if template == "tiny" else tiny.byte_tokenizer(template)
    rows = plan_rows(tokenizer, 4096, 100)
    mazes = [maze_to_text(maze) for maze, _ in make_mazes(MIXED)]
    rendered = [render(tokenizer, maze).text for maze in mazes]
    assert rows["maze"][:] == mazes
    assert tokenizer.apply_chat_template(rows["prompt"][:], tokenize=False, add_generation_prompt=True) == rendered


def test_grpo_rows_are_placed_as_the_data_says():
    placed = replace(MIXED, placements="20x20", listings={"standard": 1, "shuffled": 1})
    rows = plan_rows(build_tokenizer(), 4096, 100, placed)
    assert rows["maze"][:] == [written.text for written in training_texts(placed)]
    assert [message["bare"] for (message,) in rows["prompt"]] == rows["maze"][:]
    mazes = [maze for maze, _ in make_mazes(MIXED)]
    assert [read_placed(text).maze for text in rows["maze"]] == mazes
    by_length = plan_rows(build_tokenizer(), 4096, 100, placed, curriculum="length")
    assert by_length["maze"][:] == sorted(rows["maze"], key=lambda text: len(shortest_path(read_placed(text).maze)))


def test_rows_are_phrased_as_the_data_says():
    tokenizer = tiny.byte_tokenizer(tiny.CHAT)
    phrased = replace(MIXED, phrasings=dict.fromkeys(PHRASINGS, 1))
    rows = plan_rows(tokenizer, 100_000, 100, phrased)
    texts = training_texts(phrased)
    assert {row["phrasing"] for row in rows} == set(PHRASINGS)
    expected = [conversation(written.text, written.phrasing) for written in texts]
    assert rows["prompt"][:] == expected
    supervised = sorted(supervised_dataset(phrased, tokenizer, 100_000, 8, 0)["input_ids"])
    parts = [
        render(tokenizer, row["maze"], row["phrasing"]).text + row["completion"] for row in supervised_rows(phrased)
    ]
    assert supervised == sorted([*ids, tokenizer.eos_token_id] for ids in token_ids(tokenizer, parts))


@pytest.mark.parametrize("write", [
    lambda data: filter_by_pass_rate(data, None, 2, 0),
    lambda data: expert_dataset(data, build_tokenizer(), 4096, 4, 0, "shortest-path", None),
    lambda data: multi_turn_dataset(data, build_tokenizer(), 4096, 64, None),
    lambda data: tool_dataset(data, build_tokenizer(), 4096, 64, None),
])  # fmt: skip
@pytest.mark.parametrize(
    "keys", [{"placements": "6x6"}, {"listings": {"standard": 1, "shuffled": 1}}, {"phrasings": "terse"}]
)
def test_what_writes_mazes_itself_refuses_placed_ones(write, keys):
    with pytest.raises(InvalidConfig, match="Expects placements origin, listings standard and phrasings standard"):
        write(replace(MIXED, **keys))


def test_a_prompt_that_leaves_no_room_for_a_completion_is_an_error():
    tokenizer = build_tokenizer()
    longest = 4 * (3 * 4 + 1)
    assert len(plan_rows(tokenizer, longest + 100, 100)) == 70
    with pytest.raises(InvalidConfig, match=f"context of {longest + 99} tokens, actual: a prompt of {longest} tokens"):
        plan_rows(tokenizer, longest + 99, 100)


def test_a_curriculum_begins_with_short_mazes():
    rows = plan_rows(build_tokenizer(), 4096, 100, curriculum="length")
    lengths = [len(shortest_path(maze_from_text(text))) for text in rows["maze"]]
    assert lengths == sorted(lengths)
    assert lengths[0] < lengths[-1]
    assert sorted(rows["maze"]) == sorted(maze_to_text(maze) for maze, _ in make_mazes(MIXED))


def test_filtered_mazes_take_the_place_of_those_drawn(monkeypatch):
    mazes = tiny.mazes(3, 2, 2)
    monkeypatch.setattr(grpo, "filter_by_pass_rate", lambda data, policy, samples, seed: mazes[:samples])
    rows = plan_rows(build_tokenizer(), 4096, 100, filter_samples=2)
    assert rows["maze"][:] == [maze_to_text(maze) for maze in mazes[:2]]
