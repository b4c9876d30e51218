"""What masters of MIDI clock send to `clock.py`, and what is true of it: scores, written ahead."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from jack_rig import Timed

BPM = 120
MS = 1_000_000
SONG_POSITION, CLOCK, START, CONTINUE, STOP = 0xF2, b"\xf8", b"\xfa", b"\xfb", b"\xfc"
LEAD_IN_NS = 20 * MS  # from Start to the first pulse: what most masters leave, and a pulse at 120
CALL = [(40, 60), (105, 64), (165, 67)]  # ms, pitch: over before beat 0.5, so heard of early
CALL_NOTE_MS = 45
STOP_MS = 10  # what a Stop may take: onsets that are nearer are on their way
LOST_MS = 550  # without a pulse, playing ends in about half a second


class Pause(NamedTuple):
    """The master stops: why playing ends, when it has, and until when. Nanoseconds."""

    cause: int
    silent: int
    end: int


@dataclass
class Score:
    """What a master sends, and what is true of it. Nanoseconds from its beginning."""

    messages: list[Timed] = field(default_factory=list)
    half_beats: list[int] = field(default_factory=list)
    events: list[int] = field(default_factory=list)  # what lock is counted from
    pauses: list[Pause] = field(default_factory=list)
    sigma_ms: float = 0.0  # of the pulses

    def shift(self, ns: int) -> None:
        """Let it begin at `ns`."""
        self.messages = [(ns + at, data) for at, data in self.messages]
        self.half_beats = [ns + at for at in self.half_beats]
        self.events = [ns + at for at in self.events]
        self.pauses = [Pause(*(ns + at for at in pause)) for pause in self.pauses]


def call(ns: int) -> list[Timed]:
    """A few notes."""
    notes = [(ns + ms * MS, bytes((0x90, pitch, 80))) for ms, pitch in CALL]
    return notes + [(ns + (ms + CALL_NOTE_MS) * MS, bytes((0x80, p, 0))) for ms, p in CALL]


class Master:
    """Writes a score.

    Args:
        jitter_ms: standard deviation of the pulses.
        lost: which part of them never arrives.
    """

    def __init__(self, jitter_ms: float = 0.0, lost: float = 0.0) -> None:
        self.score = Score()
        self._jitter_ns, self._lost = jitter_ms * MS, lost
        self._rng = np.random.default_rng(1)
        self._ns = 0.0  # of the next pulse
        self._song = 0  # its number in the song
        self._last = 0.0  # when a pulse was sent
        self._off: list[float] = []
        self._begin(START)

    def play(
        self,
        beats: float,
        tempo: Callable[[float], float] = lambda _beat: BPM,
        *,
        sent: bool = True,
    ) -> None:
        """Go on for so long. What isn't sent is true nevertheless."""
        for i in range(round(24 * beats)):
            self._pulse(sent=sent)
            self._ns += 60e9 / 24 / tempo(i / 24)

    def step(self, beats: float, bpm: float) -> None:
        """Go on at another tempo, all at once."""
        self.score.events.append(round(self._ns))
        self.play(beats, lambda _beat: bpm)

    def jump(self, beat: int) -> None:
        """Say another song position, for the next pulse, and go on."""
        self._say(-5, bytes((SONG_POSITION, 4 * beat & 0x7F, 4 * beat >> 7)))
        self._song = 24 * beat

    def stop(self, beats: float) -> None:
        """Stop; pulses go on for some beats, and a call is in vain."""
        began = round(self._ns)
        self._say(0, STOP)
        if beats:
            self.score.messages += call(began + 100 * MS)
        for _ in range(round(24 * beats)):
            self._pulse(true=False)
            self._ns += 60e9 / 24 / BPM
        # As it may begin again, the pause ends with the first pulse after that.
        end = round(self._ns) + LEAD_IN_NS
        self.score.pauses.append(Pause(began, min(began + STOP_MS * MS, end), end))

    def go_on(self, beat: int) -> None:
        """Go on from another song position, after a stop."""
        self._say(2, bytes((SONG_POSITION, 4 * beat & 0x7F, 4 * beat >> 7)))
        self._song = 24 * beat
        self._begin(CONTINUE)

    def drop_out(self, beats: float) -> None:
        """Send nothing, while time goes on; then have the daemon called again."""
        cause = round(self._last)
        self.play(beats, sent=False)
        back = round(self._ns)
        self.score.pauses.append(Pause(cause, cause + LOST_MS * MS, back))
        self.score.events.append(back)
        self.score.messages += call(back + 250 * MS)  # it listens after half a beat

    def end(self) -> Score:
        """Stop in the middle of a slot."""
        self.play(0.3)
        self.stop(2)
        self.score.sigma_ms = float(np.std(self._off)) / MS
        return self.score

    def _begin(self, message: bytes) -> None:
        self._say(3, message)  # 1 ms apart, as on a wire
        self._ns += LEAD_IN_NS
        self.score.events.append(round(self._ns))
        self.score.messages += call(round(self._ns))

    def _say(self, after_ms: int, message: bytes) -> None:
        self.score.messages.append((round(self._ns) + after_ms * MS, message))

    def _pulse(self, *, sent: bool = True, true: bool = True) -> None:
        if true and self._song % 12 == 0:
            self.score.half_beats.append(round(self._ns))
        first = not self._off  # where it begins: this one isn't lost
        jittered = max(self._last, self._ns + self._rng.normal(0, 1) * self._jitter_ns)
        if sent and (self._rng.random() >= self._lost or first):
            self.score.messages.append((round(jittered), CLOCK))
            self._off.append(jittered - self._ns)
            self._last = jittered
        self._song += 1


def constant(beats: int, jitter_ms: float = 0, lost: float = 0) -> Score:
    """One tempo."""
    master = Master(jitter_ms, lost)
    master.play(beats)
    return master.end()


def steps(beats: int) -> Score:
    """120, 90, 150."""
    master = Master()
    master.play(beats // 3)
    master.step(beats // 3, 90)
    master.step(beats // 3, 150)
    return master.end()


def ramp(beats: int) -> Score:
    """120 to 160 in 16 beats, after a third."""
    master = Master()
    master.play(beats // 3)
    master.play(16, lambda beat: 120 + 40 * beat / 16)
    master.play(max(1, beats - beats // 3 - 16), lambda _beat: 160)
    return master.end()


def dropout(beats: int) -> Score:
    """2 s without a pulse, right after a beat: the first slot after the call is then near."""
    master = Master()
    master.play(beats // 3 + 2 / 24)
    master.drop_out(4)
    master.play(beats - beats // 3 - 4)
    return master.end()


def loop(beats: int) -> Score:
    """A loop of a third, played three times."""
    master = Master()
    for lap in range(3):
        if lap:
            master.jump(0)
        master.play(beats // 3)
    return master.end()


def relocate(beats: int) -> Score:
    """Stop, song position, Continue: after two beats, and at once."""
    master = Master()
    for rest, beat in ((2, 9), (0, 21)):
        master.play(beats // 3 + 0.25)
        master.stop(rest)
        master.go_on(beat)
    master.play(beats // 3)
    return master.end()


CASES: dict[str, Callable[[int], Score] | None] = {
    "constant": constant,
    "jitter-1ms": lambda beats: constant(beats, jitter_ms=1),
    "jitter-3ms": lambda beats: constant(beats, jitter_ms=3),
    "steps": steps,
    "ramp": ramp,
    "lost": lambda beats: constant(beats, lost=0.05),
    "dropout": dropout,
    "loop": loop,
    "relocate": relocate,
    "jack_midi_clock": None,  # it writes its own score
}
