"""Events -> tokens, and back, one at a time: the same code for files, live input and training.

Notes whose onsets snap to the same multiple of the resolution form an onset group; a group
becomes a chord token, after a gap token for the time since the previous group. A gap of 0.5 beat
is not written: a piece whose onsets all lie 0.5 beat apart is the plain stream of its chords.
Knows nothing of ids or models.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from livecomposer.music.events import Event, NoteOn
from livecomposer.music.tempo import GRID, TICKS_PER_BEAT, snap, spell_beats
from livecomposer.music.tokens import Chord, Gap, Token

UNWRITTEN_GAP = GRID
"""The gap that has no token, in ticks: 0.5 beat."""


@dataclass(frozen=True, slots=True)
class TokeniserSettings:
    """How time becomes tokens.

    Attributes:
        timing: "gaps", or "fixed": no gap tokens, every onset group is one 0.5-beat step.
        resolution: what onsets snap to, in ticks.
        max_gap: the longest gap, in ticks; longer ones are shortened to it.

    Raises:
        ValueError: a setting is out of range, or `max_gap` is no multiple of `resolution`.
    """

    timing: Literal["gaps", "fixed"] = "gaps"
    resolution: int = TICKS_PER_BEAT // 4
    max_gap: int = 4 * TICKS_PER_BEAT

    def __post_init__(self) -> None:
        if self.timing not in ("gaps", "fixed"):
            raise ValueError(f"timing = {self.timing!r}, expected 'gaps' or 'fixed'")
        if not 1 <= self.resolution <= TICKS_PER_BEAT:
            raise ValueError(
                f"resolution = {spell_beats(self.resolution)}, expected 1/24 to 1 beat"
            )
        longest = 16 * TICKS_PER_BEAT
        if not self.resolution <= self.max_gap <= longest or self.max_gap % self.resolution:
            raise ValueError(
                f"max_gap = {spell_beats(self.max_gap)}, expected a multiple of the resolution "
                f"({spell_beats(self.resolution)}) up to {longest // TICKS_PER_BEAT} beats"
            )


Group = tuple[int, tuple[int, ...]]
"""An onset group: its tick, and the pitches that begin there, ascending."""


class OnsetGroups:
    """Gathers what begins together.

    Events come in order of time; one that is earlier than the open group joins it. A group is
    returned as soon as time is known to have passed it.
    """

    def __init__(self, settings: TokeniserSettings) -> None:
        self._resolution = settings.resolution
        self._tick = 0
        self._pitches: set[int] = set()

    @property
    def closes_at(self) -> int | None:
        """The first tick that has passed the open group; None where none is open."""
        return self._tick + (self._resolution + 1) // 2 if self._pitches else None

    def feed(self, event: Event) -> list[Group]:
        """Take an event; return the group that it completes, if any. Only onsets make groups."""
        groups = self.advance(event.tick)
        if isinstance(event, NoteOn):
            if not self._pitches:
                self._tick = snap(event.tick, self._resolution)
            self._pitches.add(event.pitch)
        return groups

    def advance(self, tick: int) -> list[Group]:
        """Let time pass up to `tick`; return the group that this completes, if any."""
        passed = self._pitches and snap(tick, self._resolution) > self._tick
        return self.flush() if passed else []

    def flush(self) -> list[Group]:
        """End the open group, if any, and return it."""
        if not self._pitches:
            return []
        group = self._tick, tuple(sorted(self._pitches))
        self._pitches.clear()
        return [group]


def gap_between(previous: int | None, tick: int, settings: TokeniserSettings) -> Gap | None:
    """The gap token to be written for an onset, or None where none is written.

    Args:
        previous: the tick of the onset before, snapped; None at the start.
        tick: where the onset is.
        settings: how time becomes tokens.
    """
    if settings.timing == "fixed" or previous is None:
        return None
    ticks = min(snap(tick, settings.resolution) - previous, settings.max_gap)
    return Gap(ticks) if ticks > 0 and ticks != UNWRITTEN_GAP else None


class Decoder:
    """Turns tokens back into onsets as they come.

    Attributes:
        onset: the tick of the last onset, or None before the first.
    """

    def __init__(self, first_onset: int = 0) -> None:
        self.onset: int | None = None
        self._first_onset = first_onset
        self._gap = UNWRITTEN_GAP

    def feed(self, token: Token) -> tuple[int, tuple[int, ...]] | None:
        """Take a token; a chord returns its onset tick and its pitches, a gap returns None."""
        if isinstance(token, Gap):
            self._gap = token.ticks
            return None
        self.onset = self._first_onset if self.onset is None else self.onset + self._gap
        self._gap = UNWRITTEN_GAP
        return self.onset, token.pitches


def encode(events: Iterable[Event], settings: TokeniserSettings) -> list[Token]:
    """The tokens of a whole piece, whose events are in order of time."""
    gathering = OnsetGroups(settings)
    groups = [group for event in events for group in gathering.feed(event)]
    tokens: list[Token] = []
    previous = None
    for tick, pitches in groups + gathering.flush():
        gap = gap_between(previous, tick, settings)
        tokens += [gap, Chord(pitches)] if gap else [Chord(pitches)]
        previous = tick
    return tokens


def decode(tokens: Iterable[Token], first_onset: int = 0) -> list[tuple[int, tuple[int, ...]]]:
    """The onsets of a token stream: (tick, pitches) each, the first at `first_onset`."""
    decoder = Decoder(first_onset)
    return [onset for token in tokens if (onset := decoder.feed(token))]
