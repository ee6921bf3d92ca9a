"""Play a maze in the terminal.

    tokenmaze play
    tokenmaze play --size 12x20 --generator wilson --braid 0.3 --view-radius 1 --seed 7
    tokenmaze play --daily

Arrow keys (or w, a, s, d) move, u undoes, h shows the next move of a shortest path, n makes a new maze, q quits.
Without a terminal, e.g. from a pipe, keys are read from the input, one character each.
"""

import math
import os
import select
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import date
from importlib.util import find_spec

import numpy as np

from maze_env._arguments import ArgumentParser, add_size, read_seed
from maze_env._cli import called_as, run_command
from maze_env._terminal import CLEAR, has_color, in_color
from maze_env.attempt import End
from maze_env.dynamics import HIT_WALL, LEFT_GRID
from maze_env.episode import Episode
from maze_env.generation import MazeSpec, generate
from maze_env.keys import draw_key
from maze_env.maze import Cell, Maze
from maze_env.moves import Move
from maze_env.options import check_seed
from maze_env.solving import shortest_path

KEYS = {
    "w": Move.UP, "s": Move.DOWN, "a": Move.LEFT, "d": Move.RIGHT,
    "\x1b[A": Move.UP, "\x1b[B": Move.DOWN, "\x1b[D": Move.LEFT, "\x1b[C": Move.RIGHT,
    "\x1bOA": Move.UP, "\x1bOB": Move.DOWN, "\x1bOD": Move.LEFT, "\x1bOC": Move.RIGHT,
}  # fmt: skip
"""Letters, and what terminals send for the arrow keys in their two modes."""
HELP = "arrows or w a s d: move   u: undo   h: hint   n: new maze   q: quit"
MESSAGES = {HIT_WALL: "A wall.", LEFT_GRID: "The edge of the maze."}


class Game:
    """A person's game: episodes of the mazes that ``TokenMazeEnv.reset(seed=seed)`` draws, the seed counting up."""

    def __init__(self, spec: MazeSpec, seed: int, view_radius: int | None = None, max_steps: int | None = None):
        self.spec, self.view_radius, self.max_steps = spec, view_radius, max_steps
        self.start(seed)

    def start(self, seed: int) -> None:
        """A new maze."""
        self.seed = seed
        self.maze = generate(draw_key(np.random.default_rng(check_seed(seed))), self.spec)
        """The one being played."""
        self.hints = 0
        """How many were asked for in this maze."""
        self.play([])

    def play(self, moves: Sequence[Move]) -> None:
        """A new episode of the maze that begins with ``moves``."""
        self.episode = Episode(self.maze, max_steps=self.max_steps, view_radius=self.view_radius, render_mode="ansi")
        """The attempt at it."""
        for move in moves:
            self.episode.move(move)
        self.message = ""
        """What the person is told below the maze."""

    def press(self, key: str) -> bool:
        """Does what ``key`` says; False to quit."""
        self.message = ""
        if key == "q":
            return False
        over = self.episode.end is not None
        if key == "n":
            self.start(self.seed + 1)
        elif key == "u":  # under partial observability, this forgets what the last move revealed
            self.play(self.episode.moves[:-1])
        elif key == "h" and not over:
            here = Maze.from_validated(self.maze.walls, self.episode.env.position, self.maze.target)
            self.message = f"Hint: {shortest_path(here)[0].name.lower()}."
            self.hints += 1
        elif key in KEYS and not over:
            self.move(KEYS[key])
        return True

    def move(self, move: Move) -> None:
        """Plays one move."""
        self.episode.move(move)
        count = len(self.episode.moves)
        if self.episode.end is End.SOLVED:
            best = len(shortest_path(self.maze))
            helped = f" with {self.hints} hint{'s' * (self.hints > 1)}" if self.hints else ""
            self.message = f"Solved in {count} steps{helped}; the shortest path has {best}. n: new maze, q: quit."
        elif self.episode.end is not None:
            self.message = f"Out of steps after {count}. u: undo, n: new maze, q: quit."
        else:
            self.message = MESSAGES.get(self.episode.outcomes[-1], "")

    def screen(self, size: tuple[int, int] | None = None, colored: bool = False) -> str:
        """What the person sees.

        Args:
            size: columns and lines of the terminal; of a maze that is larger, the part around the agent is shown.
            colored: whether to color the drawing.
        """
        title = f"{self.spec.rows}x{self.spec.cols} {self.spec.generator}   seed {self.seed}"
        title += f"   steps {len(self.episode.moves)}"
        drawing = str(self.episode.env.render()).splitlines()
        if size is not None:
            lines = [max(1, math.ceil(len(line) / size[0])) for line in (title, self.message, HELP)]
            taken = sum(lines) + 1  # the cursor's
            drawing = window(drawing, self.episode.env.position, (size[0], size[1] - taken))
        if colored:
            drawing = list(map(in_color, drawing))
        return "\n".join([title, *drawing, self.message, HELP, ""])


def window(drawing: list[str], position: Cell, size: tuple[int, int]) -> list[str]:
    """The part of a drawing around the agent's cell that fits: ``size`` is columns and lines."""
    (width, height), (row, col) = (size[0], max(1, size[1])), position
    top = max(0, min(2 * row + 1 - height // 2, len(drawing) - height))
    left = max(0, min(4 * col + 2 - width // 2, len(drawing[0]) - width))
    return [line[left : left + width] for line in drawing[top : top + height]]


@contextmanager
def unbuffered_terminal() -> Iterator[Iterator[str]]:
    """Yields keys as they are pressed; restores the terminal at the end."""
    import termios
    import tty

    file = sys.stdin.fileno()
    before = termios.tcgetattr(file)
    tty.setcbreak(file)
    try:
        yield keys_of_terminal(file)
    finally:
        termios.tcsetattr(file, termios.TCSADRAIN, before)


def keys_of_terminal(file: int) -> Iterator[str]:
    """Keys of an unbuffered terminal; what an arrow key sends is one key."""
    while key := os.read(file, 1).decode(errors="ignore"):
        while key[0] == "\x1b" and len(key) < 3 and select.select([file], [], [], 0.05)[0]:
            key += os.read(file, 1).decode(errors="ignore")
        yield key


def parser() -> ArgumentParser:
    """The command line."""
    made = ArgumentParser(prog=called_as("maze_env.human_play"), description=__doc__)
    add_size(made, default=(8, 12))
    made.add_argument("--generator", default="dfs")
    made.add_argument("--braid", type=float, default=0.0, help="share of the dead ends that are opened")
    made.add_argument("--view-radius", type=int, help="partial observability: cells seen around the agent")
    first = made.add_mutually_exclusive_group()
    first.add_argument("--seed", type=read_seed, default=0, help="of the first maze; each new one adds 1")
    first.add_argument("--daily", action="store_true", help="today's maze: the seed is the date, as 20261127")
    return made


def main(arguments: Sequence[str] | None = None) -> None:
    """Plays until the person quits or the input ends."""
    options = parser().parse_args(arguments)
    rows, cols = options.size
    spec = MazeSpec(rows, cols, generator=options.generator, braid=options.braid, split=None)
    seed = int(date.today().strftime("%Y%m%d")) if options.daily else options.seed
    game = Game(spec, seed, options.view_radius)
    terminal = sys.stdin.isatty() and sys.stdout.isatty() and find_spec("termios") is not None  # not on Windows
    characters = iter(lambda: sys.stdin.read(1), "")  # of a pipe; white space among them is ignored
    colored = terminal and has_color()

    def show() -> None:
        size = shutil.get_terminal_size() if terminal else None
        print((CLEAR if terminal else "") + game.screen(size, colored), end="", flush=True)

    # The terminal is set before anything is printed, so that no key is lost.
    with unbuffered_terminal() if terminal else nullcontext(filter(str.strip, characters)) as keys:
        show()
        for key in keys:
            if not game.press(key):
                break
            if not terminal:
                print()
            show()


if __name__ == "__main__":
    run_command(main)
