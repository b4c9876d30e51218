"""The jam's own n-gram, against one that counts in dictionaries."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livecomposer.music import memory
from livecomposer.music.memory import LONGEST, Memory

IDS = st.lists(st.integers(0, 3), max_size=60)
MODEL = np.array([0.1, 0.2, 0.3, 0.4], np.float32)


def remembered(ids):
    kept = Memory()
    for each in ids:
        kept.add(each)
    return kept


def mixed_by_hand(ids, share, oldest=0):
    probs = MODEL.astype(float)
    for length in range(1, LONGEST + 1):
        context = ids[len(ids) - length :]
        counts = Counter(
            ids[end]
            for end in range(max(length, oldest + 1), len(ids))
            if ids[end - length : end] == context
        )
        total = counts.total()
        if len(ids) < length or not total:
            break
        weight = share * total / (total + len(counts))
        probs = (1 - weight) * probs + [weight * counts[i] / total for i in range(4)]
    return probs


@given(IDS, st.floats(0, 1))
def test_what_followed_before_is_likelier(ids, share):
    mixed = remembered(ids).mix(MODEL, share)
    np.testing.assert_allclose(mixed, mixed_by_hand(ids, share), atol=1e-6)
    assert mixed.sum() == pytest.approx(1, abs=1e-5)


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


def test_the_oldest_is_forgotten(monkeypatch):
    monkeypatch.setattr(memory, "SIZE", 40)
    ids = np.random.default_rng(1).integers(0, 4, 301).tolist()
    kept = Memory()
    for n, each in enumerate(ids, 1):
        kept.add(each)
        by_hand = mixed_by_hand(ids[:n], 0.5, n - 40)
        np.testing.assert_allclose(kept.mix(MODEL, 0.5), by_hand, atol=1e-6)


def test_a_share_of_nothing_is_the_model():
    np.testing.assert_array_equal(remembered([1, 2, 1]).mix(MODEL, 0), MODEL)
