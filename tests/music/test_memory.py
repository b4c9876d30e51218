"""The jam's own n-gram, against one that counts in dictionaries."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livecomposer.music.memory import SHORTEST, Memory
from livecomposer.music.repeats import LONGEST
from livecomposer.music.tokens import parse_token
from livecomposer.music.vocabulary import Vocabulary

SPELLED = "C4 C#4 D4 D#4 E4 C4.E4 C#4.F4 .G4 .G#4 +0.5 +1".split()
VOCABULARY = Vocabulary([parse_token(token) for token in SPELLED])
V = len(VOCABULARY)
MODEL = np.random.default_rng(1).dirichlet(np.ones(V)).astype(np.float32)
IDS = st.lists(st.sampled_from([0, 1, 2, 3, 8, 9, 10]), max_size=60)


def remembered(ids, size=1000):
    kept = Memory(VOCABULARY, size)
    for each in ids:
        kept.add(each)
    return kept


def lowest(token_id):
    """A token's lowest pitch, by how it is spelled."""
    text = SPELLED[token_id - 1].lstrip(".").split(".")[0] if token_id else "+"
    return None if text[0] == "+" else "C C# D D# E F F# G G#".split().index(text[:-1])


def steps(ids):
    """Tokens by how far they are from the note before."""
    before, spelled = 0, []
    for token_id in ids:
        pitch = lowest(token_id)
        spelling = SPELLED[token_id - 1] if token_id else "start"
        kind = spelling if pitch is None else (token_id > 5) + (token_id > 7)
        spelled.append((kind, 0 if pitch is None else pitch - before))
        before = before if pitch is None else pitch
    return spelled


def mixed_by_hand(probs, played, candidates, share, oldest=0):
    """`candidates`: each token as it would be, were it next."""
    for length in range(SHORTEST, LONGEST + 1):
        context = played[len(played) - length :]
        counts = Counter(
            played[end]
            for end in range(max(length, oldest + 1), len(played))
            if played[end - length : end] == context and played[end] in candidates
        )
        total = counts.total()
        if len(played) < length or not total:
            continue
        weight = share * total / (total + len(counts))
        probs = (1 - weight) * probs + [weight * counts[each] / total for each in candidates]
    return probs


def by_hand(ids, share, oldest=0):
    probs = mixed_by_hand(MODEL.astype(float), ids, list(range(V)), share, oldest)
    candidates = [steps([*ids, each])[-1] for each in range(V)]
    return mixed_by_hand(probs, steps(ids), candidates, share, oldest)


@given(IDS, st.floats(0, 1))
def test_what_followed_before_is_likelier(ids, share):
    mixed = remembered(ids).mix(MODEL, share)
    np.testing.assert_allclose(mixed, by_hand(ids, share), atol=1e-6)
    assert mixed.sum() == pytest.approx(1, abs=1e-5)


def test_a_lick_is_known_a_tone_higher():
    lick = [1, 10, 3, 10, 2, 11]  # C4 +0.5 D4 +0.5 C#4 +1
    kept = remembered([*lick, 3, 10, 5, 10])  # D4 +0.5 E4 +0.5
    likelier = kept.mix(MODEL, 1) / MODEL
    assert VOCABULARY.token(int(likelier.argmax())) == parse_token("D#4")


def test_what_is_not_told_is_known_as_a_context_only():
    lick = [1, 10, 3, 10, 5]
    kept = remembered([])
    for told, ids in ((False, lick), (True, [11]), (False, lick)):
        for each in ids:
            kept.add(each, told=told)
    likelier = kept.mix(MODEL, 1) > MODEL
    assert VOCABULARY.token(int(np.flatnonzero(likelier)[0])) == parse_token("+1")
    assert likelier.sum() == 1
    for each in [11, *lick[:4]]:
        kept.add(each, told=False)
    np.testing.assert_array_equal(kept.mix(MODEL, 1), MODEL)  # the lick itself was never told


@given(IDS, IDS, IDS)
def test_what_is_taken_back_was_never_there(before, wrong, after):
    kept = remembered(before)
    moment = kept.now
    for each in wrong:
        kept.add(each)
    kept.go_back(moment)
    np.testing.assert_array_equal(kept.mix(MODEL, 1), remembered(before).mix(MODEL, 1))
    for each in after:
        kept.add(each)
    np.testing.assert_array_equal(kept.mix(MODEL, 1), remembered(before + after).mix(MODEL, 1))


@given(IDS, IDS, IDS)
def test_what_is_forgotten_does_not_come_back(before, meanwhile, after):
    kept = remembered(before)
    moment = kept.now
    kept.forget()
    for each in meanwhile:
        kept.add(each)
    kept.go_back(moment)
    for each in after:
        kept.add(each)
    np.testing.assert_array_equal(kept.mix(MODEL, 1), remembered(after).mix(MODEL, 1))


def test_the_oldest_is_forgotten():
    ids = np.random.default_rng(1).choice([1, 2, 10], 4001).tolist()
    kept = remembered([], size=40)
    for n, each in enumerate(ids, 1):
        kept.add(each)
        if n < 100 or n % 100 == 0:
            here = ids[max(0, n - 60) : n]
            by_now = by_hand(here, 0.5, len(here) - 40)
            np.testing.assert_allclose(kept.mix(MODEL, 0.5), by_now, atol=1e-6)


@pytest.mark.parametrize("length", range(1000, 5000, 101))
def test_of_what_is_taken_back_nothing_is_lost_that_was_before(length):
    ids = np.random.default_rng(1).choice([1, 2, 10], length).tolist()
    kept = remembered(ids[:-900], size=40)
    moment = kept.now
    for each in ids[-900:]:
        kept.add(each)
    kept.go_back(moment)
    np.testing.assert_array_equal(kept.mix(MODEL, 1), remembered(ids[:-900], 40).mix(MODEL, 1))


def test_a_share_of_nothing_is_the_model():
    np.testing.assert_array_equal(remembered([1, 2, 1] * 9).mix(MODEL, 0), MODEL)
