"""Life cycle: wire the core to ports and threads, run, and leave silence behind.

Three threads: the input port's, which only stamps and queues; this one, which listens and
composes; and the output port's, which sends on time.
"""

import logging
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from types import FrameType
from typing import Any

from livecomposer.live.jack_clock import JackClock
from livecomposer.live.jam import Jam
from livecomposer.live.player import Player
from livecomposer.live.ports import Ports
from livecomposer.live.recorder import RecordedJam

log = logging.getLogger(__name__)

_PATIENCE_S = 1.0  # Windows sees Ctrl-C only between waits
_TOO_LATE_NS, _TOO_OFTEN = 10_000_000, 3  # what one hears, and more than a hiccup
_SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]


class Daemon:
    """A jam in real time.

    Args:
        jam: its nanoseconds are `time.monotonic_ns`, its voice is `player`.
        player: what the jam plays with.
        ports: open; they are closed at the end.
        ended: called at the end, when nothing is sent any more.
    """

    def __init__(
        self,
        jam: Jam | RecordedJam,
        player: Player,
        ports: Ports,
        ended: Callable[[int], None] = lambda _ns: None,
    ) -> None:
        self._ended = ended
        self._jam, self._player, self._ports = jam, player, ports
        # What came in, with who is to take it; or an exception of a port's; or None to stop.
        self._inbox: SimpleQueue[_Item] = SimpleQueue()
        self._warned = False

    def stop(self) -> None:
        """End `run`, from any thread or signal handler."""
        self._inbox.put(None)

    def ask(self, answer: Callable[[int], None]) -> None:
        """Have something done between two events, with the time, in the thread that composes."""
        self._inbox.put((lambda ns, _: answer(ns), time.monotonic_ns(), None))

    def run(self, ready: Callable[[], None] | None = None) -> None:
        """Play until `stop`, or a signal that asks for it.

        Args:
            ready: called once playing has begun.

        Raises:
            Exception: what went wrong in any of the threads, after all notes were ended.
        """
        ports = self._ports
        try:
            ports.output.start(self._player, self._inbox.put)
            ports.input.start(self._passing_to(self._jam.receive), self._inbox.put)
            if ports.clock:
                ports.clock.start(self._passing_to(self._jam.receive_clock), self._inbox.put)
            self._jam.begin(time.monotonic_ns())
            if ready:
                ready()
            self._loop()
        finally:
            closing = [port.close for port in (ports.input, ports.clock, ports.output) if port]
            # Each of these, whatever became of the others.
            for leave in (self._leave, ports.output.stop, self._end, *closing):
                try:
                    leave()
                except Exception:
                    log.exception("while stopping")

    def follow(self, clock: JackClock) -> None:
        """Let a clock follow the transport of the ports' MIDI system, if it has one."""
        if self._ports.watch_transport:
            self._ports.watch_transport(self._passing_to(clock.follow))

    def _passing_to(self, take: Callable[[int, Any], None]) -> Callable[[int, Any], None]:
        """What a port's thread calls: it only queues, with the time."""
        return lambda ns, item: self._inbox.put((take, ns, item))

    def _end(self) -> None:
        self._ended(time.monotonic_ns())

    def _leave(self) -> None:
        self._jam.leave(time.monotonic_ns())

    def _loop(self) -> None:
        while True:
            item = self._next_item()
            if item is None:
                return
            if isinstance(item, Exception):
                raise item
            take, ns, what = item
            take(ns, what)
            self._watch_lateness()

    def _next_item(self) -> "_Item":
        """What comes next, however long it takes; meanwhile time advances in the jam."""
        while True:
            due = self._jam.due_ns()
            wait_s = _PATIENCE_S if due is None else (due - time.monotonic_ns()) / 1e9
            with suppress(Empty):
                return self._inbox.get(timeout=min(max(wait_s, 0), _PATIENCE_S))
            self._jam.advance(time.monotonic_ns())
            self._watch_lateness()

    def _watch_lateness(self) -> None:
        """Say so, once, when this machine can't keep up."""
        late, skipped = self._player.lateness, self._player.skipped
        if not self._warned and (skipped or late.above(_TOO_LATE_NS) >= _TOO_OFTEN):
            self._warned = True
            log.warning(
                "this machine can't keep up: messages up to %.0f ms late, %d notes skipped",
                late.max_ns / 1e6,
                skipped,
            )


_Item = tuple[Callable[[int, Any], None], int, Any] | Exception | None


@contextmanager
def stopping_on_signals(daemon: Daemon) -> Iterator[None]:
    """While this lasts, the signals that ask a program to end stop the daemon. Main thread only."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        daemon.stop()

    # What whoever started us wants ignored, as nohup does, stays so.
    heeded = [number for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, stop) for number in heeded}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
