"""The player: takes notes from the composing thread, and gives them to the sending one in time.

It knows no music and no ports. One thread books and cuts; another, an output port's, asks what is
due and sends it. Between them is a queue; neither ever waits for the other to be done.
"""

import logging
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue

from livecomposer.live.lateness import Lateness
from livecomposer.live.ledger import Ledger
from livecomposer.live.schedule import Booking, FullError, Schedule, Send

log = logging.getLogger(__name__)

Order = Callable[[int, Send], None]
"""Carried out by the sending thread, which gives the time in nanoseconds and how to send."""


class Player:
    """Booked messages, on their way from one thread to another.

    Args:
        channel: what notes are sent on, 0-15.
        ledger: see `Schedule`.

    Attributes:
        lateness: of every message, as told by whoever sends.
    """

    def __init__(self, channel: int, ledger: Ledger | None = None) -> None:
        self._schedule = Schedule(channel, ledger)
        self._orders: SimpleQueue[Order] = SimpleQueue()
        self._held: Order | None = None  # what `wait` has taken from the queue
        self.lateness = Lateness()

    @property
    def skipped(self) -> int:
        """How many notes were too late to begin."""
        return self._schedule.skipped

    def tell(self, witness: Send) -> None:
        """Let a witness know of each message of the machine's notes, in the sending thread."""
        self._schedule.witness = witness

    # The booking thread's side.

    def book(self, booking: Booking) -> None:
        """Book a chord."""
        self._orders.put(lambda _now, _send: self._schedule.book(booking))

    def book_message(self, due_ns: int, message: bytes) -> None:
        """Book any message, such as MIDI clock; it outlives a cut."""
        self._orders.put(lambda _now, _send: self._schedule.book_message(due_ns, message))

    def send_soon(self, ns: int, message: bytes) -> None:
        """Send any message as soon as may be; if that is later than `ns`, it isn't late."""
        self._orders.put(lambda now, _send: self._schedule.book_message(max(ns, now), message))

    def cut(self) -> None:
        """End at once what sounds, and drop the notes that are booked."""
        self._orders.put(self._schedule.cut)

    def silence(self) -> None:
        """As `cut`, and release whatever else may sound on the channel."""
        self._orders.put(self._schedule.silence)

    def repeat_ends(self, within_ns: int | None = None) -> None:
        """See `Schedule.repeat_ends`."""
        self._orders.put(lambda now, send: self._schedule.repeat_ends(now, send, within_ns))

    def wake(self) -> None:
        """End a `wait` of the sending thread."""
        self._orders.put(lambda _now, _send: None)

    # The sending thread's side.

    def due_ns(self) -> int | None:
        """When the next message is due, as far as `play` has taken them in."""
        return self._schedule.due_ns()

    def busy(self) -> bool:
        """Whether there is anything to `play`, now or later."""
        waiting = self._held is not None or not self._orders.empty()
        return waiting or self._schedule.due_ns() is not None

    def wait(self, seconds: float | None) -> None:
        """Wait until something is ordered, for so long at most."""
        if self._held is None:
            with suppress(Empty):
                self._held = self._orders.get(timeout=seconds)

    def play(self, now_ns: int, send: Send, ahead_ns: int = 0) -> None:
        """Take in what was ordered, and send what is due by now, or until `ahead_ns` from now.

        Raises:
            FullError: as `send` does; the rest is done at the next call.
        """
        while self._held or not self._orders.empty():
            order, self._held = self._held or self._orders.get_nowait(), None
            try:
                order(now_ns, send)
            except FullError:
                self._held = order
                raise
        self._schedule.send_due(now_ns, send, ahead_ns)

    def end(self, now_ns: int, send: Send) -> bool:
        """Leave silence, whatever has happened before: a message that can't be sent is passed over.

        To be called when no thread sends any more.

        Returns:
            Whether all of it was sent.
        """
        sent = True

        def try_to_send(due_ns: int, message: bytes) -> None:
            nonlocal sent
            try:
                send(due_ns, message)
            except Exception:
                sent = False
                log.exception("a note-off could not be sent")

        self._schedule.silence(now_ns, try_to_send)
        return sent
