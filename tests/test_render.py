"""Pictures and sound of jams."""

import shutil
import wave

import numpy as np
import pytest
from click.testing import CliRunner

from livecomposer.cli import main
from livecomposer.midi.files import TimedNote, read_midi, write_midi
from livecomposer.render import COLOURS, Bar, bars_of, turns
from tests.conftest import write_midi as write_one


def run(*arguments):
    return CliRunner().invoke(main, [str(each) for each in arguments])


@pytest.fixture
def jam(tmp_path):
    """Four beats of the player's, four of the machine's, with a second of silence after each."""
    parts = [
        (name, [TimedNote(480 * (start + i), 480 * (start + i) + 400, pitch + i, 90)
                for i in range(4)])
        for name, start, pitch in (("player", 0, 60), ("livecomposer", 6, 48))
    ]  # fmt: skip
    write_midi(tmp_path / "jam.mid", parts)
    return tmp_path / "jam.mid"


def test_notes_as_bars(jam):
    bars = list(bars_of(read_midi(jam, tracks=["livecomposer"])))
    assert bars[0] == Bar(6, pytest.approx(400 / 480), 48, 90)
    assert [bar.pitch for bar in bars] == [48, 49, 50, 51]


def test_a_long_jam_is_drawn(tmp_path):
    notes = [TimedNote(120 * i, 120 * i + 90, 40 + i % 40, 80) for i in range(4000)]
    write_midi(tmp_path / "long.mid", [("player", notes), ("livecomposer", notes[1::2])])
    long = run("render", tmp_path / "long.mid", "--out", tmp_path / "long.png")
    assert long.exit_code == 0, long.output


def test_turns_are_where_one_plays_alone():
    player = [Bar(0, 1, 60, 9), Bar(1, 1, 60, 9), Bar(8, 0.5, 60, 9), Bar(9, 2, 62, 9)]
    machine = [Bar(3, 0.5, 50, 9), Bar(4, 1, 50, 9), Bar(8.5, 0.2, 50, 9)]
    assert turns([player, machine]) == [(0, 0, 2), (1, 3, 5), (0, 9, 11)]
    assert turns([[], []]) == []


def test_a_picture(jam, tmp_path):
    from matplotlib.image import imread

    result = run("render", jam, "--out", tmp_path / "jam.png")
    assert result.exit_code == 0, result.output
    picture = imread(tmp_path / "jam.png")
    pixels = picture[..., :3].reshape(-1, 3)
    for colour in COLOURS.values():  # both parts can be seen
        rgb = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        assert (np.abs(pixels - rgb).max(axis=1) < 0.01).sum() > 100


@pytest.mark.skipif(not shutil.which("fluidsynth"), reason="fluidsynth is not installed")
def test_sound(jam, tmp_path):
    result = run("render", jam, "--out", tmp_path / "jam.wav")
    assert result.exit_code == 0, result.output
    with wave.open(str(tmp_path / "jam.wav")) as sound:
        rate = sound.getframerate()
        samples = np.frombuffer(sound.readframes(sound.getnframes()), "<i2").astype(float)
    loud = np.abs(samples).reshape(-1, 2).max(axis=1)
    assert loud[: 2 * rate].max() > 500  # the player's beats are 0.5 s each
    assert loud[3 * rate : 5 * rate].max() > 500
    assert {path.name for path in tmp_path.iterdir()} == {"jam.mid", "jam.wav"}


@pytest.mark.skipif(not shutil.which("fluidsynth"), reason="fluidsynth is not installed")
def test_sound_of_a_file_with_clock_in_it(tmp_path):
    file = write_one(tmp_path / "clock.mid", [(0, 1, 60)])
    content = file.read_bytes()
    at = content.index(b"MTrk") + 8
    size = int.from_bytes(content[at - 4 : at], "big") + 2
    file.write_bytes(content[: at - 4] + size.to_bytes(4, "big") + b"\0\xf8" + content[at:])
    result = run("render", file, "--out", tmp_path / "x.wav")
    assert result.exit_code == 0, result.output


@pytest.mark.skipif(not shutil.which("fluidsynth"), reason="fluidsynth is not installed")
def test_sound_for_hours_is_refused(tmp_path):
    notes = [TimedNote(480 * beat, 480 * beat + 480, 60, 80) for beat in (0, 99_000)]
    write_midi(tmp_path / "far.mid", [("", notes)])
    far = run("render", tmp_path / "far.mid", "--out", tmp_path / "x.wav")
    assert (far.exit_code, "it lasts longer than 6 hours" in far.stderr) == (1, True)
    assert [path.name for path in tmp_path.iterdir()] == ["far.mid"]


def test_what_cannot_be_rendered(jam, tmp_path, monkeypatch):
    assert "ends in none of .wav, .png" in run("render", jam, "--out", "x.mp3").stderr
    (tmp_path / "bad.mid").write_bytes(b"MThd")
    bad = run("render", tmp_path / "bad.mid", "--out", tmp_path / "x.png")
    assert (bad.exit_code, "bad.mid: it is cut off" in bad.stderr) == (1, True)
    write_midi(tmp_path / "none.mid", [("player", [])])
    none = run("render", tmp_path / "none.mid", "--out", tmp_path / "x.png")
    assert (none.exit_code, "it has no notes" in none.stderr) == (1, True)
    nowhere = run("render", jam, "--out", tmp_path / "no" / "x.png")
    assert (nowhere.exit_code, "can't be written" in nowhere.stderr) == (1, True)
    monkeypatch.setenv("PATH", "")
    silent = run("render", jam, "--out", tmp_path / "x.wav")
    assert (silent.exit_code, "fluidsynth is not installed" in silent.stderr) == (1, True)
