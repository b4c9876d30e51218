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

import numpy as np
import numpy.typing as npt

SIZE = 20_000
"""Tokens that are remembered at most; where there are more, the older half is forgotten."""
LONGEST = 11
"""Tokens of a context at most."""


class Memory:
    """The tokens of a jam, in order. The last ones can be taken back."""

    def __init__(self) -> None:
        self._ids = np.full(SIZE + 1, -1, np.int32)  # the first is none, and like none
        # For each token, how many up to it are as the last ones are, up to `LONGEST`.
        self._alike = np.zeros(SIZE + 1, np.int8)
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def add(self, token_id: int) -> None:
        """Take the next token."""
        if self._length == SIZE:
            self._forget(SIZE // 2)
        last = self._length
        longer = np.minimum(self._alike[:last] + 1, LONGEST)
        self._length += 1
        self._alike[1 : last + 1] = np.where(self._ids[1 : last + 1] == token_id, longer, 0)
        self._alike[self._length] = 0
        self._ids[self._length] = token_id

    def take_back(self, number: int) -> None:
        """Forget the last tokens."""
        kept = max(0, self._length - number)
        again = self._ids[max(1, kept + 1 - LONGEST) : kept + 1].tolist()
        self._length = kept - len(again)
        self._alike[:] = 0
        for token_id in again:  # so that it is known again what is like them
            self.add(token_id)

    def mix(self, probs: npt.NDArray[np.float32], share: float) -> npt.NDArray[np.float32]:
        """Probabilities of what comes next, with those of what came next before.

        Args:
            probs: (V,), the model's.
            share: how much of the whole the memory has at most, 0 to 1.
        """
        before = np.flatnonzero(self._alike[: self._length])
        alike, following = self._alike[before], self._ids[before + 1]
        for length in range(1, LONGEST + 1):
            following = following[alike >= length]
            alike = alike[alike >= length]
            if not len(following):
                break
            counts = np.bincount(following, minlength=len(probs))
            weight = share / (len(following) + np.count_nonzero(counts))
            probs = np.float32(1 - weight * len(following)) * probs
            probs += np.float32(weight) * counts.astype(np.float32)
        return probs

    def _forget(self, kept: int) -> None:
        """Forget all but the last tokens."""
        self._ids[1 : kept + 1] = self._ids[self._length + 1 - kept : self._length + 1]
        alike = self._alike[self._length + 1 - kept : self._length + 1]
        self._alike[1 : kept + 1] = np.minimum(alike, np.arange(1, kept + 1))
        self._length = kept
