"""The machine's turn: from a slot of the grid to an end, one onset after the other.

Onsets are drawn one ahead, since a note's end is the next one's beginning.
"""

from livecomposer.live.continuation import Continuation, Memento, Onset
from livecomposer.music.events import Note
from livecomposer.music.tokeniser import Tokeniser


class Answer:
    """An answer under way. All positions are ticks.

    Args:
        continuation: draws the onsets.
        tokeniser: knows the last onset heard, and is told the last one played.
        start: the first onset, on the grid.
        end: where the answer ends; its last note ends there at the latest.
        max_duration: of a note.
        velocity: of every note, 1-127.

    Attributes:
        end: as given.
    """

    def __init__(
        self,
        continuation: Continuation,
        tokeniser: Tokeniser,
        start: int,
        end: int,
        *,
        max_duration: int,
        velocity: int,
    ) -> None:
        self.end = end
        self._continuation, self._tokeniser = continuation, tokeniser
        self._max_duration, self._velocity = max_duration, velocity
        self._last_heard = tokeniser.previous_onset
        # The onsets drawn, with what the model was before each.
        self._drawn: list[tuple[Onset, Memento]] = []
        before = continuation.save()
        first = continuation.begin(start, tokeniser.gap_to(start))
        self._drawn.append((first, before))

    @property
    def next_onset(self) -> int:
        """The onset that is to be handed over next."""
        return self._drawn[-1][0][0]

    def notes_until(self, tick: int) -> list[Note]:
        """Hand over the notes whose onsets lie at `tick` or before."""
        notes = []
        while self.next_onset <= tick and self.next_onset < self.end:
            onset, pitches = self._drawn[-1][0]
            before = self._continuation.save()
            self._drawn.append((self._continuation.go_on(onset), before))
            duration = min(self.next_onset, self.end, onset + self._max_duration) - onset
            notes.append(Note(onset, duration, pitches, self._velocity))
        return notes

    def end_at(self, tick: int) -> None:
        """Take back what was drawn for `tick` or later: it never sounds."""
        sounded = [onset for (onset, _), _ in self._drawn if onset < tick]
        if len(sounded) < len(self._drawn):
            self._continuation.restore(self._drawn[len(sounded)][1])
        self._tokeniser.previous_onset = sounded[-1] if sounded else self._last_heard
