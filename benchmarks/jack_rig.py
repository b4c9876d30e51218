"""A JACK server of its own, `livecomposer play` in it, and a witness that plays to it and hears it.

Times are of the monotonic clock, in nanoseconds. A server that is short of time loses frames at an
xrun, so frames are no clock: they are mapped by a `FrameClock`, as the daemon does with its own.
"""

import heapq
import os
import pty
import subprocess
import sys
import tempfile
import threading
import time
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from queue import SimpleQueue
from typing import Any, TextIO

import jack
import psutil

from livecomposer.live.frame_clock import FrameClock
from livecomposer.live.realtime import SENDING, prefer_thread
from livecomposer.midi.wire import NOTE_ON

RATE = 48_000
IN, OUT = "livecomposer in:livecomposer in", "livecomposer out:livecomposer out"

Timed = tuple[int, bytes]
"""When, and a message."""

jack.set_error_function(lambda _message: None)
jack.set_info_function(lambda _message: None)


def environment(server: str) -> dict[str, str]:
    """In which programs find the server."""
    return {**os.environ, "JACK_DEFAULT_SERVER": server, "JACK_NO_START_SERVER": "1"}


@contextmanager
def running(command: list[str], **options: Any) -> Iterator[subprocess.Popen[str]]:
    """A program, ended by its id as soon as it isn't needed any more."""
    process = subprocess.Popen(command, text=True, **options)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def jack_server(period: int) -> Iterator[str]:
    """A server of our own without a sound card, real-time where we may; gives its name."""
    name = f"livecomposer-bench-{os.getpid()}"
    command = [
        "jackd",
        "-R" if _may_be_realtime() else "-r",
        "-n",
        name,
        "-d",
        "dummy",
        "-r",
        str(RATE),
        "-p",
        str(period),
    ]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with running(command, **quiet) as process:
        deadline = time.monotonic() + 10  # it takes less than 1 s
        while not _answers(name):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("jackd didn't start")
            time.sleep(0.1)
        yield name


def _may_be_realtime() -> bool:
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except OSError:
        return False
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    return True


def _answers(server: str) -> bool:
    try:
        jack.Client("hello", no_start_server=True, servername=server).close()
    except jack.JackError:
        return False
    return True


@contextmanager
def livecomposer(
    server: str, *settings: str, shown: str = "lines", monitor: SimpleQueue[str] | None = None
) -> Iterator[Callable[[], str]]:
    """`livecomposer play`, once it is ready; gives what reads its log.

    Args:
        server: where it plays.
        settings: assignments.
        shown: how it shows what it does: "quiet", "lines", or "panel", in a terminal.
        monitor: takes the address of the page that it serves, if it is to.
    """
    command = [sys.executable, "-m", "livecomposer", "play"]
    command += ["--quiet"] if shown == "quiet" else []
    command += ["--monitor"] if monitor is not None else []
    command += [word for setting in settings for word in ("--set", setting)]
    ours, its = pty.openpty() if shown == "panel" else os.pipe()
    with tempfile.TemporaryFile("w+") as log, os.fdopen(ours, errors="replace") as output:

        def read_log() -> str:
            log.seek(0)
            return log.read()

        with running(command, stdout=its, stderr=log, env=environment(server)) as process:
            os.close(its)
            if not output.readline().startswith("ready: "):
                raise RuntimeError("livecomposer isn't ready: " + read_log())
            threading.Thread(target=_drain, args=(output, monitor), daemon=True).start()
            yield read_log
            process.terminate()
            process.wait(10)


def daemon() -> psutil.Process:
    """The `livecomposer play` that was started."""
    return next(child for child in psutil.Process().children() if "livecomposer" in child.cmdline())


def _drain(output: TextIO, monitor: SimpleQueue[str] | None) -> None:
    """Read to the end: of a terminal, that is an error."""
    with suppress(OSError):
        for line in output:
            if monitor is not None and line.startswith("monitor: "):
                monitor.put(line.split()[1])


class Witness:
    """Sends messages at their exact frames, and records what comes in.

    Attributes:
        heard: (ns, message) from the daemon.
        onsets: the frames of the notes that begin in it.
        cycles: the first frame of each cycle and when its callback began, one after the other.
        clock: (frame, ns, message) from another master, if one is connected to it.
        xruns: when the server was short of time.
        late_ns: how late a message was sent at most: after an xrun, or when we were too slow.
    """

    def __init__(self, server: str) -> None:
        # Two clients, so that player and listener are no loop in the server's graph.
        self._player, self.ear = (
            jack.Client(name, no_start_server=True, servername=server)
            for name in ("witness player", "witness ear")
        )
        self._out = self._player.midi_outports.register("out")
        self._in = self.ear.midi_inports.register("in")
        self._clock_in = self.ear.midi_inports.register("clock")
        self.frames = FrameClock(self.ear.samplerate)
        self._coming: SimpleQueue[list[Timed]] = SimpleQueue()
        self._todo: list[Timed] = []
        self._urgent: set[int] = set()  # ids of threads
        self.heard: list[Timed] = []
        self.onsets, self.cycles = array("q"), array("q")
        self.clock: list[tuple[int, int, bytes]] = []
        self.xruns: list[int] = []
        self.late_ns = 0
        self._player.set_process_callback(self._play)
        self.ear.set_process_callback(self._record)
        self.ear.set_xrun_callback(self._count_xrun)

    def __enter__(self) -> "Witness":
        self._player.activate()
        self.ear.activate()
        time.sleep(0.5)  # for the frame clock, which looks at 32 cycles at once
        return self

    def __exit__(self, *_: object) -> None:
        for client in (self._player, self.ear):
            client.deactivate()
            client.close()

    def connect(self) -> None:
        """Hear the daemon, and play to it."""
        self._player.connect(self._out, IN)
        self.ear.connect(OUT, self._in)

    def connect_clock(self, source: str) -> None:
        """Hear another master too."""
        self.ear.connect(source, self._clock_in)

    def clear(self) -> None:
        """Forget what was recorded."""
        self.heard, self.clock, self.xruns, self.late_ns = [], [], [], 0
        self.onsets, self.cycles = array("q"), array("q")

    def send(self, messages: list[Timed]) -> None:
        """Send these when they are due."""
        self._coming.put(messages)

    def hear(self, frame: int, message: bytes) -> None:
        """Take a message that has come from the daemon."""
        self.heard.append((self.frames.ns_of(frame), message))
        if message[0] & 0xF0 == NOTE_ON and message[2]:
            self.onsets.append(frame)

    def _play(self, frames: int) -> None:
        self._hurry()
        frame = self._player.last_frame_time
        self.frames.observe(frame, time.monotonic_ns())
        self._out.clear_buffer()
        while not self._coming.empty():
            for message in self._coming.get_nowait():
                heapq.heappush(self._todo, message)
        start = self.frames.unwrap(frame)
        while self._todo and (at := self.frames.frame_of(self._todo[0][0]) - start) < frames:
            ns, data = heapq.heappop(self._todo)
            self.late_ns = max(self.late_ns, self.frames.ns_of(start) - ns)
            self._out.write_midi_event(max(0, at), data)

    def _record(self, _frames: int) -> None:
        self._hurry()
        start = self.frames.unwrap(self.ear.last_frame_time)
        self.cycles.extend((start, time.monotonic_ns()))
        for offset, data in self._in.incoming_midi_events():
            self.hear(start + offset, bytes(data))
        for offset, data in self._clock_in.incoming_midi_events():
            frame = start + offset
            self.clock.append((frame, self.frames.ns_of(frame), bytes(data)))

    def _hurry(self) -> None:
        """Have the priority that the daemon's threads have."""
        thread = threading.get_native_id()
        if thread not in self._urgent:
            self._urgent.add(thread)
            prefer_thread(SENDING, thread)

    def _count_xrun(self, _delayed_us: float) -> None:
        self.xruns.append(time.monotonic_ns())
