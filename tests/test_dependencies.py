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
REQUIRED = [
    Requirement(text)
    for text in (
        *PROJECT["build-system"]["requires"],
        *PROJECT["project"]["dependencies"],
        *(each for extra in EXTRAS.values() for each in extra),
    )
    if not text.startswith("livecomposer")
]
LOCK = (ROOT / "requirements.lock").read_text()
LOCKED = dict(re.findall(r"^([a-z0-9.-]+)==([^ ]+)", LOCK, re.MULTILINE))


@pytest.mark.parametrize("required", REQUIRED, ids=str)
def test_every_package_is_bounded_explained_and_locked(required):
    kinds = {each.operator for each in required.specifier}
    assert ">=" in kinds, "without a lower bound"
    assert "<" in kinds, "without an upper bound"
    assert required.name in (ROOT / "docs" / "dependencies.md").read_text()
    # To be made anew by the command in docs/dependencies.md.
    assert required.specifier.contains(LOCKED[canonicalize_name(required.name)])


def test_the_list_holds_hashes_and_no_places():
    assert LOCK.count("--hash=sha256:") > len(LOCKED) > 50
    assert not re.search(r"://|--(extra-)?index-url|--find-links", LOCK)
