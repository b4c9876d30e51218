"""The system's MIDI ports, through rtmidi: ALSA, JACK, CoreMIDI, WinMM. They send at once."""

import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import rtmidi

from livecomposer import config
from livecomposer.live.complaints import quiet
from livecomposer.live.patchbay import Look, Patchbay, Peer, Role, free_number, match_port
from livecomposer.live.ports import ALSA_DEVICE, PortError, Ports, unknown_port
from livecomposer.live.rtmidi_device import RtMidiDevice, RtMidiInput, RtMidiOutput
from livecomposer.live.watch import Watch

log = logging.getLogger(__name__)

_HELP = {
    "linux": "load ALSA's sequencer (modprobe snd-seq) or start a JACK server",
    "darwin": "check that CoreMIDI is running (Audio MIDI Setup)",
    "win32": "install a loopback port, such as loopMIDI's, and name it in [ports]",
}


def open_rtmidi_ports(
    settings: config.PortsSection, clock_port: str, before: Ports | None
) -> Ports:
    """See `open_ports`."""
    number = _choose_api(settings.api)
    wanted: dict[Role, str] = {"input": settings.input, "output": settings.output}
    if clock_port:
        wanted["clock"] = clock_port
    # JACK tells what its ports are connected to: all are our own then, and connected by name.
    watch_jack = _find_watch() if number == rtmidi.API_UNIX_JACK else None
    names = {role: _OWN.get(role, name) for role, name in wanted.items()}
    clients = _clients(number, names)
    try:
        # All are looked up before any is made: our output is never found as our input.
        found = {role: _list(client) for role, client in clients.items()}
        opened: dict[Role, str] = dict.fromkeys(wanted, "")
        if not (watch_jack and before):
            opened = {role: _find(role, wanted[role], found[role], before) for role in wanted}
        if watch_jack:
            opened = dict.fromkeys(wanted, "")
        own = [role for role in wanted if not opened[role]]
        taken = {port.split(":")[0] for ports in found.values() for port in ports}
        if suffix := free_number([names[role] for role in own], taken):
            names |= {role: names[role] + suffix for role in own}
            _delete(clients)
            clients = _clients(number, names)
        for role, client in clients.items():
            _open(client, names[role], opened[role], found[role])
        source = RtMidiInput(clients["input"], names["input"], opened["input"])
        realtime = settings.realtime == "auto"
        output = RtMidiOutput(clients["output"], names["output"], opened["output"], realtime)
        clock = None
        if clock_port:
            clock = RtMidiInput(clients["clock"], names["clock"], opened["clock"])
        if watch_jack:
            patchbay = (before and before.patchbay) or Patchbay(wanted)
            full = {role: f"{name}:{name}" for role, name in names.items()}
            watch = watch_jack(full, patchbay, output.repeat_ends)
            return Ports(
                source, output, clock=clock, watch=watch, patchbay=patchbay, backend="jack"
            )
    except PortError:
        _delete(clients)
        raise
    devices: dict[Role, RtMidiDevice] = {"input": source, "output": output}
    if clock:
        devices["clock"] = clock
    watch = Watch(partial(_look, devices))
    return Ports(source, output, clock=clock, watch=watch, backend=rtmidi.get_api_name(number))


_OWN: dict[Role, str] = {"clock": "livecomposer clock"}
"""What our own ports are called, if not as in the settings."""


def _find_watch() -> Callable[[Mapping[Role, str], Patchbay, Callable[[], None]], Watch] | None:
    """What looks after ports in JACK, where the extra is installed."""
    try:
        from livecomposer.live.jack_watch import watch_rtmidi
    except (ImportError, OSError):  # OSError: no libjack
        return None
    return watch_rtmidi


def _find(role: Role, name: str, found: Sequence[str], before: Ports | None) -> str:
    """The port of that name among those found, in full; "" if one is to be made.

    Raises:
        PortError: it must exist, and doesn't.
    """
    index = match_port(name, found)
    if index is not None:
        return found[index]
    device = getattr(before, role, None)
    if role == "clock" or (isinstance(device, RtMidiDevice) and not device.is_own):
        raise unknown_port("clock.port" if role == "clock" else f"ports.{role}", name, found)
    return ""


def _look(devices: Mapping[Role, RtMidiDevice]) -> Look:
    look = Look([], [], [], (devices["output"].reached,))
    for role, device in devices.items():
        gone, back = device.look()
        if gone:
            look.gone.append(Peer(role, gone))
        if back:
            look.back.append(Peer(role, back))
    return look


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


def _open(client: Any, name: str, port: str, found: Sequence[str]) -> None:
    """Open a port that was found, or make one of that name."""
    try:
        with quiet():
            if port:
                client.open_port(found.index(port), name)
            else:
                client.open_virtual_port(name)
    except NotImplementedError:
        raise PortError(
            f"there is no MIDI port {name!r}, and this system can't create one: install a "
            f"loopback port, such as loopMIDI's, and name it in [ports]; there are {list(found)}"
        ) from None
    except Exception as error:  # rtmidi's own class, which is not public
        raise PortError(f"MIDI port {name!r}: {error}") from None
    log.debug("opened %r" if port else "made %r", port or name)


def _list(client: Any) -> list[str]:
    try:
        return list(client.get_ports())
    except Exception as error:  # rtmidi's own class, which is not public
        raise PortError(f"MIDI: {error}") from None


def _clients(api: int, names: Mapping[Role, str]) -> dict[Role, Any]:
    """A client for each port, of its name."""
    clients: dict[Role, Any] = {}
    try:
        for role, name in names.items():
            kind = rtmidi.MidiOut if role == "output" else rtmidi.MidiIn
            clients[role] = _client(kind, api, name)
    except PortError:
        _delete(clients)
        raise
    return clients


def _delete(clients: Mapping[Role, Any]) -> None:
    for client in clients.values():
        client.delete()


def _client(kind: Any, api: int, name: str) -> Any:
    try:
        with quiet():
            return kind(rtapi=api, name=name)
    except Exception as error:  # rtmidi's own class, which is not public
        raise PortError(str(error)) from None
