"""Jams as files: positions are the clock's, times are real, and every note ends."""

import io
import tracemalloc

import mido
import pretty_midi
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livecomposer.atomic import write_whole
from livecomposer.midi.files import read_midi
from livecomposer.midi.recording import DIVISION, UNITS_PER_TICK, Recording, encode_length

MS = 1_000_000
TICK_NS = 500 * MS // 24  # at 120


@pytest.mark.parametrize("number", [0, 127, 128, 16_383, 16_384, 2_097_151, 2**28 - 1])
def test_lengths_are_as_mido_reads_them(number):
    track = b"MTrk" + (len(encode_length(number)) + 3).to_bytes(4, "big")
    head = b"MThd\0\0\0\6\0\0\0\1\0\x60"
    file = mido.MidiFile(file=io.BytesIO(head + track + encode_length(number) + b"\xff\x2f\0"))
    assert file.tracks[0][0].time == number


def on(pitch, velocity=80):
    return bytes((0x90, pitch, velocity))


def note_times(content):
    """(seconds, pitch) of each note's beginning and end, by a library of others'."""
    notes = [
        (time, note.pitch)
        for instrument in pretty_midi.PrettyMIDI(io.BytesIO(content)).instruments
        for note in instrument.notes
        for time in (note.start, note.end)
    ]
    return sorted(notes)


def test_two_parts_and_their_settings():
    jam = Recording(["player", "livecomposer"], '{"seed": 7}')
    assert jam.empty
    for part, tick, message in [
        (0, 0, on(60)), (0, 12, on(60, 0)), (0, 13, b"\xb0\x40\x7f"),
        (1, 24, on(64)), (1, 36, b"\x80\x40\0"), (1, 36, on(67)),
    ]:  # fmt: skip
        jam.add(part, tick * TICK_NS, 96_000 * 2 + tick * UNITS_PER_TICK, TICK_NS, message)
    read = mido.MidiFile(file=io.BytesIO(jam.file()))
    assert (read.type, read.ticks_per_beat) == (1, DIVISION)
    assert [track.name for track in read.tracks] == ["", "player", "livecomposer"]
    assert read.tracks[0][0].text == '{"seed": 7}'
    assert [message.time for message in read.tracks[1]] == [0, 0, 4800, 400, 0]
    assert [m.type for m in read.tracks[2]][1:-1] == ["note_on", "note_off", "note_on", "note_off"]
    jam.add(1, 48 * TICK_NS, 96_000 * 2 + 48 * UNITS_PER_TICK, TICK_NS, b"\x80\x43\0")
    again = mido.MidiFile(file=io.BytesIO(jam.file()))
    assert [message.time for message in again.tracks[2]][-2:] == [4800, 0]


CLOCKS = st.lists(
    st.tuples(
        st.integers(1, 4_000),  # ms that pass
        st.sampled_from([30, 60, 119.7, 120, 121, 400]),  # the tempo then
        st.sampled_from([0, 0, 0, 0, 5, 24, -1, -20, -10_000]),  # ticks that it jumps
    ),
    min_size=2,
    max_size=40,
)


@given(CLOCKS, st.integers(0, 10**6))
def test_whatever_the_clock_does_times_are_real(steps, start):
    jam = Recording(["player"], "")
    ns, position = 10**12, float(start)
    times = []
    for i, (ms, bpm, jump) in enumerate(steps[: len(steps) // 2 * 2]):
        tick_ns = round(60e9 / bpm / 24)
        position = max(0, position + (ms * MS / tick_ns + jump) * UNITS_PER_TICK)
        ns += ms * MS
        jam.add(0, ns, round(position), tick_ns, on(60, 80 * (i % 2 == 0)))
        times.append(ns)
    heard = [time for time, _ in note_times(jam.file())]
    for time, wanted in zip(heard, times, strict=True):
        assert time - heard[0] == pytest.approx((wanted - times[0]) / 1e9, abs=1e-3)


def test_positions_are_the_clocks():
    jam, places = Recording(["player"], ""), [7 * UNITS_PER_TICK * i for i in range(200)]
    for i, place in enumerate(places):  # a clock that wavers by up to 0.2 ms
        ns = place // UNITS_PER_TICK * TICK_NS + i % 5 * 50_000
        jam.add(0, ns, place, TICK_NS, on(60, 1 - i % 2))
    file = read_midi(jam.file())
    assert [position for position, _ in file.messages] == places
    assert len(file.tempo_changes) == 1


def long_recording(notes):
    recording = Recording(["player"], "")
    for n in range(notes):
        position = n * 10 * UNITS_PER_TICK
        recording.add(0, n * 10 * TICK_NS, position, TICK_NS, on(60 + n % 12))
        recording.add(0, n * 10 * TICK_NS, position, TICK_NS, bytes((0x80, 60 + n % 12, 0)))
    return recording


def test_a_long_recording_is_whole():
    track = mido.MidiFile(file=io.BytesIO(long_recording(5000).file())).tracks[1]
    pitches = [message.note for message in track if message.type == "note_on"]
    assert pitches == [60 + n % 12 for n in range(5000)]


def test_to_keep_a_long_recording_takes_little_memory(tmp_path):
    recording = long_recording(20_000)
    tracemalloc.start()
    try:
        write_whole(tmp_path / "long.mid", *recording.pieces())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (tmp_path / "long.mid").read_bytes() == recording.file()
    assert peak < len(recording) / 2
