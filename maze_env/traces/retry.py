"""``retry``: wrong attempts, each given up with a ``RESET``, then the right path from the start; compact and redrawn.

The idea is AlphaMaze's reset data (arXiv 2502.14669). Where this differs, and why: there a wrong attempt is 1-3 steps
long and breaks off at any cell, so nothing that the model can see says that it was wrong. Here the compact form walks a
wrong branch to its end, where the walls show the mistake, and draws several branches in a row, each a new one: what is
learned of giving up and choosing anew then works on the model's own mistakes. The redrawn form keeps the published 1-3
steps, for a step there costs a whole maze.
"""

from random import Random

from maze_env.errors import InvalidTrace
from maze_env.maze import Cell, Maze
from maze_env.moves import Move
from maze_env.solving import distances_to, path_cells, shortest_path
from maze_env.tokens import WALL_TOKENS, coordinate_token
from maze_env.traces import path, redraw

RESET = "RESET"
DEAD_END = "This is a dead end."
WRONG_WAY = "This leads the wrong way."
MORE_ATTEMPTS = 0.5
"""After each wrong attempt, the chance that another follows (while branches that were not tried are left)."""
REDRAWN_STEPS = 3
"""The most steps of a wrong attempt in the redrawn form, as published."""


def wrong_turns(maze: Maze, moves: list[Move]) -> list[tuple[int, Move]]:
    """Every way to leave the path: (steps along it, the first wrong move)."""
    turns = []
    cells = path_cells(maze.origin, moves)
    distances = distances_to(maze.walls, maze.target)
    for index, right in enumerate(moves):
        cell = cells[index]
        for move in maze.open_moves(cell):
            leads_back = index > 0 and move is moves[index - 1].opposite
            shortens = distances[move.from_cell(cell)] < distances[cell]  # another shortest path is not wrong
            if move is not right and not leads_back and not shortens:
                turns.append((index, move))
    return turns


def walk_to_end(maze: Maze, start: list[Move], random: Random) -> list[Move]:
    """``start``, then random moves without turning back, to a dead end or (in a maze with loops) to a cell seen."""
    moves, cells = list(start), path_cells(maze.origin, start)
    seen = set(cells)
    while True:
        onward = [
            move
            for move in maze.open_moves(cells[-1])
            if move.from_cell(cells[-1]) not in seen and move.from_cell(cells[-1]) != maze.target
        ]
        if not onward:
            return moves
        moves.append(random.choice(onward))
        cells.append(moves[-1].from_cell(cells[-1]))
        seen.add(cells[-1])


def wrong_attempts(maze: Maze, moves: list[Move], random: Random) -> list[list[Move]]:
    """One or more wrong attempts on different branches; none where the path has no forks."""
    turns = wrong_turns(maze, moves)
    random.shuffle(turns)
    attempts = []
    for index, wrong in turns:
        attempt = walk_to_end(maze, [*moves[:index], wrong], random)
        if not is_exhausted(maze, attempt):  # it came upon the target another way, as only a loop allows: not wrong
            continue
        attempts.append(attempt)
        if random.random() >= MORE_ATTEMPTS:
            break
    return attempts


def write_compact(maze: Maze, random: Random) -> tuple[str, list[Move]]:
    """Wrong attempts and the right one, in the compact tokens of ``path``."""
    moves = shortest_path(maze)
    pieces = []
    for attempt in wrong_attempts(maze, moves, random):
        steps, end = path.walk(maze, maze.origin, attempt)
        pieces.append(f"{steps}{coordinate_token(end)}{WALL_TOKENS[maze.walls[end]]}{RESET}\n")
    right, _ = path.write(maze, random)
    return "".join(pieces) + right, moves


def is_exhausted(maze: Maze, moves: list[Move]) -> bool:
    """Whether an attempt went on until only cells it had seen were left to go to."""
    cells = path_cells(maze.origin, moves)
    return all(move.from_cell(cells[-1]) in cells for move in maze.open_moves(cells[-1]))


def validate_compact(maze: Maze, trace: str) -> list[Move]:
    """Replays every attempt; returns the moves of the last. Raises InvalidTrace naming the attempt."""
    *wrong, right = trace.split(f"{RESET}\n")
    for number, attempt in enumerate(wrong, start=1):
        tokens = path.trace_tokens(attempt, f"attempt {number}")
        moves, cell = path.replay(maze, tokens[:-2])
        expected = [coordinate_token(cell), WALL_TOKENS[maze.walls[cell]]]
        if tokens[-2:] != expected:
            raise InvalidTrace(
                f"Expects attempt {number} to end in {''.join(expected)}, actual: {''.join(tokens[-2:])}"
            )
        if maze.target in path_cells(maze.origin, moves):
            raise InvalidTrace(f"Expects wrong attempt {number} to stay off the target, actual: it was reached")
        if not is_exhausted(maze, moves):
            raise InvalidTrace(f"Expects attempt {number} to be given up at a dead end, actual: at {cell}")
    return path.validate(maze, right)


def write_redrawn(maze: Maze, random: Random) -> tuple[str, list[Move]]:
    """Wrong attempts of 1-3 steps and the right one, each step redrawn."""
    moves = shortest_path(maze)
    early = [turn for turn in wrong_turns(maze, moves) if turn[0] < REDRAWN_STEPS]
    random.shuffle(early)
    pieces = []
    for index, wrong in early:
        full = walk_to_end(maze, [*moves[:index], wrong], random)
        attempt = full[: random.randint(index + 1, REDRAWN_STEPS)]
        sentence = DEAD_END if is_exhausted(maze, attempt) else WRONG_WAY
        pieces.append(f"{redraw.steps_text(maze, attempt)}\n\n{sentence}\n{RESET}\n")
        if random.random() >= MORE_ATTEMPTS:
            break
    return "".join(pieces) + redraw.steps_text(maze, moves), moves


def validate_redrawn(maze: Maze, trace: str) -> list[Move]:
    """Replays every attempt; returns the moves of the last. Raises InvalidTrace naming the attempt."""
    *wrong, right = trace.split(f"\n{RESET}\n")
    for number, attempt in enumerate(wrong, start=1):
        steps, _, sentence = attempt.rpartition("\n\n")
        moves, cell = redraw.replay(maze, steps)
        check_sentence(maze, moves, cell, sentence, number)
    return redraw.validate(maze, right)


def check_sentence(maze: Maze, moves: list[Move], cell: Cell, sentence: str, number: int) -> None:
    """Raises InvalidTrace unless the sentence that gives up an attempt is true of it."""
    if maze.target in path_cells(maze.origin, moves):
        raise InvalidTrace(f"Expects wrong attempt {number} to stay off the target, actual: it was reached")
    distances = distances_to(maze.walls, maze.target)
    true = {DEAD_END: is_exhausted(maze, moves), WRONG_WAY: int(distances[cell]) + len(moves) > distances[maze.origin]}
    if not true.get(sentence, False):
        raise InvalidTrace(f"Expects a true reason to give up attempt {number} in {cell}, actual: {sentence!r}")
