"""Texts of others: harmless wherever they are shown, and no key wherever they are stored."""

import json
import re
import sys
from dataclasses import replace

import pytest

from maze_env._cli import run_command, write_whole
from maze_env._text import SECRET, harmless, public, public_command, without_keys
from maze_env.attempt import Reply
from maze_env.errors import InvalidConfig
from tests.reports import Scripted, result_of, stumble
from tests.tiny import ROOT
from tokenmaze.agents.base import Agent
from tokenmaze.agents.provenance import provenance
from tokenmaze.benchmarks import compare, mazebench, study, table
from tokenmaze.benchmarks.present import terminal
from tokenmaze.benchmarks.present.markdown import code, markdown_table, named
from tokenmaze.benchmarks.record import load, store
from tokenmaze.benchmarks.report.page import page
from tokenmaze.training import run_folder

HOSTILE = (
    "\x1b[2J\x1b]0;t\x07a\rb\nc\td\x00\x9b31m\u202e\u2066\u200b\u200f\u2028\ufeff\ufe0f\u3164\U000e0041\xad\ud800"
    "|`*[x](u)"
)
SHOWN = (
    r"\x1b[2J\x1b]0;t\x07a\rb\nc\td\x00\x9b31m\u202e\u2066\u200b\u200f\u2028\ufeff\ufe0f\u3164\U000e0041\xad\ud800"
    "|`*[x](u)"
)


def is_harmless(text):
    return all(line.isprintable() and harmless(line) == line for line in text.split("\n"))


def test_nothing_that_a_terminal_obeys_or_nobody_sees_is_left():
    assert harmless(HOSTILE) == SHOWN
    fine = "Ünïcode ✓ 迷宫 שלום \U0001f6b6"
    assert harmless(fine) == fine
    assert harmless("a\tb\nc\rd", keep="\n\t") == "a\tb\nc\\rd"
    every = "".join(map(chr, range(sys.maxunicode + 1)))
    assert harmless(every).isprintable()
    assert harmless(harmless(every)) == harmless(every)


@pytest.fixture(scope="module")
def hostile():
    """A result that is hostile wherever a file can be."""
    made = result_of(Scripted(f"a {HOSTILE}", stumble))
    levels = {f"{HOSTILE} {name}": one for name, one in made.summary.levels.items()}
    summary = replace(made.summary, levels=levels)
    baselines = {f"{name} {HOSTILE}": replace(one, levels=levels) for name, one in made.baselines.items()}
    source = replace(made.provenance, command=HOSTILE, commit=HOSTILE, finished_at=HOSTILE)
    attempts = (replace(made.attempts[0], failure=HOSTILE, texts=(HOSTILE,)), *made.attempts[1:])
    return replace(made, summary=summary, baselines=baselines, provenance=source, attempts=attempts)


def test_no_table_obeys_what_a_result_says(hostile, tmp_path, capsys, monkeypatch):
    assert is_harmless(terminal.report(hostile))
    other, staged = replace(hostile, agent=f"b {HOSTILE}"), replace(hostile, recipe=HOSTILE, stage="sft", train_seed=0)
    paths = [tmp_path / f"{name}.json" for name in "abc"]
    for path, result in zip(paths, (hostile, other, staged), strict=True):
        store(result, path)
    for main, words in ((compare.main, paths), (compare.main, [*paths, "--metric", "spl"]), (table.main, paths)):
        main(list(map(str, words)))
        printed = capsys.readouterr().out
        assert SHOWN.partition("|")[0] in printed
        assert is_harmless(printed)
    markers = "<!-- levels: a.json -->\n<!-- end -->\n<!-- solved: [ab].json -->\n<!-- end -->\n"
    (tmp_path / "page.md").write_text(markers, encoding="utf-8")
    study.main([str(tmp_path / "page.md")])
    written = (tmp_path / "page.md").read_text(encoding="utf-8")
    assert is_harmless(written)
    rows = [line for line in written.splitlines() if line.startswith("|")]
    assert len({line.replace(r"\|", "").count("|") for line in rows[:3]}) == 1


def test_no_error_obeys_what_it_quotes(capsys):
    def main():
        raise InvalidConfig(f"Expects a name, actual: {HOSTILE}")

    with pytest.raises(SystemExit):
        run_command(main)
    printed = capsys.readouterr().err
    assert is_harmless(printed)
    assert printed.count("\n") == 1


def test_names_are_no_markup_in_a_table():
    for name in ("default: GRPO", "10x10", "a-b_c.d (2)"):
        assert named(name) == name
    for name in (
        "[x](javascript:y)",
        "https://x.y",
        "a www.x.y",
        "<b>",
        "*a*",
        "a\nb",
        "#1",
        "@me",
        "!x",
        "a\\",
        "~a~",
    ):
        assert named(name) == f"`{harmless(name)}`"
    assert code("a`b``c") == "``` a`b``c ```"
    cells = markdown_table(["a", "b"], [["x | y", "1\n2"]]).splitlines()
    assert cells[2] == r"| x \| y | 1\n2 |"
    assert len(cells) == 3


KEYS = {
    "OPENAI_API_KEY": "sk-proj-abcdefgh01234567", "HF_TOKEN": "hf_AbCdEfGhIjKlMnOpQrSt", "WANDB_API_KEY": "wan'01\"45",
    "MY_SECRET": "geheim-geheim", "DB_PASSWORD": "päss wörd 1",
}  # fmt: skip


@pytest.fixture
def keys(monkeypatch):
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("OTHER_TOKEN", "up")  # too short: a word of any text
    return list(KEYS.values())


def holding(folder, keys):
    """The files in which a key is, as it is or as JSON writes it."""
    found = []
    for path in (path for path in folder.rglob("*") if path.is_file()):
        text = path.read_text(encoding="utf-8", errors="replace")
        if any(key in text or json.dumps(key)[1:-1] in text for key in keys):
            found.append(path)
    return found


class Leaking(Agent):
    """Names and answers with a key."""

    name = "leaking"

    def __init__(self, mode="plan", **options):
        self.mode, self.options = mode, options

    @property
    def settings(self):
        return {"headers": {"Authorization": KEYS["MY_SECRET"]}, "fields": ["a"], "prompt": KEYS["HF_TOKEN"]}

    def act(self, observations):
        return [Reply(f"</think>{KEYS['OPENAI_API_KEY']}", failure="") for _ in observations]


def test_no_writer_writes_a_key(keys, tmp_path, capsys, monkeypatch):
    output = tmp_path / "result.json"
    words = ["--agent", "tests.test_text:Leaking", "--output", str(output), "--recipe", KEYS["HF_TOKEN"]]
    words += [
        "--agent-option",
        f"api_key={KEYS['DB_PASSWORD']}",
        "--agent-option",
        "token=other",
        "--texts",
        "--stage",
        "sft",
    ]
    with monkeypatch.context() as stopped:  # leaves the partial file
        stopped.setattr(mazebench, "store", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            mazebench.main(words)
    assert (tmp_path / "result.partial.jsonl").stat().st_size > 1000
    assert not holding(tmp_path, keys)
    mazebench.main([*words, "--resume"])
    mazebench.main([*words, "--overwrite"])
    result = load(output)
    assert result.agent_options["token"] == result.agent_options["api_key"] == SECRET
    assert SECRET in result.attempts[0].texts[0]
    assert result.summary.ends == {"stray_text": 100}
    write_whole(tmp_path / "report.html", page([("r", result)]))
    configuration = {"model": KEYS["HF_TOKEN"], "hub_token": "other", "eos_token": "<e>", "n": 1}
    (tmp_path / "run").mkdir()
    monkeypatch.setattr(sys, "argv", ["sft", "--hub_token", KEYS["HF_TOKEN"], "--x", KEYS["MY_SECRET"]])
    run_folder.write_run(tmp_path / "run", "sft", configuration, None)
    run_folder.check_same(tmp_path / "run", configuration)
    kept = json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))["configuration"]
    assert kept == {"model": SECRET, "hub_token": SECRET, "eos_token": "<e>", "n": 1}
    table_page = tmp_path / "README.md"
    table_page.write_text(f"{table.BEGIN}\n{table.END}\n", encoding="utf-8")
    table.main([str(output), "--readme", str(table_page)])
    assert not holding(tmp_path, keys)
    assert not any(key in text for key in keys for text in capsys.readouterr())


def test_every_text_file_is_written_by_what_leaves_keys_out():
    """Libraries write the rest. A new writer goes through ``write_whole``, or is added here and tested above."""
    found = {}
    for package in ("maze_env", "agents", "training", "benchmarks"):
        for path in sorted((ROOT / package).rglob("*.py")):
            source = path.read_text(encoding="utf-8")
            calls = re.findall(r"\.write_text\(|\.write_bytes\(|json\.dump\(|open\([^)]*[\"'][wax]b?[\"']", source)
            if calls:
                found[str(path.relative_to(ROOT))] = len(calls)
    # write_whole; attempts as they are made; compiled kernels; pictures
    assert found == {
        "maze_env/_cli.py": 1, "benchmarks/runner.py": 1, "maze_env/kernels/cache.py": 1, "benchmarks/gallery.py": 1,
    }  # fmt: skip


def test_commands_and_options_are_stored_without_keys(keys):
    words = [
        "a",
        "--hub_token",
        "x1",
        "--token=x2",
        "--agent-option",
        "api_key=x3",
        "--agent",
        "http://u:x4@h/v1?api_key=x5#m",
    ]
    words += ["--header", "Bearer x6", f"--x={KEYS['MY_SECRET']}", "--pad_token", "<pad>", "--max-new-tokens", "5"]
    shown = public_command(words)
    assert not re.search(r"x[1-6]", shown)
    assert "--pad_token '<pad>' --max-new-tokens 5" in shown
    assert KEYS["MY_SECRET"] not in provenance("m", words, 0.0)["command"]
    assert public({"extra_body": [{"Authorization": "x"}], "tokens": 3, "max_tokens": "4"}) == {
        "extra_body": [{"Authorization": SECRET}], "tokens": 3, "max_tokens": "4",
    }  # fmt: skip
    assert without_keys("go up, not down") == "go up, not down"
    assert "hf_" not in public("model of hf_abcdefghijklmnopqrstuvwxyz")
