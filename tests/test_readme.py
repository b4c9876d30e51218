"""The README's commands, run as they stand (a training of minutes is cut short)."""

import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import write_midi

README = Path(__file__).parent.parent / "README.md"
VERBS = "play|bench|demo|ports|replay|generate|tokens|train"
FOUND = re.findall(rf"(?<![\w/])livecomposer (?:{VERBS})\b[^`\n]*", README.read_text())
COMMANDS = list(dict.fromkeys(command.split("#")[0].strip() for command in FOUND))


@pytest.fixture
def folder(tmp_path):
    """What the commands name: phrase.mid, and a folder music/."""
    (tmp_path / "music").mkdir()
    for i in range(3):
        write_midi(
            tmp_path / "music" / f"{i}.mid", [(n / 2, 0.5, 60 + n * i % 12) for n in range(40)]
        )
    write_midi(tmp_path / "phrase.mid", [(i / 2, 0.5, 60 + i) for i in range(8)])
    return tmp_path


def test_there_are_commands():
    assert len(COMMANDS) >= 6
    assert any(command.startswith("livecomposer play") for command in COMMANDS)


@pytest.mark.jack
@pytest.mark.parametrize("command", COMMANDS)
def test_commands(command, folder, jack_server):
    if "train" in command:
        pytest.importorskip("tensorflow")
        command = re.sub(r"--minutes \d+", "--minutes 0.02", command)
    if "bench" in command:
        command += " --seconds 2"
    if "weights" in command and "train" not in command:
        weights = README.parent / "weights" / "default.weights.h5"
        (folder / "mine.weights.h5").write_bytes(weights.read_bytes())
    arguments = [sys.executable, "-m", "livecomposer", *shlex.split(command, comments=True)[1:]]
    process = subprocess.Popen(
        arguments, cwd=folder, env={**jack_server.environment, "PYTHONPATH": str(README.parent)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    if " play" in command:
        assert process.stdout.readline().startswith("ready: ")
        process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=100)
    assert process.returncode == 0, errors
