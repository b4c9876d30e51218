"""The daemon and its threads, with in-process ports, in real time."""

import threading
import time

import pytest

from livecomposer.config_file import load_config
from livecomposer.live.ports import LocalInput, LocalOutput, Ports
from livecomposer.live.wiring import make_daemon
from tests.live.test_offline import model

pytestmark = pytest.mark.realtime

SILENCE = ["b04000", "b07b00"]
BPM = 400


class Running:
    """A daemon that runs in a thread of its own."""

    def __init__(self, output=None):
        self.source, self.sink = LocalInput("in"), output or LocalOutput("out")
        settings = load_config(None, [f"clock.tempo_bpm={BPM}", "jam.gate=1.0", "jam.plan=1"])
        ports = Ports(self.source, self.sink)
        self.daemon, self.player, self.status, *_ = make_daemon(settings, [model()], ports, seed=1)
        self.error = None
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self):
        try:
            self.daemon.run(ready=self._ready.set)
        except Exception as error:
            self.error = error

    def __enter__(self):
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_):
        self.daemon.stop()
        self._thread.join(10)
        assert not self._thread.is_alive()

    def play_a_note(self):
        self.source.play(bytes((0x90, 60, 80)))
        self.source.play(bytes((0x80, 60, 0)))

    def wait_for(self, what, seconds=10):
        deadline = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < deadline
            time.sleep(0.001)

    @property
    def sent(self):
        return [data.hex() for _, data in self.sink.sent]


def sounding(sent):
    notes = set()
    for message in sent:
        if message.startswith("90"):
            notes.add(message[2:4])
        elif message.startswith("80"):
            notes.discard(message[2:4])
    return notes


def test_a_phrase_is_answered():
    with Running() as running:
        running.play_a_note()
        running.wait_for(lambda: sum(m.startswith("903c") for m in running.sent) == 4)
        running.wait_for(lambda: not sounding(running.sent))
    assert running.error is None
    assert running.sent[-2:] == SILENCE
    assert running.player.lateness.count == 4 * 2 * 2 + len(
        SILENCE
    )  # chords, notes in each, their ends


class Slow(LocalOutput):
    """A port that takes 15 ms for a message."""

    def send(self, message):
        time.sleep(0.015)
        super().send(message)


def test_a_machine_that_cannot_keep_up_says_so_once(caplog):
    with Running(Slow("out")) as running:
        running.play_a_note()
        running.wait_for(lambda: sum(m.startswith("80") for m in running.sent) == 8)
    warnings = [r.message for r in caplog.records if r.levelname == "WARNING"]
    assert len(warnings) == 1
    assert warnings[0].startswith("this machine can't keep up: messages up to ")
    assert not sounding(running.sent)


def test_a_flood_is_said(caplog):
    with Running() as running:
        running.source.play(bytes((0xB0, 7, 1)) * 200)
        running.wait_for(lambda: running.daemon.excess)
        running.play_a_note()
        running.wait_for(lambda: caplog.records)
    assert running.daemon.excess == 199
    assert "199 messages in excess were left out" in caplog.messages


def test_stopped_in_the_middle_of_a_note_it_leaves_silence():
    with Running() as running:
        running.play_a_note()
        running.wait_for(lambda: sounding(running.sent))
    assert not sounding(running.sent)
    assert running.sent[-2:] == SILENCE


def test_the_players_note_cuts_the_answer():
    with Running() as running:
        running.play_a_note()
        running.wait_for(lambda: sounding(running.sent))
        running.source.play(bytes((0x90, 72, 80)))
        running.wait_for(lambda: not sounding(running.sent))
        assert running.sent[-1].startswith("80")
    assert sum(m.startswith("90") for m in running.sent) == 2


class Unreliable(LocalOutput):
    """A port that fails once, at the given message."""

    def __init__(self, fails_at):
        super().__init__("out")
        self._fails_at, self._count = fails_at, 0

    def send(self, message):
        self._count += 1
        if self._count == self._fails_at:
            raise OSError("the port is gone")
        super().send(message)


@pytest.mark.parametrize("fails_at", [1, 2, 3, 4, 5])
def test_whatever_fails_while_playing_silence_is_left(fails_at):
    with Running(Unreliable(fails_at)) as running:
        running.play_a_note()
        running.wait_for(lambda: running.error)
    assert isinstance(running.error, OSError)
    assert not sounding(running.sent)
    assert running.sent[-2:] == SILENCE


def test_an_exception_in_the_core_leaves_silence():
    with Running() as running:
        running.play_a_note()
        running.wait_for(lambda: sounding(running.sent))
        running.daemon.ask(lambda _ns: 1 // 0)
        running.wait_for(lambda: running.error)
    assert isinstance(running.error, ZeroDivisionError)
    assert not sounding(running.sent)
