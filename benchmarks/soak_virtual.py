"""The real core, played to for hours of virtual time; of what it sends, only figures are kept."""

import heapq
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from holdings import bytes_held
from pianist import FIRST, LISTEN, Pianist, assignments, choose_mode

from livecomposer.config_file import load_config
from livecomposer.live.clock import InternalClock
from livecomposer.live.continuation import Continuation
from livecomposer.live.midi_clock import MidiClock
from livecomposer.live.offline import Timed, VirtualVoice, play_into
from livecomposer.live.recorder import PARTS, Entry, RecordedJam
from livecomposer.live.replay import virtual_jam
from livecomposer.live.schedule import Booking
from livecomposer.live.tuning import LoadedModel
from livecomposer.midi.recording import Recording
from livecomposer.midi.wire import (
    CLOCK,
    CONTINUE,
    NOTE_OFF,
    NOTE_ON,
    PULSES_PER_SIXTEENTH,
    SONG_POSITION,
    START,
    STOP,
)
from livecomposer.model.bundle import Bundle
from livecomposer.model.engine import Engine
from livecomposer.music.tempo import BAR, GRID, TICKS_PER_BEAT

TEMPO_BPM = 120
REST_NS = 40_000_000_000
"""What all that is played takes to end, once the player has left."""

_TICK = 60_000_000_000 // TICKS_PER_BEAT  # ns at 1 BPM
_PERIODS_NS = (20_000_000, 25_000_000, 31_250_000, 19_531_250, 15_625_000)
"""A master's pulses: 125, 100, 80, 128, 160 BPM, to the nanosecond."""
_SONG_NS, _BREAK_NS = 600_000_000_000, 5_000_000_000


class Master(Protocol):
    """Who gives the beat, and knows exactly where the grid is."""

    def lead(self, messages: Sequence[Timed], until_ns: int) -> Iterator[Timed]:
        """The player's messages, with the master's own, if it has any, up to a time."""
        ...

    def off_grid_ns(self, ns: int, grid: int) -> int:
        """How far a time is from the nearest multiple of so many ticks."""
        ...


class OwnTempo(InternalClock):
    """An internal clock that also counts, without any rounding, where the grid is.

    Its tempos are whole numbers: positions are whole parts of 2,500,000,000 of a tick.
    """

    def __init__(self) -> None:
        super().__init__(TEMPO_BPM, 0)
        self._from_ns, self._from_place, self._bpm = 0, 0, TEMPO_BPM

    def anchor(self, ns: int, not_before: int) -> None:
        """See `Clock`."""
        super().anchor(ns, not_before)
        self._from_ns, self._from_place = ns, 0

    def set_tempo(self, ns: int, tempo_bpm: float) -> None:
        """See `InternalClock`."""
        super().set_tempo(ns, tempo_bpm)
        self._from_ns, self._from_place, self._bpm = ns, self._place(ns), round(tempo_bpm)

    def lead(self, messages: Sequence[Timed], until_ns: int) -> Iterator[Timed]:  # noqa: ARG002
        """See `Master`."""
        return iter(messages)

    def off_grid_ns(self, ns: int, grid: int) -> int:
        """See `Master`."""
        step = grid * _TICK
        off = (self._place(ns) + step // 2) % step - step // 2
        return abs(round(off / self._bpm))

    def _place(self, ns: int) -> int:
        return self._from_place + (ns - self._from_ns) * self._bpm


class ClockMaster:
    """Sends MIDI clock: songs of ten minutes, at several tempos, from several bars on."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng, self._coming = rng, self._play()
        self._songs: deque[tuple[int, int]] = deque(maxlen=2)  # when, and ns from pulse to pulse
        self._next = next(self._coming)

    def lead(self, messages: Sequence[Timed], until_ns: int) -> Iterator[Timed]:
        """See `Master`."""
        return heapq.merge(self._until(until_ns), messages)

    def off_grid_ns(self, ns: int, grid: int) -> int:
        """See `Master`."""
        start, period = max(song for song in self._songs if song[0] <= ns)
        step = grid * period
        return abs((ns - start + step // 2) % step - step // 2)

    def _until(self, ns: int) -> Iterator[Timed]:
        while self._next[0] < ns:
            yield self._next
            self._next = next(self._coming)

    def _play(self) -> Iterator[Timed]:
        ns = 0
        while True:
            period, bar = int(self._rng.choice(_PERIODS_NS)), int(self._rng.integers(100))
            if bar:
                sixteenths = bar * BAR // PULSES_PER_SIXTEENTH
                yield ns, bytes((SONG_POSITION, sixteenths & 0x7F, sixteenths >> 7))
            yield ns + 1, bytes((CONTINUE if bar else START,))
            self._songs.append((ns + period, period))
            for n in range(1, _SONG_NS // period):
                yield ns + n * period, bytes((CLOCK,))
            yield ns + _SONG_NS, bytes((STOP,))
            ns += _SONG_NS + _BREAK_NS


class CountedEngine(Engine):
    """Counts its steps.

    Attributes:
        steps: those of `prime` too.
    """

    steps = 0

    def _advance(self, token_id: int) -> None:
        self.steps += 1
        super()._advance(token_id)


class Ear(VirtualVoice):
    """Listens: what is sent is looked at, and thrown away.

    Attributes:
        onsets: chords that were booked.
        off_grid_ns: how far from the grid they were at most.
        messages: how many came.
        sounding: the notes that do: channel and pitch.
    """

    def __init__(self, master: Master) -> None:
        super().__init__(0)
        self._master = master
        self.onsets = self.off_grid_ns = self.messages = 0
        self.sounding: set[tuple[int, int]] = set()

    def book(self, booking: Booking) -> None:
        """See `Voice`."""
        self.onsets += 1
        off = self._master.off_grid_ns(booking.onset_ns, GRID)
        self.off_grid_ns = max(self.off_grid_ns, off)
        super().book(booking)

    def listen(self) -> None:
        """Take what was sent since the last time."""
        for _, message in self.sent:
            self.messages += 1
            note = (message[0] & 0x0F, message[1] if len(message) > 1 else 0)
            if message[0] & 0xF0 == NOTE_ON and message[2]:
                self.sounding.add(note)
            elif message[0] & 0xF0 in (NOTE_ON, NOTE_OFF):
                self.sounding.discard(note)
        self.sent.clear()


class Figures(NamedTuple):
    """What came of a while.

    Attributes:
        received: messages, those of a clock included.
        sent: messages.
        onsets: chords of the machine's.
        steps: of the network.
        off_grid_ns: the greatest distance of an onset from the exact grid.
        sounding: notes that were on when all was to be silent.
    """

    received: int
    sent: int
    onsets: int
    steps: int
    off_grid_ns: int
    sounding: int


class LongJam:
    """A jam in virtual time, recorded if the settings say so.

    Args:
        settings: assignments, over the defaults.
        seed: of all that is by chance.
        bundles: what can be played, by name.

    Attributes:
        recording: of the jam.
    """

    def __init__(self, settings: Sequence[str], seed: int, bundles: Mapping[str, Bundle]) -> None:
        config = load_config(None, [*assignments(), *settings])
        rng = np.random.default_rng(seed)
        self._engines = {name: CountedEngine(bundle) for name, bundle in bundles.items()}
        models = [
            LoadedModel(
                name,
                Continuation(bundle, self._engines[name], config.sampling, rng),
                bundle.tokeniser,
            )
            for name, bundle in bundles.items()
        ]
        follows = config.clock.source == "midi"
        self._master: Master = ClockMaster(rng) if follows else OwnTempo()
        clock = self._master if isinstance(self._master, OwnTempo) else MidiClock(TEMPO_BPM)
        self._pianist = Pianist(rng, TEMPO_BPM, ("tempo",) if follows else ())
        self._ear = Ear(self._master)
        self.recording = Recording(PARTS, "")
        self._most_bytes = config.record.max_mb * 1e6 if config.record.path else 0
        jam = virtual_jam(config, models, clock, self._ear, seed=seed)
        mappings = config.controls.mappings.values()
        self._jam = RecordedJam(jam, clock, mappings, self._record)
        self._ear.schedule.witness = self._jam.send
        self._ns = self._received = 0
        self._jam.begin(0)

    def play(self, length_ns: int) -> Figures:
        """Play for so long, and let all end."""
        before = (self._received, self._ear.messages, self._ear.onsets, self._steps)
        self._ear.off_grid_ns = 0
        end = self._ns + length_ns - REST_NS
        while self._ns < end:
            turn = self._pianist.turn(self._ns)
            self._pass(turn.messages, turn.end_ns)
        self._pass([choose_mode(self._ns, LISTEN)], self._ns + REST_NS)
        sounding = len(self._ear.sounding)
        self._pass([choose_mode(self._ns, FIRST)], self._ns + 1)
        after = (self._received, self._ear.messages, self._ear.onsets, self._steps)
        counts = [now - then for now, then in zip(after, before, strict=True)]
        return Figures(*counts, self._ear.off_grid_ns, sounding)

    def size(self) -> int:
        """Bytes of all that the live core holds, the recording not counted."""
        return bytes_held(self._jam, but=self.recording)

    @property
    def _steps(self) -> int:
        return sum(engine.steps for engine in self._engines.values())

    def _pass(self, messages: Sequence[Timed], until_ns: int) -> None:
        led = list(self._master.lead(messages, until_ns))
        self._received += len(led)
        play_into(self._jam, self._ear, led, until_ns)
        self._ear.listen()
        self._ns = until_ns

    def _record(self, entry: Entry) -> None:
        if len(self.recording) < self._most_bytes:
            self.recording.add(*entry)
