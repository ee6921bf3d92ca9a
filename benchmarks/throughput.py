"""How fast everything is, next to the installed peers, in one run.

    python -m benchmarks.throughput --output benchmarks/throughput.json
    python -m benchmarks.throughput --table benchmarks/throughput.json --readme README.md

Ours and the peers of a row are measured alternately, round after round, because machines are noisy: what is compared is
the ratio within each round. Printed are medians, and ratios with their minimum and maximum over the rounds.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from importlib.util import find_spec
from typing import Any

import gymnasium
import numpy as np

import maze_env
from agents.base import Agent
from agents.provenance import provenance
from agents.rollout import rollout
from benchmarks import peers
from benchmarks.metrics import summarize
from benchmarks.present.markdown import markdown_table, publish
from benchmarks.suites import load
from maze_env import traces
from maze_env._cli import check_output, path_of, run_command, write_result
from maze_env.answers import moves_to_text
from maze_env.attempt import Reply
from maze_env.generation import MazeSpec, generate_batch
from maze_env.vector import TokenMazeVectorEnv
from maze_env.verifier import verify

BEGIN, END = "<!-- throughput:begin -->", "<!-- throughput:end -->"
PACKAGES = {"MiniGrid FourRooms": "minigrid", "Jumanji Maze": "jumanji", "Jumanji": "jumanji"}
PACKAGES["maze-dataset"] = "maze_dataset"
"""Of the peers that gymnasium does not bring along."""
Rate = Callable[[], float]


class ScriptedAgent(Agent):
    """Answers with texts that are given in advance, in order; each token of a text counts as generated."""

    name = "scripted"
    mode = "plan"

    def __init__(self, texts: Sequence[str]):
        self.texts = texts

    def act(self, observations: list[str]) -> list[Reply]:
        """The texts."""
        return [Reply(text, text.count("<|")) for text in self.texts]


@dataclass(frozen=True)
class Row:
    """One figure: what it is, its unit, how to measure it here and at its peers."""

    name: str
    unit: str
    ours: Rate
    peers: dict[str, Rate] = field(default_factory=dict)


def measure_vector_steps(view: str) -> float:
    """Vector steps per second in which no episode ends: 10x10, targets farther than the steps taken."""
    env = TokenMazeVectorEnv(peers.VECTOR, "Disabled", rows=10, cols=10, min_length=26, view=view)
    actions = np.random.default_rng(0).integers(0, 4, (25, peers.VECTOR))
    seconds, episodes = 0.0, 3
    for seed in range(episodes):
        env.reset(seed=seed)
        start = time.perf_counter()
        for batch in actions:
            env.step(batch)
        seconds += time.perf_counter() - start
    return episodes * actions.size / seconds


def measure_resets(resets: int = 3_000) -> float:
    """Resets per second of one environment through ``gymnasium.make``, 5x5."""
    env = gymnasium.make("TokenMaze-v0")
    env.reset(seed=0)
    start = time.perf_counter()
    for _ in range(resets):
        env.reset()
    return resets / (time.perf_counter() - start)


def measure_generation(side: int, count: int, split: str | None = None) -> float:
    """Depth-first mazes per second, in one batch."""
    keys = np.arange(count, dtype=np.uint64)
    start = time.perf_counter()
    generate_batch(keys, MazeSpec(side, side, split=split))
    return count / (time.perf_counter() - start)


def measure_verification(parse: bool) -> float:
    """Correct answers verified per second, 5x5, given the parsed maze or its text."""
    batch = generate_batch(np.arange(2_000, dtype=np.uint64), MazeSpec())
    mazes = [batch[index] for index in range(len(batch))]
    texts = [maze_env.maze_to_text(maze) for maze in mazes]
    answers = [f"<think>\n</think>\n\n{moves_to_text(maze_env.shortest_path(maze))}" for maze in mazes]
    start = time.perf_counter()
    if parse:
        solved = [
            verify(maze_env.maze_from_text(text), answer).solved for text, answer in zip(texts, answers, strict=True)
        ]
    else:
        solved = [verify(maze, answer).solved for maze, answer in zip(mazes, answers, strict=True)]
    seconds = time.perf_counter() - start
    assert all(solved)
    return len(mazes) / seconds


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
    start = time.perf_counter()
    summarize(rollout(ScriptedAgent(answers), mazes, range(len(mazes))), suite)
    return len(mazes) / (time.perf_counter() - start)


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
    fresh: dict[str, Rate] = {"Jumanji Maze": partial(peers.jumanji_steps, autoreset=True)}

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
    return [replace(row, peers={name: rate for name, rate in row.peers.items() if installed(name)}) for row in every]


def installed(peer: str) -> bool:
    """Whether a peer can be measured here."""
    return peer not in PACKAGES or find_spec(PACKAGES[peer]) is not None


def measure(row: Row, rounds: int) -> dict[str, Any]:
    """The rates of all rounds, medians, and the ratio to each peer with its minimum and maximum over the rounds."""
    row.ours()  # compiles, and is not counted
    rates: dict[str, list[float]] = {name: [] for name in ("TokenMaze", *row.peers)}
    for _ in range(rounds):
        for name, rate in {"TokenMaze": row.ours, **row.peers}.items():
            rates[name].append(rate())
    return {
        "name": row.name,
        "unit": row.unit,
        "median": {name: statistics.median(values) for name, values in rates.items()},
        "ratio": {name: ratio(rates["TokenMaze"], rates[name]) for name in row.peers},
        "rounds": rates,
    }


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> dict[str, float]:
    """The ratio within each round: median, minimum and maximum."""
    ratios = [one / other for one, other in zip(ours, theirs, strict=True)]
    return {"median": statistics.median(ratios), "min": min(ratios), "max": max(ratios)}


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


def _ratio_text(ratio: dict[str, float], peer: str, peer_first: bool) -> str:
    times = {name: f"{value:,.0f}" if value >= 20 else f"{value:.2f}" for name, value in ratio.items()}
    spread = f"[{times['min']}, {times['max']}]"
    return f"{times['median']} x " + (f"{peer} {spread}" if peer_first else f"{spread} {peer}")


def show(result: dict[str, Any]) -> str:
    """A line for a row, and one for each of its peers."""
    line = f"{result['name']:<42} {result['median']['TokenMaze']:>14,.0f} {result['unit']:<10}"
    for name, ratio in result["ratio"].items():
        line += f"\n    {_ratio_text(ratio, name, peer_first=False)} ({result['median'][name]:,.0f})"
    return line


def table(stored: dict[str, Any]) -> str:
    """Stored results as a Markdown table."""
    lines = []
    for row in stored["rows"]:
        ratios = [_ratio_text(ratio, name, peer_first=True) for name, ratio in row["ratio"].items()]
        lines.append([row["name"], f"{row['median']['TokenMaze']:,.0f} {row['unit']}", "; ".join(ratios)])
    for name, size in stored["memory_bytes"].items():
        lines.append([f"memory of an environment, {name}", f"{size:,.0f} bytes", ""])
    lines.append(["`import maze_env` beyond gymnasium and numpy", f"{stored['import_ms']:.0f} ms", ""])
    return markdown_table(["what", "median", "compared with others: ratio [min, max over rounds]"], lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures, prints, and stores; or makes the table of what was stored."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks.throughput", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each row (default %(default)s)")
    parser.add_argument("--only", default="", help="rows whose name holds this text")
    parser.add_argument("--output", type=path_of, help="a JSON file to store the results in")
    parser.add_argument("--overwrite", action="store_true", help="replace that file")
    parser.add_argument("--table", type=path_of, help="measure nothing: print the table of such a file")
    parser.add_argument("--readme", type=path_of, help=f"with --table: put it between {BEGIN} and {END} of this file")
    arguments = sys.argv[1:] if arguments is None else arguments
    options = parser.parse_args(arguments)
    started = time.monotonic()
    if options.table is not None:
        publish(table(json.loads(options.table.read_text(encoding="utf-8"))), options.readme, BEGIN, END)
        return
    if options.output is not None:
        check_output(options.output, options.overwrite)
    results = []
    for row in rows():
        if options.only in row.name:
            results.append(measure(row, options.rounds))
            print(show(results[-1]), flush=True)
    stored: dict[str, Any] = {"rows": results, "memory_bytes": memory(), "import_ms": import_time()}
    stored["provenance"] = provenance("benchmarks.throughput", arguments, time.monotonic() - started)
    for name, size in stored["memory_bytes"].items():
        print(f"memory of an environment, {name:<16} {size:>14,.0f} bytes")
    print(f"import maze_env beyond gymnasium and numpy {stored['import_ms']:>14.0f} ms")
    if options.output is not None:
        write_result(options.output, json.dumps(stored, indent=1) + "\n")
        print(f"stored in {options.output}")


if __name__ == "__main__":
    run_command(main)
