"""What may be drawn: which notes, in which chords, at which times.

Constraints mask the model's probabilities before an id is drawn. They hold for what sounds, so for
the machine's own notes after they were transposed; what the player plays is heard as it is. Where
the key would leave no note within the range, it gives way; the range, the size of chords and the
grid never do.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from livecomposer.music.keys import Key
from livecomposer.music.tempo import GRID, TICKS_PER_BEAT, ceil_to, snap
from livecomposer.music.tokeniser import UNWRITTEN_GAP, TokeniserSettings
from livecomposer.music.tokens import Gap, spell_pitch
from livecomposer.music.vocabulary import Vocabulary

Allowed = npt.NDArray[np.bool_]
"""(V,): which ids may be drawn."""

Steps = dict[Gap | None, int]
"""How many ticks later the next onset is, by the gap that is written, if one is."""


@dataclass(frozen=True, slots=True)
class Constraints:
    """What the machine keeps to.

    Attributes:
        key: the key whose notes are played only, if any.
        lowest, highest: the range of pitches, 0-127, both included.
        largest_chord: notes in a chord at most, 1 or more.
        transpose: semitones that its notes sound above what the model means.
        grid: onsets are multiples of this, in ticks.
        longest_rest: from one onset to the next at most, in ticks.
    """

    key: Key | None = None
    lowest: int = 0
    highest: int = 127
    largest_chord: int = 128
    transpose: int = 0
    grid: int = GRID
    longest_rest: int = 16 * TICKS_PER_BEAT


class NothingAllowedError(ValueError):
    """The vocabulary has no note that may be played; the message says what is asked for."""


class Masks:
    """Constraints, as masks over a vocabulary's ids.

    Args:
        vocabulary: V ids.
        timing: how its tokens spell time.
        constraints: to be kept to.

    Attributes:
        chords: which chords, or lowest notes of chords, may be drawn.
        joined: (V,): the pitches of the notes that may join a chord; -1 for all other ids.

    Raises:
        NothingAllowedError: no chord is within the range and no larger than allowed.
    """

    def __init__(
        self, vocabulary: Vocabulary, timing: TokeniserSettings, constraints: Constraints
    ) -> None:
        self._vocabulary, self._timing, self._constraints = vocabulary, timing, constraints
        sizes = constraints.largest_chord
        within = _ids(
            vocabulary,
            [
                token_id
                for token_id, chord in vocabulary.chords.items()
                if len(chord.pitches) <= sizes and all(map(self._in_range, chord.pitches))
            ],
        )
        if not within.any():
            low, high = map(spell_pitch, (constraints.lowest, constraints.highest))
            raise NothingAllowedError(
                f"these weights know no chord of {sizes} notes or fewer from {low} to {high}"
            )
        in_key = _ids(
            vocabulary,
            [
                token_id
                for token_id, chord in vocabulary.chords.items()
                if all(map(self._in_key, chord.pitches))
            ],
        )
        self.chords = within & in_key if (within & in_key).any() else within
        self.joined = np.full(len(vocabulary), -1)
        for token_id, note in vocabulary.joined.items():
            if self._in_range(note.pitch) and self._in_key(note.pitch):
                self.joined[token_id] = note.pitch
        self._steps: dict[tuple[int, int], tuple[Allowed, Steps]] = {}

    def after(self, onset: int, earliest: int) -> tuple[Allowed, Steps]:
        """What may come after an onset, on the grid or (a player's) off it.

        Args:
            onset: the last one.
            earliest: the next may not come before this.

        Returns:
            The gaps, and chords if the gap that isn't written leads to the grid; and how many
            ticks later the next onset is, by gap, with None for the one that isn't written.
        """
        first = ceil_to(max(onset + 1, earliest), self._constraints.grid)
        if self._timing.timing == "fixed":
            return self.chords, {None: first - onset}
        phase = onset % math.lcm(self._constraints.grid, self._timing.resolution)
        ahead = min(first - onset, self._constraints.longest_rest + 1)
        if (phase, ahead) not in self._steps:
            self._steps[phase, ahead] = self._steps_from(phase, phase + ahead)
        return self._steps[phase, ahead]

    def _steps_from(self, onset: int, first: int) -> tuple[Allowed, Steps]:
        """See `after`: the next onset may come at `first`, or at a later place of the grid."""
        grid, resolution = self._constraints.grid, self._timing.resolution
        # The machine hears itself as it would hear a player: each onset snaps to the resolution.
        heard: dict[int, int] = {}
        for later in range(first, onset + self._constraints.longest_rest + 1, grid):
            heard.setdefault(snap(later, resolution) - snap(onset, resolution), later - onset)
        gaps = self._vocabulary.gaps
        on_grid = [token_id for token_id, gap in gaps.items() if gap.ticks in heard]
        allowed = _ids(self._vocabulary, on_grid)
        steps: Steps = {gaps[token_id]: heard[gaps[token_id].ticks] for token_id in on_grid}
        if UNWRITTEN_GAP in heard:
            steps[None] = heard[UNWRITTEN_GAP]
            allowed |= self.chords
        return allowed, steps

    def _in_range(self, pitch: int) -> bool:
        sounding = pitch + self._constraints.transpose
        return self._constraints.lowest <= sounding <= self._constraints.highest

    def _in_key(self, pitch: int) -> bool:
        key = self._constraints.key
        return key is None or (pitch + self._constraints.transpose) % 12 in key.classes


def _ids(vocabulary: Vocabulary, ids: list[int]) -> Allowed:
    allowed = np.zeros(len(vocabulary), bool)
    allowed[ids] = True
    return allowed
