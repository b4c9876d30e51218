"""Keys: names, notes, and finding them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livecomposer.music.keys import MEMORY, SCALES, Key, KeyFinder, find_key, parse_key

NAMED = [
    ("C major", 0, {0, 2, 4, 5, 7, 9, 11}, {0, 4, 7}),
    ("A minor", 9, {9, 11, 0, 2, 4, 5, 7}, {9, 0, 4}),
    ("Bb major", 10, {10, 0, 2, 3, 5, 7, 9}, {10, 2, 5}),
    ("F# dorian", 6, {6, 8, 9, 11, 1, 3, 4}, {6, 9, 1}),
    ("Cb major", 11, {11, 1, 3, 4, 6, 8, 10}, {11, 3, 6}),
    ("E minor pentatonic", 4, {4, 7, 9, 11, 2}, {4, 7, 11}),
]


@pytest.mark.parametrize(("name", "tonic", "classes", "stable"), NAMED)
def test_names(name, tonic, classes, stable):
    key = parse_key(name)
    assert (key.tonic, key.classes, key.stable) == (tonic, classes, stable)
    assert parse_key(str(key)) == key


@pytest.mark.parametrize(
    "name", ["", "C", "c minor", "H major", "C Minor", "C  minor", "Cm", "C x"]
)
def test_names_that_are_none(name):
    with pytest.raises(ValueError, match=r"is no key, such as 'C minor'; scales are major, minor"):
        parse_key(name)


@given(st.lists(st.integers(0, 127), max_size=40))
def test_keys_are_found_as_music21_finds_them(pitches):
    discrete = pytest.importorskip("music21.analysis.discrete")
    key = find_key(pitches)
    counts = np.bincount([pitch % 12 for pitch in pitches], minlength=12)
    if key is None:
        assert np.count_nonzero(counts) < 3 or len(set(counts)) == 1
        return
    theirs = discrete.TemperleyKostkaPayne()
    likeness = {
        scale: theirs._getDifference([0.0] * 12, counts.tolist(), scale)
        for scale in ("major", "minor")
    }
    assert likeness[key.scale][key.tonic] == pytest.approx(max(map(max, likeness.values())))


def test_the_key_is_followed():
    finder = KeyFinder()
    assert finder.key is None
    for tick, pitch in enumerate([60, 62, 64, 65, 67, 69, 71, 72, 67, 64, 60]):
        finder.hear(12 * tick, pitch)
    assert finder.key == Key(0, "major")
    later = 120 + MEMORY
    finder.hear(later, 66)
    assert finder.key == Key(0, "major")  # one note tells nothing new
    for tick, pitch in enumerate([66, 69, 71, 73, 74, 76, 78, 74, 71, 66]):
        finder.hear(later + tick, pitch)
    assert finder.key == Key(11, "minor")


def test_a_scale_is_of_the_key_that_it_is_named_by():
    for scale in ("major", "minor"):
        pitches = [48 + step for step in SCALES[scale]] + [48, 55, 60]
        assert find_key(pitches) == Key(0, scale)
