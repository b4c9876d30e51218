"""Ports that are opened on a real JACK server, with a witness beside them."""

import threading
import time
from contextlib import ExitStack
from itertools import pairwise
from queue import SimpleQueue

import pytest

from livecomposer.config_file import load_config
from livecomposer.live.player import Player
from livecomposer.live.ports import PortError, open_ports
from livecomposer.live.schedule import Booking
from tests.live.test_jack import write_phrase

# A server that is short of time loses what is in its ports' buffers: nothing of ours can help that.
pytestmark = [pytest.mark.jack, pytest.mark.flaky(reruns=2)]


def open_both(backend, source, sink, clock=""):
    settings = [f"ports.backend={backend}", "ports.api=jack", f"ports.input={source}"]
    settings += [f"ports.output={sink}"]
    settings += ["clock.source=midi", f"clock.port={clock}"] if clock else []
    config = load_config(None, settings)
    return open_ports(config.ports, config.clock)


class Ear:
    """Keeps what an input port hands on, and what goes wrong."""

    def __init__(self):
        self.heard, self.errors = [], []

    def __call__(self, portions):
        self.heard += portions


@pytest.fixture(params=["jack", "rtmidi"])
def opened(jack_server, monkeypatch, request):
    """Opens ports of a backend, and closes them."""
    monkeypatch.setenv("JACK_DEFAULT_SERVER", jack_server.name)
    opened = []

    def open_(source, sink, clock=""):
        opened.append(open_both(request.param, source, sink, clock))
        return opened[-1]

    yield open_
    for ports in opened:
        ports.output.stop()
        for close in ports.closing:
            close()


def test_ports_that_exist_are_opened(opened, witness, tmp_path):
    ports = opened("witness player", "witness ear")
    assert len([name for name in witness.ports() if "witness" in name]) == 4
    ear, player = Ear(), Player(0)
    ports.input.start(ear, ear.errors.append)
    ports.output.start(player, ear.errors.append)
    witness.play(write_phrase(tmp_path))
    witness.wait_for(lambda: b"\x90\x3c\x40" in [data for _, data in ear.heard])
    now = time.monotonic_ns()
    player.book(Booking(now, now + 10**8, now + 10**9, (60,), 64))
    witness.wait_for(lambda: len(witness.heard) == 2)
    assert [data for _, data in witness.heard] == [b"\x90\x3c\x40", b"\x80\x3c\x00"]
    assert ear.errors == []


def test_a_clock_has_a_port_of_its_own(opened, witness, tmp_path):
    ports = opened("a", "b", clock="witness player")
    ear = Ear()
    ports.clock.start(ear, ear.errors.append)
    witness.play(write_phrase(tmp_path))
    witness.wait_for(lambda: b"\x90\x3c\x40" in [data for _, data in ear.heard])


def test_an_unknown_clock_port_is_an_error_that_names_those_there_are(opened, witness):
    with pytest.raises(PortError, match=r"clock.port = 'nobody'.* there are 'witness player:out'"):
        opened("a", "b", clock="nobody")
    assert len(witness.ports()) == 2


def test_our_output_is_never_our_input(opened, witness):
    ports = opened("livecomposer", "livecomposer out")
    ear, player = Ear(), Player(0)
    ports.input.start(ear, ear.errors.append)
    ports.output.start(player, ear.errors.append)
    assert witness.connections("livecomposer out") == []
    player.silence()
    time.sleep(0.1)  # for what must not come
    assert ear.heard == []


def test_messages_go_out_at_their_frame(jack_server, witness, monkeypatch):
    monkeypatch.setenv("JACK_DEFAULT_SERVER", jack_server.name)
    ports = open_both("jack", "frames in", "frames out")
    player = Player(0)
    with ExitStack() as stack:
        stack.callback(ports.output.close)
        stack.callback(ports.input.close)
        ports.output.start(player, lambda error: None)
        witness.connect("frames in", "frames out")
        start, step = time.monotonic_ns() + 100_000_000, 7_000_000  # 336 frames at 48 kHz
        for i in range(40):
            onset = start + i * step
            player.book(Booking(onset, onset + step // 2, onset + step, (60,), 64))
        witness.wait_for(lambda: len(witness.heard) == 80)
        ports.output.stop()
    frames = witness.onset_frames()
    exact = [later - earlier for earlier, later in pairwise(frames)].count(336)
    # A server that is short of time loses frames: some steps are shorter. A port that sends at once
    # makes none of them exact: 336 is no multiple of the period.
    assert exact >= 20
    assert player.lateness.count >= 82  # with the silence at the end, and repeated ends


def test_a_server_that_goes_before_the_ports_are_started(own_server, monkeypatch):
    monkeypatch.setenv("JACK_DEFAULT_SERVER", own_server.name)
    ports = open_both("jack", "in", "out")
    let_go = threading.Event()
    ports.input.start(lambda _: None, lambda _: let_go.set())
    own_server.end()
    assert let_go.wait(10)
    errors = SimpleQueue()
    ports.output.start(Player(0), errors.put)
    assert str(errors.get(timeout=10)).startswith("the JACK server has let us go: ")
    for close in ports.closing:
        close()


@pytest.mark.parametrize("backend", ["jack", "rtmidi"])
def test_no_server_is_a_port_error(jack_server, monkeypatch, backend):
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "no-such-server")
    with pytest.raises(
        PortError, match=r"no usable MIDI system \(tried jack\).* start a JACK server"
    ):
        open_both(backend, "a", "b")
