"""What happens in music: events a player makes, and notes the machine makes.

Positions are integer ticks of 1/24 beat (see `tempo`), pitches are MIDI note numbers (0-127,
60 = C4), velocities 1-127, channels 0-15 (shown to users as 1-16).
"""

from dataclasses import dataclass

DRUM_CHANNEL = 9
"""General MIDI's percussion channel (shown to users as 10): never heard, in files or live."""


@dataclass(frozen=True, slots=True)
class NoteOn:
    """A key goes down."""

    tick: int
    pitch: int
    velocity: int = 64
    channel: int = 0


@dataclass(frozen=True, slots=True)
class NoteOff:
    """A key comes up. A note-on of velocity 0 is one before it gets here."""

    tick: int
    pitch: int
    channel: int = 0


@dataclass(frozen=True, slots=True)
class Sustain:
    """The sustain pedal (CC 64) goes down or comes up."""

    tick: int
    down: bool
    channel: int = 0


@dataclass(frozen=True, slots=True)
class AllNotesOff:
    """Every key and the pedal of a channel come up (CC 120, 123-127)."""

    tick: int
    channel: int = 0


@dataclass(frozen=True, slots=True)
class Stop:
    """The transport stops, or jumps."""

    tick: int


Event = NoteOn | NoteOff | Sustain | AllNotesOff | Stop


@dataclass(frozen=True, slots=True)
class Note:
    """A note or chord for the machine to play: one onset, one duration, one velocity."""

    onset: int
    duration: int
    pitches: tuple[int, ...]
    velocity: int = 64
