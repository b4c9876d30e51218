"""Nobody is let in, and nothing is told: no socket is open to others, no path is in a log."""

import ipaddress
import os
import re
import signal
import subprocess
import sys
import time

import psutil
import pytest
from click.testing import CliRunner

from livecomposer.cli import main
from livecomposer.cli.common import read_corpus
from tests.pages import ROOT
from tests.test_commands import write_music

PATH = re.compile(r"(?<![\w.~/:-])/[\w.@+-]+(?:/[\w.@+ -]+)+")


def sockets(process):
    """What a process and its children wait at, beyond this machine: addresses."""
    found = set()
    for each in [process, *process.children(recursive=True)]:
        try:
            connections = each.net_connections("inet")
        except psutil.NoSuchProcess:
            continue
        found |= {
            connection.laddr
            for connection in connections
            if connection.laddr
            and (connection.status == psutil.CONN_LISTEN or not connection.raddr)
            and not ipaddress.ip_address(connection.laddr.ip).is_loopback
        }
    return found


class Home:
    """A user's home, and a folder elsewhere to work in."""

    def __init__(self, folder):
        self.home, self.work = folder / "home", folder / "work"
        self.home.mkdir()
        self.work.mkdir()
        self.logs = []

    def start(self, *arguments, **environment):
        known = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")}
        return psutil.Popen(
            [sys.executable, "-m", "livecomposer", *map(str, arguments)], cwd=self.work,
            env={**known, **environment, "HOME": str(self.home), "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def watch(self, process):
        """Wait for its end; how often it was looked at, and what it waited at."""
        times, found = 0, set()
        while process.poll() is None:
            found |= sockets(process)
            times += 1
            time.sleep(0.05)
        self.logs += process.communicate()
        assert process.returncode == 0, self.logs
        return times, found

    def told(self):
        """Paths in what was printed and logged, that are neither in the home nor were given."""
        written = [path.read_text() for path in self.work.rglob("*.log")]
        found = {path for text in self.logs + written for path in PATH.findall(text)}
        return {path for path in found if not path.startswith((f"{self.home}/", f"{self.work}/"))}


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path)


def test_what_is_looked_for(home):
    home.logs += ["at /usr/lib/x.py, ~/a/b, a/b/c, 1/4, http://x/y, +1/3, /a"]
    assert home.told() == {"/usr/lib/x.py"}
    listening = "import socket; s = socket.create_server(('', 0)); print(flush=True); input()"
    with psutil.Popen(
        [sys.executable, "-c", listening], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        process.stdout.readline()
        assert len(sockets(process)) == 1
        process.kill()


def test_training_and_evaluating(home):
    pytest.importorskip("tensorflow")
    write_music(home.work)
    (home.work / "music" / "bad.mid").write_bytes(b"MThd")
    (home.work / "music" / "bad.krn").write_bytes(b"no")
    small = [f"--set=training.{each}" for each in ("units=8", "embedding=8", "batch_size=4")]
    training = home.start("train", "music", "--epochs", 1, *small)
    times, found = home.watch(training)
    assert times > 10
    assert found == set()
    home.watch(home.start("evaluate", "run", "music", "--plot", "plot.png"))
    home.watch(home.start("render", "music/0.mid", "--out", "0.png"))
    assert "bad.krn" in "".join(home.logs)
    assert home.told() == set()


@pytest.mark.jack
def test_playing(home, jack_server):
    process = home.start("play", "-v", **jack_server.environment)
    assert process.stdout.readline().startswith("ready: ")
    assert sockets(process) == set()
    process.send_signal(signal.SIGINT)
    home.watch(process)
    assert "messages, late by" in "".join(home.logs)
    assert home.told() == set()


def test_weights_that_came_with_the_package_are_named_as_they_are_given(tmp_path, monkeypatch):
    broken = tmp_path / "default.weights.h5"
    broken.write_bytes(b"no")
    monkeypatch.setattr("livecomposer.cli.common.find_weights", lambda _name: broken)
    result = CliRunner().invoke(main, ["demo", "--fast"])
    assert result.stderr.splitlines()[-1].startswith("Error: default: not a sound HDF5 file")
    assert str(tmp_path) not in result.stderr


def test_the_built_in_corpus_is_named_as_it_is_given(monkeypatch, capsys):
    corpus = pytest.importorskip("livecomposer.training.corpus")
    pytest.importorskip("music21")
    file = corpus.find_files(["music21:bach"]).paths[0]
    skipped = corpus.Corpus([], [(str(file), "no notes")])
    monkeypatch.setattr(corpus, "load_corpus", lambda *_, **__: skipped)
    read_corpus(["music21:bach"])
    assert capsys.readouterr().err == f"skipped music21:bach/{file.name}: no notes\n"


def test_a_traceback_tells_nothing_of_where_things_are():
    script = (
        "import click, logging\n"
        "from livecomposer.cli.options import with_config\n"
        "@click.command()\n@with_config\n"
        "def fail(config):\n"
        "    try: open('/none')\n"
        "    except OSError: logging.getLogger('livecomposer').exception('lost')\n"
        "fail()"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "Traceback" in ended.stderr
    assert 'File "<string>", line 6' in ended.stderr
    assert not PATH.findall(ended.stderr)
