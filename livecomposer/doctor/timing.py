"""Time: how finely it is told, what goes before others, and how punctual messages are."""

import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from livecomposer.bench import send_chords
from livecomposer.doctor.finding import Finding
from livecomposer.live.realtime import SENDING, prepare_process

_FINE_S = 0.001
_SECONDS = 1.0
_GOOD_NS, _BAD_NS = 1_000_000, 10_000_000
"""Of a hundred messages 99 should not be later; the middle one later, and one hears it."""
_LOCKED_BY_JACK = 107_341_340
"""JACK's shared memory, in bytes, which its clients lock."""
_LIMITS = (
    "as root, have `@audio - rtprio 95` and `@audio - memlock unlimited` in "
    "/etc/security/limits.d/audio.conf, and yourself in the group: usermod -aG audio NAME; then "
    "log in again"
)


def check_monotonic() -> Finding:
    """The clock that all times are told by."""
    clock = time.get_clock_info("monotonic")
    found = f"{clock.implementation}, in steps of {1e3 * clock.resolution:.2g} ms"
    if clock.resolution <= _FINE_S:
        return Finding("monotonic clock", "ok", found)
    advice = "notes may be off by as much, on this system"
    return Finding("monotonic clock", "warning", found, advice)


def check_realtime(wanted: str) -> Finding:
    """Whether threads may go before others.

    Args:
        wanted: as in `ports.realtime`.
    """
    if wanted == "off":
        return Finding("realtime", "ok", "not asked for: ports.realtime = 'off'")
    if not hasattr(os, "sched_setscheduler"):
        return Finding("realtime", "not-here", "this system is not asked for real-time priority")
    with ThreadPoolExecutor(1) as thread:  # one that ends, and its priority with it
        refusal = thread.submit(_ask_for_priority).result()
    if not refusal:
        return Finding("realtime", "ok", f"SCHED_FIFO {SENDING} is granted")
    found = f"SCHED_FIFO {SENDING} is refused: {refusal}{_limit('RLIMIT_RTPRIO')}"
    return Finding("realtime", "warning", found, _LIMITS)


def _ask_for_priority() -> str:
    """Ask for what the sending thread asks for; why it was refused, or ""."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(SENDING))
    except OSError as error:
        return error.strerror or str(error)
    return ""


def _limit(name: str) -> str:
    """A limit of this process, in words."""
    import resource

    soft, hard = resource.getrlimit(getattr(resource, name))
    return f"; {name} is {soft}" + (f", and can be {hard}" if hard != soft else "")


def check_memlock(*, on_jack: bool) -> Finding:
    """Whether JACK may lock its memory.

    Args:
        on_jack: whether a JACK server runs.
    """
    if sys.platform != "linux":
        return Finding("memory lock", "not-here", "no concern on this system")
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    infinite = soft == resource.RLIM_INFINITY
    found = "unlimited" if infinite else f"up to {soft / 2**20:,.1f} MB"
    if on_jack and not infinite and soft < _LOCKED_BY_JACK and os.geteuid() != 0:
        found += f", and a client of JACK's locks {_LOCKED_BY_JACK / 2**20:.0f} MB"
        return Finding("memory lock", "warning", found, _LIMITS)
    return Finding("memory lock", "ok", found)


def check_timer(realtime: str) -> Finding:
    """How late messages are that a thread sends at absolute deadlines.

    Args:
        realtime: as in `ports.realtime`.
    """
    prepare_process()
    late = send_chords(_idle(), _SECONDS, realtime=realtime == "auto")
    found = f"{late.count} messages, late by {late}"
    advice = "close what else runs; allow real-time priority; longer: livecomposer bench"
    if late.quantile_ns(0.5) > _BAD_NS:
        return Finding("timer", "problem", found, advice)
    if late.quantile_ns(0.99) > _GOOD_NS:
        return Finding("timer", "warning", found, advice)
    return Finding("timer", "ok", found)


def _idle() -> Iterator[float]:
    """Steps that do nothing for a while."""
    while True:
        time.sleep(0.001)
        yield 1.0
