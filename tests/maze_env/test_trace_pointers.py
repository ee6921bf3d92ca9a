"""The style ``pointers``: what is written, in which orders, and that nothing untrue of it is valid."""

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maze_env import traces
from maze_env.maze import Maze
from maze_env.moves import MOVE_OF_TOKEN, Move
from maze_env.tokens import MAZE_TOKEN, maze_to_text
from maze_env.traces import line_numbers, pointers
from maze_env.traces.errors import InvalidTrace
from tests.maze_env.golden import FORK_ASCII, ROOM_ASCII, mazes, open_neighbours, tokens_of

FORK = Maze.from_ascii(FORK_ASCII)
ROOM = Maze.from_ascii(ROOM_ASCII)
GOAL = "<|0-2|><|up_down_right_wall|><|target|><|target|><|left|>"
TEE = "<|0-1|><|up_wall|><|blank|><|right|>"
START = "<|0-0|><|up_down_left_wall|><|origin|><|right|>"
BELOW = "<|1-1|><|down_wall|><|blank|><|up|>"
CORNERS = ("<|1-0|><|up_down_left_wall|><|blank|><|right|>", "<|1-2|><|up_down_right_wall|><|blank|><|left|>")
WAY = "\nPATH\n  <|0-0|><|right|>   <|0-1|><|right|>    <|0-2|><|target|>"
STRAIGHT = f"{GOAL}{TEE}<|down|><|left|>{START}{WAY}"
AROUND = (
    f"{GOAL}{TEE}<|left|><|down|>{BELOW}<|right|><|left|>{CORNERS[0]}BACK<|1-1|><|right|>{CORNERS[1]}BACK<|1-1|><|up|>"
    f"BACK<|0-1|><|left|>{START}{WAY}"
)
ONCE_MORE = AROUND.replace(
    "<|1-1|><|up|>", "<|1-1|><|left|><|1-0|><|right|>BACK<|1-1|><|right|><|1-2|><|left|>BACK<|1-1|><|up|>"
)


def numeral(number):
    """White space that numbers a line: tabs are sixteens."""
    return "\t" * (number % 64 // 16) + " " * (number % 16 + 1)


def explore(maze, arrange, again=lambda made: None, first=lambda: 60):
    """An exploration from the target, recursive and written without the package.

    ``arrange`` orders the ways of a cell but the one back, which it is given too and may add; ``again`` chooses one of
    those made there to make once more, or none; ``first`` is the number of the way's first line.
    """
    tokens = tokens_of(maze_to_text(maze))
    drawn = {divmod(i // 3, maze.cols): tokens[i : i + 3] for i in range(0, len(tokens), 3)}
    text, back = [], {maze.target: ("target", None)}
    opposite = {"up": "down", "down": "up", "left": "right", "right": "left"}

    def enter(cell, word, onward):
        if onward in back:  # a loop, or once more
            text.extend([drawn[onward][0], f"<|{opposite[word]}|>", "BACK"])
            return False
        back[onward] = (opposite[word], cell)
        return visit(onward)

    def visit(cell):
        text.extend([*drawn[cell], f"<|{back[cell][0]}|>"])
        if cell == maze.origin:
            return True
        others = [side for side in open_neighbours(maze.walls, cell) if side[1] != back[cell][1]]
        ways = arrange(others, back[cell])
        text.extend(f"<|{word}|>" for word, _ in ways)
        left, made = list(ways), []
        while True:
            if made:
                repeatable = [side for side in made if side != back[cell]]
                repeated = again(repeatable) if repeatable else None
                if repeated:  # and after it those made before come, again
                    place = ways.index(repeated)
                    left, made = ways[: place + 1], ways[place + 1 :]
                text.extend([drawn[cell][0], f"<|{left[-1][0] if left else back[cell][0]}|>"])
            if not left:
                text.append("BACK")
                return False
            made.insert(0, left.pop())
            if enter(cell, *made[0]):
                return True

    assert visit(maze.target)
    way, moves = "", []
    cell, number = maze.origin, first()
    while cell is not None:
        word, onward = back[cell]
        way += f"{numeral(number)}{drawn[cell][0]}<|{word}|>"
        number += 1
        moves += [Move[word.upper()]] if onward else []
        cell = onward
    return f"{''.join(text)}\nPATH\n{way}", moves


def completion_of(trace, moves):
    """The trace and an answer, each move after the numeral of its line."""
    first = trace.partition("PATH\n")[2].partition("<")[0]
    start = next(number for number in range(64) if numeral(number) == first)
    answer = "".join(numeral(start + index) + move.token for index, move in enumerate(moves))
    return f"<think>\n{trace}\n</think>\n\n{answer}"


def test_golden_pointers(monkeypatch):
    monkeypatch.setattr(pointers, "NUMERALS", pointers.NUMERALS[1:2])  # the way begins with the second numeral
    monkeypatch.setattr(pointers, "numbered", lambda lines, start: line_numbers.numbered(lines, 1))
    drawn = {pointers.write(FORK, Random(key))[0] for key in range(300)}
    assert {STRAIGHT, AROUND, ONCE_MORE} < drawn


@given(maze=mazes(max_side=6, solvable=True), seed=st.integers(0, 2**32))
def test_what_is_written_is_a_depth_first_exploration(maze, seed):
    random = Random(seed)

    def arrange(sides, back):
        if back[1] and random.random() < pointers.LISTED_TOO:
            sides.append(back)
        random.shuffle(sides)
        return sides

    def again(made):
        return random.choice(made) if random.random() < pointers.AGAIN else None

    assert pointers.write(maze, Random(seed)) == explore(maze, arrange, again, lambda: random.randrange(64))


@given(maze=mazes(max_side=6, solvable=True), seed=st.integers(0, 2**32))
def test_a_true_exploration_in_any_order_is_valid(maze, seed):
    random = Random(seed)

    def again(made):
        return random.choice(made) if random.random() < 0.3 else None

    def arrange(sides, back):
        sides += [back] * (back[1] is not None and random.random() < 0.3)
        return random.sample(sides, len(sides))

    trace, moves = explore(maze, arrange, again)
    assert pointers.validate(maze, trace) == moves


def shown(trace):
    """A trace whose words are tokens."""
    return trace.replace("\n", "<|line|>").replace("PATH", "<|path|>").replace("BACK", "<|back|>")


@given(maze=mazes(max_side=5, solvable=True), seed=st.integers(0, 99), data=st.data())
def test_no_token_of_a_trace_can_be_another_one(maze, seed, data):
    # The free choices are the order of the moves listed in a cell and whether the way back is among them, which are two
    # tokens at least, and a move made once more, after which other lines have to follow.
    tokens = tokens_of(shown(pointers.write(maze, Random(seed))[0]))
    place = data.draw(st.integers(0, len(tokens) - 1))
    other = data.draw(st.sampled_from([token for token in {*tokens, "<|up|>", "<|9-9|>"} if token != tokens[place]]))
    changed = "".join([*tokens[:place], other, *tokens[place + 1 :]])
    with pytest.raises(InvalidTrace):
        pointers.validate(
            maze, changed.replace("<|line|>", "\n").replace("<|path|>", "PATH").replace("<|back|>", "BACK")
        )


@pytest.mark.parametrize(
    ("trace", "message"),
    [
        (STRAIGHT.replace(GOAL, GOAL.replace("<|left|>", "")), "Expects <|left|> listed for <|0-2|> in step 1"),
        (STRAIGHT.replace("<|down|><|left|>", "<|left|>"), "Expects <|down|> listed for <|0-1|> in step 2"),
        (STRAIGHT.replace("<|down|><|left|>", "<|down|><|up|>"), "Expects moves through openings of <|0-1|>"),
        (AROUND.replace("<|1-1|><|up|>BACK<|0-1|>", "<|0-1|>"), "Expects step 7 in <|1-1|>, actual: <|0-1|>"),
        (AROUND.replace("<|up|>BACK", "<|up|>"), "Expects BACK in step 7 in <|1-1|>, actual: <|0-1|>"),
        (AROUND.replace("BACK", "", 1), "Expects BACK in step 4 in <|1-0|>, actual: <|1-1|>"),
        (ONCE_MORE.replace("<|1-0|><|right|>BACK", "<|1-0|>"), "Expects <|right|> in step 8, the next way from (1, 0)"),
        (AROUND.replace("<|1-1|><|right|>", "<|1-1|><|up|>"), "Expects <|right|> in step 5, the next way from (1, 1)"),
        (STRAIGHT.replace(START, START + "<|right|>"), "Expects the exploration to end in <|0-0|>, actual: <|right|>"),
        (STRAIGHT.removesuffix("<|target|>"), "Expects <|target|> in step 3 of the way, actual: the end"),
        (STRAIGHT.replace(WAY, ""), "Expects a number in white space in step 1 of the way, actual: the end"),
        (STRAIGHT.replace("   <|0-1|>", "    <|0-1|>"), "Expects '   ' in step 2 of the way, actual: '    '"),
        (STRAIGHT.replace("  <|0-0|><|right|>", "<|0-0|><|right|>"), "Expects a number in white space in step 1"),
        (STRAIGHT.replace("\n  <", "\n \t<"), "Expects a number in white space in step 1 of the way, actual: ' \\t'"),
        (STRAIGHT.replace("   <|0-1|>", "<|0-1|>"), "Expects '   ' in step 2 of the way, actual: <|0-1|>"),
        (STRAIGHT.replace("   <|0-1|>", "   so<|0-1|>"), "Expects nothing but maze tokens and blanks in a way"),
        (GOAL, "Expects the exploration to end in <|0-0|>, actual: the end in <|0-1|>"),
        ("", "Expects the exploration to end in <|0-0|>, actual: the end in <|0-2|>"),
    ],
)
def test_what_is_wrong_is_named(trace, message):
    with pytest.raises(InvalidTrace) as error:
        pointers.validate(FORK, trace)
    assert message in str(error.value)


def test_a_cell_is_entered_once_however_many_loops_there_are():
    for key in range(50):
        trace, _ = pointers.write(ROOM, Random(key))
        drawn = tokens_of(trace.partition("PATH")[0].replace("BACK", ""))
        new = [name for name, wall in pairwise(drawn) if wall.endswith("wall|>")]
        assert len(new) == len(set(new))
        traces.validate("pointers", ROOM, completion_of(trace, pointers.validate(ROOM, trace)))


@given(maze=mazes(max_side=5, solvable=True), seed=st.integers(0, 99), data=st.data())
def test_the_first_fault_is_where_a_completion_stops_being_true(maze, seed, data):
    trace, moves = explore(maze, lambda sides, back: Random(seed).sample(sides, len(sides)))
    completion = completion_of(trace, moves)
    assert traces.first_fault("pointers", maze, completion) is None
    cut = data.draw(st.integers(0, len(completion) - 1))
    fault = traces.first_fault("pointers", maze, completion[:cut])
    assert fault <= cut
    places = [found.start() for found in MAZE_TOKEN.finditer(completion)]
    place = data.draw(st.sampled_from(places))
    token = MAZE_TOKEN.match(completion, place)[0]
    if token in MOVE_OF_TOKEN:
        return  # of moves there may be a choice, and the fault comes later
    other = data.draw(st.sampled_from([one for one in ("<|9-9|>", "<|0-0|>", "<|no_wall|>") if one != token]))
    assert traces.first_fault("pointers", maze, completion[:place] + other + completion[place + len(token) :]) == place


@pytest.mark.parametrize(
    ("completion", "rest"),
    [
        (f"{STRAIGHT}", "<|0-2|><|up_down"),  # no think tag
        (f"<think>{STRAIGHT}", "<|0-2|><|up_down"),  # no line break behind it
        (f"<think>\n{STRAIGHT.replace(GOAL, GOAL + '<|up|>')}", "<|up|><|0-1|>"),
        (
            f"<think>\n{STRAIGHT.replace('<|down|><|left|>', '<|left|>')}",
            "<|0-0|><|up_down_left_wall|>",
        ),  # down is missing
        (f"<think>\n{STRAIGHT.replace(START, START + ' ')}", " \nPATH"),
        (f"<think>\n{STRAIGHT.replace(START, START + 'so').replace('<|left|>', '<|up|>', 1)}", "<|up|><|0-1|>"),
        (f"<think>\n{STRAIGHT.replace('<|0-1|><|right|>    ', '<|0-1|><|down|>    ')}", "<|down|>    <|0-2|>"),
        (f"<think>\n{STRAIGHT.replace('    <|0-2|>', '   <|0-2|>')}", "   <|0-2|>"),
        (f"<think>\n{STRAIGHT.replace('<|0-1|><|right|>    ', '<|0-1|><|down|>    ')}BACK", "<|down|>    <|0-2|>"),
        (f"<think>\n{STRAIGHT}BACK", "BACK"),
        (f"<think>\n{ONCE_MORE}", "<|left|><|1-0|><|right|>BACK<|1-1|>"),  # a move in vain
        (f"<think>\n{STRAIGHT.replace('<|down|><|left|>', '<|down|><|right|><|left|>')}", "<|right|><|left|>"),
        (f"<think>\n{STRAIGHT}\n</think>\n\n  <|right|>   <|left|>", "<|left|>"),
        (f"<think>\n{STRAIGHT}\n</think>\n\n  <|right|>  <|right|>", "  <|right|>"),  # the number of the line before
        (f"<think>\n{STRAIGHT}\n</think>\n\n  <|right|>", ""),
        (f"<think>\n{STRAIGHT}\n</think>\n\n  <|right|>   <|right|>    <|right|>", "    <|right|>"),
    ],
)
def test_where_a_completion_is_wrong(completion, rest):
    fault = traces.first_fault("pointers", FORK, completion)
    assert completion[fault:].startswith(rest)
    assert (fault == len(completion)) == (rest == "")
