"""Messages by due time, and the ledger of what sounds. Pure: time and `send` are given.

Every note-on has its note-off booked, and is in the ledger, before it goes out, and stays there
until its note-off has gone out; whatever happens, `silence` ends what sounds.
"""

import heapq
from collections.abc import Callable
from itertools import count

from livecomposer.midi.wire import (
    ALL_NOTES_OFF,
    CONTROL_CHANGE,
    NOTE_OFF,
    NOTE_ON,
    SUSTAIN,
)

Send = Callable[[int, bytes], None]
"""Takes a message and the time in nanoseconds when it is due."""


class Schedule:
    """What is to be sent on one channel, and when.

    Args:
        channel: 0-15.
    """

    def __init__(self, channel: int) -> None:
        self._channel = channel
        # Each entry: when, offs before ons, in order of booking, pitch, velocity (0: an off),
        # and for a note-on, when it ends.
        self._heap: list[tuple[int, bool, int, int, int, int]] = []
        self._order = count()
        self._sounding: dict[int, int] = {}  # the ledger: pitch -> when it ends

    def book(self, on_ns: int, off_ns: int, pitches: tuple[int, ...], velocity: int) -> None:
        """Book a chord, with its end."""
        for pitch in pitches:
            heapq.heappush(self._heap, (on_ns, True, next(self._order), pitch, velocity, off_ns))

    def due_ns(self) -> int | None:
        """When the next message is due, or None if nothing is booked."""
        return self._heap[0][0] if self._heap else None

    def send_due(self, now_ns: int, send: Send) -> None:
        """Send what is due by now, in order."""
        while self._heap and self._heap[0][0] <= now_ns:
            due, is_on, _, pitch, velocity, off_ns = heapq.heappop(self._heap)
            if is_on:
                if pitch in self._sounding:  # struck again: ended first
                    self._end(pitch, due, send)
                heapq.heappush(self._heap, (off_ns, False, next(self._order), pitch, 0, off_ns))
                self._sounding[pitch] = off_ns
                send(due, bytes((NOTE_ON | self._channel, pitch, velocity)))
            elif self._sounding.get(pitch) == due:
                self._end(pitch, due, send)

    def cut(self, now_ns: int, send: Send) -> None:
        """Drop all that is booked; end what sounds."""
        self._heap.clear()
        for pitch in sorted(self._sounding):
            self._end(pitch, now_ns, send)

    def silence(self, now_ns: int, send: Send) -> None:
        """As `cut`; then the pedal up and all notes off, for what the ledger doesn't know of."""
        self.cut(now_ns, send)
        control = CONTROL_CHANGE | self._channel
        send(now_ns, bytes((control, SUSTAIN, 0)))
        send(now_ns, bytes((control, ALL_NOTES_OFF, 0)))

    def _end(self, pitch: int, due_ns: int, send: Send) -> None:
        send(due_ns, bytes((NOTE_OFF | self._channel, pitch, 0)))
        del self._sounding[pitch]  # not before the note-off has gone out
