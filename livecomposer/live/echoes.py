"""Feedback: what was sent comes back at the input, since somebody has routed it so.

It is told by content and time. A note of the machine's comes back with its pitch and its velocity,
within a tenth of a second; its channel may be another. What was passed on of the player's comes
back as it was: then a key goes down that is down already, as no key does, or controllers all have
values that were passed on just before.
"""

import logging
from collections import Counter, deque
from collections.abc import Iterable

from livecomposer.midi.wire import NOTE_OFF, NOTE_ON

log = logging.getLogger(__name__)

WINDOW_NS = 100_000_000
"""How late an echo may be: two buffers of 2,048 frames at 44.1 kHz."""
_EARLY_NS = 10_000_000  # a message goes out a little early, and a port's times may be off
_SURE_NOTES, _SPREAD_NS = 3, 25_000_000
"""So many onsets of the machine's that come back one after the other, all as late as the others to
within so much, are no coincidence. (Until then they are ignored all the same: what is in the music
already is no news.)"""
_SOON_NS = 1_000_000_000
_SURE_VALUES = 32
"""So many controllers in a row that were all passed on just before: no hand moves a knob so."""
_OVER_NS = 10_000_000_000
"""A loop that was silent for so long may be none any more."""


_Key = tuple[int, int]
"""Channel and pitch."""


class Echoes:
    """What was sent, and whether what comes is that, come back. Times are nanoseconds."""

    def __init__(self) -> None:
        self._booked: deque[tuple[int, int, int]] = deque()  # when, pitch, velocity
        self._begun: set[_Key] = set()  # keys of the machine's notes that came back
        self._passed: deque[tuple[int, bytes]] = deque()  # the player's, passed on lately
        self._how_often: Counter[bytes] = Counter()  # in `_passed`
        self._down: Counter[_Key] = Counter()  # the player's keys
        self._late: dict[int, int] = {}  # onsets of the machine's that came back last: by how much
        self._odd: deque[int] = deque(maxlen=_SURE_NOTES)  # when keys did what no key does
        self._in_a_row = 0
        self._loop_ns: int | None = None  # when there surely was an echo last
        self._said = False

    def book(self, ns: int, pitches: Iterable[int], velocity: int) -> None:
        """Notes of the machine's will begin at `ns`."""
        while self._booked and self._booked[0][0] < ns - _OVER_NS:
            self._booked.popleft()
        self._booked += [(ns, pitch, velocity) for pitch in pitches]

    def pass_on(self, ns: int, message: bytes) -> None:
        """A channel message of the player's is passed on at `ns`."""
        self._passed.append((ns, message))
        self._how_often[message] += 1

    def forget(self) -> None:
        """All that sounds and is held has ended."""
        self._begun.clear()
        self._down.clear()

    def returns(self, ns: int, message: bytes) -> bool:
        """Whether a channel message that comes at `ns` is what was sent."""
        self._forget(ns)
        if self._is_machines(ns, message) or self._is_passed_on(ns, message):
            return True
        if _is_note(message):
            self._take_key((message[0] & 0x0F, message[1]), begins=_begins(message))
        return False

    def _take_key(self, key: _Key, *, begins: bool) -> None:
        """A key of the player's goes down, or up."""
        if begins:
            self._late.clear()
            self._begun.discard(key)  # its end will be the player's
            self._down[key] += 1
        elif self._down[key] > 0:
            self._down[key] -= 1

    def _is_machines(self, ns: int, message: bytes) -> bool:
        if not _is_note(message):
            return False
        key = (message[0] & 0x0F, message[1])
        if not _begins(message):
            known = key in self._begun and not self._down[key]  # no key is ever left held
            self._begun.discard(key)
            return known
        for booked in self._booked:
            if booked[0] <= ns + _EARLY_NS and booked[1:] == (message[1], message[2]):
                self._booked.remove(booked)
                self._begun.add(key)
                self._late[booked[0]] = ns - booked[0]
                late = list(self._late.values())[-_SURE_NOTES:]
                if len(late) == _SURE_NOTES and max(late) - min(late) < _SPREAD_NS:
                    self._be_sure(ns)
                return True
        return False

    def _is_passed_on(self, ns: int, message: bytes) -> bool:
        if not self._how_often[message]:
            self._in_a_row = 0
            return False
        if _is_note(message):
            # It goes down and is down already, or up and is up: so nothing is ever left sounding.
            odd = _begins(message) == (self._down[message[0] & 0x0F, message[1]] > 0)
            if odd:
                self._odd.append(ns)
                if len(self._odd) == _SURE_NOTES and ns - self._odd[0] < _SOON_NS:
                    self._be_sure(ns)
            return odd
        self._in_a_row += 1
        sure = self._in_a_row > _SURE_VALUES
        sure |= self._loop_ns is not None and ns - self._loop_ns < _OVER_NS
        if sure:
            self._be_sure(ns)
        return sure

    def _be_sure(self, ns: int) -> None:
        self._loop_ns = ns
        if not self._said:
            self._said = True
            log.warning(
                "what is sent on ports.output comes back on ports.input, and is ignored: take that "
                "connection away"
            )

    def _forget(self, ns: int) -> None:
        """What was sent too long ago can't come back."""
        while self._booked and self._booked[0][0] < ns - WINDOW_NS:
            self._booked.popleft()
        while len(self._late) > _SURE_NOTES:
            del self._late[next(iter(self._late))]
        while self._passed and self._passed[0][0] < ns - WINDOW_NS:
            _, message = self._passed.popleft()
            self._how_often[message] -= 1
            if not self._how_often[message]:
                del self._how_often[message]


def _is_note(message: bytes) -> bool:
    return message[0] & 0xF0 in (NOTE_ON, NOTE_OFF)


def _begins(message: bytes) -> bool:
    return message[0] & 0xF0 == NOTE_ON and message[2] > 0
