"""Every command in what is written for users is run as it stands (long ones are cut short)."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest

from livecomposer.cli import main
from tests.conftest import write_midi
from tests.pages import PAGES, ROOT, commands, names

COMMANDS = list(dict.fromkeys(command for page in PAGES for command in commands(page)))
NAMES = {name for page in PAGES for name in names(page)}

PORTS = {"in", "out", "in-01"}
ELSEWHERE = {
    r"python3 -m venv .*": ".ci/run runs it",
    r"pip install .*": ".ci/run runs it",
    r"scripts/check.*": ".ci/run runs it",
    r"pytest -n 2 --faults": ".ci/run runs it",
    r"pytest -n 2 -m browser": ".ci/run runs it",
    r"python scripts/config_reference\.py.*": "test_docs.py runs it",
    r"python -c 'import tensorflow'": "nothing of ours",
    r"uv pip compile .*": "asks an index, and uv is no package of ours",
    r"dask (scheduler|worker) .*": "tests/training/test_corpus.py has a cluster of its own",
    r"livecomposer train .* --cluster .*": "tests/training/test_corpus.py has a cluster of its own",
    r"export .TF_CONFIG=(.|\n)*": "tests/training/test_train.py sets it",
    r"mkdir -p .*": "tests/test_completion.py runs it",
    r"livecomposer train music21:.*": "reads thousands of files",
    r"livecomposer service .*": "tests/test_service.py has a systemd of its own",
    r"livecomposer evaluate default .*": "needs the music that those weights learned from",
}
"""Commands that are not run here, and why."""

STAND_INS = {"CONTROL": "panic"}
"""What the reader is to put something else for."""

OURS = [command for command in COMMANDS if command.startswith("livecomposer ")]
TO_BE_RUN = [
    command for command in OURS if not any(re.fullmatch(pattern, command) for pattern in ELSEWHERE)
]
LEARNING = [each for each in TO_BE_RUN if re.match(r"livecomposer (train|evaluate) ", each)]
WITH_PORTS = re.compile(r"livecomposer (play|learn|ports|bench|doctor)\b")
LIVE = [each for each in TO_BE_RUN if WITH_PORTS.match(each)]
OTHERS = [each for each in TO_BE_RUN if each not in LEARNING + LIVE]
TRAIN = next(each for each in LEARNING if " --out mine --minutes" in each)
BENCHMARKS = [each for each in COMMANDS if re.match(r"python (-m )?benchmarks", each)]


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
    finish(start(TRAIN, folder))
    return folder / "mine"


@pytest.fixture
def folder(tmp_path):
    """What the commands name."""
    write_music(tmp_path)
    for name in ("chopin", "lieder"):
        (tmp_path / name).symlink_to("music")
    for name in ("phrase.mid", "jam.mid"):
        write_midi(tmp_path / name, [(i / 2, 0.5, 60 + i) for i in range(8)])
    (tmp_path / "my.toml").write_text("[jam]\nmode = 'duet'\n")
    return tmp_path


def start(command, folder, environment=os.environ):
    """Begin a command in a folder, which is the user's home, too."""
    command = re.sub(r"--minutes \d+", "--minutes 0.02", command)
    command = re.sub(r"--epochs \d+", "--epochs 1", command)
    if command.startswith("livecomposer bench"):
        command += " --seconds 2"
    if command.startswith("livecomposer demo"):
        command += " --set clock.tempo_bpm=400"
    words = [STAND_INS.get(word, word) for word in shlex.split(command)[1:]]
    words = words[: words.index(">")] if ">" in words else words
    home = {name: str(folder) for name in ("HOME", "XDG_CONFIG_HOME", "XDG_MUSIC_DIR")}
    return subprocess.Popen(
        [sys.executable, "-m", "livecomposer", *words], cwd=folder,
        env={**environment, **home, "BROWSER": "true", "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def wait_for(process, said):
    """Until it says a line that begins so."""
    assert any(line.startswith(said) for line in process.stdout), process.communicate()[1]


def finish(process):
    _, errors = process.communicate(timeout=100)
    assert process.returncode == 0, errors


def test_all_commands_are_known():
    """Those that are not run are excused, and nobody is excused who isn't there."""
    assert {command.split()[1] for command in OURS} | NAMES - PORTS <= main.commands.keys()
    for command in COMMANDS:
        if command not in OURS + BENCHMARKS:
            assert any(re.fullmatch(pattern, command) for pattern in ELSEWHERE), command
    for pattern in ELSEWHERE:
        assert any(re.fullmatch(pattern, each) for each in COMMANDS), pattern
    assert NAMES >= PORTS


@pytest.mark.parametrize("command", LEARNING)
def test_commands_that_learn(command, folder, trained):
    if " --out mine" not in command:
        shutil.copytree(trained, folder / "mine")
    if command != TRAIN:  # which is done already
        finish(start(command, folder))


@pytest.mark.parametrize("command", OTHERS)
def test_commands_without_midi(command, folder):
    process = start(command, folder)
    if "--monitor" in command:
        wait_for(process, "monitor: http://127.0.0.1:")
        process.send_signal(signal.SIGINT)
    finish(process)


@pytest.mark.jack
@pytest.mark.parametrize("command", LIVE)
def test_commands_with_midi(command, folder, jack_server, request):
    if "weights=mine" in command:
        shutil.copytree(request.getfixturevalue("trained"), folder / "mine")
    process = start(command, folder, jack_server.environment)
    if " play" in command:
        wait_for(process, "monitor: http://127.0.0.1:" if "--monitor" in command else "ready: ")
        process.send_signal(signal.SIGINT)
    if " learn" in command:
        control = command.split()[2]
        wait_for(process, f"{STAND_INS.get(control, control)}: touch the knob")
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=100)[1].strip() == "Aborted!"
        return
    finish(process)


@pytest.mark.parametrize("command", BENCHMARKS)
def test_benchmarks_know_their_options(command):
    words = shlex.split(command)
    program = words[1:3] if words[1] == "-m" else words[1:2]
    ended = subprocess.run(
        [sys.executable, *program, "--help"], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert {word for word in words if word.startswith("--")} <= set(ended.stdout.split())
