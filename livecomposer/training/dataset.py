"""Pieces -> ids -> windows: what the network is shown.

Each piece is a stream of its own: it begins with the start id, and no window holds two pieces. A
token transposed is another token; a table holds the id of every token type at every shift, so
that transposing a piece is one look-up.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from livecomposer.music.tokeniser import TokeniserSettings, encode
from livecomposer.music.tokens import Chord, Token
from livecomposer.music.vocabulary import START, Vocabulary
from livecomposer.training.corpus import Piece

Ids = npt.NDArray[np.int32]

LOWEST, HIGHEST = 21, 108
"""The piano's range: transposition never leaves it."""

SHIFTS = range(-5, 7)
"""Transpositions in semitones: every key once."""

_DROPPED = -1


@dataclass(frozen=True, slots=True)
class Windows:
    """A batch: each row a stretch of one piece, from its first token to the last but one.

    Attributes:
        inputs: (B, T) ids.
        targets: (B, T): the id that follows each input. `START` where there is none (padding).
    """

    inputs: Ids
    targets: Ids


class TokenisedCorpus:
    """Pieces as token types, ready to be transposed.

    Attributes:
        types: the distinct tokens of the corpus.
        streams: for each piece, its tokens as indices into `types`.
        shifts: for each piece, the transpositions that keep it on the piano.
    """

    def __init__(self, pieces: Sequence[Piece], settings: TokeniserSettings) -> None:
        index: dict[Token, int] = {}
        self.streams: list[Ids] = []
        self.shifts: list[list[int]] = []
        for piece in pieces:
            tokens = encode(piece.events(), settings)
            self.streams.append(
                np.array([index.setdefault(token, len(index)) for token in tokens], np.int32)
            )
            low, high = int(piece.notes[:, 1].min()), int(piece.notes[:, 1].max())
            self.shifts.append(
                [s for s in SHIFTS if s == 0 or (low + s >= LOWEST and high + s <= HIGHEST)]
            )
        self.types = list(index)

    def counts(self) -> Mapping[Token, int]:
        """How often each token occurs in the corpus, at all transpositions together."""
        weights = np.zeros((len(SHIFTS), len(self.types)), int)
        for stream, shifts in zip(self.streams, self.shifts, strict=True):
            rows = [SHIFTS.index(shift) for shift in shifts]
            weights[rows] += np.bincount(stream, minlength=len(self.types))
        counts: Counter[Token] = Counter()
        for row, shift in enumerate(SHIFTS):
            for token, weight in zip(self.types, weights[row].tolist(), strict=True):
                if weight:
                    counts[transpose(token, shift)] += weight
        return counts

    def ids(self, vocabulary: Vocabulary) -> "IdCorpus":
        """The same pieces in a vocabulary's ids."""
        table = np.full((len(SHIFTS), len(self.types)), _DROPPED, np.int32)
        known = np.zeros(len(self.types), bool)
        for column, token in enumerate(self.types):
            known[column] = token in vocabulary
            for row, shift in enumerate(SHIFTS):
                moved = transpose(token, shift)
                found = vocabulary.id(moved)
                table[row, column] = _DROPPED if found is None else found
        reduced = sum(int((~known[stream]).sum()) for stream in self.streams)
        total = sum(map(len, self.streams))
        return IdCorpus(self.streams, self.shifts, table, reduced / max(1, total))


def transpose(token: Token, shift: int) -> Token:
    """A token `shift` semitones higher; pitches that would leave MIDI's range are left out."""
    if not isinstance(token, Chord) or not shift:
        return token
    moved = tuple(pitch + shift for pitch in token.pitches if 0 <= pitch + shift <= 127)
    return Chord(moved) if moved else token


@dataclass(frozen=True, slots=True)
class IdCorpus:
    """Pieces as ids at any transposition.

    Attributes:
        streams: for each piece, its token types.
        shifts: for each piece, the transpositions allowed.
        table: (shifts, types): the id of a type at a transposition.
        reduced: the share of tokens (untransposed) that were outside the vocabulary.
    """

    streams: list[Ids]
    shifts: list[list[int]]
    table: Ids
    reduced: float

    def __len__(self) -> int:
        """Tokens in all."""
        return sum(map(len, self.streams))

    def piece(self, index: int, shift: int = 0) -> Ids:
        """A piece's ids, from its start id on."""
        ids = self.table[SHIFTS.index(shift), self.streams[index]]
        return np.concatenate(([START], ids[ids != _DROPPED])).astype(np.int32)

    def split(self, share: float, rng: np.random.Generator) -> tuple["IdCorpus", "IdCorpus"]:
        """Whole pieces apart: those to learn from, and `share` of them, or one, held out."""
        order = rng.permutation(len(self.streams)).tolist()
        held_out = max(1, round(share * len(order)))
        return self._only(sorted(order[held_out:])), self._only(sorted(order[:held_out]))

    def _only(self, pieces: list[int]) -> "IdCorpus":
        return IdCorpus(
            [self.streams[i] for i in pieces],
            [self.shifts[i] for i in pieces],
            self.table,
            self.reduced,
        )

    def windows(self, length: int, rng: np.random.Generator | None = None) -> Windows:
        """Cut every piece into windows of `length`; padding at a piece's end.

        With an rng, each piece is transposed, its windows begin anywhere, and they are shuffled;
        without one, pieces stand as they are and are cut from the start, in order.
        """
        inputs, targets = [], []
        for i in range(len(self.streams)):
            if rng is None:
                ids, first = self.piece(i), 0
            else:
                ids = self.piece(i, int(rng.choice(self.shifts[i])))
                first = int(rng.integers(length))
            for begin in _begins(len(ids) - 1, length, first):
                inputs.append(_padded(ids[begin : begin + length][: len(ids) - 1 - begin], length))
                targets.append(_padded(ids[begin + 1 : begin + 1 + length], length))
        order = np.arange(len(inputs)) if rng is None else rng.permutation(len(inputs))
        return Windows(np.stack(inputs)[order], np.stack(targets)[order])


def _begins(steps: int, length: int, first: int) -> Iterator[int]:
    """Where windows begin: at the piece's start, then every `length` from `first`."""
    if first > 0:
        yield 0
    yield from range(first, steps, length)


def _padded(ids: Ids, length: int) -> Ids:
    return np.pad(ids, (0, length - len(ids)), constant_values=START)
