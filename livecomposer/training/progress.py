"""The progress bar of a training run."""

from contextlib import ExitStack

from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from livecomposer.training.history import Epoch, Tally


class ProgressBar:
    """Shows loss, accuracy, tokens per second and the time left.

    Args:
        shown: whether to show anything.
    """

    def __init__(self, *, shown: bool = True) -> None:
        self._bar = tqdm(
            total=100,
            desc="training",
            bar_format="{l_bar}{bar}| {elapsed}<{remaining}{postfix}",
            disable=None if shown else True,  # None: unless there is no terminal
        )
        self._begun_at: float | None = None
        self._held_out = ""
        self._open = ExitStack()

    def __enter__(self) -> "ProgressBar":
        self._open.enter_context(self._bar)
        self._open.enter_context(logging_redirect_tqdm())  # lines are printed above the bar
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def advance(self, share: float, epoch: int, tally: Tally, tokens_per_second: float) -> None:
        """A step has been taken.

        Args:
            share: of the budget that is spent.
            epoch: the one under way, from 1.
            tally: of its steps.
            tokens_per_second: learned in the epoch so far.
        """
        if self._begun_at is None:
            self._begun_at = share
            self._bar.initial = 100 * share  # a resumed run's time left is reckoned from here
        self._bar.n = min(100.0, round(100 * share, 1))
        nats, right = tally.nats / tally.targets, tally.right / tally.targets
        self._bar.set_postfix_str(
            f"epoch {epoch}, loss {nats:.3f} {right:.1%}, {tokens_per_second:,.0f} tokens/s"
            f"{self._held_out}",
            refresh=False,
        )
        self._bar.update(0)

    def show(self, epoch: Epoch) -> None:
        """An epoch has ended: show its figures for what is held out from now on."""
        self._held_out = f"; held out {epoch.validation_loss:.3f} {epoch.validation_accuracy:.1%}"
