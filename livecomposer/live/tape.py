"""Recordings of a jam that can be begun and ended while it is played."""

from collections.abc import Callable
from pathlib import Path

from livecomposer.live.recorder import Entry, RecordingThread


class Tape:
    """Keeps what it is given while it runs.

    Args:
        folder: where the files are to be; it may be new.
        describe: a recording's text, as things are when it begins.
        max_bytes: of a file.
    """

    def __init__(self, folder: Path, describe: Callable[[], str], max_bytes: int) -> None:
        self._folder, self._describe, self._max_bytes = folder, describe, max_bytes
        self._running: RecordingThread | None = None
        self._ended: list[RecordingThread] = []

    @property
    def running(self) -> bool:
        """Whether what is played is recorded."""
        return self._running is not None and self._running.works

    def run(self) -> None:
        """Begin a recording, if there is none that works."""
        if not self.running:
            self.stop()
            self._running = RecordingThread(self._folder, self._describe(), self._max_bytes)

    def stop(self) -> None:
        """End the recording: what there is, is written soon."""
        if self._running:
            self._running.end()
            self._ended.append(self._running)
            self._running = None

    def keep(self, entry: Entry) -> None:
        """Take what was played."""
        if self._running:
            self._running.keep(entry)

    def close(self) -> list[Path]:
        """End all; returns the files that there are now."""
        self.stop()
        files = [recording.close() for recording in self._ended]
        return [file for file in files if file]
