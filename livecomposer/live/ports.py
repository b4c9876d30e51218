"""MIDI ports: the system's, through rtmidi, and in-process ones for the demo and the tests.

An input port stamps what comes and hands it on; an output port takes bytes. A configured name
that exists is opened; otherwise a virtual port of that name is made.
"""

import logging
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

log = logging.getLogger(__name__)

Receive = Callable[[int, bytes], None]
"""Takes a time in nanoseconds of `time.monotonic_ns`, and the bytes that came then."""

_ALSA_DEVICE = Path("/dev/snd/seq")
_HELP = {
    "linux": "load ALSA's sequencer (modprobe snd-seq) or start a JACK server",
    "darwin": "check that CoreMIDI is running (Audio MIDI Setup)",
    "win32": "install a loopback port, such as loopMIDI's, and name it in [ports]",
}


class PortError(RuntimeError):
    """There is no usable MIDI system, or a port can't be had; the message says what to do."""


class InputPort(Protocol):
    """Where the player's MIDI comes from."""

    name: str

    def start(self, receive: Receive) -> None:
        """Begin to hand on what comes; `receive` is called from a thread of the port's."""
        ...

    def close(self) -> None:
        """Receive no more."""
        ...


class OutputPort(Protocol):
    """Where the machine's MIDI goes."""

    name: str

    def send(self, message: bytes) -> None:
        """Send a whole message."""
        ...

    def close(self) -> None:
        """Close, after what was sent has gone out."""
        ...


class LocalInput:
    """An input port in this process: who holds it plays into it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._receive: Receive | None = None

    def start(self, receive: Receive) -> None:
        """See `InputPort`."""
        self._receive = receive

    def play(self, message: bytes) -> int:
        """Play bytes into the port; returns when, as `time.monotonic_ns`."""
        now = time.monotonic_ns()
        if self._receive:
            self._receive(now, message)
        return now

    def close(self) -> None:
        """See `InputPort`."""
        self._receive = None


class LocalOutput:
    """An output port in this process, which keeps what was sent.

    Attributes:
        sent: (`time.monotonic_ns`, bytes) of each message.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.sent: list[tuple[int, bytes]] = []

    def send(self, message: bytes) -> None:
        """See `OutputPort`."""
        self.sent.append((time.monotonic_ns(), message))

    def close(self) -> None:
        """See `OutputPort`."""


class RtMidiInput:
    """An input port of the system's."""

    def __init__(self, midi: Any, name: str) -> None:
        self._midi, self.name = midi, name

    def start(self, receive: Receive) -> None:
        """See `InputPort`. Clock, active sensing and system exclusive don't get through."""

        # This runs in the system's own MIDI thread: it hands on, and does nothing else.
        def stamp(event: tuple[Sequence[int], float], _data: object) -> None:
            receive(time.monotonic_ns(), bytes(event[0]))

        self._midi.ignore_types(sysex=True, timing=True, active_sense=True)
        self._midi.set_callback(stamp)

    def close(self) -> None:
        """See `InputPort`."""
        self._midi.cancel_callback()
        self._midi.delete()


class RtMidiOutput:
    """An output port of the system's."""

    def __init__(self, midi: Any, name: str) -> None:
        self._midi, self.name = midi, name

    def send(self, message: bytes) -> None:
        """See `OutputPort`."""
        self._midi.send_message(message)

    def close(self) -> None:
        """See `OutputPort`."""
        time.sleep(_DRAIN_S)
        self._midi.delete()


_DRAIN_S = 0.05
"""JACK sends in its next period, and a port that is gone sends nothing more."""


def open_ports(api: str, input_name: str, output_name: str) -> tuple[RtMidiInput, RtMidiOutput]:
    """Open or create both ports.

    Args:
        api: "auto" or the name of one of the system's MIDI interfaces.
        input_name: where to listen.
        output_name: where to play.

    Raises:
        PortError: there is no such interface here, or it won't give the ports.
    """
    import rtmidi  # a system library, for playing only

    number = _choose_api(api)
    clients = [
        _client(kind, number, name)
        for kind, name in ((rtmidi.MidiIn, input_name), (rtmidi.MidiOut, output_name))
    ]
    # Both are looked up before either is made: our output is never found as our input.
    found = [client.get_ports() for client in clients]
    try:
        for client, name, ports in zip(clients, (input_name, output_name), found, strict=True):
            _open(client, name, ports)
    except PortError:
        for client in clients:
            client.delete()
        raise
    return RtMidiInput(clients[0], input_name), RtMidiOutput(clients[1], output_name)


def list_ports(api: str) -> tuple[str, list[str], list[str]]:
    """The interface in use, the ports that can be listened to, those that can be played to.

    Raises:
        PortError: as `open_ports`.
    """
    import rtmidi

    number = _choose_api(api)
    found = []
    for kind in (rtmidi.MidiIn, rtmidi.MidiOut):
        client = _client(kind, number, "livecomposer ports")
        found.append(client.get_ports())
        client.delete()
    return rtmidi.get_api_name(number), found[0], found[1]


def match_port(name: str, ports: Sequence[str]) -> int | None:
    """The index of the port with this name, or else of the first that begins with it."""
    if name in ports:
        return ports.index(name)
    return next((i for i, port in enumerate(ports) if port.startswith(name)), None)


def _choose_api(api: str) -> int:
    """The interface of that name; for "auto" the first that answers."""
    import rtmidi

    compiled = {rtmidi.get_api_name(number): number for number in rtmidi.get_compiled_api()}
    known: dict[str, int] = {
        "coremidi" if name == "core" else name: number for name, number in compiled.items()
    }
    if api != "auto" and api not in known:
        raise PortError(f"ports.api = {api!r} is not on this system; there are {', '.join(known)}")
    wanted = known if api == "auto" else {api: known[api]}
    for name, number in wanted.items():
        if name == "alsa" and not _ALSA_DEVICE.exists():
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
