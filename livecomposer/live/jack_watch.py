"""What ports are connected to in JACK: seen, and made good again by name."""

import logging
import time
from collections.abc import Callable, Mapping
from functools import partial
from queue import SimpleQueue
from typing import Any

import jack

from livecomposer.live.jack_client import ask, close_client, open_client, quiet_jack
from livecomposer.live.patchbay import Look, Patchbay, Role
from livecomposer.live.ports import PortError
from livecomposer.live.watch import Watch

log = logging.getLogger(__name__)


class JackConnections:
    """Looks at the connections of ports, and connects what a patchbay waits for.

    Args:
        client: not active yet; its notifications are taken.
        patchbay: remembers.
    """

    def __init__(self, client: Any, patchbay: Patchbay) -> None:
        self._client, self._patchbay = client, patchbay
        self._ports: Mapping[Role, str] = {}
        self._changed: Callable[[], None] = lambda: None
        self._let_go = ""
        self._registered: SimpleQueue[str] = SimpleQueue()
        client.set_port_registration_callback(self._take_registration, only_available=False)
        client.set_port_connect_callback(lambda *_: self._changed(), only_available=False)

    def watch(self, ports: Mapping[Role, str], close: Callable[[], None] | None = None) -> Watch:
        """Look after ports of these names; what is there already is connected at once.

        Args:
            ports: their names.
            close: called when the watch is over.

        Raises:
            PortError: they are not there.
        """
        self._ports = ports
        self._look()
        watch = Watch(self._look, close)
        self._changed = watch.wake
        return watch

    def shut_down(self, _status: object, reason: str) -> None:
        """The server has let the client go: to be called by JACK."""
        self._let_go = reason
        self._changed()

    def _look(self) -> Look:
        if self._let_go:
            raise PortError(f"the JACK server has let us go: {self._let_go}")
        renewed = [self._registered.get_nowait() for _ in range(self._registered.qsize())]
        try:
            there, connected = ask(self._survey)
        except jack.JackError as error:
            raise PortError(f"JACK: {error}") from None
        look = self._patchbay.look(time.monotonic(), there, connected, renewed)
        for role, name in look.back:
            ends = (self._ports[role], name)
            self._connect(*(ends if role == "output" else reversed(ends)))
        return look

    def _take_registration(self, port: Any, register: bool) -> None:
        if register and port is not None:
            self._registered.put(port.name)
        self._changed()

    def _survey(self) -> tuple[dict[Role, list[str]], dict[Role, list[str]]]:
        """For each of our ports, those it could be connected to, and those it is."""
        own = set(self._ports.values())
        sources = [port.name for port in self._client.get_ports(is_midi=True, is_output=True)]
        sinks = [port.name for port in self._client.get_ports(is_midi=True, is_input=True)]
        there: dict[Role, list[str]] = {}
        connected: dict[Role, list[str]] = {}
        for role, port in self._ports.items():
            others = sinks if role == "output" else sources
            # Our output is never found as our input.
            there[role] = [name for name in others if name not in own]
            ends = [each.name for each in self._client.get_all_connections(port)]
            connected[role] = [name for name in ends if name not in own]
        return there, connected

    def _connect(self, source: str, sink: str) -> None:
        try:
            self._client.connect(source, sink)
        except jack.JackError as error:  # it has gone again, or somebody was quicker
            log.debug("%s", error)


def watch_rtmidi(ports: Mapping[Role, str], patchbay: Patchbay, lost: Callable[[], None]) -> Watch:
    """Look after ports that rtmidi has made in JACK, with a client of our own beside.

    Args:
        ports: their names.
        patchbay: remembers.
        lost: called, from a thread of JACK's, when what was sent may have been lost: at an xrun.

    Raises:
        PortError: there is no server, or they are not there.
    """
    quiet_jack()
    try:
        client = open_client("livecomposer watch")
    except jack.JackError as error:
        raise PortError(f"JACK: {error}") from None
    connections = JackConnections(client, patchbay)
    client.set_shutdown_callback(connections.shut_down)
    client.set_xrun_callback(lambda _delayed_us: lost())
    client.activate()  # without a process callback: it takes no part in the cycles
    try:
        return connections.watch(ports, partial(close_client, client))
    except PortError:
        close_client(client)
        raise
