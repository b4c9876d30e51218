"""Who looks on while the machine plays: a recording, the terminal, the monitor."""

import logging
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Protocol

from livecomposer.cli.common import say
from livecomposer.config import Config, default_recordings

if TYPE_CHECKING:
    from livecomposer.live.recorder import Entry
    from livecomposer.live.wiring import Wired
    from livecomposer.monitor.feed import Feed

log = logging.getLogger(__name__)


class Shown(Protocol):
    """What shows a jam in the terminal."""

    def start(self) -> None:
        """Begin."""
        ...

    def close(self) -> None:
        """End."""
        ...


class Audience:
    """Takes what is played, from the time when playing has begun.

    Args:
        config: where recordings go.
        describe: a recording's text, by the settings when it begins.
        show: what shows a jam in the terminal, if anything is to.
        feed: the monitor, if there is to be one.
        record: whether a recording begins at once, where the settings have a folder for it.
    """

    def __init__(
        self,
        config: Config,
        describe: Callable[[Config], str],
        *,
        show: "Callable[[Wired], Shown] | None" = None,
        feed: "Feed | None" = None,
        record: bool = True,
    ) -> None:
        from livecomposer.live.tape import Tape

        self._config, self._show, self._feed = config, show, feed
        self._record = record and config.record.path is not None
        self._shown: Shown | None = None
        self._wired: Wired | None = None
        folder, max_mb = config.record.path or default_recordings(), config.record.max_mb
        self._tape = Tape(folder, lambda: describe(self._settings), int(max_mb * 1e6))

    def keep(self, entry: "Entry") -> None:
        """Take what was played. In the thread that composes."""
        self._tape.keep(entry)
        if self._feed:
            self._feed.keep(entry)

    def begin(self, wired: "Wired") -> None:
        """Playing has begun."""
        self._wired = wired
        if self._record:
            self._tape.run()
        if self._show:
            self._shown = self._show(wired)
            self._shown.start()
        if self._feed:
            try:
                self._feed.start(wired, self._tape, self._config.listen.channel)
            except OSError as error:
                log.error("no monitor: %s", error)  # noqa: TRY400 - one line is enough

    def end(self) -> None:
        """Playing has ended, or never begun."""
        with ExitStack() as ending:  # from the last to the first, whatever happens
            if self._feed:
                ending.callback(self._feed.close)
            ending.callback(self._end_recordings)
            if self._shown:
                ending.callback(self._shown.close)

    def _end_recordings(self) -> None:
        for file in self._tape.close():
            say(f"recorded: {file}")

    @property
    def _settings(self) -> Config:
        return self._wired.desk.tuning.config if self._wired else self._config
