"""Settings of one's own, to begin with: `init`."""

import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from livecomposer.atomic import write_whole
from livecomposer.cli.common import CommandError
from livecomposer.cli.options import own_file_option, read_config, set_option
from livecomposer.config import Config
from livecomposer.config_file import parse_assignment, shipped, user_file

_HOW = (
    "# What is behind a # is as it is by default: take the # away, and change it. For once, --set\n"
    "# section.key=value does the same."
)


@click.command()
@own_file_option("Where to write it.")
@set_option
@click.option("--force", is_flag=True, help="Write it anew if it is there.")
def init(file: Path, assignments: tuple[str, ...], force: bool) -> None:
    """Write a file of settings, to be edited, and say what to do next.

    It holds every setting with its default, as comments; those of --set are in force.
    """
    config = read_config(None, assignments)
    try:
        if file.exists() and not force:
            raise CommandError(
                f"{file} is there already, and stays as it is: --force writes it anew"
            )
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, own_settings(assignments).encode())
    except OSError as error:
        raise CommandError(f"{file} can't be written: {error.strerror}") from None
    click.echo(f"written: {file}")
    click.echo(_next_steps(config, "" if file == user_file() else f" --config {_quoted(file)}"))


def own_settings(assignments: Sequence[str] = ()) -> str:
    """The text of a file: all settings as comments, but for those that are assigned.

    Args:
        assignments: `section.key=value`, checked.
    """
    from tomlkit import item

    chosen: dict[tuple[str, str], Any] = {}
    for text in assignments:
        for section, values in parse_assignment(text).items():
            chosen |= {(section, key): value for key, value in values.items()}
    title, _, rest = shipped("config.toml").read_text("utf-8").split("\n#\n", 2)
    lines, section = [], ""
    for line in rest.splitlines():
        if header := re.fullmatch(r"\[(\w+)\]", line):
            section = header[1]
        setting = re.match(r"(\w+) = ", line)
        if setting and (section, setting[1]) in chosen:
            value = item(chosen[section, setting[1]]).as_string()
            lines.append(f"{setting[1]} = {value}")
        else:
            lines.append(f"#{line}" if setting else line)
    return "\n#\n".join((title, _HOW, "\n".join(lines))) + "\n"


def _next_steps(config: Config, option: str) -> str:
    ports = config.ports
    steps = [
        "edit it: each setting is explained there",
        f"livecomposer doctor{option}: what is missing here, and what to do about it",
        f"livecomposer play{option}: then, in the DAW, send a MIDI track to {ports.input!r}, and "
        f"have an instrument play what comes from {ports.output!r}",
    ]
    if sys.platform == "win32":
        steps[0] += "; [ports] must name two ports that you made with loopMIDI"
    return "\n".join(["next:", *(f"{n}. {step}" for n, step in enumerate(steps, 1))])


def _quoted(file: Path) -> str:
    return f'"{file}"' if sys.platform == "win32" else shlex.quote(str(file))
