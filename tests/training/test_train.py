"""Learning for real, on little music: what is left behind, and going on from it."""

import csv
import json
import resource
import shutil
import signal
import subprocess
import sys
import time
import tomllib

import numpy as np
import pytest
from click.testing import CliRunner

from livecomposer.cli import main
from livecomposer.config_file import load_config
from livecomposer.model import bundle
from livecomposer.training.folder import RunError, RunFolder
from livecomposer.training.history import Epoch, write_csv, write_png
from livecomposer.training.recipe import Budget
from tests.conftest import random_bundle, write_midi

pytest.importorskip("tensorflow")

SMALL = [
    part
    for setting in ("batch_size=4", "units=16", "embedding=8", "vocabulary_size=64")
    for part in ("--set", f"training.{setting}")
]
FILES = {"best.weights.h5", "checkpoint.weights.h5", "config.toml", "curves.csv", "curves.png",
         "train.log"}  # fmt: skip


def write_music(folder):
    folder.mkdir()
    scale = (0, 2, 4, 5, 7, 9, 11)
    for i in range(6):
        steps = np.cumsum(np.random.default_rng(i).choice((-1, 1, 2, -2), 300)) % 14
        notes = [
            (0.5 * n, 0.5, 55 + 12 * (int(step) // 7) + scale[int(step) % 7])
            for n, step in enumerate(steps)
        ]
        thirds = [(beat, length, pitch + 4) for beat, length, pitch in notes[: 50 * i : 4]]
        write_midi(folder / f"{i}.mid", notes + thirds)
    (folder / "empty.mid").write_bytes(b"")
    return folder


@pytest.fixture
def music(tmp_path):
    """Six walks up and down a scale, some with thirds above, and a file that is empty."""
    return write_music(tmp_path / "music")


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """A run of one epoch, that others begin with."""
    folder = tmp_path_factory.mktemp("first")
    music = write_music(folder / "music")
    assert run("train", music, "--out", folder / "run", "--epochs", 1, *SMALL).exit_code == 0
    return folder / "run"


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def run(*arguments):
    return CliRunner().invoke(main, [str(a) for a in arguments])


def start(*arguments, prelude="", **options):
    """The command in a process of its own, after a line of Python."""
    code = f"{prelude}\nfrom livecomposer.cli import main\nmain()"
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options,
    )  # fmt: skip


def wait_for(path, process):
    deadline = time.monotonic() + 90
    while not path.exists():
        assert time.monotonic() < deadline
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)


def rows(folder):
    return list(csv.DictReader((folder / "curves.csv").open()))


def same_weights(one, other):
    before, after = bundle.load(one), bundle.load(other)
    assert before.vocabulary == after.vocabulary
    for name, array in before.weights.items():
        np.testing.assert_array_equal(array, after.weights[name], name)


def test_train_then_play(music, tmp_path):
    out = tmp_path / "mine"
    result = run("train", music, "--out", out, "--epochs", 2, *SMALL)
    assert result.exit_code == 0, result.output
    assert f"skipped {music / 'empty.mid'}: the file is empty" in result.output
    assert f"{out / 'best.weights.h5'}: best after epoch" in result.output
    assert {path.name for path in out.iterdir()} == FILES
    assert (out / "curves.png").read_bytes().startswith(b"\x89PNG")
    history = rows(out)
    assert [row["epoch"] for row in history] == ["1", "2"]
    log = (out / "train.log").read_text()
    assert "6 pieces, 1 held out" in log
    assert "epoch 2, " in log
    assert "ended: spent" in log

    saved = bundle.load(out / "best.weights.h5")
    assert saved.architecture == bundle.Architecture("embedding", 16, 100, 8)
    assert saved.provenance["pieces"] == 6
    assert len(saved.provenance["held_out"]) == 1
    assert saved.vocabulary.joined
    best = min(history, key=lambda row: float(row["validation_loss"]))
    assert saved.provenance["run"]["epoch"] == int(best["epoch"])
    command = (out / "config.toml").read_text().splitlines()[0]
    assert command == f"# livecomposer train {music} --epochs=2 --input=embedding"
    used = load_config(out / "config.toml")
    assert (used.training.units, used.training.batch_size) == (16, 4)
    assert tomllib.loads((out / "config.toml").read_text())["tokeniser"]["resolution"] == "0.25"

    chosen = ["--set", f"model.weights={out}"]
    primer = music / "0.mid"
    played = run("generate", "--primer", primer, "--beats", 8, "--out", tmp_path / "y.mid", *chosen)
    assert played.exit_code == 0, played.output
    by_keras = run("demo", "--fast", *chosen, "--set", "model.engine=keras")
    assert by_keras.exit_code == 0, by_keras.output
    assert by_keras.output == run("demo", "--fast", *chosen).output


def test_killed_and_resumed_is_as_if_it_had_never_been(music, tmp_path):
    arguments = ["train", music, "--epochs", 3, *SMALL]
    assert run(*arguments, "--out", tmp_path / "whole").exit_code == 0
    killed = tmp_path / "killed"
    # A checkpoint after each step: it dies in the middle of an epoch, perhaps of a checkpoint.
    often = "import livecomposer.training.keeper as k; k._CHECKPOINT_S = 0"
    process = start(*arguments, "--out", killed, prelude=often)
    wait_for(killed / "curves.csv", process)
    with pytest.raises(RunError, match="is in use"), RunFolder(killed).claimed():
        pass
    process.kill()  # it was not done yet: see below
    process.communicate()
    assert len(rows(killed)) < 3
    interrupted = start("train", "--resume", killed, prelude=often)
    log = killed / "train.log"
    logged = log.stat().st_size
    while log.stat().st_size == logged and interrupted.poll() is None:
        time.sleep(0.02)
    interrupted.send_signal(signal.SIGINT)
    _, errors = interrupted.communicate(timeout=60)
    if interrupted.returncode:  # else it was done already
        assert f"to go on: livecomposer train --resume {killed}" in errors
        assert "Traceback" not in errors
    (killed / ".checkpoint.weights.h5.1").touch()  # as if killed while that was written
    result = run("train", "--resume", killed)
    assert result.exit_code == 0, result.output
    assert {path.name for path in killed.iterdir()} == FILES
    for name in ("best.weights.h5", "checkpoint.weights.h5"):
        same_weights(tmp_path / "whole" / name, killed / name)
    timed = {"minutes", "tokens_per_second", "waiting"}
    for row, whole in zip(rows(killed), rows(tmp_path / "whole"), strict=True):
        assert {k: v for k, v in row.items() if k not in timed} == {
            k: v for k, v in whole.items() if k not in timed
        }
    (music / "5.mid").unlink()
    fewer = run("train", "--resume", killed, "--epochs", 5)
    assert fewer.exit_code == 1
    assert "learned from other music" in fewer.stderr


def test_going_on_from_weights(music, first, tmp_path):
    second = tmp_path / "second"
    write_midi(music / "new.mid", [(0.5 * i, 0.5, 20 + i % 70) for i in range(200)])
    slowly = ["--set", "training.learning_rate=1e-6"]
    result = run("train", music, "--from", first, "--out", second, "--epochs", 1, *SMALL, *slowly)
    assert result.exit_code == 0, result.output
    before, after = (bundle.load(run_ / "best.weights.h5") for run_ in (first, second))
    assert after.vocabulary == before.vocabulary
    for name, array in before.weights.items():
        if "normalization" not in name:  # the averages of a normalization move by themselves
            np.testing.assert_allclose(after.weights[name], array, atol=1e-3)
    other = run("train", music, "--from", first, "--out", tmp_path / "x", "--timing", "fixed")
    assert other.exit_code == 2
    assert "--from keeps" in other.stderr


def test_the_tutorials_scheme_can_be_trained(music, tmp_path, monkeypatch):
    scheme = ["--input", "scalar", "--timing", "fixed", "--set", "training.spelling=chords"]
    out = tmp_path / "here"
    out.mkdir()
    monkeypatch.chdir(out)
    result = run("train", music, "--out", ".", "--minutes", 0.02, *scheme, *SMALL)
    assert result.exit_code == 0, result.output
    saved = bundle.load(out / "best.weights.h5")
    assert (saved.architecture.input, saved.tokeniser.timing) == ("scalar", "fixed")
    assert not saved.vocabulary.gaps
    assert not saved.vocabulary.joined


def test_it_ends_early_when_nothing_gets_better(music, tmp_path):
    never = [*SMALL, "--set", "training.learning_rate=1", "--set", "training.patience=1"]
    result = run("train", music, "--out", tmp_path / "x", "--epochs", 50, *never)
    assert result.exit_code == 0, result.output
    assert "nothing got better any more" in result.output
    history = rows(tmp_path / "x")
    losses = [float(row["validation_loss"]) for row in history]
    assert len(history) < 50
    assert min(losses) == losses[-2]


def test_a_loss_that_is_no_number(music, tmp_path):
    first, out = tmp_path / "first.weights.h5", tmp_path / "x"
    tokens = "C4 D4 E4 F4 G4 A4 B4"
    mad = random_bundle(tokens, units=16)
    mad.weights["layers/dense/vars/0"][:] = 3e38
    bundle.save(first, mad)
    result = run("train", music, "--from", first, "--out", out, "--epochs", 1, *SMALL)
    assert result.exit_code == 1, result.output
    assert "in epoch 1 the loss stopped being a number" in result.stderr
    assert f"--from {out} --set training.learning_rate=0.00075" in result.stderr
    same_weights(out / "checkpoint.weights.h5", first)
    assert load_config(out / "config.toml").training.spelling == "chords"  # as these weights'


def test_a_full_disk_loses_nothing(first, tmp_path):
    out = shutil.copytree(first, tmp_path / "x")
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    size = len(before["best.weights.h5"])
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size // 2, limits[1]))
    try:
        result = run("train", "--resume", out, "--epochs", 2)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert result.exit_code == 1, result.output
    assert "can't be written: " in result.stderr.splitlines()[-1]
    for name in ("best.weights.h5", "checkpoint.weights.h5"):
        assert (out / name).read_bytes() == before[name]
    assert {path.name for path in out.iterdir()} == FILES


WRONG = [
    (["--epochs", "1", "--minutes", "1"], 2, "exclude each other"),
    (["--resume", "music"], 2, "with --resume, only --epochs or --minutes"),
    (["--resume", "music", "--set", "training.seed=3"], 2, "the settings that the run has"),
    (["--instrument", "kazoo"], 2, "'kazoo' is not a program"),
    (["--instrument", "organ"], 1, "no notes of that instrument"),
    (["--set", "training.min_count=9999"], 1, "training.min_count = 9999"),
    (["--out", "music"], 1, "music exists already"),
    (["--out", "music/0.mid/x"], 1, "music/0.mid can't be written: "),
    (["--set", "training.units=4096"], 1, "too much to be played live: the weights would take "),
    (["--from", "music/0.mid"], 1, "0.mid: not a sound HDF5 file"),
]


@pytest.mark.parametrize(("arguments", "code", "reason"), WRONG)
def test_wrong_usage(music, tmp_path, monkeypatch, arguments, code, reason):
    monkeypatch.chdir(tmp_path)
    before = set(tmp_path.rglob("*"))
    result = run("train", music, *arguments)
    assert result.exit_code == code, result.output
    assert reason in " ".join(result.stderr.split())
    assert {path for path in tmp_path.rglob("*") if "cache" not in path.parts} == before


def test_a_folder_that_is_in_use(first):
    before = {path: path.read_bytes() for path in first.iterdir()}
    with RunFolder(first).claimed():
        result = run("train", "--resume", first, "--epochs", 9)
    assert result.exit_code == 1
    assert f"{first} is in use: training goes on in it" in result.stderr
    assert {path: path.read_bytes() for path in first.iterdir()} == before


def test_a_folder_without_a_run(tmp_path):
    result = run("train", "--resume", tmp_path)
    assert result.exit_code == 1
    assert "no checkpoint.weights.h5 to resume from" in result.stderr


def test_workers_need_epochs(music, monkeypatch):
    cluster = {"worker": ["127.0.0.1:1", "127.0.0.1:2"]}
    task = {"type": "worker", "index": 1}
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": cluster, "task": task}))
    result = run("train", music)
    assert result.exit_code == 2
    assert "give --epochs" in result.stderr


def test_too_little_music(music, tmp_path):
    result = run("train", music / "0.mid", "--out", tmp_path / "x")
    assert result.exit_code == 1
    assert "2 different works or more" in result.stderr
    for name in ("a", "b"):
        write_midi(tmp_path / f"{name}.mid", [(i, 1, 60 + (i * ord(name)) % 12) for i in range(40)])
    short = run("train", tmp_path / "a.mid", tmp_path / "b.mid", "--out", tmp_path / "x")
    assert short.exit_code == 1
    assert "tokens, expected 100 or more: a window's length" in short.stderr
    assert not (tmp_path / "x").exists()


def test_sources_that_are_not_there(tmp_path):
    result = run("train", tmp_path / "none", "--out", tmp_path / "x")
    assert result.exit_code == 2
    assert "no such file or folder" in result.stderr


def test_budgets():
    assert Budget(epochs=4).spent(1, 1000) == 0.25
    assert Budget(minutes=10).spent(1000, 5) == 0.5


def test_curves(tmp_path):
    history = [Epoch(i, i / 2, 3 - i, 0.1 * i, 3.5 - i, 0.1 * i, 5.0, 1000, 0.25) for i in (1, 2)]
    write_csv(tmp_path / "x.csv", history)
    assert (tmp_path / "x.csv").read_text().splitlines() == [
        "epoch,minutes,loss,accuracy,validation_loss,validation_accuracy,nats_per_onset,"
        "tokens_per_second,waiting",
        "1,0.5,2,0.1,2.5,0.1,5.0,1000,0.25",
        "2,1.0,1,0.2,1.5,0.2,5.0,1000,0.25",
    ]
    write_png(tmp_path / "x.png", history)
    assert (tmp_path / "x.png").stat().st_size > 1000
