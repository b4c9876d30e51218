"""The signals by which a system asks a program to end or to stand still."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Protocol

_ENDING = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]
_SENDING_S = 0.1


class Stoppable(Protocol):
    """What runs until it is stopped."""

    def stop(self) -> None:
        """End it, from any thread or signal handler."""
        ...

    def pause(self, stand_still: Callable[[], None]) -> None:
        """Leave silence, have this called, and then go on; from any thread or signal handler."""
        ...


@contextmanager
def stopping_on_signals(daemon: Stoppable) -> Iterator[None]:
    """While this lasts, the signals that ask a program to end, end this. Main thread only.

    Before Ctrl-Z has it stand still, it leaves silence.
    """

    def stop(_number: int, _frame: FrameType | None) -> None:
        daemon.stop()

    def pause(_number: int, _frame: FrameType | None) -> None:
        daemon.pause(_stand_still)

    handlers = dict.fromkeys(_ENDING, stop)
    if hasattr(signal, "SIGTSTP"):
        handlers[signal.SIGTSTP] = pause
    # What whoever started us wants ignored, as nohup does, stays so.
    heeded = [number for number in handlers if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, handlers[number]) for number in heeded}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _stand_still() -> None:
    time.sleep(_SENDING_S)  # for the silence to go out
    os.kill(os.getpid(), signal.SIGSTOP)
