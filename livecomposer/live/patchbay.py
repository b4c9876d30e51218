"""What our ports are connected to, and whom they wait for. Pure: what there is, and when, is told.

A connection that somebody takes away is forgotten. One whose other end vanishes, with its device
or its program, is waited for: by the name of the other end, and, since systems number clients and
devices anew, by that name without such numbers.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

Role = Literal["input", "output", "clock"]
"""Which of our ports."""

SETTLED_S, FORGOTTEN_S = 0.05, 1.5
"""A client that goes takes its connections away first, and then, perhaps much later, its ports. So
long a port must be there, and not connected, to count as left by it; and to be forgotten."""


class Peer(NamedTuple):
    """A port of another's, as the other end of one of ours."""

    role: Role
    name: str


class Look(NamedTuple):
    """What has changed since the last look.

    Attributes:
        gone: ports that have vanished.
        back: ports that were waited for, and are to be connected.
        left: ports that are there, but connected no longer.
        listeners: what our output is connected to, with those that are to be.
    """

    gone: list[Peer]
    back: list[Peer]
    left: list[Peer]
    listeners: tuple[str, ...]


@dataclass
class _Ends:
    """The other ends of one of our ports.

    Attributes:
        wanted: how the name of one begins that is to be connected when it is there; "" for none.
        connected: those that are.
        leaving: those that were, and are still there: since when, and whether it was told.
        awaited: those that have vanished.
        there: all that could be connected.
    """

    wanted: str
    connected: set[str] = field(default_factory=set)
    leaving: dict[str, tuple[float, bool]] = field(default_factory=dict)
    awaited: list[str] = field(default_factory=list)
    there: frozenset[str] = frozenset()


class Patchbay:
    """Remembers connections.

    Args:
        wanted: how the names of ports begin that are to be connected as soon as they are there.
    """

    def __init__(self, wanted: Mapping[Role, str]) -> None:
        self._ends = {role: _Ends(name) for role, name in wanted.items()}

    def look(
        self,
        now_s: float,
        there: Mapping[Role, Sequence[str]],
        connected: Mapping[Role, Collection[str]],
        renewed: Collection[str] = (),
    ) -> Look:
        """Take what there is now.

        Args:
            now_s: the time, in seconds of any clock that never goes back.
            there: the ports that each of ours could be connected to.
            connected: those that it is connected to.
            renewed: those that have come since the last look, be it that they were there before.
        """
        look = Look([], [], [], ())
        for role, ends in self._ends.items():
            now = set(connected[role])
            ends.there -= set(renewed)
            for name in sorted(ends.connected - now):
                ends.leaving[name] = (now_s, False)
            staying = [name for name in there[role] if name not in renewed]
            gone, left = _depart(ends, now_s, staying, now)
            ends.awaited = [name for name in (*ends.awaited, *gone) if name not in now]
            back = _arrive(ends, there[role], now)
            look.gone.extend(Peer(role, name) for name in gone)
            look.left.extend(Peer(role, name) for name in left)
            look.back.extend(Peer(role, name) for name in back)
            ends.connected, ends.there = now | set(back), frozenset(there[role])
        return look._replace(listeners=tuple(sorted(self._ends["output"].connected)))

    def lose(self) -> None:
        """All ports are gone, ours too: what was connected is waited for."""
        for ends in self._ends.values():
            ends.awaited += sorted(ends.connected)
            ends.connected, ends.leaving, ends.there = set(), {}, frozenset()


def _depart(
    ends: _Ends, now_s: float, there: Sequence[str], connected: set[str]
) -> tuple[list[str], list[str]]:
    """Who of those that are leaving has vanished, and who has surely left."""
    gone, left = [], []
    for name, (since_s, told) in sorted(ends.leaving.items()):
        if name in connected or now_s - since_s > FORGOTTEN_S:
            del ends.leaving[name]
        elif name not in there:
            del ends.leaving[name]
            gone.append(name)
        elif not told and now_s - since_s >= SETTLED_S:
            ends.leaving[name] = (since_s, True)
            left.append(name)
    return gone, left


def _arrive(ends: _Ends, there: Sequence[str], connected: set[str]) -> list[str]:
    """Who of those that are waited for has come."""
    fresh = [name for name in there if name not in ends.there]
    back = [name for name in ends.awaited if name in fresh]
    others = [name for name in fresh if name not in back]
    for name in ends.awaited.copy():
        found = name if name in back else find_again(name, others)
        if found:
            ends.awaited.remove(name)
            if found in others:
                others.remove(found)
                back.append(found)
    index = match_port(ends.wanted, fresh) if ends.wanted else None
    if index is not None:
        ends.wanted = ""
        back.append(fresh[index])
    return [name for name in dict.fromkeys(back) if name not in connected]


def match_port(name: str, ports: Sequence[str]) -> int | None:
    """The index of the port with this name, or else of the first that begins with it."""
    if name in ports:
        return ports.index(name)
    return next((i for i, port in enumerate(ports) if port.startswith(name)), None)


def find_again(name: str, ports: Sequence[str]) -> str | None:
    """The port with this name, or that has it but for what a system has numbered."""
    if name in ports:
        return name
    return next((port for port in ports if _unnumbered(port) == _unnumbered(name)), None)


def free_number(names: Sequence[str], taken: Collection[str]) -> str:
    """What makes new names of these when it is put behind them: "", " 2", " 3" and so on."""
    number, suffix = 2, ""
    while any(name + suffix in taken for name in names):
        number, suffix = number + 1, f" {number}"
    return suffix


def _unnumbered(name: str) -> str:
    """A name without the numbers of JACK's second clients, and ALSA's (a2jmidid's in brackets)."""
    return re.sub(r"-\d+(?=:)| \d+:\d+$| \[\d+\]", "", name)
