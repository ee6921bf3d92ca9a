"""A chat template or vocabulary that loses some of a maze or an answer is found at every door, before any work."""

import datetime

import pytest
import transformers.utils.chat_template_utils as chat_template_utils
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from maze_env.answers import moves_to_text
from maze_env.errors import InvalidConfig
from maze_env.solving import shortest_path
from maze_env.tokens import maze_to_text
from tests import tiny
from tests.training import runs
from tokenmaze.agents import registry
from tokenmaze.agents.chat_templates import DAY, fix_date, keep_begin_token, set_template_variables
from tokenmaze.agents.checkpoints import load_checkpoint
from tokenmaze.agents.errors import InvalidCheckpoint
from tokenmaze.agents.llm_policy import LLMPolicy
from tokenmaze.agents.multi_turn_policy import MultiTurnPolicy
from tokenmaze.agents.prompts import prompt_template, render, set_prompt_template
from tokenmaze.agents.rollout import rollout
from tokenmaze.agents.tokenization import TextDecoder, token_ids
from tokenmaze.training import grpo, sft
from tokenmaze.training.grpo_reward import MazeReward

MAZE = tiny.mazes(1, 3, 3)[0]
SHORT = {"examples": 2, "per_device_train_batch_size": 2, "save_strategy": "no", "report_to": "none"}
GRPO = {**SHORT, "num_generations": 2, "max_completion_length": 16}
DOORS = {
    "benchmark": lambda folder, out: registry.make(folder, max_new_tokens=8),
    "benchmark in play": lambda folder, out: registry.make(folder, "play", max_new_tokens=8),
    "dialogue": lambda folder, out: registry.make(folder, "play", multi_turn=True),
    "sft": lambda folder, out: runs.train_sft(out, model=folder, **SHORT),
    "sft in play": lambda folder, out: runs.train_sft(out, model=folder, mode="play", **SHORT),
    "grpo": lambda folder, out: runs.train_grpo(out, folder, **GRPO),
    "grpo in play": lambda folder, out: runs.train_grpo(out, folder, mode="play", **GRPO),
    "tool calls": lambda folder, out: runs.train_grpo(out, folder, mode="play", tool_calls=True, **GRPO),
}
CONTENT = "{{ message['content'] }}"


def with_content(expression):
    return tiny.CHAT.replace("message['content']", expression)


BAD_TEMPLATES = {
    "loses the message": tiny.CHAT.replace(CONTENT, ""),
    "writes the system message alone": "{% for m in messages if m.role == 'system' %}{{ m.content }}{% endfor %}",
    "strips think tags": with_content("message['content'].replace('<think>', '').replace('</think>', '')"),
    "answers alone": with_content("message['content'].split('</think>')[-1]"),
    "strips tags": with_content("message['content'] | striptags"),
    "escapes": with_content("message['content'] | e"),
    "strips moves": with_content("message['content'].replace('<|up|>', '')"),
    "cuts": with_content("message['content'][:3000]"),
    "cuts words": with_content("message['content'] | truncate(2000)"),
    "lower case of tags": with_content("message['content'].replace('<|no_wall|>', '<|NO_WALL|>')"),
    "upper case": with_content("message['content'] | upper"),
    "joins lines": with_content("message['content'].split() | join(' ')"),
    "replaces bars": with_content("message['content'].replace('|', ' ')"),
    "writes it twice": with_content("message['content'] + message['content']"),
    "raises": "{{ raise_exception('No user may speak') }}",
    "asks for what is not there": with_content("message['content'].nothing.more"),
    "is no template": "{% for message in messages %}",
    "wants parts": with_content("message['content'][0]['text']"),
    "changes": tiny.CHAT + "{{ range(1000000) | random }}",
    "has no default": {"tool_use": tiny.CHAT, "rag": tiny.CHAT},
}


@pytest.fixture(scope="module")
def bad_folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("bad")
    tokenizer = tiny.byte_tokenizer(tiny.CHAT)
    model = tiny.byte_model(tokenizer)
    for number, template in enumerate(BAD_TEMPLATES.values()):
        tokenizer.chat_template = template
        tiny.save(root / str(number), model, tokenizer)
    return {name: str(root / str(number)) for number, name in enumerate(BAD_TEMPLATES)}


@pytest.fixture(autouse=True)
def no_trainer(monkeypatch):
    def trainer(*arguments, **options):
        pytest.fail("this is too late")

    monkeypatch.setattr(sft, "MazeSFTTrainer", trainer)
    monkeypatch.setattr(grpo, "MazeGRPOTrainer", trainer)


@pytest.mark.parametrize("door", DOORS)
def test_a_bad_template_is_refused_at_every_door(door, bad_folders, tmp_path):
    for name, folder in bad_folders.items():
        with pytest.raises(InvalidCheckpoint) as error:
            DOORS[door](folder, tmp_path / name.replace(" ", "-"))
        assert "Expects a chat template that" in str(error.value), name
        assert len(str(error.value).splitlines()) == 1, name


@pytest.mark.parametrize("door", [door for door in DOORS if "play" in door or door == "dialogue"])
def test_in_dialogues_a_template_has_to_write_every_turn(door, tmp_path):
    tokenizer = tiny.byte_tokenizer("{{ bos_token }}{{ messages[0]['content'] }}")
    folder = tiny.save(tmp_path / "first", tiny.byte_model(tokenizer), tokenizer)
    if door == "benchmark in play":  # which plans anew at each move
        DOORS[door](folder, tmp_path / "run")
        return
    with pytest.raises(InvalidCheckpoint, match="writes every turn once"):
        DOORS[door](folder, tmp_path / "run")


GOOD_TEMPLATES = [
    tiny.CHAT, tiny.R1_CHAT, with_content("message['content'] | trim"), {"default": tiny.CHAT, "rag": "nothing"},
    "{{ bos_token }}" + tiny.CHAT,
]  # fmt: skip


@pytest.mark.parametrize("template", GOOD_TEMPLATES)
@pytest.mark.parametrize("prompt", [None, "Mine:\n{maze}Go!\n"])
def test_templates_that_write_everything_are_taken(template, prompt, tmp_path):
    tokenizer = tiny.byte_tokenizer(template)
    if prompt:
        set_prompt_template(tokenizer, prompt)
    _, again = load_checkpoint(tiny.save(tmp_path, tiny.byte_model(tokenizer), tokenizer))
    assert again.chat_template == tokenizer.chat_template
    assert maze_to_text(MAZE).strip() in render(again, maze_to_text(MAZE)).text


class AnotherDay(datetime.datetime):
    """The day before each time it is asked."""

    asked = 0

    @classmethod
    def now(cls, tz=None):
        cls.asked += 1
        return datetime.datetime(2031, 3, 28) - datetime.timedelta(days=cls.asked)


# As Llama 3.2's and Granite's say it.
DATED = [
    "{%- if not date_string is defined %}{%- if strftime_now is defined %}"
    "{%- set date_string = strftime_now('%d %b %Y') %}{%- else %}{%- set date_string = '26 Jul 2024' %}{%- endif %}"
    "{%- endif %}{{ 'Today Date: ' + date_string + '\\n' }}",
    "{{ 'Today\\'s Date: ' + strftime_now('%B %d, %Y') + '.\\n' }}",
    "{%- macro head() -%}Now: {{ strftime_now('%A %a %Y-%m-%d %H:%M:%S %y') }}\n{% endmacro -%}{{ head() }}",
]


@pytest.mark.parametrize("head", DATED)
def test_a_date_in_a_template_is_the_same_every_day(head, tmp_path, monkeypatch):
    monkeypatch.setattr(chat_template_utils, "datetime", AnotherDay)
    tokenizer = tiny.byte_tokenizer(head + tiny.CHAT)
    assert render(tokenizer, "MAZE").text != render(tokenizer, "MAZE").text  # as it is, by the day
    folder = tiny.save(tmp_path / "dated", tiny.byte_model(tokenizer), tokenizer)
    _, fixed = load_checkpoint(folder)
    text = render(fixed, "MAZE").text
    assert text == render(fixed, "MAZE").text
    assert DAY["%d"] in text
    assert "2024" in text
    assert "%" not in text.partition("\n")[0]
    fixed.save_pretrained(tmp_path / "saved")  # whoever renders it next writes the same
    again = AutoTokenizer.from_pretrained(tmp_path / "saved")
    assert render(again, "MAZE").text == text
    before = again.chat_template
    fix_date(again)
    assert again.chat_template == before


@pytest.mark.parametrize("template", ["{{ messages[0]['content'] }}", "{{ bos_token }}{{ messages[0]['content'] }}"])
@pytest.mark.parametrize("prompt", [None, "Mine: {maze}"])
def test_base_models_keep_their_begin_token_and_have_it_once(template, prompt, tmp_path):
    tokenizer = tiny.byte_tokenizer(None)
    folder = tiny.save(tmp_path / "base", tiny.byte_model(tokenizer), tokenizer)
    (tmp_path / "t.jinja").write_text(template)
    (tmp_path / "p.txt").write_text(prompt or "")
    options = {"chat_template_file": str(tmp_path / "t.jinja")} | (
        {"prompt": str(tmp_path / "p.txt")} if prompt else {}
    )
    given = [options] if prompt is None else [options, {"prompt": options["prompt"]}]
    for words in given:
        _, told = load_checkpoint(folder, **words)
        (ids,) = token_ids(told, [render(told, "a maze").text])
        assert ids[:1] == [told.bos_token_id]
        assert ids.count(told.bos_token_id) == 1
        applied = told.apply_chat_template([{"role": "user", "content": "x"}], return_dict=True)["input_ids"]
        assert applied.count(told.bos_token_id) == 1


def test_a_model_that_reads_no_begin_token_gets_none():
    tokenizer = tiny.byte_tokenizer(None)
    tokenizer.backend_tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    tokenizer.chat_template = "{{ messages[0]['content'] }}"
    keep_begin_token(tokenizer)
    assert prompt_template(tokenizer).startswith("Find the way")


def test_variables_of_a_template_are_set_for_whoever_applies_it():
    tokenizer = tiny.byte_tokenizer(tiny.CHAT + "{{ mode }}{{ words['a'] }}{{ 'on' if flag else 'off' }}")
    set_template_variables(tokenizer, {"mode": "it's", "words": {"a": ["é", None]}, "flag": False})
    assert render(tokenizer, "MAZE").text.endswith("it's['é', None]off")
    with pytest.raises(InvalidConfig, match="that the chat template reads, actual: 'nothing'"):
        set_template_variables(tokenizer, {"nothing": 1})


THINK, MOVES = ["<think>", "</think>"], ["<|up|>", "<|down|>", "<|left|>", "<|right|>"]
SPECIAL = {
    "none": [], "think tags": THINK, "moves": MOVES, "walls": ["<|no_wall|>", "<|up_wall|>"],
    "coordinates": ["<|0-0|>", "<|12-3|>"], "unreachable": ["<|unreachable|>"], "all": [*THINK, *MOVES, "<|0-0|>"],
}  # fmt: skip
RIGHT = f"<think>\n<|0-0|><|no_wall|>\n</think>\n\n{moves_to_text(shortest_path(MAZE))}"


@pytest.mark.parametrize("special", SPECIAL)
def test_special_tokens_of_mazes_and_thinking_survive_decoding_at_every_door(special, tmp_path):
    tokenizer = tiny.byte_tokenizer(tiny.CHAT)
    tokenizer.add_special_tokens({"additional_special_tokens": SPECIAL[special]})
    folder = tiny.save(tmp_path / "model", tiny.byte_model(tokenizer), tokenizer)
    model, tokenizer = load_checkpoint(folder)
    # plan
    policy = tiny.scripted(LLMPolicy(model, tokenizer, max_new_tokens=400), lambda prompt: RIGHT)
    (attempt,) = rollout(policy, [MAZE], [0])
    assert (attempt.texts, attempt.solved) == ((RIGHT,), True)
    # dialogues
    player = MultiTurnPolicy(load_checkpoint(folder)[0], tokenizer, restrict="legal")
    (attempt,) = rollout(player, [MAZE], [0], max_steps=3)
    assert attempt.moves
    # the reward of GRPO
    ids = [*tokenizer(RIGHT, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]
    assert MazeReward("solved", tokenizer)([ids], [maze_to_text(MAZE)])[0] > 1


def test_end_and_padding_are_left_out_special_or_not():
    tokenizer = tiny.byte_tokenizer(tiny.CHAT)
    (other,) = tokenizer("!", add_special_tokens=False)["input_ids"]
    ids = tokenizer("<|up|>", add_special_tokens=False)["input_ids"]
    decode = TextDecoder(tokenizer, [other])
    assert decode([tokenizer.bos_token_id, *ids, other, tokenizer.eos_token_id, tokenizer.pad_token_id]) == "<|up|>"


def word_tokenizer(normalizer=None, pre_tokenizer=None, decoder=None, vocabulary=()):
    """A tokenizer of whole characters."""
    known = ["<s>", "<unk>", "<im_end>", "<pad>", *map(chr, range(9, 127)), *vocabulary]
    backend = Tokenizer(models.WordLevel({token: index for index, token in enumerate(known)}, unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizer or pre_tokenizers.Split("", "isolated")
    backend.normalizer = normalizer
    backend.decoder = decoder or decoders.Fuse()
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, chat_template=tiny.CHAT, bos_token="<s>", eos_token="<im_end>", pad_token="<pad>"
    )


def cleaned_up():
    tokenizer = word_tokenizer()
    tokenizer.clean_up_tokenization_spaces = True
    return tokenizer


def ended_by(token):
    tokenizer = tiny.byte_tokenizer(tiny.CHAT)
    tokenizer.add_special_tokens({"eos_token": token})
    return tokenizer


LOSING = {
    "a space between pieces": lambda: word_tokenizer(decoder=decoders.WordPiece(cleanup=False)),
    "no angle brackets": lambda: word_tokenizer(normalizer=normalizers.Replace("<", "")),
    "unknown bars": lambda: word_tokenizer(normalizer=normalizers.Replace("|", "é")),
    "a move that ends": lambda: ended_by("<|up|>"),
    "a think tag that ends": lambda: ended_by("</think>"),
}


@pytest.mark.parametrize("door", DOORS)
def test_a_vocabulary_that_loses_an_answer_is_refused_at_every_door(door, tmp_path):
    for number, make in enumerate(LOSING.values()):
        tokenizer = make()
        folder = tiny.save(tmp_path / str(number), tiny.byte_model(tokenizer), tokenizer)
        with pytest.raises(InvalidCheckpoint, match="Expects a tokenizer that"):
            DOORS[door](folder, tmp_path / f"run-{number}")


def test_spaces_are_not_tidied_up_in_what_a_model_wrote(tmp_path):
    tokenizer = cleaned_up()
    load_checkpoint(tiny.save(tmp_path, tiny.byte_model(tokenizer), tokenizer))
    (ids,) = token_ids(tokenizer, ["no , never ."])
    assert TextDecoder(tokenizer)(ids) == "no , never ."
