"""The style ``search``: the order that is written, and that every true exploration is valid, in whatever order."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maze_env import traces
from maze_env.generation import MazeSpec, generate
from maze_env.maze import Maze
from maze_env.moves import Move
from maze_env.tokens import maze_to_text
from maze_env.traces import search
from maze_env.traces.errors import FalseArrival, FalseDeadEnd, FalseDrawing, FalseStart, FalseStep, InvalidTrace
from tests.maze_env.golden import FORK_ASCII, ROOM_ASCII, mazes, open_neighbours, tokens_of

FORK = Maze.from_ascii(FORK_ASCII)
AT = {
    (0, 0): "<|0-0|><|up_down_left_wall|>",
    (0, 1): "<|0-1|><|up_wall|>",
    (1, 0): "<|1-0|><|up_down_left_wall|>",
    (1, 1): "<|1-1|><|down_wall|>",
    (1, 2): "<|1-2|><|up_down_right_wall|>",
}
DOWN = f"{AT[0, 0]}<|right|>{AT[0, 1]}<|down|>"
BELOW = f"{AT[1, 1]}<|left|>{AT[1, 0]}BACK{AT[1, 1]}<|right|>{AT[1, 2]}BACK{AT[1, 1]}"
ON = f"{AT[0, 1]}<|right|><|0-2|><|target|>"
WALK = "\nPATH\n<|0-0|><|right|><|0-1|><|right|><|0-2|>"
TRACE = f"{DOWN}{BELOW}BACK{ON}{WALK}"
"""The order is up, down, left, right: down comes first, then left, back, right, back twice, and at last the target."""
ROOM = Maze.from_ascii(ROOM_ASCII)


def tokens_at(maze):
    """The coordinate and the walls of each cell, as the prompt has them."""
    tokens = tokens_of(maze_to_text(maze))
    return {divmod(i // 3, maze.cols): tokens[i] + tokens[i + 1] for i in range(0, len(tokens), 3)}


def explore(maze, order):
    """A depth-first exploration, written without the package; ``order`` arranges the ways on from a cell."""
    at, way, seen, text = tokens_at(maze), [maze.origin], {maze.origin}, ""
    steps = {maze.origin: ""}
    while way[-1] != maze.target:
        cell = way[-1]
        unseen = [side for side in open_neighbours(maze.walls, cell) if side[1] not in seen]
        text += at[cell]
        if unseen:
            word, onward = order(unseen)[0]
            way.append(onward)
            seen.add(onward)
            steps[onward] = f"<|{word}|>"
            text += steps[onward]
        else:
            way.pop()
            text += "BACK"
    names = [tokens_of(at[cell])[0] for cell in way]
    walk = "".join(step + name for step, name in zip(map(steps.get, way), names, strict=True))
    return f"{text}{names[-1]}<|target|>\nPATH\n{walk}", [Move[steps[cell][2:-2].upper()] for cell in way[1:]]


def test_golden_search():
    assert traces.write("search", FORK, 0) == f"<think>\n{TRACE}\n</think>\n\n<|right|><|right|>"


@given(mazes(max_side=6, solvable=True))
def test_the_first_way_on_is_written_in_the_order_up_down_left_right(maze):
    assert search.write(maze, Random(0)) == explore(maze, list)


@given(maze=mazes(max_side=6, solvable=True), seed=st.integers(0, 2**32))
def test_a_true_exploration_in_any_order_is_valid(maze, seed):
    # Once the one order that is written was compared with: every other exploration was called untrue.
    random = Random(seed)
    trace, moves = explore(maze, lambda sides: random.sample(sides, len(sides)))
    assert search.validate(maze, trace) == moves


def test_other_orders_are_other_traces():
    maze = generate(0, MazeSpec(8, 8, split=None))
    random = Random(0)
    written = {explore(maze, lambda sides: random.sample(sides, len(sides)))[0] for _ in range(50)}
    assert len(written) > 20
    for trace in written:
        traces.validate("search", maze, traces.wrap(trace, search.validate(maze, trace)))


def test_a_move_to_a_cell_seen_before_is_true():
    assert search.validate(FORK, TRACE) == [Move.RIGHT, Move.RIGHT]
    assert search.validate(FORK, f"{DOWN}{BELOW}<|up|>{ON}{WALK}") == [Move.RIGHT, Move.RIGHT]
    assert search.validate(FORK, f"{DOWN}{AT[1, 1]}<|up|>{ON}{WALK}") == [Move.RIGHT, Move.RIGHT]


def test_the_walk_may_be_another_way_through_the_cells_explored():
    detour = (
        "<|0-0|><|up_left_wall|><|right|><|0-1|><|up_wall|><|down|><|1-1|><|down_wall|><|right|>"
        "<|1-2|><|down_right_wall|><|up|><|0-2|><|target|>\nPATH\n"
    )
    straight = "<|0-0|><|right|><|0-1|><|right|><|0-2|>"
    assert search.validate(ROOM, detour + straight) == [Move.RIGHT, Move.RIGHT]
    round_the_corner = "<|0-0|><|down|><|1-0|><|right|><|1-1|><|right|><|1-2|><|up|><|0-2|>"
    with pytest.raises(
        FalseStep, match=r"Expects step 1 of the walk in explored cells, actual: <\|down\|> to \(1, 0\)"
    ):
        search.validate(ROOM, detour + round_the_corner)


@pytest.mark.parametrize(
    ("trace", "error", "message"),
    [
        (TRACE.removeprefix(AT[0, 0] + "<|right|>"), FalseStart, "Expects step 1 in <|0-0|>, actual: <|0-1|>"),
        (TRACE.replace("<|1-0|>", "<|1-1|>"), FalseStep, "Expects step 4 in <|1-0|>, actual: <|1-1|>"),
        (TRACE.replace("<|up_wall|>", "<|no_wall|>", 1), FalseDrawing, "Expects <|up_wall|> for <|0-1|> in step 2"),
        (TRACE.replace("<|right|>", "<|up|>", 1), FalseStep, "actual: <|up|> from <|0-0|>, left_grid"),
        (TRACE.replace("<|right|>", "<|down|>", 1), FalseStep, "actual: <|down|> from <|0-0|>, hit_wall"),
        (TRACE.replace("<|right|>", "<|blank|>", 1), InvalidTrace, "Expects a movement token in step 1"),
        (f"{DOWN}{AT[1, 1]}BACK{ON}{WALK}", FalseDeadEnd, "Expects a move on from <|1-1|> in step 3, actual: BACK"),
        (
            f"{DOWN}{AT[1, 1]}<|left|>{AT[1, 0]}BACK{AT[1, 1]}BACK{ON}{WALK}",  # one of two ways on was not tried
            FalseDeadEnd,
            "Expects a move on from <|1-1|> in step 5, actual: BACK",
        ),
        (f"{AT[0, 0]}BACK{TRACE}", FalseDeadEnd, "Expects a move on from <|0-0|> in step 1, actual: BACK"),
        (f"{DOWN}<|1-1|><|target|>{WALK}", FalseArrival, "to end with <|0-2|><|target|>, actual: '<|1-1|><|target|>'"),
        (f"{DOWN}{AT[1, 1]}{WALK}", FalseArrival, "after arriving at (1, 1)"),
        (TRACE.replace("<|target|>", "<|up_down_right_wall|>"), FalseArrival, "to end with <|0-2|><|target|>"),
        (TRACE.replace("<|target|>", "<|up_down_right_wall|>BACK"), FalseArrival, "Expects <|target|> on <|0-2|>"),
        (TRACE.replace("<|target|>", "<|target|>BACK"), FalseArrival, "and nothing after it, actual: <|target|>BACK"),
        (
            TRACE.replace("<|up_wall|>", "<|target|>", 1),
            FalseArrival,
            "actual: <|target|><|down|> on <|0-1|> in step 2",
        ),
        (TRACE.removesuffix(WALK), FalseArrival, "Expects the walk to end with <|0-2|>, actual: ''"),
        (TRACE.replace("\nPATH\n", "\nPATH "), InvalidTrace, "Expects nothing but maze tokens and BACK"),
        (TRACE.replace("BACK", "RESET", 1), InvalidTrace, "Expects nothing but maze tokens and BACK in an exploration"),
        (TRACE.replace("PATH\n<|0-0|><|right|>", "PATH\n"), FalseStart, "Expects step 1 in <|0-0|>, actual: <|0-1|>"),
        (TRACE.removesuffix("<|0-2|>"), FalseArrival, "Expects the walk to end with <|0-2|>, actual: ''"),
        (TRACE.removesuffix("<|right|><|0-2|>"), FalseArrival, "actual: '<|0-1|>' after arriving at (0, 1)"),
        (TRACE.replace("PATH\n<|0-0|><|right|>", "PATH\n<|0-0|><|up|>"), FalseStep, "actual: <|up|> from <|0-0|>"),
        (TRACE + "<|0-2|>", InvalidTrace, "Expects a movement token in step 3"),
        (TRACE + "\n", InvalidTrace, "Expects nothing but maze tokens in a walk"),
        (TRACE + WALK, InvalidTrace, "Expects nothing but maze tokens in a walk"),
    ],
)
def test_the_first_thing_that_is_untrue_is_named(trace, error, message):
    with pytest.raises(InvalidTrace) as raised:
        search.validate(FORK, trace)
    assert type(raised.value) is error
    assert message in str(raised.value)
