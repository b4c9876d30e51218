"""Ticks, beats and seconds, and the grid.

The tick of the pure core is 1/24 beat, MIDI clock's own unit; a beat is a quarter note. Rounding
is always to the nearest step with ties upward, in integers, so that a file's ticks and a live
performance's nanoseconds come to the same tick.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable
from fractions import Fraction

TICKS_PER_BEAT = 24
_BEATS = re.compile(r"[0-9]{1,6}(\.[0-9]{1,17})?|[0-9]{1,6}/[1-9][0-9]{0,3}")

GRID = TICKS_PER_BEAT // 2
"""Where the machine's own onsets may fall: every 0.5 beat."""

BAR = 4 * TICKS_PER_BEAT
"""A bar, of four beats; one begins at 0."""

DEFAULT_TEMPO_US = 500_000
"""Microseconds per beat before any tempo event of a MIDI file (120 BPM)."""

MIN_TEMPO_US, MAX_TEMPO_US = 6_000, 60_000_000
"""Tempo events of files are held within 10,000 and 1 BPM: beyond, times mean nothing."""


def snap(tick: int, step: int) -> int:
    """The multiple of `step` nearest to `tick`, ties upward."""
    return (2 * tick + step) // (2 * step) * step


def ceil_to(tick: int, step: int) -> int:
    """The first multiple of `step` at or after `tick`."""
    return -(-tick // step) * step


def nearest_tick(position: int, division: int) -> int:
    """A file position, in units of 1/`division` beat, as the nearest tick, ties upward."""
    return (2 * TICKS_PER_BEAT * position + division) // (2 * division)


def parse_beats(text: str | float) -> int:
    """A length in beats, such as 0.25, 4 or "1/3", as ticks.

    Raises:
        ValueError: it is no number, or no whole number of ticks (1/24 beat).
    """
    if not _BEATS.fullmatch(str(text)):
        raise ValueError(f"{text!r} is not a number of beats")
    ticks = Fraction(str(text)) * TICKS_PER_BEAT
    if ticks.denominator != 1:
        raise ValueError(f"{text} beats is not a multiple of 1/24 beat (write thirds as '1/3')")
    return ticks.numerator


def spell_beats(ticks: int) -> str:
    """Ticks in beats: a decimal where it is exact in three places, otherwise a fraction."""
    beats = Fraction(ticks, TICKS_PER_BEAT)
    return f"{float(beats):g}" if 8 % beats.denominator == 0 else str(beats)


class TempoMap:
    """The tempo changes of a piece: positions of 1/`division` beat <-> nanoseconds from its start.

    Args:
        division: units in a beat (a MIDI file's ticks per quarter note), 1 or more.
        changes: (position, microseconds per beat), in order of position. 120 BPM rules before
            the first; values outside 1 to 10,000 BPM are held at these bounds.
    """

    def __init__(self, division: int, changes: Iterable[tuple[int, int]] = ()) -> None:
        self.division = division
        # One row a segment: first position, its time in ns * division, ns in a beat. Times are
        # kept as exact integers, so that nothing adds up over a long piece.
        self._positions, self._times, self._tempos = [0], [0], [DEFAULT_TEMPO_US * 1000]
        for position, tempo_us in changes:
            tempo = min(max(tempo_us, MIN_TEMPO_US), MAX_TEMPO_US) * 1000
            if position == self._positions[-1]:
                self._tempos[-1] = tempo
            elif tempo != self._tempos[-1]:
                self._times.append(self._time(position))
                self._positions.append(position)
                self._tempos.append(tempo)

    def _time(self, position: int) -> int:
        i = bisect_right(self._positions, position) - 1
        return self._times[i] + (position - self._positions[i]) * self._tempos[i]

    def changes(self, division: int) -> list[tuple[int, int]]:
        """The changes, as given to a map of 1/`division` beat: positions to the nearest."""
        return [
            (round(Fraction(position * division, self.division)), tempo // 1000)
            for position, tempo in zip(self._positions, self._tempos, strict=True)
        ]

    def ns_at(self, position: int, division: int) -> int:
        """When `position`, of 1/`division` beat, is reached: in nanoseconds, rounded."""
        i = max(0, bisect_right(self._positions, position * self.division // division) - 1)
        beyond = position * self.division - self._positions[i] * division
        time = self._times[i] * division + beyond * self._tempos[i]
        return round(Fraction(time, self.division * division))

    def position_at(self, ns: int, division: int) -> int:
        """Where the piece is at `ns`, to the nearest 1/`division` beat, ties upward."""
        # A stamp is a time rounded to the nanosecond. Reading it half a nanosecond late puts a
        # position that lies exactly between two on the same side as exact arithmetic does.
        late = (2 * ns + 1) * self.division
        i = max(0, bisect_right(self._times, late // 2) - 1)
        numerator = 2 * self._positions[i] * self._tempos[i] + late - 2 * self._times[i]
        denominator = 2 * self._tempos[i] * self.division
        return (2 * numerator * division + denominator) // (2 * denominator)
