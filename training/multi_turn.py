"""Training that plays: games of turns between a model and the environment, for SFT and for GRPO.

In both, what the model reads of a game is the maze once and the environment's replies; what it writes are moves. Only
the moves are learned from: replies have label -100 in SFT and mask 0 in GRPO.
"""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from datasets import Dataset

from agents.baselines import BASELINES, WalkingAgent
from agents.multi_turn_decoder import MultiTurnDecoder
from agents.multi_turn_policy import Eyes
from agents.prompts import Replies, render_play
from maze_env.answers import first_move
from maze_env.errors import InvalidConfig, unknown_name
from maze_env.maze import Maze
from maze_env.moves import MOVE_OF_TOKEN, Move
from maze_env.token_maze import TokenMazeEnv
from maze_env.tokens import THINK_OPEN, cell_texts, maze_from_text, maze_to_text
from training.dataset import check_prompts_fit, length_bucketed_order, token_ids
from training.grpo_metrics import log_groups
from training.mazes import DataConfig, make_mazes

EXPERTS = tuple(BASELINES)
"""Whose games SFT can learn from."""


@dataclass(frozen=True)
class Rules:
    """What a game is played by; the environment's own where nothing else is said."""

    view_radius: int | None = None
    max_steps: int | None = None
    reward: str = "solved"


class Game:
    """One game under way: a maze in its environment, and what was seen and earned so far.

    Attributes:
        state: what the last observation tells. moves: those so far, refused ones among them; refused: how many were.
        rewards: their sum. cause: how the game ended; "" while it goes on.
    """

    def __init__(self, maze: Maze, rules: Rules):
        self.env = TokenMazeEnv(
            maze.rows, maze.cols, split=None, view="state", view_radius=rules.view_radius, max_steps=rules.max_steps,
            reward=rules.reward,
        )  # fmt: skip
        self.eyes = Eyes()
        self.env.reset(options={"maze": maze})
        self.state = self.eyes.see(0, self.env.shown, self.env.position)
        self.moves: list[Move] = []
        self.refused, self.rewards, self.cause = 0, 0.0, ""

    @property
    def text(self) -> str:
        """What an agent that reads texts would be shown. Written when asked for: a model reads replies instead."""
        return "".join(cell_texts(self.env.shown, self.env.position, self.env.maze.target))

    def move(self, move: Move) -> None:
        """Plays a move."""
        before = self.env.position
        _, reward, terminated, truncated, _ = self.env.step(int(move))
        self.moves.append(move)
        self.refused += self.env.position == before
        self.rewards += reward
        self.cause = "solved" if terminated else "out_of_steps" if truncated else ""
        self.state = self.eyes.see(0, self.env.shown, self.env.position)


def opening(tokenizer: Any, maze: Maze, view_radius: int | None) -> str:
    """The prompt of a game on ``maze``."""
    game = Game(maze, Rules(view_radius))
    return render_play(tokenizer, game.text, game.state).text


def expert_game(
    tokenizer: Any, agent: WalkingAgent, maze: Maze, seed: int, view_radius: int | None
) -> tuple[str, list[tuple[str, bool]]]:
    """A baseline's game as a model would play it: the prompt, and texts with whether they are moves or replies."""
    game = Game(maze, Rules(view_radius))
    prompt = render_play(tokenizer, game.text, game.state).text
    agent.reset([seed])
    replies = Replies(tokenizer)
    texts: list[tuple[str, bool]] = []
    while True:
        (move,) = agent.act([game.text])
        texts.append((move, True))
        game.move(MOVE_OF_TOKEN[move])
        if game.cause:
            return prompt, texts
        texts.append((replies.write(game.state), False))


def expert_dataset(
    config: DataConfig,
    tokenizer: Any,
    context: int,
    batch_size: int,
    seed: int,
    expert: str,
    view_radius: int | None,
) -> Dataset:
    """Rows of ``input_ids`` and ``labels``: games of a baseline. The supervised tokens are exactly those of its moves.

    Raises:
        UnknownName: for an expert that does not exist. InvalidConfig: for a game longer than ``context``.
    """
    if expert not in BASELINES:
        raise unknown_name("expert", expert, BASELINES)
    agent = BASELINES[expert]("play")
    rows: list[tuple[list[int], list[int]]] = []
    for maze, key in make_mazes(config):
        prompt, texts = expert_game(tokenizer, agent, maze, key % 2**32, view_radius)
        ids = token_ids(tokenizer, [prompt, *(text for text, _ in texts)])
        labels = [-100] * len(ids[0])
        for (_, own), piece in zip(texts, ids[1:], strict=True):
            labels += piece if own else [-100] * len(piece)
        rows.append(([token for piece in ids for token in piece], labels))
    longest = max(len(ids) for ids, _ in rows)
    if longest > context:
        raise InvalidConfig(f"Expects games of at most {context} tokens, the model's context, actual: one of {longest}")
    order = length_bucketed_order([len(ids) for ids, _ in rows], batch_size, seed)
    return Dataset.from_dict({"input_ids": [rows[i][0] for i in order], "labels": [rows[i][1] for i in order]})


def game_dataset(
    config: DataConfig, tokenizer: Any, context: int, max_completion_length: int, view_radius: int | None
) -> Dataset:
    """Rows of ``prompt`` and ``maze`` for GRPO in play.

    Raises:
        InvalidConfig: when a prompt and a full game do not fit into ``context``.
    """
    mazes = [maze for maze, _ in make_mazes(config)]
    rows = [{"prompt": opening(tokenizer, maze, view_radius), "maze": maze_to_text(maze)} for maze in mazes]
    check_prompts_fit(tokenizer, [row["prompt"] for row in rows], max_completion_length, context)
    return Dataset.from_list(rows)


class _Dialogue(Game):
    """A game, and its tokens as a trainer wants them."""

    def __init__(self, maze: Maze, rules: Rules):
        super().__init__(maze, rules)
        self.ids: list[int] = []
        self.mask: list[int] = []
        self.log_probs: list[float] = []

    def add(self, ids: Sequence[int], log_probs: Sequence[float] | None) -> None:
        """Tokens of the model, with their log-probabilities, or of a reply, without."""
        self.ids += ids
        self.mask += [int(log_probs is not None)] * len(ids)
        self.log_probs += log_probs if log_probs is not None else [0.0] * len(ids)

    def play(self, text: str, thinking_opened: bool) -> None:
        """Plays what the model wrote."""
        move = first_move(text, thinking_opened)
        if move is None:
            self.cause = "not_a_move"
        else:
            self.move(move)


class TurnRollout:
    """TRL's ``rollout_func``: plays each prompt's maze turn by turn in the environment.

    The completion of a game is its moves and the environment's replies in order; ``env_mask`` is 1 for the model's own
    tokens. ``game_return`` is the sum of the environment's rewards: what ``play_reward`` hands to the trainer. Tokens
    are drawn from the whole distribution at the trainer's temperature, never a restricted one: restricting would make
    the log-probabilities that are learned from others than those that were drawn with.

    Which mazes to play stands in the trainer's ``mazes``, in the order of the prompts: TRL hands over prompts alone,
    and in fog many mazes begin alike.
    """

    def __init__(self, rules: Rules, max_completion_length: int, max_turn_tokens: int):
        self.rules, self.max_completion_length, self.max_turn_tokens = rules, max_completion_length, max_turn_tokens

    def __call__(self, prompts: list[str], trainer: Any) -> dict[str, Any]:
        """Plays ``prompts``, which the trainer has repeated for each group already."""
        tokenizer = trainer.processing_class
        model = trainer.accelerator.unwrap_model(trainer.model)
        began = time.perf_counter()
        games = [_Dialogue(maze_from_text(text), self.rules) for text in trainer.mazes]
        seconds = time.perf_counter() - began
        assert len(games) == len(prompts)
        writer = Replies(tokenizer)
        decoder = MultiTurnDecoder(model, tokenizer, trainer.args.temperature, "none", self.max_turn_tokens)
        thinking_opened = prompts[0].rstrip().endswith(THINK_OPEN)
        was_training = model.training
        model.eval()
        decoder.begin(prompts, thinking_opened)
        live = list(range(len(games)))
        while live:
            texts, ids = decoder.write()
            began = time.perf_counter()
            for row, index in enumerate(live):
                games[index].add(ids[row], decoder.log_probs[row])
                games[index].play(texts[row], thinking_opened)
            replies = {index: writer.write(games[index].state) for index in live if not games[index].cause}
            seconds += time.perf_counter() - began
            reply_ids = dict(zip(replies, token_ids(tokenizer, list(replies.values())), strict=True)) if replies else {}
            for index, piece in list(reply_ids.items()):
                if len(games[index].ids) + len(piece) + self.max_turn_tokens > self.max_completion_length:
                    games[index].cause = "truncated"
                    del reply_ids[index]
            if list(reply_ids) != live:
                decoder.keep([live.index(index) for index in reply_ids])
            live = list(reply_ids)
            if live:
                decoder.read([replies[index] for index in live])
                for index in live:
                    games[index].add(reply_ids[index], None)
        model.train(was_training)
        end = tokenizer.eos_token_id
        for game in games:
            if game.cause != "truncated":  # the environment ended it: an end that the model did not write
                game.add([end], None)
        return {
            "prompt_ids": token_ids(tokenizer, list(prompts)),
            "completion_ids": [game.ids for game in games],
            "logprobs": [game.log_probs for game in games],
            "env_mask": [game.mask for game in games],
            "game_return": [game.rewards for game in games],
            "game_cause": [game.cause for game in games],
            "game_moves": [game.moves for game in games],
            "game_legal": [not game.refused for game in games],
            "game_seconds": [seconds / len(games)] * len(games),
        }


def play_reward(
    completions: list[str],
    game_return: list[float],
    game_cause: list[str],
    game_moves: list[list[Move]],
    game_legal: list[bool],
    maze: list[str],
    game_seconds: list[float] | None = None,
    log_metric: Callable[[str, float], None] | None = None,
    **columns: Any,
) -> list[float]:
    """The environment's return of each game, and what the log says of them.

    ``game_seconds`` is the time that environment, parsing and replies took of it.
    """
    if log_metric is not None:
        if game_seconds is not None:
            log_metric("environment_seconds", sum(game_seconds))
        causes = Counter(game_cause)
        log_groups(log_metric, maze, game_moves, [cause == "solved" for cause in game_cause], game_legal)
        for cause in ("not_a_move", "out_of_steps", "truncated"):
            log_metric(f"failures/{cause}", causes[cause] / len(game_cause))
    return list(game_return)
