"""What a jam looks like from outside: told now and then, in a thread of its own."""

import logging
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import NamedTuple, Protocol

from livecomposer.live.clock import Clock
from livecomposer.live.composer import Composer
from livecomposer.live.daemon import Daemon
from livecomposer.live.player import Player
from livecomposer.live.view import View
from livecomposer.music.tempo import TICKS_PER_BEAT
from livecomposer.music.tokens import Chord

log = logging.getLogger(__name__)

_SHOWN = 8
"""How many of a part's last onsets are shown."""
_EVERY_S = 0.25


class Status(NamedTuple):
    """How a jam stands.

    Attributes:
        view: the music.
        leader: whose clock it is: "internal", "midi" or "jack".
        tempo_bpm: beats per minute.
        running: whether the clock does.
        beat: the position, in beats.
        late_ms: how late messages went out: in the middle, and at most.
        skipped: notes that were too late to begin.
    """

    view: View
    leader: str
    tempo_bpm: float
    running: bool
    beat: float
    late_ms: tuple[float, float]
    skipped: int

    def spelled(self, part: int) -> str:
        """The last onsets of the player (0) or of the machine (1), as tokens."""
        chords = [onset[part] for onset in self.view.onsets if onset[part]]
        return " ".join(str(Chord(tuple(sorted(pitches)))) for pitches in chords[-_SHOWN:])


def take_status(leader: str, composer: Composer, clock: Clock, player: Player, ns: int) -> Status:
    """How a jam stands at `ns`. To be called in the thread that composes."""
    tick = clock.tick_at(ns)
    period_ns = max(1, clock.ns_at(tick + 1) - clock.ns_at(tick))
    late = player.lateness
    return Status(
        composer.view(tick),
        leader,
        60e9 / (TICKS_PER_BEAT * period_ns),
        clock.running,
        tick / TICKS_PER_BEAT,
        (late.quantile_ns(0.5) / 1e6, late.max_ns / 1e6),
        player.skipped,
    )


class Display(Protocol):
    """Shows how a jam stands."""

    def show(self, status: Status) -> None:
        """Show this, instead of what was before."""
        ...

    def close(self) -> None:
        """Show nothing any more."""
        ...


class StatusThread:
    """Asks a daemon how things stand, and shows it.

    Args:
        daemon: running.
        take: gives the status at a time; called by the daemon.
        display: used by this thread only.
    """

    def __init__(self, daemon: Daemon, take: Callable[[int], Status], display: Display) -> None:
        self._daemon, self._take, self._display = daemon, take, display
        self._taken: SimpleQueue[Status] = SimpleQueue()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="status", daemon=True)

    def start(self) -> None:
        """Begin to show."""
        self._thread.start()

    def close(self) -> None:
        """Show nothing any more."""
        self._ended.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        status = None
        try:
            while not self._ended.wait(_EVERY_S):
                self._daemon.ask(lambda ns: self._taken.put(self._take(ns)))
                try:
                    status = self._taken.get(timeout=_EVERY_S)
                    while True:  # the latest, if there are more
                        status = self._taken.get_nowait()
                except Empty:
                    pass
                if status:
                    self._display.show(status)
            self._display.close()
        except OSError as error:
            log.info("how the jam stands is shown no more: %s", error.strerror)
        except Exception as error:  # the music goes on
            log.error("how the jam stands is shown no more", exc_info=error)  # noqa: TRY400
