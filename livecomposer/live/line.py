"""What the machine plays, from a slot of the grid on: one onset after the other.

Onsets are drawn one ahead, since a note's end is the next one's beginning.
"""

from livecomposer.live.continuation import Onset, Pitches
from livecomposer.live.phrase import Touch
from livecomposer.live.stream import Stream
from livecomposer.music.events import Note


class Line:
    """A line under way. All positions are ticks.

    Args:
        stream: draws the onsets.
        start: the first onset, a slot of the stream's.
        end: where the line ends, its last note with it; None where that is not known yet.
        max_duration: of a note.
        touch: how notes are played.

    Attributes:
        start: as given.
        end, touch: as given; they may be set.
    """

    def __init__(
        self, stream: Stream, start: int, end: int | None, *, max_duration: int, touch: Touch
    ) -> None:
        self.start, self.end, self.touch = start, end, touch
        self._stream = stream
        self._max_duration = max_duration
        self._next: Onset = stream.begin(start)
        self._earliest = start

    @property
    def next_onset(self) -> int:
        """The onset that is to be handed over, or left out, next."""
        return self._next[0]

    def due(self, tick: int) -> bool:
        """Whether the next onset lies at `tick` or before, and before the end."""
        return self.next_onset <= tick and (self.end is None or self.next_onset < self.end)

    def play(self) -> Note:
        """Hand over the note of the next onset."""
        onset, pitches = self._next
        self._go_on(onset + 1)
        following = self.next_onset if self.end is None else min(self.next_onset, self.end)
        duration = min(self.touch.duration(following - onset), self._max_duration)
        return Note(onset, duration, pitches, self.touch.velocity(onset))

    def rest(self) -> None:
        """Leave the next onset out."""
        self._stream.take_back(self.next_onset)
        self._go_on(self.next_onset + 1)

    def hear(self, now: int, tick: int, pitches: Pitches) -> None:
        """An onset of the player's comes in between: what was drawn ahead is drawn anew.

        Args:
            now: what comes next, comes then at the earliest.
            tick: the player's onset.
            pitches: what begins there.
        """
        self._stream.take_back(self.next_onset)
        self._stream.hear(tick, pitches)
        self._go_on(max(now, self._earliest))

    def end_at(self, tick: int) -> None:
        """What was drawn for `tick` or later never sounds."""
        self._stream.take_back(tick)

    def _go_on(self, earliest: int) -> None:
        self._earliest = earliest  # what was before this was handed over, or left out
        self._next = self._stream.go_on(earliest)
