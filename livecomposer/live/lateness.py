"""How late messages went out: a histogram of bounded size, cheap for the real-time thread."""

_LINEAR = 16  # below, a bucket for each value
_PER_OCTAVE = _LINEAR // 2


class Lateness:
    """Counts values in buckets an eighth of their size wide, so that quantiles err by as much.

    Attributes:
        count: how many values were recorded.
        max_ns: the greatest of them, exactly.
    """

    def __init__(self) -> None:
        self.count = 0
        self.max_ns = 0
        self._buckets = [0] * (_bucket(2**63) + 1)

    def record(self, ns: int) -> None:
        """Count a value in nanoseconds; a negative one, of a message that was early, as 0."""
        ns = min(max(ns, 0), 2**63)
        self.count += 1
        self._buckets[_bucket(ns)] += 1
        self.max_ns = max(self.max_ns, ns)

    def quantile_ns(self, share: float) -> int:
        """The value that this share (0 to 1) of all values doesn't exceed; 0 if there are none."""
        below = 0
        for bucket, count in enumerate(self._buckets):
            below += count
            if count and below >= share * self.count:
                return min(_upper_end(bucket), self.max_ns)
        return self.max_ns

    def above(self, ns: int) -> int:
        """How many values lay above `ns`, to the width of a bucket."""
        return sum(self._buckets[_bucket(ns) + 1 :])

    def __str__(self) -> str:
        p50, p99 = self.quantile_ns(0.5) / 1e6, self.quantile_ns(0.99) / 1e6
        return f"p50 {p50:.3f} ms, p99 {p99:.3f} ms, max {self.max_ns / 1e6:.3f} ms"


def _bucket(ns: int) -> int:
    octave = max(0, ns.bit_length() - _LINEAR.bit_length() + 1)
    return octave * _PER_OCTAVE + (ns >> octave)


def _upper_end(bucket: int) -> int:
    """The greatest value in a bucket."""
    if bucket < _LINEAR:
        return bucket
    octave, place = divmod(bucket - _PER_OCTAVE, _PER_OCTAVE)
    return ((place + _PER_OCTAVE + 1) << octave) - 1
