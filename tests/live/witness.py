"""A JACK client that plays to a program and hears it.

Times are of the monotonic clock: a server that is short of time loses frames, so that frames alone
are no clock. Each cycle's own time is taken, and within it frames are counted.
"""

import time
from pathlib import Path
from typing import Any

import jack

from livecomposer.live.jack_client import close_client
from livecomposer.live.offline import timed_messages
from livecomposer.midi.files import read_midi
from tests.live.servers import JackServer


class Witness:
    """Plays a MIDI file into one port and records what another sends.

    Attributes:
        sent: (nanoseconds, bytes) of what was played.
        heard: (nanoseconds, bytes) of what was recorded.
    """

    def __init__(self, server: JackServer) -> None:
        # Two clients, so that player and listener are no loop in the server's graph.
        self._player, self._ear = (
            jack.Client(name, no_start_server=True, servername=server.name)
            for name in ("witness player", "witness ear")
        )
        self._out = self._player.midi_outports.register("out")
        self._in = self._ear.midi_inports.register("in")
        self._todo: list[tuple[int, bytes]] = []
        self.sent: list[tuple[int, bytes]] = []
        self.heard: list[tuple[int, bytes]] = []
        self._heard_frames: list[int] = []  # of each message heard
        self.transport_origin: int | None = None  # the frame where the transport was at 0
        self._player.set_process_callback(self._play)
        self._ear.set_process_callback(self._record)
        self._player.activate()
        self._ear.activate()

    def __enter__(self) -> "Witness":
        return self

    def __exit__(self, *_: object) -> None:
        for client in (self._player, self._ear):
            close_client(client)

    def ports(self) -> list[str]:
        """The MIDI ports of all clients."""
        return [port.name for port in self._ear.get_ports(is_midi=True)]

    def connections(self, out_of: str) -> list[str]:
        """The ports that listen to the port whose name begins so."""
        sources = self._ear.get_ports(out_of, is_midi=True, is_output=True)
        return [port.name for source in sources for port in self._ear.get_all_connections(source)]

    def connect(self, into: str, out_of: str) -> None:
        """Play into the port whose name begins so, and listen to the other."""
        (sink,) = self._ear.get_ports(into, is_midi=True, is_input=True)
        self._player.connect(self._out, sink)
        self.listen(out_of)

    def listen(self, out_of: str) -> None:
        """Listen to the port whose name begins so."""
        (source,) = self._ear.get_ports(out_of, is_midi=True, is_output=True)
        self._ear.connect(source, self._in)

    def route(self, out_of: str, into: str) -> None:
        """Connect two ports of others."""
        (source,) = self._ear.get_ports(out_of, is_midi=True, is_output=True)
        (sink,) = self._ear.get_ports(into, is_midi=True, is_input=True)
        self._ear.connect(source, sink)

    def disconnect(self, out_of: str) -> None:
        """Listen no more to the port whose name begins so."""
        (source,) = self._ear.get_ports(out_of, is_midi=True, is_output=True)
        self._ear.disconnect(source, self._in)

    def play(self, file: Path) -> None:
        """Begin to play a file, very soon."""
        start = time.monotonic_ns() + 100_000_000
        self._todo = [(start + ns, data) for ns, data in timed_messages(read_midi(file))]

    def onsets(self) -> list[int]:
        """The times of the note-ons heard."""
        return [ns for ns, data in self.heard if data[0] & 0xF0 == 0x90 and data[2]]

    def onset_frames(self) -> list[int]:
        """The server's frames of the note-ons heard."""
        return [
            frame
            for frame, (_, data) in zip(self._heard_frames, self.heard, strict=True)
            if data[0] & 0xF0 == 0x90 and data[2]
        ]

    def sounding(self) -> set[tuple[int, int]]:
        """(channel, pitch) of the notes that were begun and not ended. All notes off ends none."""
        notes = set()
        for _, data in list(self.heard):
            key = (data[0] & 0x0F, data[1] if len(data) > 1 else 0)
            if data[0] & 0xF0 == 0x90 and data[2]:
                notes.add(key)
            elif data[0] & 0xF0 in (0x80, 0x90):
                notes.discard(key)
        return notes

    def wait_for(self, what, seconds: float = 20) -> None:
        """Wait until `what()` is true."""
        deadline = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < deadline, "it never came"
            time.sleep(0.002)

    def _play(self, frames: int) -> None:
        self._out.clear_buffer()
        begin = time.monotonic_ns()
        while self._todo and (offset := self._frames(self._todo[0][0] - begin)) < frames:
            _, data = self._todo.pop(0)
            offset = max(0, offset)
            self._out.write_midi_event(offset, data)
            self.sent.append((begin + offset * 10**9 // self._player.samplerate, data))

    def _frames(self, ns: int) -> int:
        return round(ns * self._player.samplerate / 1e9)

    def roll(self) -> None:
        """Let the server's transport roll from its beginning."""
        self._ear.transport_frame = 0
        self._ear.transport_start()
        self.wait_for(lambda: self.transport_origin is not None)

    def lead(self, tempo_bpm: float) -> None:
        """Give the server's transport a tempo: 4/4 from its beginning on."""

        def timebase(_state: int, _frames: int, position: Any, _new: bool) -> None:
            per_beat = 60 * position.frame_rate / tempo_bpm
            beats, rest = divmod(position.frame, per_beat)
            position.valid = 0x10  # bar, beat and tick
            position.bar, position.beat = 1 + int(beats // 4), 1 + int(beats % 4)
            position.ticks_per_beat, position.beats_per_bar, position.beat_type = 1920, 4, 4
            position.tick = int(rest / per_beat * 1920)
            position.beats_per_minute = tempo_bpm

        self._ear.set_timebase_callback(timebase)

    def stop_transport(self) -> None:
        """Let it stop."""
        self._ear.transport_stop()

    def _record(self, _frames: int) -> None:
        begin = time.monotonic_ns()
        state, position = self._ear.transport_query_struct()
        if state == jack.ROLLING:
            self.transport_origin = self._ear.last_frame_time - position.frame
        for offset, data in self._in.incoming_midi_events():
            self._heard_frames.append(self._ear.last_frame_time + offset)
            self.heard.append((begin + offset * 10**9 // self._ear.samplerate, bytes(data)))
