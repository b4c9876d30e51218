"""Life cycle: wire the core to ports and threads, run, and leave silence behind.

Threads: the input ports', which only stamp and queue; this one, which listens and composes; the
output port's, which sends on time; and one that looks after the ports. A fault in any of them ends
what sounds, and no more: the music goes on.
"""

import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue

from livecomposer.live.guard import Guard
from livecomposer.live.intake import Intake, Timed
from livecomposer.live.jack_clock import JackClock, Transport
from livecomposer.live.jam import Jam
from livecomposer.live.keeper import Keeper, Reopen
from livecomposer.live.player import Player
from livecomposer.live.ports import Failed, Ports, Receive
from livecomposer.live.recorder import RecordedJam
from livecomposer.midi.wire import FIRST_SYSTEM

log = logging.getLogger(__name__)

_PATIENCE_S = 1.0  # Windows sees Ctrl-C only between waits
_TOO_LATE_NS, _TOO_OFTEN = 10_000_000, 3  # what one hears, and more than a hiccup
_FAULTS, _FAULTS_NS = 5, 60_000_000_000
"""So many faults of our own in so long are survived."""
_SAY_EVERY_NS = 1_000_000_000
_MANY = 100
"""Messages in a second: a hand at a wheel sends some that are left out, and need not hear of it."""


class Daemon:
    """A jam in real time.

    Args:
        jam: its nanoseconds are `time.monotonic_ns`, its voice is `player`.
        player: what the jam plays with.
        ports: open; they are closed at the end.
        presses: whether a channel message presses a button.
        reopen: see `Keeper`.
        guard: see `Keeper`; closed at the end.
        ended: called at the end, when nothing is sent any more.

    Attributes:
        closed: whether all ports were closed at the end; otherwise their threads still run.
    """

    def __init__(
        self,
        jam: Jam | RecordedJam,
        player: Player,
        ports: Ports,
        *,
        presses: Callable[[bytes], bool] = lambda _message: False,
        reopen: Reopen | None = None,
        guard: Guard | None = None,
        ended: Callable[[int], None] = lambda _ns: None,
    ) -> None:
        self._jam, self._player, self._ended = jam, player, ended
        if ports.clock:  # then a clock is heard from there, and nothing else
            self._intake = Intake(presses, takes=lambda message: message[0] < FIRST_SYSTEM)
        else:
            self._intake = Intake(presses)
        self._clock_intake = Intake(takes=lambda message: message[0] >= FIRST_SYSTEM)
        # What is to be called in the thread that composes; None to stop.
        self._inbox: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._keeper = Keeper(ports, self, reopen=reopen, guard=guard)
        self._transport: JackClock | None = None
        self._survives = reopen is not None
        self._faults: deque[int] = deque(maxlen=_FAULTS)
        self._warned = False
        self._said_excess, self._said_ns = 0, 0
        self.closed = False

    def stop(self) -> None:
        """End `run`, from any thread or signal handler."""
        self._inbox.put(None)

    def ask(self, answer: Callable[[int], None]) -> None:
        """Have something done between two events, with the time, in the thread that composes."""
        self._inbox.put(lambda: answer(time.monotonic_ns()))

    def pause(self, stand_still: Callable[[], None]) -> None:
        """Leave silence, have this called, and then go on; from any thread or signal handler."""
        for step in (self.begin_again, partial(self._keeper.pause, stand_still), self.begin_again):
            self.post(step)

    def follow(self, clock: JackClock) -> None:
        """Let a clock follow the transport of the ports' MIDI system, if it has one."""
        self._transport = clock

    def run(self, ready: Callable[[], None] | None = None) -> None:
        """Play until `stop`, or a signal that asks for it.

        Args:
            ready: called once playing has begun.

        Raises:
            Exception: what went wrong and can't be survived, after all notes were ended.
        """
        try:
            self._keeper.begin()
            self._jam.begin(time.monotonic_ns())
            if ready:
                ready()
            self._loop()
        finally:
            self.closed = self._keeper.end(
                leave=lambda: self._jam.leave(time.monotonic_ns()),
                ended=lambda: self._ended(time.monotonic_ns()),
            )

    @property
    def excess(self) -> int:
        """How many messages came in that were left out: there were too many."""
        return self._intake.excess + self._clock_intake.excess + self._keeper.lost

    @property
    def xruns(self) -> int:
        """How often the audio server was short of time."""
        return self._keeper.xruns

    @property
    def listeners(self) -> Sequence[str] | None:
        """The ports that the output reaches; None where nobody tells."""
        return self._keeper.listeners

    # What its ports' keeper asks for: see `House`.

    def start(self, ports: Ports, failed: Failed) -> None:
        """See `House`."""
        ports.output.start(self._player, failed)
        ports.input.start(self._receiving(self._intake), failed)
        if ports.clock:
            ports.clock.start(self._receiving(self._clock_intake), failed)
        if self._transport and ports.watch_transport:
            ports.watch_transport(self._following(self._transport))

    def post(self, task: Callable[[], None]) -> None:
        """See `House`."""
        self._inbox.put(task)

    def begin_again(self) -> None:
        """See `House`."""
        self._jam.begin_again(time.monotonic_ns())

    def welcome(self) -> None:
        """See `House`."""
        self._player.repeat_ends()
        self._jam.begin(time.monotonic_ns())

    def be_ahead(self, ahead_ns: int) -> None:
        """See `House`."""
        self._jam.be_ahead(ahead_ns)

    def _receiving(self, intake: Intake) -> Receive:
        """What a port's thread calls: it only queues."""

        def take_all() -> None:
            for ns, message in intake.take():
                self._jam.receive(ns, message)

        def receive(portions: Sequence[Timed]) -> None:
            intake.put(portions)
            self._inbox.put(take_all)

        return receive

    def _following(self, clock: JackClock) -> Callable[[int, Transport], None]:
        return lambda ns, transport: self._inbox.put(partial(clock.follow, ns, transport))

    def _loop(self) -> None:
        while True:
            try:
                task = self._next_task()
                if task is None:
                    return
                task()
            except Exception as error:
                self._survive(error)
            self._watch_load()

    def _next_task(self) -> Callable[[], None] | None:
        """What comes next, however long it takes; meanwhile time advances in the jam."""
        while True:
            due = self._jam.due_ns() if self._keeper.ports else None
            wait_s = _PATIENCE_S if due is None else (due - time.monotonic_ns()) / 1e9
            with suppress(Empty):
                return self._inbox.get(timeout=min(max(wait_s, 0), _PATIENCE_S))
            if self._keeper.ports:
                self._jam.advance(time.monotonic_ns())
            self._watch_load()

    def _survive(self, error: Exception) -> None:
        """Go on after a fault of our own.

        Raises:
            Exception: this one, if there are too many.
        """
        now = time.monotonic_ns()
        too_many = len(self._faults) == _FAULTS and now - self._faults[0] < _FAULTS_NS
        if too_many or not self._survives:
            raise error
        self._faults.append(now)
        log.error("a fault of livecomposer's own; it plays on", exc_info=error)
        self.begin_again()

    def _watch_load(self) -> None:
        """Say so when this machine can't keep up, or what comes in is too much."""
        late, skipped = self._player.lateness, self._player.skipped
        if not self._warned and (skipped or late.above(_TOO_LATE_NS) >= _TOO_OFTEN):
            self._warned = True
            log.warning(
                "this machine can't keep up: messages up to %.0f ms late, %d notes skipped",
                late.max_ns / 1e6,
                skipped,
            )
        now = time.monotonic_ns()
        left_out = self.excess - self._said_excess
        if left_out and now - self._said_ns > _SAY_EVERY_NS:
            level = logging.WARNING if left_out >= _MANY else logging.DEBUG
            log.log(level, "%d messages in excess were left out", left_out)
            self._said_excess, self._said_ns = self.excess, now
