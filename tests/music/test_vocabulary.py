import pytest
from hypothesis import given
from hypothesis import strategies as st

from livecomposer.music.tokens import Chord, Gap, parse_token, whole
from livecomposer.music.vocabulary import START, Vocabulary


def vocabulary(text):
    return Vocabulary([parse_token(word) for word in text.split()])


def counts(text):
    return {parse_token(word): count for word, count in (each.split(":") for each in text.split())}


def test_ids_are_ordered_by_pitch_and_gaps_come_last():
    counted = dict.fromkeys(
        map(parse_token, "+1 G4 C4.E4 E4 C4 A3.E4 +0.25 A3.C4.E4 C4.E4.G4".split()), 5
    )
    built = Vocabulary.build(counted)
    assert " ".join(map(str, built.tokens)) == "C4 E4 A3.E4 C4.E4 A3.C4.E4 G4 C4.E4.G4 +0.25 +1"
    assert [built.id(token) for token in built.tokens] == list(range(1, 10))
    assert built.token(1) == Chord((60,))
    assert len(built) == 10
    assert START not in (*built.chords, *built.gaps)


def test_the_commonest_are_kept():
    counted = {Chord((60,)): 3, Chord((62,)): 9, Chord((64,)): 1, Gap(24): 5, Gap(6): 4}
    built = Vocabulary.build(counted, size=4, min_count=2)
    assert built.tokens == (Chord((62,)), Gap(6), Gap(24))
    assert len(Vocabulary.build(counted, size=100, min_count=4)) == 4


REDUCTIONS = [
    ("in the vocabulary", "C4.E4.G4 C4", "C4.E4.G4", "C4.E4.G4"),
    ("one inner voice less", "C4.G4.C5 C4.C5 C5", "C4.E4.G4.C5", "C4.G4.C5"),
    ("another inner voice less", "C4.E4.C5 C4.C5 C5", "C4.E4.G4.C5", "C4.E4.C5"),
    ("two less", "C4.E4.C5 C4.C5", "C4.D4.E4.G4.C5", "C4.E4.C5"),
    ("top and bass", "C4.C5 C5 C4", "C4.E4.G4.C5", "C4.C5"),
    ("the top", "C5 C4 E4", "C4.E4.G4.C5", "C5"),
    ("the top of two", "C5 C4", "C4.C5", "C5"),
    ("the nearest octave of the top", "C3 C4 B4", "C4.E4.G4.C6", "C4"),
    ("of two octaves, the lower", "C3 C5 B3", "C4", "C3"),
    ("no octave: the nearest note", "D4 B3 F3.C4", "C5", "D4"),
    ("no single note at all", "E3.G3 C3.E3.G4", "C5.E5", "C3.E3.G4"),
]


@pytest.mark.parametrize(
    ("known", "chord", "becomes"), [r[1:] for r in REDUCTIONS], ids=[r[0] for r in REDUCTIONS]
)
def test_chords_outside_are_reduced(known, chord, becomes):
    known = vocabulary(known)
    token_id = known.id(parse_token(chord))
    assert str(known.token(token_id)) == becomes
    assert (parse_token(chord) in known) == (chord == becomes)


@pytest.mark.parametrize(
    ("known", "gap", "becomes"),
    [("C4 +1 +2", "+1.25", "+1"), ("C4 +1 +2", "+1.75", "+2"), ("C4 +1 +2", "+1.5", "+1"),
     ("C4 +1", "+4", "+1")],
)  # fmt: skip
def test_gaps_go_to_the_nearest(known, gap, becomes):
    known = vocabulary(known)
    assert str(known.token(known.id(parse_token(gap)))) == becomes


def test_without_gaps_a_gap_has_no_id():
    assert vocabulary("C4").id(Gap(24)) is None
    assert vocabulary("C4 D4").ids([Chord((60,)), Gap(24), Chord((62,))]) == [1, 2]


CHORDS = st.sets(st.integers(0, 127), min_size=1, max_size=128).map(
    lambda pitches: Chord(tuple(sorted(pitches)))
)


@given(st.sets(CHORDS, min_size=1, max_size=8), CHORDS)
def test_a_chord_is_never_dropped(known, chord):
    built = Vocabulary(sorted(known, key=str))
    token = built.token(built.id(chord))
    assert token in known
    if chord in known:
        assert token == chord


@pytest.mark.parametrize(
    ("tokens", "message"),
    [([], "no chord"), ([Gap(24)], "no chord"), ([Chord((60,))] * 2, "twice"),
     ([Gap(i) for i in range(1, 70_000)], "65536")],
)  # fmt: skip
def test_impossible_vocabularies_are_refused(tokens, message):
    with pytest.raises(ValueError, match=message):
        Vocabulary(tokens)


def test_note_by_note_nothing_is_lost():
    known = vocabulary("C4 E4 G4 .E4 .G4 .C5 +1")
    chord = Chord((60, 64, 67))
    assert chord in known
    assert Chord((60, 65)) not in known
    assert whole(map(known.token, known.ids([Gap(24), chord]))) == [Gap(24), chord]
    assert known.onsets[known.ids([chord, Gap(24)])].tolist() == [True, False, False, False]


NEAREST = [("C4.E5", "C4 .E4"), ("C4.F4", "C4 .E4"), ("F4.A4", "E4 .G4"), ("C5.E5", "C4 .E4"),
           ("G4.A4", "G4"), ("G4.A#4.B4", "G4 .C5")]  # fmt: skip


@pytest.mark.parametrize(("chord", "becomes"), NEAREST)
def test_notes_outside_go_to_the_nearest(chord, becomes):
    known = vocabulary("C4 E4 G4 .E4 .G4 .C5 +1")
    assert " ".join(str(known.token(i)) for i in known.ids([parse_token(chord)])) == becomes
