"""Learning: `train`."""

import dataclasses
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click
import msgspec

from livecomposer.cli.common import WRONG_USAGE, CommandError, load_bundle, read_corpus, require
from livecomposer.cli.completion import complete_weights
from livecomposer.cli.options import FiniteRange, with_config
from livecomposer.config import Config

if TYPE_CHECKING:
    from livecomposer.model.bundle import Bundle
    from livecomposer.training.corpus import Piece
    from livecomposer.training.folder import RunFolder
    from livecomposer.training.recipe import Budget, Recipe
    from livecomposer.training.train import Outcome
    from livecomposer.training.workers import Worker

log = logging.getLogger(__name__)

_DEFAULT_MINUTES = 30
_DEFAULT_SOURCE = "music21:"


@click.command()
@click.argument("sources", metavar="[PATH]...", nargs=-1)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="The folder to leave: new, or empty.  [default: run]",
)
@click.option("--epochs", type=click.IntRange(1), help="How many times through the music.")
@click.option(
    "--minutes",
    type=FiniteRange(0, min_open=True),
    help=f"How long, instead of --epochs.  [default: {_DEFAULT_MINUTES}]",
)
@click.option(
    "--from",
    "parent",
    metavar="WEIGHTS",
    shell_complete=complete_weights,
    help="Go on from weights, such as default; their vocabulary, spelling, timing and sizes stay.",
)
@click.option(
    "--resume",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Go on with the run in this folder, as if it had never been left.",
)
@click.option(
    "--input",
    "input_kind",
    type=click.Choice(["embedding", "scalar"]),
    help="How the network takes a token in.  [default: embedding]",
)
@click.option("--timing", type=click.Choice(["gaps", "fixed"]), help="As tokeniser.timing.")
@click.option("--instrument", help="Only a General MIDI family, such as piano, or program (1-128).")
@click.option("--machine", is_flag=True, help="Of recorded jams, learn livecomposer's part too.")
@click.option(
    "--cluster", metavar="ADDRESS", help="A Dask scheduler whose workers parse the files."
)
@with_config
def train(
    config: Config,
    sources: tuple[str, ...],
    out: Path | None,
    epochs: int | None,
    minutes: float | None,
    parent: str | None,
    resume: Path | None,
    input_kind: Literal["embedding", "scalar"] | None,
    timing: Literal["gaps", "fixed"] | None,
    instrument: str | None,
    machine: bool,
    cluster: str | None,
) -> None:
    """Learn weights from music.

    PATH is a file (.mid .midi .mxl .musicxml .xml .krn .abc), a folder of such, or a part of
    music21's built-in corpus, such as music21:bach; by default, all of that corpus. Weights,
    curves, settings, log and a checkpoint are left in a folder, which --resume goes on with and
    model.weights plays.
    """
    require("train", "tensorflow", "music21", "matplotlib", "tqdm", "portalocker", "tomli_w")
    from livecomposer.live.realtime import stand_back
    from livecomposer.training.folder import RunFolder
    from livecomposer.training.recipe import Budget, Recipe
    from livecomposer.training.train import begin
    from livecomposer.training.workers import WorkerError, this_worker

    if epochs and minutes:
        raise click.UsageError("--epochs and --minutes exclude each other")
    stand_back()
    budget = Budget(epochs, minutes)
    try:
        worker = this_worker()
    except WorkerError as error:
        raise CommandError(str(error), WRONG_USAGE) from None
    if worker.number > 1:
        log.warning(
            "training together: TensorFlow listens on all addresses of this machine, and lets "
            "anyone in: keep its port behind a firewall"
        )
    if resume:
        _check_alone(click.get_current_context().params)
        _resume(RunFolder(resume), budget if epochs or minutes else None, worker, cluster)
        return
    if not epochs and not minutes:
        budget = Budget(minutes=_DEFAULT_MINUTES)
    if timing:
        tokeniser = msgspec.structs.replace(config.tokeniser, timing=timing)
        config = msgspec.structs.replace(config, tokeniser=tokeniser)
    recipe = Recipe.of(
        config,
        [*map(_absolute, sources)] or [_DEFAULT_SOURCE],
        budget,
        input=input_kind or "embedding",
        instrument=instrument,
        machine=machine,
    )
    origin = _load_parent(parent, input_kind or timing) if parent else None
    if origin:
        recipe = msgspec.structs.replace(
            recipe,
            settings=msgspec.structs.replace(recipe.settings, spelling=origin.vocabulary.spelling),
            tokeniser=origin.tokeniser,
            architecture=origin.architecture,
            parent=parent,
        )
    _check_budget(budget, worker)
    folder = RunFolder(out or Path("run"))
    with _errors(folder):
        if worker.chief:
            folder.check_free()  # before the time it takes to read the music
        pieces = _pieces(recipe, cluster)
        outcome = begin(pieces, folder, recipe, origin)
    if worker.chief:
        _report(outcome, folder)


def _check_alone(given: Mapping[str, Any]) -> None:
    """What a run is, was said when it began."""
    if given["config_file"] or given["assignments"]:
        raise click.UsageError("--resume goes on with the settings that the run has")
    if any(given[name] for name in given.keys() - {"resume", "epochs", "minutes", "cluster"}):
        raise click.UsageError("with --resume, only --epochs or --minutes (in all) may be given")


def _check_budget(budget: "Budget", worker: "Worker") -> None:
    if worker.number > 1 and not budget.epochs:
        raise click.UsageError("several workers can't agree on the time: give --epochs")


def _resume(
    folder: "RunFolder", budget: "Budget | None", worker: "Worker", cluster: str | None
) -> None:
    from livecomposer.training.folder import recall
    from livecomposer.training.train import resume

    with _errors(folder), folder.claimed() if worker.chief else nullcontext():
        checkpoint = recall(folder)
        if budget:
            recipe = msgspec.structs.replace(checkpoint.recipe, budget=budget)
            checkpoint = dataclasses.replace(checkpoint, recipe=recipe)
        _check_budget(checkpoint.recipe.budget, worker)
        pieces = _pieces(checkpoint.recipe, cluster)
        outcome = resume(pieces, folder, checkpoint)
    if worker.chief:
        _report(outcome, folder)


def _absolute(source: str) -> str:
    """So that a run can be resumed from anywhere."""
    from livecomposer.training.corpus import BUILT_IN

    return source if source.startswith(BUILT_IN) else str(Path(source).absolute())


def _pieces(recipe: "Recipe", cluster: str | None) -> "list[Piece]":
    return read_corpus(recipe.sources, recipe.instrument, machine=recipe.machine, cluster=cluster)


def _load_parent(weights: str, contradicted: str | None) -> "Bundle":
    if contradicted:
        raise click.UsageError("--from keeps the weights' --input and --timing")
    return load_bundle(weights)


@contextmanager
def _errors(folder: "RunFolder") -> Iterator[None]:
    """What can go wrong in training, as one line."""
    from livecomposer.model.bundle import BundleError
    from livecomposer.training.folder import RunError
    from livecomposer.training.material import MaterialError

    try:
        yield
    except (RunError, MaterialError, BundleError) as error:
        raise CommandError(str(error)) from None
    except OSError as error:
        raise CommandError(
            f"{error.filename or folder.path} can't be written: {error.strerror or error}"
        ) from None


def _report(outcome: "Outcome", folder: "RunFolder") -> None:
    best = outcome.best
    if best:
        click.echo(
            f"{folder.best}: best after epoch {best.epoch}, held out {best.validation_loss:.3f} "
            f"nats a token, {best.validation_accuracy:.1%} right"
        )
    if outcome.end == "no better":
        click.echo("ended early: nothing got better any more")
    if outcome.end == "interrupted":
        raise CommandError(f"interrupted; to go on: livecomposer train --resume {folder.path}")
