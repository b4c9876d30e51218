"""Checkpoints of the tutorial lineage: `import-checkpoint`."""

from pathlib import Path

import click

from livecomposer.cli.common import CommandError
from livecomposer.cli.options import EXISTING_FILE, NEW_FILE


@click.command()
@click.argument("weights", metavar="WEIGHTS.hdf5", type=EXISTING_FILE)
@click.option("--notes", type=EXISTING_FILE, required=True, help="Its pickle of notes: data/notes.")
@click.option("--out", type=NEW_FILE, required=True, help="The weights to write.")
def import_checkpoint(weights: Path, notes: Path, out: Path) -> None:
    """Make weights of a Classical-Piano-Composer checkpoint.

    WEIGHTS.hdf5 is what Keras wrote in its legacy format. Its chords have no octaves: they are
    played from C4 on, and what is heard is matched by pitch class.
    """
    from livecomposer.model.bundle import SUFFIX, save
    from livecomposer.model.lineage import LineageError, read_checkpoint

    if not out.name.endswith(SUFFIX):
        raise click.BadParameter(
            f"{str(out)!r}: expected a name ending in {SUFFIX}", param_hint="--out"
        )
    try:
        bundle = read_checkpoint(weights, notes)
        save(out, bundle)
    except LineageError as error:
        raise CommandError(str(error)) from None
    except OSError as error:
        raise CommandError(f"{out} can't be written: {error.strerror or error}") from None
    click.echo(
        f"{out}: {bundle.architecture.units} units, a vocabulary of {len(bundle.vocabulary) - 1}; "
        f"to play it: livecomposer play --set model.weights={out}"
    )
