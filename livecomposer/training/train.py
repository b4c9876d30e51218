"""Fit, validate, checkpoint, resume.

Every step of every window has a target, from a zero state on: so the model also learns to go on
from a few notes only. The best epoch by held-out loss is the weights file; the last one is kept
beside it, with the optimizer's state, to resume from.
"""

import logging
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from livecomposer.config import Training
from livecomposer.model import bundle
from livecomposer.model.bundle import SUFFIX, Architecture
from livecomposer.music.tokeniser import TokeniserSettings
from livecomposer.music.vocabulary import START, Vocabulary
from livecomposer.training.corpus import Piece
from livecomposer.training.dataset import IdCorpus, TokenisedCorpus, Windows
from livecomposer.training.history import Epoch, write_csv, write_png

log = logging.getLogger(__name__)

_HELD_OUT = 0.05
_CLIP_NORM = 1.0
_LAST_RATE = 0.05  # the learning rate falls in a line to this share of itself


class TrainingError(RuntimeError):
    """Training can't begin or go on; the message says why."""


@dataclass(frozen=True, slots=True)
class Budget:
    """How long to train: for so many epochs, or for so many minutes."""

    epochs: float = math.inf
    minutes: float = math.inf

    def spent(self, epochs: float, minutes: float) -> float:
        """The share of it that is used up."""
        return max(epochs / self.epochs, minutes / self.minutes)


class _State(msgspec.Struct):
    """What a checkpoint remembers beside weights and optimizer."""

    minutes: float = 0.0
    history: list[Epoch] = []


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended.

    Attributes:
        best: the figures of the epoch whose weights were kept; None if no epoch ended.
        interrupted: whether it was ended by hand.
    """

    best: Epoch | None
    interrupted: bool


def checkpoint_path(out: Path) -> Path:
    """Where a run that writes `out` keeps its last epoch."""
    return out.with_name(out.name.removesuffix(SUFFIX) + ".checkpoint" + SUFFIX)


def train(
    pieces: Sequence[Piece],
    out: Path,
    *,
    settings: Training,
    tokeniser: TokeniserSettings,
    architecture: Architecture,
    budget: Budget,
    sources: Sequence[str],
    resume: bool = False,
) -> Outcome:
    """Train on pieces, and leave the best weights at `out`, with curves (CSV, PNG) beside them.

    Args:
        pieces: what to learn from; some are held out whole.
        out: the weights file.
        settings: vocabulary, batch, learning rate, seed.
        tokeniser: how music becomes tokens.
        architecture: which network.
        budget: how long; with `resume`, how long more.
        sources: where the pieces are from, for the record.
        resume: go on from the checkpoint of an earlier run.

    Raises:
        TrainingError: there is too little music, the checkpoint doesn't fit, or the loss
            stopped being a number.
        OSError: something can't be written.
    """
    if len(pieces) < 2:
        raise TrainingError("training needs 2 pieces or more, one of them to hold out; found 1")
    tokenised = TokenisedCorpus(pieces, tokeniser)
    state, vocabulary = _State(), None
    if resume:
        state, vocabulary = _read_checkpoint(checkpoint_path(out), architecture, tokeniser)
    vocabulary = vocabulary or Vocabulary.build(
        tokenised.counts(), size=settings.vocabulary_size, min_count=settings.min_count
    )
    corpus = tokenised.ids(vocabulary)
    learning, held_out = corpus.split(_HELD_OUT, np.random.default_rng(settings.seed))
    log.info(
        "%d pieces, %d held out; %d tokens, %.1f %% of them reduced; vocabulary %d",
        len(pieces), len(held_out.streams), len(corpus), 100 * corpus.reduced, len(vocabulary),
    )  # fmt: skip
    provenance = {
        "sources": list(sources), "pieces": len(pieces), "tokens": len(corpus),
        "reduced": round(corpus.reduced, 4), "seed": settings.seed,
    }  # fmt: skip
    run = _Run(out, settings, tokeniser, architecture, vocabulary, provenance, state)
    if resume:
        run.network.load_weights(checkpoint_path(out))
    return run.fit(learning, held_out, budget)


def _read_checkpoint(
    path: Path, architecture: Architecture, tokeniser: TokeniserSettings
) -> tuple[_State, Vocabulary]:
    """A checkpoint's state and vocabulary. (Keras reads its weights only after these checks.)"""
    saved = bundle.load(path)
    if (saved.architecture, saved.tokeniser) != (architecture, tokeniser):
        raise TrainingError(
            f"{path} was trained as {saved.architecture} and {saved.tokeniser}; "
            f"resuming it as {architecture} and {tokeniser} can't work"
        )
    try:
        return msgspec.convert(saved.provenance["run"], _State), saved.vocabulary
    except (KeyError, msgspec.ValidationError):
        raise TrainingError(f"{path} holds no state of a run to resume") from None


class _Run:
    """One run: the network, what it has reached, and the files it leaves."""

    def __init__(
        self,
        out: Path,
        settings: Training,
        tokeniser: TokeniserSettings,
        architecture: Architecture,
        vocabulary: Vocabulary,
        provenance: dict[str, Any],
        state: _State,
    ) -> None:
        import keras  # noqa: PLC0415 - the slow import comes after all that can fail early

        from livecomposer.model.network import build_network  # noqa: PLC0415

        keras.utils.set_random_seed(settings.seed + len(state.history))
        self.out, self.settings, self.tokeniser = out, settings, tokeniser
        self.architecture, self.vocabulary = architecture, vocabulary
        self.provenance, self.state = provenance, state
        self.network = build_network(
            len(vocabulary), input=architecture.input, units=architecture.units,
            context=architecture.context, return_sequences=True,
        )  # fmt: skip
        self.network.compile(
            optimizer=keras.optimizers.RMSprop(settings.learning_rate, clipnorm=_CLIP_NORM),
            loss=keras.losses.SparseCategoricalCrossentropy(reduction="mean_with_sample_weight"),
            weighted_metrics=[
                keras.metrics.SparseCategoricalCrossentropy(name="nats"),
                keras.metrics.SparseCategoricalAccuracy(name="accuracy"),
            ],
        )
        self.network.optimizer.build(self.network.trainable_variables)

    def fit(self, learning: IdCorpus, held_out: IdCorpus, budget: Budget) -> Outcome:
        """Epoch after epoch until the budget is spent, or Ctrl-C."""
        from livecomposer.training.progress import Progress  # noqa: PLC0415 - needs Keras

        began, done = time.monotonic(), self.state.minutes
        context = self.architecture.context
        held_out_windows = held_out.windows(context)
        with Progress(budget, self.settings.learning_rate, _LAST_RATE) as progress:
            try:
                while not progress.over:
                    rng = np.random.default_rng([self.settings.seed, len(self.state.history)])
                    windows = learning.windows(context, rng)
                    order = rng.permutation(len(windows.inputs))
                    shuffled = Windows(windows.inputs[order], windows.targets[order])
                    fitted = self.network.fit(
                        **self._arguments(shuffled), shuffle=False, callbacks=[progress]
                    ).history
                    validated = self.network.evaluate(
                        **self._arguments(held_out_windows), return_dict=True
                    )
                    progress.show(validated)
                    self.state.minutes = round(done + (time.monotonic() - began) / 60, 3)
                    self._record(
                        Epoch(
                            len(self.state.history) + 1, self.state.minutes,
                            *(round(x, 5) for x in (
                                fitted["nats"][0], fitted["accuracy"][0],
                                validated["nats"], validated["accuracy"],
                            )),
                        )  # fmt: skip
                    )
            except KeyboardInterrupt:
                return Outcome(self._best(), interrupted=True)
        return Outcome(self._best(), interrupted=False)

    def _best(self) -> Epoch | None:
        return min(self.state.history, key=lambda epoch: epoch.validation_loss, default=None)

    def _arguments(self, windows: Windows) -> dict[str, Any]:
        from livecomposer.model.network import network_input  # noqa: PLC0415

        return {
            "x": network_input(windows.inputs, len(self.vocabulary), self.architecture.input),
            "y": windows.targets,
            "sample_weight": (windows.targets != START).astype(np.float32),
            "batch_size": self.settings.batch_size,
            "verbose": 0,
        }

    def _record(self, epoch: Epoch) -> None:
        """Keep what an epoch has reached: checkpoint, curves, and the weights if they are best."""
        if not (math.isfinite(epoch.loss) and math.isfinite(epoch.validation_loss)):
            raise TrainingError(
                f"in epoch {epoch.epoch} the loss stopped being a number: try a learning rate "
                f"below {self.settings.learning_rate}. What was best before is kept."
            )
        self.state.history.append(epoch)
        if epoch is self._best():
            self._save(self.out, self._without_optimizer(), msgspec.to_builtins(epoch))
        self._save(checkpoint_path(self.out), self.network, msgspec.to_builtins(self.state))
        stem = self.out.name.removesuffix(SUFFIX)
        write_csv(self.out.with_name(f"{stem}.csv"), self.state.history)
        write_png(self.out.with_name(f"{stem}.png"), self.state.history)

    def _without_optimizer(self) -> Any:
        from livecomposer.model.network import build_network  # noqa: PLC0415

        bare = build_network(
            len(self.vocabulary), input=self.architecture.input, units=self.architecture.units,
            context=self.architecture.context,
        )  # fmt: skip
        bare.set_weights(self.network.get_weights())
        return bare

    def _save(self, path: Path, network: Any, run: dict[str, Any]) -> None:
        bundle.save(
            path, network, architecture=self.architecture, vocabulary=self.vocabulary,
            tokeniser=self.tokeniser, provenance={**self.provenance, "run": run},
        )  # fmt: skip
