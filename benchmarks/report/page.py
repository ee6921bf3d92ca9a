"""The page, put together: its parts, its data, its style and its script in one text that needs nothing else."""

import base64
import hashlib
from collections import Counter
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from string import Template

from benchmarks.record import GREEDY, TITLE, Result, Track, group_title, groups_of, tracks_of
from benchmarks.report.breakdown import breakdown, endings
from benchmarks.report.charts import legend
from benchmarks.report.curves import training_section
from benchmarks.report.leaderboard import Entry, leaderboard, reasoning
from benchmarks.report.markup import Markup, element, joined, json_block
from benchmarks.report.replay import replay_data

FOLDER = Path(__file__).parent
SCRIPTS = ("board.js", "viewer.js", "page.js")


def page(results: Sequence[tuple[str, Result]], runs: Sequence[Path] = ()) -> str:
    """The whole page.

    The names of their files distinguish results of the same title; ``runs`` are folders of finished training runs.
    Raises InvalidResult for a result on other mazes than its suite's name stands for now, for two of the same recipe,
    stage and training seed in one track, or for invalid moves; InvalidCheckpoint for a folder without a run.
    """
    names = {id(result): name for name, result in results}
    tracks: dict[Track, list[Entry]] = {}
    numbers = count()
    for track, members in tracks_of([result for _, result in results]).items():
        titled = zip(titles_of(members, names), members, strict=True)
        tracks[track] = [Entry(next(numbers), title, result) for title, result in titled]
    parts = {f"track-{i}": track_title(track) for i, track in enumerate(tracks)}
    parts |= {"training": "Training", "replay": "Replay"} if runs else {"replay": "Replay"}
    script = "\n".join((FOLDER / name).read_text(encoding="utf-8") for name in SCRIPTS)
    data = replay_data([(track_title(track), entries) for track, entries in tracks.items()])
    text = Template((FOLDER / "page.html").read_text(encoding="utf-8")).substitute(
        title=joined(TITLE),
        hash=base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii"),
        style=(FOLDER / "style.css").read_text(encoding="utf-8"),
        links=joined(*(element("a", title, href=f"#{name}") for name, title in parts.items())),
        summary=joined(_summary([result for _, result in results], len(tracks))),
        tracks=joined(*(_track(track, some, f"track-{i}") for i, (track, some) in enumerate(tracks.items()))),
        training=joined(training_section(runs) if runs else None),
        provenance=joined(*(_provenance(entry) for entries in tracks.values() for entry in entries)),
        data=json_block("data", data),
        script=script,
    )
    return text.encode("utf-8", "replace").decode("utf-8")  # a name may hold half a character, which no file can


def titles_of(results: Sequence[Result], names: dict[int, str]) -> list[str]:
    """A title for each result of a track, no two alike. ``names`` are those of the files, by ``id``."""
    counts = Counter(result.title for result in results)
    titles = [one.title + (f" ({names[id(one)]})" if counts[one.title] > 1 else "") for one in results]
    return [title if titles.count(title) == 1 else f"{title} #{i + 1}" for i, title in enumerate(titles)]


def track_title(track: Track) -> str:
    """A track in words, as links to it say."""
    return ", ".join([track.suite, *(words for words in track.conditions if words != GREEDY)])


def _track(track: Track, entries: Sequence[Entry], name: str) -> Markup:
    entries = sorted(entries, key=lambda entry: -entry.result.summary.solved_rate)
    staged = groups_of([result for _, _, result in entries if result.stage])
    lines = [(group_title(group), members) for group, members in staged.items()]
    lines += [(title, [result]) for _, title, result in entries if not result.stage]
    note = "Bars are 95 % Wilson intervals; a maze is one trial, however many attempts there are at it."
    if any(len(members) > 1 for _, members in lines):
        note = f"Lines are means over training seeds. {note}"
    first = entries[0].result
    conditions = ", ".join([f"{first.suite.mazes:,} mazes", *track.conditions])
    unsupported = ", ".join(first.summary.phrasings_not_taken or ())
    excluded = f"Unsupported phrasings, in no figure: {unsupported}."
    return element(
        "section",
        element("h2", track.suite, element("small", f" {conditions}")),
        element("p", excluded, class_="note") if unsupported else None,
        leaderboard(entries),
        reasoning(entries),
        element("h3", "Where mazes are solved"),
        element("p", note, class_="note"),
        element("div", legend(list(enumerate(title for title, _ in lines))), breakdown(lines), class_="switched"),
        element("h3", "How attempts ended"),
        element("div", endings(entries), class_="endings"),
        id=name,
    )


def _summary(results: Sequence[Result], tracks: int) -> str:
    attempts = sum(len(result.attempts) for result in results)
    plural = ["" if number == 1 else "s" for number in (len(results), tracks)]
    return (
        f"{len(results)} result{plural[0]} on {tracks} track{plural[1]}, which do not compare with each other; "
        f"{attempts:,} attempts, each with a replay below"
    )


def _provenance(entry: Entry) -> Markup:
    """How a result was made."""
    source = entry.result.provenance
    version = f"{str(source.commit)[:12]}" + (" with uncommitted changes" if source.uncommitted_changes else "")
    command = element("code", source.command)
    return element("li", element("b", entry.title), " ", command, f" at {version}, {source.finished_at}")
