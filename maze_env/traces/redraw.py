"""``redraw``: the published style. ``Step k: Go down``, then the whole maze drawn again, a blank line, the next step.

In step ``k`` the cell that is being left carries the movement token; the origin shows ``<|origin|>`` again once it has
been left; the target always shows ``<|target|>``. Source: AlphaMaze's published data (FORMAT facts, arXiv 2502.14669).
"""

from random import Random

from maze_env.dynamics import Outcome, transition
from maze_env.maze import Cell, Maze
from maze_env.moves import MOVES, Move
from maze_env.solving import path_cells, shortest_path
from maze_env.tokens import MAZE_TOKEN, coordinate_token, maze_to_text
from maze_env.traces.errors import FalseArrival, FalseDrawing, FalseStart, FalseStep, InvalidTrace

STEP_NAMES: dict[str, Move] = {move.name.lower(): move for move in MOVES}


def write(maze: Maze, rng: Random) -> tuple[str, list[Move]]:
    """The trace of the shortest path."""
    moves = shortest_path(maze)
    return steps_text(maze, moves), moves


def step_text(maze: Maze, number: int, cell: Cell, move: Move) -> str:
    """One step: its line and the maze with the move in the cell that is left."""
    before, name, after = maze_to_text(maze).partition(coordinate_token(cell))
    walls, _marker, rest = after.split("|>", 2)
    return f"Step {number}: Go {move.name.lower()}\n{before}{name}{walls}|>{move.token}{rest}"


def steps_text(maze: Maze, moves: list[Move]) -> str:
    """The steps of ``moves`` from the origin, a blank line between them."""
    steps = enumerate(zip(path_cells(maze.origin, moves), moves, strict=False), start=1)
    return "\n".join(step_text(maze, number, cell, move) for number, (cell, move) in steps).removesuffix("\n")


def drawn_in(maze: Maze, number: int, move: Move, block: str) -> Cell | None:
    """The cell in which a step draws its move; ``None`` unless the rest of the drawing is the maze."""
    tokens = MAZE_TOKEN.findall(block)
    cell = divmod(tokens.index(move.token) // 3, maze.cols) if move.token in tokens else maze.origin
    true = cell[0] < maze.rows and f"{block}\n" == step_text(maze, number, cell, move)
    return cell if true else None


def validate(maze: Maze, trace: str) -> list[Move]:
    """Replays the trace and returns its moves; an InvalidTrace names the step."""
    moves, cell = replay(maze, trace)
    if cell != maze.target:
        raise FalseArrival(f"Expects the steps to end at the target {maze.target}, actual: at {cell}")
    return moves


def replay(maze: Maze, trace: str) -> tuple[list[Move], Cell]:
    """Plays the steps from the origin, each redrawn maze compared with the maze. Returns moves and cell reached."""
    cell, moves = maze.origin, []
    for number, block in enumerate(trace.split("\n\n"), start=1):
        line = block.partition("\n")[0]
        move = STEP_NAMES.get(line.removeprefix(f"Step {number}: Go "))
        if move is None:
            raise InvalidTrace(f"Expects 'Step {number}: Go up|down|left|right', actual: {line!r}")
        if f"{block}\n" != step_text(maze, number, cell, move):
            drawn = drawn_in(maze, number, move, block)
            error = FalseDrawing if drawn is None else FalseStart if number == 1 else FalseStep
            right = f"{move.token} in {coordinate_token(cell)}"
            came = "another drawing" if drawn is None else f"in {coordinate_token(drawn)}"
            raise error(f"Expects step {number} to redraw the maze with {right}, actual: {came}")
        cell, outcome = transition(maze, cell, move)
        if outcome is not Outcome.MOVED:
            raise FalseStep(f"Expects a possible move in step {number}, actual: {move.token}, {outcome}")
        moves.append(move)
    return moves, cell
