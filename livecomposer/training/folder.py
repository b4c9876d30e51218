"""The folder that a training run leaves: what is in it, and what its checkpoint remembers."""

import hashlib
import logging
import secrets
import shlex
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from livecomposer.atomic import write_whole
from livecomposer.config import BEST
from livecomposer.model import bundle
from livecomposer.model.bundle import SUFFIX, Bundle
from livecomposer.music.tempo import spell_beats
from livecomposer.training.corpus import Piece
from livecomposer.training.history import Epoch, Tally
from livecomposer.training.recipe import Recipe


class _Log(logging.FileHandler):
    """A log that a full disk ends in silence: what matters then is said by what else can't be."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's
        pass


class RunError(RuntimeError):
    """A run can't begin, or go on; the message says why."""


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Where a run keeps its files."""

    path: Path

    @property
    def best(self) -> Path:
        """The weights of the epoch with the lowest loss on what is held out: what is played."""
        return self.path / BEST

    @property
    def checkpoint(self) -> Path:
        """The last weights, the optimizer's state, and the `State`: what is resumed from."""
        return self.path / f"checkpoint{SUFFIX}"

    @property
    def curves(self) -> tuple[Path, Path]:
        """Losses and accuracies by epoch: CSV, PNG."""
        return self.path / "curves.csv", self.path / "curves.png"

    @property
    def config(self) -> Path:
        """The settings used, as `--config` takes them."""
        return self.path / "config.toml"

    def check_free(self) -> None:
        """Nothing may be lost, and nothing be learned in vain.

        Raises:
            RunError: there is something in the folder already.
            OSError: it couldn't be made.
        """
        nearest = next(each for each in (self.path, *self.path.absolute().parents) if each.exists())
        if nearest.is_dir():
            tempfile.TemporaryFile(dir=nearest).close()
        if self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
            raise RunError(f"{self.path} exists already: go on with --resume, or name another")

    def create(self, recipe: Recipe, save: Callable[["RunFolder"], None]) -> None:
        """Make the folder: whole, or not at all.

        Args:
            recipe: its settings are kept in it.
            save: keeps the first checkpoint.

        Raises:
            RunError: there is something in it already.
            OSError: it can't be made.
        """
        self.check_free()
        parent = self.path.absolute().parent
        parent.mkdir(parents=True, exist_ok=True)
        exists = self.path.is_dir()
        beside = RunFolder((self.path if exists else parent) / f".run-{secrets.token_hex(8)}")
        beside.path.mkdir()
        try:
            write_whole(beside.config, _spell(recipe).encode())
            save(beside)
            if exists:  # and stays the same folder: it may be the one we are in
                for file in (beside.config, beside.checkpoint):
                    file.replace(self.path / file.name)
            else:
                beside.path.replace(self.path)
        finally:
            shutil.rmtree(beside.path, ignore_errors=True)

    def check_begun(self) -> None:
        """There must be a checkpoint.

        Raises:
            RunError: there is none.
        """
        if not self.checkpoint.is_file():
            raise RunError(f"{self.path} has no {self.checkpoint.name} to resume from")

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """No other process writes to the run meanwhile.

        Raises:
            RunError: one does already, or there is no run.
            OSError: the folder can't be written to.
        """
        import portalocker

        self.check_begun()
        with self.config.open("ab") as file:  # which is never replaced by another
            try:
                portalocker.lock(file, portalocker.LOCK_EX | portalocker.LOCK_NB)
            except portalocker.AlreadyLocked:
                raise RunError(f"{self.path} is in use: training goes on in it") from None
            except portalocker.LockException as error:
                raise RunError(f"{self.path} can't be locked: {error.strerror}") from None
            yield

    def sweep(self) -> None:
        """Remove what a run that was killed has left half written."""
        for file in (self.best, self.checkpoint, *self.curves):
            for beside in self.path.glob(f".{file.name}.*"):
                beside.unlink(missing_ok=True)

    @contextmanager
    def logging(self) -> Iterator[None]:
        """Keep what is logged in `train.log`, after what an earlier part of the run logged."""
        handler = _Log(self.path / "train.log", encoding="utf-8")
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
        logger = logging.getLogger("livecomposer")
        logger.addHandler(handler)
        try:
            yield
        finally:
            logger.removeHandler(handler)
            handler.close()


class State(Struct):
    """How far a run has come.

    Attributes:
        step: the steps done of the epoch under way.
        tally: of these steps.
        minutes: spent in all.
        history: the epochs that have ended.
    """

    step: int = 0
    tally: Tally = msgspec.field(default_factory=Tally)
    minutes: float = 0.0
    history: list[Epoch] = []

    @property
    def best(self) -> Epoch | None:
        """The epoch with the lowest loss on what was held out."""
        return min(self.history, key=lambda epoch: epoch.validation_loss, default=None)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What going on depends on, beside the weights and the optimizer's state.

    Attributes:
        recipe: what is trained.
        state: how far it has come.
        music: the music's digest.
        saved: the bundle it was read from.
    """

    recipe: Recipe
    state: State
    music: str
    saved: Bundle


class _Remembered(Struct):
    recipe: Recipe
    state: State
    music: str


def _spell(recipe: Recipe) -> str:
    """A recipe's settings as TOML, below the command that they were used with."""
    import tomli_w  # only training writes settings

    tokeniser = {
        "timing": recipe.tokeniser.timing,
        "resolution": spell_beats(recipe.tokeniser.resolution),
        "max_gap": spell_beats(recipe.tokeniser.max_gap),
    }
    architecture = recipe.architecture
    training = msgspec.to_builtins(recipe.settings) | {
        "units": architecture.units,
        "embedding": architecture.embedding,
    }
    command = shlex.join(recipe.arguments()).replace("\n", "\\n")
    return f"# livecomposer train {command}\n\n" + tomli_w.dumps(
        {"tokeniser": tokeniser, "training": training}
    )


def music_digest(pieces: Sequence[Piece]) -> str:
    """What names the music of a run: other pieces, another digest."""
    together = hashlib.blake2b(digest_size=8)
    for piece in pieces:
        together.update(len(piece.notes).to_bytes(8, "big") + piece.notes.tobytes())
    return together.hexdigest()


def remember(recipe: Recipe, state: State, music: str) -> dict[str, Any]:
    """A run as plain JSON values, for a checkpoint's provenance."""
    run: dict[str, Any] = msgspec.to_builtins(_Remembered(recipe, state, music))
    return run


def recall(folder: RunFolder) -> Checkpoint:
    """What a run's checkpoint holds.

    Raises:
        RunError: there is none, or it isn't one that can be resumed.
        BundleError: it isn't sound.
    """
    folder.check_begun()
    saved = bundle.load(folder.checkpoint)
    try:
        run = msgspec.convert(saved.provenance["run"], _Remembered)
    except (KeyError, msgspec.ValidationError) as error:
        raise RunError(f"{folder.checkpoint} holds no run to resume ({error})") from None
    return Checkpoint(run.recipe, run.state, run.music, saved)
