"""The real-time thread for ports that send at once: each of a player's messages at its due time."""

import threading
import time
from collections.abc import Callable

from livecomposer.live.player import Player
from livecomposer.live.realtime import SENDING, prefer_thread

_SPIN_NS = 200_000
"""A sleep ends a little late; so it ends early, and the rest is spun."""


class Sender:
    """Sends what a player has, in a thread of its own, with absolute deadlines.

    Args:
        player: what to send; its times are `time.monotonic_ns`.
        send: takes a message's bytes.
        failed: called once, from the thread, with the exception that ended it.
        realtime: whether to ask for real-time priority.
    """

    def __init__(
        self,
        player: Player,
        send: Callable[[bytes], None],
        failed: Callable[[Exception], None],
        *,
        realtime: bool = False,
    ) -> None:
        self._player, self._send_bytes, self._failed = player, send, failed
        self._realtime = realtime
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="sender", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def halt(self) -> None:
        """End the thread."""
        self._stopping = True
        self._player.wake()
        if self._thread.is_alive():
            self._thread.join()

    def stop(self) -> bool:
        """End the thread and leave silence, whatever has happened before; whether it was sent."""
        self.halt()
        return self._player.end(time.monotonic_ns(), self._send)

    def _run(self) -> None:
        try:
            if self._realtime:
                prefer_thread(SENDING)
            while not self._stopping:
                self._wait()
                self._player.play(time.monotonic_ns(), self._send)
            self._player.play(time.monotonic_ns(), self._send)  # what was ordered before the stop
        except Exception as error:  # handed on: a thread must not die in silence
            self._failed(error)

    def _wait(self) -> None:
        """Wait until a message is due or something is ordered."""
        due = self._player.due_ns()
        if due is None:
            self._player.wait(None)
            return
        sleep = due - _SPIN_NS - time.monotonic_ns()
        if sleep > 0:
            self._player.wait(sleep / 1e9)
        # Cut short by an order that is due later: then the next wait sees to this message.
        if due - time.monotonic_ns() <= _SPIN_NS:
            while time.monotonic_ns() < due:
                pass

    def _send(self, due_ns: int, message: bytes) -> None:
        self._send_bytes(message)
        self._player.lateness.record(time.monotonic_ns() - due_ns)
