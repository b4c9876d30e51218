"""Pieces -> ids -> windows: what the network is shown.

Each piece is a stream of its own: it begins with the start id, and no window holds two pieces. A
token transposed is another token; a table holds the id of every token type at every shift, so
that transposing a piece is one look-up.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from livecomposer.music.tokeniser import TokeniserSettings, encode
from livecomposer.music.tokens import Chord, Joined, Part, by_note
from livecomposer.music.vocabulary import START, Vocabulary
from livecomposer.training.corpus import Piece

Ids = npt.NDArray[np.int32]

LOWEST, HIGHEST = 21, 108
"""The piano's range: transposition never leaves it."""

SHIFTS = range(-5, 7)
"""Transpositions in semitones: every key once."""

Cuts = npt.NDArray[np.int32]
"""(windows, 3): a piece, a transposition, and the token that a window begins before."""


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

    Args:
        pieces: the music.
        settings: how it becomes tokens.
        notes: whether chords are spelled note by note.

    Attributes:
        types: the distinct tokens, or their notes, of the corpus.
        streams: for each piece, these as indices into `types`.
        shifts: for each piece, the transpositions that keep it on the piano.
    """

    def __init__(
        self, pieces: Sequence[Piece], settings: TokeniserSettings, *, notes: bool = False
    ) -> None:
        index: dict[Part, int] = {}
        self.streams: list[Ids] = []
        self.shifts: list[list[int]] = []
        for piece in pieces:
            tokens = encode(piece.events(), settings)
            parts = (part for token in tokens for part in (by_note(token) if notes else [token]))
            self.streams.append(
                np.array([index.setdefault(part, len(index)) for part in parts], np.int32)
            )
            low, high = int(piece.notes[:, 1].min()), int(piece.notes[:, 1].max())
            self.shifts.append(
                [s for s in SHIFTS if s == 0 or (low + s >= LOWEST and high + s <= HIGHEST)]
            )
        self.types = list(index)

    def counts(self) -> Mapping[Part, int]:
        """How often each token occurs in the corpus, at all transpositions together."""
        weights = np.zeros((len(SHIFTS), len(self.types)), int)
        for stream, shifts in zip(self.streams, self.shifts, strict=True):
            types, numbers = np.unique(stream, return_counts=True)
            for shift in shifts:
                weights[SHIFTS.index(shift), types] += numbers
        counts: Counter[Part] = Counter()
        for row, shift in enumerate(SHIFTS):
            for token, weight in zip(self.types, weights[row].tolist(), strict=True):
                if weight:
                    counts[transpose(token, shift)] += weight
        return counts

    def ids(self, vocabulary: Vocabulary) -> "IdCorpus":
        """The same pieces in a vocabulary's ids."""
        table = np.full((len(SHIFTS), len(self.types)), START, np.int32)
        known = np.zeros(len(self.types), bool)
        for column, token in enumerate(self.types):
            known[column] = vocabulary.knows(token)
            for row, shift in enumerate(SHIFTS):
                table[row, column] = vocabulary.id(transpose(token, shift)) or START
        has_id = table[0] != START  # a gap has none where the vocabulary has no gaps
        reduced = sum(int((~known[stream]).sum()) for stream in self.streams)
        total = sum(map(len, self.streams))
        return IdCorpus(
            [stream[has_id[stream]] for stream in self.streams],
            self.shifts,
            table,
            reduced / max(1, total),
        )


def transpose(token: Part, shift: int) -> Part:
    """A token `shift` semitones higher; pitches that would leave MIDI's range are left out."""
    if isinstance(token, Joined):
        return Joined(token.pitch + shift) if 0 <= token.pitch + shift <= 127 else token
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
        return np.append(np.int32(START), ids)

    def only(self, pieces: Sequence[int]) -> "IdCorpus":
        """Some of the pieces."""
        return IdCorpus(
            [self.streams[i] for i in pieces],
            [self.shifts[i] for i in pieces],
            self.table,
            self.reduced,
        )

    def cuts(self, length: int, rng: np.random.Generator | None = None) -> Cuts:
        """Where to cut every piece into windows of `length`; the last of a piece is shorter.

        With an rng, each piece is transposed, its windows begin anywhere, and they are shuffled;
        without one, pieces stand as they are and are cut from the start, in order.
        """
        rows: list[tuple[int, int, int]] = []
        for i, (stream, shifts) in enumerate(zip(self.streams, self.shifts, strict=True)):
            shift = 0 if rng is None else int(rng.choice(shifts))
            first = 0 if rng is None else int(rng.integers(length))
            begins = [0] * (first > 0) + list(range(first, len(stream), length))
            rows += [(i, SHIFTS.index(shift), begin) for begin in begins]
        cuts = np.array(rows, np.int32).reshape(-1, 3)
        return cuts if rng is None else rng.permutation(cuts)

    def windows(self, cuts: Cuts, length: int, rows: int = 0) -> Windows:
        """The windows cut there, padded at a piece's end.

        Args:
            cuts: (N, 3), of `cuts`.
            length: T, as was given there.
            rows: B; beyond the cuts, rows are padding. N, where that is more.
        """
        ids = np.full((max(rows, len(cuts)), length + 1), START, np.int32)
        for row, (piece, shift, begin) in zip(ids, cuts.tolist(), strict=False):
            before = 1 if begin else 0  # the first window of a piece begins with its start id
            types = self.streams[piece][begin - before : begin + length]
            row[1 - before : 1 - before + len(types)] = self.table[shift, types]
        return Windows(ids[:, :-1], ids[:, 1:])
