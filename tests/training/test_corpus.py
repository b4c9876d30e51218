import shutil
from pathlib import Path

import mido
import numpy as np
import pytest

from livecomposer.midi import files as midi
from livecomposer.midi.files import TimedNote
from livecomposer.music.tokeniser import TokeniserSettings, encode
from livecomposer.training.corpus import (
    CorpusError,
    Selection,
    find_files,
    load_corpus,
    parse_instrument,
    read_pieces,
)
from tests.conftest import write_midi

ABC = """X:1
T:one, with a chord symbol and a grace note
M:4/4
L:1/8
K:C
"Am"C D {g}E2 [CEG]4|

X:2
T:two
M:4/4
L:1/8
K:C
c2 z2 c4|
"""
KERN = "**kern\t**kern\n*M4/4\t*M4/4\n4C\t8cc\n.\t8dd\n2E\t[2ee\n4F\t4ee]\n*-\t*-\n"
XML = """<?xml version="1.0"?>
<score-partwise><part-list><score-part id="P1"><part-name>x</part-name></score-part></part-list>
<part id="P1"><measure number="1"><attributes><divisions>2</divisions></attributes>
<note><pitch><step>C</step><octave>4</octave></pitch><duration>1</duration></note>
<note><pitch><step>D</step><alter>-1</alter><octave>4</octave></pitch><duration>1</duration></note>
<note><rest/><duration>2</duration></note>
<note><pitch><step>E</step><octave>4</octave></pitch><duration>2</duration></note>
<note><chord/><pitch><step>G</step><octave>4</octave></pitch><duration>2</duration></note>
</measure></part></score-partwise>"""

SCORES = [
    ("x.abc", ABC, ["C4 D4 E4 +1 C4.E4.G4", "C5 +2 C5"]),
    ("x.krn", KERN, ["C3.C5 D5 E3.E5 +2 F3"]),
    ("x.xml", XML, ["C4 C#4 +1.5 E4.G4"]),
    ("x.musicxml", XML, ["C4 C#4 +1.5 E4.G4"]),
]


def spelled(piece):
    return " ".join(map(str, encode(piece.events(), TokeniserSettings())))


@pytest.mark.parametrize(("name", "text", "tokens"), SCORES)
def test_scores_are_read(tmp_path, name, text, tokens):
    path = tmp_path / name
    path.write_text(text)
    pieces = read_pieces(path)
    assert [spelled(piece) for piece in pieces] == tokens
    assert [piece.name for piece in pieces] == [str(path), f"{path}#2"][: len(pieces)]


def test_compressed_musicxml_of_the_built_in_corpus():
    (path,) = (file for file in find_files(["music21:bach"]).paths if file.name == "bwv66.6.mxl")
    (piece,) = read_pieces(path)
    assert spelled(piece).startswith("A3.E4.C#5 G#3.B3.B4 F#3.C#4.F#4.A4 +1 G#3.B3.E4.B4 ")


def test_the_built_in_corpus_by_name():
    assert len(find_files(["music21:bach"]).paths) > 400
    assert len(find_files(["music21:ryansMammoth"]).paths) > 1000
    with pytest.raises(CorpusError, match="music21:nobody: not in the built-in.*bach.*ryans"):
        find_files(["music21:nobody"])


def test_folders_are_searched_and_nothing_comes_twice(tmp_path):
    for name in ("b.mid", "a/c.MIDI", "a/notes.txt", "a/d.abc"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("")
    found = [path.relative_to(tmp_path).as_posix() for path in find_files([str(tmp_path)]).paths]
    assert sorted(found) == ["a/c.MIDI", "a/d.abc", "b.mid"]
    assert len(find_files([str(tmp_path), str(tmp_path / "b.mid")]).paths) == 3


def test_sources_that_hold_nothing(tmp_path):
    with pytest.raises(CorpusError, match="nowhere: no such file or folder"):
        find_files(["nowhere"])
    with pytest.raises(CorpusError, match="no file there ends in .mid, "):
        find_files([str(tmp_path)])


def write_band(path):
    """Piano (program 1) C4 on channel 1, bass (33) C2 on channel 2, drums on channel 10."""
    file = mido.MidiFile(ticks_per_beat=96)
    for channel, program, note in ((0, 0, 60), (1, 32, 36), (9, 0, 38)):
        file.tracks.append(
            mido.MidiTrack(
                [
                    mido.Message("program_change", channel=channel, program=program),
                    mido.Message("note_on", channel=channel, note=note, time=48),
                    mido.Message("note_off", channel=channel, note=note, time=48),
                ]
            )
        )
    file.save(path)
    return path


@pytest.mark.parametrize(
    ("instrument", "tokens"),
    [(None, "C2.C4"), ("piano", "C4"), ("bass", "C2"), ("33", "C2"), ("1", "C4")],
)
def test_all_tracks_but_drums_or_one_instrument(tmp_path, instrument, tokens):
    programs = parse_instrument(instrument) if instrument else None
    (piece,) = read_pieces(write_band(tmp_path / "x.mid"), Selection(programs))
    assert spelled(piece) == tokens


def test_no_notes_of_an_instrument(tmp_path):
    with pytest.raises(CorpusError, match="no notes of that instrument"):
        read_pieces(write_band(tmp_path / "x.mid"), Selection(parse_instrument("organ")))


def test_of_a_jam_the_players_part_is_learned_from(tmp_path):
    jam = tmp_path / "jam.mid"
    parts = {"player": (60, 64), "livecomposer": (48, 52)}
    midi.write_midi(
        jam,
        [
            (name, [TimedNote(480 * i + 960 * (name == "livecomposer"), 480 * i + 1200, pitch, 80)
                    for i, pitch in enumerate(pitches)])
            for name, pitches in parts.items()
        ],
    )  # fmt: skip
    assert [spelled(piece) for piece in read_pieces(jam)] == ["C4 +1 E4"]
    both = read_pieces(jam, Selection(machine=True))
    assert [spelled(piece) for piece in both] == ["C4 +1 E4 +1 C3 +1 E3"]


def test_a_lone_track_of_that_name_is_music_like_any_other(tmp_path):
    file = tmp_path / "x.mid"
    midi.write_midi(file, [("livecomposer", [TimedNote(0, 100, 60, 80)])])
    assert [spelled(piece) for piece in read_pieces(file)] == ["C4"]


@pytest.mark.parametrize("text", ["harp guitar", "0", "129", "", "-1"])
def test_unknown_instruments_are_refused(text):
    with pytest.raises(ValueError, match="is not a program"):
        parse_instrument(text)


def test_what_cannot_be_read_is_skipped_by_name_and_reason(tmp_path):
    good = write_midi(tmp_path / "good.mid", [(0, 1, 60), (1, 1, 62)])
    (tmp_path / "empty.mid").write_bytes(b"")
    (tmp_path / "broken.xml").write_text("<score")
    (tmp_path / "text.abc").write_text("no music here")
    write_midi(tmp_path / "drums.mid", [(0, 1, 36)], channel=9)
    corpus = load_corpus(find_files([str(tmp_path)]))
    assert [piece.name for piece in corpus.pieces] == [str(good)]
    skipped = {Path(name).name: reason for name, reason in corpus.skipped}
    assert set(skipped) == {"empty.mid", "broken.xml", "text.abc", "drums.mid"}
    assert skipped["empty.mid"] == "the file is empty"
    assert skipped["drums.mid"] == "it has no notes"
    assert skipped["broken.xml"].startswith("it is not sound XML")
    assert skipped["text.abc"].startswith("music21 can't read it")


def test_no_usable_file_at_all(tmp_path):
    (tmp_path / "a.mid").write_bytes(b"")
    with pytest.raises(CorpusError, match=r"none of 1 files .*a\.mid: the file is empty"):
        load_corpus(find_files([str(tmp_path)]))


def test_the_cache(tmp_path):
    music, cache = tmp_path / "music", tmp_path / "cache"
    music.mkdir()
    first = write_midi(music / "a.mid", [(0, 1, 60), (1, 1, 62)])
    (music / "tunes.abc").write_text(ABC)

    def load():
        corpus = load_corpus(find_files([str(music)]), cache=cache)
        return [(piece.name, piece.notes.tolist()) for piece in corpus.pieces]

    before = load()
    assert len(before) == 3
    entries = sorted(cache.iterdir())
    assert len(entries) == 2
    stamps = [entry.stat().st_mtime_ns for entry in entries]
    assert load() == before
    assert [entry.stat().st_mtime_ns for entry in entries] == stamps, "it was read, not rebuilt"

    for damage in (b"", b"PK\x03\x04 nonsense", entries[0].read_bytes()[:-40]):
        for entry in entries:
            entry.write_bytes(damage)
        assert load() == before
    for entry in entries:
        with entry.open("wb") as file:
            np.savez(file, notes=np.full((2, 4), 200, np.int32), lengths=np.array([2], np.int32))
    assert load() == before
    for entry in entries:
        with entry.open("wb") as file:
            np.savez(file, notes=np.array([{}], dtype=object), lengths=np.array([1], np.int32))
    assert load() == before

    shutil.copy(first, music / "z.mid")
    assert len(load()) == 4
    assert sorted(cache.iterdir()) == entries, "the same content has one entry"


def test_a_cache_that_cannot_be_written_does_no_harm(tmp_path):
    write_midi(tmp_path / "a.mid", [(0, 1, 60)])
    (tmp_path / "cache").write_text("in the way")
    corpus = load_corpus(find_files([str(tmp_path / "a.mid")]), cache=tmp_path / "cache")
    assert len(corpus.pieces) == 1


def test_a_cluster_gives_the_same(tmp_path):
    distributed = pytest.importorskip("distributed")
    for i in range(5):
        write_midi(tmp_path / f"{i}.mid", [(0, 1, 60 + i), (1, 1, 62)])
    (tmp_path / "bad.mid").write_bytes(b"MThd")
    files = find_files([str(tmp_path)])
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, host="127.0.0.1"
    )
    with cluster:
        far = load_corpus(files, cluster=cluster.scheduler_address, cache=tmp_path / "cache")
    here = load_corpus(files)
    assert [(p.name, p.notes.tolist()) for p in far.pieces] == [
        (p.name, p.notes.tolist()) for p in here.pieces
    ]
    assert far.skipped == here.skipped
    assert len(list((tmp_path / "cache").iterdir())) == 5


def test_a_cluster_that_is_not_there(tmp_path, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr("livecomposer.training.parsing._CONNECT_S", 0.5)
    write_midi(tmp_path / "x.mid", [(0, 1, 60)])
    for address in ("tcp://127.0.0.1:9", "nonsense://"):
        with pytest.raises(CorpusError, match=f"no Dask scheduler at {address}"):
            load_corpus(find_files([str(tmp_path)]), cluster=address)
