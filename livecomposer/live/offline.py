"""The live core without waiting: a recorded performance played into it in virtual time.

Also what a performance and its answers come to as notes, and continuing a piece at one stroke.
"""

import logging
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from livecomposer.live.clock import Clock
from livecomposer.live.continuation import Continuation
from livecomposer.live.jam import Jam
from livecomposer.live.line import Line
from livecomposer.live.orders import OrderError
from livecomposer.live.performance import Performance
from livecomposer.live.phrase import Touch
from livecomposer.live.recorder import RecordedJam
from livecomposer.live.schedule import Booking, Schedule
from livecomposer.live.stream import Stream
from livecomposer.midi.files import WRITTEN_DIVISION, MidiFile, TimedNote
from livecomposer.midi.wire import NOTE_OFF, NOTE_ON, event_of
from livecomposer.music.events import Event, Note
from livecomposer.music.tempo import TICKS_PER_BEAT, TempoMap
from livecomposer.music.tokeniser import Group, OnsetGroups, TokeniserSettings, encode
from livecomposer.music.tokens import Token

log = logging.getLogger(__name__)

Timed = tuple[int, bytes]
"""Nanoseconds from the start, and a message, whole."""

Given = tuple[int, bytes | str]
"""As `Timed`, or an order in words: see `orders`."""


def timed_messages(midi: MidiFile) -> list[Timed]:
    """A file's messages as they would come in at a port."""
    tempo_map = midi.tempo_map
    return [
        (tempo_map.ns_at(position, midi.division), bytes(message.bin()))
        for position, message in midi.messages
    ]


def hear(messages: Iterable[Timed], clock: Clock) -> list[Event]:
    """The events of messages, by the live path: placed by the clock."""
    return [event for ns, each in messages if (event := event_of(each, clock.tick_at(ns)))]


def live_tokens(
    messages: Iterable[Timed], clock: Clock, settings: TokeniserSettings
) -> list[Token]:
    """The tokens that the composer would hear."""
    return encode(hear(messages, clock), settings)


def play_into(
    jam: Jam | RecordedJam,
    voice: "VirtualVoice",
    messages: Iterable[Given],
    end_ns: int | None = None,
) -> None:
    """Play messages into a jam in virtual time.

    Args:
        jam: its voice is `voice`.
        voice: keeps what is sent.
        messages: in order of time, orders among them.
        end_ns: when to stop; otherwise, when nothing more would happen.
    """
    for ns, message in messages:
        _let_pass(jam, voice, ns)
        voice.now_ns = ns
        if not isinstance(message, str):
            jam.receive(ns, message)
            continue
        try:
            jam.order(ns, message)
        except OrderError as error:  # with other settings than then, it may make no sense
            log.warning("left out: %s", error)
    _let_pass(jam, voice, end_ns)
    if end_ns is not None:
        voice.now_ns = end_ns


class VirtualVoice:
    """A schedule that keeps what it sends, at a time that is set from outside."""

    def __init__(self, channel: int) -> None:
        self.schedule = Schedule(channel)
        self.now_ns = 0
        self.sent: list[Timed] = []  # with when each was due

    def book(self, booking: Booking) -> None:
        """See `Voice`."""
        self.schedule.book(booking)

    def book_message(self, due_ns: int, message: bytes) -> None:
        """See `Voice`."""
        self.schedule.book_message(due_ns, message)

    def send_soon(self, ns: int, message: bytes) -> None:
        """See `Voices`."""
        self.schedule.book_message(ns, message)

    def cut(self) -> None:
        """See `Voice`."""
        self.schedule.cut(self.now_ns, self._send)

    def silence(self) -> None:
        """See `Voice`."""
        self.schedule.silence(self.now_ns, self._send)

    def send_due(self) -> None:
        """Send what is due by now."""
        self.schedule.send_due(self.now_ns, self._send)

    def _send(self, due_ns: int, message: bytes) -> None:
        self.sent.append((due_ns, message))


def _let_pass(jam: Jam | RecordedJam, voice: VirtualVoice, until_ns: int | None) -> None:
    """Let happen all that is due before `until_ns`, or all there is."""
    while True:
        dues = [due for due in (jam.due_ns(), voice.schedule.due_ns()) if due is not None]
        if not dues or (until_ns is not None and min(dues) >= until_ns):
            return
        voice.now_ns = max(voice.now_ns, min(dues))
        voice.send_due()
        jam.advance(voice.now_ns)


def notes_of(messages: Iterable[Timed], tempo_map: TempoMap) -> list[TimedNote]:
    """Messages as notes to be written. A note struck again, or never ended, ends there."""
    notes: list[TimedNote] = []
    open_notes: dict[tuple[int, int], tuple[int, int]] = {}  # (channel, pitch): onset, velocity
    now = 0

    def close(key: tuple[int, int]) -> None:
        onset, velocity = open_notes.pop(key)
        notes.append(TimedNote(onset, max(now, onset + 1), key[1], velocity, key[0]))

    for ns, message in messages:
        now = tempo_map.position_at(ns, WRITTEN_DIVISION)
        if message[0] & 0xF0 not in (NOTE_ON, NOTE_OFF):
            continue
        key = (message[0] & 0x0F, message[1])
        if key in open_notes:
            close(key)
        if message[0] & 0xF0 == NOTE_ON and message[2]:
            open_notes[key] = (now, message[2])
    for key in list(open_notes):
        close(key)
    return sorted(notes, key=lambda note: (note.onset, note.channel, note.pitch))


class Primed(NamedTuple):
    """A model that has heard a piece, and is to go on.

    Attributes:
        stream: all that was heard.
        start: the first slot after it, a tick.
        touch: how the piece was played.
    """

    stream: Stream
    start: int
    touch: Touch

    def go_on(self, *, length: int, max_duration: int, ways: int) -> list[Note]:
        """Play.

        Args:
            length: how long, in ticks.
            max_duration: of a note, in ticks.
            ways: how many ways to end are tried.
        """
        start, touch = self.start, self.touch
        end = start + length
        line = Line(self.stream, start, end, max_duration=max_duration, touch=touch, ways=ways)
        notes = []
        while line.due(end):
            while not line.ready:
                line.prepare()
            notes.append(line.play())
        return notes


def prime(
    events: Sequence[Event], continuation: Continuation, tokeniser: TokeniserSettings
) -> Primed:
    """Let a model hear a piece.

    Args:
        events: the piece's; at least one onset.
        continuation: fresh; it hears the piece's last tokens, as many as its context holds.
        tokeniser: the settings its weights were trained with.
    """
    gathering, stream = OnsetGroups(tokeniser), Stream(continuation, tokeniser)
    played = Performance(0)
    groups: list[Group] = []
    for event in events:
        groups += gathering.feed(event)
        played.hear(event)
    for group in (groups + gathering.flush())[-(continuation.context.maxlen or 0) :]:
        stream.hear(*group)
    continuation.follow(played.key)
    stream.refresh()
    return Primed(stream, stream.slot(max(event.tick for event in events) + 1), played.touch)


def timed_notes(notes: Iterable[Note], channel: int) -> list[TimedNote]:
    """The core's notes as notes to be written."""
    scale = WRITTEN_DIVISION // TICKS_PER_BEAT
    return [
        TimedNote(
            note.onset * scale, (note.onset + note.duration) * scale, pitch, note.velocity, channel
        )
        for note in notes
        for pitch in note.pitches
    ]
