"""The report: what stands in the page. What it does in a browser: test_report_browser.py."""

import base64
import gzip
import json
import re
from collections import Counter
from dataclasses import replace

import pytest

from maze_env import traces
from maze_env._cli import run_command
from maze_env.attempt import ILLEGAL, End
from maze_env.errors import InvalidOutput
from maze_env.solving import distances_to
from maze_env.tokens import maze_to_text
from tests.reports import EVIL, Scripted, result_of
from tests.tiny import ROOT
from tokenmaze.agents.errors import InvalidCheckpoint
from tokenmaze.agents.run_log import RunLog, read_run
from tokenmaze.benchmarks.mazebench import main as run_benchmark
from tokenmaze.benchmarks.record import load as load_result
from tokenmaze.benchmarks.report import charts, curves, markup, replay
from tokenmaze.benchmarks.report.__main__ import main
from tokenmaze.benchmarks.report.breakdown import PROPERTIES, bins_of, path_length
from tokenmaze.benchmarks.report.page import page
from tokenmaze.benchmarks.stats import wilson
from tokenmaze.benchmarks.stored_attempts import moves_of, restored
from tokenmaze.benchmarks.suites import load
from tokenmaze.benchmarks.typed_json import InvalidResult

RESULTS = ROOT / "benchmarks" / "results"


def data_of(text):
    """The data that a page embeds."""
    packed = re.search(r'<script type="text/plain" id="data">(.*?)</script>', text)[1]
    return json.loads(gzip.decompress(base64.b64decode(packed)))


def test_the_command_writes_one_page_and_never_over_another(tmp_path, capsys):
    output = tmp_path / "new" / "report.html"
    main([str(RESULTS / "main" / "search-0-sft.json"), "-o", str(output)])
    text = output.read_text(encoding="utf-8")
    assert f"{len(text) / 1e6:.2f} MB in {output}" in capsys.readouterr().out
    assert "n&nbsp;=&nbsp;100" in text
    assert "\\x" not in text  # no escape of what the page itself says
    with pytest.raises(InvalidOutput, match=r"Expects a new file, actual: .* --overwrite replaces it"):
        main([str(RESULTS / "main" / "search-0-sft.json"), "-o", str(output)])
    main([str(RESULTS / "main" / "search-0-sft.json"), "-o", str(output), "--overwrite"])
    assert output.read_text(encoding="utf-8") == text


def test_what_cannot_be_read_is_one_line_and_leaves_no_file(tmp_path, capsys):
    output = tmp_path / "report.html"
    with pytest.raises(SystemExit, match="2"):
        run_command(lambda: main([str(tmp_path / "none.json"), "-o", str(output)]))
    assert capsys.readouterr().err.startswith("error: Expects a result file of tokenmaze bench, actual: ")
    with pytest.raises(InvalidCheckpoint, match="Expects the folder of a finished run"):
        main([str(RESULTS / "main" / "search-0-sft.json"), "--runs", str(tmp_path), "-o", str(output)])
    assert not output.exists()


def test_a_result_with_invalid_moves_is_refused(results):
    result = results[1][1]
    attempts = (replace(result.attempts[0], moves="UX"), *result.attempts[1:])
    with pytest.raises(InvalidResult, match="Expects moves written with UDLR, actual: 'X'"):
        page([("x", replace(result, attempts=attempts))])


def test_the_page_needs_nothing_else_and_lets_no_text_out(results, run_folder):
    text = page(results, [run_folder])
    ours = text.replace("img src=x", "")
    assert not re.search(r"""(?:src|href)=["']?(?!["']|#|data:|https://arxiv\.org/abs/2502\.14669)""", ours)
    assert "@import" not in text
    assert "url(" not in text
    assert EVIL[:30] not in text
    assert text.count("<script") == 2
    assert "&lt;/script&gt;&lt;script&gt;window.broken" in text
    assert "default-src 'none'" in text


def test_tracks_stay_apart_and_the_published_figures_stand_where_they_belong(results):
    parts = re.findall(r'<section id="track-\d">.*?</section>', page(results), re.DOTALL)
    assert [re.search(r"<h2>(.*?)<small> (.*?) track", part).groups() for part in parts] == [
        ("mazebench-100", "100 mazes, plan"),
        ("mazebench-100", "100 mazes, play"),
    ]
    assert [part.count("published, not re-run") for part in parts] == [3, 0]
    assert "oracle" not in parts[0]
    low, high = wilson(0.86, 100)
    assert f"{100 * low:.1f} to {100 * high:.1f}" in parts[0]
    low, high = results[1][1].summary.solved_rate_wilson_95
    assert f"{100 * low:.1f} to {100 * high:.1f}" in parts[0]
    assert "<h3>Reasoning</h3>" in parts[0]
    assert "retry-dead-end" not in parts[1]


def test_results_of_one_title_also_have_the_names_of_their_files(results):
    text = page([("one", results[1][1]), ("two", replace(results[1][1]))])
    assert [result["title"] for result in data_of(text)["results"]] == ["retry (one)", "retry (two)"]


def test_half_a_character_does_not_keep_the_page_from_being_written(results):
    text = page([("half", replace(results[1][1], agent="half \ud800"))])
    assert "<strong>half \\ud800</strong>" in text
    text.encode("utf-8")


def test_bins_hold_every_maze_once():
    for suite in ("mazebench-100", "sizes", "turns"):
        for name in PROPERTIES:
            values = [PROPERTIES[name](maze) for maze in load(suite).mazes]
            places = [place for _, some in bins_of(values) for place in some]
            assert sorted(places) == list(range(len(values)))
    assert [label for label, _ in bins_of([1, 5, 5, 9])] == ["1", "5", "9"]
    assert [label for label, _ in bins_of(range(1, 100))][:2] == ["0-9", "10-19"]


def test_the_committed_results_are_broken_down_as_they_are():
    result = load_result(RESULTS / "main" / "alphamaze-0-grpo.json")
    lengths = [path_length(maze) for maze in load("mazebench-1000").mazes]
    ones = [attempt.solved for attempt in result.attempts if lengths[attempt.maze] == 4]
    low, high = wilson(sum(ones) / len(ones), len(ones))
    text = page([("grpo", result)])
    assert f"{100 * sum(ones) / len(ones):.1f} % [{100 * low:.1f}, {100 * high:.1f}]" in text
    assert "side of the maze" not in text  # all are 5x5
    assert "61 failed" in text


@pytest.fixture(scope="module")
def phrased(tmp_path_factory):
    """The oracle in every phrasing."""
    path = tmp_path_factory.mktemp("phrased") / "result.json"
    run_benchmark(["--agent", "shortest-path", "--suite", "phrasing", "--output", str(path)])
    return load_result(path)


@pytest.fixture(scope="module")
def of_topology():
    """Two training seeds, of which one solves every second maze and the other all."""

    def every(count):
        return lambda maze, index: "" if index % count else traces.write("path", maze, index)

    results = [result_of(Scripted("a", every(count)), "topology") for count in (2, 1)]
    return [replace(one, stage="sft", train_seed=seed) for seed, one in enumerate(results)]


def interval_text(rate, low, high):
    return f"{100 * rate:.1f} % [{100 * low:.1f}, {100 * high:.1f}]"


def figure_by(what, text):
    return re.search(rf"<figure><figcaption>Solved, by {what}<.*?</figure>", text, re.DOTALL)[0]


def test_a_suite_whose_levels_are_kinds_is_broken_down_by_level(of_topology, phrased):
    for what, result in (("level", of_topology[0]), ("phrasing", phrased)):
        figure = figure_by(what, page([("x", result)]))
        assert len(result.summary.levels) >= 8
        for level, part in result.summary.levels.items():
            interval = interval_text(part.solved_rate, *part.solved_rate_wilson_95)
            assert f"{level}: {interval}" in figure  # at the dot
            assert f">{interval}<" in figure  # in the numbers
            assert f">{level} ({part.attempts})<" in figure


def test_by_level_the_mean_over_training_seeds_is_drawn(of_topology):
    one, other = (result.summary.levels["wilson"].solved_rate for result in of_topology)
    figure = figure_by("level", page([(str(one.train_seed), one) for one in of_topology]))
    assert one < other
    mean = (one + other) / 2
    assert f"default: SFT, wilson: {interval_text(mean, *wilson(mean, 100))}" in figure


def test_levels_that_the_leaderboard_has_are_not_drawn_again(results):
    assert "by level" not in page(results)


def test_agents_that_took_other_phrasings_are_on_other_tracks(phrased):
    standard = {"standard": phrased.summary.levels["standard"]}
    one = replace(
        phrased,
        suite=replace(phrased.suite, phrasings=("standard",)),
        attempts=phrased.attempts[:100],
        summary=replace(phrased.summary, levels=standard, phrasings_not_taken=("terse", "ascii")),
    )
    text = page([("all", phrased), ("one", one)])
    titles = [re.sub("<.*?>", "", title) for title in re.findall("<h2>phrasing.*?</h2>", text)]
    assert titles == [
        f"phrasing 100 mazes, plan track, greedy decoding, phrasings {', '.join(phrasings)}"
        for phrasings in (["standard"], phrased.suite.phrasings)
    ]
    assert text.count("Unsupported phrasings") == 1
    assert "Unsupported phrasings, in no figure: terse, ascii." in text


def test_other_mazes_than_were_measured_are_not_drawn(tmp_path, monkeypatch):
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    bench, output = tmp_path / "bench.json", tmp_path / "result.json"

    def publish(mazes):
        bench.write_text(json.dumps([{"Prompt": maze_to_text(maze)} for maze in mazes]))
        load.cache_clear()  # another day, another process

    mazes = load("mazebench-100").mazes
    publish(mazes[:3])
    run_benchmark(["--agent", "shortest-path", "--suite", str(bench), "--output", str(output)])
    main([str(output), "-o", str(tmp_path / "report.html")])
    publish(mazes[3:6])
    with pytest.raises(InvalidResult, match=r"Expects .*bench\.json as it was measured, sha256 \w+, actual: "):
        main([str(output), "-o", str(tmp_path / "again.html")])


def test_a_failure_that_no_move_shows_is_named_at_its_end(results):
    data = replay.result_data(results[0][1])
    named = {end for end, _, ending in data["ends"] if ending}
    assert named == {end for end, _, _ in data["ends"]} - {End.SOLVED, *ILLEGAL}
    assert End.STRAY_TEXT in named
    assert End.HIT_WALL in {end for end, _, _ in data["ends"]}


def test_moves_say_what_they_did(results):
    mazes = load("mazebench-100").mazes
    kinds = Counter()
    for maze, stored in zip(mazes, results[0][1].attempts, strict=True):
        left = distances_to(maze.walls, maze.target)
        marked = replay.marked_moves(restored(stored, maze, 0), left)
        cell = maze.origin
        for letter, move in zip(marked, moves_of(stored.moves), strict=True):
            if not maze.is_open(cell, move):
                assert letter == str(int(move))
                kinds["illegal"] += 1
                continue
            nearer = left[move.apply(cell)] < left[cell]
            cell = move.apply(cell)
            assert letter.isupper() == nearer
            kinds["nearer" if nearer else "detour"] += 1
    assert min(kinds.values()) > 10
    assert len(kinds) == 3


def test_markup_escapes_whatever_is_not_markup():
    made = markup.element("a", "<b>", markup.element("i"), None, class_='"', data_x=1, hidden=False, open=True)
    assert made == '<a class="&quot;" data-x="1" open>&lt;b&gt;<i></i></a>'
    assert "</script>" not in markup.data_block("x", ["</script>"])[:-9]


def test_curves_show_reward_terms_and_leave_out_what_says_nothing(run_folder):
    text = "".join(curves.run_panels(read_run(run_folder)))
    assert "Reward and its terms" in text
    assert "How completions failed" in text
    assert "Loss" not in text  # GRPO's
    odd = [{"step": 1, "reward": -1.0}, {"step": 2, "reward": float("nan")}, {"step": 3, "reward": None}, {"epoch": 1}]
    run = RunLog("grpo", {}, {}, odd)
    assert run.curve("reward") == [(1.0, -1.0)]
    assert ">-1<" in "".join(curves.run_panels(run))  # the axis reaches down to it
    assert len(charts.thinned([(float(i), 1.0) for i in range(1001)], 30)) <= 30
