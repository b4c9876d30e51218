"""Which pieces are one work: by what they contain, whatever their files are called.

A piece is known by its melodic line, as the steps between its highest notes: transposed, in other
note values, or in another's edition, it is still the same work. Pieces that share enough rare
stretches of it belong together, and are never split between what is learned and what is held out.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence, Set
from itertools import combinations, pairwise

import numpy as np
import numpy.typing as npt

from livecomposer.training.corpus import Piece

_STRETCH = 10
"""Steps in a stretch."""

_COMMON = 12
"""A stretch that more pieces have may be a figure of speech (a scale, a repeated note)."""

_ENOUGH = 0.25
"""The share of the smaller piece's rare stretches that makes two pieces one work."""

_ENOUGH_OF_ALL = 0.4
"""The share of all stretches, common ones too, that does."""

_Stretches = npt.NDArray[np.uint64]


def digest(piece: Piece) -> str:
    """A name for what a piece contains, whatever key it stands in: 16 hexadecimal digits."""
    return hashlib.blake2b(_line(piece).tobytes(), digest_size=8).hexdigest()


def find_works(pieces: Sequence[Piece]) -> list[list[int]]:
    """Group pieces that are one work.

    Returns:
        The indices of each work's pieces; works and pieces in the order of `pieces`.
    """
    works = _Partition(len(pieces))
    first: dict[str, int] = {}
    for i, piece in enumerate(pieces):
        works.join(first.setdefault(digest(piece), i), i)
    distinct = sorted(first.values())
    for one, other in _alike([_stretches(pieces[i]) for i in distinct]):
        works.join(distinct[one], distinct[other])
    return works.parts()


def split_works(
    pieces: Sequence[Piece], share: float, seed: int, known: Set[str] = frozenset()
) -> tuple[list[int], list[int]]:
    """Choose works to hold out. What is chosen depends on the music and the seed only.

    Args:
        pieces: the corpus.
        share: how much of the pieces to hold out, at least one work.
        seed: another one chooses others.
        known: digests of pieces that were held out before: where there are any, their works are
            held out again, and no others.

    Returns:
        The indices of the pieces to learn from, and of those held out, ascending. Where all
        pieces are one work, none is left to learn from.
    """
    key = seed.to_bytes(8, "big")

    def lot(work: list[int]) -> bytes:
        name = min(digest(pieces[i]) for i in work)
        return hashlib.blake2b(name.encode(), key=key).digest()

    works = find_works(pieces)
    held_out = [i for work in works if known & {digest(pieces[i]) for i in work} for i in work]
    if not held_out:
        wanted = max(share * len(pieces), min(map(len, works)))
        for work in sorted(works, key=lot):
            if len(held_out) + len(work) <= wanted:
                held_out += work
    return sorted(set(range(len(pieces))) - set(held_out)), sorted(held_out)


def _line(piece: Piece) -> npt.NDArray[np.int32]:
    """The steps between the highest notes of a piece's onsets, in semitones."""
    ticks, pitches = piece.notes[:, 0], piece.notes[:, 1]
    highest = np.append(ticks[1:] != ticks[:-1], True)  # notes are in order of tick, then pitch
    line: npt.NDArray[np.int32] = np.diff(pitches[highest])
    return line


def _stretches(piece: Piece) -> _Stretches:
    """The distinct stretches of a piece's line, each as a number."""
    line = _line(piece)
    if len(line) < _STRETCH:
        line = np.pad(line, (0, _STRETCH - len(line)), constant_values=128)
    windows = np.lib.stride_tricks.sliding_window_view(line + 256, _STRETCH)
    weights = np.uint64(0x9E3779B97F4A7C15) ** np.arange(1, _STRETCH + 1, dtype=np.uint64)
    return np.unique(windows.astype(np.uint64) @ weights)  # modulo 2 to the 64th


def _alike(stretches: list[_Stretches]) -> Iterator[tuple[int, int]]:
    """The pairs of pieces that share enough of their rare stretches."""
    owners = np.repeat(np.arange(len(stretches)), [len(each) for each in stretches])
    values = np.concatenate(stretches)
    order = np.argsort(values, kind="stable")
    owners, values = owners[order], values[order]
    begins = np.flatnonzero(np.append(True, values[1:] != values[:-1]))
    sizes = np.diff(np.append(begins, len(values)))
    rare = np.repeat(sizes <= _COMMON, sizes)
    all_counts = np.bincount(owners, minlength=len(stretches))
    rare_counts = np.bincount(owners[rare], minlength=len(stretches))
    shared: Counter[tuple[int, int]] = Counter()
    neighbours: Counter[tuple[int, int]] = Counter()  # of all that have a stretch, in their order
    for begin, size in zip(begins.tolist(), sizes.tolist(), strict=True):
        having = owners[begin : begin + size].tolist()
        neighbours.update(pairwise(having))
        if size <= _COMMON:
            shared.update(combinations(having, 2))
    for pairs, counts, enough in (
        (shared, rare_counts, _ENOUGH),
        (neighbours, all_counts, _ENOUGH_OF_ALL),  # of a work in many versions, nothing is rare
    ):
        for (one, other), number in pairs.items():
            if number >= enough * min(counts[one], counts[other]):
                yield one, other


class _Partition:
    """Disjoint sets of 0 to n - 1 (union-find)."""

    def __init__(self, n: int) -> None:
        self._parents = list(range(n))

    def join(self, one: int, other: int) -> None:
        low, high = sorted((self._root(one), self._root(other)))
        self._parents[high] = low

    def parts(self) -> list[list[int]]:
        found: dict[int, list[int]] = {}
        for i in range(len(self._parents)):
            found.setdefault(self._root(i), []).append(i)
        return list(found.values())

    def _root(self, i: int) -> int:
        while self._parents[i] != i:
            self._parents[i] = self._parents[self._parents[i]]
            i = self._parents[i]
        return i
