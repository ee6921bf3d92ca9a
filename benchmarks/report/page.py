"""The page, put together: its parts, its data, its style and its script in one text that needs nothing else."""

import base64
import hashlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from string import Template
from typing import Any

from benchmarks.report.breakdown import breakdown, failures
from benchmarks.report.charts import legend
from benchmarks.report.curves import training_section
from benchmarks.report.leaderboard import leaderboard, reasoning
from benchmarks.report.markup import Markup, element, joined, json_block
from benchmarks.report.replay import replay_data
from benchmarks.results import TITLE
from benchmarks.table import GREEDY, Track, group_of, group_title, groups_of, tracks_of

FOLDER = Path(__file__).parent
SCRIPTS = ("board.js", "viewer.js", "page.js")

Result = dict[str, Any]


def page(results: Sequence[tuple[str, Result]], runs: Sequence[Path] = ()) -> str:
    """The whole page.

    Args:
        results: with the names of their files, which tell results of the same title apart.
        runs: folders of finished training runs, to draw the curves of.

    Raises:
        InvalidResult: for a result on other mazes than its suite's name stands for now, for two of the same recipe,
            stage and training seed in one track, or for moves that are none. InvalidCheckpoint: for a folder without
            a run.
    """
    names = {id(result): name for name, result in results}
    tracks = tracks_of([result for _, result in results])
    titled = [list(zip(titles_of(some, names), some, strict=True)) for some in tracks.values()]
    counts = [len(some) for some in titled]
    numbered = [
        sorted(
            ((sum(counts[:place]) + i, title, result) for i, (title, result) in enumerate(some)),
            key=lambda one: -one[2]["summary"]["solved_rate"],
        )
        for place, some in enumerate(titled)
    ]
    sections = [_track(track, some, f"track-{i}") for i, (track, some) in enumerate(zip(tracks, numbered, strict=True))]
    links = [element("a", track_title(track), href=f"#track-{i}") for i, track in enumerate(tracks)]
    training = Markup("")
    if runs:
        training = element("section", element("h2", "Training"), training_section(runs), id="training")
        links.append(element("a", "Training", href="#training"))
    links.append(element("a", "Replay", href="#replay"))
    script = "\n".join((FOLDER / name).read_text(encoding="utf-8") for name in SCRIPTS)
    data = replay_data(list(zip(map(track_title, tracks), titled, strict=True)))
    made = Template((FOLDER / "page.html").read_text(encoding="utf-8")).substitute(
        title=joined(TITLE),
        hash=base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii"),
        style=(FOLDER / "style.css").read_text(encoding="utf-8"),
        links=joined(*links),
        summary=joined(_summary(tracks, sum(counts))),
        tracks=joined(*sections),
        training=training,
        provenance=joined(*(_provenance(title, one) for some in titled for title, one in some)),
        data=json_block("data", data),
        script=script,
    )
    return made.encode("utf-8", "replace").decode("utf-8")  # a name may hold half a character, which no file can


def titles_of(results: Sequence[Result], names: dict[int, str]) -> list[str]:
    """A title for each result of a track, no two alike.

    Args:
        names: of the file of each result, by ``id``.
    """
    titles = [
        group_title(group_of(one)) + ("" if one["train_seed"] is None else f", seed {one['train_seed']}")
        for one in results
    ]
    often = Counter(titles)
    titles = [
        f"{title} ({names[id(one)]})" if often[title] > 1 else title for title, one in zip(titles, results, strict=True)
    ]
    return [title if titles.count(title) == 1 else f"{title} #{i + 1}" for i, title in enumerate(titles)]


def track_title(track: Track) -> str:
    """A track in words, as links to it say."""
    return ", ".join([track.suite, *(words for words in track.conditions if words != GREEDY)])


def _track(track: Track, results: Sequence[tuple[int, str, Result]], name: str) -> Markup:
    staged = groups_of([one for _, _, one in results if one["stage"]])
    lines = [(group_title(group), some) for group, some in staged.items()]
    lines += [(title, [one]) for _, title, one in results if not one["stage"]]
    note = "Bars are 95 % Wilson intervals; a maze is one trial, however many attempts there are at it."
    if any(len(some) > 1 for _, some in lines):
        note = f"Lines are means over training seeds. {note}"
    first = results[0][2]
    conditions = ", ".join([f"{first['suite']['mazes']:,} mazes", *track.conditions])
    not_taken = first["summary"].get("phrasings_not_taken")
    return element(
        "section",
        element("h2", track.suite, element("small", f" {conditions}")),
        element("p", f"Phrasings not taken, and in no figure: {', '.join(not_taken)}.", class_="note")
        if not_taken
        else None,
        leaderboard(track.mode, results),
        reasoning(results),
        element("h3", "Where mazes are solved"),
        element("p", note, class_="note"),
        element("div", legend(list(enumerate(title for title, _ in lines))), breakdown(lines), class_="switched"),
        element("h3", "How attempts ended"),
        element("div", failures(results), class_="failures"),
        id=name,
    )


def _summary(tracks: dict[Track, list[Result]], count: int) -> str:
    attempts = sum(len(one["attempts"]) for some in tracks.values() for one in some)
    plural = ["" if number == 1 else "s" for number in (count, len(tracks))]
    return (
        f"{count} result{plural[0]} on {len(tracks)} track{plural[1]}, which do not compare with each other; "
        f"{attempts:,} attempts, each of them below to replay"
    )


def _provenance(title: str, result: Result) -> Markup:
    """How a result was made."""
    made = result["provenance"]
    version = f"{str(made.get('commit'))[:12]}" + (
        " with uncommitted changes" if made.get("uncommitted_changes") else ""
    )
    return element(
        "li", element("b", title), " ", element("code", made["command"]), f" at {version}, {made.get('finished_at')}"
    )
