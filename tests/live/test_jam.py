"""Whole jams in virtual time: what a transport does to a call and to an answer."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livecomposer.live.clock import InternalClock
from livecomposer.live.jam import Jam
from livecomposer.live.leader import Leader
from livecomposer.live.midi_clock import MidiClock
from livecomposer.live.offline import VirtualVoice, play_into
from tests.live.test_desk import Stage
from tests.live.test_offline import BEAT, PHRASE, composer, message

PULSE = BEAT / 24  # at 120
START, CONTINUE, STOP, CLOCK = b"\xfa", b"\xfb", b"\xfc", b"\xf8"
SILENCE = ["b04000", "b07b00"]


def pulses(first, count):
    """So many pulses, beginning with the one at tick `first`."""
    return [(round(tick * PULSE), CLOCK) for tick in range(first, first + count)]


def jam(clock, messages, end_beat=40, **options):
    """What is sent until a beat: (nanoseconds, bytes)."""
    voice = VirtualVoice(0)
    ordered = sorted(messages, key=lambda timed: timed[0])
    play_into(Jam(composer(), clock, voice, **options), voice, ordered, end_beat * BEAT)
    return voice.sent


def onsets(sent):
    """The beats of the chords, to a thousandth."""
    return [round(ns / BEAT, 3) for ns, data in sent if data[0] == 0x90 and data[1] == 60]


def sounding(sent):
    notes = set()
    for _, data in sent:
        if data[0] & 0xF0 in (0x80, 0x90):
            (notes.add if data[0] & 0xF0 == 0x90 else notes.discard)(data[1])
    return notes


def started(*messages):
    return [(0, START), *pulses(0, 24 * 40), *messages]


def test_a_midi_clock_is_played_to():
    late = [(ns + 4 * BEAT // 10, data) for ns, data in PHRASE]  # not on the master's beat
    assert onsets(jam(MidiClock(100), started(*late))) == [3.5, 4, 4.5, 5]


def test_nothing_is_heard_while_the_master_stands():
    assert jam(MidiClock(120), [*pulses(0, 400), *PHRASE]) == []


def test_a_stop_in_a_call_ends_it():
    later = [(ns + 20 * BEAT, data) for ns, data in PHRASE]
    sent = jam(MidiClock(120), started(*PHRASE, (BEAT + 1, STOP), (16 * BEAT - 1, START), *later))
    assert [data.hex() for _, data in sent[:2]] == SILENCE
    assert onsets(sent) == [23, 23.5, 24, 24.5]


def test_a_stop_in_an_answer_silences_it():
    sent = jam(MidiClock(120), started(*PHRASE, (round(3.2 * BEAT), STOP)))
    assert onsets(sent) == [3]
    assert [data.hex() for _, data in sent[2:]] == ["803c00", "804000", *SILENCE]


def test_when_the_clock_fails_notes_end_and_when_it_comes_back_music_goes_on():
    later = [(ns + 20 * BEAT, data) for ns, data in PHRASE]
    clock = [(0, START), *pulses(0, 78), *pulses(24 * 16, 24 * 24)]
    sent = jam(MidiClock(120), [*clock, *PHRASE, *later])
    assert onsets(sent) == [3, 3.5, 4, 23, 23.5, 24, 24.5]  # the clock's last pulse was at 3.2
    end = 77 * PULSE + 500_000_000
    assert [round(ns) for ns, data in sent if data.hex() in SILENCE] == [round(end)] * 2


def test_a_loops_end_does_not_cut_an_answer():
    loop = (round(81.5 * PULSE), bytes((0xF2, 1, 0)))  # the next pulse is at 3 + 10/24: 10 of 24
    in_phase = (round(95.5 * PULSE), bytes((0xF2, 0, 0)))
    assert onsets(jam(MidiClock(120), started(*PHRASE, in_phase))) == [3, 3.5, 4, 4.5]
    cut = jam(MidiClock(120), started(*PHRASE, loop))
    assert onsets(cut) == [3]
    assert not sounding(cut)


@pytest.mark.parametrize("latency_ms", [-100, -7, 0, 30, 100])
def test_latency_shifts_all_that_is_sent(latency_ms):
    plain = jam(InternalClock(120, 0), PHRASE)
    shifted = jam(InternalClock(120, 0), PHRASE, latency_ns=latency_ms * 1_000_000)
    assert [(ns - latency_ms * 1_000_000, data) for ns, data in plain] == shifted


def test_those_led_are_started_on_a_beat_and_get_every_pulse():
    clock = InternalClock(120, 0, fixed=True)
    sent = jam(clock, PHRASE, end_beat=8, leader=Leader())
    system = [(ns, data) for ns, data in sent if data[0] >= 0xF0]
    assert system[0] == (BEAT, START)
    assert [ns for ns, _ in system[1:]] == [round(i * PULSE) for i in range(24, 24 * 8)]
    assert {data for _, data in system[1:]} == {CLOCK}
    assert onsets(sent) == [3, 3.5, 4, 4.5]


def test_tapping_changes_the_tempo_without_a_jump():
    taps = [(round((10 + 0.6 * i) * BEAT), message("on", 21)) for i in range(3)]
    later = [(ns + 20 * BEAT, data) for ns, data in PHRASE]
    stage = Stage("controls.tap=note 21").play([*taps, *later])
    assert onsets(stage.sent)[:2] == [22.4, 22.7]  # in beats at 120: it plays at 200


def test_after_a_stall_it_goes_on_at_the_next_slot():
    voice = VirtualVoice(0)
    stalled = Jam(composer(), InternalClock(120, 0), voice)
    play_into(stalled, voice, [(ns, data) for ns, data in PHRASE], round(3.2 * BEAT))
    assert onsets(voice.sent) == [3]
    voice.now_ns = round(4.1 * BEAT)  # nothing was done in the meantime
    stalled.advance(voice.now_ns)
    voice.send_due()
    play_into(stalled, voice, [], 40 * BEAT)
    assert onsets(voice.sent) == [3, 4, 4.5]  # the one at 3.5 was too late
    assert voice.schedule.skipped == 2
    assert not sounding(voice.sent)


TRANSPORT = st.sampled_from([START, STOP, CONTINUE, b"\xf2\x05\x00", b"\xf2\x00\x00", None])


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 24 * 30), TRANSPORT), max_size=12), st.integers(0, 3))
def test_whatever_the_transport_does_nothing_is_left_sounding(events, lost):
    calls = [(ns + beat * BEAT, data) for beat in (0, 8, 16) for ns, data in PHRASE]
    clock = [
        (ns, data)
        for i, (ns, data) in enumerate([(0, START), *pulses(0, 24 * 30)])
        if not lost or i % (20 * lost)
    ]
    transport = [(round((tick + 0.5) * PULSE), data) for tick, data in events if data]
    sent = jam(MidiClock(120), [*clock, *calls, *transport], end_beat=60)
    assert not sounding(sent)
    assert [ns for ns, _ in sent] == sorted(ns for ns, _ in sent)
