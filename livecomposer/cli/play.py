"""Playing: `play`, `demo`, `ports`."""

import logging
import sys
import time
from pathlib import Path

import click

from livecomposer.cli.common import (
    NEW_FILE,
    NO_MIDI,
    CommandError,
    load_bundle,
    make_continuation,
    seed_option,
    with_config,
    write_parts,
)
from livecomposer.config import Config

log = logging.getLogger(__name__)

_DEMO_SEED = 1


@click.command()
@with_config
def play(config: Config) -> None:
    """Listen on a MIDI port and answer on another, until Ctrl-C."""
    from livecomposer.live.clock import InternalClock
    from livecomposer.live.composer import Composer
    from livecomposer.live.daemon import Daemon, stopping_on_signals
    from livecomposer.live.ports import PortError, open_ports

    bundle = load_bundle(config)
    continuation = make_continuation(config, bundle, None)
    composer = Composer(continuation, bundle.tokeniser, config.jam)
    ports = config.ports
    try:
        source, sink = open_ports(ports.api, ports.input, ports.output)
    except PortError as error:
        raise CommandError(str(error), NO_MIDI) from None
    clock = InternalClock(config.clock.tempo_bpm, time.monotonic_ns())
    daemon = Daemon(composer, clock, source, sink, ports.channel - 1)
    with stopping_on_signals(daemon):
        daemon.run(
            ready=lambda: click.echo(
                f"ready: play into {source.name!r}, listen to {sink.name!r}; Ctrl-C ends"
            )
        )
    log.info("%d tokens heard were outside the vocabulary, and reduced", continuation.reduced)


@click.command()
@click.option("--out", type=NEW_FILE, help="Write both parts to this MIDI file.")
@click.option("--fast", is_flag=True, help="Don't wait: play in virtual time.")
@seed_option
@with_config
def demo(config: Config, out: Path | None, fast: bool, seed: int | None) -> None:
    """Show a jam that needs no MIDI: built-in phrases are played in, and answered."""
    from livecomposer.live.composer import Composer
    from livecomposer.live.demo import play_fast, play_live
    from livecomposer.live.offline import notes_of
    from livecomposer.music.tempo import TempoMap
    from livecomposer.pianoroll import MARKS, PLAIN_MARKS, draw

    bundle = load_bundle(config)
    if seed is None and config.sampling.seed == "random":
        seed = _DEMO_SEED
    composer = Composer(make_continuation(config, bundle, seed), bundle.tokeniser, config.jam)
    tempo_bpm, channel = config.clock.tempo_bpm, config.ports.channel - 1
    if fast:
        played, answered = play_fast(composer, tempo_bpm, channel)
    else:
        played, answered = play_live(composer, tempo_bpm, channel, click.echo)
    tempo_us = round(60e6 / tempo_bpm)
    tempo_map = TempoMap(1, [(0, tempo_us)])
    parts = notes_of(played, tempo_map), notes_of(answered, tempo_map)
    marks = MARKS if _can_print(MARKS) else PLAIN_MARKS
    click.echo(draw(parts, marks))
    click.echo(
        f"{marks[0]} player: {len(parts[0])} notes   {marks[1]} livecomposer: {len(parts[1])} notes"
    )
    if out:
        write_parts(out, *parts, [(0, tempo_us)])


@click.command()
@with_config
def ports(config: Config) -> None:
    """List the MIDI ports that can be named in the config."""
    from livecomposer.live.ports import PortError, list_ports

    try:
        api, inputs, outputs = list_ports(config.ports.api)
    except PortError as error:
        raise CommandError(str(error), NO_MIDI) from None
    click.echo(f"MIDI system: {api}")
    for title, names in (("ports.input can be:", inputs), ("ports.output can be:", outputs)):
        click.echo(title)
        for name in names or ["(none: a port of the name in the config is created)"]:
            click.echo(f"  {name}")


def _can_print(text: str) -> bool:
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True
