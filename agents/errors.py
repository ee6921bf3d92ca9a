"""What can be wrong with a model or a model server."""

from maze_env.errors import InvalidConfig, TokenMazeError


class InvalidCheckpoint(TokenMazeError):
    """A model folder is missing, incomplete, or speaks another vocabulary."""


class InvalidEndpoint(TokenMazeError):
    """A model server cannot be reached, refuses the key, lacks the model, or answers no request."""


class UnreadableReply(TokenMazeError):
    """What a model server sent is no completion."""


def require_at_least(minimum: float, **options: float) -> None:
    """Raises InvalidConfig unless each of these options of an agent is at least ``minimum``."""
    for name, value in options.items():
        if value < minimum:
            raise InvalidConfig(f"Expects {name} of at least {minimum}, actual: {value}")
