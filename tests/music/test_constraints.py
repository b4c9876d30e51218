"""What is drawn keeps to what was asked for, whatever the weights."""

import msgspec
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from livecomposer.config import GRIDS
from livecomposer.config_file import find_weights, load_config
from livecomposer.live.continuation import Continuation
from livecomposer.live.stream import Stream
from livecomposer.model import bundle
from livecomposer.model.engine import Engine
from livecomposer.music.constraints import Constraints, Masks, NothingAllowedError
from livecomposer.music.keys import SCALES, Key, parse_key
from livecomposer.music.tokens import parse_pitch, spell_pitch
from tests.conftest import random_bundle

NOTES = "C2 G2 C3 E3 G3 A3 C4 E4 F#4 .E3 .G3 .C4 .E4 .F#4 .G4 .C5 +0.25 +0.75 +1 +1.5 +2 +4"
CHORDS = "C3 C4 E4 F#4 C3.C4 C4.E4.G4 A3.C4.E4.G4 +0.25 +1 +1.5 +4"
BUNDLES = {
    "notes": random_bundle(NOTES),
    "chords": random_bundle(CHORDS),
    "fixed": random_bundle("C3 C4 E4 F#4 C4.E4.G4", timing="fixed"),
}
DEFAULT = load_config().sampling


def draw(saved, number, seed=0, **settings):
    sampling = msgspec.structs.replace(DEFAULT, **{"top_p": 1.0, "temperature": 2.0, **settings})
    played = Continuation(saved, Engine(saved), sampling, np.random.default_rng(seed))
    stream = Stream(played, saved.tokeniser)
    onsets = [stream.begin(0)]
    while len(onsets) < number:
        onsets.append(stream.go_on(onsets[-1][0] + 1))
    return onsets


SETTINGS = st.fixed_dictionaries(
    {
        "transpose": st.integers(-12, 12),
        "lowest": st.integers(30, 60).map(spell_pitch),
        "highest": st.integers(60, 100).map(spell_pitch),
        "largest_chord": st.integers(1, 4),
        "grid": st.sampled_from(GRIDS),
        "longest_rest": st.sampled_from([24, 48, 96]),
        "key": st.builds(lambda tonic, scale: str(Key(tonic, scale)),
                         st.integers(0, 11), st.sampled_from(list(SCALES))),
    }
)  # fmt: skip


@given(st.sampled_from(list(BUNDLES)), st.integers(0, 2**32), SETTINGS)
def test_all_at_once(kind, seed, settings):
    saved, key = BUNDLES[kind], parse_key(settings["key"])
    lowest, highest = parse_pitch(settings["lowest"]), parse_pitch(settings["highest"])
    chords = [
        [pitch + settings["transpose"] for pitch in chord.pitches]
        for chord in saved.vocabulary.chords.values()
    ]
    possible = [
        chord for chord in chords
        if len(chord) <= settings["largest_chord"] and lowest <= chord[0] and chord[-1] <= highest
    ]  # fmt: skip
    assume(possible)
    in_key = any({pitch % 12 for pitch in chord} <= key.classes for chord in possible)
    onsets = draw(saved, 50, seed, **settings)
    for onset, pitches in onsets:
        assert onset % settings["grid"] == 0
        assert len(pitches) <= settings["largest_chord"]
        assert all(lowest <= pitch <= highest for pitch in pitches)
        assert {pitch % 12 for pitch in pitches} <= key.classes or not in_key
    steps = np.diff([onset for onset, _ in onsets])
    assert steps.min() > 0
    assert steps.max() <= settings["longest_rest"]


SHIPPED = [
    {"key": "C minor", "largest_chord": 3},
    {"key": "F# major", "lowest": "C3", "highest": "C5"},
    {"grid": 6, "transpose": -7, "highest": "G4"},
    {"grid": 8, "largest_chord": 1, "key": "D dorian"},
]


@pytest.mark.parametrize("settings", SHIPPED)
def test_the_shipped_weights_keep_to_it(settings):
    onsets = draw(bundle.load(find_weights("default")), 150, **settings)
    asked = msgspec.structs.replace(DEFAULT, **settings)
    low, high = parse_pitch(asked.lowest), parse_pitch(asked.highest)
    for onset, pitches in onsets:
        assert onset % asked.grid == 0
        assert 1 <= len(pitches) <= asked.largest_chord
        assert low <= pitches[0]
        assert pitches[-1] <= high
        if asked.key != "off":
            assert {pitch % 12 for pitch in pitches} <= parse_key(asked.key).classes


def test_a_grid_is_spelled_as_a_player_on_it_is_heard():
    masks = Masks(BUNDLES["notes"].vocabulary, BUNDLES["notes"].tokeniser, Constraints(grid=8))
    allowed, steps = masks.after(24, 25)
    assert {gap.ticks: later for gap, later in steps.items()} == {
        6: 8, 18: 16, 24: 24, 48: 48, 96: 96,
    }  # fmt: skip
    assert not allowed[list(BUNDLES["notes"].vocabulary.chords)].any()  # half a beat leads off it
    _, steps = masks.after(32, 33)
    assert {gap.ticks if gap else 12: later for gap, later in steps.items()} == {
        12: 8, 18: 16, 24: 24, 36: 32, 48: 48, 96: 96,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("grid", "steps"), [(24, {24, 48, 96}), (12, {12, 24, 36, 48, 96}), (6, {6, 12, 18, 24, 36})]
)
def test_every_step_of_the_grid_is_taken(grid, steps):
    onsets = draw(BUNDLES["notes"], 2000, grid=grid)
    taken = set(np.diff([onset for onset, _ in onsets]).tolist())
    assert taken >= steps


def test_fixed_timing_takes_a_step_of_the_grid_each_time():
    assert [onset for onset, _ in draw(BUNDLES["fixed"], 5, grid=8)] == [0, 8, 16, 24, 32]


def test_a_grid_that_no_gap_leads_to():
    onsets = draw(random_bundle("C4 E4 +0.25"), 4, grid=24)
    assert [onset for onset, _ in onsets] == [0, 24, 48, 72]


def test_where_the_key_leaves_nothing_it_gives_way():
    onsets = draw(BUNDLES["notes"], 50, key="C major", lowest="F#4", highest="F#4")
    assert {pitches for _, pitches in onsets} == {(66,)}


def test_where_the_range_leaves_nothing():
    with pytest.raises(NothingAllowedError, match="no chord of 10 notes or fewer from C8 to G9"):
        draw(BUNDLES["notes"], 1, lowest="C8", highest="G9")


def test_the_key_can_change():
    saved = BUNDLES["notes"]
    sampling = msgspec.structs.replace(DEFAULT, key="auto", top_p=1.0, temperature=5.0)
    played = Continuation(saved, Engine(saved), sampling, np.random.default_rng(1))
    classes = lambda: {p % 12 for _ in range(200) for p in played.draw_chord()}  # noqa: E731
    assert 6 in classes()
    played.follow(parse_key("C major"))
    assert 6 not in classes()
    played.follow(parse_key("D major"))
    assert 6 in classes()
    assert not {0, 5} & classes()


def test_settings_that_leave_nothing_change_nothing():
    saved = BUNDLES["chords"]
    played = Continuation(saved, Engine(saved), DEFAULT, np.random.default_rng(1))
    with pytest.raises(NothingAllowedError):
        played.constrain(msgspec.structs.replace(DEFAULT, lowest="C8"))
    pitches = {pitch for _ in range(50) for pitch in played.draw_chord()}
    assert max(pitches) < parse_pitch("C8")
