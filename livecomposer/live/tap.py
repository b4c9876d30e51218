"""Tap tempo: a control that is struck on the beat."""

from itertools import pairwise

from livecomposer.live.clock import MAX_BPM, MIN_BPM, InternalClock

_TAPS = 3  # to set a tempo: one stray touch is none
_REMEMBERED = 8
_NS_PER_MINUTE = 60_000_000_000


class TapTempo:
    """Sets a clock's tempo by taps.

    Args:
        clock: whose tempo.
    """

    def __init__(self, clock: InternalClock) -> None:
        self._clock = clock
        self._taps: list[int] = []

    def tap(self, ns: int) -> None:
        """It was struck."""
        if self._taps and ns - self._taps[-1] < _NS_PER_MINUTE // MAX_BPM:
            return  # a bounce
        if self._taps and ns - self._taps[-1] > _NS_PER_MINUTE // MIN_BPM:
            self._taps.clear()
        self._taps = [*self._taps[1 - _REMEMBERED :], ns]
        if len(self._taps) >= _TAPS:
            intervals = [later - earlier for earlier, later in pairwise(self._taps)]
            if max(intervals) > 1.5 * min(intervals):  # another tempo begins, or a stray touch
                self._taps = self._taps[-2:]
                return
            self._clock.set_tempo(ns, _NS_PER_MINUTE * len(intervals) / sum(intervals))
