import numpy as np
import pytest

from livecomposer.evaluation.resemblance import (
    Recitation,
    Resemblance,
    distinct_ngrams,
    loops,
    resemblance,
)
from livecomposer.music.events import NoteOn
from livecomposer.music.tokeniser import TokeniserSettings, encode
from livecomposer.music.tokens import Chord, Gap
from livecomposer.training.dataset import transpose

SETTINGS = TokeniserSettings()


def melody(*pitches):
    return [Chord((pitch,)) for pitch in pitches]


def random_melody(seed, length):
    return melody(*np.random.default_rng(seed).integers(50, 70, length).tolist())


LOOPS = [
    ("one note for ever", melody(*[60] * 32), True),
    ("not long enough", melody(*[60] * 31), False),
    ("a period of 8", melody(*[*range(60, 68)] * 4), True),
    ("a period of 9", melody(*[*range(60, 69)] * 4), False),
    ("after something else", random_melody(1, 40) + melody(*[60, 64] * 16), True),
    ("broken in the middle", melody(*[60, 64] * 12, 61, *[60, 64] * 12), False),
    ("random", random_melody(2, 100), False),
    ("short", melody(60), False),
]


@pytest.mark.parametrize(("tokens", "found"), [r[1:] for r in LOOPS], ids=[r[0] for r in LOOPS])
def test_loops(tokens, found):
    assert loops(tokens) == found


def test_distinct_ngrams():
    assert distinct_ngrams(melody(60, 62, 60, 62, 60), 2) == 2 / 4
    assert distinct_ngrams(melody(60, 62, 64), 2) == 1
    assert distinct_ngrams(melody(60), 4) == 1


def spell(stretch):
    return encode((NoteOn(t, p) for t, pitches in stretch for p in pitches), SETTINGS)


def recitation_of(*pieces):
    return Recitation(pieces)


def test_the_longest_run_is_found_in_any_key():
    trained = [random_melody(1, 60), [*random_melody(2, 30), Gap(24), *random_melody(3, 30)]]
    other = melody(*range(40, 50))  # no training piece goes up by steps of one for long
    moved = [transpose(token, 7) for token in trained[1]]
    stretches = [
        other[:5] + moved[20:45] + melody(21),
        moved,
        trained[0][10:],
        [Gap(24), *moved[31:]],
        [Chord((60, 64, 67))],
        [],
    ]
    found = recitation_of(*trained).longest(stretches)
    assert found.tolist() == [25, 61, 50, 30, 0, 0]


def test_chords_are_the_same_only_whole():
    trained = [Chord((p, p + 4, p + 7)) for p in (60, 62, 61, 65, 63, 60)]
    played = [transpose(chord, 5) for chord in trained]
    played[4] = Chord((68, 72, 74))
    assert recitation_of(trained).longest([played, [Chord((60, 63, 70))]]).tolist() == [4, 0]


def test_no_run_reaches_over_the_end_of_a_piece():
    one, other = random_melody(1, 30), random_melody(2, 30)
    assert recitation_of(one, other).longest([one + other]) == [30]
    assert recitation_of(one + other).longest([one, other]).tolist() == [30, 30]


def test_resemblance_by_hand():
    primer = [(12 * i, (60 + (0, 2, 4, 5, 7, 9, 11, 12)[i % 8],)) for i in range(64)]
    same = [(tick + 768, pitches) for tick, pitches in primer[::2]]
    primer[0] = (0, (60, 72, 84))
    found = resemblance([(primer, same)], spell, recitation_of([*melody(70), Gap(24), *melody(74)]))
    assert found == Resemblance(
        looping=1.0,  # C E G B, each after a gap of a beat
        distinct_4grams=8 / 60,
        copied_median=3,  # up by four semitones after a beat
        copied_p99=3,
        recited=0.0,
        key_agreement=found.key_agreement,  # of four notes only: either
        pitch_class_distance=pytest.approx(
            (abs(1 / 4 - 18 / 66) + 3 * (1 / 4 - 8 / 66) + 3 * 8 / 66) / 2
        ),
        onsets_per_beat=1.0,
        onsets_per_beat_of_primer=2.0,
        notes_per_onset=1.0,
        notes_per_onset_of_primer=66 / 64,
        lowest=60,
        lowest_of_primer=60,
        highest=71,
        highest_of_primer=84,
    )


def test_loops_are_looked_for_beyond_the_first_32_beats():
    wanders = [(24 * i, (60 + step,)) for i, step in enumerate([0, 1, 3, 6, 10, 15, 21, 28] * 4)]
    stuck = wanders + [(768 + 96 * i, (100,)) for i in range(20)]
    found = resemblance([(wanders, wanders), (wanders, stuck)], spell, recitation_of(melody(60)))
    assert found.looping == 0.5
    assert (found.onsets_per_beat, found.highest) == (1.0, 88)


def test_a_key_is_kept_or_left():
    scale = (0, 4, 7, 12, 11, 9, 7, 5, 4, 2, 0)
    c = [(12 * i, (60 + scale[i % 11],)) for i in range(64)]
    d = [(tick, (pitch + 1,)) for tick, (pitch,) in c]
    recitation = recitation_of(random_melody(1, 10))
    found = resemblance([(c, c), (c, d), (d, d), (d, c)], spell, recitation)
    assert found.key_agreement == 0.5
