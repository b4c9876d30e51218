"""The recurrence of an LSTM layer for training on a CPU: the same function, with its own gradient.

Keras steps through a layer with both of a step's matrix products in the loop, and sums up the
gradients of the weights step by step. Here, all that doesn't depend on the step before is done for
all steps at once, backwards as well (Hochreiter and Schmidhuber 1997; backwards: Greff et al. 2017,
"LSTM: a search space odyssey", appendix A), and the loops that are left are compiled.
"""

import os
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

_SHARDS = min(int(os.environ.get("TF_NUM_INTEROP_THREADS") or os.cpu_count() or 1), 4)
"""Parts of a batch that are stepped through side by side, at most."""
_SMALLEST_SHARD = 8
"""Rows; with fewer, a step's matrix product wastes most of its time."""


class LSTM(keras.layers.LSTM):  # type: ignore[misc]
    """A layer as Keras has it, from a zero state; it has no dropout."""

    def call(
        self,
        sequences: tf.Tensor,
        initial_state: None = None,  # noqa: ARG002 - Keras asks for what its own layer takes
        **_: object,
    ) -> tf.Tensor:
        """(B, T, inputs), T known -> (B, T, units), or (B, units) for the last step only."""
        rows, steps, inputs = sequences.shape
        kernel, recurrent, bias = (tf.convert_to_tensor(each) for each in self.cell.weights)
        by_step = tf.reshape(tf.transpose(sequences, (1, 0, 2)), (-1, inputs))
        gates = tf.reshape(tf.matmul(by_step, kernel) + bias, (steps, -1, bias.shape[0]))
        shards = max(1, min(_SHARDS, (rows or 1) // _SMALLEST_SHARD))
        parts = tf.split(gates, _sizes(rows, shards) if shards > 1 else 1, axis=1)
        hidden = tf.concat([_recurrence(part, recurrent) for part in parts], axis=1)
        return tf.transpose(hidden, (1, 0, 2)) if self.return_sequences else hidden[-1]


def _sizes(rows: int, shards: int) -> list[int]:
    return [rows // shards + (i < rows % shards) for i in range(shards)]


def _with_gradient(
    gates: tf.Tensor, recurrent: tf.Tensor
) -> tuple[tf.Tensor, Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]]:
    """What a layer puts out at every step, (T, B, u), and the gradient of that.

    Args:
        gates: (T, B, 4 u), of every step's inputs: in, forget, cell, out.
        recurrent: (u, 4 u).
    """
    hidden, cells, opened = _compiled_forwards(gates, recurrent)

    def gradient(of_hidden: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        of_gates = _compiled_backwards(of_hidden, recurrent, cells, opened)
        rows = tf.reshape(_delayed(hidden), (-1, hidden.shape[-1]))
        columns = tf.reshape(of_gates, (-1, of_gates.shape[-1]))
        return of_gates, tf.matmul(rows, columns, transpose_a=True)

    return hidden, gradient


def _forwards(gates: tf.Tensor, recurrent: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Outputs and cells, (T, B, u) each, and how far the gates are open, (T, B, 4 u)."""
    steps, rows, units = gates.shape[0], tf.shape(gates)[1], recurrent.shape[0]
    zeros = tf.zeros((rows, units))
    read = _array(steps).unstack(gates)

    def step(
        t: tf.Tensor, hidden: tf.Tensor, cell: tf.Tensor, *kept: tf.TensorArray
    ) -> tuple[tf.Tensor | tf.TensorArray, ...]:
        raw = read.read(t) + tf.matmul(hidden, recurrent)
        in_, forget, new, out = tf.split(raw, 4, axis=1)
        in_, forget, new, out = tf.sigmoid(in_), tf.sigmoid(forget), tf.tanh(new), tf.sigmoid(out)
        cell = forget * cell + in_ * new
        hidden = out * tf.tanh(cell)
        opened = tf.concat([in_, forget, new, out], axis=1)
        now = hidden, cell, opened
        return t + 1, hidden, cell, *(each.write(t, x) for each, x in zip(kept, now, strict=True))

    arrays = [_array(steps) for _ in range(3)]
    _, _, _, hiddens, cells, opened = _loop(steps, step, (0, zeros, zeros, *arrays))
    return hiddens.stack(), cells.stack(), opened.stack()


def _backwards(
    of_hidden: tf.Tensor, recurrent: tf.Tensor, cells: tf.Tensor, opened: tf.Tensor
) -> tf.Tensor:
    """The loss's gradient of the gates, before their nonlinearities, (T, B, 4 u)."""
    steps, zeros = of_hidden.shape[0], tf.zeros_like(cells[0])
    in_, forget, new, out = tf.split(opened, 4, axis=2)
    squashed = tf.tanh(cells)
    # Each gate's gradient, as a multiple of the cell's or (the last) of the output's.
    of_cell = tf.concat(
        [
            new * in_ * (1 - in_),
            _delayed(cells) * forget * (1 - forget),
            in_ * (1 - new**2),
        ],
        axis=2,
    )
    of_output = squashed * out * (1 - out)
    into_cell = out * (1 - squashed**2)
    read = [
        _array(steps).unstack(each) for each in (of_hidden, into_cell, of_cell, of_output, forget)
    ]

    def step(
        s: tf.Tensor, from_later: tf.Tensor, cell: tf.Tensor, kept: tf.TensorArray
    ) -> tuple[tf.Tensor | tf.TensorArray, ...]:
        t = steps - 1 - s
        hidden, into_cell, of_cell, of_output, forget = (each.read(t) for each in read)
        hidden += from_later
        cell += hidden * into_cell
        gates = tf.concat([tf.tile(cell, (1, 3)) * of_cell, hidden * of_output], axis=1)
        back = tf.matmul(gates, recurrent, transpose_b=True)
        return s + 1, back, cell * forget, kept.write(t, gates)

    *_, kept = _loop(steps, step, (0, zeros, zeros, _array(steps)))
    return kept.stack()


def _loop(steps: int, step: Callable[..., Any], start: tuple[Any, ...]) -> Any:
    return tf.while_loop(lambda t, *_: t < steps, step, start, maximum_iterations=steps)


def _array(steps: int) -> tf.TensorArray:
    return tf.TensorArray(tf.float32, steps)


def _delayed(values: tf.Tensor) -> tf.Tensor:
    """What was at the step before; at the first, zeros."""
    return tf.concat([tf.zeros_like(values[:1]), values[:-1]], axis=0)


# Compiled where TensorFlow can: it was built with XLA, or wasn't.
_compiled_forwards, _compiled_backwards = (
    tf.function(each, jit_compile=tf.test.is_built_with_xla(), autograph=False)
    for each in (_forwards, _backwards)
)
_recurrence = tf.custom_gradient(_with_gradient)
