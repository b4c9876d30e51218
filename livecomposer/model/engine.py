"""Stepwise inference in NumPy: one token in, the probabilities of the next one out.

The LSTM's state is carried from step to step, so that a token costs one step and not a window.
A step is bound by reading the weights: four matrix-vector products, float32, in one thread.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from livecomposer.model.bundle import Array, Bundle

_EPSILON = 1e-3  # of Keras's BatchNormalization


class StepEngine(Protocol):
    """What plays a bundle: either engine."""

    def prime(self, ids: Sequence[int]) -> Array:
        """Start anew from the zero state with `ids`, one or more; as `step` on the last."""
        ...

    def step(self, token_id: int) -> Array:
        """Take the next id; return the probabilities of the id after it: (vocabulary,)."""
        ...

    def save(self) -> Any:
        """A copy of the state, to go back to."""
        ...

    def restore(self, state: Any) -> None:
        """Go back to a state that `save` returned."""
        ...


class Engine:
    """A bundle's network, folded for stepping.

    Args:
        bundle: whose weights to use.
    """

    def __init__(self, bundle: Bundle) -> None:
        # More threads would cost more to wake than a step takes.
        threadpool_limits(1, user_api="blas")
        weights, units = bundle.weights, bundle.architecture.units
        self._units = units
        if bundle.architecture.input == "embedding":
            self._entrance = weights["layers/embedding/vars/0"]  # (vocabulary, E)
        else:
            size = len(bundle.vocabulary)
            self._entrance = (np.arange(size)[:, np.newaxis] / size).astype(np.float32)
        self._cells = [_fold_cell(weights, layer, units) for layer in ("lstm", "lstm_1", "lstm_2")]
        self._hidden = _fold_dense(weights, "batch_normalization", "dense")
        self._output = _fold_dense(weights, "batch_normalization_1", "dense_1")
        width = self._entrance.shape[1]
        # Input, then the three layers' outputs, side by side: each layer reads the output below
        # it and its own last one as a single slice.
        self._flow = np.zeros(width + 3 * units, np.float32)
        self._memory = np.zeros((3, units), np.float32)  # the cell states
        self._inputs = [
            self._flow[: width + units],
            self._flow[width : width + 2 * units],
            self._flow[width + units :],
        ]
        self._outputs = self._flow[width:].reshape(3, units)
        self._gates = np.empty(4 * units, np.float32)

    @property
    def bytes_per_step(self) -> int:
        """How much of the weights a step reads: what bounds its speed from below."""
        layers = (*self._cells, self._hidden, self._output)
        return sum(kernel.nbytes + bias.nbytes for kernel, bias in layers)

    def prime(self, ids: Sequence[int]) -> Array:
        """See `StepEngine`.

        Raises:
            ValueError: there are no ids.
        """
        if not len(ids):
            raise ValueError("prime needs one id or more")
        self._flow.fill(0)
        self._memory.fill(0)
        for token_id in ids:
            self._advance(token_id)
        return self._probabilities()

    def step(self, token_id: int) -> Array:
        """See `StepEngine`."""
        self._advance(token_id)
        return self._probabilities()

    def save(self) -> tuple[Array, Array]:
        """See `StepEngine`."""
        return self._flow.copy(), self._memory.copy()

    def restore(self, state: tuple[Array, Array]) -> None:
        """See `StepEngine`."""
        self._flow[:], self._memory[:] = state

    def _advance(self, token_id: int) -> None:
        """One step of the three LSTM layers."""
        units, gates = self._units, self._gates
        self._flow[: self._entrance.shape[1]] = self._entrance[token_id]
        for layer, (kernel, bias) in enumerate(self._cells):
            np.dot(self._inputs[layer], kernel, out=gates)
            np.add(gates, bias, out=gates)
            np.tanh(gates, out=gates)
            sigmoids = gates[: 3 * units]
            sigmoids += 1.0
            sigmoids *= 0.5
            memory = self._memory[layer]
            memory *= gates[units : 2 * units]  # forget
            memory += gates[:units] * gates[3 * units :]  # input gate, candidate
            np.multiply(gates[2 * units : 3 * units], np.tanh(memory), out=self._outputs[layer])

    def _probabilities(self) -> Array:
        kernel, bias = self._hidden
        hidden = np.maximum(self._outputs[2] @ kernel + bias, 0)
        kernel, bias = self._output
        logits = hidden @ kernel + bias
        odds = np.exp(logits - logits.max())
        return odds / odds.sum()  # type: ignore[no-any-return]


def _fold_cell(weights: Any, layer: str, units: int) -> tuple[Array, npt.NDArray[np.float32]]:
    """Kernel (inputs + units, 4 * units) and bias (4 * units), gates in the order i, f, o, c.

    sigmoid(x) = (1 + tanh(x / 2)) / 2: with the gates' weights halved, one tanh serves all four.
    """
    kernel, recurrent, bias = (weights[f"layers/{layer}/cell/vars/{i}"] for i in range(3))
    both = np.concatenate((kernel, recurrent))

    def fold(array: Array) -> Array:
        i, f, c, o = np.split(array, 4, axis=-1)  # Keras's order
        return np.concatenate((i / 2, f / 2, o / 2, c), axis=-1)

    folded = np.ascontiguousarray(fold(both))
    assert folded.shape[1] == 4 * units  # noqa: S101 - the bundle's shapes were checked
    return folded, fold(bias)


def _fold_dense(weights: Any, norm: str, dense: str) -> tuple[Array, Array]:
    """A batch normalization and the dense layer after it, as one."""
    gamma, beta, mean, variance = (weights[f"layers/{norm}/vars/{i}"] for i in range(4))
    kernel, bias = (weights[f"layers/{dense}/vars/{i}"] for i in range(2))
    scale = gamma / np.sqrt(variance + _EPSILON)
    return scale[:, np.newaxis] * kernel, bias + (beta - mean * scale) @ kernel
