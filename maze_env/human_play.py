"""Play a maze in the terminal.

    python -m maze_env.human_play
    python -m maze_env.human_play --rows 12 --cols 20 --generator wilson --braid 0.3 --view-radius 1 --seed 7

Arrow keys (or w, a, s, d) move, u undoes, h shows the next move of a shortest path, n makes a new maze, q quits.
Without a terminal, e.g. from a pipe, keys are read from the input, one character each.
"""

import argparse
import os
import select
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from importlib.util import find_spec

from maze_env._cli import run_command
from maze_env.maze import Maze
from maze_env.moves import Move
from maze_env.solving import shortest_path
from maze_env.token_maze import TokenMazeEnv

KEYS = {
    "w": Move.UP, "s": Move.DOWN, "a": Move.LEFT, "d": Move.RIGHT,
    "\x1b[A": Move.UP, "\x1b[B": Move.DOWN, "\x1b[D": Move.LEFT, "\x1b[C": Move.RIGHT,
    "\x1bOA": Move.UP, "\x1bOB": Move.DOWN, "\x1bOD": Move.LEFT, "\x1bOC": Move.RIGHT,
}  # fmt: skip
"""Letters, and what terminals send for the arrow keys in their two modes."""
HELP = "arrows or w a s d: move   u: undo   h: hint   n: new maze   q: quit"
CLEAR = "\x1b[H\x1b[2J"


class Game:
    """A person's game: the environment, its seed, and the moves so far, from which undo plays again."""

    def __init__(self, env: TokenMazeEnv, seed: int):
        self.env = env
        self.start(seed)

    def start(self, seed: int) -> None:
        """A new maze."""
        self.seed = seed
        self.env.reset(seed=seed)
        self.maze: Maze = self.env.maze
        self.moves: list[Move] = []
        self.message = ""
        self.over = False

    def press(self, key: str) -> bool:
        """Does what ``key`` says; False to quit."""
        self.message = ""
        if key == "q":
            return False
        if key == "n":
            self.start(self.seed + 1)
        elif key == "u":
            self.undo()
        elif key == "h" and not self.over:
            here = Maze.trusted(self.maze.walls, self.env.position, self.maze.target)
            self.message = f"Hint: {shortest_path(here)[0].name.lower()}."
        elif key in KEYS and not self.over:
            self.move(KEYS[key])
        return True

    def move(self, move: Move) -> None:
        """One move of the environment."""
        self.moves.append(move)
        _, _, terminated, truncated, info = self.env.step(int(move))
        self.message = {"hit_wall": "A wall.", "left_grid": "The edge of the maze."}.get(info["last_move"], "")
        self.over = terminated or truncated
        if terminated:
            best = len(shortest_path(self.maze))
            self.message = f"Solved in {len(self.moves)} steps; the shortest way has {best}. n: new maze, q: quit."
        elif truncated:
            self.message = f"Out of steps after {len(self.moves)}. u: undo, n: new maze, q: quit."

    def undo(self) -> None:
        """Plays all moves but the last again: under fog, what was seen there is forgotten as well."""
        moves = self.moves[:-1]
        self.env.reset(options={"maze": self.maze})
        self.moves, self.over = [], False
        for move in moves:
            self.move(move)
        self.message = ""

    def screen(self) -> str:
        """What the person sees."""
        spec = self.env.maze_spec
        title = f"{spec.rows}x{spec.cols} {spec.generator}   seed {self.seed}   steps {len(self.moves)}"
        return f"{title}\n{self.env.render()}\n{self.message}\n{HELP}\n"


@contextmanager
def unbuffered_terminal() -> Iterator[Iterator[str]]:
    """Gives keys as they are pressed; the terminal is put back as it was at the end."""
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


def keys_of_pipe() -> Iterator[str]:
    """The characters of an input that is no terminal; newlines are no keys."""
    while key := sys.stdin.read(1):
        if not key.isspace():
            yield key


def main(arguments: Sequence[str] | None = None) -> None:
    """Plays until the person quits or the input ends."""
    parser = argparse.ArgumentParser(
        prog="python -m maze_env.human_play", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=8)
    parser.add_argument("--cols", type=int, default=12)
    parser.add_argument("--generator", default="dfs")
    parser.add_argument("--braid", type=float, default=0.0, help="share of the dead ends that are opened")
    parser.add_argument("--view-radius", type=int, default=None, help="play in fog: cells seen around the agent")
    parser.add_argument("--seed", type=int, default=0, help="of the first maze; each new one adds 1")
    options = parser.parse_args(arguments)
    env = TokenMazeEnv(
        options.rows,
        options.cols,
        generator=options.generator,
        braid=options.braid,
        view_radius=options.view_radius,
        split=None,
        render_mode="ansi",
    )
    game = Game(env, options.seed)
    terminal = sys.stdin.isatty() and sys.stdout.isatty() and find_spec("termios") is not None  # not on Windows
    # The terminal is made ready before anything is shown, so that no key is lost.
    with unbuffered_terminal() if terminal else nullcontext(keys_of_pipe()) as keys:
        print((CLEAR if terminal else "") + game.screen(), end="", flush=True)
        for key in keys:
            if not game.press(key):
                break
            print((CLEAR if terminal else "\n") + game.screen(), end="", flush=True)


if __name__ == "__main__":
    run_command(main)
