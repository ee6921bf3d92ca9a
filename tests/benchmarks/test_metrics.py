import dataclasses
from itertools import combinations

import pytest

from maze_env.attempt import Attempt, End, EndedBy, Reply
from maze_env.maze import Maze
from maze_env.phrasings import PHRASINGS
from maze_env.symmetry import transform_maze
from tests.maze_env.golden import CUT_OFF_ASCII
from tokenmaze.agents.base import Agent
from tokenmaze.agents.baselines import BASELINES
from tokenmaze.agents.rollout import rollout
from tokenmaze.benchmarks import metrics
from tokenmaze.benchmarks.stats import wilson
from tokenmaze.benchmarks.suite_specs import SUITES, Draw
from tokenmaze.benchmarks.suites import Suite, load

CORRIDOR = Maze.from_ascii("""
    +---+---+---+---+---+
    | O             | X |
    +   +---+---+   +   +
    |           |       |
    +---+---+---+---+---+
""")  # shortest: right right right down right up (6 moves)
SHORTEST = "<|right|><|right|><|right|><|down|><|right|><|up|>"


class Scripted(Agent):
    """Gives its texts one after the other, with 10 tokens each; the last is reported as cut short."""

    name = "scripted"
    mode = "plan"

    def __init__(self, texts: list[str]):
        self.texts = texts

    def act(self, observations: list[str]) -> list[Reply]:
        last = len(self.texts) - 1
        return [Reply(text, tokens=10, truncated=index == last) for index, text in enumerate(self.texts)]


@pytest.fixture(scope="module")
def records() -> list[Attempt]:
    texts = [
        SHORTEST,
        "<|right|><|left|>" + SHORTEST,  # two moves more than needed
        "<|down|><|up|>",  # legal, short of the target
        "<|right|><|up|>",  # refused at the second move
        SHORTEST + "<|down|>",  # goes on
        "I think <|right|>",
        "",
        "<think>right",
    ]
    return rollout(Scripted(texts), [CORRIDOR] * len(texts), range(len(texts)))


def test_the_figures_by_hand(records):
    assert metrics.solved_rate(records) == 2 / 8
    assert metrics.legality(records) == 4 / 8
    assert metrics.spl(records) == pytest.approx((1 + 6 / 8) / 8)
    assert metrics.legal_moves(records) == (6 + 8 + 2 + 1 + 6) / (6 + 8 + 2 + 2 + 6)
    assert metrics.tokens_per_attempt(records) == 10
    assert metrics.tokens_per_solve(records) == 40


def test_ends_sum_to_all_attempts(records):
    assert metrics.ends(records) == {
        "solved": 2,
        "short_of_target": 1,
        "left_grid": 1,
        "past_target": 1,
        "stray_text": 1,
        "empty": 1,
        "unclosed_thinking": 1,
    }
    assert metrics.truncated(records) == {"unclosed_thinking": 1}
    assert metrics.ended_by(records) == {"agent": 7, "token_budget": 1}


def test_tokens_are_none_where_none_are_counted_or_nothing_is_solved(records):
    assert metrics.tokens_per_solve([record for record in records if not record.solved]) is None
    agent = Scripted([SHORTEST])
    agent.act = lambda observations: [Reply(SHORTEST)]
    uncounted = rollout(agent, [CORRIDOR], [0])
    assert metrics.tokens_per_attempt(uncounted) is None
    assert metrics.tokens_per_solve(uncounted) is None


def test_one_unknown_count_makes_the_figures_unknown_unless_nothing_was_answered(records):
    unknown = [dataclasses.replace(records[0], tokens=None), *records[1:]]
    assert metrics.tokens_per_attempt(unknown) is None
    assert metrics.tokens_per_solve(unknown) is None
    assert metrics.solved_within(unknown) is None
    failed = dataclasses.replace(records[0], tokens=None, end=End.REQUEST_FAILED, ended_by=EndedBy.REQUEST)
    assert metrics.tokens_per_attempt([*records, failed]) == 10 * len(records) / (len(records) + 1)
    assert metrics.solved_within([failed, *records])[16] == 2 / 9
    assert metrics.tokens_per_attempt([failed]) is None


def test_the_share_solved_within_a_budget_by_hand(records):
    # Two of eight are solved, with 8 and 9 tokens; a failure takes 70.
    spent = [8, 9, 10, 10, 10, 5, 70, 10]
    counted = [dataclasses.replace(record, tokens=tokens) for record, tokens in zip(records, spent, strict=True)]
    assert metrics.solved_within(counted) == {8: 1 / 8, 16: 2 / 8, 32: 2 / 8, 64: 2 / 8, 128: 2 / 8}
    assert metrics.solved_within(counted[:1]) == {8: 1.0}
    assert metrics.solved_within([dataclasses.replace(records[0], tokens=0)]) == {1: 1.0}
    assert metrics.solved_within([dataclasses.replace(record, tokens=None) for record in records]) is None


@pytest.mark.parametrize(
    ("attempts", "solved", "k", "expected"),
    [(5, 2, 1, 0.4), (5, 2, 2, 0.7), (5, 2, 4, 1.0), (5, 0, 5, 0.0), (5, 5, 1, 1.0), (10, 3, 5, 1 - 21 / 252)],
)
def test_pass_at_k_by_hand(attempts, solved, k, expected):
    assert metrics.pass_at_k(attempts, solved, k) == pytest.approx(expected)


@pytest.mark.parametrize(("attempts", "solved"), [(4, 1), (6, 2), (7, 6)])
def test_pass_at_k_is_the_mean_over_all_choices_of_k(attempts, solved):
    outcomes = [True] * solved + [False] * (attempts - solved)
    for k in range(1, attempts + 1):
        choices = list(combinations(outcomes, k))
        assert metrics.pass_at_k(attempts, solved, k) == pytest.approx(sum(map(any, choices)) / len(choices))


def test_a_summary_counts_each_maze_once_in_its_interval(records):
    spec = dataclasses.replace(SUITES["mazebench-100"], draws=(Draw(6, 6, 1),))
    summary = metrics.summarize(records, Suite(spec, (CORRIDOR,)))
    assert summary.attempts == 8
    assert summary.solved_rate_wilson_95 == wilson(0.25, 1)  # eight attempts at one maze
    assert summary.pass_at_k == {
        1: pytest.approx(2 / 8),
        2: pytest.approx(1 - 15 / 28),
        4: pytest.approx(1 - 15 / 70),
        8: 1.0,
    }
    assert list(summary.levels) == ["Medium"]
    assert vars(summary.levels["Medium"]).items() <= vars(summary).items()


def test_saying_that_no_way_leads_to_the_target_weighs_as_solved_in_spl():
    cut_off = Maze.from_ascii(CUT_OFF_ASCII)
    agent = Scripted(["<|unreachable|>", "<|down|>", "<|unreachable|>", SHORTEST])
    records = rollout(agent, [cut_off, cut_off, CORRIDOR, CORRIDOR], range(4))
    assert metrics.spl(records) == 2 / 4
    assert metrics.legality(records) == 3 / 4
    assert metrics.ends(records) == {"solved": 2, "hit_wall": 1, "said_unreachable": 1}


def phrased(solves):
    """Records with these phrasings, each a text of 0 and 1 for what was solved in it."""
    records = []
    for phrasing, solved in solves.items():
        translate = PHRASINGS[phrasing].translate
        agent = Scripted([translate(SHORTEST if one == "1" else "<|right|>") for one in solved])
        records += rollout(agent, [CORRIDOR] * len(solved), range(len(solved)), phrasing=phrasing)
    return records


def test_robustness_by_hand():
    assert metrics.robustness(phrased({"standard": "1110", "renamed": "1011", "ascii": "1111"})) == 2 / 3
    assert metrics.robustness(phrased({"standard": "1100", "renamed": "0011"})) == 0.0
    assert metrics.robustness(phrased({"standard": "0000", "renamed": "1111"})) is None
    assert metrics.robustness(phrased({"standard": "1111"})) is None  # nothing to compare with


def test_the_phrasings_of_a_maze_are_one_trial_and_those_not_taken_no_failures():
    spec = dataclasses.replace(SUITES["phrasing"], draws=(Draw(6, 6, 2, level="Medium"),))
    suite = Suite(spec, (CORRIDOR, transform_maze(CORRIDOR, 1)))
    records = [
        dataclasses.replace(record, maze=suite.mazes[index % 2])
        for index, record in enumerate(phrased({"standard": "11", "renamed": "10", "ascii": "11"}))
    ]
    summary = metrics.summarize(records, suite)
    assert (summary.attempts, summary.solved_rate) == (6, 5 / 6)
    assert summary.solved_rate_wilson_95 == wilson(5 / 6, 2)
    assert summary.pass_at_k is None
    assert {name: level.solved_rate for name, level in summary.levels.items()} == {
        "standard": 1.0,
        "renamed": 0.5,
        "ascii": 1.0,
    }
    assert (summary.robustness, summary.worst_phrasing) == (0.5, "renamed")
    assert summary.phrasings_not_taken == ("terse", "transposed", "bottom-up", "shuffled", "adjacency")


def test_pass_at_k_counts_the_samples_of_a_maze_in_one_phrasing_and_never_over_phrasings():
    spec = dataclasses.replace(SUITES["phrasing"], draws=(Draw(6, 6, 1, level="Medium"),))
    sample = phrased({"standard": "1", "renamed": "0"})
    summary = metrics.summarize([*sample, *sample], Suite(spec, (CORRIDOR,)))
    assert summary.pass_at_k == {1: 0.5, 2: 0.5}  # pooled, two of four would be 5 / 6


def test_nothing_said_twice_is_not_consistent():
    suite = load("symmetry")
    few = Suite(dataclasses.replace(suite.spec, draws=(Draw(1, 4, 1),)), suite.mazes[:8])
    summary = metrics.summarize(rollout(Scripted(["I do not know"] * 8), few.mazes, range(8)), few)
    assert summary.symmetry_consistency == 0.0


def test_symmetry_consistency_of_agents_that_look_and_of_one_with_a_preferred_hand():
    suite = load("symmetry")
    few = Suite(dataclasses.replace(suite.spec, draws=(Draw(1, 4, 10),)), suite.mazes[:80])

    def summary(name):
        agent = BASELINES[name]("play")
        return metrics.summarize(rollout(agent, few.mazes, [0] * 80), few)

    # The only way of a maze without loops is the same in all images; a wall follower's walk is mirrored at most.
    assert summary("shortest-path").symmetry_consistency == 1.0
    assert summary("left-hand").symmetry_consistency < 0.9
    other = load("mazebench-100")
    attempts = rollout(BASELINES["greedy"]("play"), other.mazes, range(100))
    assert metrics.summarize(attempts, other).symmetry_consistency is None
