"""The recordings that may be seen: those that lie in one folder, and nothing else.

A name that is asked for is looked up among those that are there; it is never made part of a path.
"""

import asyncio
import os
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct
from starlette.concurrency import run_in_threadpool

from livecomposer.midi.files import MAX_BYTES
from livecomposer.monitor.notes import Notes, UnreadableError, read_apart

MOST = 1_000
"""The newest so many are shown."""

_NAMED = "%Y-%m-%d %H.%M.%S"
_NAME_LENGTH = len("2000-01-01 00.00.00")
_ONLY_PLAIN = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


class RecordingError(Exception):
    """It can't be had.

    Args:
        status: HTTP's.
        reason: in a line.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Listed(Struct, frozen=True):
    """A recording.

    Attributes:
        name: its file's.
        seconds: how long it lasts; None till its notes are known, since that takes as long.
        bytes: its size.
        begun: when, in seconds since 1970.
    """

    name: str
    seconds: float | None
    bytes: int
    begun: float


class Recordings:
    """What is in a folder.

    Args:
        folder: it need not be there yet.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._reader = ThreadPoolExecutor(1)  # one at a time; nobody waits for it to end
        self._seconds: dict[tuple[str, int, int], float] = {}  # of a name, a size, a time

    async def listed(self) -> list[Listed]:
        """All that are there, the newest first."""
        found = await run_in_threadpool(self._found)
        return [
            Listed(name, self._seconds.get(_version(name, state)), state.st_size, begun)
            for name, (_, state, begun) in found.items()
        ]

    async def notes(self, name: str) -> Notes:
        """What was played in one.

        Raises:
            RecordingError: there is none of this name, or it can't be read.
        """
        return await asyncio.get_running_loop().run_in_executor(self._reader, self._read, name)

    def open(self, name: str) -> tuple[BinaryIO, int]:
        """One to be read, and its size.

        Raises:
            RecordingError: there is none of this name.
        """
        missing = RecordingError(404, "there is no recording of this name")
        if name not in (found := self._found()):
            raise missing
        try:
            file = open(  # noqa: SIM115 - the caller closes it
                found[name][0], "rb", opener=lambda path, flags: os.open(path, flags | _ONLY_PLAIN)
            )
        except OSError:  # it was there
            raise missing from None
        state = os.fstat(file.fileno())
        if not stat.S_ISREG(state.st_mode):
            file.close()
            raise missing
        return file, state.st_size

    def _read(self, name: str) -> Notes:
        file, _ = self.open(name)
        with file:
            content, state = file.read(MAX_BYTES + 1), os.fstat(file.fileno())
        try:
            notes = read_apart(content)
        except UnreadableError as error:
            raise RecordingError(422, str(error)) from None
        if len(self._seconds) >= MOST:
            self._seconds.clear()
        self._seconds[_version(name, state)] = notes.seconds
        return notes

    def _found(self) -> dict[str, tuple[str, os.stat_result, float]]:
        """Path, state and beginning of each, by its name: the newest first."""
        found = {entry.name: (entry.path, state, _begun(entry.name, state))
                 for entry, state in self._entries()}  # fmt: skip
        newest = sorted(found.items(), key=lambda item: item[1][2], reverse=True)
        return dict(newest[:MOST])

    def _entries(self) -> Iterator[tuple["os.DirEntry[str]", os.stat_result]]:
        try:
            entries = list(os.scandir(self._folder))
        except OSError:  # it isn't there yet
            return
        for entry in entries:
            if not entry.name.endswith(".mid") or entry.name.startswith("."):
                continue
            with suppress(OSError):  # it has just gone
                state = entry.stat(follow_symlinks=False)
                if stat.S_ISREG(state.st_mode) and entry.name.isprintable():
                    yield entry, state


def _version(name: str, state: os.stat_result) -> tuple[str, int, int]:
    return name, state.st_size, state.st_mtime_ns


def _begun(name: str, state: os.stat_result) -> float:
    """As the recorder has named it; of another file, when it was last written."""
    try:
        return datetime.strptime(name[:_NAME_LENGTH], _NAMED).timestamp()
    except (ValueError, OverflowError):
        return state.st_mtime
