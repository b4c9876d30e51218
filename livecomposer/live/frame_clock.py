"""A JACK server's frames <-> the monotonic clock.

Frames are even, and exact: between two messages, they are what counts. But they are no clock of
their own: a server that was short of time has lost some, and a sound card's crystal is off by some
parts in a million. So frames are counted, and held to the monotonic clock where the two part.
"""

_BITS = 32  # JACK's own count wraps around: after a day at 48 kHz
_CYCLES = 32  # looked at together
_TOLERANCE_NS = 100_000


class FrameClock:
    """Frames in full, and when they are in `time.monotonic_ns`.

    Args:
        rate: frames per second.
    """

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._near = 0  # a recent frame, in full
        self._seen = 0  # cycles, since the last look
        self._least = 0  # of the differences in them
        self.offset_ns: int | None = None

    def observe(self, frame: int, now_ns: int) -> None:
        """Take the first frame of a cycle, of 32 bits, and the time when its callback began.

        Callbacks are late by more or less, never early: the least difference is the truest.
        """
        self._near = self.unwrap(frame)
        difference = now_ns - self.length_ns(self._near)
        self._least = min(self._least, difference) if self._seen else difference
        self._seen += 1
        if self.offset_ns is None:
            self.offset_ns = difference
        elif self._seen == _CYCLES:
            self._seen = 0
            if abs(self._least - self.offset_ns) > _TOLERANCE_NS:
                self.offset_ns = self._least

    def unwrap(self, frame: int) -> int:
        """A frame of 32 bits in full: the one nearest to those of late."""
        half = 1 << (_BITS - 1)
        return self._near + ((frame - self._near + half) & (2 * half - 1)) - half

    def ns_of(self, frame: int) -> int:
        """When a frame, in full, is."""
        return self.length_ns(frame) + (self.offset_ns or 0)

    def frame_of(self, ns: int) -> int:
        """The frame, in full, that is nearest to a time."""
        return (2 * (ns - (self.offset_ns or 0)) * self._rate + 10**9) // (2 * 10**9)

    def last_ns_of(self, frame: int) -> int:
        """The last time that a frame, in full, is nearest to."""
        return ((2 * frame + 1) * 10**9 - 1) // (2 * self._rate) + (self.offset_ns or 0)

    def length_ns(self, frames: int) -> int:
        """How long so many frames last, to the nearest nanosecond."""
        return (2 * frames * 10**9 + self._rate) // (2 * self._rate)
