"""What the player has played at a stretch, and how it was touched."""

from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, median, pstdev

from livecomposer.music.events import NoteOff, NoteOn
from livecomposer.music.tempo import TICKS_PER_BEAT

TOGETHER = TICKS_PER_BEAT // 8
"""Notes that begin less than so many ticks apart are one onset of a phrase."""
BAR = 4 * TICKS_PER_BEAT
"""Where no transport says otherwise, a bar has four beats, and the first begins at 0."""

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

    def velocity(self, onset: int) -> int:
        """The velocity of a note at a tick: more on strong beats, 1-127."""
        accent = next(accent for step, accent in _ACCENTS if onset % step == 0)
        return min(max(round(self.level + self.spread * accent), 1), 127)

    def duration(self, available: int) -> int:
        """How long a note lasts that has so many ticks, 1 or more, to the next onset."""
        return max(1, round(self.gate * available))


class Phrase:
    """A phrase under way."""

    def __init__(self) -> None:
        self._velocities: list[int] = []
        self._onsets: list[int] = []
        self._begun: dict[tuple[int, int], int] = {}  # by channel and pitch: the onset's number
        self._ends: dict[int, int] = {}  # by the onset's number

    def add(self, note: NoteOn | NoteOff) -> None:
        """Take what a key does next."""
        key = (note.channel, note.pitch)
        if isinstance(note, NoteOff):
            if key in self._begun:
                self._ends.setdefault(self._begun.pop(key), note.tick)
            return
        if not self._onsets or note.tick - self._onsets[-1] >= TOGETHER:
            self._onsets.append(note.tick)
        self._begun[key] = len(self._onsets) - 1
        self._velocities.append(note.velocity)

    @property
    def start(self) -> int:
        """Where it begins."""
        return self._onsets[0]

    @property
    def onsets(self) -> int:
        """How many there are, those that begin together being one."""
        return len(self._onsets)

    @property
    def touch(self) -> Touch:
        """How it was played. An onset's notes last until the first of them ends."""
        if not self._velocities:
            return Touch()
        gates = [
            min(1.0, (self._ends[i] - onset) / (following - onset)) if i in self._ends else 1.0
            for i, (onset, following) in enumerate(pairwise(self._onsets))
        ]
        return Touch(
            level=fmean(self._velocities),
            spread=pstdev(self._velocities),
            gate=max(0.1, median(gates)) if gates else 1.0,
        )
