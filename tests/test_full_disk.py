"""All that writes files, on a disk that is full: a line that says so, and nothing is lost."""

import os
import pickle
import resource
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
import pytest
from click.testing import CliRunner

from livecomposer.atomic import write_whole
from livecomposer.cli import main
from livecomposer.cli.learn import write_setting
from livecomposer.config_file import load_config
from livecomposer.evaluation.likelihood import Likelihood
from livecomposer.evaluation.plot import write_plot
from livecomposer.evaluation.report import Evaluation
from livecomposer.live.recorder import Entry, RecordingThread
from livecomposer.training.cache import load_entry, save_entry
from livecomposer.training.folder import RunFolder
from livecomposer.training.history import Epoch, write_csv, write_png
from livecomposer.training.recipe import Budget, Recipe
from tests.conftest import write_midi
from tests.model.test_isolated import LEGACY_NOTES, legacy_file

BEFORE = b"what was there before"


class Limit:
    """No file may be larger than this."""

    def __init__(self, folder):
        self.folder = folder

    @contextmanager
    def full(self):
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(BEFORE), limits[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)


class Disk:
    """A small disk, filled up."""

    def __init__(self, folder):
        self.folder = folder

    @contextmanager
    def full(self):
        filling = self.folder / "filling"
        with pytest.raises(OSError, match="No space left"):
            filling.write_bytes(bytes(1 << 20))
        try:
            yield
        finally:
            filling.unlink()


def mounts(folder):
    """Whether this user may mount a small disk here."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", folder]
    return (
        shutil.which("mount")
        and not subprocess.run(command, capture_output=True, check=False).returncode
    )


@pytest.fixture(scope="module", params=["limit", "disk"])
def disk(request, tmp_path_factory):
    """A folder that can be full: by a limit, and by a small disk where this user may mount one."""
    folder = tmp_path_factory.mktemp("disk")
    if request.param == "disk" and mounts(folder / "small"):
        yield Disk(folder / "small")
        subprocess.run(["umount", folder / "small"], check=True)
    else:
        yield Limit(folder)


@pytest.fixture
def inputs(tmp_path):
    """What commands read."""
    write_midi(tmp_path / "phrase.mid", [(i / 2, 0.5, 60 + i) for i in range(8)])
    (tmp_path / "weights.hdf5").write_bytes(legacy_file())
    (tmp_path / "notes").write_bytes(pickle.dumps(LEGACY_NOTES))
    return tmp_path


COMMANDS = {
    "demo --fast --out OUT.mid": "mid",
    "replay phrase.mid --out OUT.mid": "mid",
    "generate --primer phrase.mid --beats 4 --out OUT.mid": "mid",
    "render phrase.mid --out OUT.png": "png",
    "render phrase.mid --out OUT.wav": "wav",
    "import-checkpoint weights.hdf5 --notes notes --out OUT.weights.h5": "weights.h5",
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("before", [None, BEFORE])
def test_commands(command, before, disk, inputs, monkeypatch):
    if ".wav" in command and not shutil.which("fluidsynth"):
        pytest.skip("fluidsynth is not installed")
    monkeypatch.chdir(inputs)
    out = disk.folder / f"out.{COMMANDS[command]}"
    if before:
        out.write_bytes(before)
    with disk.full():
        there = set(disk.folder.iterdir())
        arguments = command.replace(f"OUT.{COMMANDS[command]}", str(out)).split()
        result = CliRunner().invoke(main, arguments)
        assert set(disk.folder.iterdir()) == there
    assert result.exit_code == 1, (result.output, result.exception)
    assert "can't be written: " in result.stderr.splitlines()[-1]
    assert "Traceback" not in result.stderr
    if before:
        assert out.read_bytes() == before
        out.unlink()


def test_a_mapping_that_is_learned(disk):
    file = disk.folder / "mine.toml"
    file.write_bytes(b"[jam]")
    with disk.full(), pytest.raises(OSError, match="large|space"):
        write_setting(file, "controls", "mute", "note 37")
    assert file.read_bytes() == b"[jam]"
    file.unlink()


def test_the_cache(disk, caplog):
    entry = disk.folder / "cache" / "x.npz"
    notes = [np.zeros((9, 4), np.int32)]
    with disk.full():
        save_entry(entry, notes)
    assert load_entry(entry) is None
    assert "can't be written" in caplog.text
    assert list(entry.parent.iterdir()) == []
    save_entry(entry, notes)
    assert len(load_entry(entry)) == 1
    assert (entry.stat().st_mode & 0o777, entry.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    shutil.rmtree(entry.parent)


def test_a_recording(disk, caplog):
    folder = disk.folder / "jams"
    with disk.full():
        recording = RecordingThread(folder, "{}", 1_000_000)
        recording.keep(Entry(0, 0, 0, 20_000_000, bytes((0x90, 60, 90))))
        assert recording.close() is None
    assert "this jam is not recorded: " in caplog.text
    assert [*folder.rglob("*")] == []
    together = [RecordingThread(folder, "{}", 1_000_000) for _ in range(16)]
    for recording in together:
        recording.keep(Entry(0, 0, 0, 20_000_000, bytes((0x90, 60, 90))))
    with ThreadPoolExecutor(16) as pool:
        files = set(pool.map(RecordingThread.close, together))
    assert files == set(folder.iterdir())
    assert len(files) == 16
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700
    shutil.rmtree(folder)


EPOCH = Epoch(1, 0.5, 3.0, 0.1, 3.1, 0.1, 4.0, 1000, 0.1)


LIKELY = Likelihood(nats_per_token=2.0, nats_per_onset=3.0, top_1=0.3, top_5=0.7)
FIGURES = Evaluation(1, 1, 9, 9, 0.0, {"model": LIKELY}, {"1": 2.5}, None, {})


@pytest.mark.parametrize(
    ("write", "what"), [(write_csv, [EPOCH]), (write_png, [EPOCH]), (write_plot, FIGURES)]
)
def test_curves_and_plots(write, what, disk):
    path = disk.folder / "drawn"
    path.write_bytes(BEFORE)
    with disk.full(), pytest.raises(OSError, match="large|space"):
        write(path, what)
    assert path.read_bytes() == BEFORE
    path.unlink()


def test_the_folder_of_a_training(disk):
    recipe = Recipe.of(load_config(), ["music"], Budget(epochs=1), input="scalar")
    folder = RunFolder(disk.folder / "run")
    with disk.full(), pytest.raises(OSError, match="large|space"):
        folder.create(recipe, lambda _beside: None)
    assert not folder.path.exists()
    before = os.umask(0o027)
    folder.create(recipe, lambda beside: write_whole(beside.checkpoint, b"x"))
    os.umask(before)
    assert {path.name for path in folder.path.iterdir()} == {
        "config.toml", "checkpoint.weights.h5",
    }  # fmt: skip
    assert folder.path.stat().st_mode & 0o777 == 0o750
    assert all(path.stat().st_mode & 0o777 == 0o640 for path in folder.path.iterdir())
    shutil.rmtree(folder.path)
