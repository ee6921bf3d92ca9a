"""What can be wrong with a reasoning trace, one class for each kind of fault."""

from maze_env.errors import TokenMazeError


class InvalidTrace(TokenMazeError):
    """A reasoning trace is not written as its style is; the message names the line or step. See also its subclasses."""

    kind = "form"
    """What is wrong, in a word that figures are counted by."""
    offset: int | None = None
    """Where in the trace's text begins what is wrong, in characters; ``None`` where the style does not tell."""


class FalseDrawing(InvalidTrace):
    """A redrawn maze, or the walls written for a cell, are not the maze's."""

    kind = "drawing"


class FalseStart(InvalidTrace):
    """An attempt, the first or one after a ``RESET``, does not begin at the origin."""

    kind = "start"


class FalseStep(InvalidTrace):
    """A step meets a wall, starts in a cell that the last one did not reach, or leaves the cells that were explored."""

    kind = "step"


class FalseDeadEnd(InvalidTrace):
    """An attempt is given up, or an exploration turns back, for a reason that is not true."""

    kind = "dead_end"


class FalseArrival(InvalidTrace):
    """The steps do not end at the target."""

    kind = "arrival"
