"""Reading JACK's transport, in the process callback: what it does, whenever that changes."""

import math
from typing import Any

import jack

from livecomposer.live.jack_clock import Transport

_BBT, _BBT_OFFSET = 0x10, 0x40  # what is valid in a position, by its mask


class TransportReader:
    """The transport of a client's server."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._seen: tuple[object, ...] = ()

    def read(self, start: int, offset_ns: int | None) -> Transport | None:
        """What it does from a cycle on; None if that is no news.

        Args:
            start: the first frame of the cycle.
            offset_ns: when frame 0 was: where frames are late, so is the transport.
        """
        state, position = self._client.transport_query_struct()
        rolling = state == jack.ROLLING
        has_beats = bool(position.valid & _BBT) and _makes_sense(position)
        tempo = position.beats_per_minute if has_beats else None
        # While it rolls steadily, its frames are the server's, but for a constant.
        seen = (rolling, rolling and (position.frame - start) & 0xFFFFFFFF, tempo, offset_ns)
        if seen == self._seen:
            return None
        self._seen = seen
        seconds = position.frame / position.frame_rate
        return Transport(rolling, seconds, _quarter_notes(position) if has_beats else None, tempo)


def _makes_sense(position: Any) -> bool:
    """Whether a master has filled in what it says is valid."""
    numbers = (
        position.beats_per_minute,
        position.beats_per_bar,
        position.beat_type,
        position.ticks_per_beat,
    )
    return all(math.isfinite(number) and number > 0 for number in numbers)


def _quarter_notes(position: Any) -> float:
    """The beats of a transport's position, which are of any kind, as quarter notes from its start.

    As most do, we take its tempo as quarter notes a minute, and the metre to be the same from the
    first bar on.
    """
    bars, beats = position.bar - 1, position.beat - 1
    beats += bars * position.beats_per_bar + position.tick / position.ticks_per_beat
    quarters: float = beats * 4 / position.beat_type
    if position.valid & _BBT_OFFSET:  # what it says is true of an earlier frame
        quarters += position.bbt_offset / position.frame_rate * position.beats_per_minute / 60
    return quarters
