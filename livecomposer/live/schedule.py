"""Messages by due time, and the ledger of what sounds. Pure: time and `send` are given.

Every note-on is in the ledger before it goes out, and stays there until its note-off has gone out:
whatever happens, `silence` ends what sounds. A note whose time has passed is not begun; one that
has begun always ends.
"""

import heapq
from collections.abc import Callable
from enum import IntEnum
from itertools import count
from typing import NamedTuple

from livecomposer.live.ledger import MACHINE, PLAYER, Ledger
from livecomposer.midi.wire import FIRST_SYSTEM, NOTE_OFF, NOTE_ON

Send = Callable[[int, bytes], None]
"""Takes the time in nanoseconds when a message is due, and the message. May raise `FullError`."""


class FullError(Exception):
    """No more can be sent now: what could not be is to be tried again."""


class Booking(NamedTuple):
    """Notes to be played together. Times in nanoseconds.

    Attributes:
        onset_ns: when they begin.
        end_ns: when they end.
        expires_ns: when it is too late to begin: they are skipped then.
        pitches: 0-127.
        velocity: 1-127.
    """

    onset_ns: int
    end_ns: int
    expires_ns: int
    pitches: tuple[int, ...]
    velocity: int


class _Kind(IntEnum):
    """What is due at the same time goes out in this order."""

    MESSAGE = 0
    NOTE_OFF = 1
    NOTE_ON = 2


class _Entry(NamedTuple):
    due_ns: int
    kind: _Kind
    order: int  # of booking
    message: bytes
    end_ns: int = 0  # of a note-on
    expires_ns: int = 0


class Schedule:
    """What is to be sent, and when: the machine's notes on one channel, and any messages.

    Args:
        channel: 0-15.
        ledger: of what sounds; a fresh one by default.

    Attributes:
        witness: told of each message of the machine's notes that has gone out.
        skipped: how many notes were too late to begin.
    """

    def __init__(self, channel: int, ledger: Ledger | None = None) -> None:
        self._channel = channel
        self._ledger = ledger or Ledger()
        self._ledger.use(channel)
        self.witness: Send = lambda _due_ns, _message: None
        self._heap: list[_Entry] = []
        self._order = count()
        self._sounding: dict[int, int] = {}  # the machine's: pitch -> when it ends
        self._ended: dict[tuple[int, int], int] = {}  # channel, pitch -> when that went out last
        self.skipped = 0

    def book(self, booking: Booking) -> None:
        """Book a chord, with its end."""
        for pitch in booking.pitches:
            message = bytes((NOTE_ON | self._channel, pitch, booking.velocity))
            self._push(booking.onset_ns, _Kind.NOTE_ON, message, booking.end_ns, booking.expires_ns)

    def book_message(self, due_ns: int, message: bytes) -> None:
        """Book any message, such as MIDI clock, or a note of the player's that is passed on.

        It is never skipped, and outlives a cut.
        """
        self._push(due_ns, _Kind.MESSAGE, message)

    def due_ns(self) -> int | None:
        """When the next message is due, or None if nothing is booked."""
        return self._heap[0].due_ns if self._heap else None

    def send_due(self, now_ns: int, send: Send, ahead_ns: int = 0) -> None:
        """Send what is due by now, or until `ahead_ns` from now, in order.

        Raises:
            FullError: as `send` does; then the rest is still to be sent.
        """
        while self._heap and self._heap[0].due_ns <= now_ns + ahead_ns:
            entry = heapq.heappop(self._heap)
            try:
                self._send(entry, now_ns, send)
            except FullError:
                heapq.heappush(self._heap, entry)
                raise

    def _send(self, entry: _Entry, now_ns: int, send: Send) -> None:
        if entry.kind is _Kind.MESSAGE:
            self._pass_on(entry, now_ns, send)
        elif entry.kind is _Kind.NOTE_ON:
            self._begin(entry, now_ns, send)
        elif self._sounding.get(entry.message[1]) == entry.due_ns:
            self._end(entry.message[1], entry.due_ns, now_ns, send)

    def repeat_ends(self, now_ns: int, send: Send, within_ns: int | None = None) -> None:
        """Send the last note-off of each key once more: it may have been lost.

        Args:
            now_ns: the time.
            send: what sends.
            within_ns: only those that went out within so long.
        """
        for (channel, pitch), ended_ns in self._ended.items():
            late = within_ns is not None and ended_ns < now_ns - within_ns
            if not late and not self._ledger.sounds(channel, pitch, MACHINE | PLAYER):
                send(now_ns, bytes((NOTE_OFF | channel, pitch, 0)))

    def cut(self, now_ns: int, send: Send) -> None:
        """Drop all notes that are booked; end what sounds."""
        self._heap = [entry for entry in self._heap if entry.kind is _Kind.MESSAGE]
        heapq.heapify(self._heap)
        for pitch in sorted(self._sounding):
            self._end(pitch, now_ns, now_ns, send)

    def silence(self, now_ns: int, send: Send) -> None:
        """As `cut`; then the pedal up and all notes off, for what the ledger doesn't know of.

        Also on the channels that were passed on: what sounds there ends, and what is booked of it
        is dropped, too.

        Raises:
            FullError: as `send` does; called again, it goes on from there.
        """
        self._heap = [entry for entry in self._heap if entry.message[0] >= FIRST_SYSTEM]
        heapq.heapify(self._heap)
        self.cut(now_ns, send)
        for message in self._ledger.silence():
            send(now_ns, message)
            if message[0] & 0xF0 == NOTE_OFF:
                key = (message[0] & 0x0F, message[1])
                self._ledger.end(*key, MACHINE | PLAYER)
                self._ended[key] = now_ns

    def _push(
        self, due_ns: int, kind: _Kind, message: bytes, end_ns: int = 0, expires_ns: int = 0
    ) -> None:
        entry = _Entry(due_ns, kind, next(self._order), message, end_ns, expires_ns)
        heapq.heappush(self._heap, entry)

    def _pass_on(self, entry: _Entry, now_ns: int, send: Send) -> None:
        message = entry.message
        status, channel = message[0] & 0xF0, message[0] & 0x0F
        if status >= FIRST_SYSTEM:
            send(entry.due_ns, message)
        elif status not in (NOTE_ON, NOTE_OFF):
            self._ledger.use(channel)
            send(entry.due_ns, message)
        elif status == NOTE_ON and message[2]:
            self._ledger.begin(channel, message[1], PLAYER)
            send(entry.due_ns, message)
        else:
            if not self._ledger.sounds(channel, message[1], MACHINE):  # else the machine ends it
                send(entry.due_ns, message)
                self._ended[channel, message[1]] = now_ns
            self._ledger.end(channel, message[1], PLAYER)

    def _begin(self, note_on: _Entry, now_ns: int, send: Send) -> None:
        pitch = note_on.message[1]
        if now_ns > note_on.expires_ns:
            self.skipped += 1
            return
        if pitch in self._sounding:  # struck again: ended first
            self._end(pitch, note_on.due_ns, now_ns, send)
        self._ledger.begin(self._channel, pitch, MACHINE)
        try:
            send(note_on.due_ns, note_on.message)
        except FullError:
            self._ledger.end(self._channel, pitch, MACHINE)
            raise
        self._push(note_on.end_ns, _Kind.NOTE_OFF, self._note_off(pitch))
        self._sounding[pitch] = note_on.end_ns
        self.witness(note_on.due_ns, note_on.message)

    def _note_off(self, pitch: int) -> bytes:
        return bytes((NOTE_OFF | self._channel, pitch, 0))

    def _end(self, pitch: int, due_ns: int, now_ns: int, send: Send) -> None:
        note_off = self._note_off(pitch)
        if not self._ledger.sounds(self._channel, pitch, PLAYER):  # else the player ends it
            send(due_ns, note_off)
            self._ended[self._channel, pitch] = now_ns
        self.witness(due_ns, note_off)
        del self._sounding[pitch]  # not before the note-off has gone out
        self._ledger.end(self._channel, pitch, MACHINE)
