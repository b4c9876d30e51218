"""Looking after the ports: what comes and goes is noticed, in a thread of its own."""

import logging
import threading
from collections.abc import Callable

from livecomposer.live.patchbay import Look

log = logging.getLogger(__name__)

_EVERY_S = 0.5
_SETTLING_S = 0.05
"""Until it is looked again, after something has changed."""


class Watch:
    """Looks twice a second, and when it is woken, and a little after that.

    Args:
        look: looks, and mends what can be mended.
        close: called when all is over.
    """

    def __init__(self, look: Callable[[], Look], close: Callable[[], None] | None = None) -> None:
        self._look, self._close = look, close
        self._woken, self._ended = threading.Event(), False
        self._thread: threading.Thread | None = None

    def start(self, tell: Callable[[Look], None], failed: Callable[[Exception], None]) -> None:
        """Begin to look; both are called from the thread.

        Args:
            tell: takes what was found, changes or none.
            failed: takes the exception that ended it.
        """
        self._thread = threading.Thread(
            target=self._run, args=(tell, failed), name="watch", daemon=True
        )
        self._thread.start()

    def wake(self) -> None:
        """Have it look at once; from any thread."""
        self._woken.set()

    def close(self) -> None:
        """Look no more."""
        self._ended = True
        self._woken.set()
        if self._thread:
            self._thread.join()
        if self._close:
            self._close()

    def _run(self, tell: Callable[[Look], None], failed: Callable[[Exception], None]) -> None:
        try:
            woken = True
            while not self._ended:
                tell(self._look())
                woken = self._woken.wait(_SETTLING_S if woken else _EVERY_S)
                self._woken.clear()
        except Exception as error:  # handed on: a thread must not die in silence
            failed(error)
