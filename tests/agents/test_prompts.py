"""The one renderer of prompts: which wording, which template, and whether the template opens the thinking."""

import pytest
from transformers import AutoTokenizer

from agents.prompts import DESCRIBED, WORDINGS, prompt_style, render, set_template
from agents.tiny_model import build_tokenizer
from maze_env.answers import moves_to_text
from maze_env.errors import UnknownName, UnreadableMaze
from maze_env.phrasings import PHRASINGS
from maze_env.solving import shortest_path
from maze_env.tokens import BLANK, MARKERS, maze_to_text
from tests import tiny
from tests.maze_env.golden import EXAMPLE_ANSWER, EXAMPLE_TEXT


def test_the_embedded_model_reads_the_bare_maze_and_nothing_else():
    prompt = render(build_tokenizer(), EXAMPLE_TEXT)
    assert prompt.text == EXAMPLE_TEXT
    assert prompt.thinking_opened is False


def test_a_tokenizer_that_says_nothing_gets_the_description_with_the_maze_at_its_end():
    prompt = render(tiny.byte_tokenizer(), EXAMPLE_TEXT)
    assert prompt.text == DESCRIBED.replace("{maze}", EXAMPLE_TEXT)
    assert prompt.text.endswith("\n\nMAZE:\n" + EXAMPLE_TEXT)
    assert prompt.thinking_opened is False


def test_the_description_says_what_every_kind_of_token_means():
    # Prompts that never said what a wall token means made small models spend their budget guessing.
    text = " ".join(render(tiny.byte_tokenizer(), "").text.split())
    for said in (
        "coordinate, <|row-column|>, both counted from 0. Row 0 is the top row and column 0 the left one",
        "the sides on which you cannot leave the cell",
        "<|no_wall|> has none",
        "<|all_wall|> has all four",
        "A side that is not named is open",
        "<|origin|> is where you start, <|target|> is where you must arrive",
        "<|up|> to the row before, <|down|> to the row after, <|left|> to the column before, <|right|> to the column",
        "A move through a wall is not possible",
        "between <think> and </think>",
        "If no way leads to the target, write <|unreachable|> in place of the moves",
    ):
        assert said in text
    assert all(marker in text for marker in MARKERS)


def test_the_prompt_holds_nothing_of_the_answer():
    tokenizer = tiny.byte_tokenizer(tiny.CHAT)
    surroundings = set()
    for maze in tiny.mazes(20, 5, 5, min_length=2):
        text = maze_to_text(maze)
        prompt = render(tokenizer, text).text
        assert prompt.count(text) == 1
        assert moves_to_text(shortest_path(maze)) not in prompt
        surroundings.add(prompt.replace(text, ""))
    assert len(surroundings) == 1  # the rest is the same for every maze, so it can say nothing of this one
    assert EXAMPLE_ANSWER not in render(tokenizer, EXAMPLE_TEXT).text


def test_a_chat_template_is_applied_with_the_opening_of_the_answer():
    prompt = render(tiny.byte_tokenizer(tiny.CHAT), EXAMPLE_TEXT)
    content = DESCRIBED.replace("{maze}", EXAMPLE_TEXT)
    assert prompt.text == f"<im_start>user\n{content}<im_end>\n<im_start>assistant\n"
    assert prompt.thinking_opened is False


def test_a_template_that_opens_the_thinking_is_noticed():
    prompt = render(tiny.byte_tokenizer(tiny.R1_CHAT), EXAMPLE_TEXT)
    assert prompt.text.endswith("<im_start>assistant\n<think>\n")
    assert prompt.thinking_opened is True


def test_thinking_that_the_template_opens_and_closes_is_not_open():
    closed = tiny.CHAT.replace("assistant\n", "assistant\n<think>\n\n</think>\n\n")
    assert render(tiny.byte_tokenizer(closed), EXAMPLE_TEXT).thinking_opened is False


def test_the_maze_is_put_in_once_even_if_its_text_holds_braces():
    assert render(tiny.byte_tokenizer(), "{maze}").text.count("{maze}") == 1


def test_a_style_of_ones_own_choice_is_saved_with_the_tokenizer(tmp_path):
    tiny.byte_tokenizer(tiny.CHAT, prompt_style="bare").save_pretrained(tmp_path)
    prompt = render(AutoTokenizer.from_pretrained(tmp_path), BLANK)
    assert prompt.text == f"<im_start>user\n{BLANK}<im_end>\n<im_start>assistant\n"


@pytest.mark.parametrize("phrasing", PHRASINGS)
def test_each_phrasing_has_a_wording_of_its_own_that_asks_for_the_same_answer(phrasing):
    tokenizer = tiny.byte_tokenizer()
    text = " ".join(render(tokenizer, "THE-MAZE", phrasing).text.split())
    assert text.count("THE-MAZE") == 1
    assert "<|unreachable|>" in text
    assert ("<|north|>" in text) == (phrasing == "renamed")
    assert ("<|up|>" in text) == (phrasing != "renamed")
    others = {WORDINGS[name] for name in PHRASINGS if name != phrasing}
    assert WORDINGS[phrasing] not in others


@pytest.mark.parametrize(
    ("phrasing", "said"),
    [
        ("terse", "<|row-column|> (from 0, top left)"),
        (
            "renamed",
            "<|all_open|> has none, <|closed_north|> one above, <|closed_south_west|> one below and one on",
        ),
        ("renamed", "<|start|> is where you start, <|goal|> is where you must arrive, <|empty|> is neither"),
        ("transposed", "Its coordinate, <|column-row|>"),
        ("bottom-up", "row by row from the bottom row upwards"),
        ("bottom-up", "<|up|> to the row whose number is one less"),
        ("shuffled", "cell by cell, in no particular order"),
        ("adjacency", "All other neighbours have a wall between them"),
        ("ascii", "O is where you start, X is where you must arrive"),
    ],
)
def test_a_wording_explains_its_phrasing(phrasing, said):
    assert said in " ".join(WORDINGS[phrasing].split())


def test_ones_own_wording_speaks_of_the_standard_phrasing_alone():
    tokenizer = tiny.byte_tokenizer()
    set_template(tokenizer, "Mine: {maze}")
    assert render(tokenizer, "MAZE").text == "Mine: MAZE"
    assert render(tokenizer, "MAZE", "ascii").text == WORDINGS["ascii"].replace("{maze}", "MAZE")


def test_a_bare_model_reads_every_phrasing_bare_and_takes_no_other_wording():
    assert render(build_tokenizer(), "MAZE", "transposed").text == "MAZE"
    with pytest.raises(UnreadableMaze, match="a bare one, which has no 'terse' one"):
        render(build_tokenizer(), "MAZE", "terse")
    with pytest.raises(UnknownName, match="Did you mean 'terse'"):
        render(build_tokenizer(), "MAZE", "tersse")


def test_an_unknown_style_names_the_nearest():
    with pytest.raises(UnknownName, match="Did you mean 'described'"):
        prompt_style(tiny.byte_tokenizer(prompt_style="descrebed"))


def test_a_byte_level_tokenizer_writes_prompts_without_loss():
    tokenizer = tiny.byte_tokenizer(tiny.CHAT)
    prompt = render(tokenizer, EXAMPLE_TEXT).text
    assert tokenizer.decode(tokenizer(prompt, add_special_tokens=False)["input_ids"]) == prompt
