import mido
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livecomposer.midi.wire import WireParser, event_of
from livecomposer.music.events import AllNotesOff, NoteOff, NoteOn, Sustain


def parse(*portions):
    parser = WireParser()
    return [message.hex(" ") for portion in portions for message in parser.feed(bytes(portion))]


TABLE = [
    ("a note-on", [[0x90, 60, 100]], ["90 3c 64"]),
    ("in three portions", [[0x90], [60], [100]], ["90 3c 64"]),
    ("running status", [[0x90, 60, 100, 62, 90, 60, 0]], ["90 3c 64", "90 3e 5a", "90 3c 00"]),
    ("real-time bytes in between", [[0x90, 0xF8, 60, 0xFE, 100, 0xF8]],
     ["f8", "fe", "90 3c 64", "f8"]),
    ("real time keeps running status", [[0x90, 60, 100, 0xF8, 62, 90]],
     ["90 3c 64", "f8", "90 3e 5a"]),
    ("one data byte", [[0xC3, 5, 6, 0xD0, 9]], ["c3 05", "c3 06", "d0 09"]),
    ("a message cut off by another", [[0x90, 60, 0x80, 60, 0]], ["80 3c 00"]),
    ("system exclusive", [[0xF0, 0x7D, 1, 2], [3, 0xF7, 0x90, 1, 2]], ["90 01 02"]),
    ("system exclusive cut off", [[0xF0, 0x7D, 1, 0x90, 60, 100]], ["90 3c 64"]),
    ("system exclusive ends running status", [[0x90, 60, 100, 0xF0, 1, 0xF7, 62, 90]],
     ["90 3c 64"]),
    ("song position ends running status", [[0x90, 60, 1, 0xF2, 0, 8, 62, 90]],
     ["90 3c 01", "f2 00 08"]),
    ("data out of nowhere", [[60, 100, 0x90, 60, 100]], ["90 3c 64"]),
    ("undefined system bytes", [[0xF4, 0xF5, 1, 0xF6, 2, 0xF1, 3]], ["f1 03"]),
    ("start, continue, stop", [[0xFA, 0xFB, 0xFC]], ["fa", "fb", "fc"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("portions", "messages"), [r[1:] for r in TABLE], ids=[r[0] for r in TABLE]
)
def test_bytes_to_messages(portions, messages):
    assert parse(*portions) == messages


EVENTS = [
    ("90 3c 64", NoteOn(7, 60, 100, 0)),
    ("9f 00 01", NoteOn(7, 0, 1, 15)),
    ("92 7f 00", NoteOff(7, 127, 2)),
    ("82 3c 40", NoteOff(7, 60, 2)),
    ("99 24 64", None),
    ("89 24 00", None),
    ("b9 7b 00", None),
    ("b0 40 40", Sustain(7, True, 0)),
    ("b1 40 3f", Sustain(7, False, 1)),
    ("b0 79 00", Sustain(7, False, 0)),
    ("b3 78 00", AllNotesOff(7, 3)),
    ("b0 7b 00", AllNotesOff(7, 0)),
    ("b0 7c 00", AllNotesOff(7, 0)),
    ("b0 7a 00", None),
    ("b0 01 40", None),
    ("e0 00 40", None),
    ("f8", None),
    ("fa", None),
    ("fc", None),
    ("f2 00 08", None),
]


@pytest.mark.parametrize(("message", "event"), EVENTS)
def test_messages_to_events(message, event):
    assert event_of(bytes.fromhex(message), 7) == event


MESSAGES = st.one_of(
    st.builds(
        lambda kind, channel, note, velocity: mido.Message(
            kind, channel=channel, note=note, velocity=velocity
        ),
        st.sampled_from(["note_on", "note_off"]), st.integers(0, 15), st.integers(0, 127),
        st.integers(0, 127),
    ),
    st.builds(lambda v: mido.Message("control_change", control=v, value=v), st.integers(0, 127)),
    st.builds(lambda v: mido.Message("program_change", program=v), st.integers(0, 127)),
    st.builds(lambda v: mido.Message("pitchwheel", pitch=v), st.integers(-8192, 8191)),
    st.sampled_from([mido.Message("clock"), mido.Message("stop"), mido.Message("songpos", pos=9)]),
)  # fmt: skip


@given(st.lists(MESSAGES), st.integers(1, 5))
def test_sound_messages_pass_whole_in_any_portions(messages, size):
    stream = b"".join(message.bin() for message in messages)
    parser = WireParser()
    parsed = [m for i in range(0, len(stream), size) for m in parser.feed(stream[i : i + size])]
    assert parsed == [message.bin() for message in messages]


@given(st.binary())
def test_any_bytes_give_sound_messages(data):
    for message in WireParser().feed(data):
        assert mido.Message.from_bytes(message)
        event_of(message, 0)
