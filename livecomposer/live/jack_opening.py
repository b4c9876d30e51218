"""Opening JACK's ports, and what looks after them."""

from contextlib import suppress
from typing import Any

import jack

from livecomposer import config
from livecomposer.live.frame_clock import FrameClock
from livecomposer.live.jack_client import ask, close_client, open_client, quiet_jack
from livecomposer.live.jack_ports import JackInput, JackOutput, JackPort, LeftOutError
from livecomposer.live.jack_watch import JackConnections
from livecomposer.live.patchbay import Patchbay, Role, match_port
from livecomposer.live.ports import PortError, Ports, unknown_port

_TIMES = 8  # that we try to be run: beside others that come and go, one in three fails


def open_jack_ports(settings: config.PortsSection, clock_port: str, before: Ports | None) -> Ports:
    """See `open_ports`."""
    quiet_jack()
    for _ in range(_TIMES - 1):
        with suppress(LeftOutError):
            return _open_or_close(settings, clock_port, before)
    return _open_or_close(settings, clock_port, before)


def _open_or_close(settings: config.PortsSection, clock_port: str, before: Ports | None) -> Ports:
    clients: list[Any] = []
    try:
        return _open(settings, clock_port, before, clients)
    except (PortError, jack.JackError) as error:
        for client in clients:
            close_client(client)
        if isinstance(error, PortError):
            raise
        raise PortError(f"JACK: {error}") from None


def _client(name: str) -> Any:
    try:
        return open_client(name)
    except jack.JackOpenError as error:
        if error.status.server_failed:
            raise PortError(
                "no usable MIDI system (tried jack): start a JACK server, or load ALSA's sequencer "
                "(modprobe snd-seq)"
            ) from None
        raise PortError(f"JACK makes no client {name!r}: {error.status}") from None


def _open(
    settings: config.PortsSection, clock_port: str, before: Ports | None, clients: list[Any]
) -> Ports:
    names: dict[Role, str] = {"input": settings.input, "output": settings.output}
    if clock_port:
        names["clock"] = clock_port
    for role, name in names.items():  # one by one: those that were made are closed on failure
        clients.append(_client("livecomposer clock" if role == "clock" else name))
    if clock_port and not before:
        listed = ask(lambda: clients[0].get_ports(is_midi=True, is_output=True))
        sources = [port.name for port in listed]
        if match_port(clock_port, sources) is None:
            raise unknown_port("clock.port", clock_port, sources)
    patchbay = before.patchbay if before and before.patchbay else Patchbay(names)
    connections = JackConnections(clients[0], patchbay)
    frame_clock = FrameClock(clients[0].samplerate)
    source = JackInput(clients[0], settings.input, frame_clock)
    output = JackOutput(clients[1], settings.output, frame_clock)
    clock = JackInput(clients[2], "livecomposer clock", frame_clock) if clock_port else None
    ports: dict[Role, JackPort] = {"input": source, "output": output}
    if clock:
        ports["clock"] = clock
    for port in ports.values():
        port.open(realtime=settings.realtime == "auto")
    return Ports(
        source,
        output,
        clock=clock,
        watch_transport=source.watch_transport,
        watch=connections.watch({role: port.full_name for role, port in ports.items()}),
        patchbay=patchbay,
        backend="jack",
        xruns=lambda: output.xruns,
        lost=lambda: source.lost + (clock.lost if clock else 0),
        ahead_ns=lambda: 2 * frame_clock.length_ns(clients[0].blocksize),
    )
