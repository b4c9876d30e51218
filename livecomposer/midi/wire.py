"""MIDI 1.0 bytes -> events. Any bytes will do: what makes no sense is passed over.

Here a note-on of velocity 0 becomes a note-off, and channel 10, the drums, falls silent.
"""

import re

from livecomposer.music.events import (
    DRUM_CHANNEL,
    AllNotesOff,
    Event,
    NoteOff,
    NoteOn,
    Sustain,
)

NOTE_OFF, NOTE_ON, CONTROL_CHANGE, PROGRAM_CHANGE = 0x80, 0x90, 0xB0, 0xC0
POLY_PRESSURE, CHANNEL_PRESSURE, PITCH_BEND = 0xA0, 0xD0, 0xE0
FIRST_SYSTEM, SONG_POSITION = 0xF0, 0xF2
PULSES_PER_SIXTEENTH = 6
"""MIDI clock's pulses in a sixteenth, the unit of song position."""

CLOCK, START, CONTINUE, STOP = 0xF8, 0xFA, 0xFB, 0xFC
SUSTAIN, RESET_CONTROLLERS, ALL_SOUND_OFF, ALL_NOTES_OFF = 64, 121, 120, 123

# Data bytes after a status byte: by its upper half for channel messages, whole for the system's.
_LENGTHS = {0x80: 2, 0x90: 2, 0xA0: 2, 0xB0: 2, 0xC0: 1, 0xD0: 1, 0xE0: 2}
_UNDEFINED = (0xF9, 0xFD)
_SYSTEM_LENGTHS = {0xF1: 1, 0xF2: 2, 0xF3: 1}
_RUNS = re.compile(rb"[\x80-\xff]|[\x00-\x7f]+")  # a status byte, or data bytes


def silences(message: bytes) -> bool:
    """Whether it is All Sound Off or All Notes Off."""
    controller = message[0] & 0xF0 == CONTROL_CHANGE
    return controller and message[1] in (ALL_SOUND_OFF, ALL_NOTES_OFF)


def releases(message: bytes) -> bool:
    """Whether a channel message lets a key or the pedal go."""
    status = message[0] & 0xF0
    if status == CONTROL_CHANGE:
        return message[1] == SUSTAIN and message[2] < 64
    return status == NOTE_OFF or (status == NOTE_ON and not message[2])


class WireParser:
    """Cuts a stream of bytes, in any portions, into messages.

    Knows running status, real-time bytes in the middle of other messages, and system exclusive
    of any length, which it skips.
    """

    def __init__(self) -> None:
        self._status = 0  # of the message under way, or running; 0 for none
        self._data = bytearray()
        self._wanted = 0

    def feed(self, data: bytes) -> list[bytes]:
        """Take bytes; return the messages that they complete, each with its status byte."""
        messages: list[bytes] = []
        for run in _RUNS.findall(data):
            byte = run[0]
            if byte >= 0xF8:
                if byte not in _UNDEFINED:
                    messages.append(run)
            elif byte >= 0x80:
                self._status, self._wanted = byte, self._data_bytes(byte)
                self._data.clear()
                if not self._wanted:
                    self._status = 0
            elif self._status:
                self._take(run, messages)
        return messages

    def _take(self, run: bytes, messages: list[bytes]) -> None:
        """Take data bytes of the message under way, and of those that follow with its status."""
        self._data += run
        while self._status and len(self._data) >= self._wanted:
            messages.append(bytes((self._status, *self._data[: self._wanted])))
            del self._data[: self._wanted]
            if self._status >= FIRST_SYSTEM:  # only channel messages have running status
                self._status = 0
                self._data.clear()

    @staticmethod
    def _data_bytes(status: int) -> int:
        return _SYSTEM_LENGTHS.get(status, 0) if status >= 0xF0 else _LENGTHS[status & 0xF0]


def event_of(message: bytes, tick: int) -> Event | None:
    """A whole message as an event at `tick`; None for one that means nothing here.

    System messages are none: what a transport does is for the clock to follow.
    """
    status, channel = message[0] & 0xF0, message[0] & 0x0F
    if status >= FIRST_SYSTEM or channel == DRUM_CHANNEL:
        return None
    if status == NOTE_ON and message[2]:
        return NoteOn(tick, message[1], message[2], channel)
    if status in (NOTE_ON, NOTE_OFF):
        return NoteOff(tick, message[1], channel)
    if status == CONTROL_CHANGE:
        return _control(message[1], message[2], tick, channel)
    return None


def _control(controller: int, value: int, tick: int, channel: int) -> Event | None:
    if controller == SUSTAIN:
        return Sustain(tick, value >= 64, channel)
    if controller == RESET_CONTROLLERS:
        return Sustain(tick, down=False, channel=channel)
    if controller == ALL_SOUND_OFF or controller >= ALL_NOTES_OFF:
        return AllNotesOff(tick, channel)
    return None
