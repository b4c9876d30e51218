"""The real-time thread: sends each message at its due time. It knows no music, only deadlines."""

import logging
import threading
import time
from collections.abc import Callable

from livecomposer.live.schedule import Schedule

log = logging.getLogger(__name__)


class Player:
    """Plays booked notes on time, in a thread of its own.

    Args:
        channel: 0-15.
        send: takes a message's bytes; called from the thread, and from whoever ends the notes.
        failed: called once, from the thread, with the exception that ended it.
    """

    def __init__(
        self, channel: int, send: Callable[[bytes], None], failed: Callable[[Exception], None]
    ) -> None:
        self._schedule = Schedule(channel)
        self._send_bytes, self._failed = send, failed
        self._changed = threading.Condition()  # guards the schedule, and all sending
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="player", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def book(self, on_ns: int, off_ns: int, pitches: tuple[int, ...], velocity: int) -> None:
        """Book a chord; times are `time.monotonic_ns`."""
        with self._changed:
            self._schedule.book(on_ns, off_ns, pitches, velocity)
            self._changed.notify()

    def cut(self) -> None:
        """End at once what sounds, and drop what is booked."""
        with self._changed:
            self._schedule.cut(time.monotonic_ns(), self._send)

    def silence(self) -> None:
        """As `cut`, and release whatever else may sound on the channel."""
        with self._changed:
            self._schedule.silence(time.monotonic_ns(), self._send)

    def stop(self) -> None:
        """End the thread and leave silence, whatever has happened before."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join()
        self._schedule.silence(time.monotonic_ns(), self._try_to_send)

    def _run(self) -> None:
        try:
            with self._changed:
                while not self._stopping:
                    due = self._schedule.due_ns()
                    wait = None if due is None else due - time.monotonic_ns()
                    if wait is None or wait > 0:
                        self._changed.wait(None if wait is None else wait / 1e9)
                    else:
                        self._schedule.send_due(time.monotonic_ns(), self._send)
        except Exception as error:  # handed on: a thread must not die in silence
            self._failed(error)

    def _send(self, _due_ns: int, message: bytes) -> None:
        self._send_bytes(message)

    def _try_to_send(self, _due_ns: int, message: bytes) -> None:
        try:
            self._send_bytes(message)
        except Exception:
            log.exception("a note-off could not be sent")
