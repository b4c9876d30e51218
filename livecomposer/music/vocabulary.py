"""Token <-> id, and what becomes of a token that has no id.

Id 0 is the start of a piece, and padding. The rest are ordered by pitch, so that near ids sound
near: chord tokens by top note, then size, then spelling; joined notes after them, by pitch; gap
tokens last, by length.

A vocabulary that knows joined notes spells chords note by note, and loses only notes that it has
never seen. For any other, a chord outside it is reduced to one inside, never dropped; where it
knows chords by their pitch classes only, they are found by these. A gap goes to the nearest gap.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal

import numpy as np

from livecomposer.music.tokens import Chord, Gap, Joined, Part, PitchClasses, Token, by_note, whole

START = 0
MAX_SIZE = 65_536
"""The largest vocabulary that is built or read."""
_REMEMBERED = 1024
"""Tokens of which it is kept what they are reduced to: a player can play any number of chords."""


class Vocabulary:
    """The tokens a model knows.

    Args:
        tokens: the tokens with ids 1, 2, ...; at least one of them a chord, none twice.

    Attributes:
        tokens: as given.
        chords: id -> chord, for every chord token.
        joined: id -> note, for every joined note.
        gaps: id -> gap, for every gap token.
        onsets: (V,): whether an id is a chord, and so an onset.

    Raises:
        ValueError: there is no chord, a token occurs twice, or there are too many.
    """

    def __init__(self, tokens: Sequence[Part]) -> None:
        self.tokens = tuple(tokens)
        self._ids: dict[Part, int] = {token: i for i, token in enumerate(tokens, START + 1)}
        if len(self._ids) != len(self.tokens):
            raise ValueError("a token occurs twice in the vocabulary")
        if len(self) > MAX_SIZE:
            raise ValueError(f"the vocabulary has {len(self)} entries, expected {MAX_SIZE} at most")
        self.chords = {
            i: token for token, i in self._ids.items() if isinstance(token, Chord | PitchClasses)
        }
        self.joined = {i: token for token, i in self._ids.items() if isinstance(token, Joined)}
        self.gaps = {i: token for token, i in self._ids.items() if isinstance(token, Gap)}
        self.onsets = np.isin(np.arange(len(self)), list(self.chords))
        if not self.chords:
            raise ValueError("the vocabulary has no chord")
        self._by_classes = {
            frozenset(token.classes): i
            for token, i in self._ids.items()
            if isinstance(token, PitchClasses)
        }
        self._largest = max(len(chord.pitches) for chord in self.chords.values())
        self._reduced: dict[Part, int | None] = {}

    @classmethod
    def build(
        cls, counts: Mapping[Part, int], *, size: int = 1024, min_count: int = 2
    ) -> "Vocabulary":
        """The commonest tokens of a corpus.

        Args:
            counts: how often each token occurs.
            size: how many ids at most, the start's included; 2 or more.
            min_count: tokens that occur less often are left out.

        Raises:
            ValueError: nothing is left.
        """
        common = sorted(
            (token for token, count in counts.items() if count >= min_count),
            key=lambda token: (-counts[token], _by_pitch(token)),
        )
        return cls(sorted(common[: size - 1], key=_by_pitch))

    @property
    def spelling(self) -> Literal["notes", "chords"]:
        """How it knows chords: note by note, or whole."""
        return "notes" if self.joined else "chords"

    def __len__(self) -> int:
        """The number of ids, the start's included: the width of a network's last layer."""
        return len(self.tokens) + 1

    def __contains__(self, token: Token) -> bool:
        return all(map(self.knows, self._parts(token)))

    def knows(self, part: Part) -> bool:
        """Whether this very token, or joined note, is in the vocabulary."""
        return self._find(part) is not None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vocabulary) and self.tokens == other.tokens

    def __hash__(self) -> int:
        return hash(self.tokens)

    def token(self, token_id: int) -> Part:
        """The token of an id other than the start's."""
        return self.tokens[token_id - 1]

    def id(self, token: Part) -> int | None:
        """The id of a token, or of what it is reduced to.

        None where there is nothing of its kind: for a gap or for a joined note.
        """
        found = self._find(token)
        if found is not None:
            return found
        if token not in self._reduced:
            if len(self._reduced) == _REMEMBERED:
                self._reduced.clear()
            self._reduced[token] = self._nearest(token)
        return self._reduced[token]

    def ids(self, tokens: Iterable[Token]) -> list[int]:
        """The ids of a token stream."""
        return [token_id for token in tokens for token_id in self._spell(token)]

    def heard(self, tokens: Iterable[Token]) -> list[Token]:
        """A token stream as the vocabulary knows it: reduced where it must be."""
        return whole(map(self.token, self.ids(tokens)))

    def _spell(self, token: Token) -> Iterator[int]:
        top = -1
        for part in self._parts(token):
            found = self.id(part)
            if found in self.joined:
                # A note that isn't known may have gone to one that has begun already.
                if (pitch := self.joined[found].pitch) <= top:
                    continue
                top = pitch
            elif found in self.chords:
                top = self.chords[found].pitches[-1]
            if found is not None:
                yield found

    def _parts(self, token: Token) -> list[Part]:
        return by_note(token) if self.joined else [token]

    def _find(self, token: Part) -> int | None:
        found = self._ids.get(token)
        if found is None and self._by_classes and isinstance(token, Chord):
            classes = frozenset(pitch % 12 for pitch in token.pitches)
            if len(token.pitches) > 1:  # the key of a single note is known by its octave
                return self._by_classes.get(classes)
        return found

    def _nearest(self, token: Part) -> int | None:
        """What stands in for a token that has no id."""
        if isinstance(token, Gap):
            return min(self.gaps, key=lambda i: abs(self.gaps[i].ticks - token.ticks), default=None)
        if isinstance(token, Joined):
            away = {i: note.pitch - token.pitch for i, note in self.joined.items()}
            return min(away, key=lambda i: (away[i] % 12 != 0, abs(away[i])), default=None)
        return self._reduce(token.pitches)

    def _reduce(self, pitches: tuple[int, ...]) -> int:
        """A chord without some of its inner voices, its outer two, its top, or that elsewhere."""
        bass, *inner, top = pitches if len(pitches) > 1 else pitches * 2
        # The lower inner voices go first: close to the bass they are heard least.
        inner = inner[max(0, len(inner) + 1 - self._largest) :]
        while inner:
            for left_out in range(len(inner)):
                fewer = (bass, *inner[:left_out], *inner[left_out + 1 :], top)
                if (found := self._find(Chord(fewer))) is not None:
                    return found
            inner.pop(0)
        for smaller in (Chord((bass, top)), Chord((top,))):
            if (found := self._find(smaller)) is not None:
                return found
        return min(self.chords, key=lambda i: _distance(self.chords[i], top))


def _by_pitch(token: Part) -> tuple[int, int, int, str]:
    if isinstance(token, Gap):
        return (2, token.ticks, 0, "")
    if isinstance(token, Joined):
        return (1, token.pitch, 0, "")
    return (0, token.pitches[-1], len(token.pitches), str(token))


def _distance(chord: Chord | PitchClasses, top: int) -> tuple[bool, bool, int, int]:
    """How ill a chord stands in for a note: its octaves first, then other notes, then chords."""
    away = chord.pitches[-1] - top
    return (len(chord.pitches) > 1, away % 12 != 0, abs(away), away)
