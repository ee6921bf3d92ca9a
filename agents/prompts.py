"""The only prompts of the project, and the one renderer that training, policies and benchmarks share.

A prompt is a conversation of one message, the same for every model: ``content`` explains the task and holds the maze,
``bare`` is the maze and nothing else. The tokenizer's chat template writes one of the two, so the choice travels with
the checkpoint: a pretrained model's chat template knows only ``content``, the tiny model's is ``BARE_CHAT``, and
``set_prompt_template`` puts another prompt into one, of the user's own or of ``PROMPTS``. Whoever applies the chat
template, a trainer for instance, writes the same prompt as ``render``.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from maze_env._cli import path_of, why_unread
from maze_env.episode import Observation
from maze_env.errors import InvalidConfig, UnreadableMaze, lookup
from maze_env.phrasings import PHRASINGS, STANDARD, phrasing_named, rename
from maze_env.tokens import THINK_OPEN, WALL_TOKENS, coordinate_token
from tokenmaze.agents.errors import InvalidCheckpoint
from tokenmaze.agents.protocols import Tokenizer

BARE_CHAT = "{% for message in messages %}{{ message.bare or message.content }}{% endfor %}"
"""The chat template of a model that reads mazes with no words around them."""
PLAIN_CHAT = (
    "{% for message in messages %}{% if message.role == 'user' and not loop.first %}"
    "{{ '\\n' + message.content + '\\n' }}{% else %}{{ message.content }}{% endif %}{% endfor %}"
)
"""The chat template of a model without one: messages as they are, later ones of the user on lines of their own."""
OWN_PROMPT = """\
{%- set own = namespace(messages=[], prompts=PROMPTS) -%}
{%- for message in messages -%}
{%- set around = own.prompts[message.prompt_template] -%}
{%- if around -%}
{%- set message = dict(message, content=message.bare.join(around), bare='', prompt_template='own') -%}
{%- endif -%}
{%- set own.messages = own.messages + [message] -%}
{%- endfor -%}
{%- set messages = own.messages -%}{{ '' }}"""
"""Stands before a chat template that is given other prompts; ``PROMPTS``: what is around the maze, by phrasing."""

ITS_OWN = "{# its own #}{{ '' }}"
"""Stands between what was put before a model's chat template and the template."""

TOKENS = "Find the way through a maze that is written in tokens, cell by cell, {order}."
CELLS = """\
Each cell is three tokens:
1. Its coordinate, <|row-column|>, both counted from 0. Row 0 is the top row and column 0 the left one.
2. Its walls: the sides on which you cannot leave the cell. <|no_wall|> has none, <|up_wall|> one above, \
<|down_left_wall|> one below and one on the left, and so on; <|all_wall|> has all four. A side that is \
not named is open.
3. What is in it: <|origin|> is where you start, <|target|> is where you must arrive, <|blank|> is neither."""
MOVE_RULE = """\
A move goes to the neighbouring cell: <|up|> to the row before, <|down|> to the row after, <|left|> to the \
column before, <|right|> to the column after. A move through a wall is not possible."""
MOVES_ALONE = """\
write the moves from the origin to the target and nothing else. The last move must arrive at the target. If no way \
leads to the target, write <|unreachable|> in place of the moves.

MAZE:
{maze}"""
ANSWER = f"Think first, between <think> and </think>. After </think> {MOVES_ALONE}"

TERSE_CELLS = """\
Maze. Cell: <|row-column|> (from 0, top left), closed sides (<|no_wall|>: none, <|all_wall|>: all), content \
(<|origin|>: start, <|target|>: goal, <|blank|>: nothing)."""
TERSE_MOVES = "Go from start to goal by <|up|>, <|down|>, <|left|>, <|right|>, never through a closed side."
TERSE_ANSWER = "Reason in <think></think>, then give the moves only, or only <|unreachable|> if there is no way."
# "The row before" could be the one that is written before.
MOVE_RULE_BY_NUMBER = """\
A move goes to the neighbouring cell: <|up|> to the row whose number is one less, <|down|> to the row whose number is \
one more, <|left|> to the column whose number is one less, <|right|> to the column whose number is one more. A move \
through a wall is not possible."""
ADJACENCY = """\
Find the way through a maze that is written as the list of its open sides.

The first line says how many rows there are and, behind the x, how many columns. A cell is (row,column), both counted \
from 0. Row 0 is the top row and column 0 the left one. Between <ADJLIST_START> and <ADJLIST_END> stand the pairs of \
neighbouring cells without a wall between them, joined by <-->. All other neighbours have a wall between them. \
<ORIGIN_START> names the cell where you start, <TARGET_START> the one where you must arrive."""
DRAWN = """\
Find the way through a maze that is drawn in characters.

A cell is three characters wide and one high. Between cells and around them stand walls: --- above or below a cell, \
| on its left or right; where there are blanks instead, the side is open. + stands at the corners. O is where you \
start, X is where you must arrive.

A move goes to the neighbouring cell: <|up|> to the one above, <|down|> to the one below, <|left|> to the one on the \
left, <|right|> to the one on the right. A move through a wall is not possible."""


def _task(*parts: str, order: str = "row by row from the top") -> str:
    return "\n\n".join(parts).replace("{order}", order)


TASKS: dict[str, str] = {
    STANDARD: _task(TOKENS, CELLS, MOVE_RULE),
    "terse": f"{TERSE_CELLS}\n{TERSE_MOVES}",
    "renamed": rename(_task(TOKENS, CELLS, MOVE_RULE)),
    "transposed": _task(TOKENS, CELLS, MOVE_RULE).replace("<|row-column|>", "<|column-row|>"),
    "bottom-up": _task(TOKENS, CELLS, MOVE_RULE_BY_NUMBER, order="row by row from the bottom row upwards"),
    "shuffled": _task(TOKENS, CELLS, MOVE_RULE_BY_NUMBER, order="in no particular order"),
    "adjacency": _task(ADJACENCY, MOVE_RULE_BY_NUMBER),
    "ascii": DRAWN,
}
"""What explains each of ``maze_env.phrasings`` and the rules, without the maze and without what is asked for."""
PROMPT_TEMPLATES: dict[str, str] = {name: f"{task}\n\n{ANSWER}" for name, task in TASKS.items()} | {
    "terse": f"{TERSE_CELLS}\n{{maze}}\n{TERSE_MOVES} {TERSE_ANSWER}"
}
"""The prompt for each of ``maze_env.phrasings``, ``{maze}`` instead of the maze."""
DESCRIBED = PROMPT_TEMPLATES[STANDARD]
PROMPTS: dict[str, str] = {
    "direct": f"{{task}}\n\nW{MOVES_ALONE[1:]}",
    "structured": """\
{task}

Think first, between <think> and </think>, in this form: begin in the origin; write of each cell its coordinate, on \
which sides it is closed, and the move you make next; never enter a cell twice; where no other move is left write \
BACK, and go on from the last cell that has one left. When you have arrived, write PATH, and then the coordinates of \
the way from the origin, without the cells that you went back from, each with its move. After </think> """
    + MOVES_ALONE,
}
"""Prompts by name, in place of the standard one: ``{task}`` stands for what explains a phrasing."""

WRITE_MOVES = "write one move, one of <|up|>, <|down|>, <|left|> and <|right|>, and nothing else"
CALL_MOVE = "call the tool `move` once, with up, down, left or right"
PLAY_RULES = """\
You play turn by turn. At each turn {act}. \
You are told where you stand then, by the coordinate of the cell and its walls. A cell with <|unseen|> in place of its \
walls has not been seen yet; what comes into view is told to you. You are done when you stand on the target.

MAZE:
{maze}
{state}"""
PLAY_DESCRIBED = f"{TASKS[STANDARD]}\n\n{PLAY_RULES}"


@dataclass(frozen=True)
class Prompt:
    """A prompt as a model reads it, chat template included: tokenise it without adding special tokens."""

    text: str
    """From the first special token to where the model begins to write."""

    @property
    def thinking_opened(self) -> bool:
        """Whether it ends inside an open ``<think>``, as R1-style chat templates leave it."""
        return bool(self.opening)

    @property
    def opening(self) -> str:
        """What it has of the answer already: ``<think>``, with or without the line break behind it, or nothing."""
        if not self.text.rstrip().endswith(THINK_OPEN):
            return ""
        return f"{THINK_OPEN}\n" if self.text.endswith("\n") else THINK_OPEN


def conversation(maze_text: str, phrasing: str = STANDARD) -> list[dict[str, str]]:
    """The messages that ask for a plan of a maze that is written in ``phrasing``, one of ``maze_env.phrasings``."""
    content = lookup("phrasing", phrasing, PROMPT_TEMPLATES).replace("{maze}", maze_text)
    return [{"role": "user", "content": content, "bare": maze_text, "prompt_template": phrasing}]


def tool_conversation(observation: Observation) -> list[dict[str, str]]:
    """The messages that start a dialogue whose moves are tool calls: whoever lists the tools renders them."""
    content = _multi_turn_text(CALL_MOVE, observation.text, reply_text(observation, bare=False))
    return [{"role": "user", "content": content}]


def play_conversation(observation: Observation) -> list[dict[str, str]]:
    """The messages that start a dialogue whose moves are written: the maze once, and where the agent stands."""
    bare = f"{observation.text}{reply_text(observation, bare=True)}"
    content = _multi_turn_text(WRITE_MOVES, observation.text, reply_text(observation, bare=False))
    return [{"role": "user", "content": content, "bare": bare}]


def _multi_turn_text(act: str, maze: str, state: str) -> str:
    return PLAY_DESCRIBED.replace("{act}", act).replace("{maze}", maze).replace("{state}", state)


def render(tokenizer: Tokenizer, maze_text: str, phrasing: str = STANDARD) -> Prompt:
    """The prompt for one maze, as ``conversation``.

    Raises UnreadableMaze for a phrasing that differs from the standard one only in its prompt, and a tokenizer whose
    chat template writes only the maze.
    """
    only_prompt_differs = phrasing != STANDARD and phrasing_named(phrasing) == PHRASINGS[STANDARD]
    if only_prompt_differs and prompt_template(tokenizer, phrasing) == prompt_template(tokenizer):
        raise UnreadableMaze(f"Expects a model with a prompt for {phrasing!r}, actual: one that reads bare mazes")
    return Prompt(write_messages(tokenizer, conversation(maze_text, phrasing)))


def render_play(tokenizer: Tokenizer, observation: Observation) -> Prompt:
    """The start of a multi-turn dialogue, as ``play_conversation``."""
    return Prompt(write_messages(tokenizer, play_conversation(observation)))


def prompt_template(tokenizer: Tokenizer, phrasing: str = STANDARD) -> str:
    """The prompt in force, chat template included, with ``{maze}`` instead of the maze."""
    return write_messages(tokenizer, conversation("{maze}", phrasing))


def multi_turn_prompt_template(tokenizer: Tokenizer) -> str:
    """As ``prompt_template``, of a multi-turn dialogue; ``{state}`` stands for where the agent is."""
    content = _multi_turn_text(WRITE_MOVES, "{maze}", "{state}")
    return write_messages(tokenizer, [{"role": "user", "content": content, "bare": "{maze}{state}"}])


def prompt_settings(template: str) -> dict[str, Any]:
    """What a result tells of a prompt: itself, its SHA-256 and whether it ends inside an open ``<think>``."""
    return {
        "prompt_template": template,
        "prompt_template_sha256": hashlib.sha256(template.encode()).hexdigest(),
        "thinking_opened": Prompt(template).thinking_opened,
    }


def read_prompt(given: str | Path) -> str:
    """A prompt in place of the standard one: of ``PROMPTS`` by name, a text with ``{maze}`` in it, or a file of one.

    A text with ``{task}`` in it is for every phrasing, and others for the standard one alone. Raises InvalidConfig for
    what is none of these.
    """
    template = PROMPTS.get(str(given), str(given))
    if "{maze}" not in template:
        path = path_of(str(given))
        try:
            template = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            right = f"prompt {', '.join(PROMPTS)}, a text with '{{maze}}' in it, or a file of one in UTF-8"
            raise InvalidConfig(f"Expects {right}, actual: {str(given)!r}{why_unread(path, error)}") from None
    check_prompt_template(template)
    return template


def check_prompt_template(template: str) -> None:
    """Raises InvalidConfig for a prompt without one place for the maze."""
    if template.count("{maze}") != 1:
        raise InvalidConfig(f"Expects a prompt with '{{maze}}' once in it, actual: {template.count('{maze}')} times")


def set_prompt_template(tokenizer: Tokenizer, template: str) -> None:
    """Gives a tokenizer another prompt, as ``read_prompt`` has it, as part of its chat template."""
    check_prompt_template(template)
    around = {phrasing: text.split("{maze}") for phrasing, text in prompts_of(template).items()}
    put_before_template(tokenizer, "prompt", OWN_PROMPT.replace("PROMPTS", json.dumps(around, ensure_ascii=False)))


def prompts_of(template: str) -> dict[str, str]:
    """The prompts, by phrasing, that another than the standard one stands for."""
    if "{task}" in template:
        return {phrasing: template.replace("{task}", task) for phrasing, task in TASKS.items()}
    return {STANDARD: template}


def put_before_template(tokenizer: Tokenizer, name: str, statements: str) -> None:
    """Puts Jinja statements before a tokenizer's chat template, or each of them where it has several by name.

    They take the place of those that were put there by the same ``name``.
    """
    begin, end = f"{{# {name} #}}", f"{{# end of {name} #}}"

    def put(template: str) -> str:
        before, mark, _ = template.partition(ITS_OWN)
        kept = re.sub(f"{re.escape(begin)}.*?{re.escape(end)}", "", before if mark else "", flags=re.DOTALL)
        return begin + statements + end + kept + ITS_OWN + model_template(template)

    given = tokenizer.chat_template or PLAIN_CHAT
    tokenizer.chat_template = {name: put(one) for name, one in given.items()} if isinstance(given, dict) else put(given)


def model_template(template: str) -> str:
    """A chat template without what was put before it."""
    return template.partition(ITS_OWN)[2] or template


def write_messages(tokenizer: Tokenizer, messages: list[dict[str, str]]) -> str:
    """Messages as text that ends where the model begins to write."""
    own = None if tokenizer.chat_template else PLAIN_CHAT
    return tokenizer.apply_chat_template(messages, chat_template=own, tokenize=False, add_generation_prompt=True)


class Replies:
    """What a model reads after its moves: the environment's replies, as its chat template writes a second message."""

    def __init__(self, tokenizer: Tokenizer):
        """Raises InvalidCheckpoint for a chat template that cannot write a second message of the user."""
        roles, texts = ("user", "assistant", "user"), ("MAZE", MOVE_MARK, REPLY_MARK)
        messages = [{"role": role, "content": text} for role, text in zip(roles, texts, strict=True)]
        messages[2]["bare"] = BARE_MARK
        try:
            text = write_messages(tokenizer, messages)
        except Exception as error:  # templates are programs of their own
            raise InvalidCheckpoint(f"Expects a chat template that can write a second turn, actual: {error}") from error
        if text.count(MOVE_MARK) != 1 or text.count(REPLY_MARK) + text.count(BARE_MARK) != 1:
            raise InvalidCheckpoint("Expects a chat template that writes every turn once, actual: some are left out")
        self._bare = BARE_MARK in text
        self._mark, self._around = (BARE_MARK if self._bare else REPLY_MARK), text.partition(MOVE_MARK)[2]

    def write(self, observation: Observation) -> str:
        """The reply that tells ``observation``."""
        return self._around.replace(self._mark, reply_text(observation, self._bare))


MOVE_MARK, REPLY_MARK, BARE_MARK = "MODELS-MOVE", "REPLY-TO-IT", "REPLY-IN-TOKENS"


def reply_text(observation: Observation, bare: bool) -> str:
    """The environment's reply: coordinate and walls in tokens only, or in a sentence."""
    revealed = [coordinate_token(cell) + WALL_TOKENS[bits] for cell, bits in observation.revealed]
    position, walls = observation.position, WALL_TOKENS[observation.walls[observation.position]]
    if bare:
        return f"{''.join(revealed)}{coordinate_token(position)}{walls}"
    parts = {None: [], True: ["You moved."], False: ["A wall is in the way."]}[observation.moved]
    parts.append(f"You are at {coordinate_token(position)}, {walls}.")
    if revealed:
        parts.append(f"You see: {' '.join(revealed)}")
    return " ".join(parts)
