"""Mazes for any agent that speaks the Model Context Protocol: a server over standard input and output.

    tokenmaze mcp
    tokenmaze mcp --suite mazebench-100 --output scores.csv

The client starts it and has four tools: ``new_maze``, ``move``, ``look`` and ``give_up``. With the first command the
client chooses mazes of the training split. The second deals a suite's in their order, each once, and writes the
verdicts; with the same output, a later session goes on where the one before it stopped.
"""

import csv
import io
import json
import secrets
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import fields, replace
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import Field

from maze_env import __version__
from maze_env._arguments import ArgumentParser
from maze_env._cli import called_as, check_folder, path_of, read_utf8, run_command, write_whole
from maze_env.episode import Episode, Observation
from maze_env.errors import InvalidConfig, TokenMazeError
from maze_env.generation import MazeSpec
from maze_env.visibility import check_view_radius
from tokenmaze.agents.prompts import reply_text
from tokenmaze.agents.tool_game import DIRECTIONS, ToolGame
from tokenmaze.benchmarks.doors.task import Score, Task, score_attempt, task_of_seed, tasks_of_suite
from tokenmaze.benchmarks.suites import text_hash

INSTRUCTIONS = """\
Find your way through mazes. new_maze gives you one and explains it; move takes you a cell further; look tells where \
you are, without a move; give_up ends the maze. When it has ended you are told the verdict, and new_maze gives another \
one."""
COLUMNS = ("id", "score", "level", "view_radius", "sha256", *(field.name for field in fields(Score)))
"""Of the file of verdicts; ``score`` is 1 for a solved maze, else 0, and ``sha256`` that of the maze's text."""


class Verdicts:
    """The verdicts on a suite's mazes, in a CSV file where there is to be one."""

    def __init__(self, output: Path | None):
        """Goes on with what the file holds. Raises InvalidConfig for one that is something else, InvalidOutput."""
        self._output = output
        self._rows: list[list[str]] = []
        if output is None:
            return
        check_folder(output.parent)
        if output.exists():
            head, *self._rows = list(csv.reader(io.StringIO(read_utf8(output)))) or [[]]
            if tuple(head) != COLUMNS or any(len(row) != len(COLUMNS) for row in self._rows):
                raise InvalidConfig(f"Expects a file with the columns {', '.join(COLUMNS)}, actual: {output}")

    @property
    def known(self) -> dict[str, tuple[str, str]]:
        """By the names of the mazes that have one, what was played (``played``)."""
        return {row[0]: (row[3], row[4]) for row in self._rows}

    def add(self, task: Task, score: Score) -> None:
        """Adds one, and writes the file."""
        cells = (task.id, int(score.solved), task.level, *played(task), *score.as_dict().values())
        self._rows.append([str(cell) for cell in cells])
        if self._output is not None:
            text = io.StringIO()
            csv.writer(text, lineterminator="\n").writerows([COLUMNS, *self._rows])
            write_whole(self._output, text.getvalue())


def played(task: Task) -> tuple[str, str]:
    """How far the player sees, and the hash of the maze's text."""
    return "" if task.view_radius is None else str(task.view_radius), text_hash(task.text)


class Session:
    """The mazes that a client plays, one after the other."""

    def __init__(self, suite: str | None = None, output: Path | None = None, view_radius: int | None = None):
        """Mazes of ``suite`` that have no verdict in ``output`` yet, or without a suite those that the client asks for.

        Raises as ``tasks_of_suite`` and ``Verdicts``; InvalidConfig for a view radius that cannot be.
        """
        check_view_radius(view_radius)
        self._verdicts, self._view_radius = Verdicts(output), view_radius
        tasks = [] if suite is None else [self._seen(task) for task in tasks_of_suite(suite, mode="play")]
        known, asked = self._verdicts.known, {task.id: played(task) for task in tasks}
        if unknown := known.keys() - asked.keys():
            raise InvalidConfig(f"Expects verdicts on {suite} in {output}, actual: one on {min(unknown)}")
        if others := [name for name in known if known[name] != asked[name]]:
            raise InvalidConfig(
                f"Expects verdicts on the same mazes, seen as far, in {output}, actual: another maze or view radius "
                f"for {others[0]}"
            )
        self._left = [task for task in tasks if task.id not in known]
        self._total = len(tasks)
        self._task: Task | None = None
        self._game: ToolGame | None = None

    def next(self) -> str:
        """Begins the suite's next maze."""
        self._check_free()
        if not self._left:
            raise InvalidConfig(f"Expects a maze that is left, actual: verdicts on all {self._total}")
        return self.begin(self._left.pop(0))

    def chosen(self, seed: int | None, rows: int, cols: int) -> str:
        """Begins a maze of the training split, one at random without a seed."""
        self._check_free()
        seed = secrets.randbits(32) if seed is None else seed
        return self.begin(self._seen(task_of_seed(seed, 0, MazeSpec(rows, cols))))

    def move(self, direction: str) -> str:
        """Moves; behind the last move stands the verdict."""
        game = self._under_way()
        return self._told(game.move(direction))

    def look(self) -> str:
        """What the player knows."""
        shown = self._under_way().episode.observation
        return f"{shown.text}\n{place(shown)}"

    def give_up(self) -> str:
        """Ends the game; the verdict."""
        self._under_way().attempt()
        return self._told("You gave up. The game is over.")

    def close(self) -> None:
        """Ends the session: a game that goes on is one that was given up."""
        if self._game is not None:
            self.give_up()

    def begin(self, task: Task) -> str:
        """Begins a game on ``task``; the question."""
        self._game, self._task = ToolGame(Episode(task.maze, view_radius=task.view_radius)), task
        return self._game.question

    def _told(self, message: str) -> str:
        """``message``, and the verdict if the game has ended."""
        game = self._under_way()
        if not game.is_over:
            return message
        assert self._task is not None
        score = score_attempt(game.attempt())
        self._game = None
        self._verdicts.add(self._task, score)
        return f"{message}\nVerdict: {json.dumps({'maze': self._task.id, **score.as_dict()})}"

    def _seen(self, task: Task) -> Task:
        """The task, seen as far as this session says."""
        return task if self._view_radius is None else replace(task, view_radius=self._view_radius)

    def _under_way(self) -> ToolGame:
        if self._game is None:
            raise InvalidConfig("Expects new_maze first, actual: no maze that goes on")
        return self._game

    def _check_free(self) -> None:
        if self._game is not None:
            raise InvalidConfig("Expects the maze to be solved or given up first (give_up), actual: one that goes on")


def place(observation: Observation) -> str:
    """Where the player stands, whatever the last move did."""
    return reply_text(replace(observation, moved=None, revealed=()), bare=False)


Tool = Callable[..., Coroutine[Any, Any, str]]


def in_words(tool: Tool) -> Tool:
    """A tool whose errors the client reads."""

    @wraps(tool)
    async def told(*arguments: Any, **named: Any) -> str:
        try:
            return await tool(*arguments, **named)
        except TokenMazeError as error:
            raise ToolError(str(error)) from error

    return told


def make_server(session: Session, of_suite: bool) -> MCPServer:
    """The server of a session; a suite's mazes are not for the client to choose."""
    server: MCPServer = MCPServer("tokenmaze", instructions=INSTRUCTIONS, version=__version__, log_level="WARNING")

    # They are coroutines that wait for nothing, so that calls sent together are carried out one after the other.
    async def choose_maze(
        seed: Annotated[int | None, Field(description="Which maze; one at random by default.")] = None,
        rows: Annotated[int, Field(description="Cells from top to bottom, 2 to 64.")] = 5,
        cols: Annotated[int, Field(description="Cells from left to right, 2 to 64.")] = 5,
    ) -> str:
        """Begins a maze, shows it and explains it. The one before has to be solved or given up."""
        return session.chosen(seed, rows, cols)

    async def next_maze() -> str:
        """Begins the next maze, shows it and explains it. The one before has to be solved or given up."""
        return session.next()

    async def move(
        direction: Annotated[str, Field(description="Where to go.", json_schema_extra={"enum": [*DIRECTIONS]})],
    ) -> str:
        """Moves to the neighbouring cell and tells where you stand then; the last move tells the verdict."""
        return session.move(direction)

    async def look() -> str:
        """Shows the maze as far as you know it, and where you stand. Costs no move."""
        return session.look()

    async def give_up() -> str:
        """Ends the maze without solving it, and tells the verdict."""
        return session.give_up()

    new_maze: Tool = next_maze if of_suite else choose_maze
    tools: dict[str, Tool] = {"new_maze": new_maze, "move": move, "look": look, "give_up": give_up}
    for name, tool in tools.items():
        server.add_tool(in_words(tool), name, structured_output=False)
    return server


def parser() -> ArgumentParser:
    """The command line."""
    made = ArgumentParser(prog=called_as("benchmarks.doors.mcp"), description=__doc__)
    made.add_argument("--suite", help="deal the mazes of this suite; default: training mazes that the client chooses")
    made.add_argument("--output", type=path_of, help="CSV file for the verdicts; goes on with what it holds")
    made.add_argument("--view-radius", type=int, help="partial observability; default: the suite's, or none")
    return made


def main(arguments: Sequence[str] | None = None) -> None:
    """Serves one client until it closes the connection."""
    options = parser().parse_args(arguments)
    if options.output is not None and options.suite is None:
        raise InvalidConfig("Expects --output only with --suite, actual: no suite")
    session = Session(options.suite, options.output, options.view_radius)
    try:
        make_server(session, of_suite=options.suite is not None).run()
    finally:
        session.close()


if __name__ == "__main__":
    run_command(main)
