from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livecomposer.evaluation.ngram import WittenBell


def by_definition(streams, size, order, history, token):
    """P(token | history), from the formula."""
    if order == 0:
        return 1 / size
    context = tuple(history[len(history) - order + 1 :]) if order > 1 else ()
    shorter = by_definition(streams, size, order - 1, history, token)
    if len(context) < order - 1:
        return shorter
    after = Counter(
        stream[i]
        for stream in streams
        for i in range(max(1, order - 1), len(stream))
        if tuple(stream[i - order + 1 : i]) == context
    )
    if not after:
        return shorter
    return (after[token] + len(after) * shorter) / (after.total() + len(after))


STREAM = st.lists(st.integers(0, 4), min_size=1, max_size=12)


@given(st.lists(STREAM, min_size=1, max_size=4).filter(lambda s: max(map(len, s)) > 1), STREAM,
       st.integers(1, 5))  # fmt: skip
def test_probabilities_are_those_of_the_formula(streams, heard, order):
    model = WittenBell([np.array(stream, np.int32) for stream in streams], 5, order)
    probs = model.predict(np.array([*heard, 0], np.int32))
    assert probs.shape == (len(heard), 5)
    for step, row in enumerate(probs):
        expected = [by_definition(streams, 5, order, heard[: step + 1], w) for w in range(5)]
        np.testing.assert_allclose(row, expected, rtol=1e-5)
        assert row.sum() == pytest.approx(1)


def test_a_longer_context_tells_more():
    stream = np.array([0, *[1, 2, 3, 1, 4, 3] * 50], np.int32)
    loss = [
        -np.log(WittenBell([stream], 5, order).predict(stream)[np.arange(300), stream[1:]]).mean()
        for order in (1, 2, 4)
    ]
    assert loss[0] > loss[1] > loss[2]
    assert loss[2] < 0.1
