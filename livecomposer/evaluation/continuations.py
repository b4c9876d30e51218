"""What a model plays after primers from held-out pieces, and how these pieces really go on.

A stretch of music is a list of onsets, (tick, pitches) each. Primers are `STRETCH` long; both
continuations go on for `LONG`, a piece's own unless it ends before.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from livecomposer.live.continuation import Continuation, Onset
from livecomposer.live.offline import prime
from livecomposer.music.events import NoteOn
from livecomposer.music.tempo import TICKS_PER_BEAT
from livecomposer.music.tokeniser import TokeniserSettings
from livecomposer.training.corpus import Piece

STRETCH = 32 * TICKS_PER_BEAT
LONG = 128 * TICKS_PER_BEAT
"""So long that even in the longest gaps (4 beats) a continuation has room for 64 tokens."""
_FEWEST_ONSETS = 16

Stretch = list[Onset]


@dataclass(frozen=True, slots=True)
class Case:
    """A primer and its two continuations."""

    primer: Stretch
    machine: Stretch
    real: Stretch


def choose_primers(
    pieces: Sequence[Piece], number: int, rng: np.random.Generator
) -> list[tuple[Stretch, Stretch]]:
    """Stretches of pieces, and what follows each: as many as asked for, or as there are.

    A piece gives more primers the longer it is; each begins on a beat, and is followed by as much
    again or more.
    """
    places = [
        (piece, begin)
        for piece in pieces
        for begin in range(0, int(piece.notes[-1, 0]) - 2 * STRETCH, TICKS_PER_BEAT)
    ]
    chosen: list[tuple[Stretch, Stretch]] = []
    for i in rng.permutation(len(places)).tolist():
        piece, begin = places[i]
        primer = _stretch(piece, begin, STRETCH)
        following = _stretch(piece, begin + STRETCH, LONG)
        if min(len(primer), len(opening(following))) >= _FEWEST_ONSETS:
            chosen.append((primer, following))
        if len(chosen) == number:
            break
    return chosen


def continue_primers(
    primers: Sequence[tuple[Stretch, Stretch]],
    fresh: Callable[[], Continuation],
    settings: TokeniserSettings,
) -> Iterator[Case]:
    """Let the machine go on from each primer.

    Args:
        primers: each with what really follows.
        fresh: gives a continuation that has heard nothing.
        settings: the tokeniser's.
    """
    for primer, real in primers:
        primed = prime(events_of(primer), fresh(), settings)
        notes = primed.go_on(length=LONG, max_duration=TICKS_PER_BEAT, ways=1)
        yield Case(primer, [(note.onset, note.pitches) for note in notes], real)


def events_of(stretch: Stretch) -> list[NoteOn]:
    """A stretch's notes."""
    return [NoteOn(tick, pitch) for tick, pitches in stretch for pitch in pitches]


def opening(stretch: Stretch) -> Stretch:
    """The first `STRETCH` of a longer one."""
    return [onset for onset in stretch if onset[0] < stretch[0][0] + STRETCH]


def _stretch(piece: Piece, begin: int, length: int) -> Stretch:
    first, last = np.searchsorted(piece.notes[:, 0], (begin, begin + length))
    onsets: dict[int, list[int]] = {}
    for tick, pitch in piece.notes[first:last, :2].tolist():
        onsets.setdefault(tick, []).append(pitch)
    return [(tick, tuple(pitches)) for tick, pitches in onsets.items()]
