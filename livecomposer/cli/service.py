"""In the background from login on: `service`."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from livecomposer.cli.common import FAILED, WRONG_USAGE, CommandError
from livecomposer.cli.options import config_option, own_file, read_config
from livecomposer.service.manager import Manager, ServiceError, find_manager, play_command


@click.group()
@click.pass_context
def service(context: click.Context) -> None:
    """Have `play` run in the background, from login on: by systemd (Linux) or launchd (macOS)."""
    try:
        context.obj = find_manager(sys.platform)
    except ServiceError as error:
        raise CommandError(str(error), WRONG_USAGE) from None


@service.command()
@config_option
@click.option("--print", "only_print", is_flag=True, help="Print what it would write, and no more.")
@click.pass_obj
def install(manager: Manager, config_file: Path | None, only_print: bool) -> None:
    """Start it now and at each login, and again when it fails.

    What was installed before is replaced.
    """
    read_config(config_file or own_file(), ())  # which would end it, and again, and again
    command = play_command(config_file)
    with _errors(manager):
        if only_print:
            click.echo(manager.definition(command), nl=False)
            return
        manager.install(command)
    click.echo(f"installed: {manager.file}\nwhat it says: {manager.log}")


@service.command()
@click.pass_obj
def remove(manager: Manager) -> None:
    """End it, and don't start it any more."""
    with _errors(manager):
        if manager.file.exists():
            manager.remove()
            click.echo(f"removed: {manager.file}")
        else:
            click.echo("it is not installed")


@service.command()
@click.pass_obj
def status(manager: Manager) -> None:
    """Say whether it is installed, and runs (exit code 0; else 1)."""
    with _errors(manager):
        if not manager.file.exists():
            raise CommandError("it is not installed: livecomposer service install")
        state = manager.state()
    click.echo(f"installed: {manager.file}\n{state}; what it says: {manager.log}")
    if state != "running":
        click.get_current_context().exit(FAILED)


@contextmanager
def _errors(manager: Manager) -> Iterator[None]:
    try:
        yield
    except ServiceError as error:
        raise CommandError(str(error)) from None
    except OSError as error:
        raise CommandError(f"{manager.file}: {error.strerror}") from None
