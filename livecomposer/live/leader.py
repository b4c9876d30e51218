"""Leading others by MIDI clock: Start, 24 pulses a beat, and Stop at the end. Pure: ticks only."""

from livecomposer.midi.wire import CLOCK, CONTINUE, PULSES_PER_SIXTEENTH, SONG_POSITION, START, STOP
from livecomposer.music.tempo import TICKS_PER_BEAT, ceil_to

_POSITIONS = 1 << 14  # song position has 14 bits


class Leader:
    """What to send to those that follow, pulse by pulse. Song position 0 is the first beat."""

    def __init__(self) -> None:
        self._origin: int | None = None  # the tick of song position 0
        self.next_tick = 0

    def until(self, tick: int) -> list[tuple[int, bytes]]:
        """What is due until `tick`, each with its tick; ticks may not go back."""
        messages: list[tuple[int, bytes]] = []
        if self._origin is None:
            self._origin = self.next_tick = ceil_to(tick, TICKS_PER_BEAT)
            messages.append((self._origin, bytes((START,))))
        elif tick - self.next_tick > TICKS_PER_BEAT:
            # Time was lost. Not to be made up for by a burst, which nobody could follow.
            self.next_tick = ceil_to(tick, PULSES_PER_SIXTEENTH)
            messages += [(self.next_tick, message) for message in self._relocate()]
        while self.next_tick <= tick:
            messages.append((self.next_tick, bytes((CLOCK,))))
            self.next_tick += 1
        return messages

    def _relocate(self) -> list[bytes]:
        assert self._origin is not None  # noqa: S101 - only what has started is moved
        position = (self.next_tick - self._origin) // PULSES_PER_SIXTEENTH % _POSITIONS
        return [
            bytes((STOP,)),
            bytes((SONG_POSITION, position & 0x7F, position >> 7)),
            bytes((CONTINUE,)),
        ]
