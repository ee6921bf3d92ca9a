"""The report: what stands in the page. What it does in a browser: test_report_browser.py."""

import json
import re
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.report import charts, curves, markup, replay, thoughts
from benchmarks.report.__main__ import main
from benchmarks.report.breakdown import PROPERTIES, bins_of, values_of
from benchmarks.report.page import page
from benchmarks.results import InvalidResult, load_result, moves_of, result_text
from benchmarks.statistics import wilson
from benchmarks.suites import load
from maze_env import traces
from maze_env.commands import run_command
from maze_env.errors import InvalidCheckpoint, InvalidOutput
from maze_env.judging import judge
from maze_env.moves import MOVES
from maze_env.solving import distances_to
from tests.reports import EVIL
from tests.tiny import ROOT

RESULTS = ROOT / "benchmarks" / "results"
STYLES = ("path", "redraw", "retry", "retry-dead-end", "retry-redraw", "search")


def data_of(text):
    """The data that a page embeds."""
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)[1])


def test_the_command_writes_one_page_and_never_over_another(tmp_path, capsys):
    output = tmp_path / "new" / "report.html"
    main([str(RESULTS / "search-0-sft.json"), "-o", str(output)])
    text = output.read_text(encoding="utf-8")
    assert f"{len(text) / 1e6:.2f} MB in {output}" in capsys.readouterr().out
    with pytest.raises(InvalidOutput, match=r"Expects a new file, actual: .* --overwrite replaces it"):
        main([str(RESULTS / "search-0-sft.json"), "-o", str(output)])
    main([str(RESULTS / "search-0-sft.json"), "-o", str(output), "--overwrite"])
    assert output.read_text(encoding="utf-8") == text


def test_what_cannot_be_read_is_one_line_and_leaves_no_file(tmp_path, capsys):
    output = tmp_path / "report.html"
    with pytest.raises(SystemExit, match="2"):
        run_command(lambda: main([str(tmp_path / "none.json"), "-o", str(output)]))
    assert capsys.readouterr().err.startswith("error: Expects a result file of benchmarks.mazebench, actual: ")
    with pytest.raises(InvalidCheckpoint, match="Expects a finished run in"):
        main([str(RESULTS / "search-0-sft.json"), "--runs", str(tmp_path), "-o", str(output)])
    assert not output.exists()


def test_a_result_with_attempts_out_of_order_or_moves_that_are_none_is_refused(tmp_path, results):
    result = json.loads(json.dumps(results[1][1]))
    result["attempts"][3][2] = "UX"
    with pytest.raises(InvalidResult, match="Expects moves written with UDLR, actual: 'X'"):
        page([("x", result)])
    result["attempts"].reverse()
    path = tmp_path / "reversed.json"
    path.write_text(result_text(result))
    with pytest.raises(InvalidResult, match="actual: another order"):
        load_result(path)


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
        ("mazebench-100", "plan"),
        ("mazebench-100", "play"),
    ]
    assert [part.count("published, not re-run") for part in parts] == [3, 0]
    assert "oracle" not in parts[0]
    low, high = wilson(0.86, 100)
    assert f"{100 * low:.1f} to {100 * high:.1f}" in parts[0]
    low, high = results[1][1]["summary"]["solved_rate_wilson_95"]
    assert f"{100 * low:.1f} to {100 * high:.1f}" in parts[0]
    assert "What the reasoning was worth" in parts[0]
    assert "retry-dead-end" not in parts[1]


def test_results_of_one_title_are_told_apart_by_their_files(results):
    text = page([("one", results[1][1]), ("two", {**results[1][1]})])
    assert [result["title"] for result in data_of(text)["results"]] == ["retry (one)", "retry (two)"]


def test_half_a_character_does_not_keep_the_page_from_being_written(results):
    text = page([("half", {**results[1][1], "agent": "half \ud800"})])
    assert "<strong>half ?</strong>" in text
    text.encode("utf-8")


def test_bins_hold_every_maze_once():
    for suite in ("mazebench-100", "sizes", "turns"):
        for name in PROPERTIES:
            values = values_of(suite, name)
            places = [place for _, some in bins_of(values) for place in some]
            assert sorted(places) == list(range(len(values)))
    assert [label for label, _ in bins_of([1, 5, 5, 9])] == ["1", "5", "9"]
    assert [label for label, _ in bins_of(range(1, 100))][:2] == ["0-9", "10-19"]


def test_the_committed_results_are_broken_down_as_they_are():
    result = load_result(RESULTS / "default-0-grpo.json")
    lengths = values_of("mazebench-1000", "moves of the shortest path")
    ones = [row[1] == "solved" for row in result["attempts"] if lengths[row[0]] == 4]
    low, high = wilson(sum(ones) / len(ones), len(ones))
    text = page([("grpo", result)])
    assert f"{100 * sum(ones) / len(ones):.1f} % [{100 * low:.1f}, {100 * high:.1f}]" in text
    assert "side of the maze" not in text  # all are 5x5
    assert "61 failed" in text


def test_moves_say_what_they_did(results):
    mazes = load("mazebench-100").mazes
    kinds = Counter()
    for maze, row in zip(mazes, results[0][1]["attempts"], strict=True):
        left = distances_to(maze.walls, maze.target)
        marked = replay.marked_moves(maze, left, row[2])
        cell = maze.origin
        for letter, move in zip(marked, moves_of(row[2]), strict=True):
            if not maze.is_open(cell, move):
                assert letter == str(int(move))
                kinds["refused"] += 1
                continue
            nearer = left[move.from_cell(cell)] < left[cell]
            cell = move.from_cell(cell)
            assert letter.isupper() == nearer
            kinds["right" if nearer else "wrong"] += 1
    assert min(kinds.values()) > 10
    assert len(kinds) == 3


def text_of(pieces):
    return "".join(piece if isinstance(piece, str) else piece[0] for piece in pieces)


@pytest.mark.parametrize("style", STYLES)
def test_thoughts_follow_a_true_trace_to_the_target(style):
    for index, maze in enumerate(load("mazebench-100").mazes):
        text = traces.write(style, maze, index)
        moves = judge(maze, text).answer.moves
        pieces = thoughts.plan_pieces(maze, text, "solved", len(moves))
        assert text_of(pieces) == text
        thought = [piece for piece in pieces if isinstance(piece, list) and len(piece) > 1]
        assert [piece[0] for piece in pieces if isinstance(piece, list) and len(piece) == 1] == [m.token for m in moves]
        assert not [piece for piece in thought if "untrue" in piece]
        assert thought[-1][1] == maze.target[0] * maze.cols + maze.target[1]
        restarts = text.count("RESET") + text.count("PATH")
        assert sum("restart" in piece for piece in thought) == restarts
        for before, after in pairwise(thought):  # a thought goes from cell to cell, unless it begins again
            far = abs(before[1] // maze.cols - after[1] // maze.cols) + abs(
                before[1] % maze.cols - after[1] % maze.cols
            )
            assert far <= 1 or after[2:] == ["restart"]


def test_the_piece_that_is_untrue_is_marked_and_no_other():
    maze = load("mazebench-100").mazes[1]
    text = traces.write("path", maze, 0)
    walls = re.findall(r"<\|[a-z_]+_wall\|>", text)[1]
    lie = "<|no_wall|>" if walls != "<|no_wall|>" else "<|all_wall|>"
    before, _, after = text.partition(walls)
    pieces = thoughts.plan_pieces(maze, before + lie + after, "solved", 4)
    assert [piece[0] for piece in pieces if "untrue" in piece[2:]] == [lie]
    closed = next(move for move in MOVES if not maze.is_open(maze.origin, move))
    name = f"<|{maze.origin[0]}-{maze.origin[1]}|>"
    pieces = thoughts.thought_pieces(maze, f"{name}{closed.token}<|9-9|>BACKBACK")
    assert [piece[2:] == ["untrue"] for piece in pieces][:3] == [False, True, True]
    drawn = traces.write("redraw", maze, 0).replace("<|blank|>", "<|target|>", 1)
    pieces = thoughts.plan_pieces(maze, drawn, "solved", 4)
    assert ["untrue" in piece[2:] for piece in pieces if isinstance(piece, list)][:4] == [False, True, False, False]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                *("<think>", "</think>", "RESET", "BACK", "PATH", "Step 1: Go up\n", "Step 2: Go ahead\n", "\n"),
                *(
                    "<|up|>",
                    "<|left|>",
                    "<|0-0|>",
                    "<|63-99|>",
                    "<|no_wall|>",
                    "<|target|>",
                    "<|unseen|>",
                    "<|odd|>",
                    "x",
                ),
            ]
        )
    ).map("".join),
    st.integers(0, 3),
)
def test_any_text_is_taken_apart_without_loss(text, played):
    maze = load("mazebench-100").mazes[0]
    pieces = thoughts.plan_pieces(maze, text, str(judge(maze, text).cause), played)
    assert text_of(pieces) == text
    assert all(0 <= piece[1] < 25 for piece in pieces if isinstance(piece, list) and len(piece) > 1)


def test_markup_escapes_whatever_is_not_markup():
    made = markup.element("a", "<b>", markup.element("i"), None, class_='"', data_x=1, hidden=False, open=True)
    assert made == '<a class="&quot;" data-x="1" open>&lt;b&gt;<i></i></a>'
    assert "</script>" not in markup.json_block("x", ["</script>"])[:-9]


def test_curves_show_reward_terms_and_leave_out_what_says_nothing(run_folder):
    _, log = curves.read_run(run_folder)
    text = "".join(curves.run_panels(log))
    assert "Reward and its terms" in text
    assert "Failures by cause" in text
    assert "Loss" not in text  # GRPO's
    odd = [{"step": 1, "reward": -1.0}, {"step": 2, "reward": float("nan")}, {"step": 3, "reward": None}, {"epoch": 1}]
    assert curves.curve_of(odd, "reward") == [(1.0, -1.0)]
    assert ">-1<" in "".join(curves.run_panels(odd))  # the axis reaches down to it
    assert len(charts.thinned([(float(i), 1.0) for i in range(1001)], 30)) <= 30
