"""The layer that training steps through, against Keras's."""

import numpy as np
import pytest

keras = pytest.importorskip("keras")
tf = pytest.importorskip("tensorflow")

from livecomposer.training import recurrence  # noqa: E402 - only with TensorFlow


@pytest.mark.parametrize(
    ("rows", "steps", "inputs", "units", "sequences_out"),
    [(19, 10, 9, 16, True), (1, 5, 3, 4, False)],
)
def test_it_computes_and_learns_as_keras_does(
    monkeypatch, rows, steps, inputs, units, sequences_out
):
    monkeypatch.setattr(recurrence, "_SHARDS", 3)  # on any number of cores
    rng = np.random.default_rng(1)
    sequences = tf.constant(rng.normal(size=(rows, steps, inputs)), tf.float32)
    shape = (rows, steps, units) if sequences_out else (rows, units)
    asked = tf.constant(rng.normal(size=shape), tf.float32)
    keras.utils.set_random_seed(1)
    kinds = (keras.layers.LSTM, recurrence.LSTM)
    theirs, ours = (kind(units, return_sequences=sequences_out) for kind in kinds)
    for layer in (theirs, ours):
        layer.build(sequences.shape)
    theirs.set_weights([rng.normal(size=weight.shape) / 2 for weight in theirs.weights])
    ours.set_weights(theirs.get_weights())

    @tf.function
    def learn(layer):
        with tf.GradientTape() as tape:
            tape.watch(sequences)
            found = layer(sequences)
            loss = tf.reduce_sum(found * asked)
        weights = [weight.value for weight in layer.trainable_variables]
        return found, *tape.gradient(loss, [sequences, *weights])

    for found, expected in zip(learn(ours), learn(theirs), strict=True):
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
