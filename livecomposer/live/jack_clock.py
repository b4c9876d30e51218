"""Following JACK's transport: rolling or stopped, its position, and its tempo if it has one."""

import logging
from fractions import Fraction
from typing import NamedTuple

from livecomposer.live.clock import MAX_BPM, MIN_BPM, TempoLine
from livecomposer.music.tempo import BAR, GRID, TICKS_PER_BEAT

log = logging.getLogger(__name__)

_LOSS = GRID // 2


class Transport(NamedTuple):
    """What a transport does from some moment on.

    Attributes:
        rolling: whether it moves.
        seconds: its position then.
        beats: its position then in quarter notes, where a timebase master gives it.
        tempo_bpm: quarter notes per minute, where a timebase master gives it.
    """

    rolling: bool
    seconds: float
    beats: float | None = None
    tempo_bpm: float | None = None


class JackClock:
    """The transport's position, in ticks that only grow.

    Args:
        tempo_bpm: the tempo where the transport has none.

    Attributes:
        running: see `Clock`.
        breaks: see `Clock`.
    """

    def __init__(self, tempo_bpm: float) -> None:
        self._default_bpm = tempo_bpm
        self._line = TempoLine.at(Fraction(0), 0, tempo_bpm)
        self._mad = False  # whether its tempo is out of range
        self.running = False
        self.breaks = 0

    def tick_at(self, ns: int) -> int:
        """See `Clock`."""
        return self._line.tick_at(ns)

    def ns_at(self, tick: int) -> int:
        """See `Clock`."""
        return self._line.ns_at(tick)

    def anchor(self, ns: int, not_before: int) -> None:
        """See `Clock`. The transport has its own beats."""

    def hear(self, ns: int, message: bytes) -> None:
        """See `Clock`. MIDI's transport isn't JACK's."""

    def advance(self, ns: int) -> None:
        """See `Clock`."""

    def due_ns(self) -> int | None:
        """See `Clock`."""
        return None

    def follow(self, ns: int, transport: Transport) -> None:
        """Take what the transport does from `ns` on."""
        tempo_bpm = transport.tempo_bpm or self._default_bpm
        was_mad, self._mad = self._mad, not MIN_BPM <= tempo_bpm <= MAX_BPM
        if self._mad and not was_mad:
            log.warning("paused: JACK's tempo is %g, expected 20 to 400", tempo_bpm)
        if not transport.rolling or self._mad:
            self.breaks += self.running
            self.running = False
            return
        beats = transport.beats
        if beats is None:
            beats = transport.seconds * tempo_bpm / 60
        before = self._line.position_at(ns)
        # The nearest place that lies in its bar as the transport's does: from here on, or back by
        # as little as a late server loses, which breaks nothing.
        forward = (Fraction(beats) * TICKS_PER_BEAT - before + _LOSS) % BAR - _LOSS
        self.breaks += self.running and forward > _LOSS
        self.running = True
        self._line = TempoLine.at(before + forward, ns, tempo_bpm)
        log.debug("JACK's transport is at beat %.3f, tempo %.4g", beats, tempo_bpm)
