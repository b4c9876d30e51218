"""Learning: `train`."""

import math
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click
import msgspec

from livecomposer.cli.common import NEW_FILE, WRONG_USAGE, CommandError, FiniteRange, with_config
from livecomposer.config import Config

if TYPE_CHECKING:
    from livecomposer.training.corpus import Piece
    from livecomposer.training.train import Outcome

_DEFAULT_MINUTES = 30


@click.command()
@click.argument("sources", metavar="PATH...", nargs=-1, required=True)
@click.option("--out", type=NEW_FILE, required=True, help="The weights: NAME.weights.h5.")
@click.option("--epochs", type=click.IntRange(1), help="How many times through the music.")
@click.option(
    "--minutes",
    type=FiniteRange(0, min_open=True),
    help=f"How long, instead of --epochs.  [default: {_DEFAULT_MINUTES}]",
)
@click.option(
    "--input",
    "input_kind",
    type=click.Choice(["embedding", "scalar"]),
    default="embedding",
    show_default=True,
    help="How the network takes a token in.",
)
@click.option("--timing", type=click.Choice(["gaps", "fixed"]), help="As tokeniser.timing.")
@click.option("--instrument", help="Only a General MIDI family, such as piano, or program (1-128).")
@click.option("--resume", is_flag=True, help="Go on from the checkpoint beside --out.")
@with_config
def train(
    config: Config,
    sources: tuple[str, ...],
    out: Path,
    epochs: int | None,
    minutes: float | None,
    input_kind: Literal["embedding", "scalar"],
    timing: Literal["gaps", "fixed"] | None,
    instrument: str | None,
    resume: bool,
) -> None:
    """Learn weights from music.

    PATH is a file (.mid .midi .mxl .musicxml .xml .krn .abc), a folder of such, or a part of
    music21's built-in corpus, such as music21:bach or music21:ryansMammoth. Curves (CSV, PNG)
    and a checkpoint are left beside the weights.
    """
    for library in ("tensorflow", "music21", "matplotlib", "tqdm", "platformdirs"):
        if find_spec(library) is None:
            raise CommandError(f"training needs {library}: install livecomposer[train]")
    from livecomposer.model.bundle import SUFFIX, Architecture, BundleError
    from livecomposer.training import train as training

    if epochs and minutes:
        raise click.UsageError("--epochs and --minutes exclude each other")
    if not out.name.endswith(SUFFIX) or not out.parent.is_dir():
        raise click.BadParameter(
            f"{str(out)!r}: expected a name ending in {SUFFIX}, in a folder that exists",
            param_hint="--out",
        )
    checkpoint = training.checkpoint_path(out)
    if resume and not checkpoint.exists():
        raise click.UsageError(f"there is no {checkpoint} to resume from")
    settings = msgspec.structs.replace(config.tokeniser, timing=timing or config.tokeniser.timing)
    if not epochs and not minutes:
        minutes = _DEFAULT_MINUTES
    pieces = _read_corpus(sources, instrument)
    recipe = training.Recipe(config.training, settings.settings, Architecture(input_kind), sources)
    budget = training.Budget(epochs or math.inf, minutes or math.inf)
    try:
        outcome = training.train(pieces, out, recipe, budget, resume=resume)
    except (training.TrainingError, BundleError) as error:
        raise CommandError(str(error)) from None
    except OSError as error:
        raise CommandError(
            f"{error.filename or out} can't be written: {error.strerror or error}"
        ) from None
    _report(outcome, out)


def _read_corpus(sources: Sequence[str], instrument: str | None) -> "list[Piece]":
    """The pieces to learn from. Files that gave none are reported."""
    from livecomposer.training import corpus

    try:
        programs = corpus.parse_instrument(instrument) if instrument else None
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--instrument") from None
    try:
        files = corpus.find_files(sources)
    except corpus.CorpusError as error:
        raise CommandError(str(error), WRONG_USAGE) from None
    try:
        found = corpus.load_corpus(
            files,
            programs=programs,
            cache=corpus.default_cache(),
            progress=True,
        )
    except corpus.CorpusError as error:
        raise CommandError(str(error)) from None
    for name, reason in found.skipped:
        click.echo(f"skipped {name}: {reason}", err=True)
    return found.pieces


def _report(outcome: "Outcome", out: Path) -> None:
    best = outcome.best
    if best is None:
        raise CommandError("interrupted before the first epoch had ended: nothing was kept")
    click.echo(
        f"{out}: best after epoch {best.epoch}, held out {best.validation_loss:.3f} nats a token, "
        f"{best.validation_accuracy:.1%} right"
    )
    if outcome.interrupted:
        raise CommandError(
            f"interrupted; to go on, give the same command with --resume: {out} is kept"
        )
