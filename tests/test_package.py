"""The wheel carries all that playing needs, and works from any folder."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dist")
    build = f"from hatchling.build import build_wheel; print(build_wheel({str(folder)!r}))"
    ended = subprocess.run(
        [sys.executable, "-c", build], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return folder / ended.stdout.split()[-1]


def test_what_it_holds(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {
        "livecomposer/config.toml",
        "livecomposer/py.typed",
        "livecomposer/weights/default.weights.h5",
        "livecomposer/weights/fixed.weights.h5",
        "livecomposer/weights/README.md",
    } <= names
    assert not [name for name in names if "tests" in name or "checkpoint" in name]


def test_shipped_weights_are_under_15_mb():
    for name in ("default", "fixed"):
        assert (ROOT / "weights" / f"{name}.weights.h5").stat().st_size < 15_000_000


def test_it_plays_from_any_folder(wheel, tmp_path):
    installed, elsewhere = tmp_path / "installed", tmp_path / "elsewhere"
    zipfile.ZipFile(wheel).extractall(installed)
    elsewhere.mkdir()
    ended = subprocess.run(
        [sys.executable, "-m", "livecomposer", "demo", "--fast", "--out", "jam.mid"],
        cwd=elsewhere, env={"PYTHONPATH": str(installed), "PYTHONUTF8": "1"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert (elsewhere / "jam.mid").exists()
