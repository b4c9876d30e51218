"""Learning for real, on little music: what is left behind, and going on from it."""

import csv
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from click.testing import CliRunner

from livecomposer.cli import main
from livecomposer.model import bundle
from livecomposer.training.history import Epoch, write_csv, write_png
from livecomposer.training.train import Budget
from tests.conftest import write_midi

pytest.importorskip("tensorflow")

SETTINGS = ["--set", "training.batch_size=8"]


@pytest.fixture
def music(tmp_path):
    """Six scales up and down, in different keys."""
    folder = tmp_path / "music"
    folder.mkdir()
    scale = (0, 2, 4, 5, 7, 9, 11, 12, 11, 9, 7, 5, 4, 2)
    for i in range(6):
        notes = [(0.5 * n, 0.5, 60 + i + scale[n % 14]) for n in range(80)]
        write_midi(folder / f"{i}.mid", notes)
    (folder / "empty.mid").write_bytes(b"")
    return folder


def run(*arguments):
    return CliRunner().invoke(main, [str(a) for a in arguments])


def rows(path):
    return list(csv.DictReader(path.open()))


def test_train_then_resume_then_play(music, tmp_path):
    out = tmp_path / "x.weights.h5"
    result = run("train", music, "--out", out, "--epochs", 2, *SETTINGS)
    assert result.exit_code == 0, result.output
    assert f"skipped {music / 'empty.mid'}: the file is empty" in result.output
    assert f"{out}: best after epoch" in result.output
    left = {"x.weights.h5", "x.checkpoint.weights.h5", "x.csv", "x.png"}
    assert {path.name for path in tmp_path.iterdir()} == left | {"music"}
    assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")
    history = rows(tmp_path / "x.csv")
    assert [row["epoch"] for row in history] == ["1", "2"]

    saved = bundle.load(out)
    assert saved.architecture.input == "embedding"
    assert saved.tokeniser.timing == "gaps"
    assert saved.provenance["pieces"] == 6
    best = min(history, key=lambda row: float(row["validation_loss"]))
    assert saved.provenance["run"]["epoch"] == int(best["epoch"])

    checkpoint = tmp_path / "x.checkpoint.weights.h5"
    before = bundle.load(checkpoint).weights
    slowly = ["--resume", "--set", "training.learning_rate=1e-6"]
    again = run("train", music, "--out", out, "--epochs", 1, *slowly, *SETTINGS)
    assert again.exit_code == 0, again.output
    assert rows(tmp_path / "x.csv")[:2] == history
    assert len(rows(tmp_path / "x.csv")) == 3
    for name, array in bundle.load(checkpoint).weights.items():
        if "normalization" not in name:  # the averages of a normalization move by themselves
            np.testing.assert_allclose(array, before[name], atol=1e-3)

    primer = music / "0.mid"
    chosen = ["--set", f"model.weights={out}"]
    played = run("generate", "--primer", primer, "--beats", 8, "--out", tmp_path / "y.mid", *chosen)
    assert played.exit_code == 0, played.output
    by_keras = run("demo", "--fast", *chosen, "--set", "model.engine=keras")
    assert by_keras.exit_code == 0, by_keras.output
    assert by_keras.output == run("demo", "--fast", *chosen).output

    other = run("train", music, "--out", out, "--resume", "--epochs", 1, "--timing", "fixed")
    assert other.exit_code == 1
    assert "can't go on with" in other.stderr
    (music / "5.mid").unlink()
    fewer = run("train", music, "--out", out, "--resume", "--epochs", 1)
    assert fewer.exit_code == 1
    assert "pieces = 6, now it is 5" in fewer.stderr


def test_the_tutorials_scheme_can_be_trained(music, tmp_path):
    out = tmp_path / "x.weights.h5"
    scheme = ["--input", "scalar", "--timing", "fixed"]
    result = run("train", music, "--out", out, "--minutes", 0.02, *scheme, *SETTINGS)
    assert result.exit_code == 0, result.output
    saved = bundle.load(out)
    assert (saved.architecture.input, saved.tokeniser.timing) == ("scalar", "fixed")
    assert not saved.vocabulary.gaps


def test_an_interruption_keeps_the_best_so_far_and_says_how_to_go_on(music, tmp_path):
    out = tmp_path / "x.weights.h5"
    process = subprocess.Popen(
        [sys.executable, "-m", "livecomposer", "train", music, "--out", out, "--epochs", "1000",
         *SETTINGS],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    checkpoint = tmp_path / "x.checkpoint.weights.h5"
    deadline = time.monotonic() + 90
    while not (tmp_path / "x.csv").exists():
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "best after epoch" in output
    assert "--resume" in errors.splitlines()[-1]
    assert "Traceback" not in errors
    bundle.load(out)
    bundle.load(checkpoint)


WRONG = [
    (["--out", "x.h5"], 2, "expected a name ending in .weights.h5"),
    (["--out", "nowhere/x.weights.h5"], 2, "in a folder that exists"),
    (["--out", "x.weights.h5", "--epochs", "1", "--minutes", "1"], 2, "exclude each other"),
    (["--out", "x.weights.h5", "--resume"], 2, "there is no x.checkpoint.weights.h5"),
    (["--out", "x.weights.h5", "--instrument", "kazoo"], 2, "'kazoo' is not a program"),
    (["--out", "x.weights.h5", "--instrument", "organ"], 1, "no notes of that instrument"),
    (["--out", "x.weights.h5", "--set", "training.min_count=9999"], 1, "training.min_count = 9999"),
]


@pytest.mark.parametrize(("arguments", "code", "reason"), WRONG)
def test_wrong_usage(music, tmp_path, monkeypatch, arguments, code, reason):
    monkeypatch.chdir(tmp_path)
    result = run("train", music, *arguments)
    assert result.exit_code == code
    assert reason in " ".join(result.stderr.split())


def test_one_piece_is_too_little(music, tmp_path):
    result = run("train", music / "0.mid", "--out", tmp_path / "x.weights.h5")
    assert result.exit_code == 1
    assert "2 pieces or more" in result.stderr
    assert not (tmp_path / "x.weights.h5").exists()


def test_sources_that_are_not_there(tmp_path):
    result = run("train", tmp_path / "none", "--out", tmp_path / "x.weights.h5")
    assert result.exit_code == 2
    assert "no such file or folder" in result.stderr


def test_budgets():
    assert Budget(epochs=4).spent(1, 1000) == 0.25
    assert Budget(minutes=10).spent(1000, 5) == 0.5


def test_curves(tmp_path):
    history = [Epoch(i, i / 2, 3 - i, 0.1 * i, 3.5 - i, 0.1 * i) for i in (1, 2)]
    write_csv(tmp_path / "x.csv", history)
    assert (tmp_path / "x.csv").read_text().splitlines() == [
        "epoch,minutes,loss,accuracy,validation_loss,validation_accuracy",
        "1,0.5,2,0.1,2.5,0.1",
        "2,1.0,1,0.2,1.5,0.2",
    ]
    write_png(tmp_path / "x.png", history)
    assert (tmp_path / "x.png").stat().st_size > 1000
