"""The daemon's side of the monitor: starts its process, tells it what happens, and hears wishes.

The thread that composes is only asked how things stand, and that only while somebody looks; all
waiting is done in threads of the monitor's own.
"""

import json
import logging
import subprocess
import sys
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue

import msgspec

from livecomposer import children
from livecomposer.live.orders import MUTE, UNMUTE, OrderError, weights_order
from livecomposer.live.recorder import CONTROLS, Entry
from livecomposer.live.tape import Tape
from livecomposer.live.wiring import Wired
from livecomposer.midi.recording import UNITS_PER_TICK
from livecomposer.midi.wire import NOTE_OFF, NOTE_ON
from livecomposer.monitor.messages import (
    Begin,
    FromDaemon,
    FromMonitor,
    Key,
    Keys,
    Left,
    Mute,
    Opening,
    Play,
    Press,
    Ready,
    Record,
    Refusal,
    Set,
    State,
    Watched,
    Wish,
    Wished,
)
from livecomposer.monitor.state import take_state
from livecomposer.music.tempo import TICKS_PER_BEAT

log = logging.getLogger(__name__)

SERVER = "livecomposer.monitor.server"
_EVERY_S = 0.05
_LOAD_EVERY_S = 1.0
_MOST_KEYS = 4096
"""Keys that wait to be told, at most: a monitor that stands still is told no more."""
_STARTS = 3
"""A process that ends before the daemon does is started anew, but not for ever."""
_CLOSING_S = 2.0


class Feed:
    """The monitor of a jam.

    Args:
        begin: what its process needs.
        opening: what it tells first.
        ready: called with the port that it listens on, in a thread of the monitor's.

    Attributes:
        watched: set once somebody looks on.
    """

    def __init__(self, begin: Begin, opening: Opening, ready: Callable[[int], None]) -> None:
        self._begin, self._opening, self._ready = begin, opening, ready
        self._keys: deque[Key] = deque(maxlen=_MOST_KEYS)
        self._states: SimpleQueue[State | Refusal] = SimpleQueue()
        self._values: SimpleQueue[tuple[int, Set | Record]] = SimpleQueue()  # browsers' numbers
        self._held: dict[int, set[int]] = defaultdict(set)  # by browser
        self._browsers = 0
        self.watched = threading.Event()
        self._ended = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._threads: list[threading.Thread] = []

    def keep(self, entry: Entry) -> None:
        """Take what was played. In the thread that composes."""
        status = entry.message[0] & 0xF0
        music = entry.part != CONTROLS and status in (NOTE_ON, NOTE_OFF)
        if not (music and self._browsers):
            return
        velocity = entry.message[2] if status == NOTE_ON else 0
        beat = round(entry.position / UNITS_PER_TICK / TICKS_PER_BEAT, 4)
        channel, pitch = entry.message[0] & 0x0F, entry.message[1]
        self._keys.append(Key(entry.part, entry.ns / 1e6, beat, channel, pitch, velocity))

    def start(self, wired: Wired, tape: Tape, channel: int) -> None:
        """Show a jam that runs.

        Args:
            wired: the jam; what it plays is given to `keep`.
            tape: records it.
            channel: that the keyboard on the screen plays on, 0-15.

        Raises:
            OSError: the system starts no process.
        """
        self._wired, self._tape, self._channel = wired, tape, channel
        self._start_process()
        for run, name in ((self._listen, "monitor"), (self._tell, "monitor feed")):
            self._threads.append(threading.Thread(target=run, name=name, daemon=True))
            self._threads[-1].start()

    def close(self) -> None:
        """Show nothing any more."""
        self._ended.set()
        for thread in self._threads:
            thread.join(_CLOSING_S)
        if self._process:
            self._process.kill()
            self._process.wait()

    # Telling.

    def _tell(self) -> None:
        """Say how things stand, now and then; where the process ends, wait for another."""
        load = _Load()
        while not self._ended.wait(_EVERY_S):
            if self._browsers:
                self._wired.daemon.ask(partial(self._take_state, load.share()))
            for browser, wish in self._last_values():
                self._wired.daemon.ask(partial(self._grant, browser=browser, wish=wish))
            with suppress(OSError):
                self._say_all()
        assert self._process is not None and self._process.stdin is not None  # noqa: S101, PT018
        with suppress(OSError):
            self._process.stdin.close()

    def _last_values(self) -> list[tuple[int, Set | Record]]:
        """What is to be set: of each thing the last value only, however many came since."""
        last: dict[str, tuple[int, Set | Record]] = {}
        with suppress(Empty):
            while True:
                browser, wish = self._values.get_nowait()
                last[wish.setting if isinstance(wish, Set) else ""] = browser, wish
        return list(last.values())

    def _take_state(self, load: float, ns: int) -> None:
        self._wired.jam.gather(ns)
        recording = self._tape.running
        self._states.put(take_state(self._wired, ns, load=load, recording=recording))

    def _say_all(self) -> None:
        assert self._process is not None  # noqa: S101 - it was started
        with suppress(Empty):
            while True:
                _say(self._process, self._states.get_nowait())
        if self._keys:
            _say(self._process, Keys([self._keys.popleft() for _ in range(len(self._keys))]))

    # Listening.

    def _listen(self) -> None:
        for start in range(1, _STARTS + 1):
            self._hear_process()
            if self._ended.is_set():
                return
            self._browsers = 0
            self._wired.daemon.ask(self._let_go_all)
            code = self._process.wait() if self._process else 0
            log.warning("the monitor has ended (exit code %d); the music goes on", code)
            if start < _STARTS and not self._ended.wait(1):
                with suppress(OSError):
                    self._start_process()

    def _hear_process(self) -> None:
        assert self._process is not None and self._process.stdout is not None  # noqa: S101, PT018
        decode = msgspec.json.Decoder(FromMonitor).decode
        for line in self._process.stdout:
            try:
                self._hear(decode(line))
            except msgspec.DecodeError as error:
                log.debug("the monitor: %s", error)

    def _hear(self, said: FromMonitor) -> None:
        match said:
            case Ready(port):
                self._ready(port)
            case Watched(browsers):
                self._browsers = browsers
                if browsers:
                    self.watched.set()
            case Wished(browser, Set() | Record() as wish):
                self._values.put((browser, wish))
            case Wished(browser, wish):
                self._wired.daemon.ask(lambda ns: self._grant(ns, browser, wish))
            case Left(browser):
                self._wired.daemon.ask(lambda ns: self._let_go(ns, browser))

    # In the thread that composes.

    def _grant(self, ns: int, browser: int, wish: Wish) -> None:
        jam = self._wired.jam
        try:
            match wish:
                case Play(pitch, velocity):
                    self._play(ns, browser, pitch, velocity)
                case Set("model.weights", value):
                    jam.order(ns, weights_order(self._number_of(value)))
                case Set(setting, value):
                    jam.order(ns, f"{setting}={json.dumps(value)}")
                case Mute(on):
                    jam.order(ns, MUTE if on else UNMUTE)
                case Press(button):
                    jam.order(ns, button)
                case Record(True):
                    self._record(ns)
                case Record():
                    self._tape.stop()
        except OrderError as error:
            self._states.put(Refusal(browser, str(error)))

    def _record(self, ns: int) -> None:
        """Begin a recording, with what its settings don't say."""
        desk = self._wired.desk
        self._tape.run()
        self._wired.jam.order(ns, weights_order(desk.tuning.playing))
        self._wired.jam.order(ns, MUTE if desk.muted else UNMUTE)

    def _number_of(self, weights: object) -> int:
        names = self._opening.weights
        if weights not in names:
            raise OrderError(f"model.weights = {weights!r}: expected one of {', '.join(names)}")
        return names.index(str(weights))

    def _play(self, ns: int, browser: int, pitch: int, velocity: int) -> None:
        status = NOTE_ON if velocity else NOTE_OFF
        self._wired.jam.receive(ns, bytes((status | self._channel, pitch, velocity)))
        held = self._held[browser]
        held.add(pitch) if velocity else held.discard(pitch)

    def _let_go(self, ns: int, browser: int) -> None:
        for pitch in self._held.pop(browser, ()):
            self._wired.jam.receive(ns, bytes((NOTE_OFF | self._channel, pitch, 0)))

    def _let_go_all(self, ns: int) -> None:
        for browser in list(self._held):
            self._let_go(ns, browser)

    def _start_process(self) -> None:
        process = children.start(SERVER, stdout=subprocess.PIPE, stderr=sys.stderr)
        _say(process, self._begin)
        _say(process, self._opening)
        self._process = process  # from here on, others say something, too


def _say(process: "subprocess.Popen[bytes]", what: Begin | FromDaemon) -> None:
    assert process.stdin is not None  # noqa: S101 - it is a pipe
    process.stdin.write(msgspec.json.encode(what) + b"\n")
    process.stdin.flush()


class _Load:
    """The share of a processor core that this process takes, in the last second or so."""

    def __init__(self) -> None:
        self._since, self._share = (time.monotonic(), time.process_time()), 0.0

    def share(self) -> float:
        """The latest figure."""
        now, used = time.monotonic(), time.process_time()
        if now - self._since[0] >= _LOAD_EVERY_S:
            self._share = (used - self._since[1]) / (now - self._since[0])
            self._since = now, used
        return self._share
