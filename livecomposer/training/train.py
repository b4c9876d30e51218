"""Fit, validate, checkpoint, resume.

Every step of every window has a target, from a zero state on: so the model also learns to go on
from a few notes only. All that happens follows from the recipe and the music, and a checkpoint
holds all of it: a run that was killed and resumed reaches the same weights as one that was not.
(Where the budget is in minutes, the learning rate follows the time that was spent.)
"""

import logging
import math
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from livecomposer.model.bundle import Bundle, check_size, load_state, weight_shapes
from livecomposer.model.hdf5 import UnsoundFileError
from livecomposer.training.corpus import Piece
from livecomposer.training.folder import Checkpoint, RunError, RunFolder, State, music_digest
from livecomposer.training.history import Epoch, Tally
from livecomposer.training.keeper import Keeper
from livecomposer.training.material import Material, prepare
from livecomposer.training.progress import ProgressBar
from livecomposer.training.recipe import Recipe
from livecomposer.training.workers import this_worker

if TYPE_CHECKING:
    from livecomposer.training.learner import Learner

log = logging.getLogger(__name__)

End = Literal["spent", "no better", "interrupted"]

LAST_RATE = 0.05
"""The learning rate falls in a line to this share of itself."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended.

    Attributes:
        best: the figures of the epoch whose weights were kept; None if no epoch ended.
        end: the budget is spent, nothing got better any more, or it was ended by hand.
    """

    best: Epoch | None
    end: End


def begin(
    pieces: Sequence[Piece], folder: RunFolder, recipe: Recipe, parent: Bundle | None = None
) -> Outcome:
    """Train, and leave a folder with weights, curves, settings and log.

    Args:
        pieces: what to learn from; some works are held out whole.
        folder: new, or empty.
        recipe: what is trained, how, and for how long.
        parent: weights to go on from; their vocabulary is kept.

    Raises:
        MaterialError: there is too little music.
        RunError: the network is too large, the folder is in use, or the loss stopped being a
            number.
        OSError: something can't be written.
    """
    material = prepare(pieces, recipe, parent)
    try:
        check_size(weight_shapes(recipe.architecture, len(material.vocabulary)))
    except UnsoundFileError as error:
        raise RunError(f"these sizes are too much to be played live: {error}") from None
    learner = _make_learner(recipe, len(material.vocabulary))
    if parent:
        learner.network.set_weights(list(parent.weights.values()))
    keeper = Keeper(folder, recipe, material, music_digest(pieces), learner)
    keeper.create(State())
    with keeper.claimed():
        return _Run(recipe, material, learner, keeper, State()).fit()


def resume(pieces: Sequence[Piece], folder: RunFolder, checkpoint: Checkpoint) -> Outcome:
    """Go on with a run as if it had never been left.

    Args:
        pieces: the same as before.
        folder: the run's.
        checkpoint: of that folder. (Its recipe's budget may have been changed.)

    Raises:
        RunError: the music is not the same, or the loss stopped being a number.
        BundleError: the checkpoint lacks something.
        OSError: something can't be written.
    """
    recipe, music = checkpoint.recipe, music_digest(pieces)
    if music != checkpoint.music:
        raise RunError(
            f"{folder.path} learned from other music than {', '.join(recipe.sources)} holds now: "
            "a run goes on with the same music only"
        )
    material = prepare(pieces, recipe, checkpoint.saved)
    learner = _make_learner(recipe, len(material.vocabulary))
    learner.restore(checkpoint.saved.weights, load_state(folder.checkpoint, learner.state()))
    keeper = Keeper(folder, recipe, material, music, learner)
    keeper.sweep()
    return _Run(recipe, material, learner, keeper, checkpoint.state).fit()


def _make_learner(recipe: Recipe, vocabulary_size: int) -> "Learner":
    from livecomposer.training.learner import Learner  # the slow import, after what can fail

    return Learner(recipe, vocabulary_size)


class _Run:
    """One run: the network, and what it has reached."""

    def __init__(
        self, recipe: Recipe, material: Material, learner: "Learner", keeper: Keeper, state: State
    ) -> None:
        self._recipe, self._material = recipe, material
        self._learner, self._keeper, self._state = learner, keeper, state
        self._began, self._minutes_before = time.monotonic(), state.minutes

    def fit(self) -> Outcome:
        """Epoch after epoch, until one of the ends."""
        state = self._state
        bar = ProgressBar(shown=this_worker().chief)
        with self._keeper.logging(), bar, _interruption() as interrupted:
            log.info("%s; epoch %d", self._material, len(state.history) + 1)
            end: End | None = None
            while not (end := end or self._end()):
                pace = self._learn_epoch(bar, interrupted)
                if interrupted:
                    self._keeper.keep(state)
                    end = "interrupted"
                elif state.tally.targets:  # none, where time was up before the first step
                    bar.show(self._end_epoch(pace))
            log.info("ended: %s", end)
            self._keeper.draw(state)
        return Outcome(state.best, end)

    def _end(self) -> End | None:
        """Why to end here, between two epochs."""
        state, patience = self._state, self._recipe.settings.patience
        if self._spent(0) >= 1:
            return "spent"
        if state.best and len(state.history) - state.best.epoch >= patience:
            return "no better"
        return None

    def _learn_epoch(self, bar: ProgressBar, interrupted: list[int]) -> "_Pace":
        """Learn what is left of the epoch under way, or until interrupted."""
        state, settings = self._state, self._recipe.settings
        context, epoch = self._recipe.architecture.context, len(state.history)
        rng = np.random.default_rng([settings.seed, epoch])
        cuts = self._material.learning.cuts(context, rng)
        size = min(settings.batch_size, len(cuts))
        steps = len(cuts) // size
        pace = _Pace()
        while state.step < steps and not interrupted:
            spent = self._spent(state.step / steps)
            if spent >= 1:
                break
            batch = cuts[state.step * size : (state.step + 1) * size]
            windows = self._material.learning.windows(batch, context)
            pace.prepared()
            rate = settings.learning_rate * max(1 - spent, LAST_RATE)
            tally = self._learner.learn(windows, rate)
            pace.learned(tally.targets)
            self._check(tally)
            state.tally += tally
            state.step += 1
            state.minutes = self._minutes()
            bar.advance(spent, epoch + 1, state.tally, pace.tokens_per_second)
            self._keeper.keep_if_due(state)
            pace.resumed()
        return pace

    def _end_epoch(self, pace: "_Pace") -> Epoch:
        """Judge what was learned, and keep it."""
        state = self._state
        learned, judged = state.tally, self._judge()
        self._check(judged)
        epoch = Epoch(
            epoch=len(state.history) + 1,
            minutes=round(self._minutes(), 3),
            loss=round(learned.nats / learned.targets, 5),
            accuracy=round(learned.right / learned.targets, 5),
            validation_loss=round(judged.nats / judged.targets, 5),
            validation_accuracy=round(judged.right / judged.targets, 5),
            nats_per_onset=round(judged.nats / self._material.held_out_onsets, 5),
            tokens_per_second=round(pace.tokens_per_second),
            waiting=round(pace.waiting, 4),
        )
        log.info("%s", epoch)
        state.history.append(epoch)
        state.step, state.tally, state.minutes = 0, Tally(), self._minutes()
        self._keeper.keep_epoch(state)
        return epoch

    def _judge(self) -> Tally:
        """What the held-out pieces cost."""
        context, size = self._recipe.architecture.context, self._recipe.settings.batch_size
        held_out = self._material.held_out
        cuts = held_out.cuts(context)
        total = Tally()
        for i in range(0, len(cuts), size):
            # The last batch is as large as the others: for another, all is compiled again.
            total += self._learner.judge(held_out.windows(cuts[i : i + size], context, size))
        return total

    def _check(self, tally: Tally) -> None:
        """Nothing is kept of weights that give no number."""
        if not math.isfinite(tally.nats):
            rate, path = self._recipe.settings.learning_rate, self._keeper.folder.path
            message = (
                f"in epoch {len(self._state.history) + 1} the loss stopped being a number. "
                f"What was best before is kept; to go on from it: --from {path} --set "
                f"training.learning_rate={rate / 4:g} and another --out"
            )
            log.error("%s", message)
            raise RunError(message)

    def _spent(self, of_epoch: float) -> float:
        """The share of the budget that is used up."""
        return self._recipe.budget.spent(len(self._state.history) + of_epoch, self._minutes())

    def _minutes(self) -> float:
        return self._minutes_before + (time.monotonic() - self._began) / 60


class _Pace:
    """How fast steps are taken, and the share of time in which windows were prepared."""

    def __init__(self) -> None:
        self._last = time.perf_counter()
        self._preparing, self._learning, self._targets = 0.0, 0.0, 0

    def resumed(self) -> None:
        self._lap()  # what was done meanwhile was neither

    def prepared(self) -> None:
        self._preparing += self._lap()

    def learned(self, targets: int) -> None:
        self._learning += self._lap()
        self._targets += targets

    @property
    def tokens_per_second(self) -> float:
        return self._targets / max(1e-9, self._preparing + self._learning)

    @property
    def waiting(self) -> float:
        return self._preparing / max(1e-9, self._preparing + self._learning)

    def _lap(self) -> float:
        before, self._last = self._last, time.perf_counter()
        return self._last - before


@contextmanager
def _interruption() -> Iterator[list[int]]:
    """A list that the first SIGINT or SIGTERM fills: a step under way is finished first."""
    received: list[int] = []
    signals = (signal.SIGINT, signal.SIGTERM)
    before = {}
    if threading.current_thread() is threading.main_thread():
        before = {each: signal.signal(each, lambda n, _: received.append(n)) for each in signals}
    try:
        yield received
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
