import os
import re
import subprocess
import sys
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from maze_env._cli import run_command
from maze_env.attempt import MALFORMED
from maze_env.errors import InvalidConfig, InvalidOutput, UnknownName
from tokenmaze.agents import registry
from tokenmaze.benchmarks import mazebench, table
from tokenmaze.benchmarks.compare import main as compare_files
from tokenmaze.benchmarks.comparison import compare
from tokenmaze.benchmarks.mazebench import main
from tokenmaze.benchmarks.metrics import legality, solved_rate, spl
from tokenmaze.benchmarks.record import Provenance, Result, SuiteOfResult, path_scores, result_text, solved_shares
from tokenmaze.benchmarks.record import load as load_result
from tokenmaze.benchmarks.runner import episode_seed, run_suite
from tokenmaze.benchmarks.stats import wilson
from tokenmaze.benchmarks.suite_specs import SUITES
from tokenmaze.benchmarks.suites import load
from tokenmaze.benchmarks.typed_json import InvalidResult

REPOSITORY = Path(__file__).resolve().parents[2]
USER_AGENT = '''
from tokenmaze.agents.base import Agent
from maze_env import maze_from_text
from maze_env.attempt import Reply
from maze_env.solving import shortest_path

class Garbage(Agent):
    """Nonsense of every kind, and now and then a move."""

    name = "garbage"

    def __init__(self, mode="plan"):
        self.mode = mode

    def act(self, observations):
        texts = ["", "left", "<think>", "<|up|>", "<|up|> and on", "\\\\x00", "</think></think>", "<|nowhere|>"]
        return [Reply(texts[(len(observation) + i) % len(texts)]) for i, observation in enumerate(observations)]

class Parser(Garbage):
    """Reads the standard text and nothing else."""

    def supports(self, phrasing):
        return phrasing in ("standard", "terse")

    def act(self, observations):
        return [Reply("".join(move.token for move in shortest_path(maze_from_text(text)))) for text in observations]

class Silent(Garbage):
    def act(self, observations):
        return []
'''


@pytest.fixture
def user_module(tmp_path, monkeypatch):
    (tmp_path / "my_module.py").write_text(USER_AGENT, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "my_module", raising=False)


def run(*arguments: str, output: Path) -> Result:
    main([*arguments, "--output", str(output)])
    return load_result(output)


@pytest.mark.parametrize("mode", ["plan", "play"])
def test_the_oracle_solves_every_maze_by_the_shortest_path(mode):
    records = run_suite(registry.make("shortest-path", mode), load("mazebench-100"))
    assert len(records) == 100
    assert (solved_rate(records), legality(records), spl(records)) == (1.0, 1.0, 1.0)


def test_under_partial_observability_the_oracle_has_to_explore(tmp_path, capsys):
    blind = ("--agent", "shortest-path", "--view-radius", "1")
    played = run(*blind, "--mode", "play", output=tmp_path / "play.json")
    assert played.view_radius == 1
    assert played.summary.solved_rate == 1.0
    assert 0.5 < played.summary.spl < 1.0
    assert played.summary.revisits > played.summary.loops == 0.0  # it comes back only with new knowledge
    planned = run(*blind, "--mode", "plan", output=tmp_path / "plan.json")
    levels = {name: level.solved_rate for name, level in planned.summary.levels.items()}
    assert levels["Easy"] > 0.9  # a window of 3x3 cells is much of a small maze
    assert levels["Hard"] == 0.0
    assert "mazebench-100 v1, 100 mazes, play track, view radius 1" in capsys.readouterr().out
    with pytest.raises(InvalidConfig, match="Expects --view-radius of at least 0, actual: -1"):
        main(["--agent", "random", "--view-radius", "-1"])


def test_the_oracle_solves_every_suite():
    for name in SUITES:
        assert solved_rate(run_suite(registry.make("shortest-path", "plan"), load(name))) == 1.0


def test_where_the_target_is_unreachable_only_those_who_say_so_score(tmp_path):
    oracle = run("--agent", "shortest-path", "--suite", "unreachable", output=tmp_path / "oracle.json")
    assert (oracle.summary.solved_rate, oracle.summary.spl) == (1.0, 1.0)
    assert path_scores(oracle) == [1.0] * 200
    wanderer = run("--agent", "left-hand", "--suite", "unreachable", output=tmp_path / "wanderer.json")
    levels = {name: level.solved_rate for name, level in wanderer.summary.levels.items()}
    assert levels == {"unreachable": 0.0, "reachable": 1.0}
    assert wanderer.summary.ends == {"solved": 100, "short_of_target": 100}


def test_random_is_near_its_level():
    # Of 1,000 mazes a blind plan solves few, nearly all of one or two moves; measured 4.7 % with seed 0.
    records = run_suite(registry.make("random", "plan"), load("mazebench-1000"))
    assert 0.02 < solved_rate(records) < 0.09
    # In play it has 100 moves and walls only cost time; measured 57 % with seed 0, standard error 5 points.
    assert 0.35 < solved_rate(run_suite(registry.make("random", "play"), load("mazebench-100"))) < 0.8


def test_a_result_stores_what_it_takes_to_read_and_repeat_it(tmp_path, capsys):
    output = tmp_path / "new" / "result.json"
    arguments = ["--agent", "greedy", "--recipe", "none", "--stage", "untrained", "--train-seed", "7", "--texts"]
    result = run(*arguments, output=output)
    assert result.suite == SuiteOfResult("mazebench-100", 1, SUITES["mazebench-100"].sha256, 100, 100, 0)
    assert (result.schema_version, result.status) == (2, "complete")
    assert (result.mode, result.samples, result.seed, result.train_seed) == ("plan", 1, 0, 7)
    assert (result.settings, result.batch_size) == ({}, 100)
    assert list(result.baselines) == ["random", "shortest-path"]
    assert result.baselines["shortest-path"].spl == 1.0
    assert result.provenance.command.startswith("python -m benchmarks.mazebench --agent greedy --recipe none")
    assert result.provenance.packages["numpy"]
    assert [attempt.maze for attempt in result.attempts] == list(range(100))
    solved = [attempt for attempt in result.attempts if attempt.solved]
    assert len(solved) == result.summary.solved
    assert all(set(one.moves) <= set("UDLR") and one.texts[0].count("<|") == len(one.moves) for one in solved)
    printed = capsys.readouterr().out
    assert "mazebench-100 v1, 100 mazes, plan track" in printed
    assert "(shortest-path) 100.0%" in printed
    gap, illegal = result.summary.optimality_gap, result.summary.first_illegal_moves
    assert f"longer than the shortest path: {gap.ratio:.1%}, {gap.moves:.2f} moves a solve" in printed
    for end, first in illegal.items():
        assert f"{end} in {first.share:.1%}, median move {first.median:g}" in printed
    assert os.listdir(output.parent) == ["result.json"]


def test_a_thousand_mazes_stay_small_on_disk_and_repeat_to_the_byte(tmp_path):
    results = [
        run("--agent", "right-hand", "--suite", "mazebench-1000", output=tmp_path / name)
        for name in ("a.json", "b.json")
    ]
    assert (tmp_path / "a.json").stat().st_size < 20_000
    one, other = (replace(result, provenance=Provenance("")) for result in results)
    assert one == other
    assert result_text(one) == result_text(other)


@pytest.mark.parametrize("mode", ["plan", "play"])
def test_every_attempt_of_an_agent_that_writes_garbage_is_counted(user_module, tmp_path, mode):
    result = run("--agent", "my_module:Garbage", "--mode", mode, "--samples", "2", output=tmp_path / "r.json")
    summary = result.summary
    assert len(result.attempts) == summary.attempts == 200
    assert sum(summary.ends.values()) == sum(summary.ended_by.values()) == 200
    assert sum(level.attempts for level in summary.levels.values()) == 200
    assert summary.solved_rate == summary.solved / 200
    assert sum(count for end, count in summary.ends.items() if end in MALFORMED) > 100


def test_an_agent_is_measured_in_the_phrasings_that_it_takes(user_module, tmp_path, capsys):
    result = run("--agent", "my_module:Parser", "--suite", "phrasing", output=tmp_path / "parser.json")
    taken = ("standard", "terse")
    assert result.suite.phrasings == tuple(result.summary.levels) == taken
    assert tuple(result.baselines["random"].levels) == taken
    assert [(one.phrasing, one.maze) for one in result.attempts] == list(product(taken, range(100)))
    assert result.summary.solved_rate_wilson_95 == wilson(1.0, 100)
    printed = capsys.readouterr().out
    assert "phrasings not taken: renamed, transposed, bottom-up, shuffled, adjacency, ascii" in printed
    assert "robustness (solved in every phrasing, of what is solved in the standard one): 100.0%" in printed
    assert "worst phrasing: standard, 100.0%" in printed
    oracle = run("--agent", "shortest-path", "--suite", "phrasing", output=tmp_path / "oracle.json")
    assert oracle.summary.robustness == 1.0
    assert oracle.summary.phrasings_not_taken == ()
    assert len(oracle.attempts) == 800
    assert path_scores(oracle) == solved_shares(oracle) == [1.0] * 100
    with pytest.raises(InvalidResult, match="Expects two results with the same phrasings"):
        compare(oracle, result)
    assert "| 100.0 / 100.0 |" in table.table([result])
    with pytest.raises(InvalidConfig, match="Expects phrasing 'standard' in play and under partial obs"):
        main(
            [
                "--agent",
                "shortest-path",
                "--suite",
                "phrasing",
                "--view-radius",
                "1",
                "--output",
                str(tmp_path / "v.json"),
            ]
        )
    assert not list(tmp_path.glob("v.*"))  # refused before the work


def test_phrasings_are_compared_maze_by_maze(tmp_path, capsys):
    files = [str(tmp_path / f"{name}.json") for name in ("shortest-path", "greedy")]
    for name, file in zip(("shortest-path", "greedy"), files, strict=True):
        main(["--agent", name, "--suite", "phrasing", "--output", file])
    capsys.readouterr()
    compare_files(files)
    lines = capsys.readouterr().out.splitlines()
    shares = solved_shares(load_result(Path(files[1])))
    assert len(shares) == 100
    assert set(shares) - {0.0, 1.0}  # it breaks ties by chance, so solves some in some of the phrasings
    assert f"solved more often by A: {sum(share < 1 for share in shares)} mazes, by B: 0 mazes" in lines
    assert any(line.startswith("exact sign test over mazes") for line in lines)


def test_an_agent_that_gives_too_few_texts_is_an_error(user_module):
    with pytest.raises(InvalidConfig, match=r"Silent.act to give 100 Reply objects"):
        main(["--agent", "my_module:Silent"])


def test_anyones_agent_is_found_in_the_working_directory(tmp_path):
    (tmp_path / "my_module.py").write_text(USER_AGENT, encoding="utf-8")
    command = [sys.executable, "-m", "benchmarks.mazebench", "--agent", "my_module:Garbage", "--output", "r.json"]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True)
    assert load_result(tmp_path / "r.json").agent == "my_module:Garbage"


def test_samples_differ_and_give_pass_at_k(tmp_path):
    result = run("--agent", "random-legal", "--mode", "play", "--samples", "3", output=tmp_path / "r.json")
    passed = result.summary.pass_at_k
    assert list(passed) == [1, 2, 3]
    assert passed[1] == pytest.approx(result.summary.solved_rate)
    assert passed[1] < passed[2] < passed[3]


def test_attempts_of_neighbouring_seeds_share_no_seed():
    seeds = [episode_seed(seed, sample, maze) for seed in range(3) for sample in range(3) for maze in range(1000)]
    assert len(set(seeds)) >= len(seeds) - 1  # 9,000 draws of 32 bits collide once in a hundred


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (["--agent", "gredy"], UnknownName, "Did you mean 'greedy'"),
        (["--agent", "greedy", "--suite", "mazebench-10"], UnknownName, "Did you mean 'mazebench-100'"),
        (["--agent", "greedy", "--mode", "plann"], UnknownName, "Did you mean 'plan'"),
        (["--agent", "greedy", "--stage", "stf"], UnknownName, "Did you mean 'sft'"),
        (["--agent", "greedy", "--samples", "0"], InvalidConfig, "--samples of at least 1"),
        (["--agent", "greedy", "--resume"], InvalidConfig, "Expects --output with --resume"),
        (["--agent", "greedy", "--temperature", "-1"], InvalidConfig, "--temperature of at least 0"),
        (["--agent", ".", "--samples", "4"], InvalidConfig, "same answer each time"),
        (
            ["--agent", "greedy", "--suite", "unreachable", "--mode", "play"],
            InvalidConfig,
            "Expects a mode of suite 'unreachable', one of ('plan',), actual: 'play'",
        ),
        (
            ["--agent", "greedy", "--suite", "phrasing", "--mode", "play"],
            InvalidConfig,
            "Expects a mode of suite 'phrasing', one of ('plan',), actual: 'play'",
        ),
    ],
)
def test_what_cannot_work_is_one_clear_error(arguments, error, message):
    with pytest.raises(error, match=re.escape(message)):
        main(arguments)


def test_an_output_that_cannot_be_written_is_refused_before_the_work(tmp_path, monkeypatch):
    monkeypatch.setattr(mazebench, "run_suite", lambda *arguments: pytest.fail("the work began"))
    existing = tmp_path / "result.json"
    existing.write_text("old")
    refused = ((existing, "--overwrite"), (tmp_path, "is a folder"), (existing / "under", "can be written"))
    for output, message in refused:
        with pytest.raises(InvalidOutput, match=message):
            main(["--agent", "greedy", "--output", str(output)])
    assert existing.read_text() == "old"


def test_overwrite_replaces_the_whole_file(tmp_path):
    existing = tmp_path / "result.json"
    existing.write_text("old" * 100_000)
    main(["--agent", "greedy", "--output", str(existing), "--overwrite"])
    assert load_result(existing).agent == "greedy"
    assert os.listdir(tmp_path) == ["result.json"]


def test_a_run_that_fails_leaves_no_file(user_module, tmp_path):
    with pytest.raises(InvalidConfig):
        main(["--agent", "my_module:Silent", "--output", str(tmp_path / "r" / "result.json")])
    assert os.listdir(tmp_path / "r") == []


def test_the_command_prints_one_line_and_exits_with_2(capsys):
    with pytest.raises(SystemExit) as ended:
        run_command(lambda: main(["--agent", "gredy"]))
    assert ended.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith("error: Expects an agent out of")
    assert error.count("\n") == 1


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_closed_pipe_costs_neither_the_result_nor_a_traceback(tmp_path, unbuffered):
    output = tmp_path / "result.json"
    command = [sys.executable, "-m", "benchmarks.mazebench", "--agent", "shortest-path", "--suite", "mazebench-100"]
    read, write = os.pipe()
    os.close(read)
    run = subprocess.run(
        [*command, "--output", str(output)],
        cwd=REPOSITORY,
        env=os.environ | {"PYTHONUNBUFFERED": unbuffered},
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(write)
    assert run.returncode == 1
    assert run.stderr == ""
    assert load_result(output).summary.solved_rate == 1.0
