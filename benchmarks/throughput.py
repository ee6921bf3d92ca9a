"""How fast everything is, next to the installed peers, in one run.

    python -m benchmarks.throughput --output benchmarks/throughput.json
    python -m benchmarks.throughput --table benchmarks/throughput.json --readme docs/speed.md

Ours and the peers of a row are measured alternately, round after round, because machines are noisy: what is compared is
the ratio within each round. Printed are medians, and ratios with their minimum and maximum over the rounds.
"""

import json
import statistics
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from importlib.util import find_spec
from typing import Any

import gymnasium
import numpy as np

import maze_env
from maze_env import traces
from maze_env._cli import path_of, read_utf8, run_command
from maze_env.answers import moves_to_text
from maze_env.attempt import Reply
from maze_env.errors import InvalidConfig
from maze_env.generation import MazeSpec, generate_batch
from maze_env.vector import TokenMazeVectorEnv
from maze_env.verifier import verify
from tokenmaze.agents.base import Agent
from tokenmaze.agents.rollout import rollout
from tokenmaze.benchmarks import peers
from tokenmaze.benchmarks.metrics import summarize
from tokenmaze.benchmarks.present.markdown import markdown_table, publish
from tokenmaze.benchmarks.suites import load
from tokenmaze.benchmarks.timing import Measurement, rate, ratio

BEGIN, END = "<!-- throughput:begin -->", "<!-- throughput:end -->"
PACKAGES = {"MiniGrid FourRooms": "minigrid", "Jumanji Maze": "jumanji", "Jumanji": "jumanji"}
PACKAGES |= {"maze-dataset": "maze_dataset", "XLand-MiniGrid FourRooms": "xminigrid"}
PACKAGES |= dict.fromkeys(("EnvPool Jumanji Maze", "EnvPool MiniGrid FourRooms", "EnvPool FrozenLake-v1"), "envpool")
"""Of the peers that gymnasium does not bring along."""
Rate = Callable[[], float]


class ScriptedAgent(Agent):
    """Answers with texts that are given in advance, in order; each token of a text counts as generated."""

    name = "scripted"
    mode = "plan"

    def __init__(self, texts: Sequence[str]):
        self.texts = texts

    def act(self, observations: list[str]) -> list[Reply]:
        return [Reply(text, text.count("<|")) for text in self.texts]


@dataclass(frozen=True)
class Row:
    """One figure."""

    name: str
    """What it is."""
    unit: str
    """Of what, a second."""
    ours: Rate
    """Measures it here."""
    peers: dict[str, Rate] = field(default_factory=dict)
    """Measures it at each peer."""


def measure_vector_steps(view: str) -> float:
    """Vector steps per second in which no episode ends: 10x10, targets farther than the steps taken."""
    env = TokenMazeVectorEnv(peers.VECTOR, "Disabled", rows=10, cols=10, min_length=26, view=view)
    actions = np.random.default_rng(0).integers(0, 4, (25, peers.VECTOR))
    rates = []
    for seed in range(3):
        env.reset(seed=seed)
        start = env.get_state()
        for _ in range(8):  # from there again: a few milliseconds are too short for the clock
            rates.append(rate(env.step, actions, peers.VECTOR))
            env.set_state(start)
    return statistics.harmonic_mean(rates)  # all steps over all seconds


def measure_resets(resets: int = 3_000) -> float:
    """Resets per second of one environment through ``gymnasium.make``, 5x5."""
    env = gymnasium.make("TokenMaze-v0")
    env.reset(seed=0)
    return rate(lambda _: env.reset(), range(resets))


def measure_generation(side: int, count: int, split: str | None = None) -> float:
    """Depth-first mazes per second, in one batch."""
    spec = MazeSpec(side, side, split=split)
    return rate(lambda keys: generate_batch(keys, spec), [np.arange(count, dtype=np.uint64)], count)


def measure_verification(parse: bool) -> float:
    """Correct answers verified per second, 5x5, given the parsed maze or its text."""
    batch = generate_batch(np.arange(2_000, dtype=np.uint64), MazeSpec())
    mazes = [batch[index] for index in range(len(batch))]
    texts = list(map(maze_env.maze_to_text, mazes))
    answers = [f"<think>\n</think>\n\n{moves_to_text(maze_env.shortest_path(maze))}" for maze in mazes]

    def judge(given: Iterable[maze_env.Maze]) -> None:
        assert all(verify(maze, answer).solved for maze, answer in zip(given, answers, strict=True))

    return rate(judge, [map(maze_env.maze_from_text, texts) if parse else mazes], len(mazes))


def measure_benchmark() -> float:
    """Answers per second through all that MazeBench does with them: verified, traces replayed, every metric.

    mazebench-1000 five times, in five trace styles; every tenth answer has one wrong move.
    """
    suite = load("mazebench-1000")
    answers = []
    for style in ("path", "retry", "retry-dead-end", "search", "redraw"):
        texts = [traces.write(style, maze, key) for key, maze in enumerate(suite.mazes)]
        answers += [text.replace("<|up|>", "<|left|>", 1) if key % 10 == 0 else text for key, text in enumerate(texts)]
    mazes = suite.mazes * (len(answers) // len(suite.mazes))
    agent = ScriptedAgent(answers)
    return rate(lambda mazes: summarize(rollout(agent, mazes, range(len(mazes))), suite), [mazes], len(mazes))


def rows() -> list[Row]:
    """Every figure, with the peers that are installed."""
    single: dict[str, Rate] = {
        "FrozenLake-v1": partial(peers.single_steps, "FrozenLake-v1"),
        "MiniGrid FourRooms": peers.minigrid_steps,
    }
    no_reset: dict[str, Rate] = {
        "Jumanji Maze": partial(peers.jumanji_steps, autoreset=False),
        "CartPole-v1, numpy vector": partial(peers.vector_steps, "CartPole-v1"),
    }
    fresh: dict[str, Rate] = {
        "Jumanji Maze": partial(peers.jumanji_steps, autoreset=True),
        "EnvPool Jumanji Maze": partial(peers.envpool_steps, "Jumanji/Maze-v0", 10),
        "EnvPool MiniGrid FourRooms": partial(peers.envpool_steps, "MiniGrid-FourRooms-v0", 10),
        "EnvPool FrozenLake-v1": partial(peers.envpool_steps, "FrozenLake-v1"),
        "XLand-MiniGrid FourRooms": partial(peers.xland_steps, "MiniGrid-FourRooms"),
    }

    def generation(side: int, ours: int, theirs: int, batch: int) -> Row:
        others: dict[str, Rate] = {
            "maze-dataset": partial(peers.maze_dataset_mazes, side, theirs),
            "Jumanji": partial(peers.jumanji_mazes, side, batch),
        }
        return Row(f"{side}x{side} mazes", "mazes/s", partial(measure_generation, side, ours), others)

    def vector(view: str, steps: int, others: dict[str, Rate]) -> Row:
        ours = partial(peers.vector_steps, "TokenMaze-v0", steps, view=view)
        return Row(f"vector of 4,096, {view}, fresh mazes", "steps/s", ours, others)

    every = [
        Row("one environment, text", "steps/s", partial(peers.single_steps, "TokenMaze-v0"), single),
        Row("one environment, reset", "resets/s", measure_resets),
        Row("vector of 4,096, state, no episode ends", "steps/s", partial(measure_vector_steps, "state"), no_reset),
        Row("vector of 4,096, tokens, no episode ends", "steps/s", partial(measure_vector_steps, "tokens")),
        *(vector("state", 60, fresh), vector("tokens", 60, {}), vector("grid", 60, {}), vector("text", 10, {})),
        generation(5, 100_000, 300, 4096),
        Row("5x5 mazes of the train split", "mazes/s", partial(measure_generation, 5, 100_000, "train")),
        *(generation(10, 20_000, 100, 2048), generation(20, 4_000, 30, 256), generation(50, 500, 5, 16)),
        Row("answers judged, maze given", "answers/s", partial(measure_verification, parse=False)),
        Row("answers judged, maze parsed from text", "answers/s", partial(measure_verification, parse=True)),
        Row("answers benchmarked: judged, every metric", "answers/s", measure_benchmark),
    ]
    missing = {peer for peer, package in PACKAGES.items() if find_spec(package) is None}
    return [replace(row, peers={peer: row.peers[peer] for peer in row.peers if peer not in missing}) for row in every]


def measure(row: Row, rounds: int) -> dict[str, Any]:
    """The rates of all rounds, medians, and the ratio to each peer with its minimum and maximum over the rounds."""
    row.ours()  # compiles, and is not counted
    rates: dict[str, list[float]] = {name: [] for name in ("TokenMaze", *row.peers)}
    for _ in range(rounds):
        for name, measured in {"TokenMaze": row.ours, **row.peers}.items():
            rates[name].append(measured())
    medians = {name: statistics.median(values) for name, values in rates.items()}
    ratios = {name: ratio(rates["TokenMaze"], rates[name]) for name in row.peers}
    return {"name": row.name, "unit": row.unit, "median": medians, "ratio": ratios, "rounds": rates}


def memory() -> dict[str, float]:
    """Bytes for each environment: a single one, and in a vector of 4,096, 5x5."""
    figures = {}
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    singles = [gymnasium.make("TokenMaze-v0") for _ in range(500)]
    for env in singles:
        env.reset(seed=0)
    figures["single"] = (tracemalloc.get_traced_memory()[0] - before) / len(singles)
    for view in ("state", "tokens"):
        before = tracemalloc.get_traced_memory()[0]
        vector = TokenMazeVectorEnv(peers.VECTOR, view=view)
        vector.reset(seed=0)
        figures[f"vector, {view}"] = (tracemalloc.get_traced_memory()[0] - before) / peers.VECTOR
    tracemalloc.stop()
    return figures


def import_time(rounds: int = 5) -> float:
    """Milliseconds of ``import maze_env`` beyond gymnasium and numpy: the median over fresh processes."""
    code = "import time, gymnasium, numpy; t = time.perf_counter(); import maze_env; print(time.perf_counter() - t)"
    runs = [float(subprocess.check_output([sys.executable, "-c", code], encoding="utf-8")) for _ in range(rounds)]
    return 1000 * statistics.median(runs)


def row_cells(row: dict[str, Any]) -> list[str]:
    """What was measured, our median, and how many times that of each peer it is."""
    compared = []
    for peer, ratios in row["ratio"].items():
        times = {name: f"{value:,.0f}" if value >= 20 else f"{value:.2f}" for name, value in ratios.items()}
        compared.append(f"{times['median']} x {peer} [{times['min']}, {times['max']}]")
    return [row["name"], f"{row['median']['TokenMaze']:,.0f} {row['unit']}", "; ".join(compared)]


def cost_cells(stored: dict[str, Any]) -> list[list[str]]:
    """What an environment and the import cost."""
    sizes = stored["memory_bytes"].items()
    lines = [[f"memory of an environment, {name}", f"{size:,.0f} bytes", ""] for name, size in sizes]
    return [*lines, ["`import maze_env` beyond gymnasium and numpy", f"{stored['import_ms']:.0f} ms", ""]]


def table(stored: dict[str, Any]) -> str:
    """Stored results as a Markdown table."""
    header = ["what", "median", "compared with others: ratio [min, max over rounds]"]
    return markdown_table(header, [*map(row_cells, stored["rows"]), *cost_cells(stored)])


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures, prints, and stores; or makes the table of what was stored."""
    parser = Measurement("benchmarks.throughput", __doc__, rounds=5)
    parser.add_argument("--only", default="", help="rows whose name holds this text")
    parser.add_argument("--table", type=path_of, help="measure nothing: print the table of such a file")
    parser.add_argument("--readme", type=path_of, help=f"with --table: put it between {BEGIN} and {END} of this file")
    options = parser.checked(arguments)
    if options.table is not None:
        try:
            text = table(json.loads(read_utf8(options.table)))
        except (json.JSONDecodeError, LookupError, TypeError) as error:
            raise InvalidConfig(f"Expects a file of this command, actual: {options.table} ({error})") from None
        publish(text, options.readme, BEGIN, END)
        return
    results = []
    for row in rows():
        if options.only in row.name:
            results.append(measure(row, options.rounds))
            print(*row_cells(results[-1]), sep="  ", flush=True)
    stored: dict[str, Any] = {"rows": results, "memory_bytes": memory(), "import_ms": import_time()}
    for cells in cost_cells(stored):
        print(*cells, sep="  ")
    parser.store(stored, options.output)


if __name__ == "__main__":
    run_command(main)
