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


@dataclass(frozen=True, slots=True)
class Recipe:
    """What is trained, and how.

    Attributes:
        settings: vocabulary, batch, learning rate, seed.
        tokeniser: how music becomes tokens.
        architecture: which network.
        sources: where the music is from, for the record.
    """

    settings: Training
    tokeniser: TokeniserSettings
    architecture: Architecture
    sources: tuple[str, ...]


def train(
    pieces: Sequence[Piece], out: Path, recipe: Recipe, budget: Budget, *, resume: bool = False
) -> Outcome:
    """Train on pieces; leave the best weights at `out`, and curves (CSV, PNG) beside them.

    Args:
        pieces: what to learn from; some are held out whole.
        out: the weights file.
        recipe: what is trained, and how.
        budget: how long; with `resume`, how long more.
        resume: go on from the checkpoint of an earlier run.

    Raises:
        TrainingError: there is too little music, the checkpoint doesn't fit, or the loss
            stopped being a number.
        BundleError: the checkpoint isn't sound.
        OSError: something can't be written.
    """
    if len(pieces) < 2:
        raise TrainingError("training needs 2 pieces or more, one of them to hold out; found 1")
    settings = recipe.settings
    tokenised = TokenisedCorpus(pieces, recipe.tokeniser)
    if resume:
        state, vocabulary = _read_checkpoint(checkpoint_path(out), recipe)
    else:
        state, counts = _State(), tokenised.counts()
        try:
            vocabulary = Vocabulary.build(
                counts, size=settings.vocabulary_size, min_count=settings.min_count
            )
        except ValueError as error:
            raise TrainingError(
                f"with training.min_count = {settings.min_count} {error}; the commonest token "
                f"occurs {max(counts.values())} times"
            ) from None
    corpus = tokenised.ids(vocabulary)
    learning, held_out = corpus.split(_HELD_OUT, np.random.default_rng(settings.seed))
    log.info(
        "%d pieces, %d held out; %d tokens, %.1f %% of them reduced; vocabulary %d",
        *(len(pieces), len(held_out.streams), len(corpus), 100 * corpus.reduced, len(vocabulary)),
    )
    provenance = {
        "sources": list(recipe.sources),
        "pieces": len(pieces),
        "tokens": len(corpus),
        "reduced": round(corpus.reduced, 4),
        "seed": settings.seed,
    }
    if resume:
        _check_same(checkpoint_path(out), provenance)
    run = _Run(out, recipe, vocabulary, provenance, state)
    if resume:
        run.network.load_weights(checkpoint_path(out))
    return run.fit(learning, held_out, budget)


def _read_checkpoint(path: Path, recipe: Recipe) -> tuple[_State, Vocabulary]:
    """A checkpoint's state and vocabulary. Keras reads its weights only after these checks."""
    saved = bundle.load(path)
    for name in ("architecture", "tokeniser"):
        was, wanted = getattr(saved, name), getattr(recipe, name)
        if was != wanted:
            raise TrainingError(f"{path} was trained with {was}; it can't go on with {wanted}")
    try:
        return msgspec.convert(saved.provenance["run"], _State), saved.vocabulary
    except (KeyError, msgspec.ValidationError):
        raise TrainingError(f"{path} holds no state of a run to resume") from None


def _check_same(path: Path, provenance: dict[str, Any]) -> None:
    """Other music, or another seed, would mix what was held out with what was learned."""
    before = bundle.load(path).provenance
    for name in ("pieces", "tokens", "seed"):
        if before.get(name) != provenance[name]:
            raise TrainingError(
                f"{path} was trained with {name} = {before.get(name)}, now it is "
                f"{provenance[name]}: it can go on with the same music and seed only"
            )


def _best(history: list[Epoch]) -> Epoch | None:
    return min(history, key=lambda epoch: epoch.validation_loss, default=None)


class _Run:
    """One run: the network, what it has reached, and the files it leaves."""

    def __init__(
        self,
        out: Path,
        recipe: Recipe,
        vocabulary: Vocabulary,
        provenance: dict[str, Any],
        state: _State,
    ) -> None:
        import keras  # the slow import comes after all that can fail early

        self.out, self.recipe, self.vocabulary = out, recipe, vocabulary
        self.provenance, self.state = provenance, state
        keras.utils.set_random_seed(recipe.settings.seed + len(state.history))
        self.network = self._build(return_sequences=True)
        self.network.compile(
            optimizer=keras.optimizers.RMSprop(recipe.settings.learning_rate, clipnorm=_CLIP_NORM),
            loss=keras.losses.SparseCategoricalCrossentropy(reduction="mean_with_sample_weight"),
            weighted_metrics=[
                keras.metrics.SparseCategoricalCrossentropy(name="nats"),
                keras.metrics.SparseCategoricalAccuracy(name="accuracy"),
            ],
        )
        self.network.optimizer.build(self.network.trainable_variables)

    def fit(self, learning: IdCorpus, held_out: IdCorpus, budget: Budget) -> Outcome:
        """Epoch after epoch until the budget is spent, or Ctrl-C."""
        from livecomposer.training.progress import Progress  # needs Keras

        began, done = time.monotonic(), self.state.minutes
        context, settings = self.recipe.architecture.context, self.recipe.settings
        held_out_windows = self._arguments(held_out.windows(context))
        with Progress(budget, settings.learning_rate, _LAST_RATE) as progress:
            try:
                while not progress.over:
                    rng = np.random.default_rng([settings.seed, len(self.state.history)])
                    windows = self._arguments(learning.windows(context, rng))
                    fit = self.network.fit(**windows, shuffle=False, callbacks=[progress])
                    fitted = {name: values[-1] for name, values in fit.history.items()}
                    validated = self.network.evaluate(**held_out_windows, return_dict=True)
                    progress.show(validated)
                    self.state.minutes = round(done + (time.monotonic() - began) / 60, 3)
                    self._record(fitted, validated)
            except KeyboardInterrupt:
                return Outcome(_best(self.state.history), interrupted=True)
        return Outcome(_best(self.state.history), interrupted=False)

    def _arguments(self, windows: Windows) -> dict[str, Any]:
        from livecomposer.model.network import network_input

        kind = self.recipe.architecture.input
        return {
            "x": network_input(windows.inputs, len(self.vocabulary), kind),
            "y": windows.targets,
            "sample_weight": (windows.targets != START).astype(np.float32),
            "batch_size": self.recipe.settings.batch_size,
            "verbose": 0,
        }

    def _record(self, fitted: dict[str, float], validated: dict[str, float]) -> None:
        """Keep what an epoch has reached: checkpoint, curves, and the weights if they are best."""
        epoch = Epoch(
            epoch=len(self.state.history) + 1,
            minutes=self.state.minutes,
            loss=round(fitted["nats"], 5),
            accuracy=round(fitted["accuracy"], 5),
            validation_loss=round(validated["nats"], 5),
            validation_accuracy=round(validated["accuracy"], 5),
        )
        if not (math.isfinite(epoch.loss) and math.isfinite(epoch.validation_loss)):
            raise TrainingError(
                f"in epoch {epoch.epoch} the loss stopped being a number: try a learning rate "
                f"below {self.recipe.settings.learning_rate}. What was best before is kept."
            )
        # The files first: what is reported as reached, is on disk.
        state = _State(self.state.minutes, [*self.state.history, epoch])
        if epoch is _best(state.history):
            bare = self._build(return_sequences=False)  # and without the optimizer
            bare.set_weights(self.network.get_weights())
            self._save(self.out, bare, msgspec.to_builtins(epoch))
        self._save(checkpoint_path(self.out), self.network, msgspec.to_builtins(state))
        self.state = state
        stem = self.out.name.removesuffix(SUFFIX)
        write_csv(self.out.with_name(f"{stem}.csv"), state.history)
        write_png(self.out.with_name(f"{stem}.png"), state.history)

    def _build(self, *, return_sequences: bool) -> Any:
        from livecomposer.model.network import build_network

        architecture = self.recipe.architecture
        return build_network(
            len(self.vocabulary),
            input=architecture.input,
            units=architecture.units,
            context=architecture.context,
            return_sequences=return_sequences,
        )

    def _save(self, path: Path, network: Any, run: dict[str, Any]) -> None:
        bundle.save(
            path,
            network,
            architecture=self.recipe.architecture,
            vocabulary=self.vocabulary,
            tokeniser=self.recipe.tokeniser,
            provenance={**self.provenance, "run": run},
        )
