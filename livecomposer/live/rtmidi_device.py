"""A port through rtmidi: one of our own, or a device's, which may be unplugged and come back."""

import logging
import threading
import time
from collections.abc import Sequence
from typing import Any

from livecomposer.live.complaints import quiet
from livecomposer.live.patchbay import find_again
from livecomposer.live.ports import Failed, ImmediateOutput, Receive

log = logging.getLogger(__name__)

_DRAIN_S = 0.05
"""JACK sends in its next period, and a port that is gone sends nothing more."""


class RtMidiDevice:
    """A client of the system's, open.

    Args:
        midi: rtmidi's.
        name: that of an own port; or how the device's begins.
        opened: the device's port, as the system has it; "" for an own one.
    """

    def __init__(self, midi: Any, name: str, opened: str) -> None:
        self._midi, self.name, self._opened = midi, name, opened
        self._there = True
        self._opening = threading.Lock()  # while this is held, nothing is sent

    @property
    def is_own(self) -> bool:
        """Whether it is a port of our own."""
        return not self._opened

    @property
    def reached(self) -> str:
        """What the port is called."""
        return self._opened or self.name

    def look(self) -> tuple[str, str]:
        """Open it where it has come back; returns what has vanished and what is back, or ""."""
        if self.is_own:
            return "", ""
        ports = self._midi.get_ports()
        gone = self._opened if self._there and self._opened not in ports else ""
        self._there &= not gone
        if self._there:
            return "", ""
        back = find_again(self._opened, ports)
        if back is None:
            return gone, ""
        try:
            with self._opening, quiet():
                self._midi.close_port()
                self._midi.open_port(ports.index(back), self.name)
                self._opened, self._there = back, True
        except Exception as error:  # rtmidi's own class: it is busy, or has gone again
            log.debug("%s: %s", back, error)
            return gone, ""
        return gone, back

    def close(self) -> None:
        """Close it for good."""
        with quiet():  # a system that is gone has its library complain
            self._midi.delete()


class RtMidiInput(RtMidiDevice):
    """An input port of the system's."""

    def start(self, receive: Receive, failed: Failed) -> None:
        """See `InputPort`. Active sensing and system exclusive don't get through."""

        # This runs in the system's own MIDI thread: it hands on, and does nothing else.
        def stamp(event: tuple[Sequence[int], float], _data: object) -> None:
            try:
                receive([(time.monotonic_ns(), bytes(event[0]))])
            except Exception as error:  # raised here, it would vanish
                failed(error)

        self._midi.ignore_types(sysex=True, timing=False, active_sense=True)
        self._midi.set_callback(stamp)

    def close(self) -> None:
        """See `InputPort`."""
        self._midi.cancel_callback()
        super().close()


class RtMidiOutput(RtMidiDevice, ImmediateOutput):
    """An output port of the system's."""

    def __init__(self, midi: Any, name: str, opened: str, realtime: bool) -> None:
        RtMidiDevice.__init__(self, midi, name, opened)
        ImmediateOutput.__init__(self, name, realtime)

    def send(self, message: bytes) -> None:
        """See `ImmediateOutput`. To a device that has vanished, nothing is sent."""
        with self._opening:
            if self._there:
                self._midi.send_message(message)

    def close(self) -> None:
        """See `OutputPort`."""
        time.sleep(_DRAIN_S)
        super().close()
