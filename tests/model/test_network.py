"""The network in Keras, and both engines against it."""

import numpy as np
import pytest

from livecomposer.model import bundle
from livecomposer.model.bundle import SUFFIX
from livecomposer.model.engine import Engine
from tests.conftest import SMALL_VOCABULARY, random_bundle

keras = pytest.importorskip("keras")

from livecomposer.model.keras_engine import KerasEngine  # noqa: E402 - only with Keras
from livecomposer.model.network import build_network, network_input  # noqa: E402

PLAIN = [
    ("LSTM", (None, 100, 256), 264_192),
    ("LSTM", (None, 100, 256), 525_312),
    ("LSTM", (None, 256), 525_312),
    ("BatchNormalization", (None, 256), 1_024),
    ("Dropout", (None, 256), 0),
    ("Dense", (None, 256), 65_792),
    ("Activation", (None, 256), 0),
    ("BatchNormalization", (None, 256), 1_024),
    ("Dropout", (None, 256), 0),
    ("Dense", (None, 110), 28_270),
    ("Activation", (None, 110), 0),
]


def test_the_plain_network_layer_by_layer():
    network = build_network(110)
    assert network.input_shape == (None, 100, 1)
    layers = network.layers
    assert [
        (type(layer).__name__, tuple(layer.output.shape), layer.count_params()) for layer in layers
    ] == PLAIN
    assert [layer.rate for layer in layers if isinstance(layer, keras.layers.Dropout)] == [0.3] * 2
    activations = [x.activation.__name__ for x in layers if isinstance(x, keras.layers.Activation)]
    assert activations == ["relu", "softmax"]
    assert network.count_params() == 1_410_926
    assert sum(int(np.prod(w.shape)) for w in network.trainable_weights) == 1_409_902
    assert sum(int(np.prod(w.shape)) for w in network.non_trainable_weights) == 1_024


def test_the_embedding_differs_in_the_first_layers_input_only():
    plain, embedding = build_network(110).layers, build_network(110, input="embedding").layers
    assert isinstance(embedding[0], keras.layers.Embedding)
    assert [type(layer) for layer in embedding[1:]] == [type(layer) for layer in plain]
    assert [layer.count_params() for layer in embedding[2:]] == [row[2] for row in PLAIN[1:]]


def test_for_training_it_returns_every_step():
    assert build_network(110, return_sequences=True).output_shape == (None, 100, 110)


@pytest.mark.parametrize(
    "arguments", [{"vocabulary_size": 0}, {"units": 0}, {"context": 0}, {"input": "one-hot"}]
)
def test_impossible_networks_are_refused(arguments):
    with pytest.raises(ValueError, match=r"1 or more|one-hot"):
        build_network(**{"vocabulary_size": 10, **arguments})


BUNDLES = [
    random_bundle(input_kind=kind, units=units, seed=seed)
    for kind, units, seed in (("scalar", 256, 1), ("embedding", 256, 2), ("embedding", 24, 3))
]


def keras_network(saved, **arguments):
    network = build_network(
        len(saved.vocabulary), input=saved.architecture.input, units=saved.architecture.units,
        **{"context": None, **arguments},
    )  # fmt: skip
    network.set_weights(list(saved.weights.values()))
    return network


@pytest.mark.parametrize("saved", BUNDLES, ids=lambda b: f"{b.architecture.input}")
def test_engines_agree_with_keras_on_every_length(saved):
    rng = np.random.default_rng(0)
    ids = rng.integers(0, len(saved.vocabulary), 100).astype(np.int32)
    every_step = keras_network(saved, return_sequences=True).predict(
        network_input(ids[np.newaxis], len(saved.vocabulary), saved.architecture.input), verbose=0
    )[0]
    engine = Engine(saved)
    for n in range(1, 101):
        np.testing.assert_allclose(engine.prime(ids[:n].tolist()), every_step[n - 1], atol=1e-5)
    stepped = [engine.prime([ids[0]]), *(engine.step(i) for i in ids[1:])]
    np.testing.assert_allclose(stepped, every_step, atol=1e-5)
    reference = KerasEngine(saved)
    stepped = [reference.prime(ids[:1].tolist()), *(reference.step(int(i)) for i in ids[1:])]
    np.testing.assert_allclose(stepped, every_step, atol=1e-5)


@pytest.mark.parametrize("saved", BUNDLES[:2], ids=lambda b: b.architecture.input)
@pytest.mark.parametrize("n", [1, 7, 100])
def test_engines_agree_with_predict_on_the_whole_window(saved, n):
    ids = np.random.default_rng(n).integers(0, len(saved.vocabulary), (1, n)).astype(np.int32)
    x = network_input(ids, len(saved.vocabulary), saved.architecture.input)
    predicted = keras_network(saved, context=n).predict(x, verbose=0)[0]
    for make in (Engine, KerasEngine):
        np.testing.assert_allclose(make(saved).prime(ids[0].tolist()), predicted, atol=1e-5)


@pytest.mark.parametrize("make", [Engine, KerasEngine])
@pytest.mark.parametrize("saved", BUNDLES[:2], ids=lambda b: b.architecture.input)
def test_a_state_restored_goes_on_as_before(make, saved):
    engine = make(saved)
    engine.prime([0, 1, 2])
    state = engine.save()
    first = [engine.step(i) for i in (3, 4, 5)]
    engine.step(6)
    engine.restore(state)
    np.testing.assert_array_equal([engine.step(i) for i in (3, 4, 5)], first)


@pytest.mark.parametrize("make", [Engine, KerasEngine])
def test_priming_forgets_what_was_before(make):
    engine = make(BUNDLES[2])
    first = engine.prime([1, 2, 3])
    engine.step(4)
    np.testing.assert_array_equal(engine.prime([1, 2, 3]), first)
    with pytest.raises(ValueError, match="one id or more"):
        engine.prime([])


@pytest.mark.parametrize("kind", ["scalar", "embedding"])
def test_stock_keras_loads_a_bundle(tmp_path, kind):
    saved = random_bundle(SMALL_VOCABULARY, input_kind=kind, units=256)
    path = tmp_path / f"x{SUFFIX}"
    bundle.save(path, saved)
    network = build_network(len(saved.vocabulary), input=kind)
    network.load_weights(path)
    for loaded, array in zip(network.get_weights(), saved.weights.values(), strict=True):
        np.testing.assert_array_equal(loaded, array)
    read = bundle.load(path)
    np.testing.assert_array_equal(Engine(read).prime([0, 1, 2]), Engine(saved).prime([0, 1, 2]))
