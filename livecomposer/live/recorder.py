"""Recording a jam: what is played and sent is handed to a thread that keeps a file up to date."""

import logging
import threading
import time
from collections.abc import Callable, Collection
from datetime import datetime
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import NamedTuple

from livecomposer.atomic import write_whole
from livecomposer.live.clock import Clock
from livecomposer.live.jam import Jam
from livecomposer.live.orders import mark
from livecomposer.midi.mapping import Mapping
from livecomposer.midi.recording import UNITS_PER_TICK, Recording, marker
from livecomposer.midi.wire import FIRST_SYSTEM, releases

log = logging.getLogger(__name__)

PLAYER_PART, MACHINE_PART, CONTROLS_PART = PARTS = ("player", "livecomposer", "controls")
"""The tracks of a recording."""
PLAYER, MACHINE, CONTROLS = range(3)
_SAVE_S = 2
STARTED, STOPPED = "start", "stop"
"""Markers of what a transport does."""


class Entry(NamedTuple):
    """A message of a recording: see `Recording.add`."""

    part: int
    ns: int
    position: int
    tick_ns: int
    message: bytes


class RecordedJam:
    """A jam, and what is played and sent in it, in its place.

    Args:
        jam: does the work. What its voice sends, `send` is told.
        clock: its own.
        mappings: whose messages are controls, and no music.
        keep: takes what is to be recorded.
    """

    def __init__(
        self, jam: Jam, clock: Clock, mappings: Collection[Mapping], keep: Callable[[Entry], None]
    ) -> None:
        self._jam, self._clock, self._mappings, self._keep = jam, clock, mappings, keep
        self._breaks, self._started_ns = clock.breaks, jam.started_ns
        self._begun = False  # before there is music, what a transport does is of no interest
        self._sent: SimpleQueue[tuple[int, bytes]] = SimpleQueue()

    def begin(self, ns: int) -> None:
        """See `Jam`."""
        self._jam.begin(ns)

    def receive(self, ns: int, message: bytes) -> None:
        """See `Jam`."""
        self.gather(ns)  # before the clock may go elsewhere
        players = self._jam.receive(ns, message)
        self.gather(ns)
        if message[0] >= FIRST_SYSTEM or not players:
            return
        if any(mapping.takes(message) for mapping in self._mappings):
            self._add(CONTROLS, ns, message)
        elif self._clock.running or releases(message):  # else nothing is heard
            self._add(PLAYER, ns, message)

    def order(self, ns: int, order: str) -> None:
        """See `Jam`."""
        self.gather(ns)
        self._jam.order(ns, order)
        self.gather(ns)
        self._add(CONTROLS, ns, marker(mark(order)))

    def begin_again(self, ns: int) -> None:
        """See `Jam`."""
        self._jam.begin_again(ns)
        self.gather(ns)

    def be_ahead(self, ahead_ns: int) -> None:
        """See `Jam`."""
        self._jam.be_ahead(ahead_ns)

    def due_ns(self) -> int | None:
        """See `Jam`."""
        return self._jam.due_ns()

    def advance(self, ns: int) -> None:
        """See `Jam`."""
        self._jam.advance(ns)
        self.gather(ns)

    def leave(self, ns: int) -> None:
        """See `Jam`."""
        self._jam.leave(ns)
        self.gather(ns)

    def end(self, ns: int) -> None:
        """Nothing will be sent any more."""
        self.gather(ns)

    def send(self, due_ns: int, message: bytes) -> None:
        """Take a message of the machine's, from any thread."""
        self._sent.put((due_ns, message))

    def gather(self, ns: int) -> None:
        """Keep what has been sent till now."""
        while not self._sent.empty():
            due, message = self._sent.get_nowait()
            self._add(MACHINE, due, message)
        if self._clock.breaks != self._breaks:
            self._breaks = self._clock.breaks
            self._mark(ns, STOPPED)
        if self._jam.started_ns != self._started_ns:
            self._started_ns = self._jam.started_ns
            self._mark(self._started_ns, STARTED)

    def _mark(self, ns: int, text: str) -> None:
        if self._begun:
            self._add(CONTROLS, ns, marker(text))

    def _add(self, part: int, ns: int, message: bytes) -> None:
        self._begun = True
        tick = self._clock.tick_at(ns)
        at = self._clock.ns_at(tick)
        tick_ns = max(1, self._clock.ns_at(tick + 1) - at)
        # Less than half a tick off, so that it is the same tick when it is read.
        most = UNITS_PER_TICK // 2 - 1
        off = min(max((ns - at) * UNITS_PER_TICK // tick_ns, -most), most)
        position = tick * UNITS_PER_TICK + off
        self._keep(Entry(part, ns, position, tick_ns, message))


class RecordingThread:
    """Keeps a file up to date, in a thread of its own. What goes wrong is said once.

    Args:
        folder: where the file is to be; it may be new.
        text: see `Recording`.
        max_bytes: nothing is added to a file as large as this.

    Attributes:
        works: whether what is played is in the file, or will be.
    """

    def __init__(self, folder: Path, text: str, max_bytes: int) -> None:
        self._folder, self._max_bytes = folder, max_bytes
        self._recording = Recording(PARTS, text)
        self._entries: SimpleQueue[Entry | None] = SimpleQueue()
        self._path: Path | None = None
        self._saved = 0  # bytes that are in the file
        self._said: set[str] = set()
        self._broken = False  # by a fault of our own: then nothing is taken any more
        self.works = True
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    def keep(self, entry: Entry) -> None:
        """Add a message. It is in the file within `_SAVE_S` seconds."""
        if not self._broken:
            self._entries.put(entry)

    def end(self) -> None:
        """Save, and take nothing any more."""
        self._entries.put(None)

    def close(self) -> Path | None:
        """As `end`, and wait for it; returns the file, if there is one."""
        self.end()
        self._thread.join()
        if self._path and not self._saved:
            self._path.unlink(missing_ok=True)
            return None
        return self._path

    def _run(self) -> None:
        going_on = True
        while going_on:
            try:
                going_on = self._gather()
                self._save()
            except OSError as error:
                self.works = False
                self._say_once(f"this jam is not recorded: {self._folder}: {error.strerror}")
            except Exception:
                log.exception("this jam is not recorded any further")
                self._broken, self.works = True, False
                return
        self._recording = Recording((), "")  # it may be long

    def _gather(self) -> bool:
        """Add what comes, until it is time to save; returns whether more will come."""
        entry = self._entries.get()
        deadline = time.monotonic() + _SAVE_S
        while entry is not None:
            if len(self._recording) < self._max_bytes:
                self._recording.add(*entry)
            else:
                self.works = False
                self._say_once(f"the recording is {self._max_bytes:,} bytes long, and ends here")
            try:
                entry = self._entries.get(timeout=max(0, deadline - time.monotonic()))
            except Empty:
                return True
        return False

    def _save(self) -> None:
        if self._recording.empty or len(self._recording) == self._saved:
            return
        if self._path is None:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._path = _claim(self._folder / f"{datetime.now():%Y-%m-%d %H.%M.%S}.mid")
        write_whole(self._path, *self._recording.pieces())
        self._saved = len(self._recording)
        self.works = self._saved < self._max_bytes

    def _say_once(self, what: str) -> None:
        if what not in self._said:
            log.warning("%s", what)
        self._said.add(what)


def _claim(path: Path) -> Path:
    """A new file that nobody else may read, and no other recording takes: perhaps with a number."""
    number, claimed = 2, path
    while True:
        try:
            claimed.touch(0o600, exist_ok=False)
        except FileExistsError:
            claimed = path.with_stem(f"{path.stem} {number}")
            number += 1
        else:
            return claimed
