"""Playing: `play`, `demo`, `ports`."""

import logging
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from livecomposer.cli.audience import Audience
from livecomposer.cli.common import (
    FAILED,
    CommandError,
    draw_seed,
    load_models,
    no_midi,
    say,
    write_parts,
)
from livecomposer.cli.monitor import make_feed, monitor_options, wants_monitor
from livecomposer.cli.options import NEW_FILE, seed_option, with_config
from livecomposer.config import Config

if TYPE_CHECKING:
    from livecomposer.live.guard import Guard
    from livecomposer.live.status import Display
    from livecomposer.live.tuning import LoadedModel
    from livecomposer.live.wiring import Wired

log = logging.getLogger(__name__)

_DEMO_SEED = 1


@click.command()
@click.option("--quiet", is_flag=True, help="Don't show how the jam stands.")
@monitor_options
@with_config
def play(config: Config, quiet: bool, monitor: bool | None, open_page: bool) -> None:
    """Listen on a MIDI port and answer on another, until Ctrl-C."""
    from livecomposer.live.realtime import COMPOSING, loading, prefer_thread, prepare_process

    with loading():
        from livecomposer.live.complaints import speak_apart
        from livecomposer.live.ports import PortError, open_ports
        from livecomposer.live.replay import describe
        from livecomposer.live.signals import stopping_on_signals
        from livecomposer.live.status import StatusThread
        from livecomposer.live.wiring import make_daemon

        seed = draw_seed(config)
        models = load_models(config, seed)
        feed = None
        if wants_monitor(monitor, open_page, enabled=config.monitor.enabled):
            feed = make_feed(config, models, open_page=open_page)
    prepare_process()
    speak_apart()
    try:
        ports = open_ports(config.ports, config.clock)
    except PortError as error:
        raise no_midi(error) from None
    audience = Audience(
        config,
        lambda settings: describe(settings, seed, ports.ahead_ns()),
        show=None if quiet else lambda w: StatusThread(w.daemon, w.status, _display()),
        feed=feed,
    )
    wired = make_daemon(
        config,
        models,
        ports,
        seed,
        audience.keep,
        reopen=partial(open_ports, config.ports, config.clock),
        guard=_start_guard(),
    )

    def ready() -> None:
        if config.ports.realtime == "auto":
            prefer_thread(COMPOSING)
        say(f"ready: play into {ports.input.name!r}, listen to {ports.output.name!r}; Ctrl-C ends")
        audience.begin(wired)

    try:
        with stopping_on_signals(wired.daemon):
            wired.daemon.run(ready)
    except PortError as error:
        raise CommandError(str(error)) from None
    finally:
        audience.end()
        _log_figures(wired, models)
        if not wired.daemon.closed:
            _leave(FAILED if sys.exc_info()[0] else 0)


def _log_figures(wired: "Wired", models: "Sequence[LoadedModel]") -> None:
    player, daemon = wired.player, wired.daemon
    log.info("%d messages, late by %s", player.lateness.count, player.lateness)
    log.info("%d notes too late to begin, %d xruns", player.skipped, daemon.xruns)
    log.info("%d messages in excess were left out", daemon.excess)
    reduced = sum(model.continuation.reduced for model in models)
    log.info("%d tokens heard were outside the vocabulary, and reduced", reduced)


def _leave(exit_code: int) -> None:
    """End now: threads of the MIDI system's still call us, and Python can't be taken down so."""
    if exit_code:
        log.error("ended by a fault", exc_info=True)
    logging.shutdown()
    with suppress(OSError):
        sys.stdout.flush()
    os._exit(exit_code)


@click.command()
@click.option("--out", type=NEW_FILE, help="Write both parts to this MIDI file.")
@click.option("--fast", is_flag=True, help="Don't wait: play in virtual time.")
@monitor_options
@seed_option
@with_config
def demo(
    config: Config,
    out: Path | None,
    fast: bool,
    monitor: bool | None,
    open_page: bool,
    seed: int | None,
) -> None:
    """Show a jam that needs no MIDI: built-in phrases are played in, and answered.

    With --monitor, it can be heard and played with in a browser, until Ctrl-C.
    """
    from livecomposer.live.demo import play_fast, play_live
    from livecomposer.live.offline import notes_of
    from livecomposer.music.tempo import TempoMap
    from livecomposer.pianoroll import MARKS, PLAIN_MARKS, draw

    if seed is None and config.sampling.seed == "random":
        seed = _DEMO_SEED
    if wants_monitor(monitor, open_page):
        if fast or out:
            raise click.UsageError("--monitor plays on, in real time: without --fast and --out")
        _show_in_browser(config, draw_seed(config, seed), open_page)
        return
    seed = draw_seed(config, seed)
    models = load_models(config, seed)
    if fast:
        played, answered = play_fast(models, config, seed)
    else:
        played, answered = play_live(models, config, seed, click.echo)
    tempo_us = round(60e6 / config.clock.tempo_bpm)
    tempo_map = TempoMap(1, [(0, tempo_us)])
    parts = notes_of(played, tempo_map), notes_of(answered, tempo_map)
    marks = MARKS if _can_print(MARKS) else PLAIN_MARKS
    click.echo(draw(parts, marks))
    click.echo(
        f"{marks[0]} player: {len(parts[0])} notes   {marks[1]} livecomposer: {len(parts[1])} notes"
    )
    if out:
        write_parts(out, *parts, [(0, tempo_us)])


def _show_in_browser(config: Config, seed: int, open_page: bool) -> None:
    from livecomposer.live.demo import play_live
    from livecomposer.live.replay import describe

    models = load_models(config, seed)
    feed = make_feed(config, models, open_page=open_page, alone=True)
    audience = Audience(
        config, lambda settings: describe(settings, seed, 0), feed=feed, record=False
    )
    try:
        play_live(
            models,
            config,
            seed,
            say,
            keep=audience.keep,
            begun=audience.begin,
            watched=feed.watched,
        )
    finally:
        audience.end()


@click.command()
@with_config
def ports(config: Config) -> None:
    """List the MIDI ports that can be named in the config."""
    from livecomposer.live.ports import PortError
    from livecomposer.live.rtmidi_ports import list_ports

    try:
        api, inputs, outputs = list_ports(config.ports.api)
    except PortError as error:
        raise no_midi(error) from None
    click.echo(f"MIDI system: {api}")
    for title, names in (("ports.input can be:", inputs), ("ports.output can be:", outputs)):
        click.echo(title)
        for name in names or ["(none: a port of the name in the config is created)"]:
            click.echo(f"  {name}")


def _start_guard() -> "Guard | None":
    from livecomposer.live.guard import Guard

    try:
        return Guard()
    except (OSError, ValueError) as error:
        log.warning("no guardian: notes may hang if this process is killed (%s)", error)
        return None


def _display() -> "Display":
    from livecomposer.cli.display import LivePanel, TurnLines

    return LivePanel() if sys.stdout.isatty() else TurnLines()


def _can_print(text: str) -> bool:
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True
