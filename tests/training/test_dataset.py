import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from livecomposer.music.tokeniser import TokeniserSettings
from livecomposer.music.tokens import Chord, Gap, Joined, parse_token
from livecomposer.music.vocabulary import START, Vocabulary
from livecomposer.training.corpus import Piece
from livecomposer.training.dataset import SHIFTS, TokenisedCorpus, transpose


def piece(*onsets, name="x"):
    rows = [(round(24 * beat), pitch) for beat, *pitches in onsets for pitch in pitches]
    return Piece(name, np.array(rows, np.int32))


def corpus(*pieces, tokens=None):
    tokenised = TokenisedCorpus(pieces, TokeniserSettings())
    if tokens is None:
        return tokenised, tokenised.ids(
            Vocabulary.build(tokenised.counts(), size=4096, min_count=1)
        )
    return tokenised, tokenised.ids(Vocabulary(list(map(parse_token, tokens.split()))))


def test_transposing_tokens():
    assert transpose(Chord((60, 64)), 3) == Chord((63, 67))
    assert transpose(Chord((60,)), 0) == Chord((60,))
    assert transpose(Gap(24), 5) == Gap(24)
    assert transpose(Chord((2, 60)), -5) == Chord((55,))


def test_notes_are_transposed_with_their_chords():
    played = piece((0, 60, 64, 67), (1, 65))
    tokenised = TokenisedCorpus([played], TokeniserSettings(), notes=True)
    vocabulary = Vocabulary.build(tokenised.counts(), min_count=1)
    ids = tokenised.ids(vocabulary).piece(0, 2)
    spelled = " ".join(str(vocabulary.token(i)) for i in ids[1:].tolist())
    assert spelled == "D4 .F#4 .A4 +1 G4"
    assert transpose(Joined(60), 70) == Joined(60)


def test_pieces_stay_on_the_piano():
    low, middle, high, beyond = (piece((0, p)) for p in (23, 60, 107, 5))
    shifts = TokenisedCorpus([low, middle, high, beyond], TokeniserSettings()).shifts
    assert shifts == [list(range(-2, 7)), list(SHIFTS), list(range(-5, 2)), [0]]


def test_counts_are_of_all_transpositions():
    tokenised, _ = corpus(piece((0, 60), (1, 60), (2, 64)))
    counts = tokenised.counts()
    assert counts[Gap(24)] == 2 * 12
    assert counts[Chord((60,))] == 2 + 1
    assert sum(counts.values()) == 5 * 12
    assert TokenisedCorpus([piece((0, 5))], TokeniserSettings()).counts() == {Chord((5,)): 1}


def test_a_piece_in_ids():
    _, ids = corpus(piece((0, 60), (1, 64), (1.5, 64, 67)), tokens="C4 E4 F4 E4.G4 F4.G#4 +1")
    vocabulary = Vocabulary(list(map(parse_token, "C4 E4 F4 E4.G4 F4.G#4 +1".split())))
    words = [None if i == START else str(vocabulary.token(i)) for i in ids.piece(0)]
    assert words == [None, "C4", "+1", "E4", "E4.G4"]
    words = [str(vocabulary.token(i)) for i in ids.piece(0, shift=1)[3:]]
    assert words == ["F4", "F4.G#4"]


def test_the_share_that_is_reduced():
    _, ids = corpus(piece((0, 60), (0.5, 60, 64), (1, 61), (1.5, 60)), tokens="C4 E4")
    assert ids.reduced == 0.5


def test_gaps_without_a_token_are_left_out():
    _, ids = corpus(piece((0, 60), (2, 60)), tokens="C4")
    assert ids.piece(0).tolist() == [START, 1, 1]


PIECES = st.lists(
    st.lists(st.integers(21, 108), min_size=1, max_size=60).map(
        lambda pitches: piece(*((0.5 * i, pitch) for i, pitch in enumerate(pitches)))
    ),
    min_size=1,
    max_size=4,
)


@given(PIECES, st.integers(1, 20), st.one_of(st.none(), st.integers(0, 99)))
def test_windows_hold_every_step_of_one_piece_each(pieces, length, seed):
    _, ids = corpus(*pieces)
    cuts = ids.cuts(length, None if seed is None else np.random.default_rng(seed))
    windows = ids.windows(cuts, length)
    assert windows.inputs.shape == windows.targets.shape == (len(windows.inputs), length)
    possible = {
        tuple(ids.piece(i, shift).tolist())
        for i in range(len(pieces))
        for shift in ([0] if seed is None else ids.shifts[i])
    }
    for inputs, targets in zip(windows.inputs.tolist(), windows.targets.tolist(), strict=True):
        n = sum(target != START for target in targets)
        assert n > 0
        assert all(target == START for target in targets[n:])
        assert inputs[1:n] == targets[: n - 1]
        stretch = (*inputs[:n], targets[n - 1])
        assert any(
            stretch == whole[i : i + n + 1] for whole in possible for i in range(len(whole) - n)
        )
    steps = sum(len(stream) for stream in ids.streams)
    seen = int((windows.targets != START).sum())
    assert seen == steps if seed is None else seen >= steps


def test_some_of_the_pieces():
    _, ids = corpus(*(piece((0, 30 + i), (1, 60)) for i in range(4)))
    some = ids.only([2, 0])
    assert [some.piece(i).tolist() for i in range(2)] == [ids.piece(i).tolist() for i in (2, 0)]
    assert len(some) == len(ids) / 2
