"""System message and template variables of a folder's model: in its prompts in both modes, or refused."""

import pytest

from maze_env.errors import InvalidConfig
from tests import tiny
from tokenmaze.agents.chat_options import set_chat_options
from tokenmaze.agents.checkpoints import load_checkpoint
from tokenmaze.agents.errors import InvalidCheckpoint
from tokenmaze.agents.llm_policy import LLMPolicy
from tokenmaze.agents.multi_turn_policy import MultiTurnPolicy
from tokenmaze.agents.prompts import multi_turn_prompt_template, prompt_template

# As Qwen3's: thinking is on unless it is turned off, by an empty thought.
THINKING_CHAT = tiny.CHAT + (
    "{% if add_generation_prompt and enable_thinking is defined and enable_thinking is false %}"
    "<think>\n\n</think>\n\n{% endif %}"
)
EFFORT_CHAT = "{{ 'Reasoning: ' + (reasoning_effort | default('medium')) + '\n' }}" + tiny.CHAT
NO_SYSTEM = "{% if messages[0].role == 'system' %}{{ raise_exception('no system role') }}{% endif %}" + tiny.CHAT
USER_ALONE = "{% for message in messages if message.role == 'user' %}{{ message.content }}{% endfor %}"
SAID = 'You are "a mouse" {{ in }} a {% maze %}.\n\u00e9'


def folder(tmp_path, chat_template):
    tokenizer = tiny.byte_tokenizer(chat_template)
    return tiny.save(tmp_path / "model", tiny.byte_model(tokenizer), tokenizer)


@pytest.mark.parametrize("kind", [LLMPolicy, MultiTurnPolicy])
def test_options_are_in_the_prompt_and_in_the_settings(tmp_path, kind):
    path = folder(tmp_path, THINKING_CHAT)
    usual = kind.from_pretrained(path, device="cpu").settings["prompt_template"]
    told = kind.from_pretrained(path, device="cpu", system_message=SAID, thinking=False).settings["prompt_template"]
    assert told == f"<im_start>system\n{SAID}<im_end>\n{usual}<think>\n\n</think>\n\n"
    assert kind.from_pretrained(path, device="cpu", thinking=True).settings["prompt_template"] == usual


def test_a_prompt_of_ones_own_and_a_system_message_go_together(tmp_path):
    (tmp_path / "prompt.txt").write_text("Solve {maze}!")
    path = folder(tmp_path, tiny.CHAT)
    _, tokenizer = load_checkpoint(path, prompt=str(tmp_path / "prompt.txt"), system_message="Hm.")
    assert prompt_template(tokenizer) == (
        "<im_start>system\nHm.<im_end>\n<im_start>user\nSolve {maze}!<im_end>\n<im_start>assistant\n"
    )


def test_what_is_said_anew_takes_the_place_of_what_was_saved(tmp_path):
    path = folder(tmp_path, THINKING_CHAT)
    first = {"system_message": "First.", "thinking": False, "prompt": "A {maze}"}
    second = {"system_message": "Second.", "thinking": True, "prompt": "B {maze}"}
    model, tokenizer = load_checkpoint(path, **first)
    saved = tiny.save(tmp_path / "saved", model, tokenizer)
    _, again = load_checkpoint(saved, **second)
    assert prompt_template(again) == prompt_template(load_checkpoint(path, **second)[1])
    assert prompt_template(load_checkpoint(saved)[1]) == prompt_template(tokenizer)
    assert prompt_template(load_checkpoint(saved, thinking=True)[1]).count("First.") == 1


def test_variables_are_what_the_template_reads():
    tokenizer = tiny.byte_tokenizer(EFFORT_CHAT)
    set_chat_options(tokenizer, variables={"reasoning_effort": "low"})
    assert prompt_template(tokenizer).startswith("Reasoning: low\n<im_start>user")
    assert multi_turn_prompt_template(tokenizer).startswith("Reasoning: low\n<im_start>user")
    values = {"a": [1, None, {"b": True}], "c": -0.5, "d": "'\"\\{{", "e": False}
    tokenizer = tiny.byte_tokenizer("{{ [a, c, d, e] | tojson }}" + tiny.CHAT)
    set_chat_options(tokenizer, variables=values)
    assert prompt_template(tokenizer).startswith('[[1, null, {"b": true}], -0.5, "\'\\"\\\\{{", false]')


def test_each_of_several_templates_is_told():
    tokenizer = tiny.byte_tokenizer({"default": tiny.CHAT, "tool_use": tiny.CHAT})
    set_chat_options(tokenizer, "Hm.")
    assert all("Hm." in template for template in tokenizer.chat_template.values())
    assert prompt_template(tokenizer).startswith("<im_start>system\nHm.<im_end>\n")


@pytest.mark.parametrize(
    ("template", "options", "error", "message"),
    [
        (tiny.CHAT, {"thinking": False}, InvalidConfig, "can turn thinking on or off .by enable_thinking."),
        (tiny.CHAT, {"reasoning_effort": "low"}, InvalidConfig, "the chat template reads, actual: .reasoning_effort."),
        (
            THINKING_CHAT,
            {"chat_template_kwargs": {"depth": 1}},
            InvalidConfig,
            "the chat template reads, actual: .depth.",
        ),
        (tiny.CHAT, {"chat_template_kwargs": {"a b": 1}}, InvalidConfig, "the chat template reads, actual: .a b."),
        (tiny.CHAT, {"chat_template_kwargs": {"messages": []}}, InvalidConfig, "chat_template_kwargs without"),
        (NO_SYSTEM, {"system_message": "Hm."}, InvalidCheckpoint, "takes a system message, actual: no system role"),
        (USER_ALONE, {"system_message": "Hm."}, InvalidCheckpoint, "writes the system message"),
        (tiny.CHAT, {"system_message": 5}, InvalidConfig, "system_message as a text, actual: 5"),
        (tiny.CHAT, {"thinking": "off"}, InvalidConfig, "thinking to be true or false, actual: 'off'"),
    ],
)
def test_what_a_template_does_not_do_is_refused(tmp_path, template, options, error, message):
    with pytest.raises(error, match=message):
        load_checkpoint(folder(tmp_path, template), **options)
