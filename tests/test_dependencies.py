"""Packages: all bounded, all explained, all in the list of what was reviewed."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
EXTRAS = PROJECT["project"]["optional-dependencies"]
OURS = PROJECT["project"]["name"]
REQUIRED = [
    (extra, Requirement(text))
    for extra, texts in {
        "build": PROJECT["build-system"]["requires"],
        "play": PROJECT["project"]["dependencies"],
        **EXTRAS,
    }.items()
    for text in texts
    if not text.startswith(OURS)
]
IN_DEV = {"build", "play", "dev"} | Requirement(EXTRAS["dev"][0]).extras
LOCK = (ROOT / "requirements.lock").read_text()
LOCKED = dict(re.findall(r"^([a-z0-9.-]+)==([^ ]+)", LOCK, re.MULTILINE))


@pytest.mark.parametrize(("extra", "required"), REQUIRED, ids=str)
def test_every_package_is_bounded_explained_and_locked(extra, required):
    kinds = {each.operator for each in required.specifier}
    assert ">=" in kinds, "without a lower bound"
    assert "<" in kinds, "without an upper bound"
    assert required.name in (ROOT / "docs" / "dependencies.md").read_text()
    # What CI installs is locked: anew by the command in docs/dependencies.md.
    assert extra not in IN_DEV or required.specifier.contains(
        LOCKED[canonicalize_name(required.name)]
    )


def test_a_package_has_the_same_bounds_in_each_extra():
    bounds = {(required.name, str(required.specifier)) for _, required in REQUIRED}
    assert len(bounds) == len({name for name, _ in bounds})


def test_the_list_holds_hashes_and_no_places():
    assert LOCK.count("--hash=sha256:") > len(LOCKED) > 50
    assert not re.search(r"://|--(extra-)?index-url|--find-links", LOCK)
