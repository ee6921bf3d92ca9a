"""The bounds of setup.cfg are those that `make test-lowest` installs."""

import configparser

import yaml
from packaging.requirements import Requirement
from packaging.version import Version

from tests.modules import ROOT

CONFIG = configparser.ConfigParser()
CONFIG.read(ROOT / "setup.cfg", encoding="utf-8")
EXTRAS = CONFIG["options.extras_require"]


def installed(*extras):
    """Extras and those that they ask for, and the requirements of other projects that they install."""
    names, found = [*extras], CONFIG["options"]["install_requires"].split()
    for extra in names:  # which grows
        for line in EXTRAS[extra].split():
            own = Requirement(line).name == "tokenmaze"
            (names if own else found).extend(Requirement(line).extras if own else [line])
    return names, [Requirement(line) for line in found]


def requirements():
    """Those that ``pip install tokenmaze[test]`` installs; other extras have environments apart."""
    return installed("test")[1]


def constraints(name):
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return {
        name.lower(): Version(version)
        for name, version in (line.split("==") for line in lines if not line.startswith("#"))
    }


def test_the_lowest_versions_are_the_lower_bounds():
    lowest = constraints("constraints-lowest.txt")
    for requirement in requirements():
        (bound,) = (part.version for part in requirement.specifier if part.operator == ">=")
        assert Version(bound) == lowest[requirement.name], requirement
    assert set(lowest) == {requirement.name for requirement in requirements()}


def test_the_published_versions_are_within_the_bounds():
    published = constraints("constraints.txt")
    for requirement in requirements():
        assert published[requirement.name] in requirement.specifier, requirement


def test_each_week_tries_every_extra_that_make_test_does_not_install():
    workflow = yaml.safe_load((ROOT / ".github/workflows/versions.yml").read_text(encoding="utf-8"))
    doors = {door.partition(",")[0] for door in workflow["jobs"]["doors"]["strategy"]["matrix"]["door"]}
    assert doors == set(EXTRAS) - set(installed("test")[0]) - {"docs", "peers"}
