"""What the player's keys and pedals hold."""

from livecomposer.music.events import AllNotesOff, NoteOff, NoteOn, Sustain


class Hands:
    """Which notes the player's keys and pedals hold."""

    def __init__(self) -> None:
        self._keys: set[tuple[int, int]] = set()  # channel, pitch
        self._released: set[tuple[int, int]] = set()  # but held by the pedal
        self._pedals: set[int] = set()

    @property
    def sounding(self) -> bool:
        """Whether any note is held."""
        return bool(self._keys or self._released)

    @property
    def pedal(self) -> bool:
        """Whether a pedal is down."""
        return bool(self._pedals)

    def take(self, event: NoteOn | NoteOff | Sustain | AllNotesOff) -> set[tuple[int, int]]:
        """Take an event of the player's; returns what has ended by it: channels and pitches."""
        channel, before = event.channel, self._keys | self._released
        match event:
            case NoteOn():
                self._keys.add((channel, event.pitch))
            case NoteOff():
                if (channel, event.pitch) in self._keys and channel in self._pedals:
                    self._released.add((channel, event.pitch))
                self._keys.discard((channel, event.pitch))
            case Sustain(down=True):
                self._pedals.add(channel)
            case _:
                self._pedals.discard(channel)
                self._released = {held for held in self._released if held[0] != channel}
        if isinstance(event, AllNotesOff):
            self._keys = {held for held in self._keys if held[0] != channel}
        return before - self._keys - self._released
