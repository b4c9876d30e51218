"""What was played in this jam, as an n-gram that is mixed with the model's probabilities.

The model knows its last hundred tokens, and music in general; this knows the licks of this jam.
From the shortest context to the longest, what followed it before is mixed in, the more the oftener
the context was seen, and the fewer different tokens followed it:

    p_k = (1 - w) p_(k-1) + w c(h, x) / c(h),    w = share * c(h) / (c(h) + T(h))

with h the last k tokens, c how often they, or they and x, were played, T how many different tokens
followed them, and p_0 the model's own. (The weights are Witten and Bell's, 1991, "The
zero-frequency problem"; to mix in what was seen lately: Grave, Joulin and Usunier 2017, "Improving
neural language models with a continuous cache".)
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

SIZE = 20_000
"""Tokens that are remembered at most: the last ones."""
LONGEST = 11
"""Tokens of a context at most."""

_NOTHING = -1
"""No id."""


@dataclass(frozen=True, slots=True)
class Moment:
    """How far a memory has come; what it is that now, is the same as before.

    Attributes:
        length: how many tokens there have been.
        ends: (n,): where, before the last one, a token is the same as the last one. Places are
            those of a ring, in no order.
        alike: (n,): how many tokens up to there are as the last ones are, 1 to `LONGEST`.
    """

    length: int
    ends: npt.NDArray[np.intp]
    alike: npt.NDArray[np.int8]


_BEGINNING = Moment(0, np.empty(0, np.intp), np.empty(0, np.int8))


class Memory:
    """The last tokens of a jam. It can go back to a moment before.

    Attributes:
        now: the moment.
    """

    def __init__(self) -> None:
        self._ids = np.full(SIZE, _NOTHING, np.int32)  # a ring
        self._alike = np.zeros(SIZE, np.int8)  # scratch: zeros between two calls
        self.now = _BEGINNING

    def add(self, token_id: int) -> None:
        """Take the next token."""
        now, place = self.now, self.now.length % SIZE
        self._ids[place] = _NOTHING  # what is overwritten is no match any more
        ends = np.flatnonzero(self._ids == token_id)
        self._alike[now.ends] = now.alike
        alike = np.minimum(self._alike[ends - 1] + 1, LONGEST).astype(np.int8)
        self._alike[now.ends] = 0
        self._ids[place] = token_id
        self.now = Moment(now.length + 1, ends, alike)

    def go_back(self, moment: Moment) -> None:
        """What has come since a moment was never there. (What it took the place of stays lost.)

        Args:
            moment: one that `now` has been, with nothing gone back behind since.
        """
        undone = np.arange(moment.length, self.now.length) % SIZE
        self._ids[undone] = _NOTHING
        self.now = moment

    def mix(self, probs: npt.NDArray[np.float32], share: float) -> npt.NDArray[np.float32]:
        """Probabilities of what comes next, with those of what came next before.

        Args:
            probs: (V,), the model's.
            share: how much of the whole the memory has at most, 0 to 1.

        Returns:
            (V,).
        """
        following = self._ids[(self.now.ends + 1) % SIZE]
        there = following != _NOTHING
        if share == 0 or not there.any():
            return probs
        # (n, V): how often each token came after so many that were alike, or more; most first.
        alike, size = self.now.alike[there].astype(np.intp), len(probs)
        most = alike.max()
        counts = np.bincount((most - alike) * size + following[there], minlength=most * size)
        counts = counts.reshape(most, size).cumsum(axis=0)
        totals = counts.sum(axis=1)
        weights = share / (totals + np.count_nonzero(counts, axis=1))
        left = np.cumprod(1 - weights * totals)  # of what is shorter
        weights[1:] *= left[:-1]
        return (left[-1] * probs + weights @ counts).astype(np.float32)
