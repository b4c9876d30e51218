"""What JACK's ports are connected to: seen, and made good again by name."""

import logging
from collections.abc import Callable, Mapping
from typing import Any

import jack

from livecomposer.live.patchbay import Look, Patchbay, Role
from livecomposer.live.ports import PortError

log = logging.getLogger(__name__)


class JackConnections:
    """Looks at the connections of ports, and connects what a patchbay waits for.

    Args:
        client: not active yet; its notifications are taken.
        changed: called, from a thread of JACK's, when there is something to look at.
    """

    def __init__(self, client: Any, patchbay: Patchbay) -> None:
        self._client, self._patchbay = client, patchbay
        self._ports: Mapping[Role, str] = {}
        self.changed: Callable[[], None] = lambda: None
        client.set_port_registration_callback(lambda *_: self.changed(), only_available=False)
        client.set_port_connect_callback(lambda *_: self.changed(), only_available=False)

    def watch(self, ports: Mapping[Role, str]) -> None:
        """Look after ports of these names, from now on."""
        self._ports = ports

    def look(self) -> Look:
        """See `Patchbay.look`; what has come back is connected.

        Raises:
            PortError: our ports are there no more.
        """
        try:
            there, connected = self._survey()
        except jack.JackError as error:
            raise PortError(f"JACK: {error}") from None
        look = self._patchbay.look(there, connected)
        for role, name in look.back:
            ends = (self._ports[role], name)
            self._connect(*(ends if role == "output" else reversed(ends)))
        return look

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
            connected[role] = [each.name for each in self._client.get_all_connections(port)]
        return there, connected

    def _connect(self, source: str, sink: str) -> None:
        try:
            self._client.connect(source, sink)
        except jack.JackError as error:  # it has gone again, or somebody was quicker
            log.debug("%s", error)
