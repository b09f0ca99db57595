"""The exact versions of the tools: one of each, for every Python, within the package's ranges."""

from __future__ import annotations

import configparser
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PYTHONS = ("3.10", "3.11", "3.12", "3.13")


def declared() -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return parser


def wanted() -> list[Requirement]:
    """Return what the package and its tools ask for."""
    parser = declared()
    lines = parser["options"]["install_requires"].splitlines()
    lines += parser["options.extras_require"]["dev"].splitlines()
    return [Requirement(line) for line in lines if line.strip()]


def holds(requirement: Requirement, python: str) -> bool:
    environment: dict[str, str] = {
        **{name: str(value) for name, value in default_environment().items()},
        "python_version": python,
        "python_full_version": f"{python}.5",
        "sys_platform": "linux",
        "os_name": "posix",
    }
    return requirement.marker is None or requirement.marker.evaluate(environment)


def pinned(python: str) -> dict[str, str]:
    """Return the version of every package for a Python."""
    found: dict[str, str] = {}
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        requirement = Requirement(line)
        if not holds(requirement, python):
            continue
        (only,) = requirement.specifier
        assert only.operator == "==", line
        name = canonicalize_name(requirement.name)
        assert name not in found, f"{name} has two versions on Python {python}"
        found[name] = only.version
    return found


@pytest.mark.parametrize("python", PYTHONS)
def test_every_dependency_has_one_version_within_its_range(python: str) -> None:
    versions = pinned(python)
    asked = [requirement for requirement in wanted() if holds(requirement, python)]
    assert len(asked) > 15
    for requirement in asked:
        version = versions.get(canonicalize_name(requirement.name), "")
        what = f"{requirement} on Python {python}: {version or 'no version'}; run ./run pin"
        assert version, what
        assert requirement.specifier.contains(version), what


def test_the_ranges_have_a_lower_end_and_no_upper_one() -> None:
    for requirement in wanted():
        if requirement.name == "PySpice":  # its interface to libngspice is private
            continue
        assert {each.operator for each in requirement.specifier} == {">="}, str(requirement)


def test_pythons_are_those_that_the_package_supports() -> None:
    assert declared()["options"]["python_requires"] == f">={PYTHONS[0]}"
