from pathlib import Path

import mido
import pytest

from livecomposer.midi.files import MidiFileError, TimedNote, read_midi
from livecomposer.midi.files import write_midi as write_parts
from tests.conftest import write_midi


def header(kind=1, tracks=1, division=480):
    return b"MThd\0\0\0\x06" + b"".join(
        n.to_bytes(2, "big") for n in (kind, tracks, division & 0xFFFF)
    )


def track(data):
    return b"MTrk" + len(data).to_bytes(4, "big") + data


NOTE = b"\0\x90\x3c\x64\x60\x80\x3c\0"
END = b"\0\xff\x2f\0"

BAD = [
    ("empty", b"", "the file is empty"),
    ("not MIDI", b"RIFF and so on, for a while", "not a sound MIDI file"),
    ("a header cut off", b"MThd\0\0", "cut off"),
    ("a track cut off", header() + track(NOTE + END)[:-6], "cut off"),
    ("a division of zero", header(division=0) + track(NOTE + END), "its division is 0"),
    ("SMPTE time", header(division=-7640) + track(NOTE + END), "its division is -7640"),
    ("type 2", header(kind=2) + track(NOTE + END), "its type is 2"),
    ("absurd ticks", header() + track(b"\xff\xff\xff\x7f" + NOTE[1:] + END), "100,000 beats"),
    ("data bytes over 127", header() + track(b"\0\x90\xff\xff" + END), "not a sound"),
    ("a header of no bytes", b"MThd" + bytes(4) + b"\0\1\0\1\1\xe0", "its header has 0 bytes"),
    ("no tracks", header(tracks=0), "it says it has 0 tracks, expected 1 to 1,000"),
    ("minus one track", header(tracks=0xFFFF) + track(NOTE + END), "it has 65,535 tracks"),
    ("a track too few", header(tracks=2) + track(NOTE + END), "cut off after 1 of 2 tracks"),
    ("a track past the end", header() + b"MTrk\xff\xff\xff\xff" + NOTE, "cut off 4,294,967,287"),
    ("another chunk past the end", header() + b"XFIH\0\0\1\0" + track(NOTE), "cut off 240 by"),
    ("a number without end", header() + track(b"\xff" * 100_000 + NOTE), "a number without end"),
    ("a tempo far away", header() + track(b"\xff\xff\xff\x7f\xff\x51\3\1\1\1" + END), "beats"),
    ("a million tempos", header() + track(b"\1\xff\x51\3\7\xa1\x20" * 10**6), "2,000,000 bytes"),
]


@pytest.mark.parametrize(("content", "reason"), [r[1:] for r in BAD], ids=[r[0] for r in BAD])
def test_bad_files_are_refused(tmp_path, content, reason):
    path = tmp_path / "bad.mid"
    path.write_bytes(content)
    with pytest.raises(MidiFileError, match=reason) as caught:
        read_midi(path)
    assert "\n" not in str(caught.value)


def test_chunks_of_other_kinds_are_passed_over():
    alien = b"XFIH" + (4).to_bytes(4, "big") + b"MTrk"
    content = header(tracks=2) + alien + track(NOTE + END) + alien + track(NOTE + END) + alien[:9]
    assert len(read_midi(content).messages) == 4


def test_a_longer_header_is_read():
    content = header().replace(b"\0\0\0\6", b"\0\0\0\x08") + b"\0\0" + track(NOTE + END)
    assert len(read_midi(content).messages) == 2


def test_no_more_of_a_file_is_read_than_may_be_read():
    with pytest.raises(MidiFileError, match="more than 2,000,000 bytes"):
        read_midi(Path("/dev/zero"))


def test_a_missing_file(tmp_path):
    with pytest.raises(MidiFileError, match="No such file"):
        read_midi(tmp_path / "none.mid")


def test_tracks_are_merged_note_offs_first(tmp_path):
    file = mido.MidiFile(ticks_per_beat=96)
    for pitch, delay in ((60, 0), (64, 96)):
        file.tracks.append(
            mido.MidiTrack(
                [
                    mido.Message("note_on", note=pitch, time=delay),
                    mido.Message("note_off", note=pitch, time=96),
                ]
            )
        )
    file.tracks[0].append(mido.MetaMessage("set_tempo", tempo=250_000, time=96))
    path = tmp_path / "x.mid"
    file.save(path)
    midi = read_midi(path)
    assert [(position, m.type, m.note) for position, m in midi.messages] == [
        (0, "note_on", 60), (96, "note_off", 60), (96, "note_on", 64), (192, "note_off", 64),
    ]  # fmt: skip
    assert midi.tempo_changes == [(192, 250_000)]
    assert midi.tempo_map.ns_at(288, 96) == 1_250_000_000


def test_a_note_without_length_begins_before_it_ends(tmp_path):
    path = write_midi(tmp_path / "x.mid", [(0, 1, 60), (1, 0, 60), (1, 1, 62)])
    file = mido.MidiFile(ticks_per_beat=96)
    rows = [("on", 60, 0), ("off", 60, 96), ("on", 60, 0), ("off", 60, 0), ("on", 62, 0)]
    file.tracks.append(
        mido.MidiTrack(mido.Message(f"note_{kind}", note=n, time=t) for kind, n, t in rows)
    )
    file.save(path)
    assert [(p, m.type, m.note) for p, m in read_midi(path).messages] == [
        (0, "note_on", 60), (96, "note_off", 60), (96, "note_on", 60), (96, "note_on", 62),
        (96, "note_off", 60),
    ]  # fmt: skip


def test_written_parts_are_read_back(tmp_path):
    path = tmp_path / "x.mid"
    notes = [TimedNote(0, 240, 60, 80), TimedNote(240, 480, 60, 90), TimedNote(0, 480, 64, 70, 3)]
    write_parts(path, [("player", notes[:2]), ("livecomposer", notes[2:])], [(0, 400_000)])
    file = mido.MidiFile(path)
    assert [part.name for part in file.tracks] == ["", "player", "livecomposer"]
    assert [str(m) for m in file.tracks[1] if not m.is_meta] == [
        "note_on channel=0 note=60 velocity=80 time=0",
        "note_off channel=0 note=60 velocity=0 time=240",
        "note_on channel=0 note=60 velocity=90 time=0",
        "note_off channel=0 note=60 velocity=0 time=240",
    ]
    assert read_midi(path).tempo_changes == [(0, 400_000)]


def test_the_helper_of_these_tests_writes_what_it_says(tmp_path):
    midi = read_midi(write_midi(tmp_path / "x.mid", [(0, 1, 60), (0.5, 0.5, 64)], division=100))
    assert [(p, m.note) for p, m in midi.messages if m.type == "note_on"] == [(0, 60), (50, 64)]
