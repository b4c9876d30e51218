"""Someone who plays without end, by chance: the same for the same seed.

What is played is phrases, chords that are held, clusters, trills and rests, with the pedal and on
several channels; in between, controls are turned. No key is struck again before it was let go.
"""

from typing import NamedTuple

import numpy as np

from livecomposer.live.offline import Timed
from livecomposer.midi.wire import CONTROL_CHANGE, NOTE_OFF, NOTE_ON, SUSTAIN

CONTROLS_CHANNEL = 15
CONTROLS = {
    name: 20 + i
    for i, name in enumerate(
        ("mode", "temperature", "density", "memory", "answer", "key", "seed", "again", "clear",
         "forget", "panic", "mute", "weights", "tempo")
    )
}  # fmt: skip
"""The controllers that work them."""
FIRST, LISTEN = 0, 4
"""Of the modes, call and response, and the last: it never plays, and isn't chosen by chance."""

_MODES = 5
_TEMPO_BPM = 60  # at 0 of the knob's; 1 more a step
_TWISTS = {
    "mode": 8, "temperature": 3, "density": 3, "memory": 2, "answer": 3, "key": 2, "seed": 1,
    "again": 1, "clear": 1, "forget": 0.1, "panic": 0.5, "mute": 1, "weights": 2, "tempo": 6,
}  # fmt: skip
_SCALE = (0, 2, 4, 5, 7, 9, 11)
_LENGTHS = (0.25, 0.5, 0.5, 0.5, 1, 1, 1.5, 1 / 3)  # beats
_CHANNELS = (0, 0, 0, 0, 0, 1, 3, 15)


class Turn(NamedTuple):
    """What is played at a stretch.

    Attributes:
        messages: in order of time.
        end_ns: when the next turn begins.
    """

    messages: list[Timed]
    end_ns: int


def assignments() -> list[str]:
    """The settings that let the controls be worked."""
    mapped = [
        f"controls.{name}='cc {number} channel {CONTROLS_CHANNEL + 1}'"
        for name, number in CONTROLS.items()
    ]
    return [*mapped, "controls.takeover=jump", "controls.feedback=true"]


def control(ns: int, name: str, value: int) -> Timed:
    """A control is turned."""
    return ns, bytes((CONTROL_CHANGE | CONTROLS_CHANNEL, CONTROLS[name], value))


def choose_mode(ns: int, number: int) -> Timed:
    """The mode is chosen."""
    return control(ns, "mode", (2 * number + 1) * 64 // _MODES)


class Pianist:
    """Plays turns.

    Args:
        rng: where chance comes from.
        tempo_bpm: what is played at, at first; a whole number.
        without: controls that aren't touched.
    """

    def __init__(self, rng: np.random.Generator, tempo_bpm: int, without: tuple[str, ...]) -> None:
        self._rng, self.tempo_bpm = rng, tempo_bpm
        left = {name: weight for name, weight in _TWISTS.items() if name not in without}
        self._twists, weights = list(left), np.array(list(left.values()))
        self._likely = weights / weights.sum()
        self._muted = False

    def turn(self, ns: int) -> Turn:
        """Play something, from `ns` on."""
        kinds = (self._phrase, self._held, self._cluster, self._trill, self._rest)
        twist = self._twist(ns) if self._muted or self._rng.random() < 0.3 else []
        play = kinds[self._rng.choice(len(kinds), p=(0.6, 0.07, 0.06, 0.07, 0.2))]
        messages, end = play(ns + 1)
        return Turn(twist + messages, end)

    def _twist(self, ns: int) -> list[Timed]:
        name = "mute" if self._muted else str(self._rng.choice(self._twists, p=self._likely))
        value = int(self._rng.integers(128))
        if name == "mode":
            return [choose_mode(ns, int(self._rng.integers(LISTEN)))]
        if name == "mute":
            self._muted = not self._muted
            value = 127 * self._muted
        elif name == "tempo":
            self.tempo_bpm = _TEMPO_BPM + value
        elif name in ("seed", "again", "clear", "forget", "panic"):
            return [control(ns, name, 127), control(ns, name, 0)]
        return [control(ns, name, value)]

    def _ns(self, beats: float) -> int:
        return round(beats * 60e9 / self.tempo_bpm)

    def _phrase(self, ns: int) -> tuple[list[Timed], int]:
        rng, channel = self._rng, int(self._rng.choice(_CHANNELS))
        degree, key = int(rng.integers(10, 30)), int(rng.integers(12))
        level, gate = rng.uniform(30, 110), rng.uniform(0.3, 1.1)
        notes, beat = [], 0.0
        for _ in range(rng.integers(1, 24)):
            length, size = float(rng.choice(_LENGTHS)), int(rng.choice((1, 1, 1, 2, 3, 4)))
            degree = min(max(degree + int(rng.integers(-3, 4)), 5), 40)
            onset = ns + max(0, self._ns(beat) + round(rng.normal(0, 8e6)))
            velocity = min(max(round(rng.normal(level, 10)), 1), 127)
            for each in range(degree, degree + 2 * size, 2):
                octave, step = divmod(each, len(_SCALE))
                pitch = 12 * (octave + 2) + _SCALE[step] + key
                notes.append((onset, onset + self._ns(length * gate), pitch, velocity))
            beat += length
        messages = _pressed(notes, channel)
        end = max(messages)[0] + self._ns(float(rng.choice((0.5, 2, 4, 8))))
        if rng.random() < 0.15:
            pedal = bytes((CONTROL_CHANGE | channel, SUSTAIN))
            messages = [(ns, pedal + b"\x7f"), *messages, (max(messages)[0], pedal + b"\x00")]
        return messages, end

    def _held(self, ns: int) -> tuple[list[Timed], int]:
        pitches = self._rng.choice(range(36, 90), int(self._rng.integers(1, 8)), replace=False)
        until = ns + round(self._rng.uniform(2e9, 2e10))
        notes = [(ns, until, int(pitch), 70) for pitch in pitches]
        return _pressed(notes, 0), until + self._ns(1)

    def _cluster(self, ns: int) -> tuple[list[Timed], int]:
        lowest, period = int(self._rng.integers(30, 90)), round(self._rng.uniform(2e7, 5e8))
        times = [ns + n * period for n in range(self._rng.integers(1, 12))]
        notes = [(at, at + period // 2, lowest + n, 90) for at in times for n in range(10)]
        return _pressed(notes, 0), times[-1] + period + self._ns(4)

    def _trill(self, ns: int) -> tuple[list[Timed], int]:
        pitch, period = int(self._rng.integers(40, 90)), round(self._rng.uniform(1e7, 1e8))
        times = [ns + n * period for n in range(self._rng.integers(10, 60))]
        notes = [(at, at + period // 2, pitch + n % 2, 80) for n, at in enumerate(times)]
        return _pressed(notes, 0), times[-1] + period + self._ns(4)

    def _rest(self, ns: int) -> tuple[list[Timed], int]:
        return [], ns + round(self._rng.uniform(1e9, 3e10))


def _pressed(notes: list[tuple[int, int, int, int]], channel: int) -> list[Timed]:
    """Messages of notes (onset, end, pitch, velocity): a key that is struck again was let go."""
    ends: dict[int, int] = {}
    messages: list[tuple[int, int, bytes]] = []
    for onset, end, pitch, velocity in sorted(notes, reverse=True):
        until = min(max(end, onset + 1), ends.get(pitch, end + 1))
        if until <= onset:  # struck twice at once
            continue
        ends[pitch] = onset
        messages.append((until, 0, bytes((NOTE_OFF | channel, pitch, 0))))
        messages.append((onset, 1, bytes((NOTE_ON | channel, pitch, velocity))))
    return [(ns, message) for ns, _, message in sorted(messages)]
