"""Stepwise inference by Keras itself: the network's own layers, one step at a time.

The reference that `engine` is measured against: exact, and some ten times slower.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from msgspec.structs import asdict

from livecomposer.model.bundle import Array, Bundle
from livecomposer.model.network import build_network, network_input


class KerasEngine:
    """A bundle's network as one `tf.function` step, states in and out (see `StepEngine`)."""

    def __init__(self, bundle: Bundle) -> None:
        self._architecture, self._size = bundle.architecture, len(bundle.vocabulary)
        network = build_network(self._size, **{**asdict(bundle.architecture), "context": 1})
        network.set_weights(list(bundle.weights.values()))
        self._network = network
        self._cells = [layer.cell for layer in network.layers if hasattr(layer, "cell")]
        self._step = tf.function(self._one_step)
        self._states = self._zero_state()

    def prime(self, ids: Sequence[int]) -> Array:
        """See `StepEngine`.

        Raises:
            ValueError: there are no ids.
        """
        if not len(ids):
            raise ValueError("prime needs one id or more")
        self._states = self._zero_state()
        for token_id in ids:
            probs = self.step(token_id)
        return probs

    def step(self, token_id: int) -> Array:
        """See `StepEngine`."""
        ids = np.array([[token_id]], np.int32)
        x = network_input(ids, self._size, self._architecture.input)
        probs, self._states = self._step(tf.constant(x), self._states)
        return probs.numpy()[0]  # type: ignore[no-any-return]

    def save(self) -> Any:
        """See `StepEngine`."""
        return self._states  # tensors never change

    def restore(self, state: Any) -> None:
        """See `StepEngine`."""
        self._states = state

    def _zero_state(self) -> list[list[Any]]:
        return [list(cell.get_initial_state(batch_size=1)) for cell in self._cells]

    def _one_step(self, x: Any, states: list[list[Any]]) -> tuple[Any, list[list[Any]]]:
        after: list[list[Any]] = []
        for layer in self._network.layers:
            if hasattr(layer, "cell"):
                if not after:
                    x = x[:, 0]  # (1, 1, width): the only step of its sequence
                x, state = layer.cell(x, states[len(after)])
                after.append(list(state))
            else:
                x = layer(x, training=False)
        return x, after
