"""Mazes and answers as their documentation describes them, written apart from ``maze_env``: slow and simple.

Nothing of ``maze_env`` is imported. A maze is a dictionary from cells to the set of its walls; a reader returns
``(maze, origin, target)``, or ``None`` for a text that is no maze. Sources: docs/, the docstrings of
``maze_env.tokens``, ``phrasings``, ``maze.Maze.from_ascii``, ``visibility``, ``answers`` and ``verifier``.
"""

from collections import deque

SIDES = {"up": (-1, 0), "down": (1, 0), "left": (0, -1), "right": (0, 1)}
OPPOSITE = {"up": "down", "down": "up", "left": "right", "right": "left"}
RENAMED = {
    "up": "north", "down": "south", "left": "west", "right": "east",
    "no_wall": "all_open", "all_wall": "all_closed", "blank": "empty", "origin": "start", "target": "goal",
}  # fmt: skip
for number in range(1, 15):
    sides = [side for place, side in enumerate(SIDES) if number >> place & 1]
    RENAMED["_".join(sides) + "_wall"] = "closed_" + "_".join(RENAMED[side] for side in sides)


def tokens_of(text):
    """The names of the tokens of a text; ``None`` where anything but white space is between them."""
    names, place = [], 0
    while place < len(text):
        if text[place].isspace():
            place += 1
            continue
        if not text.startswith("<|", place):
            return None
        end = text.find("|>", place + 2)
        if end < 0 or set(text[place + 2 : end]) & set("<>|"):
            return None
        names.append(text[place + 2 : end])
        place = end + 2
    return names


def number(text, digits=4):
    """The number that ASCII digits write, ``None`` for anything else."""
    return int(text) if 1 <= len(text) <= digits and set(text) <= set("0123456789") else None


def coordinate(name):
    """Row and column of a coordinate token's name, or ``None``."""
    parts = [number(part) for part in name.split("-")]
    return tuple(parts) if len(parts) == 2 and None not in parts else None


def walls_of(name):
    """The walls of a wall token's name, ``"unseen"``, or ``None``."""
    if name == "unseen":
        return name
    if name in ("no_wall", "all_wall"):
        return set() if name == "no_wall" else set(SIDES)
    named = name.removesuffix("_wall").split("_")
    in_order = [side for side in SIDES if side in named]
    right = name.endswith("_wall") and named == in_order and 0 < len(named) < 4
    return set(named) if right else None


def is_maze(walls, rows, cols, origin, target):
    """Whether size, endpoints, border and the two views of each side are as they must be."""
    if not (2 <= rows <= 64 and 2 <= cols <= 64 and origin != target):
        return False
    if not {origin, target} <= set(walls):
        return False
    for (row, col), closed in walls.items():
        for side, (down, right) in SIDES.items():
            there = (row + down, col + right)
            if there not in walls:
                if side not in closed:
                    return False
            elif (side in closed) != (OPPOSITE[side] in walls[there]):
                return False
    return True


def read_cells(cells, fog=False):
    """The maze of cells, each three names, row by row."""
    places = [coordinate(cell[0]) for cell in cells]
    if not places or None in places:
        return None
    rows, cols = places[-1][0] + 1, places[-1][1] + 1
    if not (2 <= rows <= 64 and 2 <= cols <= 64):
        return None
    if [cell[0] for cell in cells] != [f"{row}-{col}" for row in range(rows) for col in range(cols)]:
        return None
    walls, ends = {}, {}
    for place, (_, wall, marker) in zip(places, cells, strict=True):
        walls[place] = walls_of(wall)
        if walls[place] is None or (walls[place] == "unseen" and not fog):
            return None
        if marker not in ("blank", "origin", "target") or marker in ends:
            return None
        if marker != "blank":
            ends[marker] = place
    if set(ends) != {"origin", "target"}:
        return None
    for place in [place for place, closed in walls.items() if closed == "unseen"]:
        walls[place] = set()
        for side, (down, right) in SIDES.items():
            there = (place[0] + down, place[1] + right)
            seen = walls.get(there)
            unseen = there in walls and cells[there[0] * cols + there[1]][1] == "unseen"
            if there not in walls or (not unseen and OPPOSITE[side] in seen):
                walls[place].add(side)
    return (walls, ends["origin"], ends["target"]) if is_maze(walls, rows, cols, *ends_of(ends)) else None


def ends_of(ends):
    """Origin and target."""
    return ends["origin"], ends["target"]


def read_text(text, fog=False):
    """The maze of a text in the token format."""
    names = tokens_of(text)
    if not names or len(names) % 3:
        return None
    return read_cells([names[at : at + 3] for at in range(0, len(names), 3)], fog)


def read_known(text):
    """The same with unseen cells."""
    return read_text(text, fog="<|unseen|>" in text)


def read_renamed(text):
    """The maze of a text in other names."""
    back = {new: old for old, new in RENAMED.items()}
    names = tokens_of(text)
    if not names or set(names) & set(RENAMED):
        return None
    return read_text("".join(f"<|{back.get(name, name)}|>" for name in names))


def read_transposed(text):
    """The maze of a text whose coordinates are ``column-row``."""
    names = tokens_of(text)
    if not names:
        return None
    swapped = ["-".join(name.split("-")[::-1]) if coordinate(name) else name for name in names]
    return read_text("".join(f"<|{name}|>" for name in swapped))


def read_any_order(text):
    """The maze of cells in any order."""
    names = tokens_of(text)
    if not names or len(names) % 3:
        return None
    cells = [names[at : at + 3] for at in range(0, len(names), 3)]
    if None in [coordinate(cell[0]) for cell in cells] or any(coordinate(name) for cell in cells for name in cell[1:]):
        return None
    return read_cells(sorted(cells, key=lambda cell: coordinate(cell[0])))


def read_pair(text):
    """A cell written ``(row,column)``, or ``None``."""
    if not (text.startswith("(") and text.endswith(")")):
        return None
    parts = [number(part, 2) for part in text[1:-1].split(",")]
    return tuple(parts) if len(parts) == 2 and None not in parts else None


def after(text, word):
    """What stands behind a word and white space, or ``None``."""
    rest = text[len(word) :]
    return rest.lstrip() if text.startswith(word) and rest[:1].isspace() else None


def read_adjacency(text):
    """The maze of a size, its open sides in any order, each once, and its ends."""
    text = text.strip()
    if text.count("<ADJLIST_START>") != 1 or text.count("<ADJLIST_END>") != 1:
        return None
    head, _, rest = text.partition("<ADJLIST_START>")
    listed, _, tail = rest.partition("<ADJLIST_END>")
    size = [number(part, 2) for part in head.rstrip().split("x")]
    if head.rstrip() == head or len(size) != 2 or None in size or not tail[:1].isspace():
        return None
    origin, closing, tail = tail.lstrip().partition(" <ORIGIN_END>")
    if not origin.startswith("<ORIGIN_START> ") or not closing or not tail[:1].isspace():
        return None
    target, closing, tail = tail.lstrip().partition(" <TARGET_END>")
    if not target.startswith("<TARGET_START> ") or not closing or tail:
        return None
    ends = [read_pair(origin.removeprefix("<ORIGIN_START> ")), read_pair(target.removeprefix("<TARGET_START> "))]
    walls = {(row, col): set(SIDES) for row in range(size[0]) for col in range(size[1])}
    for written in listed.split(";"):
        if not written.strip():
            continue
        pairs = [read_pair(part) for part in written.strip().split(" <--> ")]
        if len(pairs) != 2 or not set(pairs) <= set(walls):
            return None
        (row, col), there = pairs
        side = next((s for s, (down, right) in SIDES.items() if (row + down, col + right) == there), None)
        if side is None or side not in walls[pairs[0]]:
            return None
        walls[pairs[0]].remove(side)
        walls[there].remove(OPPOSITE[side])
    return (walls, *ends) if is_maze(walls, *size, *ends) else None


def read_drawing(text):
    """The maze of a drawing: cells of three characters between walls of one; also of one that an episode rendered.

    ``O`` is the origin and ``X`` the target; ``.`` a cell that was left, ``!`` a wall that was hit, ``?`` a cell that
    has not been seen: no side may be unknown from both its cells.
    """
    lines = [line.strip() for line in text.strip().splitlines()]
    rows, cols = len(lines) // 2, (len(lines[0]) - 1) // 4 if lines else 0
    if len(lines) != 2 * rows + 1 or any(len(line) != 4 * cols + 1 for line in lines):
        return None
    if not (2 <= rows <= 64 and 2 <= cols <= 64):
        return None
    marks = {(row, col): lines[2 * row + 1][4 * col + 2] for row in range(rows) for col in range(cols)}
    walls = {place: set() for place in marks}
    for row in range(2 * rows + 1):
        for col in range(4 * cols + 1):
            letter, rest = lines[row][col], col % 4
            if row % 2 == 0 and rest == 0:
                if letter != "+":
                    return None
            elif row % 2 == 0:  # a side above or below: three characters, all alike but for a mark in the middle
                middle = lines[row][col - rest + 2]
                if letter not in (("-", "!") if rest == 2 else "-") if middle != " " else letter != " ":
                    return None
                if rest == 2 and middle != " ":
                    for place, side in (((row // 2, col // 4), "up"), ((row // 2 - 1, col // 4), "down")):
                        walls.get(place, set()).add(side)
            elif rest == 0:
                if letter not in ("|", "!", " "):
                    return None
                if letter != " ":
                    for place, side in (((row // 2, col // 4), "left"), ((row // 2, col // 4 - 1), "right")):
                        walls.get(place, set()).add(side)
            elif rest != 2 and letter != " ":
                return None
    if set(marks.values()) - set("OX.? ") or any(list(marks.values()).count(mark) != 1 for mark in "OX"):
        return None
    ends = [next(place for place, mark in marks.items() if mark == one) for one in "OX"]
    for row, col in (place for place, mark in marks.items() if mark == "?"):
        for down, right in SIDES.values():
            if marks.get((row + down, col + right)) in ("?", "X"):
                return None
    return (walls, *ends) if is_maze(walls, rows, cols, *ends) else None


READERS = {
    "standard": read_known,
    "terse": read_known,
    "renamed": read_renamed,
    "transposed": read_transposed,
    "bottom-up": read_any_order,
    "shuffled": read_any_order,
    "adjacency": read_adjacency,
    "ascii": read_drawing,
}


def distances(walls, target):
    """Moves from each cell that can reach the target."""
    found, queue = {target: 0}, deque([target])
    while queue:
        row, col = queue.popleft()
        for side, (down, right) in SIDES.items():
            there = (row + down, col + right)
            if side not in walls[row, col] and there not in found:
                found[there] = found[row, col] + 1
                queue.append(there)
    return found


def judge(maze, text, thinking_opened=False):
    """Verdict of an answer by the strict rule: how it ended, moves played, where, the moves up to stray text."""
    walls, origin, target = maze
    reach = distances(walls, target)
    before, closed, body = text.partition("</think>")
    if not closed:
        if thinking_opened or "<think>" in before:
            return "unclosed_thinking", 0, origin, []
        body = before
    if body.strip() == "<|unreachable|>":
        return "said_unreachable" if origin in reach else "solved", 0, origin, []
    moves, stray, rest = [], False, body.lstrip()
    while rest:
        move = next((side for side in SIDES if rest.startswith(f"<|{side}|>")), None)
        if move is None:
            stray = True
            break
        moves.append(move)
        rest = rest.removeprefix(f"<|{move}|>").lstrip()
    if stray or not moves:
        return "stray_text" if stray else "empty", 0, origin, moves
    cell = origin
    for played, move in enumerate(moves):
        if cell == target:
            return "past_target", played, cell, moves
        if move in walls[cell]:
            there = cell[0] + SIDES[move][0], cell[1] + SIDES[move][1]
            return "hit_wall" if there in walls else "left_grid", played, cell, moves
        cell = cell[0] + SIDES[move][0], cell[1] + SIDES[move][1]
    return "solved" if cell == target else "short_of_target", len(moves), cell, moves


def judge_published(maze, text):
    """Whether the published scorer calls an answer right.

    What follows the first ``</think>`` up to a second one is read. A token may lack its last bracket. Text and unknown
    tokens do nothing, ``<|all_wall|>`` blocks no direction (there, ``<|all|>`` is a move into a wall), and an answer
    may pass the target as long as it ends there.
    """
    walls, cell, target = maze
    parts = text.split("</think>")
    rest, words = parts[1] if len(parts) > 1 else "", []
    while "<|" in rest:
        rest = rest.partition("<|")[2]
        word, bar, after_it = rest.partition("|")
        if not bar:
            break
        if "\n" in word:  # a token is in one line
            continue
        words.append(word)
        rest = after_it
    for word in words:
        closed = walls[cell]
        if len(closed) == 4:
            if word == "all":
                return False
            closed = set()
        if word in SIDES:
            there = cell[0] + SIDES[word][0], cell[1] + SIDES[word][1]
            if word in closed or there not in walls:
                return False
            cell = there
    return bool(words) and cell == target
