"""The music of both parts, as the model hears it: onsets in order of time, and what comes next.

The model takes each onset as it comes. What it took last can still change: a note of the player's
may join a chord of the machine's, and what was drawn may never sound. Then the model goes back to
before that, and takes anew what follows.
"""

from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

from livecomposer.live.continuation import Continuation, Memento, Onset, Pitches
from livecomposer.music.tempo import TICKS_PER_BEAT, ceil_to, snap
from livecomposer.music.tokeniser import TokeniserSettings, gap_between
from livecomposer.music.tokens import Chord

ENDING = 2 * TICKS_PER_BEAT
"""How long before its end, in ticks, a line may have its last onset at the most."""
_TOLD = 16
"""Onsets that another model hears when it takes over: as many as take no time."""
_KEPT = 32
"""Onsets that can still change: more than any that are drawn ahead."""


@dataclass(slots=True)
class _Taken:
    """What begins at one tick.

    Attributes:
        tick: where; the player's are snapped to the resolution.
        before: what the model was before it.
        heard: the player's pitches.
        drawn: the machine's, as the model means them.
    """

    tick: int
    before: Memento
    heard: Pitches = ()
    drawn: Pitches = ()


class Way(NamedTuple):
    """A way to end that was tried.

    Attributes:
        repose: how well it ends.
        likelihood: the negative loss an onset, in nats.
        onsets: the machine's.
    """

    repose: int
    likelihood: float
    onsets: tuple[_Taken, ...]

    def worth(self) -> tuple[int, float]:
        """What is more for a better one."""
        return self.repose, self.likelihood


class Stream:
    """Both parts, as one stream of onsets. Positions are ticks.

    Args:
        continuation: the model; nothing but this stream may move it.
        settings: how time becomes tokens.
    """

    def __init__(self, continuation: Continuation, settings: TokeniserSettings) -> None:
        self._continuation, self._settings = continuation, settings
        self._before: int | None = None  # the onset before those that are kept
        self._taken: deque[_Taken] = deque()

    def hear(self, tick: int, pitches: Pitches) -> None:
        """Take an onset of the player's."""
        later = self._go_back(tick)
        if later and self._snap(later[0].tick) == self._snap(tick):
            together = later.pop(0)
            heard = tuple(sorted({*together.heard, *pitches}))
            self._take(together.tick, heard, together.drawn)
        else:
            self._take(tick, pitches, ())
        for each in later:
            self._take(each.tick, each.heard, each.drawn)

    def slot(self, earliest: int) -> int:
        """The first place on the grid from `earliest` on that comes after all there is."""
        grid = self._continuation.grid
        slot = ceil_to(earliest, grid)
        while self._last is not None and self._snap(slot) <= self._snap(self._last):
            slot += grid
        return slot

    def begin(self, tick: int) -> Onset:
        """Let the model play at `tick`, a `slot`.

        Returns:
            The onset, and the pitches that sound.
        """
        before = self._continuation.save()
        self._hear_gap(tick, own=True)
        return self._draw(before, tick, self._continuation.draw_chord())

    def go_on(self, earliest: int) -> Onset:
        """Let the model play when it likes, after all there is.

        Args:
            earliest: not before this.

        Returns:
            As `begin`.
        """
        before = self._continuation.save()
        onset = self._last is not None and self._continuation.draw_onset(self._last, earliest)
        if not onset:
            return self.begin(self.slot(earliest))
        return self._draw(before, *onset)

    def try_way(self, earliest: int, end: int) -> Way | None:
        """Go on up to an end, and take it back: a way to end, where there are onsets before it.

        A way may end with its last onset, or with any of the last two beats: where music ends
        best (see `Continuation.repose`), and of places as good, where it has been likeliest: where
        the loss an onset is lowest.

        Args:
            earliest: no onset is drawn for before this,
            end: or for this or later.
        """
        before, model = self._continuation.save(), self._continuation
        number = self._go_on_to(earliest, end)
        taken = [self._taken.pop() for _ in range(number)][::-1]
        states = [*(each.before for each in taken[1:]), model.save()]
        model.restore(before)
        ways = []
        for n in range(number, 0, -1):
            last = taken[n - 1]
            if n < number and last.tick < end - ENDING:
                break
            nats = (states[n - 1].nats - before.nats) / n
            ways.append(Way(model.repose(last.tick, last.drawn), -nats, tuple(taken[:n])))
        return max(ways, key=Way.worth, default=None)

    def go(self, way: Way) -> list[Onset]:
        """Go a way that was tried from here; returns its onsets."""
        for each in way.onsets:
            self._take(each.tick, (), each.drawn)
        return [self._sounding(each.tick, each.drawn) for each in way.onsets]

    def _go_on_to(self, earliest: int, end: int) -> int:
        """Draw all onsets before an end; returns how many."""
        number = 0
        while (tick := self.go_on(earliest)[0]) < end:
            number += 1
            earliest = tick + 1
        self.take_back(tick)
        return number

    def take_back(self, tick: int) -> None:
        """What was drawn for `tick` or later never sounds."""
        for each in self._go_back(tick):
            drawn = each.drawn if each.tick < tick else ()
            if each.heard or drawn:
                self._take(each.tick, each.heard, drawn)

    def clear(self) -> None:
        """Let the model forget its context."""
        self._continuation.clear()
        self._taken.clear()
        self._before = None

    def exchange(self, continuation: Continuation, settings: TokeniserSettings) -> None:
        """Go on with another model: it hears the last onsets.

        Args:
            continuation: not moved by anything else from now on.
            settings: as it was trained.
        """
        last = list(self._taken)[-_TOLD:]
        self._continuation, self._settings = continuation, settings
        self.clear()
        for each in last:
            self._take(each.tick, each.heard, each.drawn)

    def last(self, tick: int) -> list[tuple[Pitches, Pitches]]:
        """What the player and the machine began at each of the last onsets up to `tick`."""
        transpose = self._continuation.transpose
        return [
            (each.heard, tuple(pitch + transpose for pitch in each.drawn))
            for each in self._taken
            if each.tick <= tick
        ]

    def refresh(self) -> None:
        """Forget, also in the model's state, what has left its context."""
        self._continuation.refresh()

    @property
    def _last(self) -> int | None:
        return self._taken[-1].tick if self._taken else self._before

    def _go_back(self, tick: int) -> list[_Taken]:
        """Forget what begins together with `tick`, or later; return it."""
        later: list[_Taken] = []
        while self._taken and self._snap(self._taken[-1].tick) >= self._snap(tick):
            later.insert(0, self._taken.pop())
        if later:
            self._continuation.restore(later[0].before)
        return later

    def _take(self, tick: int, heard: Pitches, drawn: Pitches) -> None:
        before = self._continuation.save()
        self._hear_gap(tick, own=not heard)
        self._continuation.hear(Chord(tuple(sorted({*heard, *drawn}))), own=not heard)
        self._keep(_Taken(tick, before, heard, drawn))

    def _draw(self, before: Memento, tick: int, pitches: Pitches) -> Onset:
        self._keep(_Taken(tick, before, drawn=pitches))
        return self._sounding(tick, pitches)

    def _sounding(self, tick: int, drawn: Pitches) -> Onset:
        return tick, tuple(pitch + self._continuation.transpose for pitch in drawn)

    def _hear_gap(self, tick: int, *, own: bool) -> None:
        last = None if self._last is None else self._snap(self._last)
        gap = gap_between(last, tick, self._settings)
        if gap:
            self._continuation.hear(gap, own=own)

    def _keep(self, taken: _Taken) -> None:
        self._taken.append(taken)
        while len(self._taken) > _KEPT:
            self._before = self._taken.popleft().tick

    def _snap(self, tick: int) -> int:
        return snap(tick, self._settings.resolution)
