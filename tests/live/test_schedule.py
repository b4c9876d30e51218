"""Whole lists of what is sent, and the one invariant: silence."""

import contextlib

from hypothesis import given
from hypothesis import strategies as st

from livecomposer.live.schedule import Booking, FullError, Schedule


class Wire:
    """Keeps what is sent, and what a listener hears sounding."""

    def __init__(self):
        self.sent, self.sounding, self.struck_twice = [], set(), False

    def __call__(self, due, message):
        self.sent.append((due, message.hex(" ")))
        if message[0] & 0xF0 == 0x90:
            self.struck_twice |= message[1] in self.sounding
            self.sounding.add(message[1])
        elif message[0] & 0xF0 == 0x80:
            self.sounding.discard(message[1])


def chord(onset, end, pitches, velocity, expires=10**9):
    return Booking(onset, end, expires, pitches, velocity)


def test_a_chord_and_its_end():
    schedule, wire = Schedule(2), Wire()
    schedule.book(chord(100, 300, (60, 64), 90))
    assert schedule.due_ns() == 100
    schedule.send_due(99, wire)
    assert wire.sent == []
    schedule.send_due(100, wire)
    assert wire.sent == [(100, "92 3c 5a"), (100, "92 40 5a")]
    assert schedule.due_ns() == 300
    schedule.send_due(1000, wire)
    assert wire.sent[2:] == [(300, "82 3c 00"), (300, "82 40 00")]
    assert schedule.due_ns() is None


def test_at_the_same_time_notes_end_before_others_begin():
    schedule, wire = Schedule(0), Wire()
    schedule.book(chord(100, 200, (60,), 90))
    schedule.book(chord(200, 300, (60,), 80))
    schedule.send_due(250, wire)
    assert wire.sent == [(100, "90 3c 5a"), (200, "80 3c 00"), (200, "90 3c 50")]


def test_a_pitch_struck_again_is_ended_first_and_lasts_as_booked():
    schedule, wire = Schedule(0), Wire()
    schedule.book(chord(100, 300, (60,), 90))
    schedule.book(chord(200, 400, (60,), 80))
    schedule.send_due(300, wire)
    assert wire.sent == [(100, "90 3c 5a"), (200, "80 3c 00"), (200, "90 3c 50")]
    schedule.send_due(400, wire)
    assert wire.sent[3:] == [(400, "80 3c 00")]


def test_a_cut_ends_what_sounds_and_drops_the_rest():
    schedule, wire = Schedule(0), Wire()
    schedule.book(chord(100, 300, (64, 60), 90))
    schedule.book(chord(200, 400, (72,), 90))
    schedule.send_due(150, wire)
    schedule.cut(160, wire)
    assert wire.sent[2:] == [(160, "80 3c 00"), (160, "80 40 00")]
    assert schedule.due_ns() is None


def test_silence_also_lifts_the_pedal_and_ends_all_notes():
    schedule, wire = Schedule(5), Wire()
    schedule.silence(7, wire)
    assert wire.sent == [(7, "b5 40 00"), (7, "b5 7b 00")]


def test_a_note_stays_in_the_ledger_until_its_note_off_has_gone_out():
    schedule, wire = Schedule(0), Wire()
    schedule.book(chord(100, 300, (60,), 90))
    schedule.send_due(100, wire)

    def broken(_due, _message):
        raise OSError

    for _ in range(2):
        with contextlib.suppress(OSError):
            schedule.send_due(300, broken)
        with contextlib.suppress(OSError):
            schedule.cut(300, broken)
    schedule.silence(400, wire)
    assert (400, "80 3c 00") in wire.sent
    assert not wire.sounding


def test_a_note_that_is_too_late_is_not_begun_and_one_that_has_begun_always_ends():
    schedule, wire = Schedule(0), Wire()
    schedule.book(chord(100, 200, (60,), 90, expires=150))
    schedule.book(chord(110, 400, (62,), 90, expires=160))
    schedule.send_due(160, wire)
    assert (wire.sent, schedule.skipped) == ([(110, "90 3e 5a")], 1)
    schedule.send_due(10**6, wire)
    assert wire.sent[1:] == [(400, "80 3e 00")]


def test_after_a_stall_there_is_no_burst():
    schedule, wire = Schedule(0), Wire()
    for slot in range(0, 1000, 100):
        schedule.book(chord(slot, slot + 100, (60,), 90, expires=slot + 50))
    schedule.send_due(820, wire)
    assert (wire.sent, schedule.skipped) == ([(800, "90 3c 5a")], 8)
    schedule.send_due(10**6, wire)
    assert wire.sent[1:] == [(900, "80 3c 00")]  # what began then is too late by now


def test_what_is_due_soon_is_sent_ahead_if_asked_for():
    schedule, wire = Schedule(0), Wire()
    schedule.book(chord(100, 200, (60,), 90))
    schedule.send_due(50, wire, ahead_ns=49)
    assert wire.sent == []
    schedule.send_due(50, wire, ahead_ns=50)
    assert wire.sent == [(100, "90 3c 5a")]


def test_system_messages_go_first_outlive_a_cut_and_are_never_too_late():
    schedule, wire = Schedule(0), Wire()
    schedule.book(chord(100, 200, (60,), 90))
    for due in (100, 300):
        schedule.book_message(due, b"\xf8")
    schedule.send_due(100, wire)
    schedule.cut(150, wire)
    schedule.send_due(10**12, wire)
    assert wire.sent == [(100, "f8"), (100, "90 3c 5a"), (150, "80 3c 00"), (300, "f8")]


BOOKINGS = st.tuples(
    st.just("book"),
    st.integers(0, 50),
    st.integers(1, 40),
    st.sets(st.integers(60, 64), min_size=1).map(tuple),
)
ACTIONS = st.one_of(BOOKINGS, st.tuples(st.just("wait"), st.integers(0, 30)), st.just(("cut",)))


@given(st.lists(ACTIONS))
def test_whatever_happens_silence_is_left_and_no_note_is_struck_twice(actions):
    schedule, wire, now = Schedule(0), Wire(), 0
    for action, *arguments in actions:
        if action == "book":
            begin, length, pitches = arguments
            schedule.book(chord(now + begin, now + begin + length, pitches, 80))
        elif action == "wait":
            now += arguments[0]
            schedule.send_due(now, wire)
        else:
            schedule.cut(now, wire)
            assert not wire.sounding
    assert not wire.struck_twice
    assert [due for due, _ in wire.sent] == sorted(due for due, _ in wire.sent)
    unfinished = schedule
    unfinished.send_due(now + 1000, wire)
    assert not wire.sounding
    schedule.silence(now, wire)
    assert not wire.sounding


def test_a_pitch_that_both_play_ends_when_both_have_ended_it():
    schedule, wire = Schedule(0), Wire()
    schedule.book(chord(100, 300, (60, 64), 90))
    schedule.book_message(200, b"\x90\x3c\x50")
    schedule.book_message(400, b"\x80\x3c\x40")
    schedule.send_due(350, wire)
    assert wire.sent[2:] == [(200, "90 3c 50"), (300, "80 40 00")]
    schedule.send_due(400, wire)
    assert wire.sent[4:] == [(400, "80 3c 40")]
    schedule.book(chord(500, 800, (60,), 90))
    schedule.book_message(600, b"\x90\x3c\x50")
    schedule.book_message(700, b"\x90\x3c\x00")
    schedule.send_due(900, wire)
    assert wire.sent[5:] == [(500, "90 3c 5a"), (600, "90 3c 50"), (800, "80 3c 00")]


def test_silence_ends_what_was_passed_on_too():
    schedule, wire = Schedule(0), Wire()
    schedule.book(chord(100, 300, (60,), 90))
    schedule.book_message(100, b"\x90\x3c\x50")
    schedule.book_message(100, b"\x93\x40\x50")
    schedule.send_due(100, wire)
    schedule.silence(150, wire)
    assert [message for _, message in wire.sent[3:]] == [
        "80 3c 00", "83 40 00", "b0 40 00", "b0 7b 00", "b3 40 00", "b3 7b 00",
    ]  # fmt: skip


def test_ends_are_repeated_but_of_what_sounds_again():
    schedule, wire = Schedule(0), Wire()
    schedule.book(chord(100, 200, (60, 62, 64), 90))
    schedule.book(chord(300, 900, (62,), 90))
    schedule.book_message(350, b"\x95\x30\x50")
    schedule.book_message(380, b"\x95\x30\x00")
    schedule.send_due(400, wire)
    before = len(wire.sent)
    schedule.repeat_ends(500, wire, within_ns=1000)
    assert wire.sent[before:] == [(500, "80 3c 00"), (500, "80 40 00"), (500, "85 30 00")]
    schedule.repeat_ends(2000, wire, within_ns=1000)
    assert len(wire.sent) == before + 3
    schedule.repeat_ends(2000, wire)
    assert len(wire.sent) > before + 3


def test_silence_drops_what_is_booked_of_the_players():
    schedule, wire = Schedule(0), Wire()
    for message in (b"\x90\x3c\x50", b"\xb0\x40\x7f", b"\xf8"):
        schedule.book_message(100, message)
    schedule.silence(50, wire)
    schedule.send_due(200, wire)
    assert [message for _, message in wire.sent] == ["b0 40 00", "b0 7b 00", "f8"]


class Narrow(Wire):
    """Takes only so many messages at a time."""

    def __init__(self, room):
        super().__init__()
        self.room = self._most = room

    def __call__(self, due, message):
        if not self.room:
            raise FullError
        self.room -= 1
        super().__call__(due, message)

    def do(self, step):
        """Take a step as often as it takes."""
        for _ in range(100):
            self.room = self._most
            with contextlib.suppress(FullError):
                return step()
        raise AssertionError("it never ends")


@given(st.integers(4, 9), st.sets(st.integers(0, 127), min_size=1, max_size=12), st.booleans())
def test_where_there_is_no_room_all_goes_out_later_and_nothing_hangs(room, pitches, both):
    schedule, wire = Schedule(0), Narrow(room)
    schedule.book(chord(100, 300, tuple(pitches), 90))
    for pitch in pitches if both else ():
        schedule.book_message(100, bytes((0x91, pitch, 80)))
    wire.do(lambda: schedule.send_due(200, wire))
    assert wire.sounding == pitches
    wire.do(lambda: schedule.silence(250, wire))
    assert wire.sent[-1][1].endswith("7b 00")
    assert not wire.sounding
