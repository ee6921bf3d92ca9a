"""What a chat template must be, so that a model reads the whole maze, unaltered, and the same on every day.

Chat templates are programs that come with a tokenizer. Two things are put right: a date that would be another one
tomorrow, and a begin token that a base model expects. The rest is found by ``check_template`` before any work.
"""

from typing import Any

import numpy as np

from maze_env.errors import InvalidConfig, UnreadableMaze
from maze_env.maze import Maze
from maze_env.moves import MOVE_TOKENS, MOVES
from maze_env.tokens import maze_to_text
from tokenmaze.agents.errors import InvalidCheckpoint
from tokenmaze.agents.prompts import conversation, put_before_template, render, write_messages
from tokenmaze.agents.protocols import Tokenizer
from tokenmaze.agents.tokenization import token_ids

DAY = {
    "%d": "26", "%m": "07", "%Y": "2024", "%y": "24", "%B": "July", "%b": "Jul", "%A": "Friday", "%a": "Fri",
    "%H": "12", "%M": "00", "%S": "00",
}  # fmt: skip
"""What templates that ask for the date are told: the day that Llama 3.1's falls back on."""
_FIXED_DATE = (
    "{%- macro strftime_now(format) -%}{{ format"
    + "".join(f"|replace('{code}', '{value}')" for code, value in DAY.items())
    + " }}{%- endmacro -%}{{ '' }}"
)
_BEGIN = "{{ bos_token }}"


def _open_maze(side: int) -> Maze:
    walls = np.zeros((side, side), dtype=np.uint8)
    for edge, move in zip((walls[0], walls[-1], walls[:, 0], walls[:, -1]), MOVES, strict=True):
        edge |= move.wall
    return Maze(walls, (0, 0), (side - 1, side - 1))


SAMPLES = tuple(maze_to_text(_open_maze(side)) for side in (2, 20))


def fix_date(tokenizer: Tokenizer) -> None:
    """Tells a chat template that asks for today's date the same one every day (``DAY``); it is saved along."""
    if "strftime_now" in str(tokenizer.chat_template) and _FIXED_DATE not in str(tokenizer.chat_template):
        put_before_template(tokenizer, "date", _FIXED_DATE)


def set_template_variables(tokenizer: Tokenizer, variables: dict[str, Any]) -> None:
    """Sets variables of a chat template, e.g. ``enable_thinking``, whoever applies it; they are saved along.

    Raises InvalidConfig for a variable that the template does not read.
    """
    for name, value in variables.items():
        if not name.isidentifier() or name not in str(tokenizer.chat_template):
            raise InvalidConfig(f"Expects chat_template_kwargs that the chat template reads, actual: {name!r}")
        put_before_template(tokenizer, f"variable {name}", f"{{%- set {name} = {value!r} -%}}{{{{ '' }}}}")


def keep_begin_token(tokenizer: Tokenizer) -> None:
    """Lets prompts start with the begin token where the tokenizer starts all other text with it.

    For templates of a user's own: a model's template is as the model was trained with it.
    """
    if tokenizer.bos_token is None or tokenizer(MOVE_TOKENS[0])["input_ids"][0] != tokenizer.bos_token_id:
        return
    if not render(tokenizer, SAMPLES[0]).text.lstrip().startswith(tokenizer.bos_token):
        put_before_template(tokenizer, "begin token", _BEGIN)


def check_template(tokenizer: Tokenizer) -> None:
    """Raises InvalidCheckpoint unless the chat template writes the task and the maze whole, once, and always the same.

    Also where tokenising loses some of the maze, as vocabularies do that know no upper case or brackets.
    """
    for maze in SAMPLES:
        # What is not the standard prompt is written as it is, even where the user has a prompt of their own.
        (message,) = conversation(maze)
        plain = [message | {"bare": "", "prompt_template": "sample"}]
        for messages, expected in ((plain, message["content"]), ([message], maze)):
            written = _write(tokenizer, messages)
            check_whole(written, expected)
            if any(_write(tokenizer, messages) != written for _ in range(3)):
                raise InvalidCheckpoint("Expects a chat template that always writes the same, actual: it changes")
        try:
            (ids,) = token_ids(tokenizer, [written])
        except UnreadableMaze:  # a closed vocabulary, whose coordinates end earlier
            continue
        read = tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False)
        if "".join(maze.split()) not in "".join(read.split()):
            raise InvalidCheckpoint(
                f"Expects a tokenizer that keeps every character of a maze, actual: {maze[:30]!r} is not in its tokens"
            )


def check_whole(written: str, message: str) -> None:
    """Raises InvalidCheckpoint unless a message stands in what a chat template wrote, whole and once."""
    if written.count(message.strip()) != 1:
        lost = next((line for line in message.splitlines() if line.strip() not in written), None)
        what = "they are altered or stand there twice" if lost is None else f"{lost[:70]!r} is not there"
        raise InvalidCheckpoint(f"Expects a chat template that writes messages whole and once, actual: {what}")


def _write(tokenizer: Tokenizer, messages: list[dict[str, str]]) -> str:
    try:
        return write_messages(tokenizer, messages)
    except Exception as error:  # templates are programs of their own
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise InvalidCheckpoint(f"Expects a chat template that can write a prompt, actual: {reason}") from error
