"""Mazes by the command line: drawn, in the tokens of AlphaMaze, or as JSON lines with their solutions.

    tokenmaze generate
    tokenmaze generate --size 8x12 --generator wilson --seed 7 --format text
    tokenmaze generate --count 1000 --lengths 5-8 --split benchmark -o mazes.jsonl
    tokenmaze bench --agent shortest-path --suite mazes.jsonl

The maze of seed 7 is the one that ``TokenMazeEnv.reset(seed=7)`` draws; each further maze adds 1 to the seed. An object
of the JSON lines (--json, and in a file *.jsonl) has "maze" (its tokens), "answer" (a shortest path), "moves" (the
length of that path) and "seed".
"""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np

from maze_env._arguments import SEEDS, ArgumentParser, add_size, read_pair, read_seed
from maze_env._cli import called_as, check_output, path_of, run_command, write_result
from maze_env._text import harmless
from maze_env.answers import moves_to_text
from maze_env.errors import InvalidConfig
from maze_env.generation import GENERATORS, MazeSpec, generate_batch
from maze_env.keys import draw_key
from maze_env.maze import Maze
from maze_env.solving import shortest_path
from maze_env.splits import SPLITS
from maze_env.tokens import maze_to_text

CHUNK = 4096
"""Mazes made together."""
ALL = "all"
"""Says of no split that it is the one."""


def as_json(maze: Maze, seed: int) -> str:
    """A maze and its solution as one line of JSON."""
    path = shortest_path(maze)
    row = {"maze": maze_to_text(maze), "answer": moves_to_text(path), "moves": len(path), "seed": seed}
    return json.dumps(row) + "\n"


FORMATS: dict[str, Callable[[Maze, int], str]] = {
    "drawing": lambda maze, seed: f"seed {seed}, {len(shortest_path(maze))} moves\n{maze}\n\n",
    "text": lambda maze, seed: f"{maze_to_text(maze)}\n",
    "jsonl": as_json,
}
"""What each writes of a maze and its seed."""


def parser() -> ArgumentParser:
    """The command line."""
    made = ArgumentParser(prog=called_as("maze_env.generate_command"), description=__doc__)
    add = made.add_argument
    add_size(made, default=(5, 5))
    add("--generator", choices=tuple(GENERATORS), default="dfs", help="how walls are made (default %(default)s)")
    add("--braid", type=float, default=0.0, help="share of the dead ends that are opened (default %(default)s)")
    add("--lengths", type=partial(read_pair, "-"), metavar="MIN-MAX", help="moves of the shortest path")
    splits = "of the layouts, which training, validation and benchmark do not share (default %(default)s)"
    add("--split", choices=(*SPLITS, ALL), default="train", help=splits)
    add("--count", type=int, default=1, help="how many (default %(default)s)")
    add("--seed", type=read_seed, default=0, help="of the first maze; each further one adds 1 (default %(default)s)")
    add("--format", choices=tuple(FORMATS), help="default: jsonl into a file *.jsonl, else drawing")
    add("--json", dest="format", action="store_const", const="jsonl", help="the same as --format jsonl")
    add("-o", "--output", type=path_of, help="a file in place of the terminal; a new one unless --overwrite")
    add("--overwrite", action="store_true", help="replace an existing output")
    return made


def mazes(spec: MazeSpec, seed: int, count: int) -> Iterator[tuple[Maze, int]]:
    """``count`` mazes, each with its seed."""
    for start in range(seed, seed + count, CHUNK):
        seeds = range(start, min(start + CHUNK, seed + count))
        batch = generate_batch([draw_key(np.random.default_rng(one)) for one in seeds], spec)
        yield from ((batch[place], one) for place, one in enumerate(seeds))


def main(arguments: Sequence[str] | None = None) -> None:
    """Makes the mazes and writes them."""
    options = parser().parse_args(arguments)
    if not 1 <= options.count <= len(SEEDS) - options.seed:
        raise InvalidConfig(f"Expects --count from 1 to {len(SEEDS) - options.seed}, actual: {options.count}")
    low, high = options.lengths or (1, None)
    rows, cols = options.size
    spec = MazeSpec(
        rows, cols, min_length=low, max_length=high, generator=options.generator, braid=options.braid,
        split=None if options.split == ALL else options.split,
    )  # fmt: skip
    check_output(options.output, options.overwrite)
    in_lines = options.output is not None and options.output.suffix == ".jsonl"
    write = FORMATS[options.format or ("jsonl" if in_lines else "drawing")]
    texts = (write(maze, seed) for maze, seed in mazes(spec, options.seed, options.count))
    if options.output is None:
        sys.stdout.writelines(texts)
    else:
        write_result(options.output, "".join(texts))
        print(f"{options.count:,} in {harmless(str(options.output))}")


if __name__ == "__main__":
    run_command(main)
