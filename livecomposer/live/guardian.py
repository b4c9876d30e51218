"""A small process that outlives the daemon's sudden end, and leaves silence in its place.

    python -m livecomposer.live.guardian LEDGER

It waits at its standard input for lines of JSON: whom the daemon's output reaches, and whom it
reaches no longer. To those, and to all when the daemon is gone without a goodbye, it sends the ends
of what the ledger has as sounding. What a system allows differs: on JACK those who listened are
connected with a port of this process; elsewhere the device is opened, or a port of the daemon's
name is made, for those who connect by name.
"""

import json
import signal
import sys
import time
from contextlib import suppress
from importlib import import_module
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any

from livecomposer.live.ledger import SIZE, Ledger
from livecomposer.live.patchbay import find_again

GOODBYE = "goodbye"
_PATIENCE_S = 10.0  # for a server that stands, or is started again
_RETRY_S = 0.2
_STAY_S, _EVERY_S = 3.0, 0.5  # how long, and how often, a port of our own says it


def main(ledger_path: str) -> None:
    """Wait for the daemon's end."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # they are the daemon's to heed
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    path = Path(ledger_path)
    with path.open("rb") as file:
        ledger = Ledger(mmap(file.fileno(), SIZE, access=ACCESS_READ))
    backend, listeners = "", []
    for line in sys.stdin.buffer:
        said = json.loads(line)
        if said == GOODBYE:
            return
        backend, listeners = said["backend"], said["listeners"]
        if backend != "jack" or not _has_jack():  # loaded now: later, each moment counts
            import_module("rtmidi")
        if said["left"]:
            silence(backend, said["left"], ledger.silence(ever=True), patience_s=_RETRY_S)
    silence(backend, listeners, ledger.silence(ever=True), patience_s=_PATIENCE_S)
    path.unlink(missing_ok=True)


def _has_jack() -> bool:
    """Whether the extra is installed, and JACK's own library."""
    try:
        import_module("jack")
    except (ImportError, OSError):
        return False
    return True


def silence(backend: str, listeners: list[str], messages: list[bytes], patience_s: float) -> None:
    """Send messages to ports.

    Args:
        backend: "jack", or an interface of rtmidi's.
        listeners: the ports' names.
        messages: what to send.
        patience_s: for how long it is tried.
    """
    deadline = time.monotonic() + patience_s
    reach = _reach_by_jack if backend == "jack" and _has_jack() else _reach_by_rtmidi
    while listeners := reach(backend, listeners, messages):
        if time.monotonic() > deadline:
            return
        time.sleep(_RETRY_S)


class _Messenger:
    """A client of JACK's with one output port, which sends what it has as soon as may be.

    Args:
        client: not active yet.
    """

    def __init__(self, client: Any) -> None:
        self.port = client.midi_outports.register("out")
        self.todo: list[bytes] = []
        self._cycles = 0  # with nothing to send
        client.set_process_callback(self._send)
        client.activate()

    def await_cycles(self, count: int) -> bool:
        """Let the server run so many cycles with nothing to send; whether it did."""
        until, deadline = self._cycles + count, time.monotonic() + _PATIENCE_S
        while self._cycles < until and time.monotonic() < deadline:
            time.sleep(0.001)
        return self._cycles >= until

    def _send(self, _frames: int) -> None:
        self.port.clear_buffer()
        with suppress(Exception):  # full: the rest goes out in the next cycle
            while self.todo:
                self.port.write_midi_event(0, self.todo[0])
                del self.todo[0]
        self._cycles += not self.todo


def _reach_by_jack(_backend: str, listeners: list[str], messages: list[bytes]) -> list[str]:
    """Connect with all, send, and leave; returns those that could not be reached."""
    if not listeners:
        return []
    import jack

    from livecomposer.live.jack_client import close_client, open_client, quiet_jack

    quiet_jack()
    try:
        client = open_client("livecomposer guardian")
    except jack.JackError:
        return listeners
    missing = []
    try:
        messenger = _Messenger(client)
        for listener in listeners:
            try:
                messenger.port.connect(listener)
            except jack.JackError:  # it isn't there, or not yet
                missing.append(listener)
        messenger.await_cycles(3)  # a connection is in force one or two cycles after it was made
        messenger.todo += messages
        return missing if messenger.await_cycles(3) else listeners  # for it to be read
    except jack.JackError:
        return listeners
    finally:
        close_client(client)


def _reach_by_rtmidi(backend: str, listeners: list[str], messages: list[bytes]) -> list[str]:
    """Open the port, or make one of its name for those that look for it; as `_reach_by_jack`."""
    import rtmidi

    apis = {rtmidi.get_api_name(api): api for api in rtmidi.get_compiled_api()}
    (name,) = listeners
    try:
        midi = rtmidi.MidiOut(rtapi=apis[backend], name=name)
        ports = midi.get_ports()
        found = find_again(name, ports)
        if found:
            midi.open_port(ports.index(found))
        else:
            midi.open_virtual_port(name)
        deadline = time.monotonic() + (0 if found else _STAY_S)
        while True:
            for message in messages:
                midi.send_message(message)
            time.sleep(_EVERY_S)
            if time.monotonic() > deadline:
                midi.delete()
                return []
    except Exception:  # rtmidi's own class, which is not public
        return listeners


if __name__ == "__main__":
    main(sys.argv[1])
