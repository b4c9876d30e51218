"""The network, in Keras. TensorFlow is imported here, in `keras_engine` and in training only."""

from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from livecomposer.model.bundle import EMBEDDING, UNITS, InputKind

DROPOUT = 0.3
_MOMENTUM = 0.9
"""Of the moving averages: with a target at every step a batch is over a thousand samples, and
Keras's 0.99 would lag behind a short training. It plays no part in inference."""
EMBEDDED, SCALED = 0.5, 10.0
"""The standard deviations that an input's weights begin with: an embedding's, and a scalar's, which
is between 0 and 1. With Keras's 0.05, learning first stays on a plateau (docs/model.md)."""


def build_network(  # noqa: PLR0913 - by name, all but the first
    vocabulary_size: int,
    *,
    input: InputKind = "scalar",  # noqa: A002 - the name that bundles and users know it by
    embedding: int = EMBEDDING,
    units: int = UNITS,
    context: int | None = 100,
    dropout: float = DROPOUT,
    return_sequences: bool = False,
    synchronized: bool = False,
    lstm: type[keras.layers.LSTM] = keras.layers.LSTM,
) -> keras.Model:
    """Three LSTM layers and two dense ones: the network of the Classical-Piano-Composer lineage.

    Args:
        vocabulary_size: V, the number of ids.
        input: "scalar", (B, context, 1) of id / V; or "embedding", (B, context) of ids.
        embedding: the width of what stands for an id, for "embedding".
        units: the width of each LSTM layer.
        context: tokens in a window; None for any number.
        dropout: the share of values left out before each dense layer, in training.
        return_sequences: probabilities at every step, as training wants them.
        synchronized: normalize over the batches of all workers that train together.
        lstm: what the layers are made of: training has one that learns faster.

    Returns:
        An uncompiled model whose output is (B, V), or (B, context, V) with `return_sequences`.

    Raises:
        ValueError: a size is below 1, or `input` is neither kind.
    """
    if min(vocabulary_size, embedding, units, 1 if context is None else context) < 1:
        raise ValueError("vocabulary_size, embedding, units and context must be 1 or more")
    layers, normal = keras.layers, keras.initializers.RandomNormal
    first = {}
    if input == "scalar":
        entrance = [keras.Input((context, 1))]
        first = {"kernel_initializer": normal(stddev=SCALED)}
    elif input == "embedding":
        entrance = [
            keras.Input((context,), dtype="int32"),
            layers.Embedding(
                vocabulary_size, embedding, embeddings_initializer=normal(stddev=EMBEDDED)
            ),
        ]
    else:
        raise ValueError(f"input is {input!r}, expected 'scalar' or 'embedding'")
    return keras.Sequential(
        [
            *entrance,
            lstm(units, return_sequences=True, **first),
            lstm(units, return_sequences=True),
            lstm(units, return_sequences=return_sequences),
            layers.BatchNormalization(momentum=_MOMENTUM, synchronized=synchronized),
            layers.Dropout(dropout),
            layers.Dense(256),
            layers.Activation("relu"),
            layers.BatchNormalization(momentum=_MOMENTUM, synchronized=synchronized),
            layers.Dropout(dropout),
            layers.Dense(vocabulary_size),
            layers.Activation("softmax"),
        ]
    )


def network_input(
    ids: npt.NDArray[np.int32],
    vocabulary_size: int,
    input: InputKind,  # noqa: A002
) -> npt.NDArray[Any]:
    """Ids, (B, T), as the network takes them in."""
    if input == "embedding":
        return ids
    return (ids[..., np.newaxis] / vocabulary_size).astype(np.float32)  # (B, T, 1)
