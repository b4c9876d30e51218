"""The live path and the corpus reader, side by side; performances in virtual time."""

import mido
import msgspec
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from livecomposer.config_file import load_config
from livecomposer.live.clock import InternalClock, ScoreClock
from livecomposer.live.composer import Composer
from livecomposer.live.continuation import Continuation
from livecomposer.live.offline import (
    hear,
    live_tokens,
    notes_of,
    prime,
    timed_messages,
    timed_notes,
)
from livecomposer.live.replay import play_again
from livecomposer.live.tuning import LoadedModel
from livecomposer.midi.files import TimedNote, read_midi
from livecomposer.model.engine import Engine
from livecomposer.music.events import NoteOn
from livecomposer.music.tempo import TempoMap
from livecomposer.music.tokeniser import TokeniserSettings, encode
from livecomposer.training.corpus import read_pieces
from tests.conftest import random_bundle, write_midi

BEAT = 500_000_000


def continuation(tokens="C4.E4", seed=1):
    bundle = random_bundle(tokens)
    sampling = load_config().sampling
    return bundle, Continuation(bundle, Engine(bundle), sampling, np.random.default_rng(seed))


def model(tokens="C4.E4", seed=1):
    bundle, fresh = continuation(tokens, seed)
    return LoadedModel("test", fresh, bundle.tokeniser)


def perform(played_by, clock, messages, channel=0):
    settings = ["jam.gate=1.0", "jam.plan=1", f"ports.channel={channel + 1}"]
    return play_again(load_config(None, settings), [played_by], clock, messages, seed=1)


def composer(tokens="C4.E4", seed=1):
    bundle, fresh = continuation(tokens, seed)
    jam = msgspec.structs.replace(load_config().jam, gate=1.0, plan=1)
    return Composer(fresh, bundle.tokeniser, jam)


MESSAGES = st.lists(
    st.tuples(
        st.integers(0, 700),
        st.one_of(
            st.builds(
                lambda kind, note, velocity, channel: mido.Message(
                    kind, note=note, velocity=velocity, channel=channel
                ),
                st.sampled_from(["note_on", "note_on", "note_off"]), st.integers(0, 127),
                st.sampled_from([0, 1, 64, 127]), st.integers(0, 15),
            ),
            st.builds(
                lambda value: mido.Message("control_change", control=64, value=value),
                st.integers(0, 127),
            ),
            st.builds(
                lambda tempo: mido.MetaMessage("set_tempo", tempo=tempo), st.integers(1, 2**24 - 1)
            ),
            st.just(mido.Message("sysex", data=(1, 2, 3))),
        ),
    ),
    max_size=30,
)  # fmt: skip


@given(
    st.lists(MESSAGES, min_size=1, max_size=3),
    st.one_of(st.sampled_from([24, 96, 480]), st.integers(1, 32767)),
    st.sampled_from(["gaps", "fixed"]),
    st.sampled_from([1, 2, 6, 8]),
)
def test_a_file_gives_the_same_tokens_by_both_ways(
    tmp_path_factory, tracks, division, timing, resolution
):
    path = tmp_path_factory.mktemp("generated") / "x.mid"
    file = mido.MidiFile(ticks_per_beat=division)
    for rows in tracks:
        file.tracks.append(mido.MidiTrack([m.copy(time=time) for time, m in rows]))
    file.tracks[0].append(mido.Message("note_on", note=60))
    file.save(path)
    settings = TokeniserSettings(timing, resolution)
    (piece,) = read_pieces(path)
    midi = read_midi(path)
    live = live_tokens(timed_messages(midi), ScoreClock(midi.tempo_map), settings)
    assert live == encode(piece.events(), settings)


def message(kind, pitch, velocity=80):
    return bytes(({"on": 0x90, "off": 0x80}[kind], pitch, velocity))


PHRASE = [
    (BEAT * i // 4, message(("on", "off")[i % 2], 60)) for i in range(8)
]  # four eighths, each half as long as it might be


def test_a_performance_and_its_answer():
    sent = perform(model(), InternalClock(120, 0), PHRASE, channel=2)
    onsets = [ns for ns, data in sent if data[0] == 0x92 and data[1] == 60]
    assert onsets == [BEAT * n // 2 for n in (6, 7, 8, 9)]
    notes = notes_of(sent, TempoMap(1))
    assert [(n.onset, n.end, n.pitch, n.velocity, n.channel) for n in notes[:3]] == [
        (1440, 1680, 60, 80, 2), (1440, 1680, 64, 80, 2), (1680, 1920, 60, 80, 2),
    ]  # fmt: skip
    assert [data for _, data in sent[-2:]] == [b"\xb2\x40\x00", b"\xb2\x7b\x00"]


def test_beat_zero_is_the_first_onset_after_silence():
    late = [(ns + 123_456_789, data) for ns, data in PHRASE]
    later = [(ns + 20 * BEAT + 77_777_777, data) for ns, data in PHRASE]
    sent = perform(model(), InternalClock(120, 0), late + later, channel=0)
    onsets = [ns for ns, data in sent if data[0] == 0x90 and data[1] == 60]
    assert onsets == [
        start + BEAT * n // 2 for start in (late[0][0], later[0][0]) for n in (6, 7, 8, 9)
    ]


def test_the_grid_is_kept_while_the_player_keeps_playing():
    # The second phrase begins in the middle of the answer, and off its grid.
    second = [(ns + 7 * BEAT // 2 + 60_000_000, data) for ns, data in PHRASE]
    sent = perform(model(), InternalClock(120, 0), PHRASE + second, channel=0)
    onsets = [ns for ns, data in sent if data[0] == 0x90 and data[1] == 60]
    assert all(ns % (BEAT // 2) == 0 for ns in onsets)
    assert onsets[:2] == [3 * BEAT, 7 * BEAT // 2]


def test_a_cut_answer_leaves_nothing_sounding():
    interruption = [(3 * BEAT + 100_000_000, message("on", 72))]
    sent = perform(model(), InternalClock(120, 0), PHRASE + interruption, channel=0)
    assert [(ns, data[0], data[1]) for ns, data in sent[:4]] == [
        (3 * BEAT, 0x90, 60), (3 * BEAT, 0x90, 64),
        (3 * BEAT + 100_000_000, 0x80, 60), (3 * BEAT + 100_000_000, 0x80, 64),
    ]  # fmt: skip
    assert all(data[0] & 0xF0 == 0xB0 for _, data in sent[4:])


def test_stop_silences():
    stopped = [*PHRASE, (3 * BEAT + 1, b"\xfc")]
    sent = perform(model(), InternalClock(120, 0), stopped, channel=0)
    assert [data.hex() for _, data in sent[2:6]] == ["803c00", "804000", "b04000", "b07b00"]


def test_a_score_brings_its_own_beats(tmp_path):
    notes = [(0.25 + 0.5 * i, 0.25, 60) for i in range(4)]
    midi = read_midi(write_midi(tmp_path / "x.mid", notes, tempo=300_000))
    sent = perform(model(), ScoreClock(midi.tempo_map), timed_messages(midi), 0)
    played = notes_of(sent, midi.tempo_map)
    assert [note.onset / 480 for note in played if note.pitch == 60] == [3, 3.5, 4, 4.5]


def test_performances_are_the_same_by_the_same_seed():
    def answers(seed):
        return perform(model("C4 D4 E4 G4", seed), InternalClock(120, 0), PHRASE, 0)

    assert answers(1) == answers(1)
    assert any(answers(seed) != answers(1) for seed in range(2, 12))


def test_notes_of_messages():
    rows = [
        (0, message("on", 60)), (0, message("on", 64)), (BEAT, message("on", 60, 0)),
        (BEAT, message("on", 64, 50)), (BEAT, b"\xb0\x40\x7f"), (2 * BEAT, message("off", 99)),
    ]  # fmt: skip
    assert notes_of(rows, TempoMap(1)) == [
        TimedNote(0, 480, 60, 80), TimedNote(0, 480, 64, 80), TimedNote(480, 960, 64, 50),
    ]  # fmt: skip


def test_a_note_cut_at_once_is_still_ended():
    rows = [(1000, message("on", 60)), (1001, message("off", 60))]
    assert notes_of(rows, TempoMap(1)) == [TimedNote(0, 1, 60, 80)]


def test_a_piece_is_continued_from_the_next_slot(tmp_path):
    path = write_midi(tmp_path / "x.mid", [(0, 1, 60), (1, 1.2, 64)])
    midi = read_midi(path)
    events = hear(timed_messages(midi), ScoreClock(midi.tempo_map))
    bundle, model = continuation()
    notes = prime(events, model, bundle.tokeniser).go_on(length=96, max_duration=48, ways=1)
    assert [note.onset for note in notes] == [60 + 12 * i for i in range(8)]
    assert [n.onset for n in timed_notes(notes[:1], 3)] == [1200, 1200]
    assert timed_notes(notes[:1], 3)[0] == TimedNote(1200, 1440, 60, notes[0].velocity, 3)


def test_of_a_long_piece_the_model_hears_its_end():
    events = [NoteOn(12 * i, 60 + i % 5) for i in range(300)]
    bundle, model = continuation("C4 C#4 D4 D#4 E4")
    prime(events, model, bundle.tokeniser).go_on(length=12, max_duration=48, ways=1)
    heard = [bundle.vocabulary.id(token) for token in encode(events, bundle.tokeniser)]
    assert list(model.context)[:98] == heard[-98:]
