"""What is drawn where chords are spelled note by note."""

from itertools import groupby, pairwise

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livecomposer.config_file import load_config
from livecomposer.evaluation.resemblance import loops
from livecomposer.live.continuation import Continuation
from livecomposer.model.engine import Engine
from livecomposer.music.events import NoteOn
from livecomposer.music.tokeniser import decode, encode
from livecomposer.music.tokens import Chord, Gap, whole
from tests.conftest import random_bundle

NOTES = "C3 C4 E4 G4 .C4 .E4 .G4 .C5 +0.25 +1 +2"
SAVED = random_bundle(NOTES)


def continuation(saved=SAVED, seed=0, **sampling):
    settings = msgspec.structs.replace(
        load_config().sampling, **{"top_p": 1.0, "memory": 0, **sampling}
    )
    return Continuation(saved, Engine(saved), settings, np.random.default_rng(seed))


def spelled(played):
    return [str(SAVED.vocabulary.token(i)) for i in list(played.context)[1:]]


def draw(played, number, start=0):
    onsets = [(start, played.draw_chord())]
    while len(onsets) < number:
        last, _ = onsets[-1]
        onsets.append(played.draw_onset(last, last + 1))
    return onsets


def test_what_is_heard_is_known_by_its_notes():
    played = continuation()
    for token in (Chord((60, 64, 67)), Gap(24), Chord((48,)), Chord((61, 66))):
        played.hear(token)
    assert spelled(played) == ["C4", ".E4", ".G4", "+1", "C3", "C4", ".G4"]
    assert played.reduced == 1


@given(st.integers(0, 2**32))
def test_chords_are_drawn_from_the_lowest_note_up(seed):
    played = continuation(seed=seed)
    onsets = draw(played, 12, start=24)
    assert onsets[0][0] == 24
    for (tick, pitches), (following, _) in pairwise(onsets):
        assert tick % 12 == 0
        assert following - tick in (12, 24, 48)
        assert all(low < high for low, high in pairwise(pitches))
    tokens = whole(SAVED.vocabulary.token(i) for i in list(played.context)[1:])
    assert decode(tokens, 24) == onsets


def test_chords_have_one_note_and_more():
    sizes = {len(pitches) for _, pitches in draw(continuation(seed=1), 200)}
    assert {1, 2, 3} <= sizes


@pytest.mark.parametrize("most", [0, 1, 3])
def test_no_chord_follows_itself_too_often(most):
    saved = random_bundle("C4 E4 .G4")
    onsets = draw(continuation(saved, seed=2, max_repeats=most, temperature=5.0), 300)
    runs = [(chord, len(list(run))) for chord, run in groupby(pitches for _, pitches in onsets)]
    assert max(length for _, length in runs) <= most + 1
    after = {(chord, other) for (chord, length), (other, _) in pairwise(runs) if length == most + 1}
    assert ((60,), (60, 67)) in after  # a chord may follow that begins with the same note
    assert {(60,), (60, 67), (64,), (64, 67)} == {pitches for _, pitches in onsets}


@pytest.mark.parametrize("notes", [NOTES, "C4 E4 G4", "C4 E4 +1 +2"])
@pytest.mark.parametrize(("longest", "loop"), [(24, False), (200, True)])
def test_no_figure_is_repeated_for_too_long(notes, longest, loop):
    likeliest = continuation(random_bundle(notes), temperature=0.05, max_loop=longest)
    onsets = draw(likeliest, 150)
    events = [NoteOn(tick, pitch) for tick, pitches in onsets for pitch in pitches]
    assert loops(encode(events, SAVED.tokeniser)) == loop


def test_what_never_sounded_is_taken_back():
    played = continuation(seed=3)
    played.hear(Chord((60, 64)))
    before, context = played.save(), list(played.context)
    draw(played, 20)
    played.restore(before)
    assert list(played.context) == context
    twin = continuation(temperature=0.05)
    twin.hear(Chord((60, 64)))
    likeliest = continuation(seed=4, temperature=0.05)
    likeliest.restore(before)
    assert draw(likeliest, 20) == draw(twin, 20)


def test_a_note_joins_as_often_as_the_model_wants():
    """Also where most of what else is likely can't be played, being off the grid."""
    saved = random_bundle("C4 E4 .G4 +0.25 +1")
    saved.weights["layers/dense_1/vars/0"][:] = 0
    bias = {"C4": 0.2, ".G4": 0.2, "+0.25": 0.6}
    saved.weights["layers/dense_1/vars/1"][:] = [
        np.log(bias.get(str(token), 1e-9)) for token in [None, *saved.vocabulary.tokens]
    ]
    onsets = draw(continuation(saved, seed=5, max_repeats=100, temperature=1.0), 2000)
    assert np.mean([len(pitches) > 1 for _, pitches in onsets]) == pytest.approx(0.2, abs=0.03)
