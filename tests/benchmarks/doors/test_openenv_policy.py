"""The OpenEnv door by OpenEnv's own validation, and what its manifest declares against what there is."""

import pytest

pytest.importorskip("openenv")
import yaml
from openenv.cli._validation import validate_running_environment
from openenv.validation import run_validation
from openenv.validation.types import CheckStatus, ProviderCapability, Verdict

import maze_env
from maze_env.answers import moves_to_text
from maze_env.errors import InvalidConfig
from maze_env.moves import MOVE_TOKENS
from maze_env.solving import shortest_path
from tests.benchmarks.doors.openenv_server import Server
from tests.modules import ROOT
from tokenmaze.benchmarks.doors.openenv import MazeAction, oracle
from tokenmaze.benchmarks.doors.openenv.server.app import make_app
from tokenmaze.benchmarks.doors.openenv.server.environment import MazeEnvironment
from tokenmaze.benchmarks.doors.task import tasks_of_suite
from tokenmaze.benchmarks.suite_specs import SUITES

FOLDER = ROOT / "benchmarks" / "doors" / "openenv"


@pytest.fixture(scope="module")
def server():
    started = Server(1)
    yield started
    started.stop()


def test_the_running_server_passes_openenvs_checks(server):
    report = validate_running_environment(server.base_url)
    assert report["passed"]
    assert len(report["criteria"]) == 6


class Processes:
    """What OpenEnv's validation starts servers with; in place of its own, which needs Docker."""

    name = "processes"
    capabilities = frozenset({ProviderCapability.IMAGE_BUILD})
    supported_network_modes = frozenset({"public", "no-network"})

    def build(self, root, execution):
        """The image's name; there is none."""
        assert (root / execution.dockerfile).is_file()
        return "sha256:" + "0" * 64

    def start(self, spec):
        """A server."""
        return Server(1)


def test_the_folder_passes_openenvs_policy():
    report = run_validation(FOLDER, provider=Processes())
    results = {result.check_id: result for result in report.results}
    passed = {name for name, result in results.items() if result.status is CheckStatus.PASS}
    assert passed == {
        "static.manifest",
        "runtime.startup",
        "runtime.reward_well_formed",
        "runtime.observation_schema",
        "runtime.state_contract",
    }
    for name in results.keys() - passed:  # what it does not grade yet, or what only Docker can measure
        assert results[name].status is CheckStatus.SKIP
        assert "not implemented" in results[name].evidence[0] or name == "runtime.network_policy"
    assert report.verdict is Verdict.WARN


def test_the_manifest_says_what_there_is():
    manifest = yaml.safe_load((FOLDER / "openenv.yaml").read_text())
    declared = manifest["validation"]
    assert manifest["version"] == maze_env.__version__
    assert declared["task_distribution"]["dataset_version"] == f"tokenmaze {maze_env.__version__}"
    environment = MazeEnvironment()
    counts = {split["name"]: environment.num_tasks(split["name"]) for split in environment.list_splits()}
    assert declared["capabilities"]["declared_task_count"] == counts
    assert counts.keys() == {"train", "validation", *SUITES}
    assert (FOLDER / declared["capabilities"]["oracle"]["location"]).is_file()
    low, high = declared["reward"]["range"]
    assert (low, high) == maze_env.rewards.SCHEMES["solved"].bounds


def test_rewards_are_within_the_bounds_that_are_told():
    low, high = yaml.safe_load((FOLDER / "openenv.yaml").read_text())["validation"]["reward"]["range"]
    environment, paid = MazeEnvironment(), []
    for index in range(40):
        environment.reset(index=index, max_length=2)
        for turn in range(100):
            observation = environment.step(MazeAction(reply=MOVE_TOKENS[(index + turn * turn // 3) % 4]))
            paid.append(observation.reward)
            if observation.done:
                break
    assert low == min(paid)
    assert high == max(paid)


def test_the_oracle_is_paid_in_full(server, capsys, monkeypatch):
    oracle.main(["--url", server.base_url, "--count", "5"])
    assert "train: lowest return 1.100 of 5 mazes" in capsys.readouterr().out
    monkeypatch.setattr(oracle, "shortest_path", lambda maze: [maze_env.Move.UP])
    with pytest.raises(oracle.LowReward, match=r"Expects a return of 1\.1"):
        oracle.main(["--url", server.base_url, "--count", "1"])


def test_there_is_at_least_one_session():
    with pytest.raises(InvalidConfig, match="Expects at least 1 session, actual: 0"):
        make_app(0)


def test_the_web_pages_buttons_are_moves():
    environment = MazeEnvironment()
    observation = environment.reset(seed=3)
    pressed = dict(environment.web_actions(observation.model_dump()))
    assert list(pressed) == ["up", "down", "left", "right"]
    assert environment.step(MazeAction(**pressed["down"])).message.startswith("You moved.")


def test_nothing_tells_the_way_before_the_end():
    environment = MazeEnvironment()
    environment.reset(split="mazebench-100", index=60)
    told = environment.state.model_dump_json()
    assert moves_to_text(shortest_path(tasks_of_suite("mazebench-100", limit=61)[60].maze)) not in told
    assert environment.state.score is None
    assert not {"distance", "shortest"} & environment.reset(index=1).model_dump().keys()
