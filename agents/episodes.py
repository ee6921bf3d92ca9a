"""Episodes: an agent on mazes, and complete records of what happened. Benchmarks and training measure with this."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import gymnasium

import maze_env  # noqa: F401 (registers TokenMaze-v0)
from agents.base import Agent
from maze_env.errors import InvalidConfig, InvalidMove
from maze_env.fog import check_view_radius, first_view
from maze_env.judging import MALFORMED, Cause, Outcome, Verdict, judge
from maze_env.maze import Cell, Maze
from maze_env.moves import Move, as_move
from maze_env.phrasings import STANDARD, Phrasing, phrasing_named
from maze_env.tokens import cell_texts


@dataclass(frozen=True)
class Record:
    """One attempt at one maze.

    Attributes:
        maze: the maze. seed: the episode's seed.
        texts: what the agent wrote: one text in plan, one for each move in play.
        moves: the moves that were played, refused ones included.
        outcomes: what each of ``moves`` did.
        cause: how it ended; ``solved`` or why not. ``truncated`` stands beside it when a budget ended it.
        position: where the agent stood at the end.
        start_distance, end_distance: true maze distance to the target at the start and at the end; ``UNREACHABLE``
            (maze_env/solving.py) where no way leads there.
        tokens: tokens that the agent generated, where it counts them.
        truncated: whether a budget (of tokens in plan, of moves in play) ended the attempt.
        phrasing: in which of ``maze_env.phrasings`` the maze was given and ``texts`` are written.
    """

    maze: Maze
    seed: int
    texts: tuple[str, ...]
    moves: tuple[Move, ...]
    outcomes: tuple[Outcome, ...]
    cause: str
    position: Cell
    start_distance: int
    end_distance: int
    tokens: int | None
    truncated: bool
    phrasing: str = STANDARD

    @property
    def solved(self) -> bool:
        return self.cause == Cause.SOLVED

    @property
    def malformed(self) -> bool:
        """Whether the agent's text was no answer at all."""
        return self.cause in MALFORMED or self.cause in (NOT_A_MOVE, REQUEST_FAILED)

    @property
    def legal(self) -> bool:
        """Whether a well-formed answer had no refused move."""
        return not self.malformed and all(outcome is Outcome.MOVED for outcome in self.outcomes)


NOT_A_MOVE = "not_a_move"
"""The cause of a play episode whose action text was no move."""
REQUEST_FAILED = "request_failed"
"""The cause of an episode whose agent asked a server in vain."""


@dataclass(frozen=True)
class Usage:
    """What the last ``act`` of an agent that generates tokens cost: one entry for each observation.

    An agent that has an attribute ``usage`` of this type gets its tokens counted and its truncations told apart.
    """

    tokens: list[int]
    truncated: list[bool]
    failed: list[bool] = field(default_factory=list)
    """Where asking the model failed for good and there is no text; empty where that cannot happen."""


def run_episodes(
    agent: Agent,
    mazes: Sequence[Maze],
    seeds: Sequence[int],
    max_steps: int | None = None,
    view_radius: int | None = None,
    phrasing: str = STANDARD,
) -> list[Record]:
    """Plays every maze once in the agent's mode.

    Args:
        seeds: one for each maze.
        max_steps: play's budget of moves; default 4 * rows * cols of each maze.
        view_radius: plays in fog of this radius; a plan is made from what is seen at the start.
        phrasing: in which of ``maze_env.phrasings`` the mazes are given and the answers read; in plan alone, because
            the environment speaks the standard one.
    """
    check_view_radius(view_radius)
    if phrasing != STANDARD and (agent.mode != "plan" or view_radius is not None):
        raise InvalidConfig(f"Expects phrasing {STANDARD!r} in play and in fog, actual: {phrasing!r}")
    agent.phrasing = phrasing
    agent.reset(seeds)
    if agent.mode == "plan":
        return _plan(agent, mazes, seeds, view_radius)
    return _play(agent, mazes, seeds, max_steps, view_radius)


def _act(agent: Agent, observations: list[str]) -> list[str]:
    """The agent's texts. Raises InvalidConfig unless they are one text for each observation."""
    texts = agent.act(observations)
    if len(texts) != len(observations) or not all(isinstance(text, str) for text in texts):
        raise InvalidConfig(
            f"Expects {type(agent).__name__}.act to give {len(observations)} texts, one for each observation, "
            f"actual: {len(texts)} of {sorted({type(text).__name__ for text in texts})}"
        )
    return texts


def _plan(agent: Agent, mazes: Sequence[Maze], seeds: Sequence[int], view_radius: int | None) -> list[Record]:
    phrasing = phrasing_named(agent.phrasing)
    texts = _act(agent, [_first_text(maze, view_radius, phrasing) for maze in mazes])
    usage: Usage | None = getattr(agent, "usage", None)
    opened = getattr(agent, "thinking_opened", False)
    records = []
    for index, (maze, seed, text) in enumerate(zip(mazes, seeds, texts, strict=True)):
        verdict = judge(maze, phrasing.translate(text), thinking_opened=opened)
        records.append(
            Record(
                maze,
                seed,
                (text,),
                verdict.answer.moves,
                _outcomes(verdict),
                REQUEST_FAILED if usage and any(usage.failed[index : index + 1]) else str(verdict.cause),
                verdict.position,
                verdict.start_distance,
                verdict.end_distance,
                usage.tokens[index] if usage else None,
                usage.truncated[index] if usage else False,
                agent.phrasing,
            )
        )
    return records


def _first_text(maze: Maze, view_radius: int | None, phrasing: Phrasing) -> str:
    if view_radius is None:
        return phrasing.write(maze)
    return "".join(cell_texts(first_view(maze, view_radius), maze.origin, maze.target))


def _outcomes(verdict: Verdict) -> tuple[Outcome, ...]:
    """What the moves of a judged answer did, up to where the replay stopped."""
    played = (Outcome.MOVED,) * verdict.legal_moves
    if verdict.cause in (Cause.HIT_WALL, Cause.LEFT_GRID):
        return (*played, Outcome(verdict.cause))
    return played


class _Episode:
    """One environment being played, and what has been recorded so far."""

    def __init__(self, maze: Maze, max_steps: int | None, view_radius: int | None):
        self.env = gymnasium.make(
            "TokenMaze-v0",
            rows=maze.rows,
            cols=maze.cols,
            split=None,
            max_steps=max_steps,
            view_radius=view_radius,
            disable_env_checker=True,
        )
        self.observation, self.info = self.env.reset(options={"maze": maze})
        self.start_distance = self.info["distance"]
        self.texts: list[str] = []
        self.moves: list[Move] = []
        self.outcomes: list[Outcome] = []
        self.tokens: int | None = None
        self.cause: str | None = None
        self.truncated = False

    def step(self, text: str) -> None:
        self.texts.append(text)
        try:
            move = as_move(text)
        except InvalidMove:
            self.cause = NOT_A_MOVE
            return
        self.observation, _, terminated, self.truncated, self.info = self.env.step(move)
        self.moves.append(move)
        self.outcomes.append(Outcome(self.info["last_move"]))
        if terminated or self.truncated:
            self.cause = str(Cause.SOLVED if terminated else Cause.SHORT_OF_TARGET)


def _play(
    agent: Agent, mazes: Sequence[Maze], seeds: Sequence[int], max_steps: int | None, view_radius: int | None
) -> list[Record]:
    episodes = [_Episode(maze, max_steps, view_radius) for maze in mazes]
    while any(episode.cause is None for episode in episodes):
        texts = _act(agent, ["" if episode.cause else episode.observation for episode in episodes])
        usage: Usage | None = getattr(agent, "usage", None)
        for index, (episode, text) in enumerate(zip(episodes, texts, strict=True)):
            if episode.cause is None:
                if usage:
                    episode.tokens = (episode.tokens or 0) + usage.tokens[index]
                if usage and any(usage.failed[index : index + 1]):
                    episode.texts.append(text)
                    episode.cause = REQUEST_FAILED
                else:
                    episode.step(text)
    return [
        Record(
            maze,
            seed,
            tuple(episode.texts),
            tuple(episode.moves),
            tuple(episode.outcomes),
            episode.cause or "",
            (int(episode.info["agent_position"][0]), int(episode.info["agent_position"][1])),
            episode.start_distance,
            episode.info["distance"],
            episode.tokens,
            episode.truncated,
        )
        for maze, seed, episode in zip(mazes, seeds, episodes, strict=True)
    ]
