"""Hearing and seeing a jam: `render`."""

from pathlib import Path

import click

from livecomposer.cli.common import CommandError, read_midi_file, require
from livecomposer.cli.options import EXISTING_FILE, NEW_FILE

_KINDS = (".wav", ".png")


@click.command()
@click.argument("recording", metavar="IN", type=EXISTING_FILE)
@click.option("--out", type=NEW_FILE, required=True, help="The file to write: .wav or .png.")
@click.option("--soundfont", type=EXISTING_FILE, help="For .wav, instead of the system's.")
def render(recording: Path, out: Path, soundfont: Path | None) -> None:
    """Make sound or a picture of a jam.

    IN is a recording, or any MIDI file. Sound is made by fluidsynth, if that is installed; the
    picture is a piano roll, with the two parts, their turns, beats and bars.
    """
    from livecomposer.render import RenderError, write_png, write_wav

    if out.suffix.lower() not in _KINDS:
        raise click.BadParameter(f"{out} ends in none of {', '.join(_KINDS)}", param_hint="--out")
    if not read_midi_file(recording).messages:
        raise CommandError(f"{recording}: it has no notes")
    try:
        if out.suffix.lower() == ".wav":
            write_wav(recording, out, soundfont)
        else:
            require("picture", "matplotlib", what="a picture")
            write_png(recording, out)
    except RenderError as error:
        raise CommandError(str(error)) from None
    except OSError as error:
        raise CommandError(f"{out} can't be written: {error.strerror}") from None
    click.echo(str(out))
