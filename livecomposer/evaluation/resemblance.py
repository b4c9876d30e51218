"""How continuations resemble what they continue: loops, recitation, key, pitches, density."""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from livecomposer.evaluation.continuations import STRETCH, Stretch
from livecomposer.music.events import NoteOn
from livecomposer.music.tempo import TICKS_PER_BEAT
from livecomposer.music.tokeniser import TokeniserSettings, encode
from livecomposer.music.tokens import Gap, Token

LOOP_PERIOD, LOOP_LENGTH = 8, 32
RECITED = 24
"""The longest run of tokens, in any key, that is not called recitation."""


class Resemblance(Struct, frozen=True):
    """Continuations of primers, in figures. Shares are of 1; means are over the continuations.

    Attributes:
        looping: the share with a stretch of 32 tokens or more that repeats every 1 to 8 tokens.
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
    lowest: float
    lowest_of_primer: float
    highest: float
    highest_of_primer: float


def resemblance(
    pairs: Sequence[tuple[Stretch, Stretch]], settings: TokeniserSettings, recitation: "Recitation"
) -> Resemblance:
    """Compare continuations with their primers.

    Args:
        pairs: primer and continuation each, neither empty.
        settings: the tokeniser's: loops and recitation are looked for in tokens.
        recitation: knows the training pieces.
    """
    primers, continuations = zip(*pairs, strict=True)
    tokens = [_tokens(stretch, settings) for stretch in continuations]
    copied = recitation.longest(tokens)
    keys = [(_key(primer), _key(continuation)) for primer, continuation in pairs]
    return Resemblance(
        looping=_mean([loops(each) for each in tokens]),
        distinct_4grams=_mean([distinct_ngrams(each, 4) for each in tokens]),
        copied_median=float(np.percentile(copied, 50)),
        copied_p99=float(np.percentile(copied, 99)),
        recited=_mean(copied > RECITED),
        key_agreement=_mean([one == other for one, other in keys]),
        pitch_class_distance=_mean([_distance(*pair) for pair in pairs]),
        onsets_per_beat=_mean(map(_density, continuations)),
        onsets_per_beat_of_primer=_mean(map(_density, primers)),
        lowest=_mean(map(_lowest, continuations)),
        lowest_of_primer=_mean(map(_lowest, primers)),
        highest=_mean(map(_highest, continuations)),
        highest_of_primer=_mean(map(_highest, primers)),
    )


def loops(tokens: Sequence[Token]) -> bool:
    """Whether a stretch of `LOOP_LENGTH` tokens repeats with a period of `LOOP_PERIOD` or less."""
    for period in range(1, LOOP_PERIOD + 1):
        run = period
        for earlier, later in zip(tokens, tokens[period:], strict=False):
            run = run + 1 if earlier == later else period
            if run >= LOOP_LENGTH:
                return True
    return False


def distinct_ngrams(tokens: Sequence[Token], n: int) -> float:
    """The share of runs of n tokens that are different ones; 1 where there is no run."""
    runs = [tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1)]
    return len(set(runs)) / len(runs) if runs else 1.0


class Recitation:
    """Finds the longest run of tokens that comes from the training pieces, in any key.

    Args:
        pieces: the training pieces' tokens.
    """

    def __init__(self, pieces: Sequence[Sequence[Token]]) -> None:
        self._symbols: dict[tuple[int, ...], int] = {}
        self._trained = self._numbers(pieces)

    def longest(self, stretches: Sequence[Sequence[Token]]) -> npt.NDArray[np.int64]:
        """The length of the longest common run of each stretch: (stretches,)."""
        found = np.zeros(len(stretches), int)
        heard = self._numbers(stretches)
        owners = np.repeat(np.arange(len(stretches)), [len(each) + 1 for each in stretches])
        ends = np.append(0, np.cumsum(heard < 0))
        for length in range(1, min(len(heard), len(self._trained))):
            common = np.isin(_runs(heard, length), _runs(self._trained, length))
            common &= ends[length:] == ends[: len(common)]  # within one stretch
            if not common.any():
                break
            found[owners[: len(common)][common]] = length
        return found

    def _numbers(self, pieces: Sequence[Sequence[Token]]) -> npt.NDArray[np.int64]:
        """Pieces one after another, each token as a number that is the same in any key.

        A negative one, unlike every other, ends each piece.
        """
        numbers: list[int] = []
        for piece in pieces:
            top = None
            for token in piece:
                symbol: tuple[int, ...]
                if isinstance(token, Gap):
                    symbol = (token.ticks,)
                else:
                    bass = token.pitches[0]
                    shape = tuple(pitch - bass for pitch in token.pitches)
                    step = 0 if top is None else token.pitches[-1] - top
                    top = token.pitches[-1]
                    symbol = (-1, step, *shape)
                numbers.append(self._symbols.setdefault(symbol, len(self._symbols)))
            numbers.append(-1)
        return np.array(numbers, np.int64)


def _runs(numbers: npt.NDArray[np.integer], length: int) -> npt.NDArray[np.uint64]:
    """A hash of each run of `length` numbers."""
    total = np.zeros(len(numbers) - length + 1, np.uint64)
    for i in range(length):
        total = total * np.uint64(0x9E3779B97F4A7C15) + numbers[i : i + len(total)].astype(
            np.uint64
        )
    return total


def _tokens(stretch: Stretch, settings: TokeniserSettings) -> list[Token]:
    return encode((NoteOn(tick, p) for tick, pitches in stretch for p in pitches), settings)


def _pitches(stretch: Stretch) -> list[int]:
    return [pitch for _, pitches in stretch for pitch in pitches]


def _key(stretch: Stretch) -> str:
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


def _lowest(stretch: Stretch) -> int:
    return min(_pitches(stretch))


def _highest(stretch: Stretch) -> int:
    return max(_pitches(stretch))


def _mean(values: Iterable[float] | npt.NDArray[np.bool_]) -> float:
    return float(np.mean(list(values)))
