"""The bounds of setup.cfg are those that `make test-lowest` installs."""

import configparser

from packaging.requirements import Requirement
from packaging.version import Version

from tests.modules import ROOT


def requirements():
    """Those of other projects that ``pip install tokenmaze[test]`` installs; other extras have environments apart."""
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    extras, found = ["test"], config["options"]["install_requires"].split()
    for extra in extras:  # which grows
        for line in config["options.extras_require"][extra].split():
            own = Requirement(line).name == "tokenmaze"
            (extras if own else found).extend(Requirement(line).extras if own else [line])
    return [Requirement(line) for line in found]


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
