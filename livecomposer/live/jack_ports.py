"""JACK's ports, by themselves: messages come and go at their exact frame.

Input and output are two clients, so that a DAW which is connected to both makes no loop in the
server's graph, which would cost a period.

The callbacks run in JACK's threads, once a period. They take no lock, log nothing, and do next to
nothing where there is nothing to do; what they learn goes into queues.
"""

import threading
import time
from contextlib import suppress
from typing import Any

import jack

from livecomposer.live.frame_clock import FrameClock
from livecomposer.live.jack_client import close_client
from livecomposer.live.jack_transport import TransportReader
from livecomposer.live.player import Player
from livecomposer.live.ports import (
    Failed,
    PortError,
    Receive,
    TellTransport,
)
from livecomposer.live.realtime import SENDING, prefer_thread
from livecomposer.live.schedule import FullError

_PATIENCE_S = 1.0  # for a server to run our callback
_LOST_NS = 1_000_000_000  # more than is in any buffer


class LeftOutError(PortError):
    """JACK 2 never wakes a client of ours.

    It does so where it was made while another client went: what tells the first of our clients that
    the other has gone may come late, and then takes from the second, which has got the other's
    number, the semaphore that wakes it.
    """


class JackPort:
    """A client with one MIDI port.

    Args:
        client: not active yet.
        name: the port's.
        frame_clock: the server's, shared by all its clients.

    Attributes:
        name: the client's: the port's, with a number where that was taken.
    """

    def __init__(self, client: Any, name: str, frame_clock: FrameClock) -> None:
        self._client, self._port_name, self._frames = client, name, frame_clock
        self.name: str = client.name
        self._port: Any = None
        self._cycles = 0
        self._thread_id = 0
        self._failed: Failed | None = None
        self._error: Exception | None = None
        client.set_process_callback(self._run_cycle)
        client.set_shutdown_callback(self._shut_down)

    def open(self, *, realtime: bool) -> None:
        """Begin to take part in the server's cycles, and show the port.

        Raises:
            LeftOutError: they go on without us.
        """
        self._client.activate()  # first: whoever sees the port may connect to it
        self._port = self._register()
        if not self._await_cycles(1):
            raise LeftOutError(f"the JACK server doesn't run {self.name!r}")
        if realtime and self._thread_id:
            prefer_thread(SENDING, self._thread_id)

    @property
    def full_name(self) -> str:
        """As the server has it."""
        return str(self._port.name)

    def close(self) -> None:
        """Leave the server."""
        close_client(self._client)

    def _fail_to(self, failed: Failed) -> None:
        """Tell what goes wrong, and what has gone wrong while nobody asked."""
        self._failed = failed
        if self._error:
            failed(self._error)

    def _fail(self, error: Exception) -> None:
        self._error = error
        if self._failed:
            self._failed(error)

    def _await_cycles(self, count: int) -> bool:
        """Let the server run so many cycles; whether it did in time."""
        until, deadline = self._cycles + count, time.monotonic() + _PATIENCE_S
        while self._cycles < until and time.monotonic() < deadline:
            time.sleep(0.001)
        return self._cycles >= until

    def _run_cycle(self, frames: int) -> None:
        self._thread_id = self._thread_id or threading.get_native_id()
        try:
            self._process(frames)
        except Exception as error:  # handed on: raised here, it would end the callbacks
            self._fail(error)
        self._cycles += 1

    def _register(self) -> Any:
        """Make the port."""
        raise NotImplementedError

    def _process(self, frames: int) -> None:
        """Take part in a cycle of so many frames."""
        raise NotImplementedError

    def _cycle_start(self) -> int:
        """The first frame of the cycle."""
        return self._frames.unwrap(self._client.last_frame_time)

    def _shut_down(self, _status: object, reason: str) -> None:
        self._fail(PortError(f"the JACK server has let us go: {reason}"))


class JackInput(JackPort):
    """An input port; its times are those of the frames of what comes.

    Attributes:
        lost: how many messages the server had no room for.
    """

    def __init__(self, client: Any, name: str, frame_clock: FrameClock) -> None:
        super().__init__(client, name, frame_clock)
        self._receive: Receive | None = None
        self._tell_transport: TellTransport | None = None
        self._transport = TransportReader(client)
        self.lost = 0

    def start(self, receive: Receive, failed: Failed) -> None:
        """See `InputPort`."""
        self._receive = receive
        self._fail_to(failed)

    def watch_transport(self, tell: TellTransport) -> None:
        """Tell what the server's transport does: now, and whenever that changes."""
        self._tell_transport = tell

    def _register(self) -> Any:
        return self._client.midi_inports.register(self._port_name)

    def _process(self, frames: int) -> None:  # noqa: ARG002 - the output's need
        if not self._receive:
            return
        events = [(offset, bytes(data)) for offset, data in self._port.incoming_midi_events()]
        if not events and not self._tell_transport:
            return
        start = self._cycle_start()
        if events:
            self._receive([(self._frames.ns_of(start + offset), data) for offset, data in events])
            self.lost += self._port.lost_midi_events
        tell = self._tell_transport
        if tell and (changed := self._transport.read(start, self._frames.offset_ns)):
            tell(self._frames.ns_of(start), changed)


class JackOutput(JackPort):
    """An output port that writes each message at the frame in which it is due.

    Attributes:
        xruns: how often the server was short of time.
    """

    def __init__(self, client: Any, name: str, frame_clock: FrameClock) -> None:
        super().__init__(client, name, frame_clock)
        self._player: Player | None = None
        self._start = 0  # of the cycle
        self._served = -1  # its first frame, of 32 bits
        self.xruns = 0
        client.set_xrun_callback(self._count_xrun)

    def start(self, player: Player, failed: Failed) -> None:
        """See `OutputPort`."""
        self._player = player
        self._fail_to(failed)

    def stop(self) -> bool:
        """See `OutputPort`."""
        if self._player is None:
            return True
        self._player.silence()
        # One to take it, one to send it, one for others to hear it; more, if there is much.
        while self._await_cycles(3):
            if not self._player.busy():
                return True
        return False

    def halt(self) -> None:
        """See `OutputPort`."""
        self._player = None

    def _register(self) -> Any:
        return self._client.midi_outports.register(self._port_name)

    def _process(self, frames: int) -> None:
        frame = self._client.last_frame_time
        if frame == self._served:
            return  # the callback before this came so late that it has served this cycle as well
        self._served = frame
        self._frames.observe(frame, time.monotonic_ns())
        if self._port:
            self._port.clear_buffer()
        if self._player and self._player.busy():
            self._start = self._frames.unwrap(frame)
            now = self._frames.ns_of(self._start)
            ahead = self._frames.last_ns_of(self._start + frames - 1) - now
            with suppress(FullError):  # then the rest goes out in the next cycle
                self._player.play(now, self._write, ahead)

    def _write(self, due_ns: int, message: bytes) -> None:
        # What a cycle has missed goes out at the beginning of the next.
        offset = self._frames.frame_of(due_ns) - self._start
        try:
            self._port.write_midi_event(max(0, offset), message)
        except jack.JackError:
            raise FullError from None
        if self._player:
            self._player.lateness.record(-self._frames.length_ns(min(0, offset)))

    def _count_xrun(self, _delayed_us: float) -> None:
        self.xruns += 1
        if self._player:  # what was in the ports' buffers then, is lost
            self._player.repeat_ends(_LOST_NS)
