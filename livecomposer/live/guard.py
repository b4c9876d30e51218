"""The daemon's side of the guardian: starts it, and tells it whom the output reaches."""

import json
import logging
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from mmap import mmap
from pathlib import Path

from livecomposer import children
from livecomposer.live import guardian
from livecomposer.live.ledger import SIZE, Ledger

log = logging.getLogger(__name__)

_PATIENCE_S = 2.0
_STARTS = 3
"""One that ends before the daemon does is started anew, but not for ever."""


class Guard:
    """A guardian process, and the ledger that it reads.

    Attributes:
        ledger: to be kept by whoever sends.
    """

    def __init__(self) -> None:
        handle, path = tempfile.mkstemp(prefix="livecomposer-")
        self._path = Path(path)
        with open(handle, "r+b", buffering=0) as file:  # noqa: PTH123 - it is open already
            try:
                file.write(bytes(SIZE))
                self.ledger = Ledger(mmap(file.fileno(), SIZE))
            except (OSError, ValueError):
                self._path.unlink()
                raise
        self._process: subprocess.Popen[bytes] | None = None
        self._told: object = None
        self._starts = 0

    def tell(self, backend: str, listeners: Sequence[str], left: Sequence[str] = ()) -> None:
        """Say whom the output reaches; the guardian is started with the first.

        Args:
            backend: as in `guardian.silence`.
            listeners: the ports that are reached.
            left: those that were till now, and are to fall silent.
        """
        said = {"backend": backend, "listeners": list(listeners), "left": list(left)}
        alive = self._process is not None and self._process.poll() is None
        if alive and not left and said == self._told:
            return
        try:
            if not alive:
                if self._starts == _STARTS:
                    return
                self._starts += 1
                self._process = self._start()
            self._say(said)
            self._told = said | {"left": []}
        except OSError as error:
            log.warning("no guardian: notes may hang if this process is killed (%s)", error)

    def close(self, *, silent: bool) -> None:
        """The daemon ends.

        Args:
            silent: whether silence was sent: otherwise it is the guardian's to send.
        """
        if self._process is not None:
            with suppress(OSError):
                if silent:
                    self._say(guardian.GOODBYE)
                assert self._process.stdin is not None  # noqa: S101 - it is a pipe
                self._process.stdin.close()
            if not silent and self._process.poll() is None:
                return  # it takes the ledger away when it is done
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_PATIENCE_S)
        self._path.unlink(missing_ok=True)

    def _start(self) -> "subprocess.Popen[bytes]":
        # In a session of its own: what ends the terminal's programs doesn't end it.
        return children.start(
            guardian.__name__, self._path, stdout=subprocess.DEVNULL, start_new_session=True
        )

    def _say(self, what: object) -> None:
        assert self._process is not None and self._process.stdin is not None  # noqa: S101, PT018
        self._process.stdin.write(json.dumps(what).encode() + b"\n")
        self._process.stdin.flush()
