"""The report in a headless Chromium, where every text in it is hostile: nothing runs, and nothing is hidden."""

import json
from dataclasses import replace

from maze_env.tokens import maze_to_text
from tests import tiny
from tests.browser import Page
from tests.reports import Scripted, result_of, stumble
from tokenmaze.benchmarks.report.page import page
from tokenmaze.benchmarks.suites import load

MARKS = "\u202e\u2066\u200b\u200f\u2028\u2029\ufeff\x1b\x00\r\ud800\U000e0041"
ATTACKS = (
    "</script><script>window.broken = 1</script>",
    "<!--<script>window.broken = 2</script>-->",
    "<img src=x onerror='window.broken = 3'>",
    "\"><svg onload='window.broken = 4'>",
    "' onmouseover='window.broken = 5' x='",
    "javascript:window.broken = 6",
    "<a href=javascript:window.broken=7>x</a>",
    "${window.broken = 8}{{window.broken = 8}}",
    "&lt;b&gt;&#60;b&#62;",
    "<base href='http://x.invalid/'><meta http-equiv=refresh content='0;url=http://x.invalid'>",
    "]]></style><style>* { display: none }</style></textarea></title>",
    "<iframe srcdoc='<script>parent.broken = 9</script>'></iframe>",
)
HOSTILE = f"{''.join(ATTACKS)} {MARKS} \u05d0\u05d1\u05d2"


def hostile_run(folder):
    """A training run whose log is hostile."""
    log = [{"step": step, "reward": 0.1, f"reward_terms/{HOSTILE}": 0.5, f"end/{HOSTILE}": 0.1} for step in (1, 2, 3)]
    folder.mkdir()
    run = {"stage": HOSTILE, "figures": {"steps": 3, "wall_seconds": HOSTILE}}
    (folder / "run.json").write_text(json.dumps(run), encoding="utf-8")
    (folder / "trainer_state.json").write_text(json.dumps({"log_history": log}), encoding="utf-8")
    return folder


def hostile_results(source):
    """Results on published mazes with hostile levels, by agents that are hostile in name, text and failure."""
    made = []
    for number, write in enumerate((lambda maze, index: HOSTILE, stumble)):
        result = result_of(Scripted(f"{number} {HOSTILE}", write), source)
        provenance = replace(result.provenance, command=HOSTILE, commit=HOSTILE, finished_at=HOSTILE)
        attempts = tuple(replace(one, failure=HOSTILE) for one in result.attempts)
        named = {"agent": f"{number} {HOSTILE}", "recipe": HOSTILE, "stage": "sft", "train_seed": number}
        made.append((HOSTILE, replace(result, **named, provenance=provenance, attempts=attempts)))
    return made


def test_no_text_runs_or_hides_anything(browser, tmp_path, monkeypatch):
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    level = HOSTILE.replace("\ud800", "")  # which no file of JSON lines can hold
    rows = [{"Prompt": maze_to_text(maze), "Level": level} for maze in tiny.mazes(4, 4, 4)]
    source = tmp_path / "mazes.json"
    source.write_text(json.dumps(rows), encoding="utf-8")
    load.cache_clear()
    text = page(hostile_results(str(source)), [hostile_run(tmp_path / "run")])
    assert not [mark for mark in MARKS if mark in text]
    path = tmp_path / "report.html"
    path.write_text(text, encoding="utf-8")
    browser.get_log("browser")  # empties it
    opened = Page(browser, path)
    for select, value in (("agent-a", 1), ("agent-b", 0), ("maze", 1), ("outcome", "failed"), ("maze", 3)):
        opened.choose(select, value)
    elements = browser.find_elements("css selector", "button[type=button], summary, th button")
    for element in elements[:40]:
        browser.execute_script("arguments[0].click(); arguments[0].dispatchEvent(new MouseEvent('mouseover'))", element)
    assert opened.run("return window.broken") is None
    assert opened.count("script") == 2
    for selector in ("img", "iframe", "base", "svg[onload]", "[onmouseover]", "[onerror]", "meta[http-equiv=refresh]"):
        assert opened.count(selector) == 0, selector
    assert (
        opened.run("return [...document.querySelectorAll('a')].filter((a) => a.protocol === 'javascript:').length") == 0
    )
    shown = opened.run("return document.body.textContent + document.documentElement.outerHTML")
    assert not [mark for mark in MARKS if mark in shown]
    opened.choose("agent-a", 0)
    written = opened.run("return document.querySelector('.text').textContent")
    assert all(attack in written for attack in ATTACKS)  # as it was written, and to be read
    assert r"\u202e\u2066\u200b\u200f\u2028\u2029\ufeff\x1b\x00\r\ud800\U000e0041" in written
    assert opened.run("return getComputedStyle(document.querySelector('.text span')).unicodeBidi") == "isolate"
    assert not [entry for entry in browser.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]
