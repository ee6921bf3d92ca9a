"""The page, put together: its parts, its data, its style and its script in one text that needs nothing else."""

import base64
import hashlib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from itertools import count
from pathlib import Path
from string import Template

from tokenmaze.benchmarks.figures import SOLVED
from tokenmaze.benchmarks.present.words import counted
from tokenmaze.benchmarks.record import GREEDY, TITLE, Result, Track, group_title, groups_of, suite_title, tracks_of
from tokenmaze.benchmarks.report.breakdown import breakdown, endings
from tokenmaze.benchmarks.report.charts import legend
from tokenmaze.benchmarks.report.curves import training_section
from tokenmaze.benchmarks.report.leaderboard import Entry, leaderboard, reasoning
from tokenmaze.benchmarks.report.markup import Markup, element, joined, json_block
from tokenmaze.benchmarks.report.replay import packed, replay_data

FOLDER = Path(__file__).parent
SCRIPTS = ("board.js", "attempts.js", "viewer.js", "page.js")
HEADLINE = "mazebench-1000"
"""The suite that stands first."""
MAX_OPEN = 2
"""Up to so many tracks are all unfolded; of more, the first one."""


def page(results: Sequence[tuple[str, Result]], runs: Sequence[Path] = ()) -> str:
    """The whole page.

    The names of their files distinguish results of the same title; ``runs`` are folders of finished training runs.
    Raises InvalidResult for a result on other mazes than its suite's name stands for now, for two of the same recipe,
    stage and training seed in one track, or for invalid moves; InvalidCheckpoint for a folder without a run.
    """
    names = {id(result): name for name, result in results}
    tracks: dict[Track, list[Entry]] = {}
    numbers = count()
    for track, members in _in_order(tracks_of([result for _, result in results])):
        titled = zip(titles_of(members, names), members, strict=True)
        tracks[track] = [Entry(next(numbers), title, result) for title, result in titled]
    suites = suite_titles({track.suite for track in tracks})
    parts = {f"track-{i}": track_title(track, suites) for i, track in enumerate(tracks)}
    parts |= {"training": "Training", "replay": "Replay"} if runs else {"replay": "Replay"}
    data = replay_data([(track_title(track, suites), entries) for track, entries in tracks.items()])
    sections = [
        _track(track, suites[track.suite], some, f"track-{i}", is_open=i == 0 or len(tracks) <= MAX_OPEN)
        for i, (track, some) in enumerate(tracks.items())
    ]
    return filled(
        "page.html",
        ("style.css",),
        SCRIPTS,
        title=joined(TITLE),
        links=joined(*(element("a", title, href=f"#{name}") for name, title in parts.items())),
        summary=summary_text(len(results), len(tracks), sum(len(one.attempts) for _, one in results)),
        tracks=joined(*sections),
        training=joined(training_section(runs) if runs else None),
        provenance=joined(*(_provenance(entry) for entries in tracks.values() for entry in entries)),
        data=json_block("data", packed(data)),
    )


def filled(template: str, styles: Sequence[str], scripts: Sequence[str], **parts: str) -> str:
    """A page of its own, which needs nothing else: the files of those names, and ``parts``, put into a template."""
    style, script = (
        "\n".join((FOLDER / one).read_text(encoding="utf-8") for one in some) for some in (styles, scripts)
    )
    text = Template((FOLDER / template).read_text(encoding="utf-8")).substitute(
        hash=base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii"),
        style=style,
        script=script,
        **parts,
    )
    return text.encode("utf-8", "replace").decode("utf-8")  # a name may hold half a character, which no file can


def titles_of(results: Sequence[Result], names: dict[int, str]) -> list[str]:
    """A title for each result of a track, no two alike. ``names`` are those of the files, by ``id``."""
    counts = Counter(result.title for result in results)
    titles = [one.title + (f" ({names[id(one)]})" if counts[one.title] > 1 else "") for one in results]
    return [title if titles.count(title) == 1 else f"{title} #{i + 1}" for i, title in enumerate(titles)]


def suite_titles(names: Collection[str]) -> dict[str, str]:
    """Suites and what to call them: files of published mazes by their own names, where these are distinct."""
    counts = Counter(map(suite_title, names))
    return {name: suite_title(name) if counts[suite_title(name)] == 1 else name for name in names}


def track_title(track: Track, suites: Mapping[str, str]) -> str:
    """A track in words, as links to it say. ``suites`` are their titles."""
    return ", ".join([suites[track.suite], *(words for words in track.conditions if words != GREEDY)])


def _in_order(tracks: Mapping[Track, list[Result]]) -> list[tuple[Track, list[Result]]]:
    """The tracks of ``HEADLINE``, then the others, those with the most results first."""
    return sorted(tracks.items(), key=lambda item: (item[0].suite != HEADLINE, -len(item[1])))


def _track(track: Track, suite: str, entries: Sequence[Entry], name: str, is_open: bool) -> Markup:
    """The section of a track; agents without any answer are last and in no chart."""
    entries = sorted(entries, key=lambda entry: (not entry.is_measured, -entry.result.summary.solved_rate))
    measured = [entry for entry in entries if entry.is_measured]
    staged = groups_of([result for _, _, result in measured if result.stage])
    lines = [(group_title(group), members) for group, members in staged.items()]
    lines += [(title, [result]) for _, title, result in measured if not result.stage]
    note = "Bars are 95 % Wilson intervals; a maze is one trial, however many attempts there are at it."
    if any(len(members) > 1 for _, members in lines):
        note = f"Lines are means over training seeds. {note}"
    first = entries[0].result
    conditions = ", ".join([counted(first.suite.mazes, "maze"), *track.conditions])
    unsupported = ", ".join(first.summary.phrasings_not_taken or ())
    excluded = f"Unsupported phrasings, in no figure: {unsupported}."
    charts = [
        element("h3", "Where mazes are solved"),
        element("p", note, class_="note"),
        element("div", legend(list(enumerate(title for title, _ in lines))), breakdown(lines), class_="switched"),
    ]
    parts = [
        element("p", excluded, class_="note") if unsupported else None,
        leaderboard(entries),
        *(charts if lines else []),
        element("h3", "How attempts ended"),
        element("div", endings(entries), class_="endings"),
        reasoning(entries),
    ]
    heading = element("h2", suite, element("small", f" {conditions}"))
    summary = element("summary", heading, element("small", _best(entries)))
    return element("section", element("details", summary, *parts, open=is_open, class_="track"), id=name)


def _best(entries: Sequence[Entry]) -> str:
    """How many results a track has, and its best one."""
    first, results = entries[0], counted(len(entries), "result")
    if not first.is_measured:
        return results
    rate = f"{SOLVED.text(first.result.summary.solved_rate)} % by {first.title}"
    return f"{results}: {rate}" if len(entries) == 1 else f"{results}, at best {rate}"


def summary_text(results: int, tracks: int, attempts: int) -> Markup:
    """What the page holds, in a sentence."""
    on = f" on {counted(tracks, 'track')}, each of which compares only within itself" if tracks > 1 else ""
    link = element("a", "replay below", href="#replay")
    return joined(
        f"{counted(results, 'result')}{on}; {counted(attempts, 'attempt')}, {'each ' * (attempts > 1)}with a ", link
    )


def _provenance(entry: Entry) -> Markup:
    """How a result was made."""
    source = entry.result.provenance
    version = f"{str(source.commit)[:12]}" + (" with uncommitted changes" if source.uncommitted_changes else "")
    command = element("code", source.command)
    return element("li", element("b", entry.title), " ", command, f" at {version}, {source.finished_at}")
