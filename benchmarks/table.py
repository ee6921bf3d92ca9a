"""The README's table, made from stored results.

    python -m benchmarks.table benchmarks/results/*.json                       prints it
    python -m benchmarks.table benchmarks/results/*.json --readme README.md    puts it between the README's markers

A part for each suite and track. Results of one recipe and stage are one row, whatever the number of training seeds.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.compare import compare, p_text
from benchmarks.mazebench import BASELINE_ROWS, STAGES, track_of
from benchmarks.present.markdown import markdown_table
from benchmarks.results import TITLE, InvalidResult, load_result, phrasings_of
from benchmarks.stats import PairedDifference, holm, wilson
from benchmarks.suite_specs import PAPER_LEVELS, SUITES
from maze_env._cli import run_command, write_whole
from maze_env.errors import InvalidOutput

BEGIN, END = "<!-- results:begin -->", "<!-- results:end -->"
STAGE_TITLES = {"untrained": "untrained", "sft": "SFT", "sft-continued": "SFT, continued", "grpo": "GRPO"}
GREEDY = "greedy decoding"
DIFFERENCES = "paired difference in points [95 %], exact McNemar, Holm-corrected over the table"
CONTRASTS = (("grpo", "sft"), ("grpo", "sft-continued"), ("sft-continued", "sft"))
PAPER_MAZES = 100
PAPER_ROWS = (("untrained", 0.0, None), ("SFT", 0.86, (0.90, 0.85, 0.70)), ("SFT + GRPO", 0.93, None))
"""Solved rates overall and by level as published for DeepSeek-R1-Distill-Qwen-1.5B (AlphaMaze, arXiv 2502.14669)."""

Result = dict[str, Any]
Group = tuple[str, str]
"""Recipe and stage; for a result without a stage, its agent's name and an empty text."""


class Track(NamedTuple):
    """What only compares within itself.

    Attributes:
        mode: as ``track_of`` says it. decoding: as ``decoding_of``. phrasings: in which the mazes were given.
    """

    suite: str
    mode: str
    decoding: str
    phrasings: tuple[str, ...]

    @property
    def conditions(self) -> list[str]:
        """All but the suite in words; the phrasings where the suite has several."""
        several = self.suite in SUITES and len(SUITES[self.suite].phrasings) > 1
        phrased = [f"phrasings {', '.join(self.phrasings)}"] if several else []
        return [f"{self.mode} track", self.decoding, *phrased]


def group_of(result: Result) -> Group:
    """What a result measures, whatever the training seed."""
    stage = result["stage"]
    return (result["recipe"] or "default", stage) if stage else (result["agent"], "")


def group_title(group: Group) -> str:
    """A group as tables call it, e.g. ``default: GRPO``."""
    recipe, stage = group
    return f"{recipe}: {STAGE_TITLES[stage]}" if stage else recipe


def groups_of(results: Sequence[Result]) -> dict[Group, list[Result]]:
    """Results by recipe and stage, recipes by name and stages in the order of training; seeds ascending.

    Raises:
        InvalidResult: for two results of the same recipe, stage and training seed.
    """
    groups: dict[Group, list[Result]] = {}
    for result in sorted(results, key=lambda one: one["train_seed"] or 0):
        groups.setdefault(group_of(result), []).append(result)
    for group, some in groups.items():
        seeds = [result["train_seed"] for result in some]
        if len(set(seeds)) < len(seeds):
            raise InvalidResult(f"Expects one result for each seed of {' '.join(group)}, actual: seeds {seeds}")
    order = {stage: place for place, stage in enumerate(("", *STAGES))}
    return dict(sorted(groups.items(), key=lambda item: (not item[0][1], item[0][0], order[item[0][1]])))


def tracks_of(results: Sequence[Result]) -> dict[Track, list[Result]]:
    """Results by track, tracks in alphabetical order.

    Raises:
        InvalidResult: for a result on another version of its suite than this one.
    """
    tracks: dict[Track, list[Result]] = {}
    hashes = {name: spec.sha256 for name, spec in SUITES.items()}
    for result in results:
        name, found = result["suite"]["name"], result["suite"]["sha256"]
        expected = hashes.setdefault(name, found)  # published mazes are pinned by the first result on them
        if found != expected:
            raise InvalidResult(f"Expects results on {name} {expected}, actual: one on {found}")
        track = Track(name, track_of(result), decoding_of(result), tuple(phrasings_of(result["suite"])))
        tracks.setdefault(track, []).append(result)
    return dict(sorted(tracks.items()))


def table(results: Sequence[Result]) -> str:
    """The Markdown of all results; those that do not compare (``Track``) are in tables of their own.

    Raises:
        InvalidResult: as ``tracks_of`` and ``groups_of`` say.
    """
    return "\n\n".join(_part(track, some) for track, some in tracks_of(results).items())


def decoding_of(result: Result) -> str:
    """How the answers were drawn: greedily or at which temperature, and how many for each maze."""
    temperature = result["agent_options"].get("temperature", 0.0)
    decoding = f"temperature {temperature:g}" if temperature else GREEDY
    return decoding if result["samples"] == 1 else f"{decoding}, {result['samples']} samples a maze"


def _part(track: Track, results: Sequence[Result]) -> str:
    """The rows of one track, and the paired differences below them."""
    groups = groups_of(results)
    levels = list(results[0]["summary"]["levels"])
    header = ["", "solved", "each training seed [95 % Wilson]", " / ".join(levels), "legal", "SPL", "tokens a solve"]
    rows = [_group_row(group, some, levels) for group, some in groups.items()]
    baselines = results[0]["baselines"]
    rows += [_row(f"{name} agent", [baselines[name]], [None], levels) for name in BASELINE_ROWS]
    if is_papers_track(levels, track.mode):
        rows += [_paper_row(*row) for row in PAPER_ROWS]
    title = f"**{TITLE}, {track.suite}** ({results[0]['suite']['mazes']} mazes, {', '.join(track.conditions)})"
    parts = [title, markdown(header, rows)]
    if differences := _differences(groups):
        parts.append(markdown([DIFFERENCES, "each training seed"], differences))
    return "\n\n".join(parts)


def is_papers_track(levels: Sequence[str], mode: str) -> bool:
    """Whether the published figures were measured on such mazes in such a way: its levels, in plan, without fog."""
    return list(levels) == list(PAPER_LEVELS) and mode == "plan"


def _group_row(group: Group, results: Sequence[Result], levels: Sequence[str]) -> list[str]:
    title = group_title(group) if group[1] else f"`{group_title(group)}`"
    return _row(title, [one["summary"] for one in results], [one["train_seed"] for one in results], levels)


def _row(title: str, summaries: Sequence[Result], seeds: Sequence[int | None], levels: Sequence[str]) -> list[str]:
    rates = [one["solved_rate"] for one in summaries]
    solved = _percent(_mean(rates))
    if len(rates) > 1:
        solved += f" ({_percent(min(rates))}-{_percent(max(rates))})"
    each = [
        ("" if seed is None else f"{seed}: ") + _with_interval(one["solved_rate"], one["solved_rate_wilson_95"])
        for seed, one in zip(seeds, summaries, strict=True)
    ]
    by_level = [_percent(_mean([one["levels"][level]["solved_rate"] for one in summaries])) for level in levels]
    tokens = [one["tokens_per_solve"] for one in summaries if one["tokens_per_solve"] is not None]
    return [
        title,
        solved,
        "; ".join(each),
        " / ".join(by_level),
        _percent(_mean([one["legality"] for one in summaries])),
        f"{_mean([one['spl'] for one in summaries]):.3f}",
        f"{_mean(tokens):.0f}" if tokens else "-",
    ]


def _paper_row(stage: str, rate: float, levels: tuple[float, ...] | None) -> list[str]:
    by_level = " / ".join(map(_percent, levels)) if levels else "-"
    interval = _with_interval(rate, wilson(rate, PAPER_MAZES))
    return [f"*paper: {stage} (as published, not re-run)*", _percent(rate), interval, by_level, "-", "-", "-"]


def _differences(groups: dict[Group, list[Result]]) -> list[list[str]]:
    """A row for each of ``CONTRASTS`` that the results allow: same recipe, same training seed."""
    found: dict[tuple[str, int], PairedDifference] = {}
    for recipe in dict.fromkeys(recipe for recipe, stage in groups if stage):
        for later, earlier in CONTRASTS:
            ones, twos = (
                {one["train_seed"]: one for one in groups.get((recipe, stage), [])} for stage in (later, earlier)
            )
            title = f"{recipe}: {STAGE_TITLES[later]} minus {STAGE_TITLES[earlier]}"
            found |= {(title, seed): compare(ones[seed], twos[seed]) for seed in ones if seed in twos}
    rows: dict[str, list[str]] = {}
    for ((title, seed), one), p_value in zip(found.items(), holm([one.p_value for one in found.values()]), strict=True):
        low, high = (100 * bound for bound in one.interval)
        cell = f"{seed}: {100 * one.difference:+.1f} [{low:+.1f}, {high:+.1f}], {p_text(p_value)}"
        rows.setdefault(title, []).append(cell)
    return [[title, "; ".join(cells)] for title, cells in rows.items()]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _percent(rate: float) -> str:
    return f"{100 * rate:.1f}"


def _with_interval(rate: float, interval: Sequence[float]) -> str:
    return f"{_percent(rate)} [{', '.join(map(_percent, interval))}]"


markdown = markdown_table


def with_table(readme: str, made: str, begin: str = BEGIN, end: str = END) -> str:
    """``readme`` with the text between its markers replaced.

    Raises:
        InvalidOutput: when there is not exactly one pair of markers.
    """
    if readme.count(begin) != 1 or readme.count(end) != 1 or readme.index(begin) > readme.index(end):
        raise InvalidOutput(f"Expects one {begin} and after it one {end} in the README, actual: not so")
    return f"{readme.partition(begin)[0]}{begin}\n{made}\n{end}{readme.partition(end)[2]}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints the table, or puts it into a README."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.table", description="The table of stored results.")
    parser.add_argument("results", type=Path, nargs="+", metavar="RESULT.json")
    parser.add_argument("--readme", type=Path, help=f"file in which to replace what is between {BEGIN} and {END}")
    options = parser.parse_args(arguments)
    made = table([load_result(path) for path in options.results])
    if options.readme is None:
        print(made)
        return
    if not options.readme.is_file():
        raise InvalidOutput(f"Expects an existing file for --readme, actual: {options.readme}")
    write_whole(options.readme, with_table(options.readme.read_text(encoding="utf-8"), made))


if __name__ == "__main__":
    run_command(main)
