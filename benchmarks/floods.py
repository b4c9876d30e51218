"""What `load.py` floods the daemon with: messages without end, in order of time, from a time on.

A key is never struck again before it was let go, as no keyboard does it.
"""

from collections.abc import Callable, Iterator
from itertools import count

import numpy as np
from jack_rig import Timed

from livecomposer.midi.wire import (
    CLOCK,
    CONTINUE,
    CONTROL_CHANGE,
    NOTE_OFF,
    NOTE_ON,
    PULSES_PER_SIXTEENTH,
    SONG_POSITION,
    START,
    STOP,
    SUSTAIN,
)
from livecomposer.music.tempo import BAR, GRID

Flood = Callable[[int], Iterator[Timed]]

SYSEX, SYSEX_BYTES, CHUNK_BYTES = 0xF0, 65_536, 4096
"""A system exclusive message comes in pieces: a JACK port has room for 32 KB in a period."""
PULSE_NS = 6_250_000
"""Of MIDI clock, at 400 beats a minute."""

_KINDS = ("note", "controller", "bend", "pressure", "key pressure", "sensing")
_LIKELY = (0.2, 0.3, 0.2, 0.12, 0.13, 0.05)
_STEP_NS = 95_200  # with the system exclusive, 10,000 messages a second
_CHUNK_NS, _SYSEX_EVERY_NS = 6_000_000, 2_000_000_000
_FINGERS = 10
_CHANNELS = (1, 2, 3, 10)
_PLAYING, _STOPPED = 40 * GRID, 4 * GRID  # pulses


def everything(ns: int) -> Iterator[Timed]:
    """All that an instrument can send, 10,000 messages a second."""
    rng = np.random.default_rng(1)
    held: list[tuple[int, int]] = []
    next_sysex = ns + _SYSEX_EVERY_NS // 2
    while True:
        if ns >= next_sysex:
            next_sysex += _SYSEX_EVERY_NS
            for chunk in _sysex():
                yield ns, chunk
                ns += _CHUNK_NS
        kinds = rng.choice(len(_KINDS), 1000, p=_LIKELY)
        values = rng.integers(0, 128, (1000, 2))
        channels = rng.choice(_CHANNELS, 1000)
        for kind, (first, second), channel in zip(
            kinds.tolist(), values.tolist(), channels.tolist(), strict=True
        ):
            yield ns, _message(_KINDS[kind], first, second, channel, held)
            ns += _STEP_NS


def _message(
    kind: str, first: int, second: int, channel: int, held: list[tuple[int, int]]
) -> bytes:
    if kind == "note":
        return _note(channel, first, second or 1, held)
    if kind == "sensing":
        return b"\xfe"
    if kind == "pressure":
        return bytes((0xD0 | channel, first))
    if kind == "controller":
        return bytes((CONTROL_CHANGE | channel, first % (SUSTAIN + 1), second))
    return bytes(((0xE0 if kind == "bend" else 0xA0) | channel, first, second))


def _note(channel: int, pitch: int, velocity: int, held: list[tuple[int, int]]) -> bytes:
    """A key is struck; or, if it is down, or all fingers are, one is let go."""
    if (channel, pitch) in held or len(held) == _FINGERS:
        key = (channel, pitch) if (channel, pitch) in held else held[0]
        held.remove(key)
        return bytes((NOTE_OFF | key[0], key[1], 0))
    held.append((channel, pitch))
    return bytes((NOTE_ON | channel, pitch, velocity))


def _sysex() -> list[bytes]:
    whole = bytes((SYSEX, *(n % 128 for n in range(SYSEX_BYTES - 2)), 0xF7))
    return [whole[at : at + CHUNK_BYTES] for at in range(0, len(whole), CHUNK_BYTES)]


def pressed(keys: list[tuple[int, int]], period_ns: int, held_ns: int) -> Flood:
    """Keys (channel, pitch) that are struck together again and again, and held for so long."""

    def play(ns: int) -> Iterator[Timed]:
        for at in count(ns, period_ns):
            for channel, pitch in keys:
                yield at, bytes((NOTE_ON | channel, pitch, 80))
            for channel, pitch in keys:
                yield at + held_ns, bytes((NOTE_OFF | channel, pitch, 0))

    return play


def channels(ns: int) -> Iterator[Timed]:
    """A voice on each channel, eight notes a second."""
    rng, period = np.random.default_rng(1), 125_000_000
    for at in count(ns, period):
        pitches = rng.integers(40, 90, 16).tolist()
        for channel, pitch in enumerate(pitches):
            yield at + channel, bytes((NOTE_ON | channel, pitch, 80))
        for channel, pitch in enumerate(pitches):
            yield at + period // 2 + channel, bytes((NOTE_OFF | channel, pitch, 0))


def clock(ns: int, stopping: Callable[[], bool]) -> Iterator[Timed]:
    """MIDI clock, whose pulses never cease: all halves of beats are on one grid.

    Args:
        ns: when its first pulse is.
        stopping: whether it is to stop, and to go on elsewhere, again and again.
    """
    yield ns - 1_000_000, bytes((START,))
    stopped = False
    for n in count():
        if stopped and n % (_PLAYING + _STOPPED) == 0:
            stopped, sixteenths = False, n % 100 * BAR // PULSES_PER_SIXTEENTH
            yield ns - 2_000_000, bytes((SONG_POSITION, sixteenths & 0x7F, sixteenths >> 7))
            yield ns - 1_000_000, bytes((CONTINUE,))
        yield ns, bytes((CLOCK,))
        if n % (_PLAYING + _STOPPED) == _PLAYING and stopping():
            stopped = True
            yield ns + 1_000_000, bytes((STOP,))
        ns += PULSE_NS
