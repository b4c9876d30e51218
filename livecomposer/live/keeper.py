"""Keeping the ports: what comes and goes is said, and what was lost is opened again.

All but what is said to be in another thread is called in the one that composes.
"""

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TypeVar

from livecomposer.live.guard import Guard
from livecomposer.live.patchbay import Look
from livecomposer.live.ports import Failed, PortError, Ports

log = logging.getLogger(__name__)

T = TypeVar("T")

_RETRY_S = 0.5
_CLOSING_S = 5.0  # for a MIDI system that doesn't answer

Reopen = Callable[[Ports], Ports]
"""Opens ports like those that were lost; raises `PortError` where that can't be."""


class Keeper:
    """Keeps ports open.

    Args:
        ports: open.
        start: lets ports hand on what comes, and send what is to be sent; they tell what ends them.
        post: has something called in the thread that composes; from any thread.
        changed: called when what sounds, or is held, is to end, and the music to go on.
        reopen: without it, a port that is lost ends all.
        guard: leaves silence where this process can't; it is told whom the output reaches.

    Attributes:
        ports: None while they are lost.
        ahead_ns: see `Ports`; that of the last ones.
    """

    def __init__(
        self,
        ports: Ports,
        *,
        start: Callable[[Ports, Failed], None],
        post: Callable[[Callable[[], None]], None],
        changed: Callable[[], None],
        reopen: Reopen | None,
        guard: Guard | None,
    ) -> None:
        self.ports: Ports | None = ports
        self.ahead_ns = ports.ahead_ns
        self._start, self._post, self._changed = start, post, changed
        self._reopen, self._guard = reopen, guard
        self._opener: threading.Thread | None = None
        self._ending = threading.Event()
        self._lost, self._xruns = 0, 0  # of ports that are no more

    @property
    def lost(self) -> int:
        """How many messages the MIDI system had no room for."""
        return self._lost + (self.ports.lost() if self.ports else 0)

    @property
    def xruns(self) -> int:
        """How often the audio server was short of time."""
        return self._xruns + (self.ports.xruns() if self.ports else 0)

    def begin(self) -> None:
        """Let the ports begin."""
        ports = self.ports
        assert ports is not None  # noqa: S101 - just opened

        def fail(error: Exception) -> None:
            self._post(partial(self._fail, ports, error))

        self._start(ports, fail)
        if ports.watch:
            ports.watch.start(partial(self._saw, ports), fail)

    def end(self, leave: Callable[[], None], ended: Callable[[], None]) -> bool:
        """Leave silence, and close all; a MIDI system that doesn't answer is left alone.

        Args:
            leave: called before.
            ended: called when nothing is sent any more.

        Returns:
            Whether all was closed: otherwise, threads of the MIDI system's still run.
        """
        self._ending.set()
        if self._opener:
            self._opener.join(_CLOSING_S)
        ports, silent = self.ports, threading.Event()

        def close() -> None:
            _attempt(leave)
            if ports and _attempt(ports.output.stop):
                silent.set()
            _attempt(ended)
            if ports:
                _close(ports)

        closing = threading.Thread(target=close, name="closing", daemon=True)
        closing.start()
        closing.join(_CLOSING_S)
        if not silent.is_set():
            log.error("the MIDI system doesn't answer: silence could not be sent")
        if self._guard:
            self._guard.close(silent=silent.is_set())
        return not closing.is_alive()

    def _saw(self, ports: Ports, look: Look) -> None:
        """Take what was seen of the ports. In the thread that looks after them."""
        if self._guard:
            left = [peer.name for peer in look.left if peer.role == "output"]
            self._guard.tell(ports.backend, look.listeners, left)
        if look.gone or look.back or look.left:
            self._post(partial(self._take_changes, look))

    def _take_changes(self, look: Look) -> None:
        for peer in look.gone:
            log.warning("%s is gone (%s): waiting for it", peer.name, peer.role)
        for peer in look.back:
            log.warning("%s is there again (%s)", peer.name, peer.role)
        if look.gone or any(peer.role != "output" for peer in look.left):
            self._changed()  # keys that were held there are let go by nobody

    def _fail(self, ports: Ports, error: Exception) -> None:
        """A port can't be used any more: open all anew, as soon as that can be.

        Raises:
            Exception: this one, if it can't be.
        """
        if ports is not self.ports:
            return  # it is known already
        if self._reopen is None:
            raise error
        if isinstance(error, PortError):
            log.warning("%s: waiting for it", error)
        self._lost, self._xruns = self.lost, self.xruns
        self.ports = None
        self._opener = threading.Thread(
            target=self._open_again, args=(ports, error, self._reopen), name="opener", daemon=True
        )
        self._opener.start()
        if not isinstance(error, PortError):
            raise error
        self._changed()

    def _open_again(self, lost: Ports, error: Exception, reopen: Reopen) -> None:
        """Close what was lost, and try until there are ports. In a thread: a system may hang."""
        # Where there is nobody to send it to, silence is kept for the ports to come.
        _attempt(lost.output.halt if isinstance(error, PortError) else lost.output.stop)
        _close(lost)
        if lost.patchbay:
            lost.patchbay.lose()
        while not self._ending.wait(_RETRY_S):
            with suppress(PortError):
                self.ports = reopen(lost)
                self._post(self._go_on)
                return

    def _go_on(self) -> None:
        assert self.ports is not None  # noqa: S101 - just opened
        self.ahead_ns = self.ports.ahead_ns
        try:
            self.begin()
        except Exception as error:
            self._fail(self.ports, error)
            return
        log.warning("the ports are there again")
        self._changed()


def _close(ports: Ports) -> None:
    for part in (ports.watch, ports.input, ports.clock, ports.output):
        if part:
            _attempt(part.close)


def _attempt(step: Callable[[], T]) -> T | None:
    """Take a step that must not keep others from being taken."""
    try:
        return step()
    except Exception:
        log.exception("while stopping")
        return None
