"""Every fault that a maze text can have, put into each cell in turn, and the message that names the cell."""

import re

import pytest

from maze_env.errors import InvalidMaze, InvalidMazeText
from maze_env.tokens import maze_from_text
from tests.maze_env.golden import EXAMPLE_TEXT, ROOM_TEXT, SEALED_TEXT, tokens_of

TEXTS = {"5x5": EXAMPLE_TEXT, "2x3": ROOM_TEXT, "4x3": SEALED_TEXT}
CELLS = [(text, index) for text in TEXTS for index in range(len(tokens_of(TEXTS[text])) // 3)]
each_cell = pytest.mark.parametrize(("text", "index"), CELLS)


def cells_in(text):
    """The text cell by cell, each a list of its three tokens."""
    tokens = tokens_of(TEXTS[text])
    return [tokens[k : k + 3] for k in range(0, len(tokens), 3)]


def message_for(cells):
    with pytest.raises(InvalidMazeText) as caught:
        maze_from_text("".join(token for cell in cells for token in cell))
    return str(caught.value)


def position(name):
    """'<|3-1|>' as '(3, 1)', the form of messages about walls."""
    row, col = name[2:-2].split("-")
    return f"({row}, {col})"


@each_cell
def test_a_missing_cell_is_named(text, index):
    cells = cells_in(text)
    name = cells[index][0]
    following = cells[index + 1][0] if index + 1 < len(cells) else "the end"
    del cells[index]
    assert message_for(cells) == f"Expects {name} next, row by row, actual: {following}"


@each_cell
def test_a_repeated_cell_is_named(text, index):
    cells = cells_in(text)
    following = cells[index + 1][0] if index + 1 < len(cells) else "the end"
    cells.insert(index, cells[index])
    assert message_for(cells) == f"Expects {following} next, row by row, actual: {cells[index][0]}"


@each_cell
def test_two_cells_out_of_order_are_named(text, index):
    cells = cells_in(text)
    other = index + 1 if index + 1 < len(cells) else index - 2
    cells[index], cells[other] = cells[other], cells[index]
    first = min(index, other)
    right, came = cells_in(text)[first][0], cells[first][0]
    assert message_for(cells) == f"Expects {right} next, row by row, actual: {came}"


@each_cell
def test_a_coordinate_of_no_or_another_cell_is_named(text, index):
    for came in [
        "<|9-9|>",
        "<|0-63|>",
        "<|00-1|>",
        "<|a-b|>",
        "<|up_wall|>",
        "<|99999-0|>",
        "<|\N{ARABIC-INDIC DIGIT TWO}-1|>",
    ]:
        cells = cells_in(text)
        right = cells[index][0]
        cells[index][0] = came
        assert message_for(cells) == f"Expects {right} next, row by row, actual: {came}"


@each_cell
def test_an_unknown_wall_token_is_named_with_its_cell(text, index):
    for came in ["<|left_up_wall|>", "<|wall|>", "<|blank|>", "<|up|>", "<|1-1|>", "<||>"]:
        cells = cells_in(text)
        cells[index][1] = came
        assert message_for(cells) == f"Expects a wall token in cell {cells[index][0]}, actual: {came}"


@each_cell
def test_an_unknown_marker_is_named_with_its_cell(text, index):
    for came in ["<|goal|>", "<|up|>", "<|no_wall|>", "<|0-0|>"]:
        cells = cells_in(text)
        cells[index][2] = came
        expected = f"Expects one of <|blank|>, <|origin|>, <|target|> in cell {cells[index][0]}, actual: {came}"
        assert message_for(cells) == expected


@each_cell
def test_a_token_too_few_is_named_with_its_cell(text, index):
    for part in [0, 1, 2]:
        cells = cells_in(text)
        count = 3 * len(cells) - 1
        name = cells[index][0]
        del cells[index][part]
        before = f"after {cells[index - 1][0]}" if index else "at the start"
        place = f"in {name}" if part else before  # without its name, a cell is a gap behind the one before
        assert message_for(cells) == f"Expects three tokens for each cell, actual: {count}, out of step {place}"


@each_cell
def test_a_token_too_many_is_named_with_its_cell(text, index):
    for extra in ["<|blank|>", "<|no_wall|>", "<|down|>"]:
        cells = cells_in(text)
        cells[index].append(extra)
        place = f"after {cells[index][0]}"
        assert (
            message_for(cells)
            == f"Expects three tokens for each cell, actual: {3 * len(cells) + 1}, out of step {place}"
        )


@each_cell
def test_stray_text_is_quoted_with_the_cell_before_it(text, index):
    for stray in ["hello", "<|blank", "|>", "\N{NO-BREAK SPACE}.", "<blank>"]:
        cells = cells_in(text)
        before = "".join(cells[index])
        cells[index].append(stray)
        assert message_for(cells) == f"Expects nothing but maze tokens, actual: {stray.strip()!r} after {before}"


def test_stray_text_before_the_first_cell_is_quoted():
    with pytest.raises(InvalidMazeText, match="actual: 'Solve this:' at the start"):
        maze_from_text("Solve this:\n" + ROOM_TEXT)


@each_cell
def test_a_second_origin_or_target_is_named_with_both_cells(text, index):
    for marker in ("<|origin|>", "<|target|>"):
        cells = cells_in(text)
        own = next(k for k, cell in enumerate(cells) if cell[2] == marker)
        if index != own:
            cells[index][2] = marker
            first, second = (cells[k][0] for k in sorted((own, index)))
            assert message_for(cells) == f"Expects exactly one {marker}, actual: one in {first} and one in {second}"


@pytest.mark.parametrize("marker", ["<|origin|>", "<|target|>"])
def test_a_missing_origin_or_target_is_named(marker):
    with pytest.raises(InvalidMazeText, match=re.escape(f"Expects exactly one {marker}, actual: none")):
        maze_from_text(EXAMPLE_TEXT.replace(marker, "<|blank|>"))


@each_cell
def test_walls_that_contradict_a_neighbour_or_open_the_border_are_named(text, index):
    # Earlier code checked walls only on the side that is left.
    cells = cells_in(text)
    name, wall, _ = cells[index]
    for other in ("<|no_wall|>", "<|all_wall|>"):
        if other == wall:
            continue
        cells[index][1] = other
        message = message_for(cells)
        assert re.search(r"Expects (a wall \w+ of border cell|the side between)", message)
        assert position(name) in message


@pytest.mark.parametrize("text", ["", " \n", "a maze", "<think>", "5"])
def test_what_is_no_maze_at_all_says_so(text):
    with pytest.raises(InvalidMazeText, match=re.escape(f"Expects the tokens of a maze, actual: {text!r}")):
        maze_from_text(text)


def test_one_row_and_more_than_64_are_refused():
    row = "".join(f"<|0-{k}|><|up_down_wall|><|blank|>" for k in range(3))
    with pytest.raises(
        InvalidMazeText, match=re.escape("Expects a last cell from <|1-1|> to <|63-63|>, actual: <|0-2|>")
    ):
        maze_from_text(row)
    wide = "".join(f"<|{r}-{k}|><|no_wall|><|blank|>" for r in range(2) for k in range(65))
    with pytest.raises(InvalidMazeText, match=re.escape("actual: <|1-64|>")):
        maze_from_text(wide)


def test_a_fault_of_the_text_is_an_invalid_maze_and_a_value_error():
    assert issubclass(InvalidMazeText, InvalidMaze)
    assert issubclass(InvalidMazeText, ValueError)
