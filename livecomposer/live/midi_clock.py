"""Following a MIDI clock: its pulses for tempo and phase, its Start, Stop and song position.

From the MIDI 1.0 specification: 24 pulses to the quarter note; the first pulse after Start or
Continue *is* the position where they begin; song position counts sixteenths, 6 pulses. Masters
differ in the rest: clock while stopped or none, song position while running (the end of a loop),
Start without a Stop before it.
"""

import logging
import math
from enum import Enum, auto

from livecomposer.live.pulses import Pulses
from livecomposer.midi import wire
from livecomposer.music.tempo import BAR, TICKS_PER_BEAT

log = logging.getLogger(__name__)

_LOST_AFTER_NS = 500_000_000
_SETTLED, _UNSETTLED = 12, 30  # pulses, before a tempo is called usable again, or unusable
_PATIENCE = 48  # pulses, before we say that a Start is missing


class _State(Enum):
    STOPPED = auto()
    STARTING = auto()  # the next pulse is the first
    PLAYING = auto()
    WAITING = auto()  # for clock that fails to come
    UNUSABLE = auto()  # pulses come, but no tempo


_COUNTING = (_State.STARTING, _State.PLAYING)  # where pulses must come


class MidiClock:
    """A MIDI clock's position, in ticks that only grow.

    Args:
        tempo_bpm: the guess until the first two pulses have come.

    Attributes:
        breaks: see `Clock`.
    """

    def __init__(self, tempo_bpm: float) -> None:
        self._pulses = Pulses(60e9 / (TICKS_PER_BEAT * tempo_bpm))
        self._last_ns = 0  # when the last pulse came
        self._since = 0  # pulses since the master has started, or come back
        self._reached = 0  # the tick that was come to when the clock failed
        self._tick_offset = 0  # a pulse's tick, less its number
        self._song_offset = 0  # its song position, less its number
        self._song = 0  # where the master goes on
        self._moves = False  # whether the next pulse is at `_song`
        self._state = _State.STOPPED
        self.breaks = 0

    @property
    def running(self) -> bool:
        """See `Clock`."""
        return self._state is _State.PLAYING

    @property
    def tempo_bpm(self) -> float:
        """The master's tempo, smoothed."""
        return 60e9 / (TICKS_PER_BEAT * self._pulses.period_ns)

    def tick_at(self, ns: int) -> int:
        """See `Clock`."""
        return math.floor(self._pulses.index_at(ns) + 0.5) + self._tick_offset

    def ns_at(self, tick: int) -> int:
        """See `Clock`."""
        return self._pulses.ns_at(tick - self._tick_offset)

    def anchor(self, ns: int, not_before: int) -> None:
        """See `Clock`. The master has its own beats."""

    def hear(self, ns: int, message: bytes) -> None:
        """See `Clock`."""
        match message[0]:
            case wire.CLOCK:
                self._pulse(ns)
            case wire.START:
                self._start(ns, 0)
            case wire.CONTINUE if self._state not in _COUNTING:
                self._start(ns, self._song)
            case wire.STOP if self._state is not _State.STOPPED:
                self._leave(_State.STOPPED)
                log.info("the master stops")
            case wire.SONG_POSITION:
                self._song = wire.PULSES_PER_SIXTEENTH * (message[1] | message[2] << 7)
                self._moves = True

    def advance(self, ns: int) -> None:
        """See `Clock`. Notices when the clock fails to come."""
        due = self.due_ns()
        if due is not None and ns >= due:
            if self.running:
                self._reached = max(self._reached, self.tick_at(ns) + 1)
            self._leave(_State.WAITING)
            log.warning("waiting for clock: none for %.1f s", _LOST_AFTER_NS / 1e9)

    def due_ns(self) -> int | None:
        """See `Clock`."""
        return self._last_ns + _LOST_AFTER_NS if self._state in _COUNTING else None

    def _start(self, ns: int, song: int) -> None:
        self._leave(_State.STARTING)
        self._song, self._moves, self._last_ns = song, True, ns
        self._pulses.restart()

    def _leave(self, state: _State) -> None:
        """Go over to a state in which nothing is played."""
        if self.running and not self._moves:
            self._song = self._pulses.index + 1 + self._song_offset
        self.breaks += self.running
        self._state, self._since = state, 0

    def _pulse(self, ns: int) -> None:
        if self._state is _State.STOPPED and ns - self._last_ns >= _LOST_AFTER_NS:
            self._pulses.restart()
        self._pulses.pulse(ns)
        self._last_ns = ns
        self._since += 1
        if self._state is _State.STOPPED:
            if self._since == _PATIENCE:
                log.info("clock comes, but no Start yet: start the master, again if it runs")
            return
        if self._moves:
            self._move()
        if self._state is _State.STARTING:
            self._state = _State.PLAYING
            log.info("the master plays, from beat %g", self._song / TICKS_PER_BEAT)
        elif self._since >= _SETTLED:
            self._judge()
        if (self._pulses.index + self._tick_offset) % TICKS_PER_BEAT == 0:
            log.debug(
                "beat %g, tempo %.2f, phase error %.3f ms",
                (self._pulses.index + self._song_offset) / TICKS_PER_BEAT,
                self.tempo_bpm,
                self._pulses.phase_error_ns / 1e6,
            )

    def _move(self) -> None:
        """The last pulse is where the master has said that it goes on."""
        self._moves = False
        tick = self._pulses.index + self._tick_offset
        first = max(tick, self._reached)  # where it may go on: ticks only grow
        jump = first + (self._song - first) % BAR - tick
        self._tick_offset += jump
        self._song_offset = self._song - self._pulses.index
        self.breaks += self.running and jump > 0

    def _judge(self) -> None:
        """Whether the pulses are fit to play to."""
        if self.running and self._since >= _UNSETTLED and not self._pulses.steady:
            self._leave(_State.UNUSABLE)
            log.warning("paused: the clock's pulses make no tempo from 20 to 400 BPM")
        elif not self.running and self._pulses.steady:
            self._state = _State.PLAYING
            log.info("in step with the clock again, tempo %.4g", self.tempo_bpm)
