"""Multi-turn training: dialogues between a model and the environment, for SFT and for GRPO.

In both, what the model reads is the maze once and the environment's replies; what it writes are moves. Only the moves
are learned from: replies have label -100 in SFT and mask 0 in GRPO.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice

import torch
from datasets import Dataset

from maze_env.attempt import End, EndedBy, Reply
from maze_env.episode import Episode, Observation
from maze_env.errors import lookup
from maze_env.maze import Maze
from maze_env.tokens import maze_from_text, maze_to_text
from tokenmaze.agents.baselines import BASELINES
from tokenmaze.agents.multi_turn_policy import MultiTurnPolicy
from tokenmaze.agents.prompts import Replies, render_play
from tokenmaze.agents.protocols import Tokenizer
from tokenmaze.agents.rollout import rollout
from tokenmaze.training.dataset import TOKENIZE_BATCH, check_prompts_fit, labelled_dataset, token_ids
from tokenmaze.training.mazes import DataConfig, make_mazes, require_standard_texts
from tokenmaze.training.trl_adapter import RolloutTrainer, rollout_columns

WRITTEN_BY = "in mode play the environment writes the mazes"
"""Why they cannot be placed."""


@dataclass(frozen=True)
class EnvConfig:
    """The environment of an episode, as ``Episode`` takes it; unset values are the environment's own defaults."""

    view_radius: int | None = None
    """Of partial observability; ``None`` for none."""
    max_steps: int | None = None
    """The budget of moves."""
    reward: str = "solved"
    """Name of the step reward."""

    def episode(self, maze: Maze) -> Episode:
        return Episode(maze, **asdict(self))


def initial_prompt(tokenizer: Tokenizer, maze: Maze, view_radius: int | None) -> str:
    """The prompt of an episode on ``maze``."""
    return render_play(tokenizer, Episode(maze, view_radius=view_radius).observation).text


def expert_rollout(
    tokenizer: Tokenizer, expert: str, mazes: Sequence[tuple[Maze, int]], view_radius: int | None
) -> Iterator[list[str]]:
    """A baseline's episodes as a model would play them: prompt, first move, reply to it, next move ... and last a move.

    The mazes come with their keys, which seed the baseline.
    """
    agent, replies = lookup("expert", expert, BASELINES)("play"), Replies(tokenizer)
    seeds = [key % 2**32 for _, key in mazes]
    for attempt in rollout(agent, [maze for maze, _ in mazes], seeds, view_radius=view_radius):
        episode = Episode(attempt.maze, view_radius=view_radius)
        texts = [render_play(tokenizer, episode.observation).text]
        for move in attempt.moves:
            episode.move(move)
            texts += [move.token, replies.write(episode.observation)]
        yield texts[:-1]


def expert_dataset(
    config: DataConfig,
    tokenizer: Tokenizer,
    context: int,
    batch_size: int,
    seed: int,
    expert: str,
    view_radius: int | None,
) -> Dataset:
    """Rows of ``input_ids`` and ``labels``: episodes of a baseline. The supervised tokens are exactly its moves'."""
    require_standard_texts(config, WRITTEN_BY)
    mazes = make_mazes(config)
    chunks = iter(lambda: list(islice(mazes, TOKENIZE_BATCH)), [])
    episodes = (texts for chunk in chunks for texts in expert_rollout(tokenizer, expert, chunk, view_radius))
    rows = (token_ids(tokenizer, texts) for texts in episodes)
    return labelled_dataset(rows, "episodes", f"sizes={config.sizes}", context, batch_size, seed)


def multi_turn_dataset(
    config: DataConfig, tokenizer: Tokenizer, context: int, max_completion_length: int, view_radius: int | None
) -> Dataset:
    """Rows of ``prompt`` for ``MultiTurnRollout``: one message, its text and its ``maze``.

    TRL hands only prompts to a rollout, and under partial observability many mazes begin alike.

    Raises:
        InvalidCheckpoint: for a chat template that cannot write a second turn.
        InvalidConfig: for prompts that do not fit into ``context`` with a full completion.
    """
    require_standard_texts(config, WRITTEN_BY)
    Replies(tokenizer)
    messages = [
        {"role": "user", "content": initial_prompt(tokenizer, maze, view_radius), "maze": maze_to_text(maze)}
        for maze, _ in make_mazes(config)
    ]
    check_prompts_fit(tokenizer, [message["content"] for message in messages], max_completion_length, context)
    return Dataset.from_list([{"prompt": [message]} for message in messages])


class _SamplingPolicy(MultiTurnPolicy):
    """Samples from the global random state, as TRL's own generation does, so that a resumed run draws the same."""

    seconds = 0.0
    """Spent reading and writing since it was made."""

    def respond(self, observations: Sequence[Observation | None]) -> list[Reply]:
        began = time.perf_counter()
        replies = super().respond(observations)
        self.seconds += time.perf_counter() - began
        return replies

    def generator(self, indices: Sequence[int]) -> torch.Generator | None:
        return None


class MultiTurnRollout:
    """Plays each prompt's maze turn by turn in the environment: TRL's ``rollout_func``.

    A completion is a dialogue's moves and the environment's replies in order; an end token that the environment wrote
    closes it, unless there was no room for another turn. Tokens are drawn from the whole distribution at the trainer's
    temperature, never a restricted one: restricting would make the log-probabilities that are learned from others than
    those that were drawn with.
    """

    def __init__(self, env: EnvConfig, max_completion_length: int, max_turn_tokens: int):
        self.env, self.max_completion_length, self.max_turn_tokens = env, max_completion_length, max_turn_tokens

    def __call__(self, prompts: list[list[dict[str, str]]], trainer: RolloutTrainer) -> dict[str, list]:
        began = time.perf_counter()
        tokenizer = trainer.processing_class
        policy = _SamplingPolicy(
            trainer.accelerator.unwrap_model(trainer.model), tokenizer, temperature=trainer.args.temperature,
            max_turn_tokens=self.max_turn_tokens, max_tokens=self.max_completion_length,
        )  # fmt: skip
        mazes = [maze_from_text(message["maze"]) for (message,) in prompts]  # repeated for each group already
        attempts = rollout(policy, mazes, range(len(mazes)), **asdict(self.env))
        transcripts = [policy.transcripts[index] for index in range(len(mazes))]
        for attempt, transcript in zip(attempts, transcripts, strict=True):
            if (attempt.end, attempt.ended_by) != (End.SHORT_OF_TARGET, EndedBy.TOKEN_BUDGET):
                transcript.add([tokenizer.eos_token_id])  # an end that the model did not write
        prompt_ids = [policy.prompts[index] for index in range(len(mazes))]
        return rollout_columns(prompt_ids, transcripts, attempts, time.perf_counter() - began - policy.seconds)
