"""`livecomposer play` on a real JACK server, with a witness beside it."""

import signal
import subprocess
import sys
from contextlib import contextmanager

import pytest

from livecomposer.live.ports import PortError, open_ports
from tests.conftest import write_midi

pytestmark = pytest.mark.jack

BPM = 200
IN, OUT = "livecomposer in", "livecomposer out"
PHRASE = [(0.5 * i, 0.4, pitch) for i, pitch in enumerate((60, 62, 64, 65, 67, 65, 64, 62))]
PORTS = {f"{IN}:{IN}", f"{OUT}:{OUT}"}


@pytest.fixture
def witness(jack_server):
    from tests.live.witness import Witness  # it needs libjack

    with Witness(jack_server) as witness:
        yield witness


@contextmanager
def playing(server, *arguments):
    """`livecomposer play`, ready."""
    settings = ["--set", "ports.api=jack", "--set", f"clock.tempo_bpm={BPM}", *arguments]
    process = subprocess.Popen(
        [sys.executable, "-m", "livecomposer", "play", *settings],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=server.environment,
    )
    try:
        first = process.stdout.readline()
        assert first.startswith("ready: "), first + process.stderr.read()
        assert IN in first
        assert OUT in first
        yield process
    finally:
        process.kill()
        process.wait()


def write_phrase(tmp_path):
    return write_midi(tmp_path / "phrase.mid", PHRASE, tempo=round(60e6 / BPM))


def test_a_file_is_answered_on_the_grid(jack_server, witness, tmp_path):
    long_answer = ["--set", "jam.min_response=16", "--set", "sampling.seed=1"]
    with playing(jack_server, *long_answer) as process:
        assert set(witness.ports()) >= PORTS
        witness.connect(IN, OUT)
        witness.play(write_phrase(tmp_path))
        witness.wait_for(lambda: len(witness.onsets()) >= 6)
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    first = witness.sent[0][0]
    last = witness.sent[-1][0]
    slot = 30e9 / BPM
    places = [(ns - first) / slot for ns in witness.onsets()]
    assert all(ns > last for ns in witness.onsets())
    # A slot is 150 ms here. What is off the grid is evenly spread over it; a tenth is 15 ms.
    off = sorted(abs(place - round(place)) for place in places)
    assert off[3 * len(off) // 4] < 0.1, places
    assert not witness.sounding()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_in_the_middle_of_an_answer_leaves_silence(jack_server, witness, tmp_path, number):
    with playing(jack_server) as process:
        witness.connect(IN, OUT)
        witness.play(write_phrase(tmp_path))
        witness.wait_for(witness.sounding)
        process.send_signal(number)
        assert process.wait(10) == 0
        witness.wait_for(lambda: witness.heard[-1][1] == b"\xb0\x7b\x00")
    assert not witness.sounding()
    assert [data for _, data in witness.heard[-2:]] == [b"\xb0\x40\x00", b"\xb0\x7b\x00"]
    assert not PORTS & set(witness.ports())


def test_the_player_cuts_in(jack_server, witness, tmp_path):
    with playing(jack_server) as process:
        witness.connect(IN, OUT)
        witness.play(write_phrase(tmp_path))
        witness.wait_for(witness.sounding)
        answered = len(witness.onsets())
        witness.play(write_midi(tmp_path / "held.mid", [(0, 60, 40)]))
        witness.wait_for(lambda: witness.sent[-1][1] == bytes((0x90, 40, 64)))
        witness.wait_for(lambda: not witness.sounding())
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    assert len(witness.onsets()) <= answered + 4  # one more slot may have passed by then


def test_ports_that_exist_are_opened(jack_server, witness, monkeypatch, tmp_path):
    monkeypatch.setenv("JACK_DEFAULT_SERVER", jack_server.name)
    source, sink = open_both("rtmidi", "witness player", "witness ear")
    try:
        assert len([name for name in witness.ports() if "witness" in name]) == 4
        heard = []
        source.start(lambda _ns, data: heard.append(data))
        witness.play(write_phrase(tmp_path))
        witness.wait_for(lambda: b"\x90\x3c\x40" in heard)
        sink.send(b"\x90\x3c\x40")
        sink.send(b"\x80\x3c\x00")
        witness.wait_for(lambda: len(witness.heard) == 2)
    finally:
        source.close()
        sink.close()


def test_without_a_server_it_says_what_to_start(jack_server):
    environment = {**jack_server.environment, "JACK_DEFAULT_SERVER": "no-such-server"}
    ended = subprocess.run(
        [sys.executable, "-m", "livecomposer", "play", "--set", "ports.api=jack"],
        capture_output=True, text=True, env=environment, check=False,
    )  # fmt: skip
    assert ended.returncode == 3
    assert "no usable MIDI system (tried jack)" in ended.stderr
    assert "start a JACK server" in ended.stderr
    assert len([line for line in ended.stderr.splitlines() if "INFO" not in line]) == 1


def test_our_output_is_never_our_input(jack_server, witness, monkeypatch):
    monkeypatch.setenv("JACK_DEFAULT_SERVER", jack_server.name)
    source, sink = open_both(backend, "livecomposer", "livecomposer out")
    try:
        heard = []
        source.start(lambda _ns, data: heard.append(data))
        assert witness.connections("livecomposer out") == []
        sink.send(b"\x90\x3c\x40")
        sink.send(b"\x80\x3c\x00")
    finally:
        sink.close()
        source.close()
    assert heard == []


def test_no_server_is_a_port_error(jack_server, monkeypatch):
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "no-such-server")
    with pytest.raises(PortError, match="no usable MIDI system"):
        open_ports("jack", "a", "b")
