"""A jam as a MIDI file that grows: two parts, a tempo map that keeps real times, and its settings.

Positions are units of 1/`DIVISION` beat, 400 to a tick. What is added is encoded at once, so that a
file can be had at any time for little.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from struct import pack

from livecomposer.midi.wire import NOTE_OFF, NOTE_ON
from livecomposer.music.tempo import TICKS_PER_BEAT

DIVISION = 9600
UNITS_PER_TICK = DIVISION // TICKS_PER_BEAT

_TOLERANCE_NS = 300_000
"""How far a time in the file may be off before the tempo is written anew."""
_BAR = 4 * DIVISION
_BLOCK = 4096  # bytes
_LONGEST_US = 0xFFFFFF
_TEXT, _TRACK_NAME, _MARKER, _END, _TEMPO = 0x01, 0x03, 0x06, 0x2F, 0x51


def encode_length(number: int) -> bytes:
    """A variable-length quantity, as the Standard MIDI File specification has it."""
    groups = [number & 0x7F]
    while number := number >> 7:
        groups.append(number & 0x7F | 0x80)
    return bytes(reversed(groups))


def _meta(kind: int, data: bytes) -> bytes:
    return bytes((0xFF, kind)) + encode_length(len(data)) + data


def marker(text: str) -> bytes:
    """An event that is shown at its place in a score, or in a DAW's arrangement."""
    return _meta(_MARKER, text.encode())


@dataclass(slots=True)
class _Track:
    """Events that are encoded already.

    Attributes:
        size: how many bytes there are.
        end: where the last event is.
    """

    end: int = 0
    size: int = 0
    _blocks: list[bytes] = field(default_factory=list)  # so that none is moved as it grows
    _last: bytearray = field(default_factory=bytearray)

    def add(self, position: int, event: bytes) -> None:
        """Add an event; one that would come before the last comes together with it."""
        encoded = encode_length(max(0, position - self.end)) + event
        self._last += encoded
        self.size += len(encoded)
        self.end = max(self.end, position)
        if len(self._last) >= _BLOCK:
            self._blocks.append(bytes(self._last))
            self._last.clear()

    def chunk(self, closing: Sequence[tuple[int, bytes]] = ()) -> list[bytes]:
        """The track as it stands, with events that end it, in pieces."""
        tail = _Track(self.end)
        for position, event in closing:
            tail.add(position, event)
        tail.add(tail.end, _meta(_END, b""))
        head = b"MTrk" + pack(">L", self.size + tail.size)
        return [head, *self._blocks, bytes(self._last), *tail._blocks, bytes(tail._last)]


class Recording:
    """What was played, and when.

    Args:
        names: of the parts.
        text: kept in a text event at the beginning.

    Attributes:
        empty: whether no note was added.
    """

    def __init__(self, names: Sequence[str], text: str) -> None:
        self._tempo = _Track()
        self._tempo.add(0, _meta(_TEXT, text.encode()))
        self._parts = [_Track() for _ in names]
        for part, name in zip(self._parts, names, strict=True):
            part.add(0, _meta(_TRACK_NAME, name.encode()))
        self._open: list[dict[tuple[int, int], None]] = [{} for _ in names]
        self._shift = 0  # from a clock's positions to the file's
        self._start_ns = 0  # when the file's time is 0
        self._tempo_us = 0
        self._knot = (0, 0)  # where the tempo was written: the file's time, position
        self._last: tuple[int, int] | None = None  # what was added: nanoseconds, position
        self.empty = True

    def add(self, part: int, ns: int, position: int, tick_ns: int, message: bytes) -> None:
        """Add a message.

        Args:
            part: whose.
            ns: when.
            position: where a clock has it.
            tick_ns: how long a tick takes there.
            message: a channel message, whole; or a `marker`.
        """
        place = self._place(ns, position, tick_ns)
        self._parts[part].add(place, message)
        status, key = message[0] & 0xF0, (message[0] & 0x0F, message[1])
        if status == NOTE_ON and message[2]:
            self._open[part][key] = None
            self.empty = False
        elif status in (NOTE_ON, NOTE_OFF):
            self._open[part].pop(key, None)

    def __len__(self) -> int:
        """Bytes, about."""
        return sum(track.size for track in (self._tempo, *self._parts))

    def file(self) -> bytes:
        """The whole as a file of type 1; what still sounds, ends where it ends."""
        return b"".join(self.pieces())

    def pieces(self) -> list[bytes]:
        """See `file`: piece by piece, so that a long one needs no more memory to be written."""
        end = max(track.end for track in self._parts)
        pieces = [b"MThd" + pack(">LHHH", 6, 1, 1 + len(self._parts), DIVISION)]
        pieces += self._tempo.chunk()
        for part, sounding in zip(self._parts, self._open, strict=True):
            ends = [(end, bytes((NOTE_OFF | channel, pitch, 0))) for channel, pitch in sounding]
            pieces += part.chunk(ends)
        return pieces

    def _place(self, ns: int, position: int, tick_ns: int) -> int:
        """Where a position of a clock's is in the file; the tempo there follows the clock."""
        tempo_us = min(max(round(tick_ns * TICKS_PER_BEAT / 1000), 1), _LONGEST_US)
        if self._last is None:
            self._shift = -(position // _BAR * _BAR)
            place = position + self._shift
            self._begin_tempo(0, tempo_us)
            self._start_ns = ns - self._time(place) // DIVISION
            self._last = ns, place
            return place
        last_ns, last = self._last
        place = position + self._shift
        off = (ns - self._start_ns) * DIVISION - self._time(place)
        if abs(off) > _TOLERANCE_NS * DIVISION and ns > last_ns:
            place = self._catch_up(ns, place, last)
            self._begin_tempo(place, tempo_us)
        self._last = max(ns, last_ns), max(place, last)
        return place

    def _catch_up(self, ns: int, place: int, last: int) -> int:
        """The clock went elsewhere, or at another tempo: what lies between takes what it took."""
        between = (ns - self._start_ns) * DIVISION - self._time(last)
        while place <= last or between > _LONGEST_US * 1000 * (place - last):
            place += _BAR
            self._shift += _BAR
        self._begin_tempo(last, max(1, between // (1000 * (place - last))))
        return place

    def _time(self, place: int) -> int:
        """When the file is at a place, in ns * `DIVISION` from its start, as it stands."""
        time, knot = self._knot
        return time + (place - knot) * self._tempo_us * 1000

    def _begin_tempo(self, place: int, tempo_us: int) -> None:
        self._knot, self._tempo_us = (self._time(place), place), tempo_us
        self._tempo.add(place, _meta(_TEMPO, tempo_us.to_bytes(3, "big")))
