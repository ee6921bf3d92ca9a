"""A game whose moves are calls of a tool: what a model that calls tools plays, in training and in other frameworks."""

from maze_env.attempt import Attempt, End, EndedBy, Reply
from maze_env.episode import Episode
from maze_env.moves import MOVES
from tokenmaze.agents.prompts import reply_text, tool_conversation

DIRECTIONS = {move.name.lower(): move for move in MOVES}


class ToolGame:
    """An episode that is played by calling ``move``.

    Every call counts, also one that names no direction, up to the environment's budget of steps; after the end nothing
    changes any more.

    >>> from maze_env import Maze
    >>> game = ToolGame(Episode(Maze([[5, 9], [14, 14]], (0, 0), (1, 1))))
    >>> game.move("right"), game.move("down")
    ('You moved. You are at <|0-1|>, <|up_right_wall|>.', 'You stand on the target. The game is over.')
    >>> game.attempt().end
    <End.SOLVED: 'solved'>
    """

    def __init__(self, episode: Episode):
        """Plays ``episode``, one of mode play."""
        self.episode, self._calls = episode, 0

    @property
    def question(self) -> str:
        """What the model is asked, as one message of the user."""
        return tool_conversation(self.episode.observation)[0]["content"]

    @property
    def is_over(self) -> bool:
        """Whether no call counts any more."""
        return self.episode.end is not None

    def move(self, direction: object) -> str:
        """Moves to the neighbouring cell in a direction, a key of ``DIRECTIONS``; says what the model is told then."""
        if self.is_over:
            return "The game is over."
        self._calls += 1
        chosen = DIRECTIONS.get(str(direction))
        if chosen is not None:
            self.episode.step(Reply(chosen.token))
        if self.episode.end is None and self._calls >= self.episode.env.max_steps:
            self.episode.stop(End.SHORT_OF_TARGET, EndedBy.STEP_BUDGET)
        if self.episode.end is not None:
            result = "You stand on the target" if self.episode.end is End.SOLVED else "No moves are left"
            return f"{result}. The game is over."
        if chosen is None:
            return f"Expects one of {', '.join(DIRECTIONS)}, actual: {direction!r}."
        return reply_text(self.episode.observation, bare=False)

    def attempt(self, truncated: bool = False) -> Attempt:
        """What came of the game, which a model that stopped calling has left, or was cut off in (``truncated``)."""
        if not self.is_over:
            self.episode.step(Reply("", tokens=0, truncated=truncated))
        return self.episode.attempt
