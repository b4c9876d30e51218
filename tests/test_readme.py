"""The README's commands, run as they stand (a training of minutes is cut short)."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from livecomposer.config_file import load_config
from tests.conftest import write_midi

ROOT = Path(__file__).parent.parent
README, CONTROLS = ROOT / "README.md", ROOT / "docs" / "controls.md"
VERBS = "play|bench|demo|ports|replay|generate|render|tokens|train|evaluate|learn"
TEXT = README.read_text() + CONTROLS.read_text()
FOUND = re.findall(rf"(?<![\w/])livecomposer (?:{VERBS})\b[^`\n]*", TEXT)
COMMANDS = list(dict.fromkeys(command.split("#")[0].strip() for command in FOUND))
TRAIN = next(command for command in COMMANDS if " --out mine" in command)


def write_music(folder):
    (folder / "music").mkdir()
    for i in range(3):
        pitches = np.random.default_rng(i).integers(55, 75, 120).tolist()
        notes = [(n / 2, 0.5, pitch) for n, pitch in enumerate(pitches)]
        write_midi(folder / "music" / f"{i}.mid", notes)


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """The folder that the first training leaves, and that other commands go on from."""
    pytest.importorskip("tensorflow")
    folder = tmp_path_factory.mktemp("trained")
    write_music(folder)
    process = run(cut_short(TRAIN), folder, os.environ)
    _, errors = process.communicate(timeout=100)
    assert process.returncode == 0, errors
    return folder / "mine"


@pytest.fixture
def folder(tmp_path):
    """What the commands name: phrase.mid, and a folder music/."""
    write_music(tmp_path)
    for name in ("phrase.mid", "jam.mid"):
        write_midi(tmp_path / name, [(i / 2, 0.5, 60 + i) for i in range(8)])
    return tmp_path


def cut_short(command):
    return re.sub(r"--minutes \d+", "--minutes 0.02", command)


def run(command, folder, environment):
    """A command of the README's, begun."""
    arguments = [sys.executable, "-m", "livecomposer", *shlex.split(command, comments=True)[1:]]
    return subprocess.Popen(
        arguments, cwd=folder, env={**environment, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_there_are_commands():
    assert len(COMMANDS) >= 6
    assert any(command.startswith("livecomposer play") for command in COMMANDS)


OFFLINE = [command for command in COMMANDS if re.search(r"livecomposer (train|evaluate)", command)]


@pytest.mark.parametrize("command", OFFLINE)
def test_commands_that_need_no_midi(command, folder, trained):
    if command != TRAIN:
        shutil.copytree(trained, folder / "mine")
        process = run(cut_short(command), folder, os.environ)
        _, errors = process.communicate(timeout=100)
        assert process.returncode == 0, errors


@pytest.mark.jack
@pytest.mark.parametrize("command", [each for each in COMMANDS if each not in OFFLINE])
def test_commands(command, folder, jack_server, request):
    if "bench" in command:
        command += " --seconds 2"
    if "weights=mine" in command:
        shutil.copytree(request.getfixturevalue("trained"), folder / "mine")
    process = run(cut_short(command), folder, jack_server.environment)
    if " play" in command:
        assert process.stdout.readline().startswith("ready: ")
        process.send_signal(signal.SIGINT)
    if " learn" in command:
        assert process.stdout.readline().startswith("panic: touch the knob, key or program")
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=100)[1].strip() == "Aborted!"
        return
    _, errors = process.communicate(timeout=100)
    assert process.returncode == 0, errors


def test_settings_in_the_docs_are_good(tmp_path):
    snippets = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)
    assert len(snippets) >= 2
    for snippet in snippets:
        (tmp_path / "mine.toml").write_text(snippet)
        assert load_config(tmp_path / "mine.toml")
