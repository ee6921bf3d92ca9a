"""The bounds of setup.cfg are those that `make test-lowest` installs."""

import configparser

from packaging.requirements import Requirement
from packaging.version import Version

from tests.modules import ROOT

APART = {"peers"}
"""Extras whose packages do not go together with all others."""


def requirements():
    """Every requirement of setup.cfg of another project, but those of extras with environments of their own."""
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    groups = {**config["options.extras_require"], "": config["options"]["install_requires"]}
    found = [Requirement(line) for name, group in groups.items() if name not in APART for line in group.split()]
    return [requirement for requirement in found if requirement.name != "tokenmaze"]


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
