"""Which mazes a stage trains on, of what sizes and lengths, how they are written, and how their solutions are.

A row is a pure function of (``maze_seed``, its index, the distributions), so a longer run begins with the rows of a
shorter one.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice, product
from random import Random
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from maze_env import traces
from maze_env.errors import InvalidConfig, lookup
from maze_env.generation import GENERATORS, MazeSpec, generate_batch
from maze_env.keys import key_of
from maze_env.maze import MAX_SIDE, Cell, Maze
from maze_env.padding import enclosed
from maze_env.phrasings import PHRASINGS, STANDARD, phrasing_named
from maze_env.placement import LISTINGS, MAX_NAMES_SIDE, UNMOVED, placed_text, read_placed, shift_names
from maze_env.splits import MIN_SPLIT_SIDE
from tokenmaze.training.arguments import option, read_yaml, require_at_least
from tokenmaze.training.walks import WALK, origins_of, walk_maze, walk_text, write_walk

CHUNK = 4096
"""Mazes generated together."""
VALIDATION_SEED = 20_250_220
"""Chooses the validation mazes of every run."""
NO_PADDING = "none"
"""Of ``DataConfig.paddings``: a maze as it is."""
NO_WALK = "none"
"""Of ``DataConfig.walks``: a maze and its solution."""
AT_ORIGIN = "origin"
"""Of ``DataConfig.placements``: in standard names."""

Weights = dict[Any, float] | str | None
"""Names and their weights; a name alone weighs 1. A text is read as YAML, which is how the command line gives it."""
Key = TypeVar("Key")


@dataclass
class DataConfig:
    """Which mazes a stage trains on. Checked at construction; the values' parsed form is kept beside them.

    >>> config = DataConfig(sizes={"5x5": 3, "6x6": 1}, trace_styles=[{"rows": 500, "path": 1}, {"retry": 1}])
    >>> config.size_shares
    {(5, 5): 0.75, (6, 6): 0.25}
    >>> config.phases
    [(500, {'path': 1.0}), (None, {'retry': 1.0})]
    """

    examples: int = option(10_000, "Rows to make; the run's budget, with its batch size.")
    sizes: Weights = option("5x5", "Grid sizes and their weights, e.g. {5x5: 2, 6x6: 1}; 5x5 alone will do.")
    lengths: Weights = option(
        None, "Ranges of the shortest path's moves and weights, e.g. {1-4: 3, 5-8: 4}; null: any."
    )
    generators: Weights = option("dfs", f"How mazes are generated, and weights, out of {', '.join(GENERATORS)}.")
    braids: Weights = option("0", "Shares of dead ends that are opened, and weights, e.g. {0: 1, 0.5: 1}.")
    paddings: Weights = option(
        NO_PADDING,
        "Grids of closed cells, anywhere in which mazes lie, and weights: {none: 3, 8x8: 1} closes a fourth in. "
        "There is more to read, and no more to solve.",
    )
    placements: Weights = option(
        AT_ORIGIN,
        "Grids of names, anywhere in which mazes lie, and weights: {origin: 1, 20x20: 1} starts half of the mazes at "
        "<|0-0|>, as they are standard, and the others at random. For mode plan.",
    )
    listings: Weights = option(
        STANDARD, f"Orders in which a maze's cells are written, and weights, out of {', '.join(LISTINGS)}. Likewise."
    )
    phrasings: Weights = option(
        STANDARD,
        f"Other ways of writing mazes and answers, each with a prompt of its own, and weights, out of "
        f"{', '.join(PHRASINGS)}. For mode plan, with placements, listings and walks as they are by default.",
    )
    trace_styles: Weights | list[dict[str, float]] = option(
        "{path: 1, retry: 1}",
        f"Trace styles and their weights, out of {', '.join(traces.TRACE_STYLES)}; SFT alone reads this. A "
        "list is a curriculum: [{rows: 30000, path: 1}, {retry: 1}] is 30,000 rows of paths, then retries.",
    )
    walks: Weights = option(
        NO_WALK,
        "Rows that walk at random through a tree without a target, by its size, and weights: {none: 4, 8x8: 1} makes a "
        "fifth of the rows walks; they solve nothing, and teach to read. SFT alone reads this.",
    )
    split: str = option("train", "The split to draw from: train, validation or benchmark.")
    maze_seed: int = option(0, "Chooses the mazes; the run's own seed does not.")

    def __post_init__(self) -> None:
        require_at_least(self, examples=1, maze_seed=0)
        for name in (
            "sizes", "lengths", "generators", "braids", "paddings", "placements", "listings", "phrasings",
            "trace_styles", "walks",
        ):  # fmt: skip
            value = getattr(self, name)
            value = read_yaml(value, name) if isinstance(value, str) else value
            setattr(self, name, {value: 1} if isinstance(value, (str, int, float)) else value)
        self.size_shares = _shares(self.sizes, "sizes", "ROWSxCOLS", partial(_read_pair, "x"))
        """The share of each (rows, cols)."""
        self.length_shares: dict[tuple[int, int], float] = {}
        """The share of each (min, max) of the shortest path's moves; empty for no bounds."""
        if self.lengths is not None:
            self.length_shares = _shares(self.lengths, "lengths", "MIN-MAX", partial(_read_pair, "-"))
        self.generator_shares = _shares(self.generators, "generators", "name", str)
        """The share of each generator."""
        self.braid_shares = _shares(self.braids, "braids", "share", float)
        """The share of mazes in which each share of the dead ends is opened."""
        self.padding_shares = _shares(self.paddings, "paddings", "none or ROWSxCOLS", partial(_read_grid, NO_PADDING))
        """The share of each (rows, cols) of closed cells around mazes; ``None`` for those with none."""
        self.placement_shares = _shares(
            self.placements, "placements", "origin or ROWSxCOLS", partial(_read_grid, AT_ORIGIN)
        )
        """The share of each (rows, cols) of names that mazes lie in; ``None`` for those at the origin."""
        self.listing_shares = _shares(self.listings, "listings", "name", str)
        """The share of each order of cells."""
        for listing in self.listing_shares:
            lookup("listing", listing, LISTINGS)
        self.walk_shares = _shares(self.walks, "walks", "none or ROWSxCOLS", partial(_read_grid, NO_WALK))
        """The share of rows that are walks through trees of (rows, cols); ``None`` for those that are solved."""
        self.phrasing_shares = _shares(self.phrasings, "phrasings", "name", str)
        """The share of each phrasing."""
        for phrasing in self.phrasing_shares:
            phrasing_named(phrasing)
        others = [*self.placement_shares, *self.walk_shares, *self.listing_shares]
        if set(self.phrasing_shares) != {STANDARD} and set(others) != {None, STANDARD}:
            raise InvalidConfig(
                f"Expects placements {AT_ORIGIN}, listings {STANDARD} and walks {NO_WALK} with phrasings, actual: "
                f"placements={self.placements}, listings={self.listings}, walks={self.walks}"
            )
        walked = [size for size in self.walk_shares if size]
        for rows, cols in walked:
            MazeSpec(rows, cols, split=self.split)
        padded = [room for room in self.padding_shares if room]
        _check_room("paddings", padded, self.size_shares, MAX_SIDE)
        names = [room for room in self.placement_shares if room]
        _check_room("placements", names, [*self.size_shares, *padded, *walked], MAX_NAMES_SIDE)
        self.phases = _phases(self.trace_styles)
        """The rows of each phase of the curriculum, ``None`` for the last, and the shares of its trace styles."""
        self.specs = [
            MazeSpec(rows, cols, generator=generator, braid=braid, split=self.split)
            for (rows, cols), generator, braid in product(self.size_shares, self.generator_shares, self.braid_shares)
        ]
        """Every kind of maze that is drawn: sizes, within them generators, within them braids."""
        for spec in self.specs:
            for min_length, max_length in self.length_shares:
                replace(spec, min_length=min_length, max_length=max_length)

    @property
    def is_standard(self) -> bool:
        """Whether all mazes are written as ``maze_to_text`` does."""
        orders = {*self.listing_shares, *self.phrasing_shares}
        return set(self.placement_shares) == {None} and orders == {STANDARD}


def _read_grid(none: str, text: str) -> tuple[int, int] | None:
    return None if text == none else _read_pair("x", text)


def _check_room(what: str, grids: Iterable[tuple[int, int]], sizes: Iterable[tuple[int, int]], most: int) -> None:
    """Raises InvalidConfig for a grid that does not hold each of the sizes, or has a side above ``most``."""
    for grid, (rows, cols) in product(grids, sizes):
        if not (rows <= grid[0] <= most and cols <= grid[1] <= most):
            right = f"that hold mazes of {rows}x{cols}, up to {most}x{most}"
            raise InvalidConfig(f"Expects {what} {right}, actual: {grid[0]}x{grid[1]}")


def _read_pair(separator: str, text: str) -> tuple[int, int]:
    found = re.fullmatch(f"([0-9]+){separator}([0-9]+)", text)
    if not found:
        raise ValueError(text)
    return int(found[1]), int(found[2])


def _shares(weights: Any, what: str, form: str, read: Callable[[str], Key]) -> dict[Key, float]:
    """``weights`` as shares that sum to 1, in their order, with their names ``read``."""
    expected = f"Expects {what} as {{{form}: weight}}, each once and with a weight above 0"
    if not isinstance(weights, Mapping) or not weights:
        raise InvalidConfig(f"{expected}, actual: {weights!r}")
    shares: dict[Key, float] = {}
    for name, weight in weights.items():
        try:
            key = read(str(name))
        except ValueError:
            raise InvalidConfig(f"{expected}, actual: {name!r} in {weights}") from None
        is_number = isinstance(weight, (int, float)) and not isinstance(weight, bool)
        if key in shares or not is_number or not 0 < weight < np.inf:
            raise InvalidConfig(f"{expected}, actual: {name!r}: {weight!r} in {weights}")
        shares[key] = float(weight)
    total = sum(shares.values())
    return {key: weight / total for key, weight in shares.items()}


def _phases(styles: Any) -> list[tuple[int | None, dict[str, float]]]:
    """``DataConfig.phases`` of ``trace_styles``."""
    phases: list[tuple[int | None, dict[str, float]]] = []
    parts = styles if isinstance(styles, list) and styles else [styles]
    for number, part in enumerate(parts, start=1):
        weights = dict(part) if isinstance(part, Mapping) else part
        rows = weights.pop("rows", None) if isinstance(weights, dict) else None
        if rows is not None if number == len(parts) else type(rows) is not int or rows < 1:
            raise InvalidConfig(
                "Expects trace_styles as {style: weight}, or as a list of such phases in which each but the last has "
                f"rows: N, at least 1, actual: {part!r} in {styles}"
            )
        shares = _shares(weights, "trace_styles", "style", str)
        for style in shares:
            traces.style_named(style)
        phases.append((rows, shares))
    return phases


def make_mazes(config: DataConfig) -> Iterator[tuple[Maze, int]]:
    """``config.examples`` mazes, each with a key of its own for whatever else its row draws."""
    sizes, ranges = list(config.size_shares.values()), np.array(list(config.length_shares))
    for start in range(0, config.examples, CHUNK):
        rng = np.random.default_rng([config.maze_seed, start // CHUNK])
        kind_of = rng.choice(len(sizes), size=CHUNK, p=sizes)
        length_of = rng.choice(len(ranges), size=CHUNK, p=list(config.length_shares.values())) if len(ranges) else None
        keys: NDArray[np.uint64] = rng.integers(0, 2**64, size=CHUNK, dtype=np.uint64)
        for shares in (config.generator_shares, config.braid_shares):
            if len(shares) > 1:  # where there is no choice, nothing is drawn
                kind_of = kind_of * len(shares) + rng.choice(len(shares), size=CHUNK, p=list(shares.values()))
        mazes: dict[int, Maze] = {}
        for number, spec in enumerate(config.specs):
            chosen = np.flatnonzero(kind_of == number)
            bounds = None if length_of is None else tuple(ranges[length_of[chosen]].T)
            batch = generate_batch(keys[chosen], spec, bounds)
            mazes.update((int(index), batch[i]) for i, index in enumerate(chosen))
        for index in range(min(CHUNK, config.examples - start)):
            yield _padded(config, mazes[index], int(keys[index])), int(keys[index])


def _padded(config: DataConfig, maze: Maze, key: int) -> Maze:
    """The maze of a row in one of the paddings of ``config``; the key chooses, apart from all else that it chooses."""
    if set(config.padding_shares) == {None}:
        return maze
    rng = Random(key_of("padded", key))
    (room,) = rng.choices(list(config.padding_shares), list(config.padding_shares.values()))
    return maze if room is None else enclosed(maze, *room, _place(rng, room, maze))


def _place(rng: Random, room: tuple[int, int], maze: Maze) -> Cell:
    """Anywhere in a grid where the maze fits."""
    return int(rng.random() * (room[0] - maze.rows + 1)), int(rng.random() * (room[1] - maze.cols + 1))


class Written(NamedTuple):
    """How a maze is written for a model."""

    text: str
    """The maze, placed or not where its phrasing is the standard one (``maze_env.placement``)."""
    phrasing: str = STANDARD
    """The one of ``maze_env.phrasings`` that it is in."""
    offset: Cell = UNMOVED
    """Of its names."""

    @property
    def maze(self) -> Maze:
        """The maze, read from the text alone. Raises InvalidMaze with the first thing that is wrong."""
        return read_placed(self.text).maze if self.phrasing == STANDARD else PHRASINGS[self.phrasing].read(self.text)


def written(config: DataConfig, maze: Maze, key: int) -> Written:
    """A row's maze in one of the phrasings, placements and listings of ``config``.

    The key chooses, apart from all else that it chooses; a share in one distribution does not move what another gives.
    """
    phrasings = config.phrasing_shares
    (phrasing,) = Random(key_of("phrasing", key)).choices(list(phrasings), list(phrasings.values()))
    if phrasing != STANDARD:
        return Written(PHRASINGS[phrasing].write(maze), phrasing)
    rng = Random(key_of("written", key))
    (names,) = rng.choices(list(config.placement_shares), list(config.placement_shares.values()))
    (listing,) = rng.choices(list(config.listing_shares), list(config.listing_shares.values()))
    offset = _place(rng, names or (maze.rows, maze.cols), maze)
    return Written(placed_text(maze, offset, listing, rng.getrandbits(64)), STANDARD, offset)


def training_texts(config: DataConfig) -> list[Written]:
    """The mazes of ``training_mazes`` as they are written."""
    return [written(config, *row) for row in make_mazes(config)]


def require_standard_texts(config: DataConfig, reason: str) -> None:
    """Raises InvalidConfig where mazes are placed, their cells listed in another order, or written in other ways."""
    if not config.is_standard:
        came = f"placements={config.placements}, listings={config.listings}, phrasings={config.phrasings}"
        right = f"placements {AT_ORIGIN}, listings {STANDARD} and phrasings {STANDARD}"
        raise InvalidConfig(f"Expects {right} ({reason}), actual: {came}")


def training_mazes(config: DataConfig) -> list[Maze]:
    """The mazes of ``make_mazes``."""
    return [maze for maze, _ in make_mazes(config)]


def validation_mazes(config: DataConfig, count: int) -> list[Maze]:
    """Mazes of the validation split in the sizes and lengths of ``config``: the same in every run that has these.

    They are attempted in standard texts, however those of training are written.

    Small grids are all train (maze_env/splits.py): a run on nothing else is evaluated on 5x5.
    """
    shares = config.size_shares.items()
    sizes = {f"{rows}x{cols}": share for (rows, cols), share in shares if min(rows, cols) >= MIN_SPLIT_SIDE}
    drawn = replace(config, sizes=sizes or "5x5", split="validation", maze_seed=VALIDATION_SEED, examples=count,
                    paddings=NO_PADDING, placements=AT_ORIGIN, listings=STANDARD, phrasings=STANDARD)  # fmt: skip
    return training_mazes(drawn)


def supervised_draws(config: DataConfig) -> Iterator[tuple[Maze, int, str]]:
    """What is drawn of each row for SFT: a maze, the row's key, and the style of the trace."""
    rng = np.random.default_rng([config.maze_seed, 2**32])
    mazes = make_mazes(config)
    phases = ((shares, maze) for rows, shares in config.phases for maze in islice(mazes, rows))
    for shares, (maze, key) in phases:
        yield maze, key, list(shares)[rng.choice(len(shares), p=list(shares.values()))]


def supervised_row(config: DataConfig, maze: Maze, key: int, style: str) -> dict[str, str]:
    """A row for SFT as drawn: ``maze`` (its text) and ``phrasing``, ``style``, and ``completion`` (trace and answer, in
    the tokens of the maze).

    Walks (training/walks.py) have the style ``walk``, and no target in their maze.
    """
    (walked,) = Random(key_of("walks", key)).choices(list(config.walk_shares), list(config.walk_shares.values()))
    if walked is not None:
        maze = walk_maze(*walked, config.split, key)
    text, phrasing, offset = written(config, maze, key)
    if walked is None:
        completion = traces.write(style, maze, key)
    else:
        origins = origins_of(maze, key)
        text, style, completion = walk_text(text, origins, offset), WALK, write_walk(maze, origins, key)
    completion = PHRASINGS[phrasing].translate(shift_names(completion, offset))
    return {"maze": text, "phrasing": phrasing, "style": style, "completion": completion}


def supervised_rows(config: DataConfig) -> Iterator[dict[str, str]]:
    """The rows for SFT, one after the other."""
    return (supervised_row(config, *draw) for draw in supervised_draws(config))
