"""Where a sequence of numbers, as it goes on, has been before as it is now."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

LONGEST = 11
"""How many numbers in a row are compared at most."""

_NOTHING = -1

Ints = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Past:
    """How far a sequence has come; what it is that now, is the same as before.

    Attributes:
        length: how many numbers there have been.
        ends: (n,): where, before the last one, a number is the same as the last one. Places are
            those of a ring.
        alike: (n,): how many numbers up to there are as the last ones are, 1 to `LONGEST`.
    """

    length: int
    ends: Ints
    alike: Ints


_BEGINNING = Past(0, np.empty(0, np.intp), np.empty(0, np.intp))


class Repeats:
    """The last numbers of a sequence. It can go back to what it was.

    Args:
        size: how many are kept.

    Attributes:
        past: what it is now.
    """

    def __init__(self, size: int) -> None:
        self._ring = np.full(size, _NOTHING, np.int32)
        self._alike = np.zeros(size, np.intp)  # scratch: zeros between two calls
        self.past = _BEGINNING

    def add(self, number: int) -> None:
        """Go on.

        Args:
            number: 0 or more.
        """
        past, place = self.past, self.past.length % len(self._ring)
        self._ring[place] = _NOTHING  # what is overwritten is no match any more
        ends = np.flatnonzero(self._ring == number)
        self._alike[past.ends] = past.alike
        alike = np.minimum(self._alike[ends - 1] + 1, LONGEST)
        self._alike[past.ends] = 0
        self._ring[place] = number
        self.past = Past(past.length + 1, ends, alike)

    def go_back(self, past: Past) -> None:
        """What has come since was never there; but what it took the place of stays lost.

        Args:
            past: one that was, with nothing gone back behind it since.
        """
        self._ring[np.arange(past.length, self.past.length) % len(self._ring)] = _NOTHING
        self.past = past

    def following(self, shortest: int) -> tuple[Ints, Ints]:
        """What followed, where the last numbers were before.

        Args:
            shortest: how many of them, at least.

        Returns:
            (n,), the numbers; (n,), how many before each were as the last ones are.
        """
        enough = self.past.alike >= shortest
        after = self._ring[(self.past.ends[enough] + 1) % len(self._ring)]
        there = after != _NOTHING
        return after[there].astype(np.intp), self.past.alike[enough][there]
