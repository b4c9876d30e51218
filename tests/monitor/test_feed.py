"""The real thing, with a browser's WebSocket: what is told of a jam, and what wishes do to it."""

import json
import math
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import get_args

import mido
import pytest

pytest.importorskip("uvicorn")
from websockets.sync.client import connect

from livecomposer.config_instrument import BUTTONS
from livecomposer.monitor.messages import Button

# On a machine that does much else, what happens in real time may come too late for a test.
pytestmark = [pytest.mark.realtime, pytest.mark.flaky(reruns=2)]

FOR_ALL = ("clock.tempo_bpm=240", "jam.phrase_end=0.5", "jam.min_response=8", "sampling.seed=1")


class Browser:
    """A page's WebSocket, as a page uses it.

    Attributes:
        state: the last one.
        keys: all that came since it looks on: part, milliseconds, beat, channel, pitch, velocity.
    """

    def __init__(self, port, token):
        origin = f"http://127.0.0.1:{port}"
        self._left = ExitStack()
        self._socket = self._left.enter_context(
            connect(f"ws://127.0.0.1:{port}/live", origin=origin, close_timeout=0.5)
        )
        self.opening, self.state, self.welcome = None, None, None
        self.keys, self.refusals, self._since_ms, self._states = [], [], math.inf, 0
        self.wish("enter", token=token)
        self.until(lambda: self._states > 3 and self.welcome and self.opening)

    def wish(self, kind, **fields):
        self._socket.send(json.dumps({"type": kind, **fields}))

    def play(self, *pitches, seconds=0.1):
        for pitch in pitches:
            self.wish("play", pitch=pitch, velocity=90)
            time.sleep(seconds)
            self.wish("play", pitch=pitch, velocity=0)

    def until(self, what, seconds=15):
        deadline = time.monotonic() + seconds
        while not what():
            said = json.loads(self._socket.recv(timeout=deadline - time.monotonic()))
            kind = said.pop("type")
            match kind:
                case "keys":
                    self.keys += [key for key in said["keys"] if key[1] > self._since_ms]
                case "refusal":
                    self.refusals.append(said["reason"])
                case _:
                    setattr(self, kind, said)
                    self._states += kind == "state"
            if self._states == 2 and kind == "state":  # the first may be remembered, as keys may
                self._since_ms = said["at_ms"]

    def of(self, part):
        return [key for key in self.keys if key[0] == part]

    def sounding(self, part):
        keys = set()
        for _, _, _, channel, pitch, velocity in self.of(part):
            (keys.add if velocity else keys.discard)((channel, pitch))
        return keys

    def close(self):
        self._left.close()


class Demo:
    """`livecomposer demo --monitor`, alone in its home."""

    def __init__(self, home, *settings, command=("demo", "--monitor"), environment=()):
        self.home = home
        settings = (*FOR_ALL, f"monitor.port={free_port()}", *settings)
        assignments = [f"--set={setting}" for setting in settings]
        self.environment = {**os.environ, "HOME": str(home), **dict(environment)}
        for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_MUSIC_DIR"):
            self.environment.pop(name, None)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "livecomposer", *command, *assignments],
            env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def line(self, beginning):
        for line in self.process.stdout:
            if line.startswith(beginning):
                return line.strip()
        raise AssertionError(f"{beginning!r} was never said: {self.process.stderr.read()}")

    def address(self):
        found = re.match(r"monitor: http://127\.0\.0\.1:(\d+)/#([\w-]+)", self.line("monitor: "))
        return int(found[1]), found[2]

    def end(self):
        self.process.send_signal(signal.SIGINT)
        output, errors = self.process.communicate(timeout=20)
        assert self.process.returncode == 0, errors
        assert "Traceback" not in errors, errors
        return output, errors


@contextmanager
def jamming(home, *settings, **options):
    demo = Demo(home, *settings, **options)
    try:
        demo.port, demo.token = demo.address()
        yield demo
    finally:
        demo.process.kill()
        demo.process.wait()


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    with jamming(tmp_path_factory.mktemp("home"), "clock.tempo_bpm=400") as demo:
        first = Browser(demo.port, demo.token)
        first.until(lambda: len(first.of(0)) > 4)
        assert demo.line("it is your turn")
        first.close()
        yield demo
        demo.end()


@pytest.fixture
def browser(demo):
    browser = Browser(demo.port, demo.token)
    yield browser
    browser.close()


def test_what_is_played_is_told_and_answered(browser):
    assert browser.opening["leader"] == "internal"
    assert browser.opening["weights"] == ["default"]
    assert browser.welcome == {"trusted": True}
    assert browser.state["listeners"] == []
    browser.play(60, 64, 67, 72)
    browser.until(lambda: browser.state["turn"] == "livecomposer")
    browser.until(lambda: browser.state["planned"])
    browser.until(lambda: len(browser.of(1)) > 4)
    assert [key[4:] for key in browser.of(0)][:2] == [[60, 90], [60, 0]]
    assert browser.state["context"][-1]
    assert 0 < sum(probability for _, probability in browser.state["candidates"]) <= 1.001
    on = [key for key in browser.of(1) if key[5]]
    assert all(abs(beat * 2 - round(beat * 2)) < 0.01 for _, _, beat, *_ in on), "on the grid"
    browser.until(lambda: browser.state["turn"] == "" and not browser.sounding(1))


SETTINGS = {
    "jam.mode": "listen", "jam.density": 0.25, "jam.answer": "4",
    "sampling.temperature": 1.25, "sampling.top_p": 0.5, "sampling.memory": 1,
    "sampling.key": "D dorian", "sampling.lowest": "C2", "sampling.highest": "C6",
    "sampling.grid": "1/3", "clock.tempo_bpm": 200,
    "model.weights": "default",
}  # fmt: skip


def test_each_setting_is_set(browser):
    assert browser.state["settings"].keys() == SETTINGS.keys()
    before = browser.state["settings"]
    for values in (SETTINGS, before):
        for setting, value in values.items():
            browser.wish("set", setting=setting, value=value)
        browser.until(lambda values=values: browser.state["settings"] == values)
    assert not browser.refusals


REFUSED = {
    "sampling.temperature": (9, "sampling.temperature = 9: expected float <= 5.0"),
    "model.weights": ("../x", "model.weights = '../x': expected one of default"),
    "ports.channel": (2, "ports.channel=2: expected one of jam.mode, "),
    "jam.mode": ("sing", "jam.mode = 'sing': expected one of "),
    "sampling.highest": ("A0\n[ports]", "sampling.highest = 'A0\\n[ports]"),
    "clock.source": (True, "clock.source=true: expected one of "),
}


@pytest.mark.parametrize("setting", REFUSED)
def test_what_is_refused_is_told_to_who_asked(demo, browser, setting):
    other = Browser(demo.port, demo.token)
    value, reason = REFUSED[setting]
    before = browser.state["settings"]
    browser.wish("set", setting=setting, value=value)
    browser.until(lambda: browser.refusals)
    assert browser.refusals[0].startswith(reason)
    browser.state = None
    browser.until(lambda: browser.state)
    assert browser.state["settings"] == before
    other.state = None
    other.until(lambda: other.state)
    assert not other.refusals
    other.close()


def test_mute_and_panic(browser):
    browser.wish("set", setting="jam.mode", value="solo")
    browser.until(lambda: browser.sounding(1))
    browser.wish("mute", on=True)
    browser.until(lambda: browser.state["muted"] and not browser.sounding(1))
    browser.wish("mute", on=False)
    browser.until(lambda: browser.sounding(1))
    browser.wish("press", button="panic")
    browser.until(lambda: browser.state["turn"] == "" and not browser.sounding(1))
    browser.wish("set", setting="jam.mode", value="call-response")
    browser.until(lambda: browser.state["settings"]["jam.mode"] == "call-response")


def test_the_context_is_cleared(browser):
    browser.play(60, 62, 64)
    browser.until(lambda: browser.state["context_size"][0] > 1)
    browser.wish("press", button="panic")  # else what goes on is in it again
    browser.wish("press", button="clear")
    browser.until(lambda: not browser.state["context"])


@pytest.mark.parametrize("button", ["forget", "seed", "again", "tap"])
def test_buttons(browser, button):
    browser.play(60, 62, 64)
    browser.wish("press", button=button)
    browser.until(lambda: len(browser.of(1)) > 2)
    browser.wish("press", button="panic")
    browser.until(lambda: browser.state["turn"] == "")
    assert not browser.refusals


def test_keys_are_let_go_by_who_leaves(demo, browser):
    other = Browser(demo.port, demo.token)
    other.wish("play", pitch=40, velocity=90)
    browser.until(lambda: browser.sounding(0) == {(0, 40)})
    other.close()
    browser.until(lambda: not browser.sounding(0))
    browser.until(lambda: browser.state["turn"] != "player")


def test_a_recording_is_begun_and_ended(demo, browser):
    folder = demo.home / "Music" / "livecomposer"
    shutil.rmtree(folder, ignore_errors=True)
    browser.wish("record", on=True)
    browser.until(lambda: browser.state["recording"])
    browser.play(60, 64, 67)
    browser.until(lambda: [key for key in browser.of(0) if key[4:] == [67, 0]])
    last_ms = browser.of(0)[-1][1]  # what was played before may have been answered till then
    browser.until(lambda: [key for key in browser.of(1) if key[5] and key[1] > last_ms])
    browser.wish("record", on=False)
    browser.until(lambda: not browser.state["recording"])
    browser.until(lambda: {"player", "livecomposer"} <= recorded(folder))


def test_a_process_that_dies_is_started_again_and_lets_go(tmp_path):
    with jamming(tmp_path) as demo:
        browser = Browser(demo.port, demo.token)
        browser.wish("play", pitch=40, velocity=90)
        browser.until(lambda: (0, 40) in browser.sounding(0))
        (server,) = children_of(demo.process.pid)
        os.kill(server, signal.SIGKILL)
        assert demo.address() == (demo.port, demo.token)
        Browser(demo.port, demo.token)
        assert "the monitor has ended (exit code -9); the music goes on" in demo.end()[1]


def test_a_process_that_stands_still_is_ended_with_the_rest(tmp_path):
    with jamming(tmp_path) as demo:
        Browser(demo.port, demo.token)
        (server,) = children_of(demo.process.pid)
        os.kill(server, signal.SIGSTOP)
        demo.end()
        assert not alive(server)


def test_a_daemon_that_is_killed_takes_it_along(tmp_path):
    with jamming(tmp_path) as demo:
        (server,) = children_of(demo.process.pid)
        demo.process.kill()
        deadline = time.monotonic() + 10
        while alive(server):
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_the_token_is_kept_and_the_next_port_taken(tmp_path):
    with jamming(tmp_path) as first:
        file = tmp_path / ".local" / "state" / "livecomposer" / "monitor-token"
        assert file.stat().st_mode & 0o777 == 0o600
        assert file.read_text().strip() == first.token
        second = Demo(tmp_path, f"monitor.port={first.port}")
        try:
            said = second.line("monitor: ")
            assert said.endswith(f"/#{first.token} (port {first.port} is taken)")
        finally:
            second.process.kill()
            second.process.wait()


@pytest.mark.jack
def test_play_serves_it_by_its_settings(tmp_path, jack_server):
    settings = ("ports.api=jack", "monitor.enabled=true", "record.folder=off")
    demo = Demo(tmp_path, *settings, command=["play"], environment=jack_server.environment.items())
    try:
        browser = Browser(*demo.address())
        browser.play(60, 64, 67)
        browser.until(lambda: len(browser.of(1)) > 4)
        assert browser.opening["ports"] == ["livecomposer in", "livecomposer out"]
        # What composes may have real-time priority; what shows it never has.
        assert {os.sched_getscheduler(each) for each in children_of(demo.process.pid)} == {
            os.SCHED_OTHER
        }
        demo.end()
    finally:
        demo.process.kill()
        demo.process.wait()


def test_pads_that_work_a_control_are_no_notes(tmp_path):
    with jamming(tmp_path, 'controls.mute="note 36"') as demo:
        browser = Browser(demo.port, demo.token)
        browser.play(36)
        browser.until(lambda: browser.state["muted"])
        browser.play(37)
        browser.until(lambda: browser.of(0))
        assert {key[0] for key in browser.keys} == {0}
        assert 36 not in {key[4] for key in browser.keys}


def test_each_button_can_be_pressed():
    assert set(get_args(Button)) == set(BUTTONS)


def test_what_does_not_go_together(tmp_path):
    demo = Demo(tmp_path, command=["demo", "--monitor", "--fast"])
    assert demo.process.wait(20) == 2
    assert "without --fast and --out" in demo.process.stderr.read()


def recorded(folder):
    """The parts of the only recording that have notes."""
    files = [file for file in folder.glob("*.mid") if file.stat().st_size]
    tracks = mido.MidiFile(files[0]).tracks if len(files) == 1 else []
    return {track.name for track in tracks if any(each.type == "note_on" for each in track)}


def free_port():
    with socket.socket() as tried:
        tried.bind(("127.0.0.1", 0))
        return tried.getsockname()[1]


def children_of(pid):
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False)
    return [int(each) for each in found.stdout.split()]


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
