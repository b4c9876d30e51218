"""Keeping the ports: what comes and goes is said, and what was lost is opened again.

All but what is said to be in another thread is called in the one that composes.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol, TypeVar

from livecomposer.live.guard import Guard
from livecomposer.live.patchbay import Look
from livecomposer.live.ports import LOCAL, Failed, PortError, Ports

log = logging.getLogger(__name__)

T = TypeVar("T")

_RETRY_S = 0.5
_CLOSING_S = 5.0  # for a MIDI system that doesn't answer
_LETTING_GO_S = 1.0  # for one that is lost
_CONNECTING_S = 0.05
"""A connection is in force a few cycles after it was made."""

Reopen = Callable[[Ports], Ports]
"""Opens ports like those that were lost; raises `PortError` where that can't be."""


class House(Protocol):
    """Whose ports are kept."""

    def start(self, ports: Ports, failed: Failed) -> None:
        """Let ports hand on what comes, and send what is to be sent; they tell what ends them."""
        ...

    def post(self, task: Callable[[], None]) -> None:
        """Have something called in the thread that composes; from any thread."""
        ...

    def begin_again(self) -> None:
        """End what sounds and what is held, and let the music go on."""
        ...

    def welcome(self) -> None:
        """Somebody listens again, and may not know what has ended meanwhile, and how all stands."""
        ...

    def be_ahead(self, ahead_ns: int) -> None:
        """From now on, what is to be sent must be there so much before."""
        ...


class Keeper:
    """Keeps ports open.

    Args:
        ports: open.
        house: whose they are.
        reopen: without it, a port that is lost ends all.
        guard: leaves silence where this process can't; it is told whom the output reaches.

    Attributes:
        ports: None while they are lost.
        listeners: the ports that the output reaches; None where nobody tells.
    """

    def __init__(
        self, ports: Ports, house: House, *, reopen: Reopen | None, guard: Guard | None
    ) -> None:
        self.ports: Ports | None = ports
        self.listeners: Sequence[str] | None = () if ports.backend == LOCAL else None
        self._house, self._reopen, self._guard = house, reopen, guard
        self._ahead_ns = ports.ahead_ns()
        self._begun, self._reopened = False, False  # whether these ports have been
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
            self._house.post(partial(self._fail, ports, error))

        self._house.start(ports, fail)
        if ports.watch:
            ports.watch.start(partial(self._saw, ports), fail)
        self._begun = True

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
            if ports and _attempt(ports.output.stop) and self._begun:
                silent.set()
            _attempt(ended)
            if ports:
                _close(ports)

        closed = _bounded(close, _CLOSING_S)
        if not silent.is_set():
            log.error("the MIDI system doesn't answer: silence could not be sent")
        if self._guard:
            self._guard.close(silent=silent.is_set())
        return closed and not (self._opener and self._opener.is_alive())

    def _saw(self, ports: Ports, look: Look) -> None:
        """Take what was seen of the ports. In the thread that looks after them."""
        self.listeners = look.listeners if ports.patchbay else None
        if self._guard:
            left = [peer.name for peer in look.left if peer.role == "output"]
            self._guard.tell(ports.backend, look.listeners, left)
        if look.gone or look.back or look.left:
            self._house.post(partial(self._take_changes, look))
        if self._reopened or any(peer.role == "output" for peer in look.back):
            self._reopened = False
            time.sleep(_CONNECTING_S)
            self._house.post(self._house.welcome)
        if (ahead_ns := ports.ahead_ns()) != self._ahead_ns:
            self._ahead_ns = ahead_ns
            self._house.post(partial(self._house.be_ahead, ahead_ns))

    def _take_changes(self, look: Look) -> None:
        for peer in look.gone:
            log.warning("%s is gone (%s): waiting for it", peer.name, peer.role)
        for peer in look.back:
            log.warning("%s is there again (%s)", peer.name, peer.role)
        if look.gone or any(peer.role != "output" for peer in look.left):
            self._house.begin_again()  # keys that were held there are let go by nobody

    def _fail(self, ports: Ports, error: Exception) -> None:
        """A port can't be used any more: open all anew, as soon as that can be.

        Raises:
            Exception: this one, if it is no port's, or there will be no others.
        """
        if ports is not self.ports:
            return  # it is known already
        if self._reopen is None:
            raise error
        if isinstance(error, PortError):
            log.warning("%s: waiting for it", error)
            _attempt(ports.output.halt)  # silence is kept for the ports to come
        self._let_go()
        self._open_again(ports, self._reopen, stop=not isinstance(error, PortError))
        if not isinstance(error, PortError):
            raise error
        self._house.begin_again()

    def pause(self, stand_still: Callable[[], None]) -> None:
        """Have everything stand still, and go on then.

        JACK's ports are closed meanwhile: its server, and all its clients, would wait for us.
        """
        ports = self.ports
        if ports is None or ports.patchbay is None or self._reopen is None:
            stand_still()
            return
        self._let_go()
        _attempt(ports.output.stop)
        _bounded(partial(_close, ports), _CLOSING_S)
        stand_still()
        self._open_again(ports, self._reopen, closed=True)

    def _let_go(self) -> None:
        self._lost, self._xruns = self.lost, self.xruns
        self.ports, self._begun = None, False

    def _open_again(
        self, lost: Ports, reopen: Reopen, *, stop: bool = False, closed: bool = False
    ) -> None:
        """Close what was lost, and try until there are ports. In a thread: a system may hang."""

        def open_again() -> None:
            self._ending.wait(_RETRY_S)  # JACK's threads may still be telling us that it has gone
            if stop:
                _attempt(lost.output.stop)
            if not closed:
                _bounded(partial(_close, lost), _LETTING_GO_S)
            if lost.patchbay:
                lost.patchbay.lose()
            self._try_to_open(lost, reopen)

        self._opener = threading.Thread(target=open_again, name="opener", daemon=True)
        self._opener.start()

    def _try_to_open(self, lost: Ports, reopen: Reopen) -> None:
        said = ""
        while not self._ending.is_set():
            try:
                self.ports = reopen(lost)
            except PortError:
                pass
            except Exception as failure:
                if str(failure) != said:
                    log.exception("ports can't be opened; it is tried again")
                said = str(failure)
            else:
                self._house.post(self._go_on)
                return
            self._ending.wait(_RETRY_S)

    def _go_on(self) -> None:
        ports = self.ports
        assert ports is not None  # noqa: S101 - just opened
        self._reopened = True
        try:
            self.begin()
        except Exception as error:
            self._fail(ports, error)
            return
        log.warning("the ports are there again")
        self._ahead_ns = ports.ahead_ns()
        self._house.be_ahead(self._ahead_ns)
        self._house.begin_again()


def _close(ports: Ports) -> None:
    for close in ports.closing:
        _attempt(close)


def _bounded(step: Callable[[], None], seconds: float) -> bool:
    """Take a step that a MIDI system may keep from ever ending; whether it has ended in time."""
    thread = threading.Thread(target=step, name="closing", daemon=True)
    thread.start()
    thread.join(seconds)
    return not thread.is_alive()


def _attempt(step: Callable[[], T]) -> T | None:
    """Take a step that must not keep others from being taken."""
    try:
        return step()
    except Exception:
        log.exception("while stopping")
        return None
