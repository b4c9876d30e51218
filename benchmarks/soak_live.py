"""`livecomposer play` on a JACK server of its own, played to for minutes in real time."""

import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import psutil
from holdings import own_mb
from jack_rig import RATE, Timed, Witness, daemon, jack_server, livecomposer
from onsets import Figures, figures
from pianist import LISTEN, Pianist, Turn, assignments, choose_mode

from livecomposer.live.recorder import MACHINE_PART
from livecomposer.midi.files import is_note_on, read_midi
from livecomposer.midi.wire import CONTROL_CHANGE, NOTE_OFF, NOTE_ON, releases

TEMPO_BPM = 120
STEP_FRAMES = RATE * 60 // TEMPO_BPM // 2
PERIOD = 256
SETTINGS = (
    *assignments(), "ports.backend=jack", "clock.anchor=fixed", f"clock.tempo_bpm={TEMPO_BPM}",
    "model.others=['fixed']", "sampling.seed=1",
)  # fmt: skip
FIXED = ("tempo",)
"""Controls that aren't touched, so that there is one grid for all time."""
AHEAD_NS, END_S = 500_000_000, 40


class Minute(NamedTuple):
    """What the daemon has, at the end of one.

    Attributes:
        minute: which.
        own_mb: memory that it has written to.
        uss_mb: its unique set size.
        files: that are open.
        threads: of its.
        onsets: notes of the machine's so far.
    """

    minute: int
    own_mb: float
    uss_mb: float
    files: int
    threads: int
    onsets: int


class LiveSoak:
    """A daemon that is played to.

    Args:
        seed: of the player.
        recorded: whether it records what is played.

    Attributes:
        log: the daemon's, but for its end.
        sounding: notes that were on when all was to be silent.
        lost: how many note-ons of the machine's the server has lost; None where unknown.
        witness: heard it.
    """

    def __init__(self, seed: int, *, recorded: bool) -> None:
        self._pianist = Pianist(np.random.default_rng(seed), TEMPO_BPM, FIXED)
        self._recorded = recorded
        self.log, self.sounding = "", 0
        self.lost: int | None = None
        self.witness: Witness

    def play(self, minutes: int) -> Iterator[Minute]:
        """Play for so long, and let all end; gives what there is after each minute."""
        with tempfile.TemporaryDirectory() as folder, jack_server(PERIOD) as server:
            record = f"record.folder={folder if self._recorded else 'off'}"
            with Witness(server) as self.witness, livecomposer(server, *SETTINGS, record) as log:
                self.witness.connect()
                process, begin = daemon(), time.monotonic()
                self._ns = time.monotonic_ns() + AHEAD_NS
                for minute in range(1, minutes + 1):
                    self._play_until(begin + 60 * minute)
                    yield self._look(process, minute)
                # Three times: a server that is short of time loses messages.
                self.witness.send([choose_mode(self._ns + n * 10**9, LISTEN) for n in range(3)])
                time.sleep(END_S)
                self.sounding, self.log = len(sounding(self.witness.heard)), log()
            for file in Path(folder).iterdir():
                messages = read_midi(file, tracks=(MACHINE_PART,)).messages
                # Note-offs may be sent more than once.
                sent = [message for _, message in messages if is_note_on(message)]
                self.lost = len(sent) - len(self.witness.onsets)

    def figures(self) -> Figures:
        """Of all onsets."""
        heard = self.witness
        return figures("jack", heard.onsets, heard.cycles, heard.xruns, STEP_FRAMES)

    def _play_until(self, end: float) -> None:
        while (now := time.monotonic()) < end:
            if self._ns < time.monotonic_ns() + AHEAD_NS:
                turn = self._pianist.turn(self._ns)
                self.witness.send([*turn.messages, *_again(turn)])
                self._ns = turn.end_ns
            time.sleep(min(0.1, end - now))

    def _look(self, process: psutil.Process, minute: int) -> Minute:
        uss = process.memory_full_info().uss / 1e6
        return Minute(
            minute, own_mb(process.pid), uss, process.num_fds(), process.num_threads(),
            len(self.witness.onsets),
        )  # fmt: skip


def _again(turn: Turn) -> list[Timed]:
    """At its end, let all keys go once more, and leave controls where they are.

    A server that is short of time loses messages.
    """
    last = {
        message[:2]: message
        for _, message in turn.messages
        if releases(message) or message[0] & 0xF0 == CONTROL_CHANGE
    }
    return [(turn.end_ns, message) for message in last.values()]


def sounding(heard: Sequence[Timed]) -> set[tuple[int, int]]:
    """Notes that were begun and not ended: channel and pitch. All Notes Off ends none."""
    notes: set[tuple[int, int]] = set()
    for _, message in heard:
        if message[0] & 0xF0 == NOTE_ON and message[2]:
            notes.add((message[0] & 0x0F, message[1]))
        elif message[0] & 0xF0 in (NOTE_ON, NOTE_OFF):
            notes.discard((message[0] & 0x0F, message[1]))
    return notes
