"""The one renderer of prompts: which text, which chat template, and whether the template opens the thinking."""

import hashlib

import pytest
from transformers import AutoTokenizer

from maze_env.answers import moves_to_text
from maze_env.episode import Episode
from maze_env.errors import InvalidConfig, UnknownName, UnreadableMaze
from maze_env.phrasings import PHRASINGS
from maze_env.solving import shortest_path
from maze_env.tokens import MARKERS, maze_to_text
from tests import tiny
from tests.maze_env.golden import EXAMPLE_ANSWER, EXAMPLE_TEXT
from tokenmaze.agents.prompts import (
    DESCRIBED,
    PROMPT_TEMPLATES,
    PROMPTS,
    TASKS,
    Prompt,
    Replies,
    conversation,
    multi_turn_prompt_template,
    prompt_settings,
    prompt_template,
    prompts_of,
    read_prompt,
    render,
    render_play,
    reply_text,
    set_prompt_template,
)
from tokenmaze.agents.tiny_model import build_tokenizer
from tokenmaze.agents.tokenization import token_ids


def test_the_tiny_model_reads_the_bare_maze_and_nothing_else():
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
    assert prompt.opening == "<think>\n"
    assert Prompt("assistant\n<think>").opening == "<think>"
    assert Prompt("assistant\n").opening == ""


def test_thinking_that_the_template_opens_and_closes_is_not_open():
    closed = tiny.CHAT.replace("assistant\n", "assistant\n<think>\n\n</think>\n\n")
    assert render(tiny.byte_tokenizer(closed), EXAMPLE_TEXT).thinking_opened is False


def test_the_maze_is_put_in_once_even_if_its_text_holds_braces():
    assert render(tiny.byte_tokenizer(), "{maze}").text.count("{maze}") == 1


OWN = 'Say "go" \\n, é 😀,\n{% raw %}{{ maze }}\n{maze}\tGo, AROUND.\'\n'


@pytest.mark.parametrize("chat", [None, tiny.CHAT, tiny.R1_CHAT, {"default": tiny.CHAT, "tool_use": tiny.R1_CHAT}])
def test_ones_own_prompt_is_written_as_it_is_and_saved_with_the_tokenizer(tmp_path, chat):
    tokenizer = tiny.byte_tokenizer(chat)
    observation = Episode(tiny.mazes(1)[0], "play").observation
    play = render_play(tokenizer, observation), Replies(tokenizer).write(observation)
    around = prompt_template(tokenizer).split(DESCRIBED)
    set_prompt_template(tokenizer, "Another, set before: {maze}")
    set_prompt_template(tokenizer, OWN)
    tokenizer.save_pretrained(tmp_path)
    for own in (tokenizer, AutoTokenizer.from_pretrained(tmp_path)):
        assert render(own, "MAZE\n").text == OWN.replace("{maze}", "MAZE\n").join(around)
        assert prompt_template(own) == OWN.join(around)
        assert play == (render_play(own, observation), Replies(own).write(observation))
        assert own.apply_chat_template([{"role": "user", "content": "Hi"}], tokenize=False).count("Hi") == 1


def test_a_tiny_models_prompt_can_be_ones_own_too():
    tokenizer = build_tokenizer()
    set_prompt_template(tokenizer, "\n{maze}")
    assert render(tokenizer, EXAMPLE_TEXT).text == "\n" + EXAMPLE_TEXT
    assert render(tokenizer, "MAZE", "transposed").text == "MAZE"


@pytest.mark.parametrize("template", ["none", "{maze} and {maze}"])
def test_a_prompt_without_one_place_for_the_maze_is_refused(template):
    with pytest.raises(InvalidConfig, match=f"'{{maze}}' once in it, actual: {template.count('{maze}')} times"):
        set_prompt_template(tiny.byte_tokenizer(), template)


@pytest.mark.parametrize("phrasing", PHRASINGS)
@pytest.mark.parametrize("make", [build_tokenizer, lambda: tiny.byte_tokenizer(tiny.R1_CHAT), tiny.byte_tokenizer])
def test_the_prompt_template_is_the_prompt_but_for_the_maze(make, phrasing):
    tokenizer = make()
    template = prompt_template(tokenizer, phrasing)
    if phrasing != "terse" or tokenizer.chat_template != build_tokenizer().chat_template:
        assert template.replace("{maze}", "MAZE") == render(tokenizer, "MAZE", phrasing).text
    settings = prompt_settings(template)
    assert settings["prompt_template"] == template
    assert settings["prompt_template_sha256"] == hashlib.sha256(template.encode()).hexdigest()
    assert settings["thinking_opened"] == (tokenizer.chat_template == tiny.R1_CHAT)


@pytest.mark.parametrize("make", [build_tokenizer, lambda: tiny.byte_tokenizer(tiny.CHAT), tiny.byte_tokenizer])
def test_the_multi_turn_prompt_template_is_the_prompt_but_for_maze_and_state(make):
    tokenizer = make()
    observation = Episode(tiny.mazes(1)[0], "play").observation
    template = multi_turn_prompt_template(tokenizer)
    state = reply_text(observation, bare=tokenizer.chat_template == build_tokenizer().chat_template)
    written = template.replace("{maze}", observation.text).replace("{state}", state)
    assert written == render_play(tokenizer, observation).text


def test_the_tiny_models_template_is_the_maze():
    assert prompt_template(build_tokenizer()) == "{maze}"
    assert multi_turn_prompt_template(build_tokenizer()) == "{maze}{state}"


@pytest.mark.parametrize("chat", [None, tiny.CHAT, "<s>" + tiny.R1_CHAT])
def test_a_trainer_that_applies_the_chat_template_reads_the_same_tokens(chat):
    tokenizer = tiny.byte_tokenizer(chat)
    set_prompt_template(tokenizer, OWN)
    expected = token_ids(tokenizer, [render(tokenizer, EXAMPLE_TEXT).text])
    messages = conversation(EXAMPLE_TEXT)
    applied = tokenizer.apply_chat_template([messages], tokenize=True, add_generation_prompt=True, return_dict=True)
    assert applied["input_ids"] == expected


def test_text_outside_a_closed_vocabulary_is_told_from_other_errors():
    assert token_ids(build_tokenizer(), ["<|up|>", ""]) == [[28], []]
    with pytest.raises(UnreadableMaze, match="actual: 'x'"):
        token_ids(build_tokenizer(), ["<|up|>", "<|up|>x"])
    for tokenizer in (build_tokenizer(), tiny.byte_tokenizer()):
        with pytest.raises(TypeError):
            token_ids(tokenizer, ["<|up|>", None])


@pytest.mark.parametrize("phrasing", PHRASINGS)
def test_each_phrasing_has_a_prompt_of_its_own_that_asks_for_the_same_answer(phrasing):
    tokenizer = tiny.byte_tokenizer()
    text = " ".join(render(tokenizer, "THE-MAZE", phrasing).text.split())
    assert text.count("THE-MAZE") == 1
    assert "<|unreachable|>" in text
    assert ("<|north|>" in text) == (phrasing == "renamed")
    assert ("<|up|>" in text) == (phrasing != "renamed")
    others = {PROMPT_TEMPLATES[name] for name in PHRASINGS if name != phrasing}
    assert PROMPT_TEMPLATES[phrasing] not in others


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
def test_a_prompt_explains_its_phrasing(phrasing, said):
    assert said in " ".join(PROMPT_TEMPLATES[phrasing].split())


def test_ones_own_prompt_speaks_of_the_standard_phrasing_alone():
    tokenizer = tiny.byte_tokenizer()
    set_prompt_template(tokenizer, "Mine: {maze}")
    assert render(tokenizer, "MAZE").text == "Mine: MAZE"
    assert render(tokenizer, "MAZE", "ascii").text == PROMPT_TEMPLATES["ascii"].replace("{maze}", "MAZE")


@pytest.mark.parametrize("name", PROMPTS)
@pytest.mark.parametrize("phrasing", PHRASINGS)
def test_a_prompt_by_name_asks_in_every_phrasing_and_changes_nothing_but_what_is_asked(tmp_path, name, phrasing):
    tokenizer = tiny.byte_tokenizer(tiny.CHAT)
    set_prompt_template(tokenizer, read_prompt(name))
    tokenizer.save_pretrained(tmp_path)
    text = render(AutoTokenizer.from_pretrained(tmp_path), "THE-MAZE", phrasing).text
    assert text.count("THE-MAZE") == 1
    assert TASKS[phrasing] in text
    assert "write the moves from the origin to the target" in text.lower()
    assert ("<think>" in text) == (name != "direct")
    assert "{" not in text
    assert prompts_of(read_prompt(name))[phrasing].replace("{maze}", "THE-MAZE") in text


def test_a_task_in_ones_own_prompt_explains_each_phrasing():
    tokenizer = tiny.byte_tokenizer()
    set_prompt_template(tokenizer, "{task} Now: {maze}")
    assert render(tokenizer, "MAZE", "ascii").text == f"{TASKS['ascii']} Now: MAZE"
    assert render(tokenizer, "{task}", "standard").text == f"{TASKS['standard']} Now: {{task}}"


def test_a_bare_model_reads_every_phrasing_bare_and_takes_no_other_prompt():
    assert render(build_tokenizer(), "MAZE", "transposed").text == "MAZE"
    with pytest.raises(UnreadableMaze, match="a prompt for 'terse', actual: one that reads bare mazes"):
        render(build_tokenizer(), "MAZE", "terse")
    with pytest.raises(UnknownName, match="Did you mean 'terse'"):
        render(build_tokenizer(), "MAZE", "tersse")


def test_a_byte_level_tokenizer_writes_prompts_without_loss():
    tokenizer = tiny.byte_tokenizer(tiny.CHAT)
    prompt = render(tokenizer, EXAMPLE_TEXT).text
    assert tokenizer.decode(tokenizer(prompt, add_special_tokens=False)["input_ids"]) == prompt
