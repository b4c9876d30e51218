"""JACK's ports, by themselves: messages come and go at their exact frame.

Time is the server's count of frames, as nanoseconds: what a DAW on the same server plays is in
step with it, whatever the sound card's crystal or a late cycle does to other clocks. Input and
output are two clients, so that a DAW which is connected to both makes no loop in the server's
graph, which would cost a period.

The callbacks run in JACK's threads, once a period. They take no lock, log nothing, and do nothing
where there is nothing to do; what they learn goes into queues.
"""

import logging
import threading
import time
from typing import Any

import jack

from livecomposer import config
from livecomposer.live.jack_transport import TransportReader
from livecomposer.live.player import Player
from livecomposer.live.ports import (
    Failed,
    PortError,
    Ports,
    Receive,
    TellTransport,
    match_port,
    unknown_port,
)
from livecomposer.live.realtime import SENDING, prefer_thread

log = logging.getLogger(__name__)

_FRAME_BITS = 32  # JACK's own count of frames wraps around: after a day at 48 kHz
_PATIENCE_S = 1.0  # for a server to run our callback


class FrameTime:
    """Frames of a server <-> nanoseconds since its frame 0.

    Args:
        rate: frames per second.
    """

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._near = 0  # a recent frame, in full

    def unwrap(self, frame: int) -> int:
        """A frame number of 32 bits in full: the one nearest to those of late."""
        near, half = self._near, 1 << (_FRAME_BITS - 1)
        self._near = full = near + ((frame - near + half) & (2 * half - 1)) - half
        return full

    def ns_of(self, frame: int) -> int:
        """When a frame is, to the nearest nanosecond."""
        return (2 * frame * 10**9 + self._rate) // (2 * self._rate)

    def frame_of(self, ns: int) -> int:
        """The frame nearest to a time."""
        return (2 * ns * self._rate + 10**9) // (2 * 10**9)


class _Port:
    """A client with one MIDI port of the same name.

    Args:
        name: of both.
        time: the server's, shared by all its clients.
    """

    def __init__(self, client: Any, port: Any, name: str, frame_time: FrameTime) -> None:
        self._client, self._port, self.name, self._time = client, port, name, frame_time
        self._cycles = 0
        self._thread_id = 0
        self._lost: Failed = lambda _error: None
        client.set_process_callback(self._run_cycle)
        client.set_shutdown_callback(self._shut_down)

    def activate(self, *, realtime: bool) -> None:
        """Begin to take part in the server's cycles."""
        self._client.activate()
        self._await_cycles(1)
        if realtime and self._thread_id:
            prefer_thread(SENDING, self._thread_id)

    def connect(self, other: str) -> None:
        """Connect with a port of another client's."""
        ports = (self._port, other) if self._port.is_output else (other, self._port)
        self._client.connect(*ports)

    def close(self) -> None:
        """Leave the server."""
        self._client.deactivate()
        self._client.close()

    def _await_cycles(self, count: int) -> bool:
        """Let the server run so many cycles; whether it did in time."""
        until, deadline = self._cycles + count, time.monotonic() + _PATIENCE_S
        while self._cycles < until and time.monotonic() < deadline:
            time.sleep(0.001)
        return self._cycles >= until

    def _run_cycle(self, frames: int) -> None:
        self._thread_id = self._thread_id or threading.get_native_id()
        try:
            self._process(self._time.unwrap(self._client.last_frame_time), frames)
        except Exception as error:  # handed on: raised here, it would end the callbacks
            self._lost(error)
        self._cycles += 1

    def _process(self, start: int, frames: int) -> None:
        raise NotImplementedError

    def _shut_down(self, _status: object, reason: str) -> None:
        self._lost(PortError(f"the JACK server has let us go: {reason}"))


class JackInput(_Port):
    """An input port; its times are those of the frames of what comes."""

    def __init__(self, client: Any, name: str, frame_time: FrameTime) -> None:
        super().__init__(client, client.midi_inports.register(name), name, frame_time)
        self._receive: Receive | None = None
        self._tell_transport: TellTransport | None = None
        self._transport = TransportReader(client)

    def start(self, receive: Receive) -> None:
        """See `InputPort`."""
        self._receive = receive

    def watch_transport(self, tell: TellTransport) -> None:
        """Tell what the server's transport does: now, and whenever that changes."""
        self._tell_transport = tell

    def _process(self, start: int, _frames: int) -> None:
        if self._tell_transport and (changed := self._transport.read(start)):
            self._tell_transport(self._time.ns_of(start), changed)
        if self._receive:
            for offset, data in self._port.incoming_midi_events():
                self._receive(self._time.ns_of(start + offset), bytes(data))


class JackOutput(_Port):
    """An output port that writes each message at the frame in which it is due.

    Attributes:
        xruns: how often the server was short of time.
    """

    def __init__(self, client: Any, name: str, frame_time: FrameTime) -> None:
        super().__init__(client, client.midi_outports.register(name), name, frame_time)
        self._player: Player | None = None
        self._start = self._frames = 0  # of the cycle
        self.xruns = 0
        client.set_xrun_callback(self._count_xrun)

    def start(self, player: Player, failed: Failed) -> None:
        """See `OutputPort`."""
        self._lost = failed
        self._player = player

    def stop(self) -> None:
        """See `OutputPort`."""
        if self._player is None:
            return
        self._player.silence()
        if not self._await_cycles(3):  # one to take it, one to send it, one for others to hear it
            log.error("the JACK server doesn't run any more: silence could not be sent")

    def _process(self, start: int, frames: int) -> None:
        self._port.clear_buffer()
        if self._player:
            self._start, self._frames = start, frames
            now = self._time.ns_of(start)
            # What rounds to a frame of this cycle belongs to it.
            ahead = self._time.ns_of(2 * (start + frames) - 1) // 2 - 1 - now
            self._player.play(now, self._write, ahead)

    def _write(self, due_ns: int, message: bytes) -> None:
        # What a cycle has missed goes out at the beginning of the next.
        self._port.write_midi_event(max(0, self._time.frame_of(due_ns) - self._start), message)

    def _count_xrun(self, _delayed_us: float) -> None:
        self.xruns += 1


def open_jack_ports(settings: config.Ports, clock_port: str) -> Ports:
    """See `open_ports`."""
    jack.set_error_function(lambda message: log.debug("JACK: %s", message))
    jack.set_info_function(lambda message: log.debug("JACK: %s", message))
    clients: list[Any] = []
    try:
        return _open(settings, clock_port, clients)
    except (PortError, jack.JackError) as error:
        for client in clients:
            client.close()
        if isinstance(error, PortError):
            raise
        raise PortError(f"JACK: {error}") from None


def _client(name: str) -> Any:
    try:
        return jack.Client(name, no_start_server=True)
    except jack.JackOpenError:
        raise PortError("no usable MIDI system (tried jack): start a JACK server") from None


def _open(settings: config.Ports, clock_port: str, clients: list[Any]) -> Ports:
    names = [settings.input, settings.output]
    if clock_port:
        names.append("livecomposer clock")
    clients.extend(map(_client, names))  # one by one: those that were made are closed on failure
    # All are looked up before any is made: our output is never found as our input.
    sources = [port.name for port in clients[0].get_ports(is_midi=True, is_output=True)]
    sinks = [port.name for port in clients[0].get_ports(is_midi=True, is_input=True)]
    wanted = [(settings.input, sources), (settings.output, sinks), (clock_port, sources)]
    found = [match_port(name, ports) for name, ports in wanted]
    if clock_port and found[2] is None:
        raise unknown_port("clock.port", clock_port, sources)
    frame_time = FrameTime(clients[0].samplerate)
    frame_time.unwrap(clients[0].frame_time)
    output = JackOutput(clients[1], names[1], frame_time)
    source = JackInput(clients[0], names[0], frame_time)
    ports: list[_Port] = [source, output]
    clock = JackInput(clients[2], names[2], frame_time) if clock_port else None
    if clock:
        ports.append(clock)
    for port, (_, others), index in zip(ports, wanted, found, strict=False):
        port.activate(realtime=settings.realtime == "auto")
        if index is not None:
            port.connect(others[index])
    return Ports(
        source,
        output,
        now_ns=lambda: frame_time.ns_of(frame_time.unwrap(clients[0].frame_time)),
        clock=clock,
        watch_transport=source.watch_transport,
        xruns=lambda: output.xruns,
    )
