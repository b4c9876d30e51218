"""What the reading of a file may take, and how a process is held to it.

Time is the processor's own, so that a busy machine refuses nothing that an idle one reads. Linux
holds to both bounds; macOS to that of time; Windows has neither.
"""

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

if sys.platform != "win32":
    import resource
    import signal


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one file may take.

    Attributes:
        seconds: of processor time.
        memory: bytes, beyond what the process holds before its first file.
    """

    seconds: float
    memory: int


_LEAST = Allowance(1.4, 400_000_000)
"""Of all that is small in music21's own corpus, 911 bytes of ABC take longest: 0.9 s."""

# What a byte of a larger file may take: three times what one took at most, of that corpus or of the
# densest MIDI file (microseconds: ABC 190, .mxl 168, Humdrum 83, MusicXML 3, MIDI 2.3), and
# twice the memory (kB: 1.4, but 0.03 of MusicXML, and 0.2 of MIDI, which keeps to the least).
_MICROSECONDS = {".abc": 600, ".mxl": 500, ".krn": 300, ".musicxml": 30, ".xml": 30}
_BYTES = {".abc": 3000, ".mxl": 3000, ".krn": 3000, ".musicxml": 200, ".xml": 200}


def allowance(suffix: str, size: int) -> Allowance:
    """What a file of this kind and size (bytes) may take."""
    return Allowance(
        max(_LEAST.seconds, size * _MICROSECONDS.get(suffix, 10) / 1e6),
        max(_LEAST.memory, size * _BYTES.get(suffix, 0)),
    )


@contextmanager
def held_to(allowed: Allowance) -> Iterator[None]:
    """End this process (by SIGPROF) after so much more time; raise MemoryError beyond the memory.

    It is for a process that reads one file at a time, and does nothing else.
    """
    _settle()
    gc.collect()
    if sys.platform == "linux":
        soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
        most = _data_at_first() + allowed.memory
        if hard != resource.RLIM_INFINITY:
            most = min(most, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (most, hard))
    if sys.platform != "win32":
        signal.setitimer(signal.ITIMER_PROF, allowed.seconds)
    try:
        yield
    finally:
        if sys.platform != "win32":
            signal.setitimer(signal.ITIMER_PROF, 0)
        if sys.platform == "linux":
            resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


@cache
def _settle() -> None:
    """Leave what the libraries have made out of all later collections."""
    gc.collect()
    gc.freeze()


@cache
def _data_at_first() -> int:
    """The bytes of data that this process held when it was first asked: its libraries'."""
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[5]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")
