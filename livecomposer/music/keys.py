"""Keys: how they are named, which notes they have, and which one is played in.

A key is found as Krumhansl and Schmuckler do (Krumhansl 1990, "Cognitive foundations of musical
pitch"): that whose profile correlates best with how often each pitch class was played. The
profiles are Temperley's, counted in the Kostka-Payne corpus (Temperley 2007, "Music and
probability", p. 85).
"""

import re
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from livecomposer.music.tempo import TICKS_PER_BEAT
from livecomposer.music.tokens import NAMES

SCALES = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "harmonic minor": (0, 2, 3, 5, 7, 8, 11),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
    "lydian": (0, 2, 4, 6, 7, 9, 11),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "major pentatonic": (0, 2, 4, 7, 9),
    "minor pentatonic": (0, 3, 5, 7, 10),
    "blues": (0, 3, 5, 6, 7, 10),
}
"""Semitones above the tonic."""

MEMORY = 16 * TICKS_PER_BEAT
"""How far back a `KeyFinder` remembers."""
_FEWEST = 3
"""Pitch classes that tell a key."""

_PROFILES = {
    "major": (0.748, 0.060, 0.488, 0.082, 0.670, 0.460, 0.096, 0.715, 0.104, 0.366, 0.057, 0.400),
    "minor": (0.712, 0.084, 0.474, 0.618, 0.049, 0.460, 0.105, 0.747, 0.404, 0.067, 0.133, 0.330),
}
_LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_NAMED = re.compile(r"([A-G])([#b]?) ([a-z ]+)")


@dataclass(frozen=True, slots=True)
class Key:
    """A tonic and a scale on it.

    Attributes:
        tonic: a pitch class, 0 (C) to 11 (B).
        scale: one of `SCALES`.
    """

    tonic: int
    scale: str

    @property
    def classes(self) -> frozenset[int]:
        """The pitch classes of its notes."""
        return frozenset((self.tonic + step) % 12 for step in SCALES[self.scale])

    @property
    def stable(self) -> frozenset[int]:
        """The pitch classes that music in this key comes to rest on: tonic, third and fifth."""
        triad = (0, 4, 7) if 4 in SCALES[self.scale] else (0, 3, 7)
        return frozenset((self.tonic + step) % 12 for step in triad)

    def __str__(self) -> str:
        return f"{NAMES[self.tonic]} {self.scale}"


def _standardized(profile: tuple[float, ...]) -> npt.NDArray[np.float64]:
    """So that a product with counts is their correlation, but for a factor of the counts'."""
    values = np.array(profile)
    standardized: npt.NDArray[np.float64] = (values - values.mean()) / values.std()
    return standardized


_KEYS = [Key(tonic, scale) for scale in _PROFILES for tonic in range(12)]
_TEMPLATES = np.stack([np.roll(_standardized(_PROFILES[key.scale]), key.tonic) for key in _KEYS])


def parse_key(name: str) -> Key:
    """A key by its name: "C minor", "Bb major", "F# dorian".

    Raises:
        ValueError: it is none; the message says what is.
    """
    match = _NAMED.fullmatch(name)
    if not match or match[3] not in SCALES:
        raise ValueError(f"{name!r} is no key, such as 'C minor'; scales are {', '.join(SCALES)}")
    letter, accidental, scale = match.groups()
    return Key((_LETTERS[letter] + {"": 0, "#": 1, "b": -1}[accidental]) % 12, scale)


def find_key(pitches: Iterable[int]) -> Key | None:
    """The major or minor key that pitches are most likely in; None where they are too few to tell.

    Args:
        pitches: MIDI note numbers; one that is played often counts as often.
    """
    counts = np.bincount([pitch % 12 for pitch in pitches], minlength=12)
    if np.count_nonzero(counts) < _FEWEST or counts.min() == counts.max():
        return None
    return _KEYS[int(np.argmax(_TEMPLATES @ counts))]


class KeyFinder:
    """Follows the key of what is played: that of the last 16 beats.

    Attributes:
        key: the key of what was heard last; the one before, where that is too little to tell.
    """

    def __init__(self) -> None:
        self._heard: deque[tuple[int, int]] = deque()  # tick, pitch
        self.key: Key | None = None

    def hear(self, tick: int, pitch: int) -> None:
        """Take a note that begins at `tick`, not before the last one."""
        self._heard.append((tick, pitch))
        while self._heard[0][0] <= tick - MEMORY:
            self._heard.popleft()
        self.key = find_key(pitch for _, pitch in self._heard) or self.key
