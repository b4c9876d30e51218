import pytest
from hypothesis import given
from hypothesis import strategies as st

from livecomposer.music.tokens import (
    Chord,
    Gap,
    Joined,
    by_note,
    parse_pitch,
    parse_token,
    spell_pitch,
    whole,
)  # fmt: skip

TABLE = [
    (Chord((60,)), "C4"),
    (Chord((57, 60, 64)), "A3.C4.E4"),
    (Chord((45, 48, 52)), "A2.C3.E3"),
    (Chord((0,)), "C-1"),
    (Chord((127,)), "G9"),
    (Chord((61, 66)), "C#4.F#4"),
    (Gap(24), "+1"),
    (Gap(6), "+0.25"),
    (Gap(36), "+1.5"),
    (Gap(8), "+1/3"),
    (Gap(3), "+0.125"),
    (Gap(1), "+1/24"),
    (Gap(96), "+4"),
]


@pytest.mark.parametrize(("token", "text"), TABLE)
def test_spelling_both_ways(token, text):
    assert str(token) == text
    assert parse_token(text) == token


@pytest.mark.parametrize(
    "text",
    ["", "H4", "C", "Db4", "E#4", "G#9", "C-2", "E4.C4", "C4.C4", "C4.", "+", "+0", "+0.3",
     "+-1", "+1.0", "+1/0", "c4", "C4 ", "+0.5x", "C44"],
)  # fmt: skip
def test_what_is_not_spelled_so_is_refused(text):
    with pytest.raises(ValueError, match="is not"):
        parse_token(text)


@given(st.sets(st.integers(0, 127), min_size=1, max_size=12))
def test_spelled_chords_parse_back(pitches):
    chord = Chord(tuple(sorted(pitches)))
    assert parse_token(str(chord)) == chord


@given(st.integers(1, 24 * 16))
def test_spelled_gaps_parse_back(ticks):
    assert parse_token(str(Gap(ticks))) == Gap(ticks)


@given(st.integers(0, 127))
def test_spelled_pitches_parse_back(pitch):
    assert parse_pitch(spell_pitch(pitch)) == pitch


@given(st.sets(st.integers(0, 127), min_size=1, max_size=12))
def test_chords_by_note_are_whole_again(pitches):
    chord = Chord(tuple(sorted(pitches)))
    parts = by_note(chord)
    assert [parse_token(str(part)) for part in parts] == parts
    assert whole([Gap(24), *parts, Gap(12)]) == [Gap(24), chord, Gap(12)]


def test_chords_by_note_are_written_lowest_first():
    assert " ".join(map(str, by_note(Chord((45, 48, 52))))) == "A2 .C3 .E3"
    assert whole([Joined(60), Chord((62,)), Gap(24), Joined(64)]) == [Chord((62,)), Gap(24)]
