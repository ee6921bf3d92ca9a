"""Mazes that a person can check by eye, and small helpers that share no code with the package under test."""

import itertools
import re
from collections import deque

import numpy as np
from hypothesis import strategies as st

from maze_env.maze import Maze

# The complete example of the format description (the paper's section 3.1), and the same maze as a drawing.
EXAMPLE_TEXT = """\
<|0-0|><|up_left_wall|><|blank|><|0-1|><|up_down_wall|><|blank|><|0-2|><|up_down_wall|><|blank|>\
<|0-3|><|up_right_wall|><|blank|><|0-4|><|up_left_right_wall|><|blank|>
<|1-0|><|down_left_wall|><|blank|><|1-1|><|up_right_wall|><|blank|><|1-2|><|up_left_wall|><|blank|>\
<|1-3|><|down_right_wall|><|blank|><|1-4|><|left_right_wall|><|blank|>
<|2-0|><|up_left_wall|><|blank|><|2-1|><|down_right_wall|><|blank|><|2-2|><|down_left_wall|><|blank|>\
<|2-3|><|up_down_wall|><|blank|><|2-4|><|down_right_wall|><|target|>
<|3-0|><|left_right_wall|><|blank|><|3-1|><|up_left_wall|><|origin|><|3-2|><|up_right_wall|><|blank|>\
<|3-3|><|up_down_left_wall|><|blank|><|3-4|><|up_right_wall|><|blank|>
<|4-0|><|down_left_wall|><|blank|><|4-1|><|down_right_wall|><|blank|><|4-2|><|down_left_wall|><|blank|>\
<|4-3|><|up_down_wall|><|blank|><|4-4|><|down_right_wall|><|blank|>
"""
EXAMPLE_ASCII = """
+---+---+---+---+---+
|               |   |
+   +---+---+   +   +
|       |       |   |
+---+   +   +---+   +
|       |         X |
+   +---+---+---+---+
|   | O     |       |
+   +   +   +---+   +
|       |           |
+---+---+---+---+---+
"""
EXAMPLE_ANSWER = (
    "<|down|><|left|><|up|><|up|><|right|><|up|><|left|><|up|>"
    "<|right|><|right|><|right|><|down|><|left|><|down|><|right|><|right|>"
)

# Two rows, three columns, no inner wall: `no_wall` cannot occur on a border, loops can.
ROOM_TEXT = """\
<|0-0|><|up_left_wall|><|origin|><|0-1|><|up_wall|><|blank|><|0-2|><|up_right_wall|><|target|>
<|1-0|><|down_left_wall|><|blank|><|1-1|><|down_wall|><|blank|><|1-2|><|down_right_wall|><|blank|>
"""
FORK_ASCII = """
    +---+---+---+
    | O       X |
    +---+   +---+
    |           |
    +---+---+---+
"""  # one fork, at (0, 1): right to the target, down into a dead end on either side
ROOM_ASCII = """
+---+---+---+
| O       X |
+   +   +   +
|           |
+---+---+---+
"""

# A cell with all four walls beside the way, and one with none.
SEALED_TEXT = """\
<|0-0|><|up_left_right_wall|><|origin|><|0-1|><|all_wall|><|blank|><|0-2|><|up_left_right_wall|><|blank|>
<|1-0|><|left_wall|><|blank|><|1-1|><|up_wall|><|blank|><|1-2|><|right_wall|><|blank|>
<|2-0|><|left_wall|><|blank|><|2-1|><|no_wall|><|target|><|2-2|><|right_wall|><|blank|>
<|3-0|><|down_left_wall|><|blank|><|3-1|><|down_wall|><|blank|><|3-2|><|down_right_wall|><|blank|>
"""
SEALED_ASCII = """
+---+---+---+
| O |   |   |
+   +---+   +
|           |
+   +   +   +
|     X     |
+   +   +   +
|           |
+---+---+---+
"""

# The corner pocket is cut off: a maze by its walls, without a way.
CUT_OFF_ASCII = """
+---+---+---+
| O |     X |
+---+   +   +
|           |
+---+---+---+
"""

HALVES_ASCII = """
+---+---+---+---+
| O     |     X |
+   +   +   +---+
|       |       |
+---+---+---+---+
"""
"""No way leads from the origin's half to the target's."""

STEPS = {"up": (-1, 0), "down": (1, 0), "left": (0, -1), "right": (0, 1)}
WORDS = tuple(STEPS)


def tokens_of(text):
    """The maze tokens of a text, in order."""
    return re.findall(r"<\|[^|]*\|>", text)


def read_cells(text):
    """The walls of each cell as the set of words in its token, read without the package."""
    tokens = tokens_of(text)
    cells = {}
    for name, wall, _marker in zip(tokens[0::3], tokens[1::3], tokens[2::3], strict=True):
        row, col = name[2:-2].split("-")
        words = {"no_wall": (), "all_wall": WORDS}.get(wall[2:-2], wall[2:-2].removesuffix("_wall").split("_"))
        cells[int(row), int(col)] = set(words)
    return cells


def open_neighbours(walls, cell):
    """(word, neighbour) of each open side of a cell, from the wall byte's bits up, down, left, right."""
    bits = int(walls[cell])
    for k, (word, (down, right)) in enumerate(STEPS.items()):
        if not bits & 2**k:
            yield word, (cell[0] + down, cell[1] + right)


def bfs(walls, start):
    """Distances from ``start`` as a dictionary of the cells that can be reached."""
    distance, queue = {start: 0}, deque([start])
    while queue:
        cell = queue.popleft()
        for _, neighbour in open_neighbours(walls, cell):
            if neighbour not in distance:
                distance[neighbour] = distance[cell] + 1
                queue.append(neighbour)
    return distance


def cells_of(rows, cols):
    """All cells in row-major order."""
    return list(itertools.product(range(rows), range(cols)))


def inner_sides(rows, cols):
    """Every side between two cells, as ((cell, bit), (neighbour, bit))."""
    sides = []
    for row, col in cells_of(rows, cols):
        if row + 1 < rows:
            sides.append((((row, col), 2), ((row + 1, col), 1)))
        if col + 1 < cols:
            sides.append((((row, col), 8), ((row, col + 1), 4)))
    return sides


def walls_with(rows, cols, open_sides):
    """A wall array, closed but for the given sides."""
    walls = np.full((rows, cols), 15, dtype=np.uint8)
    for side in open_sides:
        for cell, bit in side:
            walls[cell] -= bit
    return walls


def spanning_trees(rows, cols):
    """Every wall layout in which there is exactly one way between any two cells."""
    layouts = []
    for chosen in itertools.combinations(inner_sides(rows, cols), rows * cols - 1):
        walls = walls_with(rows, cols, chosen)
        if len(bfs(walls, (0, 0))) == rows * cols:  # n - 1 sides that join n cells hold no loop
            layouts.append(walls)
    return layouts


def endpoint_pairs(rows, cols):
    """Every (origin, target) of different cells."""
    return list(itertools.permutations(cells_of(rows, cols), 2))


@st.composite
def mazes(draw, min_side=2, max_side=6, solvable=False):
    """Any consistent maze: loops, closed cells, targets out of reach (unless ``solvable``)."""
    rows, cols = draw(st.integers(min_side, max_side)), draw(st.integers(min_side, max_side))
    sides = inner_sides(rows, cols)
    is_open = draw(st.lists(st.booleans(), min_size=len(sides), max_size=len(sides)))
    walls = walls_with(rows, cols, itertools.compress(sides, is_open))
    origin = draw(st.sampled_from(cells_of(rows, cols)))
    targets = sorted(set(bfs(walls, origin)) if solvable else set(cells_of(rows, cols)))
    targets.remove(origin)
    if not targets:  # a closed cell: open one side of it
        side = next(side for side in sides if origin in (side[0][0], side[1][0]))
        for cell, bit in side:
            walls[cell] -= bit
        targets = [cell for cell, _ in side if cell != origin]
    return Maze(walls, origin, draw(st.sampled_from(targets)))
