"""Published mazes, row by row: refused by an error of ours, or the mazes that the model reads."""

from unittest import mock

from maze_env.tokens import maze_to_text
from tests.fuzz import real, reference
from tests.fuzz.kinds import Kind, Wrong
from tests.fuzz.mazes import as_reference
from tests.fuzz.mutation import VALUES, mutate_text
from tokenmaze.benchmarks import external
from tokenmaze.benchmarks.external import InvalidSuite

INSTRUCTION = "You are a maze solver. Find the way.\nMAZE:\n"


def make(rng):
    """Rows as they come out of a file."""
    made = []
    for _ in range(1 + rng.randrange(3)):  # a file without rows is refused before
        maze = rng.choice(real.reachable()[:100]) if rng.random() < 0.9 else rng.choice(real.mazes())
        text = rng.choice(("", INSTRUCTION)) + maze_to_text(maze)
        row = {"Prompt": text if rng.random() < 0.7 else mutate_text(rng, text)}
        if rng.random() < 0.5:
            row["Level"] = rng.choice(("Easy", "Hard", 1, *VALUES))
        if rng.random() < 0.05:
            row["Prompt"] = rng.choice(VALUES)
        made.append(row)
    return made


def check(rows):
    """Reads them as from a file."""
    with mock.patch.object(external, "_rows", return_value=rows):
        try:
            spec, mazes = external.read("rows.json")
        except InvalidSuite:
            return "refused"
    expected = [reference.read_text(row["Prompt"].rpartition("MAZE:")[2]) for row in rows]
    if [as_reference(maze) for maze in mazes] != expected:
        raise Wrong("other mazes than the model's")
    if len(spec.draws) != len(rows):
        raise Wrong("as many draws as rows")
    return "read"


KIND = Kind(make, check)
