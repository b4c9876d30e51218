"""What was played in this jam, as an n-gram that is mixed with the model's probabilities.

The model knows its last hundred tokens, and music in general; this knows the player's licks, as
they were and a third higher. (Of the machine's own it doesn't tell: it would go round in circles.)
From the shortest context to the longest, what followed it before is mixed in, the more the oftener
the context was seen, and the fewer different tokens followed it:

    p_k = (1 - w) p_(k-1) + w c(h, x) / c(h),    w = share * c(h) / (c(h) + T(h))

with h the last k tokens, c how often they, or they and x, were played, T how many different tokens
followed them, and p_0 the model's own. (The weights are Witten and Bell's, 1991, "The
zero-frequency problem"; to mix in what was seen lately: Grave, Joulin and Usunier 2017, "Improving
neural language models with a continuous cache".) First with tokens as they are; and then, upon
that, with each note by its distance from the one before.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from livecomposer.music.repeats import LONGEST, Ints, Repeats
from livecomposer.music.tokens import Chord, Joined
from livecomposer.music.vocabulary import Vocabulary

SIZE = 20_000
"""Tokens that are remembered: the last ones."""
SHORTEST = 3
"""Tokens of a context at least. (Shorter ones say less than the model knows.)"""

_LENGTHS = LONGEST - SHORTEST + 1
_MIDDLE = 60
"""The pitch before the first."""
_SPAN = 256
_NO_STEP = _SPAN // 2
"""Distances, in semitones, are kept as 0 to 255."""

Probs = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Moment:
    """How far a memory has come, and with what pitch.

    Attributes:
        length: tokens.
        pitch: the last one's.
        age: how often all was forgotten before.
    """

    length: int
    pitch: int
    age: int


class Memory:
    """The last tokens of a jam. It can go back to a moment before.

    Args:
        vocabulary: V tokens.
        size: how many are kept.
    """

    def __init__(self, vocabulary: Vocabulary, size: int = SIZE) -> None:
        self._shapes, self._size = _Shapes(vocabulary), size
        self._age = -1
        self.forget()

    @property
    def now(self) -> Moment:
        """What to go back to."""
        return Moment(self._absolute.length, self._pitch, self._age)

    def forget(self) -> None:
        """Begin anew."""
        self._absolute, self._relative = (Repeats(self._size, SHORTEST) for _ in range(2))
        self._pitch = _MIDDLE
        self._age += 1

    def add(self, token_id: int, *, told: bool = True) -> None:
        """Take the next token.

        Args:
            token_id: which.
            told: whether it makes itself likelier where the like was played before it.
        """
        self._absolute.add(token_id, told=told)
        self._relative.add(self._shapes.number(token_id, self._pitch), told=told)
        self._pitch = self._shapes.pitch(token_id, self._pitch)

    def go_back(self, moment: Moment) -> None:
        """What has come since a moment was never there.

        Args:
            moment: one with nothing gone back behind it since.
        """
        if moment.age != self._age:  # of what was before, nothing comes back
            self.forget()
            return
        self._absolute.go_back(moment.length)
        self._relative.go_back(moment.length)
        self._pitch = moment.pitch

    def mix(self, probs: Probs, share: float) -> Probs:
        """Probabilities of what comes next, with those of what came next before.

        Args:
            probs: (V,), the model's.
            share: how much of the whole the memory has at most, 0 to 1.

        Returns:
            (V,).
        """
        if not share:
            return probs
        numbers, alike = self._relative.following()
        ids = self._shapes.ids(numbers, self._pitch)
        known = ids >= 0
        same, alike_too = self._absolute.following()
        rows = np.concatenate([LONGEST - alike[known], LONGEST - alike_too + _LENGTHS])
        if not len(rows):
            return probs
        # (2, k, V): how often each token came after so many that were alike, or more; most first.
        size = len(probs)
        places = rows * size + np.concatenate([ids[known], same])
        each = np.bincount(places, minlength=2 * _LENGTHS * size).reshape(2, _LENGTHS, size)
        counts = np.add.accumulate(each, axis=1).reshape(2 * _LENGTHS, size)
        totals = np.add.reduce(counts, 1)
        weights = share / np.maximum(totals + np.add.reduce(counts > 0, 1), 1)
        left = np.multiply.accumulate(1 - weights * totals)  # of all that is mixed in before
        weights[1:] *= left[:-1]
        mixed: npt.NDArray[np.float64] = left[-1] * probs + weights @ counts
        return mixed.astype(np.float32)


class _Shapes:
    """Tokens as a shape and a pitch: a chord's is its lowest. Gaps have no pitch."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        shapes: dict[object, int] = {}
        self._shape: list[int] = []
        self._pitch: list[int | None] = []
        for token in (None, *vocabulary.tokens):
            shape: object = token
            pitch = None
            if isinstance(token, Chord):
                pitch = token.pitches[0]
                shape = tuple(each - pitch for each in token.pitches)
            elif isinstance(token, Joined):
                pitch, shape = token.pitch, Joined
            self._shape.append(shapes.setdefault(shape, len(shapes)))
            self._pitch.append(pitch)
        self._ids = np.full((len(shapes), 128 + _SPAN), -1)  # by shape, and by pitch + `_NO_STEP`
        for token_id, (number, pitch) in enumerate(zip(self._shape, self._pitch, strict=True)):
            places = slice(None) if pitch is None else pitch + _NO_STEP
            self._ids[number, places] = token_id

    def number(self, token_id: int, pitch: int) -> int:
        """A token by its distance from a pitch."""
        own = self._pitch[token_id]
        return self._shape[token_id] * _SPAN + _NO_STEP + (0 if own is None else own - pitch)

    def pitch(self, token_id: int, before: int) -> int:
        """A token's pitch, or that before."""
        own = self._pitch[token_id]
        return before if own is None else own

    def ids(self, numbers: Ints, pitch: int) -> Ints:
        """The tokens at distances from a pitch; -1 for what there is none for."""
        shapes, steps = np.divmod(numbers, _SPAN)
        found: Ints = self._ids[shapes, pitch + steps]
        return found
