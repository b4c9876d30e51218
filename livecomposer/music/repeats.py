"""Where a sequence of numbers, as it goes on, has been before as it is now.

All memory is taken at the beginning, and what is gone back to is no more than a length.
"""

import numpy as np
import numpy.typing as npt

from livecomposer.music.tempo import ceil_to

LONGEST = 11
"""How many numbers in a row are compared at most."""
SPARE = 1000
"""How far the sequence can go back, at least, and still have all that is to be told of."""

_NOTHING = -1
_STEP = 1024
"""What is looked at grows by so many. (NumPy keeps some memory of each size below for the next.)"""

Ints = npt.NDArray[np.intp]


class Repeats:
    """The last numbers of a sequence. It can go back to what it was.

    Args:
        size: how many are told of.

    Attributes:
        length: how many numbers there have been.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._kept = LONGEST + size + SPARE + _STEP
        self._numbers = np.full(2 * self._kept, _NOTHING, np.int32)
        self._told = np.full(2 * self._kept, fill_value=False)
        self._begin = LONGEST + _STEP  # before it there is nothing, so much may be looked at
        self._end = self._begin  # where the next comes
        self.length = 0

    def add(self, number: int, *, told: bool = True) -> None:
        """Go on.

        Args:
            number: 0 or more.
            told: whether `following` is to tell of it.
        """
        if self._end == len(self._numbers):
            for each in (self._numbers, self._told):
                each[: self._kept] = each[-self._kept :]
            self._end = self._kept
        self._numbers[self._end], self._told[self._end] = number, told
        self._end += 1
        self.length += 1

    def go_back(self, length: int) -> None:
        """What has come since a length was never there.

        Args:
            length: one that it had, with nothing gone back behind it since.
        """
        self._end = max(self._begin, self._end - (self.length - length))
        self.length = length

    def following(self, shortest: int) -> tuple[Ints, Ints]:
        """What followed, where the last numbers were before.

        Args:
            shortest: how many of them, at least.

        Returns:
            (n,), the numbers; (n,), how many before each were as the last ones are.
        """
        numbers, last = self._numbers, self._end - 1
        first = last - min(ceil_to(self.length, _STEP), self._size - 1)
        there = self._told[first + 1 : last + 1].copy()
        for back in range(shortest):
            there &= numbers[first - back : last - back] == numbers[last - back]
        ends = np.flatnonzero(there) + first
        alike, still = np.full(len(ends), shortest), ends
        for back in range(shortest, LONGEST):
            still = still[numbers[still - back] == numbers[last - back]]
            if not len(still):
                break
            alike[np.searchsorted(ends, still)] += 1
        return numbers[ends + 1].astype(np.intp), alike
