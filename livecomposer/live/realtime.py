"""What the system is asked for so that messages go out on time. It may refuse."""

import ctypes
import gc
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

log = logging.getLogger(__name__)

COMPOSING, SENDING = 5, 10
"""SCHED_FIFO priorities: low ones, below the audio server's own, as JACK gives its clients."""

_OOM_SCORE = Path("/proc/self/oom_score_adj")
_SWITCH_INTERVAL_S = 0.0001
_PR_SET_TIMERSLACK = 29  # prctl(2)


@contextmanager
def loading() -> Iterator[None]:
    """While this lasts, what stays is loaded: the collector keeps off it, then and later."""
    gc.disable()  # it would look through all there is again and again, and find nothing
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def prepare_process() -> None:
    """Make threads give way soon and wake on time. To be called before they are started."""
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    _sharpen_timers()


def stand_back() -> None:
    """Let the system end this process, and not one that plays beside it, when memory runs out."""
    with suppress(OSError):  # not Linux
        _OOM_SCORE.write_text("500")


def _sharpen_timers() -> None:
    """Let the calling thread, and those it starts, wake when they are due.

    Linux lets timers be 50 us late, for the sake of sleeping longer; 1 ns is the least.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, 1, 0, 0, 0)


def prefer_thread(priority: int, thread_id: int = 0) -> None:
    """Ask that a thread goes before others, unless it does already. A refusal is logged once.

    What it starts, threads and processes, does not.

    Args:
        priority: of SCHED_FIFO, 1-99.
        thread_id: the system's; 0 for the calling thread.
    """
    if not hasattr(os, "sched_setscheduler"):
        return
    try:
        if os.sched_getscheduler(thread_id) == os.SCHED_OTHER:
            policy = os.SCHED_FIFO | os.SCHED_RESET_ON_FORK
            os.sched_setscheduler(thread_id, policy, os.sched_param(priority))
    except OSError as error:
        _log_refusal(error.strerror)


@cache
def _log_refusal(reason: str) -> None:
    log.info(
        "no real-time priority (%s): allow it with an rtprio limit, or set ports.realtime = 'off'",
        reason,
    )
