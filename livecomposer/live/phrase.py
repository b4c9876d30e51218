"""What the player has played at a stretch, and how it was touched."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import fmean, median, pstdev

from livecomposer.config import JamSection
from livecomposer.music.events import NoteOn
from livecomposer.music.tempo import BAR, GRID, TICKS_PER_BEAT

TOGETHER = TICKS_PER_BEAT // 8
"""Notes that begin less than so many ticks apart are one onset of a phrase."""
_LATELY = 64
"""Onsets that a touch is told from, and notes: the last ones."""
_ACCENTS = ((BAR, 1.0), (2 * TICKS_PER_BEAT, 0.5), (TICKS_PER_BEAT, 0.25), (1, -0.5))
"""How much louder an onset is at multiples of these ticks, in the spread of the player's own."""


@dataclass(frozen=True, slots=True)
class Touch:
    """How notes are played.

    Attributes:
        level: the mean velocity.
        spread: the standard deviation of velocities.
        gate: how long notes last, as a share of the time to the next onset.
    """

    level: float = 80
    spread: float = 0
    gate: float = 1

    def asked_for(self, settings: JamSection) -> "Touch":
        """This, but for what is set otherwise."""
        touch = self
        if settings.velocity != "follow":
            touch = replace(touch, level=settings.velocity, spread=0)
        if settings.gate != "follow":
            touch = replace(touch, gate=settings.gate)
        return touch

    def velocity(self, onset: int) -> int:
        """The velocity of a note at a tick: more on strong beats, 1-127."""
        accent = next(accent for step, accent in _ACCENTS if onset % step == 0)
        return min(max(round(self.level + self.spread * accent), 1), 127)

    def duration(self, available: int) -> int:
        """How long a note lasts that has so many ticks, 1 or more, to the next onset."""
        return max(1, round(self.gate * available))


@dataclass(slots=True)
class _Onset:
    tick: int
    end: int | None = None


class Phrase:
    """A phrase under way.

    Attributes:
        start: where it begins, a tick.
        onsets: how many there are, those that begin together being one.
    """

    def __init__(self) -> None:
        self.start = 0
        self.onsets = 0
        self._velocities: deque[int] = deque(maxlen=_LATELY)
        self._last: deque[_Onset] = deque(maxlen=_LATELY)
        self._begun: dict[tuple[int, int], _Onset] = {}  # by channel and pitch

    def begin(self, note: NoteOn) -> None:
        """Take a note that begins."""
        if not self.onsets:
            self.start = note.tick
        if not self.onsets or note.tick - self._last[-1].tick >= TOGETHER:
            self.onsets += 1
            self._last.append(_Onset(note.tick))
        self._begun[note.channel, note.pitch] = self._last[-1]
        self._velocities.append(note.velocity)

    def end(self, tick: int, notes: Iterable[tuple[int, int]]) -> None:
        """Take notes that end: keys that are let go, once no pedal holds them.

        Args:
            tick: when.
            notes: their channels and pitches.
        """
        for note in notes:
            begun = self._begun.pop(note, None)
            if begun and begun.end is None:
                begun.end = tick

    @property
    def touch(self) -> Touch | None:
        """How it was played lately, if that can be told yet.

        An onset's notes last until the first of them ends. A single one has no next one to be
        compared with: instead, it is with a slot of the machine's.
        """
        gates = [
            1.0 if one.end is None else min(1.0, (one.end - one.tick) / (other.tick - one.tick))
            for one, other in pairwise(self._last)
        ]
        if len(self._last) == 1 and (end := self._last[0].end) is not None:
            gates = [min(1.0, (end - self._last[0].tick) / GRID)]
        if not gates:
            return None
        return Touch(
            level=fmean(self._velocities),
            spread=pstdev(self._velocities),
            gate=max(0.1, median(gates)),
        )
