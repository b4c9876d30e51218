"""The progress bar of a training run, which also keeps to its budget."""

import time
from typing import TYPE_CHECKING, Any

import keras
from tqdm import tqdm

if TYPE_CHECKING:
    from livecomposer.training.train import Budget


class Progress(keras.callbacks.Callback):  # type: ignore[misc]
    """Shows loss, accuracy and time left; slows the learning rate; ends the last epoch.

    Args:
        budget: how long to train.
        learning_rate: at the start.
        last_rate: the share of it that is left at the end.

    Attributes:
        over: whether the budget is spent.
    """

    def __init__(self, budget: "Budget", learning_rate: float, last_rate: float) -> None:
        super().__init__()
        self._budget, self._rate, self._last_rate = budget, learning_rate, last_rate
        self._began = time.monotonic()
        self._epochs, self._spent, self._held_out = 0, 0.0, ""
        self._bar = tqdm(
            total=100, desc="training", bar_format="{l_bar}{bar}| {elapsed}<{remaining}{postfix}"
        )

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    @property
    def over(self) -> bool:  # noqa: D102 - an attribute of the class's docstring
        return self._spent >= 1

    def show(self, validated: dict[str, float]) -> None:
        """Show the held-out figures of the epoch that has ended."""
        self._held_out = f"held out {validated['nats']:.3f} {validated['accuracy']:.1%}"

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Set the learning rate for what is left of the budget."""
        left = 1 - min(1.0, self._spent)
        self.model.optimizer.learning_rate = self._rate * max(left, self._last_rate)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Move the bar; stop when time is up."""
        steps = self.params["steps"]
        self._advance(self._epochs + (batch + 1) / steps)
        if logs:
            epoch = f"epoch {self._epochs + 1}, loss {logs['nats']:.3f} {logs['accuracy']:.1%}"
            self._bar.set_postfix_str(f"{epoch} {self._held_out}", refresh=False)
        if self._budget.spent(0, self._minutes()) >= 1:
            self.model.stop_training = True

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Count the epoch."""
        self._epochs += 1
        self._advance(self._epochs)

    def _advance(self, epochs: float) -> None:
        self._spent = self._budget.spent(epochs, self._minutes())
        self._bar.n = min(100, round(100 * self._spent, 1))
        self._bar.update(0)

    def _minutes(self) -> float:
        return (time.monotonic() - self._began) / 60
