"""Scores of any model by the ids of what it was asked, from any program, and how two of them compare.

``benchmarks.score_files`` reads them from the files of other programs.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from maze_env.symmetry import SYMMETRIES
from tokenmaze.benchmarks.stats import PairedDifference, holm, paired_difference
from tokenmaze.benchmarks.suite_specs import SUITES
from tokenmaze.benchmarks.typed_json import InvalidResult

MAX_NAMED = 5
"""Ids that an error names."""
MAX_LETTERS = 60
"""Of an id in an error."""


@dataclass(frozen=True)
class Scores:
    """What a model scored, id by id."""

    title: str
    """Whose they are, in the file's own words."""
    kind: str
    """Which program made the file."""
    metric: str
    """What is scored, by its name there."""
    by_id: Mapping[str, float]
    """The mean score of each id over its samples, in the order of the file."""
    samples: int = 1
    """Attempts at each id."""
    unscored: int = 0
    """Ids of the file that have no score, such as those of samples that failed."""
    contents: Mapping[str, str] = field(default_factory=dict)
    """A hash of what was asked, by id, where ids are only places in a list and the file has one."""

    @property
    def is_share(self) -> bool:
        """Whether no score is outside 0 and 1, so that differences are points."""
        return all(0 <= score <= 1 for score in self.by_id.values())

    def only(self, ids: Sequence[str]) -> "Scores":
        """The scores of some of its ids."""
        return replace(self, by_id={name: self.by_id[name] for name in ids})


def compare_scores(first: Scores, others: Sequence[Scores]) -> list[tuple[PairedDifference, float]]:
    """First minus each of the others, id by id, with its p-value corrected by Holm.

    Of a suite that holds each maze in its symmetric images, the mean over the images is one id.

    Raises:
        InvalidResult: where they do not have the same ids, asked other things under them, or asked some more often.
    """
    for other in others:
        _check_alike(first, other)
    one = _over_images(first)
    differences = []
    for other in others:
        two = _over_images(other)
        differences.append(paired_difference(list(one.values()), [two[name] for name in one]))
    return list(zip(differences, holm([difference.p_value for difference in differences]), strict=True))


def common_to(each: Sequence[Scores]) -> list[Scores]:
    """The same scores of the ids that all of them have. Raises InvalidResult where there is none."""
    ids = [name for name in each[0].by_id if all(name in one.by_id for one in each)]
    if not ids:
        raise InvalidResult(f"Expects ids that all files have, actual: none, e.g. {_named(each[0].by_id, 1)}")
    return [one.only(ids) for one in each]


def _check_alike(first: Scores, second: Scores) -> None:
    lacks = [
        [name for name in one.by_id if name not in other.by_id] for one, other in ((first, second), (second, first))
    ]
    if lacks[0] or lacks[1]:
        only = [f"{len(ids):,} only in {letter}: {_named(ids)}" for ids, letter in zip(lacks, "AB", strict=True) if ids]
        common = len(first.by_id) - len(lacks[0])
        advice = f"; --common compares the {common:,} in both" if common else ""
        raise InvalidResult(f"Expects the same ids in both files, actual: {'; '.join(only)}{advice}")
    if first.samples != second.samples:  # of equal models one would be above the other more often than below
        counts = f"{first.samples} and {second.samples}"
        raise InvalidResult(f"Expects as many samples of each id in both files, actual: {counts}")
    other = second.contents if second.kind == first.kind else {}
    if changed := [name for name, content in first.contents.items() if other.get(name, content) != content]:
        raise InvalidResult(f"Expects the same questions under the same ids, actual: others under {_named(changed)}")


def _named(ids: Sequence[str] | Mapping[str, object], most: int = MAX_NAMED) -> str:
    shown = [repr(name[:MAX_LETTERS]) for name in list(ids)[:most]]
    return ", ".join(shown) + (" ..." if len(ids) > most else "")


def _over_images(scores: Scores) -> dict[str, float]:
    groups: dict[str, list[float]] = {}
    for name, score in scores.by_id.items():
        groups.setdefault(_maze_of(name), []).append(score)
    return {name: sum(group) / len(group) for name, group in groups.items()}


def _maze_of(name: str) -> str:
    """The id of a maze; of the images of a maze, which are no independent trials, the same one."""
    match = re.fullmatch(r"(.+)/([0-9]{1,9})", name)
    if match and match[1] in SUITES and SUITES[match[1]].images:
        return f"{match[1]}/{int(match[2]) // len(SYMMETRIES)}"
    return name
