"""One step of learning, in TensorFlow: on one machine, or on several that share each batch.

Each worker computes the gradients of its share of the batch; they are summed over all workers, and
each applies the same sum. On one machine the same code has one share. (`model.fit` of Keras 3
knows nothing of several workers.)
"""

from collections.abc import Mapping

import keras
import tensorflow as tf
from msgspec.structs import asdict

from livecomposer.model.bundle import AnyArray, Array, weight_shapes
from livecomposer.model.network import build_network, network_input
from livecomposer.music.vocabulary import START
from livecomposer.training.dataset import Windows
from livecomposer.training.history import Tally
from livecomposer.training.recipe import Recipe
from livecomposer.training.recurrence import LSTM
from livecomposer.training.workers import this_worker

_CLIP_NORM = 1.0


class Learner:
    """A network that learns. All that is random in it follows from the recipe's seed.

    Args:
        recipe: which network, and how it learns.
        vocabulary_size: V.

    Attributes:
        network: returns every step's probabilities.
    """

    def __init__(self, recipe: Recipe, vocabulary_size: int) -> None:
        tf.config.experimental.enable_op_determinism()
        keras.utils.set_random_seed(recipe.settings.seed)
        self._worker = this_worker()
        together = self._worker.number > 1
        self._strategy = (
            tf.distribute.MultiWorkerMirroredStrategy()
            if together
            else tf.distribute.get_strategy()
        )
        self._size, self._architecture = vocabulary_size, recipe.architecture
        with self._strategy.scope():
            self.network = build_network(
                vocabulary_size,
                **asdict(recipe.architecture),
                dropout=recipe.settings.dropout,
                return_sequences=True,
                synchronized=together,
                lstm=LSTM,
            )
            self._optimizer = keras.optimizers.Adam(recipe.settings.learning_rate)
            self._optimizer.build(self.network.trainable_variables)
        self._learn = tf.function(self._learn_together, autograph=False)
        self._judge = tf.function(self._look, autograph=False)

    def learn(self, windows: Windows, learning_rate: float) -> Tally:
        """Take one step of learning.

        Args:
            windows: a batch; every worker is given the whole of it, and takes its share.
            learning_rate: Adam's, for this step.

        Returns:
            What the batch cost before the step.
        """
        self._optimizer.learning_rate = learning_rate
        targets = _targets(windows)
        mine = self._tensors(windows, slice(self._worker.index, None, self._worker.number))
        nats, right = self._learn(*mine, tf.constant(targets, tf.float32))
        return Tally(float(nats), int(right), targets)

    def weights(self) -> dict[str, Array]:
        """The network's weights, by their names in a bundle."""
        names = weight_shapes(self._architecture, self._size)
        return dict(zip(names, self.network.get_weights(), strict=True))

    def state(self) -> dict[str, AnyArray]:
        """All that learning depends on beside the weights, by name: optimizer, and chance."""
        return {
            name: keras.ops.convert_to_numpy(variable)
            for name, variable in self._state_variables().items()
        }

    def restore(self, weights: Mapping[str, Array], state: Mapping[str, AnyArray]) -> None:
        """Go back to what `weights` and `state` returned."""
        self.network.set_weights(list(weights.values()))
        for name, variable in self._state_variables().items():
            variable.assign(state[name])

    def _state_variables(self) -> dict[str, keras.Variable]:
        optimizer = {f"optimizer_{i}": v for i, v in enumerate(self._optimizer.variables)}
        chance = {
            f"dropout_{i}": layer.seed_generator.state
            for i, layer in enumerate(self.network.layers)
            if hasattr(layer, "seed_generator")
        }
        return optimizer | chance

    def judge(self, windows: Windows) -> Tally:
        """What a batch costs, without learning from it."""
        nats, right = self._judge(*self._tensors(windows, slice(None)))
        return Tally(float(nats), int(right), _targets(windows))

    def _tensors(self, windows: Windows, rows: slice) -> tuple[tf.Tensor, tf.Tensor]:
        inputs = network_input(windows.inputs[rows], self._size, self._architecture.input)
        return tf.constant(inputs), tf.constant(windows.targets[rows])

    def _learn_together(
        self, inputs: tf.Tensor, targets: tf.Tensor, number: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        sums = self._strategy.run(self._learn_alone, (inputs, targets, number))
        return tuple(self._strategy.reduce("SUM", each, axis=None) for each in sums)

    def _learn_alone(
        self, inputs: tf.Tensor, targets: tf.Tensor, number: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        variables = self.network.trainable_variables
        with tf.GradientTape() as tape:
            nats, right = _sums(self.network(inputs, training=True), targets)
            loss = nats / number  # of all workers' targets: the sum of shares is the mean
        gradients = [tf.convert_to_tensor(each) for each in tape.gradient(loss, variables)]
        together = tf.distribute.get_replica_context().all_reduce("SUM", gradients)
        # Keras sums over the workers, too, but after its clipping: of each the same share.
        clipped = [tf.clip_by_norm(each, _CLIP_NORM) for each in together]
        self._optimizer.apply([each / self._worker.number for each in clipped], variables)
        return nats, right

    def _look(self, inputs: tf.Tensor, targets: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return _sums(self.network(inputs, training=False), targets)


def _sums(probs: tf.Tensor, targets: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The summed losses of the targets that there are, and how many were thought likeliest."""
    there = targets != START
    nats = keras.ops.sparse_categorical_crossentropy(targets, probs)
    likeliest = tf.argmax(probs, axis=-1, output_type=targets.dtype)
    return (
        tf.reduce_sum(tf.where(there, nats, 0.0)),
        tf.reduce_sum(tf.cast(there & (likeliest == targets), tf.int32)),
    )


def _targets(windows: Windows) -> int:
    return int((windows.targets != START).sum())
