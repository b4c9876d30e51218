"""Where "now" in ticks comes from. Nanoseconds are of any clock that never goes back.

Ticks only ever grow, and a bar of four beats always begins at a multiple of 96. What a transport
does, its jumps and its stops, doesn't reach the core as such: a clock goes on counting from where
it is, at the first tick that lies in the bar as the new position does, and says that there was a
break.
"""

import logging
import math
from fractions import Fraction
from typing import NamedTuple, Protocol

from livecomposer.midi.wire import STOP
from livecomposer.music.tempo import BAR, TICKS_PER_BEAT, TempoMap, ceil_to, snap

log = logging.getLogger(__name__)

MIN_BPM, MAX_BPM = 20, 400


class Clock(Protocol):
    """Turns time into musical position and back.

    Attributes:
        running: whether time passes in the music.
        breaks: how often it has come to a stop, or has left the bar it had.
    """

    @property
    def running(self) -> bool:
        """See above."""
        ...

    @property
    def breaks(self) -> int:
        """See above."""
        ...

    def tick_at(self, ns: int) -> int:
        """The tick nearest to a time."""
        ...

    def ns_at(self, tick: int) -> int:
        """When a tick is."""
        ...

    def anchor(self, ns: int, not_before: int) -> None:
        """The player begins at `ns`, after silence: where the clock is free, a bar begins then.

        Args:
            ns: when.
            not_before: the tick that the music has come to.
        """
        ...

    def hear(self, ns: int, message: bytes) -> None:
        """Take a system message, such as MIDI clock or Start."""
        ...

    def advance(self, ns: int) -> None:
        """Let time come to `ns`."""
        ...

    def due_ns(self) -> int | None:
        """When to call `advance` next, if nothing is heard before; None if not before then."""
        ...


class TempoLine(NamedTuple):
    """A steady tempo, in exact numbers, so that hours of ticks don't drift.

    Attributes:
        tick: a position.
        ns: when that is.
        period: nanoseconds in a tick.
    """

    tick: Fraction
    ns: int
    period: Fraction

    @classmethod
    def at(cls, tick: Fraction, ns: int, tempo_bpm: float) -> "TempoLine":
        """The line of a tempo through a position."""
        # With many changes of tempo, exact numbers would grow for ever; such as these never come
        # to a nanosecond.
        rounded = Fraction(round(tick * 10**18), 10**18)
        period = Fraction(60_000_000_000) / (TICKS_PER_BEAT * Fraction(str(tempo_bpm)))
        return cls(rounded, ns, period)

    def position_at(self, ns: int) -> Fraction:
        """The position at a time, in ticks."""
        return self.tick + (ns - self.ns) / self.period

    def tick_at(self, ns: int) -> int:
        """The tick nearest to a time, ties upward."""
        return math.floor(self.position_at(ns) + Fraction(1, 2))

    def ns_at(self, tick: int) -> int:
        """When a tick is."""
        return self.ns + round((tick - self.tick) * self.period)


class FreeClock:
    """A clock that follows nobody, and always runs."""

    running = True

    def __init__(self) -> None:
        self.breaks = 0

    def anchor(self, ns: int, not_before: int) -> None:
        """See `Clock`."""

    def hear(self, ns: int, message: bytes) -> None:  # noqa: ARG002 - the protocol's
        """See `Clock`. Where a DAW stops, so does what goes on here."""
        if message[0] == STOP:
            self.breaks += 1

    def advance(self, ns: int) -> None:
        """See `Clock`."""

    def due_ns(self) -> int | None:
        """See `Clock`."""
        return None


class InternalClock(FreeClock):
    """A steady tempo, until it is changed.

    Args:
        tempo_bpm: beats per minute.
        start_ns: when tick 0 is.
        fixed: whether beats stay where they are; otherwise each phrase that begins after silence
            begins a bar.
    """

    def __init__(self, tempo_bpm: float, start_ns: int, *, fixed: bool = False) -> None:
        super().__init__()
        self._line = TempoLine.at(Fraction(0), start_ns, tempo_bpm)
        self._fixed = fixed

    def tick_at(self, ns: int) -> int:
        """See `Clock`."""
        return self._line.tick_at(ns)

    def ns_at(self, tick: int) -> int:
        """See `Clock`."""
        return self._line.ns_at(tick)

    def anchor(self, ns: int, not_before: int) -> None:
        """See `Clock`. The bar is the nearest one that lets positions go on growing."""
        if self._fixed:
            return
        bar = max(snap(self.tick_at(ns), BAR), ceil_to(not_before, BAR))
        self._line = TempoLine(Fraction(bar), ns, self._line.period)
        log.debug("beat %d is the player's first note", bar // TICKS_PER_BEAT)

    @property
    def tempo_bpm(self) -> float:
        """Beats per minute."""
        return float(60_000_000_000 / (TICKS_PER_BEAT * self._line.period))

    def set_tempo(self, ns: int, tempo_bpm: float) -> None:
        """Go on at another tempo from `ns`; the position there stays."""
        self._line = TempoLine.at(self._line.position_at(ns), ns, tempo_bpm)
        log.info("tempo %.4g", tempo_bpm)


class ScoreClock(FreeClock):
    """The tempo map of a piece that is played from its start at time 0."""

    def __init__(self, tempo_map: TempoMap) -> None:
        super().__init__()
        self._map = tempo_map

    def tick_at(self, ns: int) -> int:
        """See `Clock`."""
        return self._map.position_at(ns, TICKS_PER_BEAT)

    def ns_at(self, tick: int) -> int:
        """See `Clock`."""
        return self._map.ns_at(tick, TICKS_PER_BEAT)
