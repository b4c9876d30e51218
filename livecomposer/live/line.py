"""What the machine plays, from a slot of the grid on: one onset after the other.

Onsets are drawn one ahead, since a note's end is the next one's beginning; and where the end of
the line is near, all up to that: in several ways, tried one by one, of which the best is gone.
"""

from collections import deque
from collections.abc import Callable

from livecomposer.live.continuation import Onset, Pitches
from livecomposer.live.phrase import Touch
from livecomposer.live.stream import ENDING, Stream, Way
from livecomposer.music.events import Note
from livecomposer.music.tempo import GRID

NEAR = ENDING + GRID
"""From where on an end is planned, in ticks before it: all places where it may end are."""


class Line:
    """A line under way. All positions are ticks.

    Args:
        stream: draws the onsets.
        start: the first onset, a slot of the stream's.
        end: where the line ends, its last note with it; None where that is not known yet.
        max_duration: of a note.
        touch: how notes are played.
        ways: how many ways to end are tried; with 1, the end is as it comes.

    Attributes:
        start: as given.
        touch: as given; it may be set.
    """

    def __init__(
        self,
        stream: Stream,
        start: int,
        end: int | None,
        *,
        max_duration: int,
        touch: Touch,
        ways: int = 1,
    ) -> None:
        self.start, self.touch = start, touch
        self._stream, self._max_duration, self._ways = stream, max_duration, ways
        self._end = end
        self._earliest = start  # what was before this was handed over, or left out
        self._drawn: deque[Onset] = deque([stream.begin(start)])  # never empty
        self._tried = 0  # ways to end
        self._best: Way | None = None  # of these
        self._planned = False  # all that is still to come is drawn

    @property
    def end(self) -> int | None:
        """Where the line ends."""
        return self._end

    def last_until(self, end: int | None, now: int) -> None:
        """End elsewhere; what comes next, comes `now` at the earliest."""
        if end == self._end:
            return
        self._end = end
        if self._planned:
            self.redraw(now)
        self._drop_plan()

    @property
    def next_onset(self) -> int:
        """The onset that is to be handed over, or left out, next."""
        return self._drawn[0][0]

    @property
    def ahead(self) -> list[Onset]:
        """The onsets that are drawn ahead, but not handed over yet."""
        return [onset for onset in self._drawn if onset[1] and not self._is_over(onset[0])]

    def _is_over(self, tick: int) -> bool:
        return self._end is not None and tick >= self._end

    @property
    def ready(self) -> bool:
        """Whether the next note can be handed over without delay: its end is known."""
        return self._planned or len(self._drawn) > 1

    def prepare(self) -> None:
        """Come nearer to that: draw an onset, or try one more way to end."""
        if self.ready:
            return
        earliest, end = self.next_onset + 1, self._end
        if self._ways == 1 or end is None or earliest <= end - NEAR:
            self._drawn.append(self._stream.go_on(earliest))
            return
        way = self._stream.try_way(earliest, end)
        self._best = max(filter(None, (self._best, way)), key=Way.worth, default=None)
        self._tried += 1
        if self._tried == self._ways:
            self._settle(end)

    def due(self, tick: int) -> bool:
        """Whether the next onset lies at `tick` or before, and before the end."""
        return self.next_onset <= tick and not self._is_over(self.next_onset)

    def play(self) -> Note:
        """Hand over the note of the next onset."""
        self.prepare()
        if not self.ready and self._end is not None:  # there was no time to try more
            self._settle(self._end)
        onset, pitches = self._drawn.popleft()
        self._earliest = onset + 1
        following = self.next_onset if self._end is None else min(self.next_onset, self._end)
        duration = min(self.touch.duration(following - onset), self._max_duration)
        return Note(onset, duration, pitches, self.touch.velocity(onset))

    def rest(self) -> None:
        """Leave the next onset out."""
        self._earliest = self.next_onset + 1
        self.redraw(self._earliest)

    def hear(self, now: int, tick: int, pitches: Pitches) -> None:
        """An onset of the player's comes in between: what was drawn ahead is drawn anew.

        Args:
            now: what comes next, comes then at the earliest.
            tick: the player's onset.
            pitches: what begins there.
        """
        self.redraw(now, lambda: self._stream.hear(tick, pitches))

    def redraw(self, now: int, change: Callable[[], None] = lambda: None) -> None:
        """What was drawn ahead is drawn anew, after a change of the stream's.

        Args:
            now: what comes next, comes then at the earliest.
            change: it may be one that the stream can't go back behind.
        """
        self._stream.take_back(self.next_onset)
        self._drop_plan()
        change()
        self._drawn = deque([self._stream.go_on(max(now, self._earliest))])

    def end_at(self, tick: int) -> None:
        """What was drawn for `tick` or later never sounds."""
        self._stream.take_back(tick)

    def _settle(self, end: int) -> None:
        """Go the best way that was tried."""
        if self._best:
            self._drawn.extend(self._stream.go(self._best))
        self._drawn.append((end, ()))
        self._planned = True

    def _drop_plan(self) -> None:
        self._tried, self._best, self._planned = 0, None, False
