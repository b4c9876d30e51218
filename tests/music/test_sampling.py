import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from livecomposer.music.sampling import sample

PROBS = np.array([0.5, 0.3, 0.15, 0.05], np.float32)
ALL = np.ones(4, bool)


def frequencies(n=4000, allowed=ALL, **settings):
    rng = np.random.default_rng(1)
    drawn = [sample(PROBS, allowed, rng, **settings) for _ in range(n)]
    return np.bincount(drawn, minlength=4) / n


def test_it_draws_by_probability():
    assert frequencies() == pytest.approx(PROBS, abs=0.03)


def test_temperature_sharpens_and_flattens():
    assert frequencies(temperature=0.5) == pytest.approx(PROBS**2 / (PROBS**2).sum(), abs=0.03)
    assert frequencies(temperature=0.05)[0] > 0.999
    assert frequencies(temperature=5)[3] > 0.15


@pytest.mark.parametrize(
    ("top_p", "in_play"), [(0.01, 1), (0.49, 1), (0.51, 2), (0.79, 2), (0.81, 3), (0.96, 4), (1, 4)]
)
def test_top_p_keeps_the_likeliest_that_reach_it(top_p, in_play):
    assert (frequencies(1000, top_p=top_p) > 0).sum() == in_play


def test_what_is_not_allowed_is_not_drawn():
    allowed = np.array([False, True, False, True])
    assert frequencies(allowed=allowed) == pytest.approx([0, 6 / 7, 0, 1 / 7], abs=0.03)


def test_if_nothing_allowed_is_likely_each_is_as_likely():
    probs = np.array([1, 0, 0], np.float32)
    rng = np.random.default_rng(1)
    drawn = {sample(probs, np.array([False, True, True]), rng) for _ in range(100)}
    assert drawn == {1, 2}


@given(
    arrays(np.float32, 12, elements=st.floats(0, 1, width=32)),
    arrays(bool, 12),
    st.floats(0.05, 5),
    st.floats(0.01, 1),
    st.integers(0, 1000),
)
def test_always_an_allowed_id_and_the_same_by_the_same_seed(probs, allowed, heat, top_p, seed):
    allowed[seed % 12] = True

    def draw():
        rng = np.random.default_rng(seed)
        return sample(probs, allowed, rng, temperature=heat, top_p=top_p)

    assert allowed[draw()]
    assert draw() == draw()
