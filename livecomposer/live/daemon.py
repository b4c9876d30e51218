"""Life cycle: wire the core to ports and threads, run, and leave silence behind.

Threads: the input ports', which only stamp and queue; this one, which listens and composes; the
output port's, which sends on time; and one that looks after the ports. A fault in any of them ends
what sounds, and no more: ports that were lost are opened again, and the music goes on.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple

from livecomposer.live.guard import Guard
from livecomposer.live.intake import Intake, Timed
from livecomposer.live.jack_clock import JackClock
from livecomposer.live.jam import Jam
from livecomposer.live.patchbay import Look
from livecomposer.live.player import Player
from livecomposer.live.ports import PortError, Ports, Receive
from livecomposer.live.recorder import RecordedJam
from livecomposer.midi.wire import FIRST_SYSTEM

log = logging.getLogger(__name__)

_PATIENCE_S = 1.0  # Windows sees Ctrl-C only between waits
_TOO_LATE_NS, _TOO_OFTEN = 10_000_000, 3  # what one hears, and more than a hiccup
_RETRY_S = 0.5  # until ports that were lost are tried again
_CLOSING_S = 5.0  # for a MIDI system that doesn't answer
_FAULTS, _FAULTS_NS = 5, 60_000_000_000
"""So many faults of our own in so long are survived."""
_SAY_EVERY_NS = 1_000_000_000


class Daemon:
    """A jam in real time.

    Args:
        jam: its nanoseconds are `time.monotonic_ns`, its voice is `player`.
        player: what the jam plays with.
        ports: open; they are closed at the end.
        presses: whether a channel message presses a button.
        reopen: opens ports like those that were lost; without it, a lost port ends all.
        guard: leaves silence where this process can't any more; closed at the end.
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
        reopen: Callable[[Ports], Ports] | None = None,
        guard: Guard | None = None,
        ended: Callable[[int], None] = lambda _ns: None,
    ) -> None:
        self._jam, self._player = jam, player
        self._ports: Ports | None = ports  # None while they are lost
        self._all_ports = [ports]
        self._ahead_ns = ports.ahead_ns
        self._reopen, self._guard, self._ended = reopen, guard, ended
        if ports.clock:  # then a clock is heard from there, and nothing else
            self._intake = Intake(presses, takes=lambda message: message[0] < FIRST_SYSTEM)
        else:
            self._intake = Intake(presses)
        self._clock_intake = Intake(takes=lambda message: message[0] >= FIRST_SYSTEM)
        self._inbox: SimpleQueue[_Item] = SimpleQueue()
        self._transport: JackClock | None = None
        self._opener: threading.Thread | None = None
        self._stopping = threading.Event()
        self._faults: deque[int] = deque(maxlen=_FAULTS)
        self._warned = False
        self._said_excess, self._said_ns = 0, 0
        self.closed = False

    def stop(self) -> None:
        """End `run`, from any thread or signal handler."""
        self._inbox.put(None)

    def ask(self, answer: Callable[[int], None]) -> None:
        """Have something done between two events, with the time, in the thread that composes."""
        self._put(lambda ns, _: answer(ns))

    def pause(self, stand_still: Callable[[], None]) -> None:
        """Leave silence, have this called, and then go on; from any thread or signal handler."""
        self._put(lambda _ns, _: self._begin_again())
        self._put(lambda _ns, _: stand_still())
        self._put(lambda _ns, _: self._begin_again())

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
            assert self._ports is not None  # noqa: S101 - nothing was lost yet
            self._start(self._ports)
            self._jam.begin(time.monotonic_ns())
            if ready:
                ready()
            self._loop()
        finally:
            self._finish()

    def _start(self, ports: Ports) -> None:
        """Let ports hand on what comes, and send what is to be sent."""

        def fail(error: Exception) -> None:
            self._inbox.put(_Failure(ports, error))

        ports.output.start(self._player, fail)
        ports.input.start(self._receiving(self._intake), fail)
        if ports.clock:
            ports.clock.start(self._receiving(self._clock_intake), fail)
        if ports.watch:
            ports.watch.start(partial(self._saw, ports), fail)
        if self._transport and ports.watch_transport:
            follow = self._transport.follow
            ports.watch_transport(lambda ns, transport: self._put(follow, transport, ns))

    def _put(
        self, take: Callable[[int, Any], object], what: Any = None, ns: int | None = None
    ) -> None:
        self._inbox.put((take, time.monotonic_ns() if ns is None else ns, what))

    def _receiving(self, intake: Intake) -> Receive:
        """What a port's thread calls: it only queues."""

        def take_all(_ns: int, _: None) -> None:
            for ns, message in intake.take():
                self._jam.receive(ns, message)

        def receive(portions: Sequence[Timed]) -> None:
            intake.put(portions)
            self._put(take_all)

        return receive

    # What has changed at the ports.

    def _saw(self, ports: Ports, look: Look) -> None:
        """Take what the thread that looks after the ports has seen. In that thread."""
        if self._guard:
            left = [peer.name for peer in look.left if peer.role == "output"]
            self._guard.tell(ports.backend, look.listeners, left)
        if look.gone or look.back or look.left:
            self._put(self._take_changes, look)

    def _take_changes(self, _ns: int, look: Look) -> None:
        for peer in look.gone:
            log.warning("%s is gone (%s): waiting for it", peer.name, peer.role)
        for peer in look.back:
            log.warning("%s is there again (%s)", peer.name, peer.role)
        if look.gone or any(peer.role != "output" for peer in look.left):
            self._begin_again()  # keys that were held there are let go by nobody

    def _fail(self, failure: "_Failure") -> None:
        """A port can't be used any more: open all anew, as soon as that can be."""
        if failure.ports is not self._ports:
            return  # known already
        if self._reopen is None:
            raise failure.error
        if isinstance(failure.error, PortError):
            log.warning("%s: waiting for it", failure.error)
        else:
            self._count_fault(failure.error)
        self._ports = None
        self._begin_again()
        self._opener = threading.Thread(
            target=self._open_again, args=(failure, self._reopen), name="opener", daemon=True
        )
        self._opener.start()

    def _open_again(self, failure: "_Failure", reopen: Callable[[Ports], Ports]) -> None:
        """Close what was lost, and try until there are ports. In a thread: a system may hang."""
        lost = failure.ports
        # Where there is nobody to send it to, silence is kept for the ports to come.
        _attempt(lost.output.halt if isinstance(failure.error, PortError) else lost.output.stop)
        _close(lost)
        if lost.patchbay:
            lost.patchbay.lose()
        while not self._stopping.wait(_RETRY_S):
            with suppress(PortError):
                self._ports = reopen(lost)
                self._put(self._go_on)
                return

    def _go_on(self, _ns: int, _: None) -> None:
        assert self._ports is not None  # noqa: S101 - just opened
        try:
            self._start(self._ports)
        except Exception as error:
            self._inbox.put(_Failure(self._ports, error))
            return
        self._ahead_ns = self._ports.ahead_ns
        self._all_ports.append(self._ports)
        log.warning("the ports are there again")
        self._begin_again()

    def _begin_again(self) -> None:
        self._jam.begin_again(time.monotonic_ns(), self._ahead_ns)

    # The thread that composes.

    def _loop(self) -> None:
        while True:
            item: _Item | None = None
            try:
                item = self._next_item()
                if item is None:
                    return
                if not isinstance(item, _Failure):
                    take, ns, what = item
                    take(ns, what)
            except Exception as error:
                self._count_fault(error)
                self._begin_again()
            if isinstance(item, _Failure):
                self._fail(item)
            self._watch_load()

    def _next_item(self) -> "_Item":
        """What comes next, however long it takes; meanwhile time advances in the jam."""
        while True:
            due = self._jam.due_ns() if self._ports else None
            wait_s = _PATIENCE_S if due is None else (due - time.monotonic_ns()) / 1e9
            with suppress(Empty):
                return self._inbox.get(timeout=min(max(wait_s, 0), _PATIENCE_S))
            if self._ports:
                self._jam.advance(time.monotonic_ns())
            self._watch_load()

    def _count_fault(self, error: Exception) -> None:
        """Survive a fault of our own, unless there are too many.

        Raises:
            Exception: this one, if there are.
        """
        now = time.monotonic_ns()
        if len(self._faults) == _FAULTS and now - self._faults[0] < _FAULTS_NS:
            raise error
        self._faults.append(now)
        log.error("a fault of livecomposer's own; it plays on", exc_info=error)

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
        if self.excess > self._said_excess and now - self._said_ns > _SAY_EVERY_NS:
            log.warning("%d messages in excess were left out", self.excess - self._said_excess)
            self._said_excess, self._said_ns = self.excess, now

    @property
    def excess(self) -> int:
        """How many messages came in that were left out: there were too many."""
        lost = sum(ports.lost() for ports in self._all_ports)
        return self._intake.excess + self._clock_intake.excess + lost

    @property
    def xruns(self) -> int:
        """How often the audio server was short of time."""
        return sum(ports.xruns() for ports in self._all_ports)

    def _finish(self) -> None:
        """Leave silence, and close all; a MIDI system that doesn't answer is left alone."""
        self._stopping.set()
        if self._opener:
            self._opener.join(_CLOSING_S)
        silent: list[bool] = []
        closing = threading.Thread(target=self._leave, args=(silent,), name="closing", daemon=True)
        closing.start()
        closing.join(_CLOSING_S)
        self.closed = not closing.is_alive()
        if not any(silent):
            log.error("the MIDI system doesn't answer: silence could not be sent")
        if self._guard:
            self._guard.close(silent=any(silent))

    def _leave(self, silent: list[bool]) -> None:
        ports = self._ports
        _attempt(lambda: self._jam.leave(time.monotonic_ns()))
        if ports:
            _attempt(lambda: silent.append(ports.output.stop()))
        _attempt(lambda: self._ended(time.monotonic_ns()))
        if ports:
            _close(ports)


class _Failure(NamedTuple):
    """What ended a thread of some ports."""

    ports: Ports
    error: Exception


_Item = tuple[Callable[[int, Any], object], int, Any] | _Failure | None


def _close(ports: Ports) -> None:
    parts = (ports.watch, ports.input, ports.clock, ports.output)
    _attempt(*(part.close for part in parts if part))


def _attempt(*steps: Callable[[], object]) -> None:
    """Take each of these steps, whatever becomes of the others."""
    for step in steps:
        try:
            step()
        except Exception:
            log.exception("while stopping")
