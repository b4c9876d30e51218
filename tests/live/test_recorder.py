"""Jams that are recorded, in virtual time: what is in the file, and how it is played again."""

import io
import json
import logging
import os

import mido
import pretty_midi
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livecomposer.config_file import load_config
from livecomposer.live.clock import InternalClock, ScoreClock
from livecomposer.live.composer import Composer
from livecomposer.live.desk import Desk
from livecomposer.live.jam import Jam
from livecomposer.live.midi_clock import MidiClock
from livecomposer.live.offline import VirtualVoice, play_into, timed_messages
from livecomposer.live.recorder import PARTS, Entry, RecordedJam, RecordingThread
from livecomposer.live.replay import HEARD, describe, find_description, heard, play_again
from livecomposer.midi.files import read_midi
from livecomposer.midi.recording import Recording
from tests.live.test_desk import mapped, turn
from tests.live.test_jam import START, STOP, started
from tests.live.test_offline import BEAT, PHRASE, model

WIDE = "C4 D4 E4 G4 .E4 .G4 C5 +0.25 +1 +1.5"
ON_OFF = (0x80, 0x90)


def record(messages, *assignments, clock=None, end_beat=40, weights=(WIDE,)):
    """A jam of messages; returns its file, and what was sent."""
    config = load_config(None, assignments)
    models = [model(tokens) for tokens in weights]
    clock, voice = clock or InternalClock(120, 0), VirtualVoice(0)
    composer = Composer(models[0].continuation, models[0].tokeniser, config.jam)
    own = clock if isinstance(clock, InternalClock) else None
    desk = Desk(config, composer, models, voice, seed=1, clock=own)
    recording = Recording(PARTS, describe(config, 1, 0))
    mappings = config.controls.mappings.values()
    jam = RecordedJam(
        Jam(composer, clock, voice, latency_ns=round(config.ports.latency_ms * 1e6), desk=desk),
        clock, mappings, lambda entry: recording.add(*entry),
    )  # fmt: skip
    voice.schedule.witness = jam.send
    jam.begin(0)
    ordered = sorted(messages, key=lambda timed: timed[0])
    play_into(jam, voice, ordered, round(end_beat * BEAT))
    voice.silence()
    jam.advance(voice.now_ns)
    return recording.file(), voice.sent


def notes(sent, of=ON_OFF):
    """Note messages, with their times in milliseconds."""
    return [(ns / 1e6, data.hex()) for ns, data in sent if data[0] & 0xF0 in of]


def again(file, weights=(WIDE,)):
    """What is sent when a recording is played again."""
    recorded = find_description(read_midi(file).texts)
    config = load_config(None, base=recorded.settings)
    end_ns = max(ns for ns, _ in timed_messages(read_midi(file)))
    midi = read_midi(file, tracks=HEARD)
    return play_again(
        config, [model(tokens) for tokens in weights], ScoreClock(midi.tempo_map), heard(midi),
        seed=config.sampling.seed, ahead_ns=recorded.ahead_ns, end_ns=end_ns,
    )  # fmt: skip


def calls(*beats):
    """Phrases, never at the very time when something is due, to the nanosecond."""
    return [(ns + round(beat * BEAT) + 1_234_567, data) for beat in beats for ns, data in PHRASE]


def same_music(file, sent, within_ms=1, of=ON_OFF, **options):
    """Playing a recording again gives what was sent then."""
    repeated = notes(again(file, **options), of)
    original = notes(sent, of)
    assert [data for _, data in repeated] == [data for _, data in original]
    for (ms, _), (ms_then, _) in zip(repeated, original, strict=True):
        assert ms - repeated[0][0] == pytest.approx(ms_then - original[0][0], abs=within_ms)


def test_the_file_has_what_was_played_and_what_was_sent():
    file, sent = record(calls(0, 8), "jam.plan=1")
    read = pretty_midi.PrettyMIDI(io.BytesIO(file))
    player, machine = read.instruments
    assert (player.name, machine.name) == ("player", "livecomposer")
    assert [round(note.start * 8) for note in player.notes[:4]] == [0, 2, 4, 6]
    first = calls(0)[0][0]
    begins = sorted((ns - first) / 1e9 for ns, data in sent if data[0] == 0x90)
    assert len(begins) > 6
    assert sorted(note.start for note in machine.notes) == pytest.approx(begins, abs=1e-3)
    ends = sorted((ns - first) / 1e9 for ns, data in sent if data[0] == 0x80)
    assert sorted(note.end for note in machine.notes) == pytest.approx(ends, abs=1e-3)


MODES = ["call-response", "duet", "fill", "solo"]


@pytest.mark.parametrize("mode", MODES)
def test_playing_it_again_is_the_same_music(mode):
    off_the_beat = [(ns + 123_456_789, data) for ns, data in calls(0, 7.3, 15.8, 21)]
    file, sent = record(off_the_beat, f"jam.mode={mode}")
    assert notes(sent)
    same_music(file, sent)


def test_controls_are_carried_out_again():
    controls = [turn(4.1, "mode", 127), turn(6, "mode", 60), turn(12, "weights", 127),
                turn(14.2, "seed", 127), turn(20, "mute", 127), turn(22.2, "mute", 0),
                turn(24.7, "panic", 127)]  # fmt: skip
    both = (WIDE, "C3 D3 .G3 +0.5")
    file, sent = record(
        [*calls(0, 7, 14, 27), *controls], *mapped("mode", "weights", "seed", "mute", "panic"),
        weights=both,
    )  # fmt: skip
    assert {track.name for track in mido.MidiFile(file=io.BytesIO(file)).tracks} == {"", *PARTS}
    same_music(file, sent, weights=both)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 30), st.integers(30, 180)), min_size=1, max_size=4),
    st.lists(st.floats(0, 30), min_size=1, max_size=4),
    st.sampled_from(MODES),
)
def test_whatever_the_tempo_does_it_is_the_same_music(tempos, beats, mode):
    knobs = [turn(beat, "tempo", min(127, bpm - 30)) for beat, bpm in tempos]
    file, sent = record([*calls(*beats), *knobs], *mapped("tempo"), f"jam.mode={mode}")
    # What is booked when the tempo changes, keeps its times: onsets for 1/12 beat, ends for longer.
    same_music(file, sent, within_ms=84, of=[0x90])


@pytest.mark.parametrize("latency_ms", [-40, 60])
def test_a_latency_is_kept(latency_ms):
    file, sent = record(calls(0, 8), "jam.mode=duet", f"ports.latency_ms={latency_ms}")
    same_music(file, sent)


def test_a_key_that_is_held_when_the_master_stops_ends_when_it_is_let_go():
    key = [(BEAT // 2, b"\x90\x40\x50"), (BEAT, STOP), (3 * BEAT // 2, b"\x80\x40\x00")]
    file, _ = record(started(*key, (8 * BEAT, START), *calls(9)), clock=MidiClock(120))
    note = pretty_midi.PrettyMIDI(io.BytesIO(file)).instruments[0].notes[0]
    assert note.end - note.start == pytest.approx(0.5, abs=1e-3)


def test_solo_goes_on_when_the_master_does():
    messages = started((4 * BEAT + 1, STOP), (16 * BEAT - 1, START))
    file, sent = record(messages, "jam.mode=solo", clock=MidiClock(120))
    beats = [ns / BEAT for ns, data in sent if data[0] == 0x90]
    assert [beat for beat in beats if 4.1 < beat < 16] == []
    assert max(beats) > 30
    same_music(file, sent)
    assert [text for _, text in read_midi(file).markers] == ["stop", "start"]


def test_a_jam_to_a_midi_clock():
    file, sent = record(started(*calls(0, 8)), clock=MidiClock(100))
    assert notes(sent)
    same_music(file, sent)


def test_what_says_nothing_sound_is_no_recording():
    for text in ("", "{", "[]", '{"livecomposer": 1}', '{"livecomposer": 1, "settings": 3}',
                 '{"livecomposer": 1, "settings": {}, "ahead_ns": "x"}'):  # fmt: skip
        assert find_description([text]) is None
    sound = json.dumps({"livecomposer": "1", "settings": {}, "ahead_ns": 10**30})
    assert find_description(["x", sound]).ahead_ns == 10**9


def test_texts_that_are_no_settings_are_passed_over():
    assert find_description(["[" * 100_000]) is None


def test_its_paths_hold_from_any_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = ["model.others=['mine', 'fixed']", "jam.primer=a.mid"]
    said = find_description([describe(load_config(None, settings), 1, 0)]).settings
    assert said["model"]["weights"] == "default"
    assert said["model"]["others"] == [str(tmp_path / "mine"), "fixed"]
    assert said["jam"]["primer"] == str(tmp_path / "a.mid")
    assert said["jam"]["memory_from"] == ""


ENTRY = Entry(0, 10**9, 0, 20_833_333, b"\x90\x3c\x50")


def test_a_file_is_kept_up_to_date_and_no_other_is_overwritten(tmp_path):
    folder = tmp_path / "jams" / "mine"
    files = set()
    for _ in range(2):
        thread = RecordingThread(folder, "{}", 1000)
        thread.keep(ENTRY)
        files.add(thread.close())
    assert set(folder.iterdir()) == files
    for file in files:
        assert len(files) == 2
        assert [m.note for m in mido.MidiFile(file).tracks[1] if not m.is_meta] == [60, 60]


def test_without_music_there_is_no_file(tmp_path):
    thread = RecordingThread(tmp_path / "jams", "{}", 1000)
    assert thread.close() is None
    assert list(tmp_path.iterdir()) == []


def test_a_recording_that_is_too_long_ends(tmp_path, caplog):
    thread = RecordingThread(tmp_path, "{}", 200)
    with caplog.at_level(logging.WARNING):
        for i in range(500):
            thread.keep(ENTRY._replace(ns=ENTRY.ns + i * 10**6, position=i * 20))
        file = thread.close()
    assert caplog.messages == ["the recording is 200 bytes long, and ends here"]
    assert 200 < file.stat().st_size < 400


def test_a_folder_that_cannot_be_written_is_said_once(tmp_path, caplog):
    (tmp_path / "file").touch()
    thread = RecordingThread(tmp_path / "file" / "jams", "{}", 1000)
    with caplog.at_level(logging.WARNING):
        thread.keep(ENTRY)
        assert thread.close() is None
    (message,) = caplog.messages
    assert message.startswith(f"this jam is not recorded: {tmp_path / 'file'}{os.sep}jams: ")


def test_orders_are_played_again():
    orders = [(2.5, "jam.answer=8"), (9.3, "sampling.lowest=C5"), (17.3, "weights=2"),
              (25.4, "mute=true"), (27.1, "mute=false"), (30.2, "jam.mode=solo"), (36.3, "panic"),
              (37, "jam.mode=duet"), (38, "clock.tempo_bpm=90"), (44, "again")]  # fmt: skip
    given = [(round(beat * BEAT), order) for beat, order in orders]
    options = {"weights": (WIDE, "F#4 +1")}
    file, sent = record([*calls(0, 8, 16, 24, 32, 40), *given], end_beat=60, **options)
    same_music(file, sent, **options)


def test_orders_that_make_no_sense_any_more_are_left_out(caplog):
    file, _ = record([*calls(0), (BEAT, "weights=2")], weights=(WIDE, WIDE))
    assert again(file)
    assert "left out: weights=2: expected one of" in caplog.text


def test_orders_before_the_first_note_are_played_again():
    given = [(0, "jam.answer=4"), (BEAT, "mute=true"), (2 * BEAT, "sampling.lowest=E4")]
    given += [(12 * BEAT, "mute=false")]
    file, sent = record([*calls(4, 16), *given])
    assert notes(sent)
    same_music(file, sent)


def test_a_recording_that_has_ended_takes_no_memory_and_says_whether_it_works(tmp_path):
    thread = RecordingThread(tmp_path / "jams", "", 2_000)
    assert thread.works
    for beat in range(500):
        thread.keep(Entry(0, beat * BEAT, beat * 9600, BEAT // 24, bytes((0x90, 60, 80))))
    file = thread.close()
    assert not thread.works  # it is full
    assert file.stat().st_size > 2_000
    assert len(thread._recording) < 100


def test_a_recording_that_can_not_be_written_says_so(tmp_path):
    (tmp_path / "jams").write_text("no folder")
    thread = RecordingThread(tmp_path / "jams", "", 2_000)
    thread.keep(Entry(0, 0, 0, BEAT // 24, bytes((0x90, 60, 80))))
    thread.close()
    assert not thread.works
