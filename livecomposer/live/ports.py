"""MIDI ports: what the daemon asks of them, which kind to open, and in-process ones.

An input port stamps what comes and hands it on; an output port sends what a player has, in time.
A configured name that exists is opened; otherwise a virtual port of that name is made.
"""

import logging
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from livecomposer import config
from livecomposer.extras import install_command
from livecomposer.live.intake import Timed
from livecomposer.live.jack_clock import Transport
from livecomposer.live.patchbay import Patchbay
from livecomposer.live.player import Player
from livecomposer.live.sender import Sender
from livecomposer.live.watch import Watch

log = logging.getLogger(__name__)

Receive = Callable[[Sequence[Timed]], None]
"""Takes what came together: times in nanoseconds of `time.monotonic_ns`, and bytes."""

Failed = Callable[[Exception], None]
"""Takes what ended a port's own thread."""

TellTransport = Callable[[int, Transport], None]
"""Takes a time of `time.monotonic_ns`, and what a transport does from then on."""

_LOST_NS = 10_000_000_000
"""A server that stands still keeps what is sent to it for long, and may lose it then."""

LOCAL = "local"
"""The backend of ports in this process."""

ALSA_DEVICE = Path("/dev/snd/seq")


class PortError(RuntimeError):
    """There is no usable MIDI system, or a port can't be had; the message says what to do."""


class InputPort(Protocol):
    """Where MIDI comes from."""

    name: str

    def start(self, receive: Receive, failed: Failed) -> None:
        """Begin to hand on what comes; both are called from a thread of the port's."""
        ...

    def close(self) -> None:
        """Receive no more."""
        ...


class OutputPort(Protocol):
    """Where the machine's MIDI goes."""

    name: str

    def start(self, player: Player, failed: Failed) -> None:
        """Begin to send what `player` has, each message at its due time, in a thread of its own."""
        ...

    def stop(self) -> bool:
        """Send no more, and leave silence; whether that could be sent."""
        ...

    def halt(self) -> None:
        """Send no more: what it sends to is lost."""
        ...

    def close(self) -> None:
        """Close, after what was sent has gone out."""
        ...


@dataclass(frozen=True)
class Ports:
    """The ports of a jam.

    Attributes:
        input: where the player's MIDI comes from.
        output: where the machine's goes.
        clock: where MIDI clock comes from, if not from `input`.
        watch_transport: tells what the MIDI system's transport does, where it has one.
        watch: looks after them, where they can come and go.
        patchbay: what they are connected to, where that is known.
        backend: what they are reached through, as in the settings.
        xruns: how often the audio server was short of time; 0 where there is none.
        lost: how many messages the MIDI system had no room for on their way in.
        ahead_ns: how much before it is due a message must be there, to go out in time; it may
            change.
    """

    input: InputPort
    output: OutputPort
    clock: InputPort | None = None
    watch_transport: Callable[[TellTransport], None] | None = None
    watch: Watch | None = None
    patchbay: Patchbay | None = None
    backend: str = LOCAL
    xruns: Callable[[], int] = lambda: 0
    lost: Callable[[], int] = lambda: 0
    ahead_ns: Callable[[], int] = lambda: 0

    @property
    def closing(self) -> list[Callable[[], None]]:
        """What is to be called to close them all, in order."""
        parts = (self.watch, self.input, self.clock, self.output)
        return [part.close for part in parts if part]


class ImmediateOutput:
    """An output port that sends at once what it is given: a thread gives it each message in time.

    Args:
        name: of the port.
        realtime: whether that thread asks for real-time priority.
    """

    def __init__(self, name: str, realtime: bool = False) -> None:
        self.name, self._realtime = name, realtime
        self._sender: Sender | None = None
        self._player: Player | None = None

    def send(self, message: bytes) -> None:
        """Send a whole message, now."""
        raise NotImplementedError

    def start(self, player: Player, failed: Failed) -> None:
        """See `OutputPort`."""
        self._player = player
        self._sender = Sender(player, self.send, failed, realtime=self._realtime)
        self._sender.start()

    def stop(self) -> bool:
        """See `OutputPort`."""
        return self._sender is None or self._sender.stop()

    def halt(self) -> None:
        """See `OutputPort`."""
        if self._sender:
            self._sender.halt()

    def repeat_ends(self) -> None:
        """What was sent lately may be lost: end once more what has ended. From any thread."""
        if self._player:
            self._player.repeat_ends(_LOST_NS)

    def close(self) -> None:
        """See `OutputPort`."""


class LocalInput:
    """An input port in this process: who holds it plays into it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._receive: Receive | None = None

    def start(self, receive: Receive, failed: Failed) -> None:  # noqa: ARG002 - it can't fail
        """See `InputPort`."""
        self._receive = receive

    def play(self, message: bytes) -> int:
        """Play bytes into the port; returns when, as `time.monotonic_ns`."""
        now = time.monotonic_ns()
        if self._receive:
            self._receive([(now, message)])
        return now

    def close(self) -> None:
        """See `InputPort`."""
        self._receive = None


class LocalOutput(ImmediateOutput):
    """An output port in this process, which keeps what was sent.

    Attributes:
        sent: (`time.monotonic_ns`, bytes) of each message.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.sent: list[tuple[int, bytes]] = []

    def send(self, message: bytes) -> None:
        """See `ImmediateOutput`."""
        self.sent.append((time.monotonic_ns(), message))


def open_ports(
    settings: config.PortsSection, clock: config.ClockSection, before: Ports | None = None
) -> Ports:
    """Open or create the ports.

    Args:
        settings: which, and through what.
        clock: what they are to give the beat of; a MIDI clock's own port must exist.
        before: those that were lost, all closed: what they were connected to is waited for.

    Raises:
        PortError: there is no such MIDI system here, or it won't give the ports.
    """
    if _choose_backend(settings) == "jack":
        try:
            from livecomposer.live.jack_opening import open_jack_ports
        except ImportError:
            raise PortError(
                f"ports.backend = 'jack' needs JACK-Client: {install_command('jack')}"
            ) from None
        except OSError:
            raise PortError("JACK's own library, libjack, is missing: install it") from None
        return open_jack_ports(settings, clock.port, before)
    if clock.source == "jack":
        raise PortError(
            "clock.source = 'jack' needs JACK's own ports: start a JACK server, set "
            f"ports.backend = 'jack', and have the extra jack ({install_command('jack')})"
        )
    from livecomposer.live.rtmidi_ports import open_rtmidi_ports

    return open_rtmidi_ports(settings, clock.port, before)


def _choose_backend(settings: config.PortsSection) -> str:
    """What to reach the MIDI system through: JACK itself where there is JACK and nothing else."""
    if settings.backend != "auto":
        return settings.backend
    only_jack = sys.platform == "linux" and not ALSA_DEVICE.exists()
    if settings.api == "jack" or (settings.api == "auto" and only_jack):
        if find_spec("jack"):
            return "jack"
        log.info("for sample-accurate output on JACK: %s", install_command("jack"))
    return "rtmidi"


def unknown_port(key: str, name: str, ports: Sequence[str]) -> PortError:
    """The error for a port that must exist and doesn't."""
    there = ", ".join(map(repr, ports)) or "none"
    return PortError(f"{key} = {name!r}: there is no such MIDI port; there are {there}")
