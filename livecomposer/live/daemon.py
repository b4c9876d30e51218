"""Life cycle: wire the core to ports and threads, run, and leave silence behind.

Three threads: the input port's, which only stamps and queues; this one, which listens and
composes; and the player's, which sends on time.
"""

import logging
import queue
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from livecomposer.live.clock import Clock
from livecomposer.live.composer import Composer
from livecomposer.live.jam import Jam
from livecomposer.live.player import Player
from livecomposer.live.ports import InputPort, OutputPort

log = logging.getLogger(__name__)

_PATIENCE_S = 1.0  # Windows sees Ctrl-C only between waits
_SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]


class Daemon:
    """A jam in real time.

    Args:
        composer: warmed up.
        clock: its nanoseconds are `time.monotonic_ns`.
        input_port: open; it is closed at the end.
        output_port: open; it is closed at the end.
        channel: what to send on, 0-15.
    """

    def __init__(
        self,
        composer: Composer,
        clock: Clock,
        input_port: InputPort,
        output_port: OutputPort,
        channel: int,
    ) -> None:
        self._input, self._output = input_port, output_port
        # What came in, or an exception of the player's, or None to stop.
        self._inbox: queue.SimpleQueue[tuple[int, bytes] | Exception | None] = queue.SimpleQueue()
        self._player = Player(channel, output_port.send, self._inbox.put)
        self._jam = Jam(composer, clock, self._player)

    def stop(self) -> None:
        """End `run`, from any thread or signal handler."""
        self._inbox.put(None)

    def run(self, ready: Callable[[], None] | None = None) -> None:
        """Play until `stop`, or a signal that asks for it.

        Args:
            ready: called once playing has begun.

        Raises:
            Exception: what went wrong in any of the threads, after all notes were ended.
        """
        try:
            self._player.start()
            self._input.start(lambda ns, data: self._inbox.put((ns, data)))
            if ready:
                ready()
            self._loop()
        finally:
            # Each of these, whatever became of the others.
            for leave in (self._player.stop, self._input.close, self._output.close):
                try:
                    leave()
                except Exception:
                    log.exception("while stopping")

    def _loop(self) -> None:
        while True:
            item = self._next_item()
            if item is None:
                return
            if isinstance(item, Exception):
                raise item
            ns, data = item
            self._jam.receive(ns, data)

    def _next_item(self) -> tuple[int, bytes] | Exception | None:
        """What comes next, however long it takes; meanwhile time advances in the jam."""
        while True:
            due = self._jam.due_ns()
            wait_s = _PATIENCE_S if due is None else (due - time.monotonic_ns()) / 1e9
            with suppress(queue.Empty):
                return self._inbox.get(timeout=min(max(wait_s, 0), _PATIENCE_S))
            self._jam.advance(time.monotonic_ns())


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
