"""A jam that doesn't end: nothing drifts, sounds on, or grows."""

import numpy as np
import pytest
from holdings import bytes_held
from soak_virtual import LongJam, OwnTempo

from livecomposer.music.constraints import Constraints, Masks
from livecomposer.music.memory import Memory
from livecomposer.music.tempo import GRID, ceil_to
from livecomposer.music.tokens import Chord
from tests.conftest import random_bundle

NOTES = "C2 G2 C3 E3 G3 A3 C4 E4 F#4 .E3 .G3 .C4 .E4 .F#4 .G4 .C5 +0.25 +0.75 +1 +1.5 +2 +4"
MINUTE = 60_000_000_000


@pytest.mark.parametrize(
    ("settings", "minutes"),
    [
        (["listen.thru=true"], 32),
        (["clock.source=midi", "controls.tempo=off"], 16),
    ],
)
def test_a_jam_goes_on_and_on(settings, minutes):
    jam = LongJam(settings, 1, {"notes": random_bundle(NOTES)})
    sizes = []
    for _ in range(8):
        played = jam.play(minutes * MINUTE // 8)
        assert played.onsets
        assert (played.off_grid_ns, played.sounding) == (0, 0)
        sizes.append(jam.size())
    assert max(sizes[4:]) < max(sizes[:4]) + 20_000


def test_what_can_be_gone_back_to_takes_no_memory():
    kept = Memory(random_bundle(NOTES).vocabulary)
    before = bytes_held(kept)
    moments = []
    for token_id in np.random.default_rng(1).integers(1, 23, 3000).tolist():
        kept.add(token_id)
        moments.append(kept.now)
    assert bytes_held(kept) < before + 1000
    assert bytes_held(moments) < 200 * len(moments)


def test_rests_of_any_length_are_few():
    saved = random_bundle(NOTES)
    masks = Masks(saved.vocabulary, saved.tokeniser, Constraints())
    for onset in range(24):
        masks.after(onset, onset + 1000)
    before = bytes_held(masks)
    for earliest in range(1000, 20_000):
        masks.after(0, earliest)
    assert bytes_held(masks) == before


def test_a_player_can_play_any_number_of_chords():
    vocabulary = random_bundle("C3 C4 E4 F#4 C4.E4.G4", timing="fixed").vocabulary
    rng = np.random.default_rng(1)
    for _ in range(10_000):
        vocabulary.ids([Chord(tuple(sorted(rng.choice(128, 5, replace=False).tolist())))])
    assert bytes_held(vocabulary) < 1_000_000


def test_changes_of_tempo_add_up_to_nothing():
    clock, ns = OwnTempo(), 0
    for n in range(10_000):
        clock.set_tempo(ns, 60 + 37 * n % 128)
        ns += 123_456_789
        assert clock.off_grid_ns(clock.ns_at(ceil_to(clock.tick_at(ns), GRID)), GRID) == 0
