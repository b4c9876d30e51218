"""Tap tempo: a key or a controller that is struck on the beat."""

from itertools import pairwise

from livecomposer import config
from livecomposer.live.clock import MAX_BPM, MIN_BPM, InternalClock
from livecomposer.midi.wire import CONTROL_CHANGE, NOTE_OFF, NOTE_ON

_TAPS = 3  # to set a tempo: one stray touch is none
_REMEMBERED = 8
_NS_PER_MINUTE = 60_000_000_000


class TapTempo:
    """Sets a clock's tempo by taps.

    Args:
        mapping: what taps, on any channel.
        clock: whose tempo.
    """

    def __init__(self, mapping: config.Tap, clock: InternalClock) -> None:
        self._mapping, self._clock = mapping, clock
        self._taps: list[int] = []

    def take(self, ns: int, message: bytes) -> bool:
        """Take a message of the player's at `ns`; returns whether it is the tap's, not music."""
        status = message[0] & 0xF0
        statuses = (NOTE_ON, NOTE_OFF) if self._mapping.kind == "note" else (CONTROL_CHANGE,)
        if status not in statuses or message[1] != self._mapping.number:
            return False
        threshold = 1 if self._mapping.kind == "note" else 64
        if status != NOTE_OFF and message[2] >= threshold:
            self._tap(ns)
        return True

    def _tap(self, ns: int) -> None:
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
