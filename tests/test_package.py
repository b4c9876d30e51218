"""The wheel and the sdist: sound, whole, without what only developers need; and it plays."""

import os
import subprocess
import sys
import tarfile
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest
from packaging.metadata import Metadata

ROOT = Path(__file__).parent.parent


def build(kind, source, folder):
    """A wheel or an sdist, as pip has it built."""
    code = f"from hatchling.build import build_{kind}; print(build_{kind}({str(folder)!r}))"
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=source, capture_output=True, text=True, check=True
    )
    return folder / ended.stdout.split()[-1]


def contents(wheel):
    with zipfile.ZipFile(wheel) as file:
        return {name: file.read(name) for name in file.namelist()}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    return build("wheel", ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def sdist(tmp_path_factory):
    return build("sdist", ROOT, tmp_path_factory.mktemp("sdist"))


def test_the_wheel_holds_what_playing_needs_and_no_more(wheel):
    names = contents(wheel).keys()
    ours = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "livecomposer").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    brought = {
        "livecomposer/config.toml",
        "livecomposer/weights/README.md",
        "livecomposer/weights/default.weights.h5",
        "livecomposer/weights/fixed.weights.h5",
    }
    assert {"livecomposer/py.typed", "livecomposer/monitor/__init__.py"} <= ours
    assert {name for name in names if ".dist-info/" not in name} == ours | brought


def test_shipped_weights_are_under_15_mb():
    for name in ("default", "fixed"):
        assert (ROOT / "weights" / f"{name}.weights.h5").stat().st_size < 15_000_000


def test_the_sdist_holds_what_developing_needs_and_gives_the_same_wheel(wheel, sdist, tmp_path):
    with tarfile.open(sdist) as file:
        file.extractall(tmp_path, filter="data")
    (source,) = tmp_path.iterdir()
    for path in ("CONTRIBUTING.md", "LICENSE", "requirements.lock", "docs/pictures/jam.png",
                 "scripts/check", "benchmarks/README.md", "tests/test_package.py"):  # fmt: skip
        assert (source / path).read_bytes() == (ROOT / path).read_bytes()
    assert not [*source.rglob("*.pyc"), *source.rglob(".venv*")]
    assert contents(build("wheel", source, tmp_path)) == contents(wheel)


def test_metadata(wheel):
    (text,) = (content for name, content in contents(wheel).items() if name.endswith("/METADATA"))
    known = Metadata.from_email(text, validate=True)  # hatchling has looked at the classifiers
    assert (known.name, known.license_expression) == ("livecomposer", "MIT")
    assert known.license_files == ["LICENSE"]
    assert known.description_content_type == "text/markdown"
    assert message_from_bytes(text).get_payload(decode=True).decode() == (
        ROOT / "README.md"
    ).read_text("utf-8")
    named = {each.removeprefix("Programming Language :: Python :: ") for each in known.classifiers}
    for minor in range(30):
        assert (f"3.{minor}" in named) == (f"3.{minor}" in known.requires_python)


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The wheel and what it requires, in an environment with nothing else."""
    folder = tmp_path_factory.mktemp("empty")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    programs = folder / ("Scripts" if os.name == "nt" else "bin")
    ended = subprocess.run(
        [programs / "python", "-m", "pip", "install", "--quiet", wheel],
        cwd=folder, env=without_our_paths(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    return programs


def without_our_paths():
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


def test_installed_alone_it_plays_from_any_folder(installed, tmp_path):
    for arguments in (["--version"], ["demo", "--fast", "--out", "jam.mid"]):
        ended = subprocess.run(
            [installed / "livecomposer", *arguments], cwd=tmp_path, env=without_our_paths(),
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "jam.mid").read_bytes().startswith(b"MThd")
    checked = [installed / "python", "-m", "pip", "check"]
    assert subprocess.run(checked, env=without_our_paths(), check=False).returncode == 0
