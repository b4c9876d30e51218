"""Mapping controls by touch: `learn`."""

import queue
import tomllib
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

import click

from livecomposer.cli.common import WRONG_USAGE, CommandError, no_midi
from livecomposer.cli.options import own_file_option, set_option
from livecomposer.config_file import ConfigError, load_config
from livecomposer.config_instrument import CHOICES, CONTROLS, KNOBS, ControlName
from livecomposer.live.intake import Timed
from livecomposer.midi.mapping import Mapping, mapping_of
from livecomposer.midi.wire import FIRST_SYSTEM, WireParser


@click.command(epilog=f"CONTROL is one of {', '.join(CONTROLS)}.")
@click.argument("control", metavar="CONTROL", type=click.Choice(CONTROLS))
@own_file_option("The TOML file to write it into; what else is in there stays as it is.")
@set_option
def learn(control: ControlName, file: Path, assignments: tuple[str, ...]) -> None:
    """Map a control to the knob, key or program that you touch next.

    It is written into the section [controls] of a file of settings. Ctrl-C leaves all as it is.
    """
    from livecomposer.live.ports import PortError, open_ports

    known = file if file.exists() else None
    try:
        config = load_config(known, assignments)
    except ConfigError as error:
        raise CommandError(str(error), WRONG_USAGE) from None
    try:
        ports = open_ports(config.ports, config.clock)
    except PortError as error:
        raise no_midi(error) from None
    received: queue.SimpleQueue[bytes | Exception] = queue.SimpleQueue()

    def receive(portions: Sequence[Timed]) -> None:
        for _, data in portions:
            received.put(data)

    kind = "knob" if control in KNOBS else "knob, key or program"
    try:
        click.echo(f"{control}: touch the {kind} on what plays into {ports.input.name!r}")
        ports.input.start(receive, received.put)
        mapping = first_mapping(partial(_wait, received), control)
    except PortError as error:
        raise CommandError(str(error)) from None
    finally:
        for close in ports.closing:
            close()
    try:
        load_config(known, [*assignments, f"controls.{control}={mapping}"])
        write_setting(file, "controls", control, str(mapping))
    except ConfigError as error:
        raise CommandError(str(error), WRONG_USAGE) from None
    except OSError as error:
        raise CommandError(f"{file} can't be written: {error.strerror}") from None
    click.echo(f'{file}: controls.{control} = "{mapping}"')


def _wait(received: "queue.SimpleQueue[bytes | Exception]") -> bytes | Exception:
    """What comes next."""
    while True:  # Windows sees Ctrl-C only between waits
        with suppress(queue.Empty):
            return received.get(timeout=1)


def first_mapping(receive: Callable[[], bytes | Exception], control: ControlName) -> Mapping:
    """The first message that can work a control.

    Args:
        receive: waits for bytes, or for what ended the port.
        control: a knob needs a controller.
    """
    parser = WireParser()
    while True:
        data = receive()
        if isinstance(data, Exception):
            raise data
        for message in parser.feed(data):
            mapping = mapping_of(message) if message[0] < FIRST_SYSTEM else None
            if mapping and mapping.kind == "program" and control in CHOICES:
                return mapping._replace(number=None)  # each takes its own
            if mapping and (mapping.kind == "cc" or control not in KNOBS):
                return mapping


def write_setting(file: Path, section: str, key: str, value: str) -> None:
    """Set one value in a TOML file, which may be new; comments and order stay.

    Raises:
        ConfigError: it is written in a way in which this can't be done.
        OSError: it can't be read or written.
    """
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    from livecomposer.atomic import write_whole

    content = (file.read_bytes() if file.exists() else b"").decode(
        "utf-8-sig"
    )  # with its line ends
    expected = tomllib.loads(content)
    expected.setdefault(section, {})[key] = value
    try:
        document = tomlkit.parse(content)
        if section not in document:
            document[section] = tomlkit.table()
        document[section][key] = value
        changed = tomlkit.dumps(document)
        done = tomllib.loads(changed) == expected
    except (TOMLKitError, ValueError, TypeError, RecursionError):
        done = False
    if not done:
        raise ConfigError(f'{file}: write {key} = "{value}" into [{section}] by hand')
    file.parent.mkdir(parents=True, exist_ok=True)
    write_whole(file, changed.encode())
