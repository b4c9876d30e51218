"""MIDI systems, the ports that `play` would have, and the clock that it would follow.

The system's own libraries are asked, and may wait for ever or crash: see `isolation`.
"""

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import msgspec

from livecomposer.config import Config
from livecomposer.doctor.finding import Finding, State
from livecomposer.extras import install_command
from livecomposer.live.ports import ALSA_DEVICE, PortError, Ports, open_ports
from livecomposer.live.rtmidi_device import RtMidiDevice
from livecomposer.live.rtmidi_ports import list_ports

_CLIENT = "livecomposer doctor"
_HERE = {"linux": "jack and alsa", "darwin": "jack and coremidi", "win32": "winmm"}.get(
    sys.platform, "jack"
)
"""The checks of MIDI systems that there can be here."""
_START_JACK = "start a server (QjackCtl, jackd), or with PipeWire, begin commands with pw-jack"


def check_jack(_config: Config) -> Finding:
    """Whether a JACK server runs, whose it is, and whether all is there to use it well."""
    try:
        import jack

        from livecomposer.live.jack_client import close_client, open_client, quiet_jack
    except ImportError:
        return _jack_through_rtmidi(install_command("jack"))
    except OSError:  # no libjack
        return _jack_through_rtmidi("install JACK's own library (apt install libjack-jackd2-0)")
    quiet_jack()
    try:
        client = open_client(_CLIENT)
    except jack.JackOpenError:
        return Finding("jack", "not-here", "no server runs", f"if you want JACK, {_START_JACK}")
    rate, frames, urgent = client.samplerate, client.blocksize, client.realtime
    close_client(client)
    found = (
        f"a server runs, {jack.version_string()}: {rate:,} Hz, {frames} frames "
        f"({1e3 * frames / rate:.1f} ms), {'with' if urgent else 'without'} real-time priority"
    )
    if urgent:
        return Finding("jack", "ok", found)
    return Finding("jack", "warning", found, "start it with real-time priority (jackd -R)")


def _jack_through_rtmidi(remedy: str) -> Finding:
    """What can be told of JACK where it can't be asked itself.

    Args:
        remedy: how to have that.
    """
    found = _look("jack", f"if you want JACK, {remedy}, and {_START_JACK}")
    if found.state != "ok":
        return found
    return replace(found, state="warning", advice=f"for each note at its exact frame: {remedy}")


def check_alsa(_config: Config, device: Path = ALSA_DEVICE) -> Finding:
    """Whether ALSA's sequencer is there, and may be used.

    Args:
        device: its own.
    """
    if sys.platform != "linux":
        return Finding("alsa", "not-here", "not on this system")
    if not device.exists():
        advice = "if you want ALSA, as root: modprobe snd-seq; into a container, pass /dev/snd"
        return Finding("alsa", "not-here", f"no sequencer: {device} isn't there", advice)
    if not os.access(device, os.R_OK | os.W_OK):
        group = _group_of(device)
        found = f"{device} may not be read and written by you; it belongs to the group {group!r}"
        advice = f"as root: usermod -aG {group} NAME; then log in again"
        return Finding("alsa", "warning", found, advice)
    return _look("alsa", "")


def _group_of(path: Path) -> str:
    try:
        return path.group()
    except KeyError:  # it has no name
        return str(path.stat().st_gid)


def check_coremidi(_config: Config) -> Finding:
    """MacOS's MIDI."""
    return _look("coremidi", "open Audio MIDI Setup: it starts CoreMIDI")


def check_winmm(_config: Config) -> Finding:
    """Windows's MIDI."""
    return _look("winmm", "")


def _look(name: str, advice: str) -> Finding:
    """How many ports a MIDI system has.

    Args:
        name: as in `ports.api`.
        advice: what to do where it doesn't answer.
    """
    try:
        _, sources, sinks = list_ports(name)
    except PortError as error:
        if "is not on this system" in str(error):
            return Finding(name, "not-here", "not on this system")
        return Finding(name, "not-here", "it doesn't answer", advice)
    return Finding(name, "ok", f"it answers; {len(sources)} inputs and {len(sinks)} outputs there")


def check_ports(config: Config) -> Finding:
    """Whether `play` gets its ports: they are opened, or made, for a moment."""
    alone = msgspec.structs.replace(config.clock, source="internal", port="")
    try:
        ports = open_ports(config.ports, alone)
    except PortError as error:
        return Finding("ports", "problem", str(error), f"see {_HERE} above")
    state: State = "ok"
    said, advice = [], ""
    for wanted, port in ((config.ports.input, ports.input), (config.ports.output, ports.output)):
        if isinstance(port, RtMidiDevice) and not port.is_own:
            said.append(f"{port.reached!r} is opened")
        elif port.name == wanted:
            said.append(f"{wanted!r} is made")
        else:
            said.append(f"{wanted!r} is taken, and {port.name!r} is made")
            state, advice = "warning", "end the other `play`, or connect the DAW to the new name"
    _close(ports)
    return Finding("ports", state, f"through {ports.backend}: {', '.join(said)}", advice)


def check_clock(config: Config) -> Finding:
    """Whether what gives the beat is there."""
    clock = config.clock
    if clock.source == "internal":
        leads = ", and leads others on the output" if clock.send else ""
        return Finding("clock", "ok", f"livecomposer's own, {clock.tempo_bpm:g} BPM{leads}")
    try:
        _close(open_ports(config.ports, clock))
    except PortError as error:
        advice = "see ports above; name what is there in [clock], or set clock.source = 'internal'"
        return Finding("clock", "problem", str(error), advice)
    found = {"midi": f"MIDI clock, at {clock.port or config.ports.input!r}"}
    return Finding("clock", "ok", found.get(clock.source, "JACK's transport"))


def _close(ports: Ports) -> None:
    for close in ports.closing:
        close()


CHECKS: Mapping[str, Callable[[Config], Finding]] = {
    "jack": check_jack,
    "alsa": check_alsa,
    "coremidi": check_coremidi,
    "winmm": check_winmm,
    "ports": check_ports,
    "clock": check_clock,
}
"""All of them, by name; each takes the settings."""
