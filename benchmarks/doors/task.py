"""A maze as a task for other frameworks: what is asked, and the verdict on an answer or a game.

>>> task = tasks_of_suite("mazebench-100", limit=1)[0]
>>> task.id, task.level
('mazebench-100/0', 'Easy')
>>> score_answer(task.maze, f"<think>...</think>{task.answer}").solved
True
>>> game = Game(task.maze)
>>> game.turn("<|up|>")
'You moved. You are at <|3-2|>, <|up_left_wall|>.'
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from maze_env.answers import first_move, moves_to_text
from maze_env.attempt import Attempt, End, Reply
from maze_env.episode import Episode, Mode, Observation
from maze_env.errors import InvalidConfig
from maze_env.generation import MazeSpec, generate
from maze_env.keys import key_of
from maze_env.maze import Maze
from maze_env.moves import UNREACHABLE
from maze_env.rewards import scheme_named
from maze_env.solving import distances_to, shortest_path
from maze_env.tokens import UNREACHABLE_TOKEN, maze_from_text, maze_to_text
from tokenmaze.agents.prompts import conversation, play_conversation, reply_text
from tokenmaze.agents.tool_game import ToolGame
from tokenmaze.benchmarks.suites import load


@dataclass(frozen=True)
class Task:
    """One maze to solve."""

    id: str
    """Of a suite ``NAME/INDEX``, of a generated maze ``key/KEY``: the same wherever it is asked."""
    level: str
    """Of a suite the maze's level, else its size as ``5x5``."""
    maze: Maze
    """What is to be solved."""
    view_radius: int | None = None
    """Of partial observability, where the suite has it: a plan is made from what is seen at the start."""

    @property
    def text(self) -> str:
        """The maze in the AlphaMaze token format, which ``maze_from_text`` reads."""
        return maze_to_text(self.maze)

    @property
    def prompt(self) -> str:
        """The question for a plan, as one message of the user: what the benchmark asks a chat model."""
        return conversation(self.bare_prompt)[0]["content"]

    @property
    def bare_prompt(self) -> str:
        """The maze alone, as far as it is seen at the start: what models read that were trained on nothing else."""
        return Episode(self.maze, "plan", view_radius=self.view_radius).observation.text

    @property
    def shortest(self) -> int:
        """Moves of the shortest path; -1 where there is none."""
        distance = int(distances_to(self.maze.walls, self.maze.target)[self.maze.origin])
        return -1 if distance == UNREACHABLE else distance

    @property
    def tool_game(self) -> ToolGame:
        """A new game on it, whose moves are calls of a tool."""
        return ToolGame(Episode(self.maze, view_radius=self.view_radius))

    @property
    def answer(self) -> str:
        """A right answer, one of perhaps several: a shortest path, or that there is none."""
        return UNREACHABLE_TOKEN if self.shortest < 0 else moves_to_text(shortest_path(self.maze))


@dataclass(frozen=True)
class Score:
    """The verdict on an answer or a game."""

    reward: float
    """By the scheme, for an answer; the sum of the environment's step rewards, for a game."""
    solved: bool
    """Whether it solved the maze."""
    legal: bool
    """Whether it was well-formed and no move ran into a wall or off the grid."""
    end: str
    """How it ended: a value of ``maze_env.End``, such as ``hit_wall``."""
    ended_by: str
    """What ended it: a value of ``maze_env.EndedBy``."""
    moves: int
    """Moves of the answer, or played."""
    shortest: int
    """Moves of the shortest path; -1 where there is none."""

    def as_dict(self) -> dict[str, Any]:
        """The fields by name, as JSON takes them."""
        return asdict(self)


def tasks_of_suite(name: str, limit: int | None = None, mode: Mode = "plan") -> list[Task]:
    """The mazes of a suite, or the first ``limit``, in the standard phrasing.

    Raises as ``benchmarks.suites.load``, and InvalidConfig for a mode in which the suite cannot be measured.
    """
    if limit is not None and limit < 1:
        raise InvalidConfig(f"Expects a limit of at least 1, actual: {limit}")
    suite = load(name)
    if mode not in suite.spec.modes:
        raise InvalidConfig(f"Expects suite {name} in mode {' or '.join(suite.spec.modes)}, actual: {mode!r}")
    pairs, view_radius = zip(suite.labels, suite.mazes, strict=True), suite.spec.view_radius
    return [Task(f"{name}/{index}", level, maze, view_radius) for index, (level, maze) in enumerate(pairs)][:limit]


class Game:
    """A game in messages: the player is told where it stands, writes a move, is told what came of it, and so on."""

    def __init__(
        self, maze: Maze | str, max_steps: int | None = None, view_radius: int | None = None, reward: str = "solved"
    ):
        """A game that begins. Arguments and errors as ``maze_env.episode.Episode``; a maze may be its text."""
        maze = maze_from_text(maze) if isinstance(maze, str) else maze
        self._episode = Episode(maze, "play", max_steps=max_steps, view_radius=view_radius, reward=reward)
        self.prompt = play_conversation(self._episode.observation)[0]["content"]
        """What opens it, as one message of the user: what the benchmark tells a chat model."""

    @property
    def observation(self) -> Observation:
        """What the player may know now."""
        return self._episode.observation

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self._episode.end is not None

    @property
    def reward(self) -> float:
        """Sum of the step rewards so far."""
        return self._episode.reward

    def turn(self, text: str, *, truncated: bool = False) -> str:
        """Plays the first move of the player's message, thinking apart, and returns the answer to it.

        Args:
            text: the message; without a move in it, it ends the game.
            truncated: whether a budget of tokens cut it short.

        Raises:
            InvalidConfig: for a game that is over.
        """
        move = first_move(text)
        self._episode.step(Reply(text, truncated=truncated) if move is None else Reply(move.token))
        if not self.over:
            return reply_text(self._episode.observation, bare=False)
        result = "You stand on the target" if self._episode.end is End.SOLVED else "The game has ended"
        return f"{result}."

    def leave(self, *, truncated: bool = False) -> None:
        """Ends a game that goes on: the player has stopped, or ``truncated`` says that its budget is used up."""
        if not self.over:
            self._episode.step(Reply("", tokens=0, truncated=truncated))

    @property
    def score(self) -> Score:
        """The verdict; raises InvalidConfig for a game that goes on."""
        return score_attempt(self._episode.attempt)


def task_of_seed(seed: int, index: int, spec: MazeSpec = MazeSpec()) -> Task:  # noqa: B008  frozen
    """The task at a place of the endless row that a seed names: the same in every framework."""
    return task_of_key(key_of(seed, index), spec)


def task_of_key(key: int, spec: MazeSpec = MazeSpec()) -> Task:  # noqa: B008  frozen
    """The task of a generated maze, a pure function of a 64-bit key and the specification."""
    return Task(f"key/{key}", f"{spec.rows}x{spec.cols}", generate(key, spec))


def score_answer(
    maze: Maze | str, answer: str, scheme: str = "solved", *, truncated: bool = False, thinking_opened: bool = False
) -> Score:
    """The verdict on a whole answer, by the strict rule.

    Args:
        maze: what was asked, or its text.
        answer: all that the model wrote, its thinking included, without end tokens.
        scheme: a name in ``maze_env.rewards.SCHEMES``.
        truncated: whether a budget of tokens cut it short: its reward is 0 then, as in training.
        thinking_opened: whether the prompt ended inside an open ``<think>``.

    Raises:
        InvalidMaze: for a text that is no maze.
        UnknownName: for a scheme that does not exist.
    """
    episode = Episode(maze_from_text(maze) if isinstance(maze, str) else maze, "plan")
    episode.step(Reply(answer, truncated=truncated, thinking_opened=thinking_opened))
    assert episode.verdict is not None
    reward = 0.0 if truncated else scheme_named(scheme)(episode.maze, episode.verdict)
    return replace(score_attempt(episode.attempt), reward=float(reward))


def score_game(
    maze: Maze | str,
    replies: Sequence[str],
    max_steps: int | None = None,
    view_radius: int | None = None,
    reward: str = "solved",
    *,
    truncated: bool = False,
) -> Score:
    """The verdict on a game: the replies are played until one of them ends it; behind the last one the player left.

    ``truncated`` says that a budget of tokens ended it, perhaps within the last reply; the rest is as ``Game``.
    """
    game = Game(maze, max_steps, view_radius, reward)
    for number, reply in enumerate(replies, start=1):
        if not game.over:
            game.turn(reply, truncated=truncated and number == len(replies))
    game.leave(truncated=truncated)
    return game.score


def score_attempt(attempt: Attempt) -> Score:
    """The verdict of an attempt that has ended."""
    shortest = -1 if attempt.start_distance == UNREACHABLE else attempt.start_distance
    return Score(
        attempt.reward,
        attempt.solved,
        attempt.legal,
        str(attempt.end),
        str(attempt.ended_by),
        len(attempt.moves),
        shortest,
    )
