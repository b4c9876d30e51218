"""Options that several commands have, and what their values mean."""

import logging
import math
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from pathlib import Path
from typing import Any, TextIO

import click

from livecomposer.cli.common import WRONG_USAGE, CommandError
from livecomposer.cli.completion import complete_setting
from livecomposer.config import Config
from livecomposer.config_file import ConfigError, load_config, user_file
from livecomposer.wording import LogFormat

log = logging.getLogger(__name__)

EXISTING_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
NEW_FILE = click.Path(dir_okay=False, path_type=Path)

seed_option = click.option(
    "--seed", type=click.IntRange(0), help="The same seed gives the same music."
)
config_option = click.option(
    "--config",
    "config_file",
    type=EXISTING_FILE,
    help="A TOML file with settings, instead of your own (see `init --help`).",
)
set_option = click.option(
    "--set",
    "assignments",
    multiple=True,
    metavar="SECTION.KEY=VALUE",
    shell_complete=complete_setting,
    help="One setting, over those of the file. May be repeated.",
)


def own_file_option(help_text: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """`--config` of what writes such a file: the user's own, or another, which may be new."""
    return click.option(
        "--config",
        "file",
        type=NEW_FILE,
        default=user_file,
        show_default="your own, which all commands read",
        help=help_text,
    )


class FiniteRange(click.FloatRange):
    """A `FloatRange` without "nan" and "inf"."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """See click's `ParamType`."""
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number", param, ctx)
        return number


class _Stderr(logging.StreamHandler[TextIO]):
    """Logs to what is stderr at the time: a display in the terminal may put itself before it."""

    @property
    def stream(self) -> TextIO:
        return sys.stderr

    @stream.setter
    def stream(self, value: TextIO) -> None:
        pass


def with_config(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command `--config`, `--set` and `-v`; its first argument is then the `Config`."""

    @config_option
    @set_option
    @click.option("-v", "--verbose", is_flag=True, help="Log more.")
    @wraps(command)
    def configured(
        config_file: Path | None, assignments: tuple[str, ...], verbose: bool, **arguments: Any
    ) -> None:
        handler = _Stderr()
        handler.setFormatter(LogFormat("%(levelname)s: %(message)s"))
        logging.basicConfig(handlers=[handler])
        logging.getLogger("livecomposer").setLevel(logging.DEBUG if verbose else logging.INFO)
        file = config_file or own_file()
        if file:
            log.info("settings: %s", file)
        command(read_config(file, assignments), **arguments)

    return configured


def own_file() -> Path | None:
    """The user's own settings, if there are any."""
    file = user_file()
    try:
        return file if file.exists() else None
    except OSError:  # said when it is read
        return file


def read_config(
    file: Path | None, assignments: Iterable[str], base: Mapping[str, Any] | None = None
) -> Config:
    """The settings that a command was given: see `load_config`."""
    try:
        return load_config(file, assignments, base)
    except ConfigError as error:
        raise CommandError(str(error), WRONG_USAGE) from None
