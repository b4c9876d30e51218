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
        alike: (size,): how many numbers, up to each place of a ring, are as the last ones are: 0 to
            `LONGEST`; 0 at the last one itself.
    """

    length: int
    alike: npt.NDArray[np.uint8]


class Repeats:
    """The last numbers of a sequence. It can go back to what it was.

    Args:
        size: how many are kept.

    Attributes:
        past: what it is now.
    """

    def __init__(self, size: int) -> None:
        self._ring = np.full(size, _NOTHING, np.int32)
        self._told = np.zeros(size, bool)
        self.past = Past(0, np.zeros(size, np.uint8))

    def add(self, number: int, *, told: bool = True) -> None:
        """Go on.

        Args:
            number: 0 or more.
            told: whether `following` is to tell of it.
        """
        before, place = self.past.alike, self.past.length % len(self._ring)
        self._ring[place] = _NOTHING  # what is overwritten is no match any more
        alike = np.empty_like(before)
        alike[1:], alike[0] = before[:-1], before[-1]
        alike += (alike < LONGEST).view(np.uint8)
        alike *= (self._ring == number).view(np.uint8)
        self._ring[place], self._told[place] = number, told
        self.past = Past(self.past.length + 1, alike)

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
        ends = np.flatnonzero(self.past.alike >= shortest)
        places = (ends + 1) % len(self._ring)
        after = self._ring[places]
        there = (after != _NOTHING) & self._told[places]
        return after[there].astype(np.intp), self.past.alike[ends[there]].astype(np.intp)
