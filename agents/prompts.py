"""The only prompt wording of the project, and the one renderer that training, policies and benchmarks share.

A tokenizer says which wording it takes by ``prompt_style`` in its ``tokenizer_config.json``, or brings a wording of its
user's own as ``prompt_template`` there, so the choice travels with the checkpoint; one that says nothing, as a
pretrained model's does, gets the described form.
"""

from dataclasses import dataclass
from typing import Any

from maze_env.errors import InvalidConfig, unknown_name
from maze_env.tokens import THINK_OPEN

BARE = "{maze}"

DESCRIBED = """\
Find the way through a maze that is written in tokens, cell by cell, row by row from the top.

Each cell is three tokens:
1. Its coordinate, <|row-column|>, both counted from 0. Row 0 is the top row and column 0 the left one.
2. Its walls: the sides on which you cannot leave the cell. <|no_wall|> has none, <|up_wall|> one above, \
<|down_left_wall|> one below and one on the left, and so on; <|all_wall|> has all four. A side that is \
not named is open.
3. What is in it: <|origin|> is where you start, <|target|> is where you must arrive, <|blank|> is neither.

A move goes to the neighbouring cell: <|up|> to the row before, <|down|> to the row after, <|left|> to the \
column before, <|right|> to the column after. A move through a wall is not possible.

Think first, between <think> and </think>. After </think> write the moves from the origin to the target and nothing \
else. The last move must arrive at the target.

MAZE:
{maze}"""

STYLES: dict[str, str] = {"bare": BARE, "described": DESCRIBED}


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


def render(tokenizer: Any, maze_text: str) -> Prompt:
    """The prompt for one maze: the tokenizer's wording, in its chat template where it has one."""
    template = tokenizer.init_kwargs.get("prompt_template") or STYLES[prompt_style(tokenizer)]
    text = template.replace("{maze}", maze_text)
    if tokenizer.chat_template:
        text = tokenizer.apply_chat_template(
            [{"role": "user", "content": text}], tokenize=False, add_generation_prompt=True
        )
    return Prompt(text, text.rstrip().endswith(THINK_OPEN))
