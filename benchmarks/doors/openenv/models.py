"""What client and server send each other."""

from openenv.core.env_server.types import Action, Observation, State
from pydantic import Field

from tokenmaze.benchmarks.doors.task import Score


class MazeAction(Action):
    """What the player writes."""

    reply: str = Field(description="In play a move, such as <|up|>, thinking before it or none; in plan the answer.")
    """In play a move, in plan the whole answer; thinking may stand before either."""


class MazeObservation(Observation):
    """What the player reads, and at the end the verdict."""

    message: str = Field(description="The question after a reset, then what came of the reply: the model's input.")
    """For a language model: the question, then the answers to its replies."""
    maze: str = Field(description="The maze as far as it is known; <|origin|> is where the player stands.")
    """For any other player: the maze in tokens, from where the player stands."""
    turn: int = Field(description="Replies taken since the reset, this one included.")
    """Replies taken since the reset."""
    score: Score | None = Field(default=None, description="The verdict, once the episode is done.")
    """The verdict, once the episode is done."""


class MazeState(State):
    """Of an episode, without anything that helps to solve it."""

    task: str = Field(default="", description="Which maze: SUITE/INDEX or key/KEY; empty before the first reset.")
    """Which maze."""
    level: str = Field(default="", description="Of a suite the maze's level, else its size.")
    """Its level."""
    mode: str = Field(default="play", description="play: a move a turn; plan: one answer to the whole maze.")
    """``play`` or ``plan``."""
    score: Score | None = Field(default=None, description="The verdict, once the episode is done.")
    """The verdict, once the episode is done."""
