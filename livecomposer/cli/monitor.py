"""The monitor's page, as the commands that play start it."""

import threading
import webbrowser
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import click

from livecomposer.cli.common import CommandError, require, say
from livecomposer.config import Config, default_recordings

if TYPE_CHECKING:
    from livecomposer.live.tuning import LoadedModel
    from livecomposer.monitor.feed import Feed


def monitor_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command `--monitor` and `--open`."""
    command = click.option(
        "--open", "open_page", is_flag=True, help="Open that page in the browser."
    )(command)
    return click.option(
        "--monitor/--no-monitor",
        default=None,
        help="Serve a page that shows the jam and works its controls, on this machine only.",
    )(command)


def wants_monitor(monitor: bool | None, open_page: bool, *, enabled: bool = False) -> bool:
    """Whether there is to be one: by the options, or else by the settings."""
    return enabled or open_page if monitor is None else monitor


def make_feed(
    config: Config,
    models: "Sequence[LoadedModel]",
    *,
    open_page: bool = False,
    alone: bool = False,
) -> "Feed":
    """A monitor that is not started yet; it says its address when it is ready.

    Args:
        config: its port, and the folder of recordings.
        models: what can be played.
        open_page: whether to open the page in the browser.
        alone: whether there are no MIDI ports.
    """
    require("monitor", "starlette", "uvicorn", "websockets", what="the monitor")
    from livecomposer.monitor.feed import Feed
    from livecomposer.monitor.messages import Begin, Opening
    from livecomposer.monitor.token import own_token, token_file

    try:
        token = own_token(token_file())
    except OSError as error:
        raise CommandError(f"{token_file()}: {error.strerror}") from None
    wanted, folder = config.monitor.port, config.record.path or default_recordings()

    opened = False

    def ready(port: int) -> None:
        nonlocal opened
        address = f"http://127.0.0.1:{port}/#{token}"
        say(f"monitor: {address}" + (f" (port {wanted} is taken)" if port != wanted else ""))
        if open_page and not opened:  # in a thread: some take the terminal, and don't come back
            opened = True
            threading.Thread(target=_open, args=(address,), name="browser", daemon=True).start()

    opening = Opening(
        version=version("livecomposer"),
        ports=[] if alone else [config.ports.input, config.ports.output],
        weights=[model.name for model in models],
        leader="internal" if alone else config.clock.source,
    )
    return Feed(Begin(wanted, token, str(folder)), opening, ready)


def _open(address: str) -> None:
    opened: Any = webbrowser.open(address)
    if not opened:
        say("no browser could be opened: open the monitor's address in one")
