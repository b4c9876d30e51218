"""How continuations resemble what they continue: loops, recitation, key, pitches, density."""

from array import array
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from livecomposer.evaluation.continuations import STRETCH, Stretch, opening
from livecomposer.live.continuation import LOOP_PERIOD
from livecomposer.music.tempo import TICKS_PER_BEAT
from livecomposer.music.tokens import Gap, Token

LOOP_LENGTH = 32
RECITED = 24
"""The longest run of tokens, in any key, that is not called recitation."""


class Resemblance(Struct, frozen=True):
    """Continuations of primers, in figures. Shares are of 1; means are over the continuations.

    All but `looping` is of their first 32 beats.

    Attributes:
        looping: the share with 32 tokens or more that repeat every 1 to 8 tokens, anywhere.
        distinct_4grams: the mean share of runs of four tokens that occur once or first.
        copied_median: half of them have no longer run of tokens, in any key, from the training
            pieces.
        copied_p99: as `copied_median`, 99 in 100.
        recited: the share with a run of more than 24 tokens from the training pieces.
        key_agreement: the share that is in the primer's key, by music21's key analysis.
        pitch_class_distance: the mean total variation distance between the histograms of pitch
            classes of primer and continuation, 0 to 1.
        onsets_per_beat: how dense they are, the mean.
        onsets_per_beat_of_primer: the same for the primers.
        notes_per_onset: how thick their chords are, the mean.
        notes_per_onset_of_primer: the same for the primers.
        lowest, highest: the mean lowest and highest pitches, MIDI numbers.
        lowest_of_primer, highest_of_primer: the same for the primers.
    """

    looping: float
    distinct_4grams: float
    copied_median: float
    copied_p99: float
    recited: float
    key_agreement: float
    pitch_class_distance: float
    onsets_per_beat: float
    onsets_per_beat_of_primer: float
    notes_per_onset: float
    notes_per_onset_of_primer: float
    lowest: float
    lowest_of_primer: float
    highest: float
    highest_of_primer: float


def resemblance(
    pairs: Sequence[tuple[Stretch, Stretch]],
    spell: Callable[[Stretch], Sequence[Token]],
    recitation: "Recitation",
) -> Resemblance:
    """Compare continuations with their primers.

    Args:
        pairs: primer and continuation each, neither empty.
        spell: gives the tokens of a stretch: loops and recitation are looked for in these.
        recitation: knows the training pieces.
    """
    looping = _mean([loops(spell(continuation)) for _, continuation in pairs])
    pairs = [(primer, opening(continuation)) for primer, continuation in pairs]
    primers, continuations = zip(*pairs, strict=True)
    streams = [spell(stretch) for stretch in continuations]
    copied = recitation.longest(streams)
    keys = [(key_of(primer), key_of(continuation)) for primer, continuation in pairs]
    return Resemblance(
        looping=looping,
        distinct_4grams=_mean([distinct_ngrams(each, 4) for each in streams]),
        copied_median=float(np.percentile(copied, 50)),
        copied_p99=float(np.percentile(copied, 99)),
        recited=_mean(copied > RECITED),
        key_agreement=_mean([one == other for one, other in keys]),
        pitch_class_distance=_mean([_distance(*pair) for pair in pairs]),
        onsets_per_beat=_mean(map(_density, continuations)),
        onsets_per_beat_of_primer=_mean(map(_density, primers)),
        notes_per_onset=_mean(map(_thickness, continuations)),
        notes_per_onset_of_primer=_mean(map(_thickness, primers)),
        lowest=_mean(map(_lowest, continuations)),
        lowest_of_primer=_mean(map(_lowest, primers)),
        highest=_mean(map(_highest, continuations)),
        highest_of_primer=_mean(map(_highest, primers)),
    )


def loops(tokens: Sequence[object]) -> bool:
    """Whether a stretch of `LOOP_LENGTH` tokens repeats with a period of `LOOP_PERIOD` or less."""
    for period in range(1, LOOP_PERIOD + 1):
        run = period
        for earlier, later in zip(tokens, tokens[period:], strict=False):
            run = run + 1 if earlier == later else period
            if run >= LOOP_LENGTH:
                return True
    return False


def distinct_ngrams(tokens: Sequence[object], n: int) -> float:
    """The share of runs of n tokens that are different ones; 1 where there is no run."""
    runs = [tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1)]
    return len(set(runs)) / len(runs) if runs else 1.0


class Recitation:
    """Finds the longest run of tokens that comes from the training pieces, in any key.

    Runs are the same in any key if their gaps, the shapes of their chords, and the steps between
    these chords' highest notes are.

    Args:
        streams: the tokens of the training pieces; in every key that was learned, if chords are
            reduced to others in another key.
    """

    def __init__(self, streams: Iterable[Sequence[Token]]) -> None:
        self._shapes: dict[tuple[int, ...], int] = {}
        self._trained = self._symbols(streams)

    def longest(self, stretches: Sequence[Sequence[Token]]) -> npt.NDArray[np.int64]:
        """The length in tokens of each stretch's longest common run: (stretches,)."""
        found = np.zeros(len(stretches), int)
        owners = np.repeat(np.arange(len(stretches)), [len(each) + 1 for each in stretches])
        # A run's first chord is known by its shape alone: the step to it is from outside.
        heard, trained = (_Runs(*symbols) for symbols in (self._symbols(stretches), self._trained))
        length = 0
        while True:
            played, known = heard.hashes, trained.hashes
            heard.keep(np.isin(played, known))
            trained.keep(np.isin(known, played))
            if not len(heard.begins):
                return found
            length += 1
            found[owners[heard.begins]] = length
            heard.grow()
            trained.grow()

    def _symbols(
        self, streams: Iterable[Sequence[Token]]
    ) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
        """Streams one after another: each token's shape, and its shape with the step to it.

        After each stream stands a 0, where every run ends.
        """
        shapes, steps = array("Q"), array("Q")
        for stream in streams:
            top: int | None = None
            for token in stream:
                step = 0
                if isinstance(token, Gap):
                    shape: tuple[int, ...] = (-token.ticks,)
                else:
                    shape = tuple(pitch - token.pitches[0] for pitch in token.pitches)
                    if top is not None:
                        step = token.pitches[-1] - top + 128
                    top = token.pitches[-1]
                shapes.append(self._shapes.setdefault(shape, len(self._shapes) + 1))
                steps.append(step)
            shapes.append(0)
            steps.append(0)
        firsts = np.array(shapes, np.uint64)
        return firsts, firsts * np.uint64(256) + np.array(steps, np.uint64)


class _Runs:
    """Runs of symbols that begin at some places, all equally long, each with a hash."""

    def __init__(self, firsts: npt.NDArray[np.uint64], others: npt.NDArray[np.uint64]) -> None:
        self._others, self._length = others, 1
        self.begins = np.flatnonzero(firsts)
        self.hashes = firsts[self.begins]

    def keep(self, kept: npt.NDArray[np.bool_]) -> None:
        """Go on with some of them."""
        self.begins, self.hashes = self.begins[kept], self.hashes[kept]

    def grow(self) -> None:
        """Make them longer by one; those that can't be are dropped."""
        added = self._others[self.begins + self._length]  # an end is reached before the array's
        self.hashes = self.hashes * np.uint64(0x9E3779B97F4A7C15) + added
        self._length += 1
        self.keep(added > 0)


def _pitches(stretch: Stretch) -> list[int]:
    return [pitch for _, pitches in stretch for pitch in pitches]


def key_of(stretch: Stretch) -> str:
    """The likeliest key by music21's default profile, every note counted as equally long."""
    from music21.note import Note
    from music21.stream import Stream

    return str(Stream([Note(pitch) for pitch in _pitches(stretch)]).analyze("key"))


def _histogram(stretch: Stretch) -> npt.NDArray[np.float64]:
    counts = np.bincount([pitch % 12 for pitch in _pitches(stretch)], minlength=12)
    shares: npt.NDArray[np.float64] = counts / counts.sum()
    return shares


def _distance(one: Stretch, other: Stretch) -> float:
    return float(np.abs(_histogram(one) - _histogram(other)).sum() / 2)


def _density(stretch: Stretch) -> float:
    return len(stretch) * TICKS_PER_BEAT / STRETCH


def _thickness(stretch: Stretch) -> float:
    return len(_pitches(stretch)) / len(stretch)


def _lowest(stretch: Stretch) -> int:
    return min(_pitches(stretch))


def _highest(stretch: Stretch) -> int:
    return max(_pitches(stretch))


def _mean(values: Iterable[float] | npt.NDArray[np.bool_]) -> float:
    return float(np.mean(list(values)))
