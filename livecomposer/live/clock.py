"""Where "now" in ticks comes from. Nanoseconds are of any clock that never goes back."""

from fractions import Fraction
from typing import Protocol

from livecomposer.music.tempo import TICKS_PER_BEAT, TempoMap, snap


class Clock(Protocol):
    """Turns time into musical position and back."""

    def tick_at(self, ns: int) -> int:
        """The tick nearest to a time."""
        ...

    def ns_at(self, tick: int) -> int:
        """When a tick is."""
        ...

    def anchor(self, ns: int) -> None:
        """The player begins at `ns`, after silence: where the clock is free, a beat is then."""
        ...


class InternalClock:
    """A steady tempo. Each phrase that begins after silence begins on a beat.

    Args:
        tempo_bpm: beats per minute.
        start_ns: when tick 0 is.
    """

    def __init__(self, tempo_bpm: float, start_ns: int) -> None:
        # Exact, so that hours of ticks don't drift.
        self._ns_per_tick = Fraction(60_000_000_000) / (TICKS_PER_BEAT * Fraction(str(tempo_bpm)))
        self._origin_tick, self._origin_ns = 0, start_ns

    def tick_at(self, ns: int) -> int:
        """See `Clock`."""
        period = self._ns_per_tick
        elapsed = (ns - self._origin_ns) * period.denominator
        return self._origin_tick + (2 * elapsed + period.numerator) // (2 * period.numerator)

    def ns_at(self, tick: int) -> int:
        """See `Clock`."""
        return self._origin_ns + round((tick - self._origin_tick) * self._ns_per_tick)

    def anchor(self, ns: int) -> None:
        """See `Clock`. The beat is the nearest one, so that positions go on growing."""
        self._origin_tick, self._origin_ns = snap(self.tick_at(ns), TICKS_PER_BEAT), ns


class ScoreClock:
    """The tempo map of a piece that is played from its start at time 0."""

    def __init__(self, tempo_map: TempoMap) -> None:
        self._map = tempo_map

    def tick_at(self, ns: int) -> int:
        """See `Clock`."""
        return self._map.position_at(ns, TICKS_PER_BEAT)

    def ns_at(self, tick: int) -> int:
        """See `Clock`."""
        return self._map.ns_at(tick, TICKS_PER_BEAT)

    def anchor(self, ns: int) -> None:
        """See `Clock`. A score has its own beats."""
