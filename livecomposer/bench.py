"""How fast the model steps, how late messages go out, and what a fresh process costs, here and now.

It measures. What is good, and what is printed, is the command line's.
"""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from livecomposer.live.lateness import Lateness
from livecomposer.live.player import Player
from livecomposer.live.ports import ImmediateOutput
from livecomposer.live.schedule import Booking

if TYPE_CHECKING:  # NumPy here would share its memory with the process that is measured
    from livecomposer.live.continuation import Continuation
    from livecomposer.live.stream import Stream

_PATIENCE_S = 60
_GRID_NS = 50_000_000  # from chord to chord
_CHORD, _VELOCITY = (60, 64, 67), 80


@dataclass(frozen=True)
class Start:
    """A process that became ready.

    Attributes:
        seconds: from its start until it said so.
        memory_mb: what was resident then and shared with no other process, in 2**20 bytes; None
            where the system doesn't tell.
    """

    seconds: float
    memory_mb: float | None


class StartError(RuntimeError):
    """A process ended before it was ready; the message is the last thing that it said.

    Attributes:
        exit_code: the process's.
    """

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def start_python(arguments: Sequence[str]) -> Start:
    """Start a fresh Python, and end it as soon as it has printed a line: then it is ready.

    Raises:
        StartError: it ended, or a minute passed, before it printed anything.
    """
    begun = time.perf_counter()
    with subprocess.Popen(  # noqa: S603 - the commands are our own
        [sys.executable, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        giving_up = threading.Timer(_PATIENCE_S, process.kill)
        giving_up.daemon = True
        giving_up.start()
        line = None
        try:
            line = process.stdout.readline()
            seconds = time.perf_counter() - begun
            memory_mb = private_mb(process.pid)
        finally:
            if line != "":  # else it is ending by itself, with an exit code of its own
                process.terminate()  # SIGINT may be ignored, by inheritance
        _, errors = process.communicate()
        giving_up.cancel()
    if not line:
        said = errors.strip().splitlines() or [f"no sign of life in {_PATIENCE_S} s"]
        raise StartError(said[-1], process.returncode)
    return Start(seconds, memory_mb)


def private_mb(pid: int) -> float | None:
    """What a process holds in memory for itself alone, in 2**20 bytes; None if not known.

    It is less while another process has the same libraries loaded: those are shared then.
    """
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return None
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) / 1024


def compose(continuation: "Continuation", stream: "Stream") -> Iterator[float]:
    """Go on for ever; yields what each step of the model, with its sampling, took: milliseconds."""
    onset, _ = stream.begin(0)
    while True:
        before, begun = continuation.steps, time.perf_counter()
        onset, _ = stream.go_on(onset + 1)
        ended = time.perf_counter()
        yield 1e3 * (ended - begun) / (continuation.steps - before)


def step_times(steps: Iterator[float], seconds: float) -> list[float]:
    """Let the model step for so long; what each step took."""
    end = time.perf_counter() + seconds
    times = [next(steps)]
    while time.perf_counter() < end:
        times.append(next(steps))
    return times


class _Nowhere(ImmediateOutput):
    """An output port that goes nowhere; the thread that sends to it is as any other's."""

    def send(self, message: bytes) -> None:
        """See `ImmediateOutput`."""


def send_chords(steps: Iterator[float], seconds: float, *, realtime: bool) -> Lateness:
    """Send chords on an even grid for so long; how late the messages were.

    This thread books each chord a little ahead, as one that composes does; unlike that one it
    then steps the model without a pause, which is the worst that can happen beside the sender.

    Args:
        steps: what to keep this thread busy with.
        seconds: how long.
        realtime: whether the thread that sends asks for real-time priority.
    """
    player, output = Player(0), _Nowhere("bench", realtime)
    failures: list[Exception] = []
    output.start(player, failures.append)
    try:
        start = time.monotonic_ns() + _GRID_NS
        end = start + round(seconds * 1e9)
        for onset in range(start, end, _GRID_NS):
            # None expires: a note that was skipped would not count as late.
            player.book(Booking(onset, onset + _GRID_NS // 2, end, _CHORD, _VELOCITY))
            while time.monotonic_ns() < onset and not failures:
                next(steps)
        time.sleep(_GRID_NS / 1e9)  # for the last chord's end
    finally:
        output.stop()
    if failures:
        raise failures[0]
    return player.lateness
