"""What comes in at a port, on its way to the jam: no more than it can keep up with.

A port's thread puts in what came; the thread that composes takes out all that has come since, as
whole messages. Where there are several, only the last value of a controller counts. Whatever is
left out is counted; a note's end, and what a transport does, never is.
"""

from collections import deque
from collections.abc import Callable, Sequence

from livecomposer.midi.wire import (
    CHANNEL_PRESSURE,
    CLOCK,
    CONTINUE,
    CONTROL_CHANGE,
    FIRST_SYSTEM,
    NOTE_OFF,
    NOTE_ON,
    PITCH_BEND,
    POLY_PRESSURE,
    SONG_POSITION,
    START,
    STOP,
    WireParser,
)

Timed = tuple[int, bytes]
"""Nanoseconds of `time.monotonic_ns`, and bytes."""

MOST_WAITING = 5_000
"""Messages that wait, at most: half a second of a flood of 10,000 a second."""

_CLOCK_AND_TRANSPORT = tuple(
    bytes((status,)) for status in (SONG_POSITION, CLOCK, START, CONTINUE, STOP)
)
_NOTHING = b"\xf0"  # a system exclusive without an end, which any other message ends
_NAMED_BY = {CONTROL_CHANGE: 2, POLY_PRESSURE: 2, CHANNEL_PRESSURE: 1, PITCH_BEND: 1}
"""How many bytes say what a message gives a value, by its kind."""
# Controllers whose values are nothing without those before or after, or that are switches: bank
# select, data entry, pedals, parameter numbers, channel mode.
_IN_ORDER = frozenset((0, 6, 32, 38, *range(64, 70), *range(96, 102), *range(120, 128)))


class Intake:
    """Messages between a port's thread and the one that composes.

    Args:
        presses: whether a channel message presses a button: it counts, whatever follows it.
        takes: whether a message is of any interest.

    Attributes:
        excess: how many messages were left out.
    """

    def __init__(
        self,
        presses: Callable[[bytes], bool] = lambda _message: False,
        takes: Callable[[bytes], bool] = lambda _message: True,
    ) -> None:
        self._presses, self._takes = presses, takes
        self._parser = WireParser()
        self._portions: deque[Sequence[Timed]] = deque()
        self._came = self._taken = 0  # portions; each thread writes its own
        self.excess = 0

    def put(self, portions: Sequence[Timed]) -> None:
        """Put in bytes that came, in order of time. The port's thread's side."""
        if self._came - self._taken > MOST_WAITING:
            kept = [portion for portion in portions if _must_be_heard(portion[1])]
            self.excess += len(portions) - len(kept)
            # What follows a part that is left out must not be taken for more of another message.
            portions = [*kept, (portions[-1][0], _NOTHING)] if portions else kept
        self._came += len(portions)
        self._portions.append(portions)

    def take(self) -> list[Timed]:
        """All messages that have come since, in order. The composing thread's side."""
        messages: list[Timed] = []
        for _ in range(len(self._portions)):
            portions = self._portions.popleft()
            self._taken += len(portions)
            for ns, data in portions:
                found = self._parser.feed(data)
                messages += [(ns, message) for message in found if self._takes(message)]
        return messages if len(messages) < 2 else self._last_values(messages)

    def _last_values(self, messages: list[Timed]) -> list[Timed]:
        kept: list[Timed] = []
        seen: set[bytes] = set()
        for timed in reversed(messages):
            message = timed[1]
            what = _value_of(message)
            if what in seen and not self._presses(message):
                self.excess += 1
                continue
            if what:
                seen.add(what)
            kept.append(timed)
        kept.reverse()
        return kept


def _value_of(message: bytes) -> bytes | None:
    """What a message gives a value, that the next one for it replaces; None for other messages."""
    status = message[0] & 0xF0
    if status not in _NAMED_BY or (status == CONTROL_CHANGE and message[1] in _IN_ORDER):
        return None
    return message[: _NAMED_BY[status]]


def _must_be_heard(data: bytes) -> bool:
    """Whether bytes end a note, let go of something, or are a clock's or a transport's."""
    if len(data) < 3 or data[0] >= FIRST_SYSTEM:
        return data[:1] in _CLOCK_AND_TRANSPORT
    status = data[0] & 0xF0
    ends = status == NOTE_OFF or (status == NOTE_ON and not data[2])
    return ends or (status == CONTROL_CHANGE and data[1] in _IN_ORDER)
