"""Where a sequence of numbers, as it goes on, has been before as it is now.

All memory is taken at the beginning, and what is gone back to is no more than a length.
"""

import numpy as np
import numpy.typing as npt

LONGEST = 11
"""How many numbers in a row are compared at most."""
SPARE = 1000
"""How far the sequence can go back, at least, and still have all that is to be told of."""

_NOTHING, _KEYS = -1, 0x7FFFFFFF
_ROOM = 1000  # more numbers, and the oldest are dropped

Ints = npt.NDArray[np.intp]


class Repeats:
    """The last numbers of a sequence. It can go back to what it was.

    Args:
        size: how many are told of.
        shortest: how many numbers in a row make it worth telling.

    Attributes:
        length: how many numbers there have been.
    """

    def __init__(self, size: int, shortest: int) -> None:
        self._size, self._shortest = size, shortest
        self._kept = LONGEST + size + SPARE
        self._numbers = np.full(self._kept + _ROOM, _NOTHING, np.int32)
        self._rows = np.lib.stride_tricks.sliding_window_view(self._numbers, LONGEST)
        # A key for each place: where keys differ, so do the last `shortest` numbers.
        self._keys = np.full_like(self._numbers, _NOTHING)
        self._told = np.full_like(self._numbers, fill_value=False, dtype=bool)
        self._there = np.full(size, fill_value=False)
        self._end = LONGEST  # where the next comes; before the first there is nothing, so much
        self.length = 0

    def add(self, number: int, *, told: bool = True) -> None:
        """Go on.

        Args:
            number: 0 or more.
            told: whether `following` is to tell of it.
        """
        if self._end == len(self._numbers):
            for each in (self._numbers, self._keys, self._told):
                each[: self._kept] = each[-self._kept :]
            self._end = self._kept
        self._numbers[self._end], self._told[self._end] = number, told
        self._end += 1
        self.length += 1
        last = tuple(self._numbers[self._end - self._shortest : self._end].tolist())
        self._keys[self._end - 1] = hash(last) & _KEYS

    def go_back(self, length: int) -> None:
        """What has come since a length was never there.

        Args:
            length: one that it had, with nothing gone back behind it since.
        """
        self._end = max(LONGEST, self._end - (self.length - length))
        self.length = length

    def following(self) -> tuple[Ints, Ints]:
        """What followed, where the last numbers, `shortest` or more, were before.

        Returns:
            (n,), the numbers; (n,), how many before each were as the last ones are.
        """
        last = self._end - 1
        first = min(max(LONGEST, self._end - self._size), last)
        there = self._there[: last - first]
        np.equal(self._keys[first:last], self._keys[last], out=there)
        there &= self._told[first + 1 : last + 1]
        ends = np.flatnonzero(there) + first
        same = self._rows[ends - LONGEST + 1] == self._rows[last - LONGEST + 1]
        alike = np.logical_and.accumulate(same[:, ::-1], axis=1).sum(axis=1)
        long_enough = alike >= self._shortest  # different numbers may have the same key
        after: Ints = self._numbers[ends[long_enough] + 1].astype(np.intp)
        return after, alike[long_enough]
