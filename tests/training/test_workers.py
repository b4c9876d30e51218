"""Two processes on loopback that train one network."""

import json
import os
import socket
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner

from livecomposer.cli import main
from livecomposer.model import bundle
from livecomposer.training.workers import Worker, WorkerError, this_worker
from tests.conftest import write_midi


def config(index, *addresses, kind="worker"):
    return json.dumps({"cluster": {"worker": addresses}, "task": {"type": kind, "index": index}})


TOLD = [
    (None, Worker(0, 1)),
    ("", Worker(0, 1)),
    (config(1, "a:1", "b:1"), Worker(1, 2)),
    ('{"cluster": {"chief": ["a:1"], "worker": ["b:1"]}, "task": {"type": "worker", "index": 0}}',
     Worker(1, 2)),
]  # fmt: skip


@pytest.mark.parametrize(("text", "worker"), TOLD)
def test_who_this_is(monkeypatch, text, worker):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if text is not None:
        monkeypatch.setenv("TF_CONFIG", text)
    assert this_worker() == worker
    assert this_worker().chief == (worker.index == 0)


@pytest.mark.parametrize("text", ["{", "{}", "[]", config(2, "a:1"), config(0, "a:1", kind="ps")])
def test_who_cannot_be_told(monkeypatch, text):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(WorkerError, match="TF_CONFIG is "):
        this_worker()


def free_addresses(number):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    addresses = [f"127.0.0.1:{each.getsockname()[1]}" for each in sockets]
    for each in sockets:
        each.close()
    return addresses


def command(folder, out):
    settings = ("units=16", "embedding=8", "vocabulary_size=64", "batch_size=4", "dropout=0")
    chosen = [part for setting in settings for part in ("--set", f"training.{setting}")]
    return ["train", str(folder / "music"), "--out", str(folder / out), "--epochs", "1", *chosen]


def test_two_learn_what_one_would(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    pytest.importorskip("tensorflow")
    (tmp_path / "music").mkdir()
    for i in range(3):
        pitches = np.random.default_rng(i).integers(55, 75, 400).tolist()
        write_midi(
            tmp_path / "music" / f"{i}.mid",
            [(n / 2, 0.5, pitch) for n, pitch in enumerate(pitches)],
        )
    addresses = free_addresses(2)
    pair = [
        subprocess.Popen(
            [sys.executable, "-m", "livecomposer", *command(tmp_path, "pair")],
            env={**os.environ, "TF_CONFIG": config(i, *addresses)},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for i in range(2)
    ]  # fmt: skip
    alone = CliRunner().invoke(main, command(tmp_path, "alone"))
    assert alone.exit_code == 0, alone.output
    for process in pair:
        _, errors = process.communicate(timeout=110)
        assert process.returncode == 0, errors
        assert "TensorFlow listens on all addresses of this machine" in errors
    one, two = (bundle.load(tmp_path / name / "best.weights.h5") for name in ("alone", "pair"))
    loss = [each.provenance["run"]["loss"] for each in (one, two)]
    assert loss[0] == pytest.approx(loss[1], abs=1e-4)
    for name, array in one.weights.items():
        np.testing.assert_allclose(two.weights[name], array, atol=1e-3, err_msg=name)
    assert len(list((tmp_path / "pair").iterdir())) == 6
