"""What our ports are connected to, and whom they wait for. Pure: what there is, is told.

A connection that somebody takes away is forgotten. One whose other end vanishes, with its device
or its program, is waited for: by the name of the other end, and, since systems number ports anew,
by that name without its numbers.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Literal, NamedTuple

Role = Literal["input", "output", "clock"]
"""Which of our ports."""


class Peer(NamedTuple):
    """A port of another's, as the other end of one of ours."""

    role: Role
    name: str


class Look(NamedTuple):
    """What has changed since the last look.

    Attributes:
        gone: ports that have vanished.
        back: ports that were waited for, and are to be connected.
        left: ports that are there, but connected no longer, as it was at the last look already: a
            client that goes takes its connections away first, and its ports then.
        listeners: what our output is connected to, with those that are to be.
    """

    gone: list[Peer]
    back: list[Peer]
    left: list[Peer]
    listeners: tuple[str, ...]


class Patchbay:
    """Remembers connections.

    Args:
        wanted: how the names of ports begin that are to be connected as soon as they are there.
    """

    def __init__(self, wanted: Mapping[Role, str]) -> None:
        self._awaited: dict[Role, list[str]] = {role: [name] for role, name in wanted.items()}
        self._connected: dict[Role, set[str]] = {role: set() for role in wanted}
        self._leaving: dict[Role, set[str]] = {role: set() for role in wanted}
        self._there: dict[Role, Collection[str]] = dict.fromkeys(wanted, ())

    def look(
        self, there: Mapping[Role, Sequence[str]], connected: Mapping[Role, Collection[str]]
    ) -> Look:
        """Take what there is now.

        Args:
            there: the ports that each of ours could be connected to.
            connected: those that it is connected to.
        """
        look = Look([], [], [], ())
        for role, names in there.items():
            now, before = set(connected[role]), self._connected[role]
            awaited = [name for name in self._awaited[role] if name not in now]
            self._awaited[role] = awaited
            leaving = {name for name in before - now if name in names}
            left = leaving & self._leaving[role]
            self._leaving[role] = leaving - left
            look.left.extend(Peer(role, name) for name in sorted(left))
            gone = sorted(before - now - leaving)
            look.gone.extend(Peer(role, name) for name in gone)
            awaited += gone
            fresh = [name for name in names if name not in self._there[role]]
            for name in awaited.copy():
                found = find_port(name, fresh)
                if found is None:
                    continue
                awaited.remove(name)
                if found not in now:
                    look.back.append(Peer(role, found))
                    now.add(found)
            self._connected[role], self._there[role] = now | self._leaving[role], frozenset(names)
        return look._replace(listeners=tuple(sorted(self._connected["output"])))

    def lose(self) -> None:
        """All ports are gone, ours too: what was connected is waited for."""
        for role, names in self._connected.items():
            self._awaited[role] += sorted(names)
            names.clear()
            self._there[role] = ()


def match_port(name: str, ports: Sequence[str]) -> int | None:
    """The index of the port with this name, or else of the first that begins with it."""
    if name in ports:
        return ports.index(name)
    return next((i for i, port in enumerate(ports) if port.startswith(name)), None)


def find_port(name: str, ports: Sequence[str]) -> str | None:
    """The port with this name, or that begins with it, or has it but for its numbers."""
    index = match_port(name, ports)
    if index is not None:
        return ports[index]
    return next((port for port in ports if _unnumbered(port) == _unnumbered(name)), None)


def free_number(names: Sequence[str], taken: Collection[str]) -> str:
    """What makes new names of these when it is put behind them: "", " 2", " 3" and so on."""
    number, suffix = 2, ""
    while any(name + suffix in taken for name in names):
        number, suffix = number + 1, f" {number}"
    return suffix


def _unnumbered(name: str) -> str:
    """A name without the numbers at its end, and at the end of its client's."""
    return re.sub(r"\W*\d+(?=:|$)", "", name)
