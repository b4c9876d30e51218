"""What sounds, in bytes that another process can read: the last resort of silence.

A cell for each channel and key, and one for each channel that anything was sent on.
"""

from mmap import mmap

from livecomposer.midi.wire import ALL_NOTES_OFF, CONTROL_CHANGE, NOTE_OFF, SUSTAIN

MACHINE, PLAYER = 1, 2
"""By whom a note sounds: by both, if the player's are passed on."""
_EVER = 4
"""It has sounded: its end may have been lost."""

_CHANNELS, _KEYS = 16, 128
SIZE = _CHANNELS * (_KEYS + 1)
"""Bytes."""


class Ledger:
    """Notes that went out, or are about to, and whose ends have not.

    Args:
        cells: `SIZE` bytes; what they hold goes on to hold.
    """

    def __init__(self, cells: bytearray | mmap | None = None) -> None:
        self._cells = bytearray(SIZE) if cells is None else cells

    def use(self, channel: int) -> None:
        """Something is sent on a channel, 0-15."""
        self._cells[_CHANNELS * _KEYS + channel] = 1

    def begin(self, channel: int, pitch: int, by: int) -> None:
        """A note begins: to be noted before it goes out."""
        self.use(channel)
        self._cells[channel * _KEYS + pitch] |= by | _EVER

    def end(self, channel: int, pitch: int, by: int) -> None:
        """A note has ended: to be noted after that went out."""
        self._cells[channel * _KEYS + pitch] &= ~by

    def sounds(self, channel: int, pitch: int, by: int) -> bool:
        """Whether a note sounds by this one."""
        return bool(self._cells[channel * _KEYS + pitch] & by)

    def silence(self, *, ever: bool = False) -> list[bytes]:
        """What ends all: each note, and then the pedal up and all notes off on each channel.

        Args:
            ever: also each that has ever sounded: where its end may have been lost.
        """
        cells = bytes(self._cells)
        which = MACHINE | PLAYER | (_EVER if ever else 0)
        messages = []
        for channel in range(_CHANNELS):
            keys = cells[channel * _KEYS : (channel + 1) * _KEYS]
            messages += [
                bytes((NOTE_OFF | channel, pitch, 0))
                for pitch in range(_KEYS)
                if keys[pitch] & which
            ]
        for channel in range(_CHANNELS):
            if cells[_CHANNELS * _KEYS + channel]:
                messages.append(bytes((CONTROL_CHANGE | channel, SUSTAIN, 0)))
                messages.append(bytes((CONTROL_CHANGE | channel, ALL_NOTES_OFF, 0)))
        return messages
