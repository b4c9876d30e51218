"""Spelling: what a token means, and how it is written.

A chord token is the pitches that begin together, lowest first, as names with octaves joined by
dots: `C4`, `A2.C3.E3`, `C-1` (MIDI 0; 60 is C4; sharps only). A gap token is the time since the
previous onset in beats, written before the chord that ends it: `+1`, `+0.25`, `+1/3`.

To a model that learns note by note, a chord is its lowest note and those that join it, `A2 .C3
.E3`. Where a vocabulary is of the tutorial lineage, a chord is its pitch classes: `4.7.11`.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from livecomposer.music.tempo import parse_beats, spell_beats

NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
_PITCH = re.compile(r"([A-G]#?)(-?\d)")


@dataclass(frozen=True, slots=True)
class Chord:
    """One or more pitches that begin together, ascending."""

    pitches: tuple[int, ...]

    def __str__(self) -> str:
        return ".".join(map(spell_pitch, self.pitches))


@dataclass(frozen=True, slots=True)
class PitchClasses:
    """A chord without its octaves, as the Classical-Piano-Composer lineage spells it.

    Attributes:
        classes: 0 (C) to 11 (B), none twice, in the order they are written in.
    """

    classes: tuple[int, ...]

    @property
    def pitches(self) -> tuple[int, ...]:
        """How it is played, ascending: in the octave from C4."""
        return tuple(sorted(60 + each for each in self.classes))

    def __str__(self) -> str:
        return ".".join(map(str, self.classes))


@dataclass(frozen=True, slots=True)
class Joined:
    """A note that begins together with the chord written before it, and above that."""

    pitch: int

    def __str__(self) -> str:
        return f".{spell_pitch(self.pitch)}"


@dataclass(frozen=True, slots=True)
class Gap:
    """The time in ticks from the previous onset to the next chord's."""

    ticks: int

    def __str__(self) -> str:
        return f"+{spell_beats(self.ticks)}"


Token = Chord | PitchClasses | Gap

Part = Token | Joined
"""What a model may know a token by."""


def by_note(token: Token) -> list[Part]:
    """A chord as its lowest note and those that join it; any other token as it is."""
    if isinstance(token, Chord):
        first, *others = token.pitches
        return [Chord((first,)), *map(Joined, others)]
    return [token]


def whole(parts: Iterable[Part]) -> list[Token]:
    """The tokens that were spelled: every note is in its chord. One that has none is left out."""
    tokens: list[Token] = []
    for part in parts:
        if not isinstance(part, Joined):
            tokens.append(part)
        elif tokens and isinstance(chord := tokens[-1], Chord):
            tokens[-1] = Chord((*chord.pitches, part.pitch))
    return tokens


def spell_pitch(pitch: int) -> str:
    """A MIDI note number as its name: 60 -> "C4"."""
    return f"{NAMES[pitch % 12]}{pitch // 12 - 1}"


def parse_pitch(name: str) -> int:
    """A name as a MIDI note number: "C4" -> 60.

    Raises:
        ValueError: it is not spelled as `spell_pitch` spells, or lies outside 0-127.
    """
    match = _PITCH.fullmatch(name)
    if match and match[1] in NAMES:
        pitch = NAMES.index(match[1]) + 12 * (int(match[2]) + 1)
        if 0 <= pitch <= 127:
            return pitch
    raise ValueError(f"{name!r} is not a pitch from C-1 to G9, with sharps only")


def parse_token(text: str) -> Part:
    """A spelled token, or a joined note, read back: `parse_token(str(token)) == token`.

    Raises:
        ValueError: it is not spelled as one of the kinds of tokens is.
    """
    token: Part
    if text.startswith("+"):
        token = gap = Gap(parse_beats(text[1:]))
        sound = gap.ticks > 0
    elif text.startswith("."):
        token, sound = Joined(parse_pitch(text[1:])), True
    elif re.fullmatch(r"\d+(\.\d+)*", text, re.ASCII):
        token = classes = PitchClasses(tuple(map(int, text.split("."))))
        sound = max(classes.classes) < 12 and len(set(classes.classes)) == len(classes.classes)
    else:
        token = chord = Chord(tuple(parse_pitch(name) for name in text.split(".")))
        sound = all(low < high for low, high in pairwise(chord.pitches))
    if not sound or str(token) != text:
        raise ValueError(f"{text!r} is not how a token is spelled")
    return token
