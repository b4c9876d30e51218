"""Good files as other programs write them: all are read."""

from collections.abc import Callable

import mido
import pytest

from livecomposer.training.corpus import find_files, load_corpus
from tests.midi.test_files import END, header, track
from tests.training.test_corpus import spelled

TWO = "C4 +1 E4"
"""What each of these files has: two quarter notes."""

ON_OFF = b"\0\x90\x3c\x64\x83\x60\x80\x3c\x40\0\x90\x40\x64\x83\x60\x80\x40\x40"
RUNNING = b"\0\x90\x3c\x64\x83\x60\x3c\0\0\x40\x64\x83\x60\x40\0"


def meta(kind, data):
    return bytes((0, 0xFF, kind, len(data))) + data


def by_pretty_midi(path):
    pretty_midi = pytest.importorskip("pretty_midi")
    file = pretty_midi.PrettyMIDI(initial_tempo=120)
    piano = pretty_midi.Instrument(0, name="Flügel")
    piano.notes += [pretty_midi.Note(90, p, i / 2, i / 2 + 0.5) for i, p in enumerate((60, 64))]
    file.instruments.append(piano)
    file.lyrics.append(pretty_midi.Lyric("la", 0.0))
    file.write(str(path))


def by_mido(path):
    file = mido.MidiFile(type=1, ticks_per_beat=96, charset="utf-8")
    file.add_track("旋律").append(mido.MetaMessage("set_tempo", tempo=400_000))
    part = file.add_track("part")
    part.append(mido.Message("program_change", program=40))
    for pitch in (60, 64):
        part.append(mido.Message("note_on", note=pitch))
        part.append(mido.Message("note_on", note=pitch, velocity=0, time=96))
    file.save(path)


def by_music21(path):
    """As MIDI or MusicXML, packed or not: as the name says."""
    from music21 import note, stream

    score = stream.Score([stream.Part([note.Note(p, quarterLength=1) for p in ("C4", "E4")])])
    kind = {".mid": "midi", ".mxl": "mxl", ".musicxml": "musicxml"}[path.suffix]
    score.write(kind, fp=path)


def of(content: bytes | str) -> Callable:
    return lambda path: path.write_bytes(content.encode() if isinstance(content, str) else content)


TUNE = "X:1\nT:Lied\nM:2/4\nL:1/4\nK:C\nC E|\n"
SCORE = """<score-partwise version="4.0"><part-list><score-part id="P1">
<part-name>Flöte</part-name></score-part></part-list>
<part id="P1"><measure number="1"><attributes><divisions>1</divisions>
</attributes><note><pitch><step>C</step><octave>4</octave></pitch><duration>1</duration></note>
<note><pitch><step>E</step><octave>4</octave></pitch><duration>1</duration></note>
</measure></part></score-partwise>"""
SPINE = "!!!COM: Dvořák\n**kern\n*M2/4\n=1\n4c\n4e\n==\n*-\n"
FILES = {
    "pretty_midi.mid": by_pretty_midi,
    "mido.mid": by_mido,
    "music21.mid": by_music21,
    "music21.mxl": by_music21,
    "music21.musicxml": by_music21,
    "type 0.mid": of(header(kind=0) + track(ON_OFF + END)),
    "type 1.MIDI": of(header(kind=1, tracks=2) + track(END) + track(ON_OFF + END)),
    "running status.mid": of(header() + track(RUNNING + END)),
    "no end of track.mid": of(header() + track(ON_OFF)),
    "more after the end.mid": of(header() + track(ON_OFF + END) + bytes(100)),
    "another chunk.mid": of(header() + b"XFIH\0\0\0\x04" + bytes(4) + track(ON_OFF + END)),
    "longer header.mid": of(b"MThd\0\0\0\x08\0\0\0\1\1\xe0\0\0" + track(ON_OFF + END)),
    "unknown meta.mid": of(header() + track(meta(0x4B, b"\1") + meta(0x7F, b"\xff" * 90) + ON_OFF)),
    "sysex.mid": of(header() + track(b"\0\xf0\5\x7e\x7f\x09\x01\xf7" + ON_OFF + END)),
    "sysex in two.mid": of(header() + track(b"\0\xf0\2\x43\x12\x60\xf7\2\1\xf7" + ON_OFF + END)),
    "Shift-JIS.mid": of(header() + track(meta(3, "ピアノ".encode("shift-jis")) + ON_OFF + END)),
    "UTF-8.mid": of(header() + track(meta(1, "Größe 大".encode()) + ON_OFF + END)),
    "key.mid": of(header() + track(meta(0x59, b"\xfd\1") + ON_OFF)),
    "time.mid": of(header() + track(meta(0x58, b"\6\3\x24\x08") + ON_OFF)),
    "unix.abc": of(TUNE),
    "dos.abc": of(TUNE.replace("\n", "\r\n")),
    "mac.abc": of(TUNE.replace("\n", "\r")),
    "marked.abc": of(b"\xef\xbb\xbf" + TUNE.encode()),
    "latin.abc": of(TUNE.replace("Lied", "Bäuerlein").encode("latin-1")),
    "declared.abc": of("%abc-2.1\n%%abc-charset utf-8\n" + TUNE),
    "humdrum.krn": of(SPINE),
    "humdrum latin.krn": of(SPINE.replace("Dvořák", "Fauré").encode("latin-1")),
    "humdrum marked.krn": of(b"\xef\xbb\xbf" + SPINE.replace("\n", "\r\n").encode()),
    "plain.xml": of(SCORE),
    "utf-16.musicxml": of(("<?xml version='1.0' encoding='UTF-16'?>" + SCORE).encode("utf-16")),
    "latin.xml": of(("<?xml version='1.0' encoding='ISO-8859-1'?>" + SCORE).encode("latin-1")),
    "marked.xml": of(b"\xef\xbb\xbf<?xml version='1.0' encoding='UTF-8'?>" + SCORE.encode()),
    "doctype.xml": of(
        '<?xml version="1.0"?>\n<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 3.1 '
        'Partwise//EN" "http://www.musicxml.org/dtds/partwise.dtd">' + SCORE
    ),
    "not packed.mxl": of(SCORE),
}  # fmt: skip


@pytest.fixture(scope="module")
def read(tmp_path_factory):
    folder = tmp_path_factory.mktemp("foreign")
    for name, write in FILES.items():
        write(folder / name)
    corpus = load_corpus(find_files([str(folder)]))
    found = [(piece.name, spelled(piece)) for piece in corpus.pieces] + corpus.skipped
    return {name.removeprefix(f"{folder}/"): result for name, result in found}


@pytest.mark.parametrize("name", FILES)
def test_it_is_read(read, name):
    assert read[name] == TWO
