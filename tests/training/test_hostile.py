"""Files from anywhere: each is read or refused, by a line, and never ends the run."""

import io
import os
import re
import tempfile
import time
import zipfile
from pathlib import Path
from random import Random

import numpy as np
import psutil
import pytest

from benchmarks.mutation import mutate, pack
from livecomposer.training.corpus import CorpusError, find_files, load_corpus
from livecomposer.training.parsing import readers
from livecomposer.training.readers import UnreadableError
from tests.conftest import write_midi
from tests.midi.test_files import END, NOTE, header, track
from tests.training.test_corpus import ABC, KERN, XML

DOCTYPE = (
    '<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN" '
    '"http://www.musicxml.org/dtds/partwise.dtd">'
)
MIDI = header(tracks=2) + track(END) + track(NOTE * 20 + END)
GOOD = {
    ".mid": MIDI,
    ".mxl": pack(XML.encode()),
    ".musicxml": XML.encode(),
    ".krn": KERN.encode(),
    ".abc": ABC.encode(),
}


def xml(text):
    """A score with a doctype; `text` goes before its root or, if it is MusicXML, into it."""
    body = XML.removeprefix('<?xml version="1.0"?>\n')
    if text.startswith("<!"):
        return ('<?xml version="1.0"?>' + text + body).encode()
    return XML.replace("</attributes>", text + "</attributes>").encode()


def archive(*members, compression=zipfile.ZIP_DEFLATED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as file:
        for name, content in members:
            file.writestr(name, content)
    return buffer.getvalue()


def lying_about_its_size():
    """An archive that inflates to 25 MB, of which its index says that it is 1 kB."""
    content = archive(("score.xml", b" " * 25_000_000))
    return content.replace((25_000_000).to_bytes(4, "little"), (1000).to_bytes(4, "little"))


def encrypted():
    content = bytearray(archive(("score.xml", XML)))
    for signature, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        content[content.index(signature) + offset] |= 1
    return bytes(content)


LAUGHS = "<!DOCTYPE x [<!ENTITY a0 'ha'>{}]>".format(
    "".join(f"<!ENTITY a{i} '{f'&a{i - 1};' * 10}'>" for i in range(1, 10))
)
TEMPO = b"\1\xff\x51\3\7\xa1\x20"
FAR = b"\xff\xff\xff\x7f\x90\x3c\x64"  # 268 million ticks, and a note
SLOW = {  # what a parser makes of a bar of so many beats
    ".abc": b"X:1\nM:999/1\nL:1/8\nK:C\nCDEF|C",
    ".krn": b"**kern\n*M999/1\n4C\n*-\n",
    ".musicxml": xml("<time><beats>999</beats><beat-type>4</beat-type></time>"),
}
VAST = [(suffix, content.replace(b"999", b"1000000000")) for suffix, content in SLOW.items()]
HIDDEN = (
    XML.removeprefix('<?xml version="1.0"?>')
    .replace(
        "</attributes>",
        "<time><beats>1000000000</beats><beat-type>4</beat-type></time></attributes>",
    )
    .encode("utf-16")
)
BAD = [
    ("SMPTE.mid", header(division=-7640) + track(NOTE + END), "division is -7640"),
    ("no division.mid", header(division=0) + track(NOTE + END), "division is 0"),
    ("minus one track.mid", header(tracks=0xFFFF) + track(NOTE + END), "it has 65,535 tracks"),
    ("past the end.mid", header() + b"MTrk\x7f\xff\xff\xff" + NOTE + END, "cut off 2,147,483,"),
    ("endless number.mid", header() + track(b"\xff" * 500_000 + NOTE + END), "number without end"),
    ("long numbers.mid", header() + track((b"\xff" * 99 + NOTE) * 5000 + END), "100,000 beats"),
    ("10^9 ticks.mid", header() + track(FAR * 4 + END), "longer than 100,000 beats"),
    ("a million tracks.mid", header(tracks=0xFFFF) + track(END) * 1_000_000, "2,000,000 bytes"),
    ("60,000 tracks.mid", header(tracks=60_000) + track(END) * 60_000, "it has 60,000 tracks"),
    ("a million tempos.mid", header() + track(TEMPO * 1_000_000 + END), "2,000,000 bytes"),
    ("250,000 tempos.mid", header() + track(TEMPO * 250_000 + END), "no notes"),
    ("deep.xml", b"<a>" * 300_000, "more than 64 deep"),
    ("entities.xml", xml(LAUGHS), "declares entities"),
    ("outside.xml", xml("<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]>"), "declares ent"),
    ("parameters.xml", xml("<!DOCTYPE x [<!ENTITY % a 'b'> %a;]>"), "declares entities"),
    ("large.xml", b"<a>" + b" " * 20_000_000 + b"</a>", "more than 20,000,000 bytes"),
    ("encoding.xml", b"<?xml version='1.0' encoding='x-no'?><a/>", "not sound XML"),
    ("bomb.mxl", archive(("score.xml", b" " * 25_000_000)), "inflates to more than 20,000,000"),
    ("lying bomb.mxl", lying_about_its_size(), "not a sound archive|inflates|no element"),
    ("deep bomb.mxl", archive(("score.xml", b"<a>" * 5_000_000)), "more than 64 deep"),
    ("nested.mxl", archive(("score.mxl", archive(("score.xml", XML)))), "not sound XML"),
    ("members.mxl", archive(*((f"{i}.txt", b"") for i in range(1001))), "it has 1,001 files"),
    ("up.mxl", archive(("../../score.xml", XML)), "leads out of it"),
    ("absolute.mxl", archive(("/tmp/score.xml", XML)), "leads out of it"),
    ("empty.mxl", archive(), "no score in it"),
    ("lzma.mxl", archive(("x.xml", XML), compression=zipfile.ZIP_LZMA), "MusicXML doesn't have"),
    ("encrypted.mxl", encrypted(), "MusicXML doesn't have"),
    ("not a zip.mxl", b"PK\3\4" + bytes(100), "not a sound archive"),
    ("line.abc", b"X:1\nL:1/8\nK:C\n" + b"C" * 20_000, "a line has more than 10,000 characters"),
    ("large.abc", b"X:1\nL:1/8\nK:C\n" + b"CDEF|\n" * 170_000, "more than 1,000,000 bytes"),
    ("zeros.krn", bytes(1000), "not text"),
    ("spines.krn", b"\t".join([b"**kern"] * 5000), "a line has more than 10,000 characters"),
    ("far.xml", xml("").replace(b"<duration>2", b"<duration>99999999"), "within 100,000 beats"),
    *((f"slow{suffix}", content, "more than 1.4 s to read") for suffix, content in SLOW.items()),
    *((f"vast{suffix}", content, "bars of more than 999 beats") for suffix, content in VAST),
    ("vast.xml", HIDDEN, "more than (400 MB of memory|1.4 s) to read"),
]  # fmt: skip


@pytest.fixture(scope="module")
def handmade(tmp_path_factory):
    """Read together with a good file: the pieces, and why the others are refused, by name."""
    folder = tmp_path_factory.mktemp("handmade")
    for name, content, _ in BAD:
        (folder / name).write_bytes(content)
    (folder / "good.mid").write_bytes(MIDI)
    (folder / "good.xml").write_bytes(xml(DOCTYPE))
    corpus = load_corpus(find_files([str(folder)]))
    return corpus.pieces, {Path(name).name: reason for name, reason in corpus.skipped}


@pytest.mark.parametrize(("name", "reason"), [(name, reason) for name, _, reason in BAD])
def test_what_is_made_to_harm_is_refused(handmade, name, reason):
    assert re.search(reason, handmade[1][name])


def test_and_what_lies_beside_it_is_read(handmade):
    assert [Path(piece.name).name for piece in handmade[0]] == ["good.mid", "good.xml"]
    assert len(handmade[1]) == len(BAD)


def test_damaged_files_are_read_or_refused(tmp_path):
    rng = Random(6)
    for i in range(330):
        suffix, content = rng.choice(list(GOOD.items()))
        (tmp_path / f"{i}{suffix}").write_bytes(mutate(suffix, content, rng))
    for suffix, content in GOOD.items():
        (tmp_path / f"good{suffix}").write_bytes(content)
    corpus = load_corpus(find_files([str(tmp_path)]))
    read = {piece.name.split("#")[0] for piece in corpus.pieces}
    refused = {name for name, _ in corpus.skipped}
    assert read.isdisjoint(refused)
    assert read | refused == set(map(str, tmp_path.iterdir()))
    assert {str(tmp_path / f"good{suffix}") for suffix in GOOD} <= read
    assert len(refused) > 100
    assert len(read) > 30
    for piece in corpus.pieces:
        assert piece.notes.dtype == np.int32
        assert (piece.notes >= 0).all()
    for _, reason in corpus.skipped:
        assert reason.isprintable()
        assert len(reason) < 300
        assert str(tmp_path.parent.parent) not in reason


def test_a_reader_that_is_ended_leaves_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with readers(processes=1) as begin:
        with pytest.raises(UnreadableError, match="more than 1.4 s"):
            begin(".krn", SLOW[".krn"])()
        assert list(tmp_path.glob("*/*/score.krn"))
    assert not list(tmp_path.iterdir())


@pytest.mark.flaky(reruns=2)  # on a busy machine, its time may be over before it is killed
def test_a_reader_that_dies_is_replaced():
    with readers(processes=1) as begin:
        slow, good = begin(".krn", SLOW[".krn"]), begin(".mid", MIDI)
        until = time.monotonic() + 60
        while time.monotonic() < until:
            workers = [each for server in psutil.Process().children() for each in server.children()]
            if workers and workers[0].cpu_times().user > 0.2:
                workers[0].kill()
                break
            time.sleep(0.01)
        with pytest.raises(UnreadableError, match="its reader ended"):
            slow()
        assert len(good()[0]) == 20


def test_links_are_followed_within_what_was_named_only(tmp_path):
    folder, outside = tmp_path / "music", tmp_path / "outside"
    (folder / "deep").mkdir(parents=True)
    outside.mkdir()
    good = write_midi(folder / "deep" / "a.mid", [(0, 1, 60)])
    secret = write_midi(outside / "b.mid", [(0, 1, 62)])
    (folder / "within.mid").symlink_to(good)
    (folder / "out.mid").symlink_to(secret)
    (folder / "up.mid").symlink_to(Path("..", "outside", "b.mid"))
    (folder / "folder").symlink_to(outside)
    (folder / "around").symlink_to(folder)
    (folder / "nowhere.mid").symlink_to(folder / "none.mid")
    (folder / "itself.mid").symlink_to(folder / "itself.mid")
    (folder / "folder.mid").mkdir()
    os.mkfifo(folder / "pipe.mid")
    corpus = load_corpus(find_files([str(folder)]))
    assert [piece.name for piece in corpus.pieces] == [str(good), str(folder / "within.mid")]
    out, no_file = "it is a link that leads out of the folder", "it is not a file"
    assert dict(corpus.skipped) == {
        str(folder / "folder"): out,
        str(folder / "out.mid"): out,
        str(folder / "up.mid"): out,
        str(folder / "itself.mid"): no_file,
        str(folder / "nowhere.mid"): no_file,
        str(folder / "pipe.mid"): no_file,
    }
    named = load_corpus(find_files([str(folder / "out.mid")]))
    assert [piece.name for piece in named.pieces] == [str(folder / "out.mid")]


def test_a_folder_of_links_only(tmp_path):
    write_midi(tmp_path / "a.mid", [(0, 1, 60)])
    (tmp_path / "music").mkdir()
    (tmp_path / "music" / "a.mid").symlink_to(tmp_path / "a.mid")
    with pytest.raises(CorpusError, match=r"none of 1 files .*a\.mid: it is a link that leads out"):
        load_corpus(find_files([str(tmp_path / "music")]))


def test_names_are_told_in_one_line(tmp_path):
    for name in (b"a\nb.mid", b"\x1b[2J.mid", b"\xff.mid"):
        Path(os.fsdecode(bytes(tmp_path) + b"/" + name)).write_bytes(b"")
    write_midi(tmp_path / "c.mid", [(0, 1, 60)])
    names = {name for name, _ in load_corpus(find_files([str(tmp_path)])).skipped}
    assert names == {f"{tmp_path}/{name}" for name in (r"a\nb.mid", r"\x1b[2J.mid", r"\udcff.mid")}
