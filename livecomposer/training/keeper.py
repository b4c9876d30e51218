"""What a run keeps on disk, and when. Of several workers, only the chief keeps anything."""

import time
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from livecomposer.model import bundle
from livecomposer.model.bundle import Bundle
from livecomposer.training.folder import RunError, RunFolder, State, remember
from livecomposer.training.history import write_csv, write_png
from livecomposer.training.material import Material
from livecomposer.training.recipe import Recipe
from livecomposer.training.workers import this_worker

if TYPE_CHECKING:
    from livecomposer.training.learner import Learner

_CHECKPOINT_S = 120


class Keeper:
    """Writes a run's files.

    Args:
        folder: where to.
        recipe: what is trained.
        material: what with.
        music: its digest.
        learner: has the weights.
    """

    def __init__(
        self, folder: RunFolder, recipe: Recipe, material: Material, music: str, learner: "Learner"
    ) -> None:
        self.folder = folder
        self._recipe, self._material, self._music = recipe, material, music
        self._learner = learner
        self._keeps = this_worker().chief
        self._kept_at = time.monotonic()

    def create(self, state: State) -> None:
        """Make the folder, with a first checkpoint in it.

        Raises:
            RunError: the folder is in use.
            OSError: it can't be made.
        """
        if self._keeps:
            self.folder.create(
                self._recipe, lambda beside: self._save_checkpoint(beside.checkpoint, state)
            )

    def claimed(self) -> AbstractContextManager[None]:
        """Let no other process write to the run meanwhile.

        Raises:
            RunError: one does already.
        """
        return self.folder.claimed() if self._keeps else nullcontext()

    def sweep(self) -> None:
        """Remove what was left half written."""
        if self._keeps:
            self.folder.sweep()

    def logging(self) -> AbstractContextManager[None]:
        """Keep what is logged meanwhile."""
        return self.folder.logging() if self._keeps else nullcontext()

    def keep_if_due(self, state: State) -> None:
        """Write a checkpoint in the middle of an epoch, and draw, every two minutes."""
        if time.monotonic() - self._kept_at >= _CHECKPOINT_S:
            self.keep(state)
            self.draw(state)

    def keep(self, state: State) -> None:
        """Write a checkpoint."""
        if self._keeps:
            self._save_checkpoint(self.folder.checkpoint, state)
        self._kept_at = time.monotonic()

    def keep_epoch(self, state: State) -> None:
        """Keep the epoch that has ended: its weights if they are the best yet."""
        if not self._keeps:
            return
        epoch = state.history[-1]
        if epoch is state.best:
            bundle.save(self.folder.best, self._bundle(msgspec.to_builtins(epoch)))
        self.keep(state)
        write_csv(self.folder.curves[0], state.history)

    def draw(self, state: State) -> None:
        """Draw the curves."""
        if self._keeps and state.history:
            write_png(self.folder.curves[1], state.history)

    def _save_checkpoint(self, path: Path, state: State) -> None:
        run = remember(self._recipe, state, self._music)
        bundle.save(path, self._bundle(run), self._learner.state())

    def _bundle(self, run: dict[str, Any]) -> Bundle:
        weights = self._learner.weights()
        if not all(np.isfinite(array).all() for array in weights.values()):
            raise RunError(
                f"the weights stopped being numbers: {self.folder.path} is kept as it was"
            )
        return Bundle(
            self._recipe.architecture,
            self._material.vocabulary,
            self._recipe.tokeniser,
            {**self._material.provenance, "run": run},
            weights,
        )
