"""Which suites there are: how the mazes of each are drawn, and the hash of what came out.

``freeze.py`` makes them, ``suites.py`` loads them. A name, once published, keeps its mazes; a changed draw is a new
version.
"""

from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Any

from maze_env.phrasings import PHRASINGS, STANDARD
from maze_env.symmetry import SYMMETRIES
from tokenmaze.agents.base import MODES, Mode

FROZEN = Path(__file__).parent / "frozen"
GENERATOR = "dfs"
GENERATORS = (GENERATOR, "wilson", "kruskal", "prim", "binary-tree")
"""Those that suites draw from: what ``maze_env.generation`` may have besides is in none of them."""
ON_PATH, OFF_PATH = "on the way", "beside it"
"""Where a passage is closed; the texts stand in frozen files and in keys."""
V1_NAMES = (
    {n: n for n in ("braid", "size", "generator", "turns", "corridors")}
    | {"is_unique": "unique"}
    | {"closed_passage": "walled_up"}
)
"""Optional attributes of a ``Draw``, in their order in its key, and what a frozen file of version 1 calls them."""


@dataclass(frozen=True)
class Draw:
    """Some of the mazes of a suite."""

    min_length: int
    """Fewest moves of the shortest path."""
    max_length: int
    """Most of them, inclusive."""
    count: int
    """How many mazes."""
    braid: float = 0.0
    """Share of the dead ends that are opened."""
    size: tuple[int, int] | None = None
    """Rows and columns, where they are not the suite's."""
    generator: str = GENERATOR
    """One of ``generation.GENERATORS``."""
    turns: tuple[int, int] | None = None
    """Minimum and maximum number of turns of the shortest path."""
    corridors: tuple[int, int] | None = None
    """The same of its ``longest_corridor``'s cells (maze_env/solving.py)."""
    level: str = ""
    """Of its mazes; "" where the length of the shortest path says it."""
    is_unique: bool = False
    """Whether only mazes with a unique shortest path are taken."""
    closed_passage: str = ""
    """Where one more passage is closed (``freeze.close_passage``), ``ON_PATH`` or ``OFF_PATH``; "" for none. Lengths
    are those of the shortest path before that.
    """

    @property
    def _v1_options(self) -> dict[str, Any]:
        """What differs from the default, under the names of version 1."""
        values = {written: (getattr(self, name), getattr(Draw, name)) for name, written in V1_NAMES.items()}
        return {name: value for name, (value, default) in values.items() if value != default}

    @property
    def key(self) -> tuple[Any, ...]:
        """What distinguishes its candidates from those of other draws."""
        return (self.min_length, self.max_length, *self._v1_options.values())

    @property
    def v1_form(self) -> list[Any]:
        """Its form, without defaults, in a frozen file of version 1: published hashes depend on it, never to change."""
        named = [value if name == "braid" else {name: value} for name, value in self._v1_options.items()]
        return [self.min_length, self.max_length, self.count, *named, *([self.level] if self.level else [])]


@dataclass(frozen=True, kw_only=True)
class SuiteSpec:
    """How a suite is made, and the hash of what came out.

    >>> from benchmarks.freeze import make_mazes
    >>> spec = SuiteSpec(name="mine", draws=(Draw(1, 4, count=2),), levels={"Short": (1, 4)}, sha256="")
    >>> len(make_mazes(spec))
    2
    """

    name: str
    """What ``--suite`` names."""
    asks: str = ""
    """What its result tells, in a line."""
    split: str = "benchmark"
    """Of the layouts."""
    rows: int = 5
    """Of the mazes, where their draw has no ``size``."""
    cols: int = 5
    """Likewise."""
    levels: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Bounds, inclusive, of each level's shortest-path lengths; empty where draws name the levels."""
    draws: tuple[Draw, ...]
    """Its mazes, in their order."""
    sha256: str
    """Of the frozen file's text, with "\\n" for line ends; of an external suite, of its mazes' texts
    (``external.read``). Results are on the same mazes when it is the same.
    """
    disjoint_from: tuple[str, ...] = ()
    """Suites of the same split whose layouts this one leaves out."""
    view_radius: int | None = None
    """Under which partial observability the suite is played; ``None`` for none."""
    modes: tuple[Mode, ...] = MODES
    """In which it can be measured."""
    phrasings: tuple[str, ...] = (STANDARD,)
    """Of ``maze_env.phrasings`` in which each maze is given; where there are several, they are the levels."""
    images: bool = False
    """Whether each maze stands there in its 8 symmetric images, one after the other."""
    version: int = 1
    """Goes up when its mazes change."""

    @property
    def max_steps(self) -> int | None:
        """Play's budget of moves for each maze; ``None`` for four times its cells, where sizes differ."""
        return None if any(draw.size for draw in self.draws) else 4 * self.rows * self.cols

    @property
    def mazes(self) -> int:
        """How many there are, images among them."""
        return sum(draw.count for draw in self.draws) * (len(SYMMETRIES) if self.images else 1)

    @property
    def sizes(self) -> list[str]:
        """Of its mazes, as ``5x5``, in the order of its draws."""
        each = (draw.size or (self.rows, self.cols) for draw in self.draws)
        return list(dict.fromkeys(f"{rows}x{cols}" for rows, cols in each))

    @property
    def level_names(self) -> list[str]:
        """The levels of its figures, in their order."""
        if len(self.phrasings) > 1:
            return list(self.phrasings)
        return list(self.levels) or list(dict.fromkeys(draw.level for draw in self.draws))

    @property
    def path(self) -> Path:
        """Of the frozen suite's file."""
        return FROZEN / f"{self.name}.json"


PAPER_LEVELS = {"Easy": (1, 4), "Medium": (5, 8), "Hard": (9, 13)}
"""MazeBench's levels by length of the shortest path (AlphaMaze, arXiv 2502.14669)."""


def paper_draws(hundreds: int) -> tuple[Draw, ...]:
    """The paper's composition of 50 easy, 40 medium and 10 hard mazes, ``hundreds`` times."""
    counts = zip(PAPER_LEVELS.values(), (50, 40, 10), strict=True)
    return tuple(Draw(low, high, count * hundreds) for (low, high), count in counts)


# Long enough for the unseen cells to matter: at radius 1 a target within two moves is visible.
FOG_LEVELS = {"Near": (3, 5), "Middle": (6, 9), "Far": (10, 24)}
FOG_DRAWS = (Draw(3, 24, 500), Draw(3, 24, 500, braid=0.5))

TRAINED_SIDES = (4, 6, 8, 10)
"""Sides of the square grids that recipe search-10x10 trains on; the others of suite ``sizes`` are held out."""
# Up to symmetry there are 12 of side 3 and 21 of side 4.
SIZE_COUNTS = {3: 10, 4: 20, **dict.fromkeys((5, 6, 7, 8, 9, 10, 12, 15, 20), 100)}
SIZE_DRAWS = tuple(
    Draw(1, side**2 - 1, count, size=(side, side), level=f"{side}x{side}{' held out' * (side not in TRAINED_SIDES)}")
    for side, count in SIZE_COUNTS.items()
)
TOPOLOGY_DRAWS = (
    *(Draw(1, 24, 100, generator=name, level=name) for name in GENERATORS),
    Draw(1, 24, 100, braid=0.5, level="half braided"),
    Draw(1, 24, 100, braid=1.0, level="no dead ends"),
    Draw(14, 24, 100, level="long corridors"),  # of dfs, along the path; suite ``corridors`` keeps the length fixed
)
# Paths of the same lengths in mazes of one generator: only the corridors differ.
CORRIDOR_DRAWS = tuple(
    Draw(5, 8, 200, generator="wilson", corridors=cells, level=f"corridors of {cells[0]}-{cells[1]} cells")
    for cells in ((2, 4), (5, 7), (8, 25))
)
TURNS = {(5, 6): ((1, 2), (3, 4)), (8, 9): ((1, 2), (3, 4), (5, 6)), (11, 12): ((3, 4), (5, 6), (7, 8))}
TURN_DRAWS = tuple(
    Draw(low, high, 100, turns=turns, level=f"{low}-{high} moves, {turns[0]}-{turns[1]} turns")
    for (low, high), groups in TURNS.items()
    for turns in groups
)
# All have the same number of walls and two unconnected parts; the two levels differ only in where the endpoints lie.
UNREACHABLE_DRAWS = (
    Draw(1, 24, 100, closed_passage=ON_PATH, level="unreachable"),
    Draw(1, 24, 100, closed_passage=OFF_PATH, level="reachable"),
)
# The paper's lengths on other layouts: of the 2,840 or so that "dfs" makes at 5x5 in this split, 47 were left.
PHRASING_DRAWS = tuple(
    replace(draw, generator="wilson", level=level) for draw, level in zip(paper_draws(1), PAPER_LEVELS, strict=True)
)

# What no demonstration of trees up to 5x5 shows: each level's name, side, and shares of opened dead ends.
BEYOND_LEVELS = (
    *((f"{side}x{side} trees", side, (0.0,)) for side in (6, 7, 8)),
    *((f"{side}x{side} loops", side, (0.5, 1.0)) for side in (5, 6, 7, 8)),
)


def even_parts(total: int, parts: int) -> list[int]:
    """``total`` in so many parts that differ by at most 1.

    >>> even_parts(11, 4)
    [2, 3, 3, 3]
    """
    return [(part + 1) * total // parts - part * total // parts for part in range(parts)]


BEYOND_DRAWS = tuple(
    Draw(1, side**2 - 1, count, braid, (side, side), generator, level=level)
    for ((level, side, braids), generator), of_both in zip(
        product(BEYOND_LEVELS, GENERATORS), even_parts(1000, len(BEYOND_LEVELS) * len(GENERATORS)), strict=True
    )
    for braid, count in zip(braids, even_parts(of_both, len(braids)), strict=True)
)

# Longer than 110 moves, as the mazes of Maze-Hard (Hierarchical Reasoning Model, arXiv 2506.21734), in as large a grid.
UNIQUE_DRAWS = (
    Draw(111, 899, 100, level="trees"),
    Draw(111, 899, 100, braid=0.2, is_unique=True, level="loops"),
)

BEFORE_SIZES = ("mazebench-100", "mazebench-1000", "fog")
BEFORE_SYMMETRY = (*BEFORE_SIZES, "sizes", "topology", "turns")
BEFORE_CORRIDORS = (*BEFORE_SYMMETRY, "symmetry")
"""Earlier 5x5 suites of the benchmark split, which later ones leave out."""

HASHES = {
    "mazebench-100": "b221d7c99d8f32a0aa8538a705390ffb010e010e9b0f19622920f425e2e1b747",
    "mazebench-1000": "09773e2f991c0d4a556d29400e0ba936ac84dbbe27cb01a3079e25f954e720c1",
    "mazebench-dev": "de1aed882ddfdcac81e91adb23796481c05cc1b27befd4cfabcc596dce9ba0b8",
    "mazebench-10x10": "2347aaf3f4cf44df6c1047d6ec40f161b70dd1590a2309f1dd16265406d98029",
    "fog": "bec04867fffdf4be412378233d91716ec676e96f1dd9fc83d55f48039d6a60f5",
    "fog-dev": "6714a6d2b029726df68ba5220223089c74255667f2fc268929ce595c91298ea2",
    "sizes": "143460daf3bf9fc803407fd6eae41a715c2d5caeab15d2617a6ef16f9f6936a3",
    "topology": "89d3b5c6807ba23572ace21f8c41cfcd0f4737833cd903862bb7926e6999bf85",
    "turns": "f174f31ad7446e52b6ca0b78bb56f232895e4895086f0184f71ddc7016e4924c",
    "symmetry": "da5ff0985cb02aa37c75e6e9c3324fdc9c9c16bdf29a87669f0c852852a8f4a4",
    "unreachable": "7f2ac42d39e6d886add6178e5e94323eb6a26883e297a810024ed885c2728c2d",
    "phrasing": "0899d382a23c99271293fc5cb7298fcbd2e006366c5acc73b9410dcb489a35b4",
    "corridors": "85bfce78c99ad3d06bbcdb5e7bf20f9bea78ffd911ff3e4665581545670c40f8",
    "beyond": "db0eb2316a02496c0e38688a64336e4998e3e0c6774f80662a185f5a62587fb4",
    "beyond-dev": "57d3192580cbb4d1b04a632d9b1f1649d6042e837d2393583c0ef18e7cfe76cf",
    "unique-30x30": "e726e371277e932172e1c83cbfe064c225f386d119eb09a50d10222a07284aa1",
}
"""Pinned: of the frozen file of each suite."""
PAPER: dict[str, Any] = {"levels": PAPER_LEVELS, "draws": paper_draws(1)}
THOUSAND: dict[str, Any] = {"levels": PAPER_LEVELS, "draws": paper_draws(10)}
# Lengths are not controlled: of 4,000 mazes a third had up to 15 moves and a third over 30.
TEN_LEVELS = {"Short": (1, 15), "Medium": (16, 30), "Long": (31, 99)}
FOG: dict[str, Any] = {"levels": FOG_LEVELS, "draws": FOG_DRAWS, "view_radius": 1}
PLAN: dict[str, Any] = {"modes": ("plan",), "disjoint_from": BEFORE_CORRIDORS}
"""The environment has no move for an unreachable target, refuses such mazes, and speaks the standard phrasing."""
DEFINITIONS: dict[str, dict[str, Any]] = {
    "mazebench-100": PAPER,
    "mazebench-1000": {**THOUSAND, "disjoint_from": ("mazebench-100",)},
    "mazebench-dev": {**THOUSAND, "split": "validation"},
    "mazebench-10x10": {"rows": 10, "cols": 10, "levels": TEN_LEVELS, "draws": (Draw(1, 99, 1000),)},
    "fog": {**FOG, "disjoint_from": ("mazebench-100", "mazebench-1000")},
    "fog-dev": {**FOG, "disjoint_from": ("mazebench-dev",), "split": "validation"},
    "sizes": {"draws": SIZE_DRAWS, "disjoint_from": ("mazebench-100", "mazebench-1000", "mazebench-10x10", "fog")},
    "topology": {"draws": TOPOLOGY_DRAWS, "disjoint_from": (*BEFORE_SIZES, "sizes")},
    "turns": {"draws": TURN_DRAWS, "disjoint_from": (*BEFORE_SIZES, "sizes", "topology")},
    "symmetry": {**PAPER, "disjoint_from": BEFORE_SYMMETRY, "images": True},
    "unreachable": {**PLAN, "draws": UNREACHABLE_DRAWS},
    "phrasing": {**PLAN, "draws": PHRASING_DRAWS, "phrasings": tuple(PHRASINGS)},
    "corridors": {"draws": CORRIDOR_DRAWS, "disjoint_from": (*BEFORE_CORRIDORS, "phrasing")},
    "beyond": {"draws": BEYOND_DRAWS, "disjoint_from": (*BEFORE_CORRIDORS, "phrasing", "corridors")},
    "beyond-dev": {"draws": BEYOND_DRAWS, "disjoint_from": ("mazebench-dev", "fog-dev"), "split": "validation"},
    "unique-30x30": {"rows": 30, "cols": 30, "draws": UNIQUE_DRAWS},
}
ASKS = {
    "mazebench-100": "the paper's benchmark: 5x5, in its composition of easy, medium and hard",
    "mazebench-1000": "the same on ten times the mazes: for figures to be published",
    "mazebench-dev": "the same on validation layouts: for choices, which must not be made on the others",
    "mazebench-10x10": "mazes four times as large",
    "fog": "partial observability: walls are seen one cell far, so finding the way is search",
    "fog-dev": "the same on validation layouts",
    "sizes": "3x3 to 20x20: what is learned at some sizes, tried at others",
    "topology": "other generators, loops, long corridors: does it solve mazes or one kind of them?",
    "turns": "paths of the same length with more and fewer turns",
    "symmetry": "each maze in its 8 mirrored and rotated images: does the same maze stay solved?",
    "unreachable": "half of the targets cannot be reached, and the answer has to say so",
    "phrasing": "the same mazes in other words and symbols",
    "corridors": "paths of the same length in mazes with short and long corridors",
    "beyond": "6x6 to 8x8 and loops: what a model does that was shown trees up to 5x5 alone",
    "beyond-dev": "the same on validation layouts",
    "unique-30x30": "30x30 cells, a unique shortest path of over 110 moves: how far does it carry?",
}
"""What the result on each suite tells."""
SUITES = {
    name: SuiteSpec(name=name, asks=ASKS[name], sha256=HASHES[name], **given) for name, given in DEFINITIONS.items()
}
