"""Games whose moves are tool calls, for models that call tools: TRL's ``environment_factory``.

The other door, ``training.multi_turn.TurnRollout``, serves any model. Rules, replies and rewards are the same in both.
"""

from collections.abc import Callable, Collection
from typing import Any

from datasets import Dataset
from trl.chat_template_utils import add_response_schema, supports_tool_calling

from agents.errors import InvalidCheckpoint
from agents.prompts import reply_text, tool_conversation
from maze_env.maze import Maze
from maze_env.moves import MOVES
from maze_env.tokens import maze_from_text, maze_to_text
from training.dataset import check_prompts_fit
from training.mazes import DataConfig, make_mazes
from training.multi_turn import Game, Rules, play_reward

DIRECTIONS = {move.name.lower(): move for move in MOVES}


class MazeTool:
    """A game that a model plays by calling ``move``.

    TRL shows every public method to the model as a tool, and asks the model on for as long as it calls one. So ``move``
    is the only one; every call counts, also one that names no direction, up to the game's greatest number of steps; and
    after the end nothing changes any more.
    """

    def __init__(self, rules: Rules):
        self._rules = rules
        self._game: Game | None = None
        self._calls = 0

    def reset(self, maze: str, **columns: Any) -> None:
        """Begins a game on the maze of a row."""
        self._game, self._calls = Game(maze_from_text(maze), self._rules), 0

    def move(self, direction: str) -> str:
        """Moves to the neighbouring cell.

        Args:
            direction: One of up, down, left and right.

        Returns:
            Where you stand then, and the walls there.
        """
        assert self._game is not None
        if self._game.cause:
            return "The game is over."
        self._calls += 1
        chosen = DIRECTIONS.get(str(direction))
        if chosen is not None:
            self._game.move(chosen)
        if not self._game.cause and self._calls >= self._game.env.max_steps:
            self._game.cause = "out_of_steps"
        if self._game.cause == "solved":
            return "You stand on the target. The game is over."
        if self._game.cause:
            return "No moves are left. The game is over."
        if chosen is None:
            return f"Expects one of {', '.join(DIRECTIONS)}, actual: {direction!r}."
        return reply_text(self._game.state, bare=False)

    def _played(self) -> Game:
        """The game, whose cause is "" where the model gave up."""
        assert self._game is not None
        return self._game


class ToolReward:
    """The environment's return of each game, logged as ``training.multi_turn.play_reward`` logs it."""

    __name__ = "play_reward"

    def __init__(self, ends: Collection[int]):
        self.ends = frozenset(ends)

    def __call__(
        self,
        completions: list[Any],
        completion_ids: list[list[int]],
        environments: list[MazeTool],
        maze: list[str],
        log_metric: Callable[[str, float], None] | None = None,
        **columns: Any,
    ) -> list[float]:
        games = [environment._played() for environment in environments]
        causes = [
            game.cause or ("not_a_move" if ids[-1] in self.ends else "truncated")
            for game, ids in zip(games, completion_ids, strict=True)
        ]
        return play_reward(
            completions,
            [game.rewards for game in games],
            causes,
            [game.moves for game in games],
            [not game.refused for game in games],
            maze,
            log_metric=log_metric,
        )


def tool_dataset(
    config: DataConfig, tokenizer: Any, context: int, max_completion_length: int, view_radius: int | None
) -> Dataset:
    """Rows of ``prompt`` (messages) and ``maze`` for GRPO by tool calls. Prepares the tokenizer to read such calls.

    Raises:
        InvalidCheckpoint: for a chat template that shows no tool calls, or whose calls TRL cannot read.
        InvalidConfig: when a prompt and a full game do not fit into ``context``.
    """
    if not supports_tool_calling(tokenizer):
        raise InvalidCheckpoint(
            "Expects a chat template that shows tools, calls and replies (for tool_calls; without it any model plays), "
            f"actual: {'one that does not' if tokenizer.chat_template else 'none'}"
        )
    if getattr(tokenizer, "response_template", None) is None and getattr(tokenizer, "response_schema", None) is None:
        try:
            add_response_schema(tokenizer)
        except ValueError as error:
            raise InvalidCheckpoint(
                f"Expects a chat template whose tool calls can be read (a response_template beside it), actual: {error}"
            ) from error
    tools = [MazeTool(Rules()).move]
    rows = [{"prompt": _conversation(maze, view_radius), "maze": maze_to_text(maze)} for maze, _ in make_mazes(config)]
    texts = [
        tokenizer.apply_chat_template(row["prompt"], tools=tools, add_generation_prompt=True, tokenize=False)
        for row in rows
    ]
    check_prompts_fit(tokenizer, texts, max_completion_length, context)
    return Dataset.from_list(rows)


def _conversation(maze: Maze, view_radius: int | None) -> list[dict[str, str]]:
    game = Game(maze, Rules(view_radius))
    return tool_conversation(game.text, game.state)
