"""System libraries' own complaints, kept off the terminal: ours says it in one line.

They write to file descriptor 2, whatever Python's `sys.stderr` is.
"""

import io
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_STDERR = 2
_lock = threading.Lock()
_silencing = 0  # how many ask for it at the time
_saved = -1  # where it went before


@contextmanager
def quiet() -> Iterator[None]:
    """Keep what is written to file descriptor 2 from being read; several threads may ask for it."""
    _silence()
    try:
        yield
    finally:
        _let_speak()


def speak_apart() -> None:
    """Give `sys.stderr` a file descriptor of its own, so that it is heard all the while.

    A library that hangs may keep the other one silent for good.
    """
    sys.stderr.flush()
    raw = io.FileIO(os.dup(_STDERR), "w")  # so that nothing is left over where nobody hears
    sys.stderr = io.TextIOWrapper(
        raw,
        sys.stderr.encoding,
        errors="backslashreplace",
        write_through=True,
    )


def _silence() -> None:
    global _silencing, _saved  # noqa: PLW0603 - so is the descriptor: the process's
    with _lock:
        if not _silencing:
            sys.stderr.flush()
            _saved = os.dup(_STDERR)
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, _STDERR)
            os.close(null)
        _silencing += 1


def _let_speak() -> None:
    global _silencing  # noqa: PLW0603
    with _lock:
        _silencing -= 1
        if not _silencing:
            os.dup2(_saved, _STDERR)
            os.close(_saved)
