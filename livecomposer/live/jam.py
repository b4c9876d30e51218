"""The live core: MIDI messages and the time in, booked notes out. In real and in virtual time."""

import math
from dataclasses import replace
from typing import Protocol

from livecomposer.live.clock import Clock
from livecomposer.live.composer import LEAD, Composer
from livecomposer.live.desk import Desk
from livecomposer.live.echoes import Echoes
from livecomposer.live.leader import Leader
from livecomposer.live.orders import OrderError
from livecomposer.live.schedule import Booking
from livecomposer.live.tuning import Voices
from livecomposer.midi.wire import (
    CONTINUE,
    FIRST_SYSTEM,
    START,
    STOP,
    event_of,
    silences,
)
from livecomposer.music.events import Note, NoteOn, Stop

_STALL_NS = 2_000_000_000
_WAY_NS = 13_350_000
"""What it takes to try a way to end: 9 ms in the median, 17 in 9 of 10 cases on a slow machine. As
many are tried, a power of 2, as half a step of the grid has time for. (At none of the tempos that
are common, a clock's jitter makes a difference to that.)"""


class Voice(Voices, Protocol):
    """What sounds the machine's notes: the player, or a schedule in virtual time."""

    def book(self, booking: Booking) -> None:
        """Book a chord, with its end."""
        ...

    def book_message(self, due_ns: int, message: bytes) -> None:
        """Book a message that is no note."""
        ...


class Jam:
    """Wires clock, composer and voice. All times are in nanoseconds of the clock's.

    Args:
        composer: fresh.
        clock: where positions come from.
        voice: what plays.
        latency_ns: how much earlier than due everything is sent; negative for later.
        ahead_ns: how much before it is sent the voice must have it.
        leader: what leads others by MIDI clock, if anything does.
        desk: what is changed while playing, if anything is.
        echoes: what tells feedback, where there can be any.

    Attributes:
        started_ns: when the clock, or what it follows, started last; 0 before.
    """

    def __init__(
        self,
        composer: Composer,
        clock: Clock,
        voice: Voice,
        *,
        latency_ns: int = 0,
        ahead_ns: int = 0,
        leader: Leader | None = None,
        desk: Desk | None = None,
        echoes: Echoes | None = None,
    ) -> None:
        self._composer, self._clock, self._voice = composer, clock, voice
        self._latency_ns, self._leader, self._desk = latency_ns, leader, desk
        self.be_ahead(ahead_ns)
        self._echoes = echoes
        self._tick = 0  # of the last event
        self._now_ns: int | None = None  # what time has come to
        self._breaks = clock.breaks
        self._stood = not clock.running
        self.started_ns = 0

    def receive(self, ns: int, message: bytes) -> bool:
        """Take a message that came in at `ns`, whole.

        Returns:
            Whether it is the player's: otherwise it is what was sent, come back.
        """
        if message[0] >= FIRST_SYSTEM:
            self._catch_up(ns)
            self._hear_clock(ns, message)
            return True
        if self._echoes and self._echoes.returns(ns, message):
            return False
        if self._desk and self._desk.pass_on(ns, message) and self._echoes:
            self._echoes.pass_on(ns, message)
        self._catch_up(ns)
        if silences(message):  # on any channel
            self._silence(ns)
        elif self._desk and self._desk.take(ns, self._tick_at(ns), message):
            self._tick = self._tick_at(ns)
        else:
            self._hear(ns, message)
        return True

    def order(self, ns: int, order: str) -> None:
        """Carry out an order in words, given at `ns`: see `orders`.

        Raises:
            OrderError: it can't be; all stays as it is.
        """
        self._catch_up(ns)
        if self._desk is None:
            raise OrderError(f"{order}: nothing can be changed here")
        self._tick = self._tick_at(ns)
        self._desk.obey(ns, self._tick, order)

    def advance(self, ns: int) -> None:
        """Let time come to `ns`: all that is due till then happens, as if at its own time.

        So what is played depends on what was received when, and on nothing else; but where more
        than `_STALL_NS` were lost, what should have been is left out.
        """
        if self._now_ns is None or self._now_ns < ns - _STALL_NS:
            self._now_ns = ns
        while (due := self.due_ns()) is not None and due <= ns:
            self._advance(max(due, self._now_ns))
        self._advance(max(ns, self._now_ns))

    def _advance(self, ns: int) -> None:
        self._now_ns = ns
        self._clock.advance(ns)
        self._notice_break(ns)
        if not self._clock.running:
            self._stood = True
            return
        tick = self._clock.tick_at(ns + self._ahead_ns)
        if self._stood:
            self._start(ns)
        self._limit_ways(tick)
        for note in self._composer.advance(tick):
            self._book(note)
        if self._leader:
            for due, message in self._leader.until(tick + LEAD):
                self._voice.book_message(self._sent_at(due), message)

    def due_ns(self) -> int | None:
        """When to call `advance` next, if nothing is received before; None if not before then."""
        if self._clock.breaks != self._breaks or (self._clock.running and self._stood):
            return 0
        dues = [self._clock.due_ns()]
        if self._clock.running:
            ticks = [self._composer.next_tick()]
            if self._leader:
                ticks.append(self._leader.next_tick - LEAD)
            dues += [self._clock.ns_at(tick) - self._ahead_ns for tick in ticks if tick is not None]
        return min((due for due in dues if due is not None), default=None)

    def begin(self, ns: int) -> None:
        """Let those that show how things stand know."""
        if self._desk:
            self._desk.begin(ns)

    def begin_again(self, ns: int) -> None:
        """Something came or went at the ports: end what sounds and what is held, and go on."""
        self._silence(ns)
        if self._clock.running:
            self._composer.resume(self._tick_at(ns))
        self.begin(ns)

    def be_ahead(self, ahead_ns: int) -> None:
        """From now on, the voice must have what it is to send so much before."""
        self._ahead_ns = max(0, self._latency_ns) + ahead_ns

    def leave(self, ns: int) -> None:
        """Let those that were led stop."""
        if self._leader:
            self._voice.book_message(ns, bytes((STOP,)))

    def _catch_up(self, ns: int) -> None:
        """What was due before `ns` comes before what comes then."""
        if (due := self.due_ns()) is not None and due < ns:
            self.advance(ns - 1)

    def _hear_clock(self, ns: int, message: bytes) -> None:
        self._clock.hear(ns, message)
        self._notice_break(ns)
        if message[0] in (START, CONTINUE) and self._clock.running:
            self._start(ns)
        self._stood |= not self._clock.running

    def _start(self, ns: int) -> None:
        self._stood, self.started_ns = False, ns
        self._composer.resume(self._tick_at(ns))

    def _notice_break(self, ns: int) -> None:
        """Where the music has come to a stop, end what sounds and forget what is going on."""
        if self._clock.breaks != self._breaks:
            self._breaks = self._clock.breaks
            self._silence(ns)

    def _silence(self, ns: int) -> None:
        """End what sounds, and forget what is going on."""
        self._voice.silence()
        if self._echoes:
            self._echoes.forget()
        self._tick = self._tick_at(ns)
        self._composer.hear(Stop(self._tick))

    def _hear(self, ns: int, message: bytes) -> None:
        if not self._clock.running:
            return
        event = event_of(message, self._tick_at(ns))
        if event is None:
            return
        if isinstance(event, NoteOn) and self._composer.silent(event.tick):
            self._clock.anchor(ns, self._tick)
            event = replace(event, tick=self._tick_at(ns))
        self._tick = event.tick
        self._limit_ways(event.tick)
        if self._composer.interrupt(event):
            self._voice.cut()
        self._composer.hear(event)

    def _limit_ways(self, tick: int) -> None:
        """Let no more ways to end be tried than there is time for at the tempo from `tick` on."""
        time_ns = self._clock.ns_at(tick + self._composer.grid // 2) - self._clock.ns_at(tick)
        self._composer.most_ways = 2 ** max(0, int(math.log2(time_ns / _WAY_NS)))

    def _tick_at(self, ns: int) -> int:
        """An event's tick; they never go back."""
        return max(self._tick, self._clock.tick_at(ns))

    def _book(self, note: Note) -> None:
        if self._desk and self._desk.muted:
            return
        ends, too_late = note.onset + note.duration, note.onset + self._composer.grid // 2
        onset, end, expires = map(self._sent_at, (note.onset, ends, too_late))
        if self._echoes:
            self._echoes.book(onset, note.pitches, note.velocity)
        self._voice.book(Booking(onset, end, expires, note.pitches, note.velocity))

    def _sent_at(self, tick: int) -> int:
        return self._clock.ns_at(tick) - self._latency_ns
