"""What becomes of a flood: `livecomposer play` on JACK, sent more than anybody can play.

    python benchmarks/load.py [--seconds N] [--period FRAMES] [--backend rtmidi] [--case NAME ...]

In each case a fresh daemon on a dummy server of its own plays by itself, with a note in every slot
of 75 ms: at first in peace, and then in the flood. After it, it is told to fall silent: what still
comes shows how far it is behind. Before and after, a phrase is played to it, and the time to its
answer is taken. When the machine is silent, and in the end, nothing must sound on. (In between,
all keys are let go once more: a server that is short of time loses messages.)

With `thru`, what is played is to come out again: every note-off that was sent must arrive. With
`clock`, the daemon follows a master that stops and goes on elsewhere, again and again, on one grid
for all time; its log tells whether it has.
"""

import argparse
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass

import floods
import numpy as np
import psutil
from floods import Flood
from holdings import own_mb
from jack_rig import RATE, Timed, Witness, daemon, jack_server, livecomposer
from onsets import figures
from pianist import CONTROLS, CONTROLS_CHANNEL, FIRST, LISTEN, choose_mode

from livecomposer.live.realtime import prepare_process
from livecomposer.midi.wire import (
    CONTINUE,
    CONTROL_CHANGE,
    NOTE_OFF,
    NOTE_ON,
    START,
    STOP,
    SUSTAIN,
)

SOLO = 3
PHRASE = 4  # notes
STEP_NS = 75_000_000
SETTINGS = (
    "model.weights=fixed", "clock.tempo_bpm=400", "sampling.max_repeats=100", "sampling.seed=1",
    "record.folder=off", f"controls.mode='cc {CONTROLS['mode']} channel {CONTROLS_CHANNEL + 1}'",
)  # fmt: skip
INTERNAL = "clock.anchor=fixed"
AHEAD_NS = 300_000_000
PATIENCE_NS, QUIET_NS = 60 * 10**9, 10**9
EXCESS = re.compile(r"([\d,]+) messages? in excess")
FOLLOWED = re.compile(r"the master (plays|stops)")


@dataclass(frozen=True)
class Case:
    """A flood, and what is to stand it."""

    flood: Flood
    settings: tuple[str, ...] = (INTERNAL,)

    @property
    def follows(self) -> bool:
        """Whether the daemon follows a master."""
        return "clock.source=midi" in self.settings

    @property
    def thru(self) -> bool:
        """Whether what is played is passed on."""
        return "listen.thru=true" in self.settings


KEYBOARD = [(1, pitch) for pitch in range(128)]
CASES = {
    "everything": Case(floods.everything),
    "everything, thru": Case(floods.everything, (INTERNAL, "listen.thru=true")),
    "everything, clock": Case(floods.everything, ("clock.source=midi",)),
    "128 keys held": Case(floods.pressed(KEYBOARD, 2_000_000_000, 1_900_000_000)),
    "128 keys held, thru": Case(
        floods.pressed(KEYBOARD, 2_000_000_000, 1_900_000_000), (INTERNAL, "listen.thru=true")
    ),
    "10 keys at 50 Hz": Case(floods.pressed(KEYBOARD[60:70], 20_000_000, 10_000_000)),
    "a trill at 100 Hz": Case(floods.pressed(KEYBOARD[60:61], 10_000_000, 5_000_000)),
    "16 channels": Case(floods.channels),
}
COLUMNS = (
    "case", "sent", "answer before, after, ms", "silent in ms", "left sounding, at the end",
    "note-offs sent, arrived", "transport sent, followed", "in excess, as logged",
    "p50, p99, max ms without", "p50, p99, max ms in the flood", "CPU", "MB before, after", "xruns",
)  # fmt: skip


class Ear(Witness):
    """Keeps of what it hears only what is asked for.

    Attributes:
        sounding: notes that are on: channel and pitch.
        note_offs: how many came on the player's channels.
        onset_ns: when the machine's last note began.
        last_ns: when anything came.
    """

    def __init__(self, server: str) -> None:
        super().__init__(server)
        self.sounding: set[tuple[int, int]] = set()
        self.note_offs = self.onset_ns = self.last_ns = 0

    def hear(self, frame: int, message: bytes) -> None:
        """See `Witness`."""
        kind, channel = message[0] & 0xF0, message[0] & 0x0F
        self.last_ns = self.frames.ns_of(frame)
        if kind == NOTE_ON and message[2]:
            self.sounding.add((channel, message[1]))
            if not channel:
                self.onsets.append(frame)
                self.onset_ns = self.last_ns
        elif kind in (NOTE_ON, NOTE_OFF):
            self.sounding.discard((channel, message[1]))
            self.note_offs += bool(channel)


class Player:
    """Sends what is due soon, a little at a time.

    Args:
        ear: sends it.
        leads: whether there is a master.

    Attributes:
        sent: how many messages of a flood.
        note_offs: of the player's.
        transport: how often the master started or stopped.
    """

    def __init__(self, ear: Ear, *, leads: bool) -> None:
        self._ear, self._flooding = ear, False
        clock = floods.clock(time.monotonic_ns() + AHEAD_NS, lambda: self._flooding)
        self._clock = _Score(clock) if leads else None
        self.sent = self.note_offs = self.transport = 0
        self._played: set[bytes] = set()  # keys: channel and pitch

    def wait(self, seconds: float, flood: Flood | None = None) -> None:
        """Let time pass, with the clock and a flood; keys that it holds at the end are let go."""
        start = time.monotonic_ns()
        end = start + round(seconds * 1e9)
        score = _Score(flood(start)) if flood else None
        held: set[bytes] = set()
        self._flooding = flood is not None
        while (now := time.monotonic_ns()) < end:
            if self._clock:
                messages = self._clock.take(now + AHEAD_NS)
                self.transport += sum(m[0] in (START, CONTINUE, STOP) for _, m in messages)
                self._ear.send(messages)
            if score:
                messages = score.take(min(now + AHEAD_NS, end))
                self._count(messages, held)
                self._ear.send(messages)
            time.sleep(0.05)
        self._flooding = False
        if flood:
            rest = _let_go(end, held)
            self._count(rest, held)
            self._ear.send(rest)

    def _count(self, messages: list[Timed], held: set[bytes]) -> None:
        self.sent += len(messages)
        for _, message in messages:
            key = bytes((message[0] & 0x0F, *message[1:2]))
            if message[0] & 0xF0 == NOTE_ON:
                held.add(key)
                self._played.add(key)
            elif message[0] & 0xF0 == NOTE_OFF:
                held.discard(key)
                self.note_offs += bool(message[0] & 0x0F)

    def release(self) -> None:
        """Let all keys and pedals go: the server may have lost it the first time."""
        self._ear.send(_let_go(time.monotonic_ns(), self._played))
        self.wait(0.5)

    def choose(self, mode: int) -> None:
        """Choose a mode; three times, since a server that is short of time loses messages."""
        for _ in range(3):
            self._ear.send([choose_mode(time.monotonic_ns(), mode)])
            self.wait(0.05)

    def stop(self) -> float:
        """Let the machine fall silent; returns how many ms later the last message comes."""
        start = time.monotonic_ns()
        self.choose(LISTEN)
        while (now := time.monotonic_ns()) - max(start, self._ear.last_ns) < QUIET_NS:
            if now - start > PATIENCE_NS:
                return np.nan
            self.wait(0.1)
        return max(0.0, (self._ear.last_ns - start) / 1e6)

    def ask(self) -> float:
        """Play a phrase; returns how many ms later it is answered, or nan."""
        self.choose(FIRST)
        start = time.monotonic_ns() + 100_000_000
        end = start + PHRASE * 2 * STEP_NS - STEP_NS
        phrase = floods.pressed([(1, 60)], 2 * STEP_NS, STEP_NS)(start)
        self._ear.send(_Score(phrase).take(end + 1))
        self.note_offs += PHRASE
        while self._ear.onset_ns < end and time.monotonic_ns() - end < PATIENCE_NS:
            self.wait(0.05)
        return (self._ear.onset_ns - end) / 1e6 if self._ear.onset_ns > end else np.nan


def _let_go(ns: int, keys: set[bytes]) -> list[Timed]:
    """Messages that let keys (channel, pitch) go, and the pedals of all channels."""
    return [(ns, bytes((NOTE_OFF | key[0], key[1], 0))) for key in keys] + [
        (ns, bytes((CONTROL_CHANGE | channel, SUSTAIN, 0))) for channel in range(16)
    ]


class _Score:
    """Messages to come, as they are due."""

    def __init__(self, messages: Iterator[Timed]) -> None:
        self._messages = messages
        self._next = next(messages)

    def take(self, until_ns: int) -> list[Timed]:
        """Those before a time."""
        taken: list[Timed] = []
        while self._next[0] < until_ns:
            taken.append(self._next)
            self._next = next(self._messages)
        return taken


def measure(name: str, case: Case, backend: str, seconds: float, period: int) -> list[str]:
    """A row of the table, and what the daemon warned of."""
    settings = (*SETTINGS, *case.settings, f"ports.backend={backend}")
    with jack_server(period) as server, Ear(server) as ear, livecomposer(server, *settings) as log:
        ear.connect()
        process, player = daemon(), Player(ear, leads=case.follows)
        player.wait(1)
        before = player.ask()
        player.stop()
        player.choose(SOLO)
        player.wait(1)
        first = len(ear.onsets)
        player.wait(seconds)
        middle, mb, cpu = len(ear.onsets), own_mb(process.pid), sum(process.cpu_times()[:2])
        player.wait(seconds, case.flood)
        if process.status() == psutil.STATUS_ZOMBIE:
            print(f"| {name} | {player.sent:,} | the daemon has ended: see below |", flush=True)
            return [f"{name}: {line}" for line in log().splitlines()]
        last, cpu = len(ear.onsets), sum(process.cpu_times()[:2]) - cpu
        mb_after = own_mb(process.pid)
        obeyed = player.stop()
        left, sent, arrived = len(ear.sounding), player.note_offs, ear.note_offs
        player.release()
        after = player.ask()
        player.stop()
        lines = log().splitlines()
    onsets = ear.onsets[first:last]
    found = figures(
        name, onsets, ear.cycles, ear.xruns, STEP_NS * RATE // 10**9, fitted=middle - first
    )
    flooded = found.ns > found.ns[: middle - first].max()
    followed = sum(bool(FOLLOWED.search(line)) for line in lines)
    excess = [int(match[1].replace(",", "")) for line in lines if (match := EXCESS.search(line))]
    row = (
        name, f"{player.sent:,}", f"{before:.0f}, {after:.0f}", f"{obeyed:.0f}",
        f"{left}, {len(ear.sounding)}", f"{sent}, {arrived}" if case.thru else "",
        f"{player.transport}, {followed}" if case.follows else "",
        f"{sum(excess):,}", errors(found.errors[~flooded]), errors(found.errors[flooded]),
        f"{100 * cpu / seconds:.0f} %", f"{mb:.1f}, {mb_after:.1f}",
        f"{len(ear.xruns)}, {found.lost_ms:.0f} ms lost",
    )  # fmt: skip
    print("| " + " | ".join(map(str, row)) + " |", flush=True)
    return [f"{name}: {line}" for line in lines if line.startswith("WARN")]


def errors(ms: np.ndarray) -> str:
    """Three figures, and of how many."""
    if not len(ms):
        return "none"
    p50, p99, most = np.percentile(ms, (50, 99, 100))
    return f"{p50:.3f}, {p99:.3f}, {most:.3f} ({len(ms)})"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=10, help="of each flood")
    parser.add_argument("--period", type=int, default=256, help="of the server, in frames")
    parser.add_argument("--backend", choices=["jack", "rtmidi"], default="jack")
    parser.add_argument("--case", choices=CASES, action="append", help="only this; repeatable")
    options = parser.parse_args()
    prepare_process()
    print(f"| {' | '.join(COLUMNS)} |\n{'|---' * len(COLUMNS)}|")
    warnings = []
    for name in options.case or CASES:
        warnings += measure(name, CASES[name], options.backend, options.seconds, options.period)
    print("", *warnings, sep="\n")


if __name__ == "__main__":
    main()
