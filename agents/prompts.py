"""The only prompt wording of the project, and the one renderer that training, policies and benchmarks share.

A tokenizer says which wording it takes by ``prompt_style`` in its ``tokenizer_config.json``, or brings a wording of its
user's own as ``prompt_template`` there, so the choice travels with the checkpoint; one that says nothing, as a
pretrained model's does, gets the described form.
"""

from dataclasses import dataclass
from typing import Any

from agents.errors import InvalidCheckpoint
from maze_env.episode import Observation
from maze_env.errors import InvalidConfig, UnreadableMaze, unknown_name
from maze_env.phrasings import PHRASINGS, STANDARD, phrasing_named, rename
from maze_env.tokens import THINK_OPEN, WALL_TOKENS, coordinate_token

BARE = "{maze}"

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
ANSWER = """\
Think first, between <think> and </think>. After </think> write the moves from the origin to the target and nothing \
else. The last move must arrive at the target. If no way leads to the target, write <|unreachable|> in place of the \
moves.

MAZE:
{maze}"""


def _prompt(*parts: str) -> str:
    return "\n\n".join((*parts, ANSWER))


DESCRIBED = _prompt(TOKENS.replace("{order}", "row by row from the top"), CELLS, MOVE_RULE)
STYLES: dict[str, str] = {"bare": BARE, "described": DESCRIBED}

TERSE = """\
Maze. Cell: <|row-column|> (from 0, top left), closed sides (<|no_wall|>: none, <|all_wall|>: all), content \
(<|origin|>: start, <|target|>: goal, <|blank|>: nothing).
{maze}
Go from start to goal by <|up|>, <|down|>, <|left|>, <|right|>, never through a closed side. Reason in \
<think></think>, then give the moves only, or only <|unreachable|> if there is no way."""
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

WORDINGS: dict[str, str] = {
    STANDARD: DESCRIBED,
    "terse": TERSE,
    "renamed": rename(DESCRIBED),
    "transposed": DESCRIBED.replace("<|row-column|>", "<|column-row|>"),
    "bottom-up": _prompt(
        TOKENS.replace("{order}", "row by row from the bottom row upwards"), CELLS, MOVE_RULE_BY_NUMBER
    ),
    "shuffled": _prompt(TOKENS.replace("{order}", "in no particular order"), CELLS, MOVE_RULE_BY_NUMBER),
    "adjacency": _prompt(ADJACENCY, MOVE_RULE_BY_NUMBER),
    "ascii": _prompt(DRAWN),
}
"""The described prompt of each of ``maze_env.phrasings``."""

WRITE_MOVES = "write one move, one of <|up|>, <|down|>, <|left|> and <|right|>, and nothing else"
CALL_MOVE = "call the tool `move` once, with up, down, left or right"
PLAY_RULES = """\
You play turn by turn. At each turn {act}. \
You are told where you stand then, by the coordinate of the cell and its walls. A cell with <|unseen|> in place of its \
walls has not been seen yet; what comes into view is told to you. You are done when you stand on the target.

MAZE:
{maze}
{state}"""
PLAY_DESCRIBED = DESCRIBED.partition("Think first")[0] + PLAY_RULES


@dataclass(frozen=True)
class Prompt:
    """A prompt as a model reads it.

    Attributes:
        text: all of it, chat template included; tokenise it without adding special tokens.
        thinking_opened: whether it ends inside an open ``<think>``, as R1-style templates leave it.
    """

    text: str
    thinking_opened: bool


def prompt_style(tokenizer: Any) -> str:
    """The wording that a tokenizer asks for. Raises UnknownName for one that does not exist."""
    style = tokenizer.init_kwargs.get("prompt_style", "described")
    if style not in STYLES:
        raise unknown_name("prompt_style in tokenizer_config.json", style, STYLES)
    return style


def set_template(tokenizer: Any, template: str) -> None:
    """Gives a tokenizer a wording of its user's own, saved with it. Raises InvalidConfig without one ``{maze}``."""
    if template.count("{maze}") != 1:
        raise InvalidConfig(f"Expects a prompt with '{{maze}}' once in it, actual: {template.count('{maze}')} times")
    tokenizer.init_kwargs["prompt_template"] = template


def check_wording(tokenizer: Any) -> None:
    """Raises InvalidCheckpoint for a tokenizer that says nowhere how its model is to be spoken to, as base models' are.

    It has to be bare (the embedded model's), have a chat template, or a wording of its user's own.
    """
    said = tokenizer.chat_template or tokenizer.init_kwargs.get("prompt_template")
    if prompt_style(tokenizer) != "bare" and not said:
        raise InvalidCheckpoint(
            "Expects a tokenizer with a chat template, actual: none (for a base model, give one as chat_template_file; "
            "{{ messages[0]['content'] }} in it is the prompt and nothing else)"
        )


def wording(tokenizer: Any, phrasing: str) -> str:
    """What stands around a maze: the tokenizer's wording, or for a phrasing other than ``standard`` the one above.

    A wording of its user's own speaks of the standard phrasing alone.

    Raises:
        UnreadableMaze: for a bare tokenizer and a phrasing whose mazes are the standard ones: it has no other wording.
    """
    style, surface = prompt_style(tokenizer), phrasing_named(phrasing)
    if phrasing == STANDARD:
        return tokenizer.init_kwargs.get("prompt_template") or STYLES[style]
    if style != "bare":
        return WORDINGS[phrasing]
    if surface == PHRASINGS[STANDARD]:
        raise UnreadableMaze(f"Expects a tokenizer with a wording, actual: a bare one, which has no {phrasing!r} one")
    return BARE


def render(tokenizer: Any, maze_text: str, phrasing: str = STANDARD) -> Prompt:
    """The prompt for one maze: its ``wording``, in the tokenizer's chat template where it has one."""
    text = wording(tokenizer, phrasing).replace("{maze}", maze_text)
    if tokenizer.chat_template:
        text = tokenizer.apply_chat_template(
            [{"role": "user", "content": text}], tokenize=False, add_generation_prompt=True
        )
    return Prompt(text, text.rstrip().endswith(THINK_OPEN))


def render_play(tokenizer: Any, observation: Observation) -> Prompt:
    """The start of a multi-turn dialogue: the maze once, and where the agent stands."""
    if prompt_style(tokenizer) == "bare":
        text = f"{observation.text}{reply_text(observation, bare=True)}"
    else:
        text = _play_text(WRITE_MOVES, observation)
    if tokenizer.chat_template:
        text = tokenizer.apply_chat_template(
            [{"role": "user", "content": text}], tokenize=False, add_generation_prompt=True
        )
    return Prompt(text, text.rstrip().endswith(THINK_OPEN))


def tool_conversation(observation: Observation) -> list[dict[str, str]]:
    """The start of a dialogue whose moves are tool calls, as messages: whoever lists the tools renders them."""
    return [{"role": "user", "content": _play_text(CALL_MOVE, observation)}]


def _play_text(act: str, observation: Observation) -> str:
    state = reply_text(observation, bare=False)
    return PLAY_DESCRIBED.replace("{act}", act).replace("{maze}", observation.text).replace("{state}", state)


class Replies:
    """What a model reads after its moves: the environment's replies, turns of their own where it has a chat template.

    Raises:
        InvalidCheckpoint: for a chat template that cannot write a second turn.
    """

    def __init__(self, tokenizer: Any):
        self._bare = prompt_style(tokenizer) == "bare"
        self._around = REPLY_MARK if self._bare else f"\n{REPLY_MARK}\n"
        if tokenizer.chat_template:
            self._around = _second_turn(tokenizer)

    def write(self, observation: Observation) -> str:
        """The reply that tells ``observation``."""
        return self._around.replace(REPLY_MARK, reply_text(observation, self._bare))


def reply_text(observation: Observation, bare: bool) -> str:
    """The environment's reply: coordinate and walls in tokens alone, or in a sentence."""
    revealed = [coordinate_token(cell) + WALL_TOKENS[bits] for cell, bits in observation.revealed]
    position, walls = observation.position, WALL_TOKENS[observation.walls[observation.position]]
    if bare:
        return f"{''.join(revealed)}{coordinate_token(position)}{walls}"
    parts = {None: [], True: ["You moved."], False: ["A wall is in the way."]}[observation.moved]
    parts.append(f"You are at {coordinate_token(position)}, {walls}.")
    if revealed:
        parts.append(f"You see: {' '.join(revealed)}")
    return " ".join(parts)


MOVE_MARK, REPLY_MARK = "MODELS-MOVE", "REPLY-TO-IT"


def _second_turn(tokenizer: Any) -> str:
    """What a chat template writes between a model's move and its next one, ``REPLY_MARK`` standing for the reply."""
    turns = [("user", "MAZE"), ("assistant", MOVE_MARK), ("user", REPLY_MARK)]
    messages = [{"role": role, "content": text} for role, text in turns]
    try:
        text = str(tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))
    except Exception as error:  # templates are programs of their own
        raise InvalidCheckpoint(f"Expects a chat template that can write a second turn, actual: {error}") from error
    if text.count(MOVE_MARK) != 1 or text.count(REPLY_MARK) != 1:
        raise InvalidCheckpoint("Expects a chat template that writes every turn once, actual: one that leaves some out")
    return text.partition(MOVE_MARK)[2]
