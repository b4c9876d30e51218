"""Both parts as one stream: whatever happens, the model has heard what sounded, in order."""

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livecomposer.config_file import load_config
from livecomposer.live.continuation import Continuation
from livecomposer.live.stream import Stream
from livecomposer.model.engine import Engine
from livecomposer.music.events import NoteOn
from livecomposer.music.tokeniser import encode
from livecomposer.music.vocabulary import START
from tests.conftest import random_bundle

NOTES = "C3 C4 E4 G4 .C4 .E4 .G4 .C5 +0.25 +0.75 +1 +1.25 +1.5 +2 +4"
BUNDLES = {
    "notes": random_bundle(NOTES),
    "fixed": random_bundle("C3 C4 E4 C4.E4 C3.C4 C3.C4.E4 C3.E4", timing="fixed"),
}


def play(saved, seed=0, **settings):
    sampling = msgspec.structs.replace(
        load_config().sampling, **{"top_p": 1.0, "temperature": 3.0, **settings}
    )
    continuation = Continuation(saved, Engine(saved), sampling, np.random.default_rng(seed))
    return continuation, Stream(continuation, saved.tokeniser)


def context_after(saved, onsets):
    """What is heard of onsets, {tick: pitches}, that are played by one player."""
    events = [NoteOn(tick, pitch) for tick in sorted(onsets) for pitch in sorted(onsets[tick])]
    return [START, *saved.vocabulary.ids(encode(events, saved.tokeniser))]


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("hear"), st.integers(0, 40),
                  st.sets(st.sampled_from([48, 60, 64]), min_size=1)),
        st.tuples(st.just("begin"), st.integers(1, 3)),
        st.tuples(st.just("go on"), st.integers(1, 3)),
        st.tuples(st.just("take back"), st.integers(0, 5)),
    ),
    max_size=20,
)  # fmt: skip


@pytest.mark.parametrize("kind", BUNDLES)
@pytest.mark.parametrize("grid", [12, 8])
@given(STEPS, st.integers(0, 2**32))
def test_the_model_hears_what_sounds(kind, grid, steps, seed):
    saved = BUNDLES[kind]
    continuation, stream = play(saved, seed, grid=grid)
    heard, drawn = {}, {}
    for step in steps:
        last = max([0, *heard, *drawn])
        match step:
            case "hear", back, pitches:
                tick = max(0, last + 24 - back) // 6 * 6
                stream.hear(tick, tuple(sorted(pitches)))
                heard.setdefault(tick, set()).update(pitches)
            case "begin", slots:
                slot = stream.slot(last + slots * grid - 5)
                assert slot % grid == 0
                assert slot >= last + slots * grid - 5
                tick, pitches = stream.begin(slot)
                assert tick == slot
                drawn[tick] = set(pitches)
            case "go on", slots:
                earliest = last + slots * grid
                tick, pitches = stream.go_on(earliest)
                assert tick >= earliest
                assert tick % grid == 0
                drawn[tick] = set(pitches)
            case "take back", back:
                stream.take_back(last - 12 * back)
                drawn = {tick: each for tick, each in drawn.items() if tick < last - 12 * back}
    sounded = {}
    for tick, pitches in [*heard.items(), *drawn.items()]:
        snapped = (tick + 3) // 6 * 6
        sounded.setdefault(snapped, set()).update(pitches)
    expected = context_after(saved, sounded)[-100:]
    assert list(continuation.context) == expected
