"""Files that do harm where they are read, and that nobody else notices."""

import io
import os
import pickle
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from livecomposer.model import bundle
from livecomposer.model.bundle import BundleError
from livecomposer.model.hdf5 import UnsoundFileError
from livecomposer.model.isolated import opened
from livecomposer.model.lineage import LineageError, read_checkpoint
from tests.conftest import random_bundle

ROOT = Path(__file__).parent.parent.parent


def run(script, *arguments):
    return subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "x.weights.h5"
    bundle.save(path, random_bundle())
    return path


LEGACY_NOTES = ["4.7.11", "A4", "C4", "D4"]


def legacy_file() -> bytes:
    """Weights as Keras's legacy format has them."""
    shapes = bundle.weight_shapes(bundle.Architecture("scalar", units=4), len(LEGACY_NOTES))
    image = io.BytesIO()
    with h5py.File(image, "w") as file:
        file.attrs["model_config"] = '{"class_name": "LSTM", "config": {"activation": "tanh"}}'
        model = file.create_group("model_weights")
        layers = dict.fromkeys(name.split("/")[1] for name in shapes)
        model.attrs["layer_names"] = [layer.encode() for layer in layers]
        for layer in layers:
            group = model.create_group(layer)
            names = [name for name in shapes if name.split("/")[1] == layer]
            group.attrs["weight_names"] = [name.encode() for name in names]
            for name in names:
                group[name] = np.zeros(shapes[name], np.float32)
    return image.getvalue()


def claim_two_gigabytes(content):
    """A group's heap of names is 2 GB large, it says; and so is the file."""
    heap = content.index(b"HEAP")
    content[heap + 8 : heap + 16] = (2 << 30).to_bytes(8, "little")
    content[40:48] = (4 << 30).to_bytes(8, "little")


@pytest.mark.skipif(sys.platform != "linux", reason="memory is bounded on Linux only")
def test_a_file_that_claims_much_memory_does_not_get_it(saved):
    content = bytearray(saved.read_bytes())
    claim_two_gigabytes(content)
    saved.write_bytes(content)
    os.truncate(saved, 4 << 30)  # takes no room on the disk
    script = (
        "import resource, sys, pathlib\n"
        "from livecomposer.model import bundle\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try: bundle.load(pathlib.Path(sys.argv[1]))\n"
        "except bundle.BundleError as error: print(error)\n"
        "for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):\n"
        "    print(resource.getrusage(who).ru_maxrss - before)\n"
    )
    said, *grown = run(script, saved).stdout.splitlines()
    assert said.startswith(f"{saved}: not a sound HDF5 file")
    assert max(map(int, grown)) < 200 << 10  # KB


MANY = """
import io, random, resource, sys
from livecomposer.model import bundle
from livecomposer.model.hdf5 import PlainFile, UnsoundFileError
from livecomposer.model.isolated import give_up_all_else

content = sys.stdin.buffer.read()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
give_up_all_else(cpu_s=60)
rng, size = random.Random(1), len(content)
# Half of the bits are anywhere, half in what isn't 0: as the weights are 0, in HDF5's structure.
structure = [at for at in range(size) if content[at]]
files = [content[: size * cut // 200] for cut in range(200)]
for number in range(1000):
    at = rng.choice(structure) if number % 2 else rng.randrange(size)
    files.append(content[:at] + bytes([content[at] ^ 1 << rng.randrange(8)]) + content[at + 1 :])
loaded = refused = 0
for file in files:
    try:
        found = bundle.read(PlainFile(io.BytesIO(file)))
    except UnsoundFileError as error:
        refused += 1
        assert len(str(error)) < 400 and str(error).isprintable(), error
    except Exception as error:
        refused += 1  # `load` explains it
        assert isinstance(error, (OSError, RuntimeError, KeyError, TypeError, ValueError)), error
    else:
        loaded += 1
        shapes = bundle.weight_shapes(found.architecture, len(found.vocabulary))
        assert {name: array.shape for name, array in found.weights.items()} == shapes
print(loaded, refused, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_cuts_and_flipped_bits(tmp_path):
    path = tmp_path / "x.weights.h5"
    good = random_bundle(units=4)
    zeros = {name: np.zeros_like(array) for name, array in good.weights.items()}
    bundle.save(path, bundle.Bundle(good.architecture, good.vocabulary, good.tokeniser, {}, zeros))
    ended = subprocess.run(
        [sys.executable, "-c", MANY], env={**os.environ, "PYTHONPATH": str(ROOT)},
        input=path.read_bytes(), capture_output=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr.decode()
    loaded, refused, grown = map(int, ended.stdout.split())
    assert loaded + refused == 1200
    assert loaded > 100
    assert refused > 400
    assert grown < 200 << 10  # KB; macOS counts bytes


def test_the_child_can_open_nothing(tmp_path):
    script = (
        "import os, pathlib, socket, subprocess, sys\n"
        "from livecomposer.model.isolated import give_up_all_else\n"
        "give_up_all_else()\n"
        "for attempt in (lambda: open(sys.argv[1], 'w'), lambda: open(sys.executable),\n"
        "                socket.socket, lambda: subprocess.run(['true']), os.pipe):\n"
        "    try: attempt()\n"
        "    except OSError as error: print(error.errno)\n"
        "os.write(1, b'end')\n"
    )
    ended = run(script, tmp_path / "x")
    assert ended.stdout.split() == ["24"] * 5 + ["end"], ended.stderr  # EMFILE
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "end",
    [
        "os.kill(os.getpid(), signal.SIGSEGV)",
        "os._exit(3)",
        "print('{')",
        "print(9 * 10**7 * 'x')",
        "os._exit(0)",
    ],
)
def test_a_file_that_ends_its_reader_is_refused(saved, tmp_path, monkeypatch, end):
    """As HDF5's library would be ended by a file that finds a fault in it."""
    (tmp_path / "h5py.py").write_text(f"import os, signal\n{end}\nos._exit(0)\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(BundleError, match=r"x\.weights\.h5: not a sound HDF5 file"):
        bundle.load(saved)


def test_what_is_in_the_current_folder_is_not_imported(saved, tmp_path, monkeypatch):
    for name in ("h5py", "numpy", "livecomposer"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit(9)")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    assert bundle.load(saved).weights


def test_what_came_with_the_package_is_read_here(saved, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    assert bundle.load(saved, trusted=True).vocabulary == random_bundle().vocabulary
    with pytest.raises(BundleError, match="no process to read it can be started"):
        bundle.load(saved)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no FIFOs")
def test_what_is_no_regular_file(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path / "fifo", Path("/dev/zero")):
        with pytest.raises(UnsoundFileError, match="not a regular file"), opened(path):
            pass
    for path, reason in ((tmp_path / ("x" * 300), "too long"), (Path("\0"), "no such file")):
        with pytest.raises(BundleError, match=reason):
            bundle.load(path)


def test_a_file_that_is_read_for_ever_is_given_up(tmp_path):
    """An empty object in a heap of attributes' values, at which HDF5 1.14 goes round in a loop."""
    content = bytearray(legacy_file())
    at = content.index(b"layers/batch_normalization_1/vars/0", content.index(b"GCOL"))
    content[at - 16 : at] = bytes(16)
    (tmp_path / "weights.hdf5").write_bytes(content)
    (tmp_path / "notes").write_bytes(pickle.dumps(LEGACY_NOTES))
    with pytest.raises(LineageError, match="weights.hdf5: not a sound HDF5 file"):
        read_checkpoint(tmp_path / "weights.hdf5", tmp_path / "notes")


def test_weights_of_the_legacy_format(tmp_path):
    (tmp_path / "weights.hdf5").write_bytes(legacy_file())
    (tmp_path / "notes").write_bytes(pickle.dumps(LEGACY_NOTES))
    found = read_checkpoint(tmp_path / "weights.hdf5", tmp_path / "notes")
    assert found.architecture.units == 4
    assert len(found.vocabulary) == 5
