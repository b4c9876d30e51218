"""The live core: MIDI bytes and the time in, booked notes out. In real and in virtual time."""

from dataclasses import replace
from typing import Protocol

from livecomposer.live.clock import Clock
from livecomposer.live.composer import Composer
from livecomposer.midi.wire import WireParser, event_of
from livecomposer.music.events import NoteOn, Stop


class Voice(Protocol):
    """What sounds the machine's notes: the player, or a schedule in virtual time."""

    def book(self, on_ns: int, off_ns: int, pitches: tuple[int, ...], velocity: int) -> None:
        """Book a chord, with its end."""
        ...

    def cut(self) -> None:
        """End at once what sounds, and drop what is booked."""
        ...

    def silence(self) -> None:
        """As `cut`, and release whatever else may sound on the channel."""
        ...


class Jam:
    """Wires clock, composer and voice. All times are in nanoseconds of the clock's."""

    def __init__(self, composer: Composer, clock: Clock, voice: Voice) -> None:
        self._composer, self._clock, self._voice = composer, clock, voice
        self._parser = WireParser()

    def receive(self, ns: int, data: bytes) -> None:
        """Take bytes that came in at `ns`."""
        due = self.due_ns()
        if due is not None and due < ns:  # what was due before comes before
            self.advance(ns)
        for message in self._parser.feed(data):
            event = event_of(message, self._clock.tick_at(ns))
            if event is None:
                continue
            if isinstance(event, NoteOn) and self._composer.silent(event.tick):
                self._clock.anchor(ns)
                event = replace(event, tick=self._clock.tick_at(ns))
            interrupted = self._composer.interrupt(event)
            if isinstance(event, Stop):
                self._voice.silence()
            elif interrupted:
                self._voice.cut()
            self._composer.hear(event)

    def advance(self, ns: int) -> None:
        """Let time come to `ns`."""
        clock = self._clock
        for note in self._composer.advance(clock.tick_at(ns)):
            end = clock.ns_at(note.onset + note.duration)
            self._voice.book(clock.ns_at(note.onset), end, note.pitches, note.velocity)

    def due_ns(self) -> int | None:
        """When to call `advance` next, if nothing is received before; None if not before then."""
        tick = self._composer.next_tick()
        return None if tick is None else self._clock.ns_at(tick)
