"""An interpolated n-gram with Witten-Bell smoothing: the baseline that a network has to beat.

    P(w | h) = (c(h, w) + T(h) P(w | h')) / (c(h) + T(h))

with c the counts in training, T(h) the number of distinct tokens seen after the context h, and h'
the context without its oldest token; below the unigram stands the uniform distribution (Witten
and Bell 1991, "The zero-frequency problem"; in this form: Chen and Goodman 1998, "An empirical
study of smoothing techniques for language modeling").
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_Integers = npt.NDArray[np.int64]
_ABSENT = -1


@dataclass(frozen=True, slots=True)
class _Level:
    """The contexts of one length, numbered in the order of `names`, and what followed them.

    Attributes:
        names: (contexts,), ascending: the number of the context one shorter and the token before
            it, as one integer.
        totals: (contexts,): c(h).
        begins: (contexts + 1,): where each context's followers begin.
        followers: ascending within each context: the distinct tokens seen after it.
        counts: as `followers`: c(h, w).
    """

    names: _Integers
    totals: _Integers
    begins: _Integers
    followers: _Integers
    counts: _Integers


class WittenBell:
    """An n-gram model of ids.

    Args:
        streams: (T,) ids each; the first of each is never predicted, and no context reaches
            beyond it.
        size: the number of ids, V.
        order: the longest n-gram, its last token included.
    """

    def __init__(
        self, streams: Iterable[npt.NDArray[np.integer]], size: int, order: int = 5
    ) -> None:
        self._size = size
        kept = [stream.astype(np.int64) for stream in streams if len(stream) > 1]
        targets = np.concatenate([stream[1:] for stream in kept])
        contexts = np.zeros(len(targets), np.int64)
        self._levels = [self._count(np.zeros(1, np.int64), contexts, targets)]
        for length in range(1, order):
            before = np.concatenate([_shifted(stream, length) for stream in kept])
            named = (contexts != _ABSENT) & (before != _ABSENT)
            names, inverse = np.unique(contexts[named] * size + before[named], return_inverse=True)
            contexts = np.full(len(targets), _ABSENT)
            contexts[named] = inverse
            self._levels.append(self._count(names, contexts[named], targets[named]))

    def predict(self, ids: npt.NDArray[np.integer]) -> npt.NDArray[np.float32]:
        """The probabilities of each token but the first, given those before it: (T - 1, V)."""
        stream = ids.astype(np.int64)
        steps = len(stream) - 1
        probs = np.full((steps, self._size), 1 / self._size)
        contexts = np.zeros(steps, np.int64)
        for length, level in enumerate(self._levels):
            if length:
                contexts = self._find(level, contexts, _shifted(stream, length))
            for step in np.flatnonzero(contexts != _ABSENT).tolist():
                context = contexts[step]
                here = slice(level.begins[context], level.begins[context + 1])
                distinct = here.stop - here.start
                probs[step] *= distinct
                probs[step, level.followers[here]] += level.counts[here]
                probs[step] /= level.totals[context] + distinct
        return probs.astype(np.float32)

    def _count(self, names: _Integers, contexts: _Integers, targets: _Integers) -> _Level:
        pairs, counts = np.unique(contexts * self._size + targets, return_counts=True)
        owners = pairs // self._size
        begins = np.searchsorted(owners, np.arange(len(names) + 1))
        totals = np.bincount(contexts, minlength=len(names))
        return _Level(names, totals, begins, pairs % self._size, counts)

    def _find(self, level: _Level, shorter: _Integers, before: _Integers) -> _Integers:
        """The numbers of contexts, from those one token shorter; `_ABSENT` for unseen ones."""
        names = shorter * self._size + before
        found = np.searchsorted(level.names, names)
        known = np.append(level.names, _ABSENT)[found] == names
        seen = (shorter != _ABSENT) & (before != _ABSENT) & known
        return np.where(seen, found, _ABSENT)


def _shifted(ids: _Integers, length: int) -> _Integers:
    """For each token but the first, the id `length` places before it; `_ABSENT` before all."""
    steps = len(ids) - 1
    return np.concatenate(
        (np.full(min(length - 1, steps), _ABSENT), ids[: max(0, steps + 1 - length)])
    )
