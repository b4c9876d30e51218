import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livecomposer.training.corpus import Piece
from livecomposer.training.works import digest, find_works, split_works


def tune(seed, length=80, low=50):
    """A random melody of quarter notes."""
    rng = np.random.default_rng(seed)
    pitches = low + rng.integers(0, 24, length)
    return Piece(str(seed), np.stack((24 * np.arange(length), pitches), axis=1).astype(np.int32))


def changed(piece, *, shift=0, stretch=1, bass=None, without=()):
    notes = piece.notes.copy()
    notes = np.delete(notes, without, axis=0)
    notes[:, 0] *= stretch
    notes[:, 1] += shift
    if bass is not None:
        below = notes.copy()
        below[:, 1] = bass
        notes = np.concatenate((notes, below))
        notes = notes[np.lexsort((notes[:, 1], notes[:, 0]))]
    return Piece(f"{piece.name}'", notes)


SAME = {
    "a copy": {},
    "transposed": {"shift": 5},
    "in other note values": {"stretch": 2},
    "harmonised": {"bass": 30},
    "two notes left out": {"without": (20, 50)},
    "without its end": {"without": range(50, 80)},
    "all at once": {"shift": -3, "stretch": 3, "bass": 20, "without": (40,)},
}


@pytest.mark.parametrize("changes", SAME.values(), ids=SAME)
def test_another_edition_is_the_same_work(changes):
    pieces = [tune(1), tune(2), changed(tune(1), **changes), tune(3)]
    assert find_works(pieces) == [[0, 2], [1], [3]]


def test_figures_that_many_have_make_no_work():
    scale = np.arange(40, 80)
    figure = Piece("", np.stack((12 * np.arange(40), scale), axis=1).astype(np.int32))
    pieces = []
    for seed in range(30):
        notes = tune(seed, 40).notes.copy()
        notes[:, 0] += 12 * 40
        pieces.append(Piece(str(seed), np.concatenate((figure.notes, notes))))
    assert len(find_works(pieces)) == 30


def test_many_copies_are_one_work():
    pieces = [changed(tune(seed % 2), shift=seed // 2) for seed in range(40)]
    assert find_works(pieces) == [list(range(0, 40, 2)), list(range(1, 40, 2))]


def test_many_versions_are_one_work():
    rng = np.random.default_rng(1)
    takes = [changed(tune(1), without=rng.choice(80, 2, replace=False)) for _ in range(40)]
    assert find_works([tune(2), *takes]) == [[0], list(range(1, 41))]


def test_a_work_of_many_pieces_is_not_held_out_where_another_can_be():
    pieces = [changed(tune(1), shift=i) for i in range(9)] + [tune(2)]
    for seed in range(8):
        assert split_works(pieces, 0.05, seed) == (list(range(9)), [9])


def test_what_was_held_out_before_stays_so():
    pieces = [tune(seed) for seed in range(30)] + [changed(tune(7), shift=2)]
    learning, held_out = split_works(pieces, 0.5, 1, {digest(tune(7)), "another's"})
    assert held_out == [7, 30]
    assert len(learning) == 29
    assert split_works(pieces, 0.1, 1, {"another's"}) == split_works(pieces, 0.1, 1)


def test_the_digest_is_the_same_in_any_key_only():
    assert digest(tune(1)) == digest(changed(tune(1), shift=3))
    assert digest(tune(1)) != digest(tune(2))
    assert len(digest(tune(1))) == 16


@given(st.lists(st.integers(0, 30), min_size=2, max_size=40), st.integers(0, 99))
def test_a_split_keeps_works_whole(seeds, seed):
    pieces = [changed(tune(s, 30), shift=i % 4) for i, s in enumerate(seeds)]
    learning, held_out = split_works(pieces, 0.2, seed)
    assert sorted(learning + held_out) == list(range(len(pieces)))
    assert held_out
    assert not {seeds[i] for i in learning} & {seeds[i] for i in held_out}
    assert bool(learning) == (len(set(seeds)) > 1)


def test_what_is_held_out_follows_from_the_music_and_the_seed():
    pieces = [tune(seed) for seed in range(40)]
    _, held_out = split_works(pieces, 0.1, 1)
    assert len(held_out) == 4
    names = {pieces[i].name for i in held_out}
    _, again = split_works(pieces[::-1], 0.1, 1)
    assert {pieces[::-1][i].name for i in again} == names
    _, other = split_works(pieces, 0.1, 2)
    assert {pieces[i].name for i in other} != names


def test_very_short_pieces():
    pieces = [tune(1, 1), tune(2, 2), tune(3, 5), changed(tune(3, 5), shift=2)]
    assert find_works(pieces) == [[0], [1], [2, 3]]
