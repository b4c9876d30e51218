"""The system's MIDI ports, through rtmidi: ALSA, JACK, CoreMIDI, WinMM. They send at once."""

import logging
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import rtmidi

from livecomposer import config
from livecomposer.live.ports import (
    ALSA_DEVICE,
    Failed,
    ImmediateOutput,
    PortError,
    Ports,
    Receive,
    match_port,
    unknown_port,
)

log = logging.getLogger(__name__)

_HELP = {
    "linux": "load ALSA's sequencer (modprobe snd-seq) or start a JACK server",
    "darwin": "check that CoreMIDI is running (Audio MIDI Setup)",
    "win32": "install a loopback port, such as loopMIDI's, and name it in [ports]",
}


class RtMidiInput:
    """An input port of the system's."""

    def __init__(self, midi: Any, name: str) -> None:
        self._midi, self.name = midi, name

    def start(self, receive: Receive, failed: Failed) -> None:  # noqa: ARG002 - it tells nothing
        """See `InputPort`. Active sensing and system exclusive don't get through."""

        # This runs in the system's own MIDI thread: it hands on, and does nothing else.
        def stamp(event: tuple[Sequence[int], float], _data: object) -> None:
            receive(time.monotonic_ns(), bytes(event[0]))

        self._midi.ignore_types(sysex=True, timing=False, active_sense=True)
        self._midi.set_callback(stamp)

    def close(self) -> None:
        """See `InputPort`."""
        self._midi.cancel_callback()
        self._midi.delete()


class RtMidiOutput(ImmediateOutput):
    """An output port of the system's."""

    def __init__(self, midi: Any, name: str, realtime: bool) -> None:
        super().__init__(name, realtime)
        self._midi = midi

    def send(self, message: bytes) -> None:
        """See `ImmediateOutput`."""
        self._midi.send_message(message)

    def close(self) -> None:
        """See `OutputPort`."""
        time.sleep(_DRAIN_S)
        self._midi.delete()


_DRAIN_S = 0.05
"""JACK sends in its next period, and a port that is gone sends nothing more."""


def open_rtmidi_ports(settings: config.PortsSection, clock_port: str) -> Ports:
    """See `open_ports`."""
    number = _choose_api(settings.api)
    wanted = [(rtmidi.MidiIn, settings.input), (rtmidi.MidiOut, settings.output)]
    if clock_port:
        wanted.append((rtmidi.MidiIn, "livecomposer clock"))
    clients: list[Any] = []
    try:
        clients.extend(_client(kind, number, name) for kind, name in wanted)
        # All are looked up before any is made: our output is never found as our input.
        found = [client.get_ports() for client in clients]
        if clock_port and match_port(clock_port, found[2]) is None:
            raise unknown_port("clock.port", clock_port, found[2])
        names = [settings.input, settings.output, clock_port]
        for client, name, ports in zip(clients, names, found, strict=False):
            _open(client, name, ports)
    except PortError:
        for client in clients:
            client.delete()
        raise
    return Ports(
        RtMidiInput(clients[0], settings.input),
        RtMidiOutput(clients[1], settings.output, settings.realtime == "auto"),
        clock=RtMidiInput(clients[2], clock_port) if clock_port else None,
    )


def list_ports(api: str) -> tuple[str, list[str], list[str]]:
    """The interface in use, the ports that can be listened to, those that can be played to.

    Raises:
        PortError: as `open_ports`.
    """
    number = _choose_api(api)
    found = []
    for kind in (rtmidi.MidiIn, rtmidi.MidiOut):
        client = _client(kind, number, "livecomposer ports")
        found.append(client.get_ports())
        client.delete()
    return rtmidi.get_api_name(number), found[0], found[1]


def _choose_api(api: str) -> int:
    """The interface of that name; for "auto" the first that answers."""
    compiled = {rtmidi.get_api_name(number): number for number in rtmidi.get_compiled_api()}
    known: dict[str, int] = {
        "coremidi" if name == "core" else name: number for name, number in compiled.items()
    }
    if api != "auto" and api not in known:
        raise PortError(f"ports.api = {api!r} is not on this system; there are {', '.join(known)}")
    wanted = known if api == "auto" else {api: known[api]}
    for name, number in wanted.items():
        if name == "alsa" and not ALSA_DEVICE.exists():
            continue
        try:
            _client(rtmidi.MidiOut, number, "livecomposer").delete()
        except PortError as error:
            log.debug("%s: %s", name, error)
        else:
            return number
    help_text = _HELP.get(sys.platform, "start a MIDI system")
    raise PortError(f"no usable MIDI system (tried {', '.join(wanted)}): {help_text}")


def _open(client: Any, name: str, found: Sequence[str]) -> None:
    """Open the port of that name among those found, or make one."""
    index = match_port(name, found)
    try:
        with _quiet():
            if index is None:
                client.open_virtual_port(name)
            else:
                client.open_port(index, name)
    except NotImplementedError:
        raise PortError(
            f"there is no MIDI port {name!r}, and this system can't create one: install a "
            f"loopback port, such as loopMIDI's, and name it in [ports]; there are {list(found)}"
        ) from None
    except Exception as error:  # rtmidi's own class, which is not public
        raise PortError(f"MIDI port {name!r}: {error}") from None
    log.debug("made %r" if index is None else "opened %r", name if index is None else found[index])


def _client(kind: Any, api: int, name: str) -> Any:
    try:
        with _quiet():
            return kind(rtapi=api, name=name)
    except Exception as error:  # rtmidi's own class, which is not public
        raise PortError(str(error)) from None


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the system libraries' own complaints off the terminal: ours says it in one line."""
    sys.stderr.flush()
    saved = os.dup(2)
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    try:
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(null)
