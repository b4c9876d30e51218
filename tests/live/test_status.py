"""What is shown of a jam, in real time, with in-process ports."""

import io
import queue

import pytest
from rich.console import Console

from livecomposer.cli.display import LivePanel, TurnLines
from livecomposer.live.clock import InternalClock
from livecomposer.live.midi_clock import MidiClock
from livecomposer.live.player import Player
from livecomposer.live.status import Status, StatusThread, take_status
from livecomposer.live.view import View
from livecomposer.music.keys import parse_key
from tests.live.stage import Stage, keys
from tests.live.test_daemon import Running

TICK_NS = 500_000_000 // 24


def test_how_a_jam_stands():
    stage = Stage().play(*keys((0, 6, 60), (12, 6, 64), (12, 6, 60), velocity=90))
    status = take_status("internal", stage.composer, InternalClock(120, 0), Player(0), 19 * TICK_NS)
    assert status.view.mode == "call-response"
    assert status.view.turn == "player"
    assert status.view.levels == (90, 0)
    assert status.leader == "internal"
    assert status.spelled(0) == "C4 C4.E4"
    assert (status.tempo_bpm, status.beat) == (pytest.approx(120), 19 / 24)
    stage.wait_until(50)
    status = take_status("internal", stage.composer, InternalClock(120, 0), Player(0), 50 * TICK_NS)
    assert status.view.turn == "livecomposer"
    assert status.spelled(0) == "C4 C4.E4"
    assert status.spelled(1).startswith("C4.E4")
    assert status.view.levels == (90, 90)
    assert status.view.context == (status.view.context[0], 100)
    stage.wait_until(500)
    assert stage.composer.view(500).turn == ""


def test_what_is_to_come_is_not_shown():
    stage = Stage(mode="solo", sampling={"transpose": 12}).wait_until(100)
    for tick in (5, 30, 100):
        shown = stage.composer.view(tick).onsets
        assert shown == [((), (72, 76))] * sum(onset <= tick for onset in stage.onsets)


class Shown:
    """A display that keeps what it is to show."""

    def __init__(self):
        self.statuses, self.closed = queue.SimpleQueue(), False

    def show(self, status):
        self.statuses.put(status)

    def close(self):
        self.closed = True


def test_a_daemon_is_asked_again_and_again():
    display = Shown()
    with Running() as running:
        thread = StatusThread(running.daemon, running.status, display)
        thread.start()
        first, second = (display.statuses.get(timeout=10) for _ in range(2))
        thread.close()
    assert second.beat > first.beat
    assert display.closed


def test_when_the_daemon_has_ended_nothing_more_is_shown():
    display = Shown()
    with Running() as running:
        pass
    thread = StatusThread(running.daemon, running.status, display)
    thread.start()
    thread.close()
    assert display.closed
    assert display.statuses.empty()


def status(turn="", mode="duet", running=True, key="C minor"):
    onsets = [((60, 64), ()), ((), (48, 55)), ((62,), (50,))]
    view = View(mode, turn, parse_key(key) if key else None, onsets, (17, 100), (81, 0))
    return Status(view, "jack", 120.04, running, 9.5, (0.12, 3.4), 2)


def test_a_line_for_each_turn(capsys):
    lines = TurnLines()
    for each in (
        status(),
        status(),
        status("player"),
        status("player"),
        status("livecomposer"),
        status("", running=False),
        status("player", "solo", running=False, key=None),
    ):
        lines.show(each)  # fmt: skip
    assert capsys.readouterr().out.splitlines() == [
        "mode: duet",
        "player plays (120.0 BPM, bar 3, beat 2, C minor)",
        "livecomposer plays (120.0 BPM, bar 3, beat 2, C minor)",
        "mode: solo",
        "player plays (waiting for the clock)",
    ]


def test_a_panel_that_changes(monkeypatch):
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=80, height=20)
    monkeypatch.setattr("rich.live.get_console", lambda: console)
    panel = LivePanel()
    panel.show(status("player"))
    for shown in (
        "duet; player plays",
        "120.0 BPM, bar 3, beat 2 (jack)",
        "C minor",
        "C4.E4 D4",
        "C3.G3 D3",
        "17 of 100 tokens",
        "player 81, livecomposer -",
        "2 notes skipped",
    ):
        assert shown in screen.getvalue()
    panel.show(status(running=False))
    assert "waiting for the clock" in screen.getvalue()
    panel.close()


def test_a_clock_that_stands():
    stage = Stage()
    shown = take_status("midi", stage.composer, MidiClock(100), Player(0), 10**9)
    assert not shown.running
    assert shown.tempo_bpm == pytest.approx(100)
