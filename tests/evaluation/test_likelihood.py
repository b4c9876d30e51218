import math

import numpy as np
import pytest

from livecomposer.evaluation.likelihood import Network, RepeatLast, by_context, losses, measure
from livecomposer.model.engine import Engine
from tests.conftest import random_bundle

SIZE = 6
ONSETS = np.array([False, True, True, True, True, False])  # 0 is the start, 5 a gap


class Always:
    """The same probabilities whatever comes."""

    def __init__(self, *probs):
        self.probs = np.array(probs, np.float32)

    def predict(self, ids):
        return np.tile(self.probs, (len(ids) - 1, 1))


def ids(*values):
    return np.array(values, np.int32)


def test_figures_by_hand():
    halves = Always(0, 0.5, 0.25, 0.125, 0.0625, 0.0625)
    found = measure(halves, [ids(0, 1, 5, 2), ids(0, 4)], ONSETS)
    bits = (1 + 4 + 2 + 4) * math.log(2)
    assert found.nats_per_token == pytest.approx(bits / 4)
    assert found.nats_per_onset == pytest.approx(bits / 3)
    assert found.top_1 == 1 / 4
    assert found.top_5 == 1


def test_an_equal_probability_is_no_likelier():
    assert measure(Always(*[1 / 6] * 6), [ids(0, 3)], ONSETS).top_1 == 1


def test_what_was_impossible_has_no_mean():
    found = measure(RepeatLast(SIZE), [ids(0, 1, 1, 2)], ONSETS)
    assert (found.nats_per_token, found.nats_per_onset) == (None, None)
    assert found.top_1 == found.top_5 == 1 / 3


def test_a_network_carries_its_state():
    bundle = random_bundle()
    stream = ids(0, *np.random.default_rng(1).integers(1, len(bundle.vocabulary), 50))
    probs = Network(Engine(bundle)).predict(stream)
    engine = Engine(bundle)
    for step in (1, 7, 50):
        np.testing.assert_allclose(probs[step - 1], engine.prime(stream[:step]), rtol=1e-6)
    np.testing.assert_allclose(
        losses(Network(engine), stream), -np.log(probs[np.arange(50), stream[1:]]), rtol=1e-5
    )


class Counting:
    """Is sure of a token as it has heard more: each loss is the number of tokens heard."""

    def predict(self, ids):
        probs = np.zeros((len(ids) - 1, SIZE), np.float32)
        probs[np.arange(len(ids) - 1), ids[1:]] = np.exp(-np.arange(1.0, len(ids)))
        return probs


def test_loss_by_context():
    streams = [ids(*[1] * 12), ids(*[1] * 5)]
    found = by_context(Counting(), streams, (1, 4, 8, 40), 3, np.random.default_rng(1))
    assert found == {1: pytest.approx(1), 4: pytest.approx(4), 8: pytest.approx(8), 40: None}
    # One token only has 11 before it.
    found = by_context(Counting(), streams, (4, 11), 5, np.random.default_rng(1))
    assert found == {4: pytest.approx(4), 11: None}
    assert by_context(Counting(), streams, (20,), 1, np.random.default_rng(1)) == {20: None}
