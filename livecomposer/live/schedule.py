"""Messages by due time, and the ledger of what sounds. Pure: time and `send` are given.

Every note-on has its note-off booked, and is in the ledger, before it goes out, and stays there
until its note-off has gone out; whatever happens, `silence` ends what sounds. A note whose time
has passed is not begun; one that has begun always ends.
"""

import heapq
from collections.abc import Callable
from enum import IntEnum
from itertools import count
from typing import NamedTuple

from livecomposer.midi.wire import (
    ALL_NOTES_OFF,
    CONTROL_CHANGE,
    FIRST_SYSTEM,
    NOTE_OFF,
    NOTE_ON,
    SUSTAIN,
)

Send = Callable[[int, bytes], None]
"""Takes the time in nanoseconds when a message is due, and the message."""


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

    Attributes:
        witness: told of each message of the machine's notes that has gone out.
        skipped: how many notes were too late to begin.
    """

    def __init__(self, channel: int) -> None:
        self._channel = channel
        self.witness: Send = lambda _due_ns, _message: None
        self._heap: list[_Entry] = []
        self._order = count()
        self._sounding: dict[int, int] = {}  # the ledger: pitch -> when it ends
        self._passed_on: set[tuple[int, int]] = set()  # channel and pitch of what sounds, too
        self._channels = {channel}  # that anything was sent on
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
        """Send what is due by now, or until `ahead_ns` from now, in order."""
        while self._heap and self._heap[0].due_ns <= now_ns + ahead_ns:
            entry = heapq.heappop(self._heap)
            if entry.kind is _Kind.MESSAGE:
                self._pass_on(entry, send)
            elif entry.kind is _Kind.NOTE_ON:
                self._begin(entry, now_ns, send)
            elif self._sounding.get(entry.message[1]) == entry.due_ns:
                self._end(entry.message[1], entry.due_ns, send)

    def cut(self, now_ns: int, send: Send) -> None:
        """Drop all notes that are booked; end what sounds."""
        self._heap = [entry for entry in self._heap if entry.kind is _Kind.MESSAGE]
        heapq.heapify(self._heap)
        for pitch in sorted(self._sounding):
            self._end(pitch, now_ns, send)

    def silence(self, now_ns: int, send: Send) -> None:
        """As `cut`; then the pedal up and all notes off, for what the ledger doesn't know of.

        Also on the channels that were passed on: what sounds there ends, too.
        """
        self.cut(now_ns, send)
        for channel, pitch in sorted(self._passed_on):
            send(now_ns, bytes((NOTE_OFF | channel, pitch, 0)))
            self._passed_on.discard((channel, pitch))
        for channel in sorted(self._channels):
            send(now_ns, bytes((CONTROL_CHANGE | channel, SUSTAIN, 0)))
            send(now_ns, bytes((CONTROL_CHANGE | channel, ALL_NOTES_OFF, 0)))

    def _push(
        self, due_ns: int, kind: _Kind, message: bytes, end_ns: int = 0, expires_ns: int = 0
    ) -> None:
        entry = _Entry(due_ns, kind, next(self._order), message, end_ns, expires_ns)
        heapq.heappush(self._heap, entry)

    def _pass_on(self, entry: _Entry, send: Send) -> None:
        status, channel = entry.message[0] & 0xF0, entry.message[0] & 0x0F
        if status < FIRST_SYSTEM:
            self._channels.add(channel)
        begins = status == NOTE_ON and bool(entry.message[2])
        if status not in (NOTE_ON, NOTE_OFF):
            send(entry.due_ns, entry.message)
            return
        key = (channel, entry.message[1])
        if begins:
            self._passed_on.add(key)
        if begins or not self._plays(*key):  # else it ends when the machine ends it
            send(entry.due_ns, entry.message)
        if not begins:
            self._passed_on.discard(key)

    def _begin(self, note_on: _Entry, now_ns: int, send: Send) -> None:
        pitch = note_on.message[1]
        if now_ns > note_on.expires_ns:
            self.skipped += 1
            return
        if pitch in self._sounding:  # struck again: ended first
            self._end(pitch, note_on.due_ns, send)
        self._push(note_on.end_ns, _Kind.NOTE_OFF, self._note_off(pitch))
        self._sounding[pitch] = note_on.end_ns
        send(note_on.due_ns, note_on.message)
        self.witness(note_on.due_ns, note_on.message)

    def _plays(self, channel: int, pitch: int) -> bool:
        return channel == self._channel and pitch in self._sounding

    def _note_off(self, pitch: int) -> bytes:
        return bytes((NOTE_OFF | self._channel, pitch, 0))

    def _end(self, pitch: int, due_ns: int, send: Send) -> None:
        note_off = self._note_off(pitch)
        if (self._channel, pitch) not in self._passed_on:  # else the player ends it
            send(due_ns, note_off)
        self.witness(due_ns, note_off)
        del self._sounding[pitch]  # not before the note-off has gone out
