"""MIDI clock's pulses made smooth: tempo and phase from arrival times that jitter.

It numbers pulses. Start, Stop, song positions and a master's silence are the caller's business.
"""

from collections import deque
from collections.abc import Iterable
from math import inf, sqrt
from operator import sub
from statistics import median
from typing import NamedTuple

from livecomposer.music.tempo import TICKS_PER_BEAT  # MIDI 1.0 sends as many pulses a beat

FASTEST_NS, SLOWEST_NS = (60e9 / TICKS_PER_BEAT / bpm for bpm in (400 * 1.05, 20 / 1.05))
GAP_NS = 550_000_000  # more than four pulses at 20 BPM: three lost in a row are no gap
LEAST_DOUBTS, HALF_BEAT = 4, TICKS_PER_BEAT // 2

WINDOWS = (16, 32, 64, 128, 256, 512)
CONFIDENCE = 2.0  # standard errors to either side of a line, where it meets the latest pulse
FIRST_NOISE_NS, LEAST_NOISE_NS = 3e6, 2e5
NEAR, FAR = 3.2, 5.0  # standard errors: a pulse nearer is never in doubt, one farther always
SLIP = 0.6  # periods: from here on it may be another pulse than the next one
REGULAR, UNDECIDED = 0.35, 0.45  # mean periods off: regular below the first, irregular above
REGULAR_NS = 15_000_000  # a period, where pulses come faster: jitter doesn't shrink with them

# What guesses cost, as -2 ln(probability): a lost or doubled pulse comes once in 20, one far off
# once in 150, a new tempo or phase once in 3,000. A guess is believed when 400 times as likely.
SLIP_COST, OUTLIER_COST, CHANGE_COST, MARGIN = 6, 10, 16, 12

# JACK and PipeWire hand MIDI over once a period of 2**n frames; PipeWire's default is 1024/48000 s.
GRAINS_NS = [2**n * 1e9 / rate for n in (11, 10, 9) for rate in (44_100, 48_000)]
GRAIN_JITTER_NS = 400_000


class _Line(NamedTuple):
    """A line through pulses: number `at` is at `ns`, the others `period_ns` apart."""

    at: int
    ns: int
    period_ns: float
    size: int = 0  # how many pulses it goes through
    centre: float = 0.0  # the mean of their numbers
    spread: float = 0.0  # the sum of squared distances from it

    def variance(self, index: float) -> float:
        """How uncertain it is there, where one pulse's variance is 1 (simple regression's)."""
        return 1 / self.size + (index - self.centre) ** 2 / self.spread if self.spread else inf


class _Window:
    """The latest pulses, as (index, ns), and lines through any number of them by running sums."""

    def __init__(self, points: Iterable[tuple[int, int]]) -> None:
        self.points: list[tuple[int, int]] = []
        self._sums = [(0, 0, 0, 0, 0)]  # integers stay exact, however long they run
        self.extend(points)

    def extend(self, points: Iterable[tuple[int, int]]) -> None:
        for index, ns in points:
            i, t, ii, it, tt = self._sums[-1]
            self.points.append((index, ns))
            self._sums.append((i + index, t + ns, ii + index**2, it + index * ns, tt + ns**2))
        old = max(0, len(self.points) - WINDOWS[-1])
        del self.points[:old], self._sums[:old]

    def _moments(self, size: int) -> tuple[int, int, int, int, int]:
        """Of the latest pulses: sums of index and time; sums of products about the mean, * size."""
        i, t, ii, it, tt = map(sub, self._sums[-1], self._sums[-1 - size])
        return i, t, size * ii - i * i, size * it - i * t, size * tt - t * t

    def line(self, size: int, guess_ns: float) -> _Line:
        """The least-squares line through the latest pulses; of a guessed period if they are one."""
        i, t, ii, it, _ = self._moments(size)
        # Two that are doubled, or come in one bunch after a stall, make no tempo.
        period = it / ii if it > ii * FASTEST_NS / 1.5 else guess_ns
        index, ns = self.points[-1]
        late = (t - size * ns + period * (size * index - i)) / size
        return _Line(index, ns + round(late), period, size, i / size, ii / size)

    def squares(self, size: int) -> float:
        """The sum of squared distances of the latest pulses from their line, in ns squared."""
        _, _, ii, it, tt = self._moments(size)
        return (ii * tt - it * it) / (ii * size) if ii else 0.0


class Pulses:
    """Numbers pulses, and tells when each was and will be: ns of any clock that never goes back.

    A line is kept through as many of the latest pulses as fit one. A pulse far off it changes
    nothing until a few more have come and told whether pulses were lost or the tempo changed.

    Args:
        period_ns: the guess until two pulses have come.
    """

    def __init__(self, period_ns: float) -> None:
        self.index = -1  # number of the last pulse, the first one being 0
        self._last_ns, self._heard = 0, 0  # its time; pulses since the last restart
        self._arrivals: deque[int] = deque(maxlen=TICKS_PER_BEAT)  # whatever they were taken for
        self._bunch = False  # whether the last pulse ended a gap, and others may come with it
        self._line = _Line(-1, 0, float(period_ns))
        self._window = _Window([])
        # Index, ns, how late in ns and in standard errors, how many slipped: if the tempo holds.
        self._doubts: list[tuple[int, int, float, float, int]] = []
        self._sure = -1  # index before the doubts
        self._variance = FIRST_NOISE_NS**2
        self._grain_ns = 0.0
        self._surprise = UNDECIDED  # mean distance from the expected time, in periods up to 1
        self._regular = False

    @property
    def period_ns(self) -> float:
        """Estimated time between pulses."""
        return self._line.period_ns

    @property
    def phase_error_ns(self) -> float:
        """The last pulse's arrival less its smoothed time."""
        return float(self._last_ns - self.ns_at(self.index))

    @property
    def steady(self) -> bool:
        """Whether pulses come regularly, 20 to 400 beats a minute."""
        known = min(self._heard, len(self._window.points)) >= 4
        crowded = len(self._arrivals) == TICKS_PER_BEAT and (
            self._arrivals[-1] - self._arrivals[0] < (TICKS_PER_BEAT - 1) * FASTEST_NS / 1.2
        )
        in_range = FASTEST_NS <= self.period_ns <= SLOWEST_NS
        return known and self._regular and in_range and not crowded

    def index_at(self, ns: int) -> float:
        """The smoothed position at a time, in pulses. It means nothing before the first one."""
        return self._line.at + (ns - self._line.ns) / self._line.period_ns

    def ns_at(self, index: float) -> int:
        """When a position is: the inverse of `index_at`."""
        return self._line.ns + round((index - self._line.at) * self._line.period_ns)

    def restart(self) -> None:
        """What comes next has no relation in phase to what came; its tempo is a guess."""
        self._heard, self._surprise = 0, UNDECIDED

    def pulse(self, ns: int) -> None:
        """A pulse arrived."""
        self._heard += 1
        self._arrivals.append(ns)
        if self._bunch and ns - self._last_ns < FASTEST_NS / 1.5:
            pass  # it was counted with the gap
        elif self._heard > 1 and ns - self._last_ns <= GAP_NS:
            self._bunch = False
            self._follow(ns)
        else:
            self._bunch = self._heard > 1
            elapsed = round(self.index_at(ns)) if self._heard > 1 else 0
            self.index = max(self.index + 1, elapsed)
            self._window, self._doubts = _Window([(self.index, ns)]), []
            self._line = self._window.line(1, self.period_ns)
        self._last_ns = ns

    def _follow(self, ns: int) -> None:
        index, period = self.index + 1, self.period_ns
        late = float(ns - self.ns_at(index))
        if self._line.spread:
            off = max(0.0, abs(late) - self._grain_ns) / max(period, REGULAR_NS)
            self._surprise += (min(1, off) - self._surprise) / min(self._heard, 24)
            self._regular = self._surprise < (UNDECIDED if self._regular else REGULAR)
        error, slip = self._bounds(index)
        if abs(late) > min(FAR * error, slip) or index % HALF_BEAT == 0:
            self._grain_ns = self._find_grain(ns)
            error, slip = self._bounds(index)
        if not self._doubts:
            if abs(late) <= min(FAR * error, slip):
                self.index = index
                self._window.extend([(index, ns)])
                self._fit()
                return
            self._sure = self.index
        slips = round(late / period) if abs(late) > slip else 0
        late -= slips * period
        self.index = index + slips
        self._doubts.append((self.index, ns, late, late / error, slips))
        if len(self._doubts) >= LEAST_DOUBTS:
            self._decide()

    @property
    def _noise_ns(self) -> float:
        # A third of the grain: a pulse that falls into the next one is then no outlier.
        return max(LEAST_NOISE_NS, sqrt(self._variance), self._grain_ns / 3)

    def _bounds(self, index: int) -> tuple[float, float]:
        """A pulse's standard error against the line, and how far off it may be another, in ns."""
        error = self._noise_ns * sqrt(1 + self._line.variance(index))
        return error, max(SLIP * self.period_ns, NEAR * error)

    def _find_grain(self, latest_ns: int) -> float:
        """The audio period on whose multiples pulses arrive, in ns, or else 0.

        A tempo near one looks the same as that very tempo with pulses lost or doubled.
        """
        times = [point[1] for point in (*self._window.points[-2 * TICKS_PER_BEAT :], *self._doubts)]
        times.append(latest_ns)
        for grain in GRAINS_NS if len(times) >= LEAST_DOUBTS else ():
            offs = [(ns - times[0] + grain / 2) % grain for ns in times]
            middle = median(offs)
            if 3 * sum(abs(off - middle) < GRAIN_JITTER_NS for off in offs) >= 2 * len(offs):
                return grain
        return 0.0

    def _fit(self) -> None:
        """The line goes through the largest window that agrees with all smaller ones.

        It is found by intersecting confidence intervals (Goldenshluger and Nemirovski 1997).
        """
        length, guess = len(self._window.points), self.period_ns
        if length >= HALF_BEAT:  # so short that a changing tempo isn't taken for noise
            variance = self._window.squares(HALF_BEAT) / (HALF_BEAT - 2)
            self._variance += (variance - self._variance) / 16
        noise, low, high = self._noise_ns, -inf, inf
        for size in WINDOWS:
            line = self._window.line(min(size, length), guess)
            error = CONFIDENCE * noise * sqrt(line.variance(line.at))
            low, high = max(low, line.ns - error), min(high, line.ns + error)
            if low > high:
                break
            self._line = line
            if size >= length:
                break

    def _decide(self) -> None:
        """Take the doubtful pulses for what explains them best, once that is clear."""
        indices, times, lates, scores, slips = zip(*self._doubts, strict=True)
        count, noise, middle = len(times), self._noise_ns, median(scores)
        moved = tuple(score - middle for score in scores)
        in_a_row = list(enumerate(times, self._sure + 1))
        recent = self._window.points[-HALF_BEAT:]
        joined, fresh = _Window(recent + in_a_row), _Window(recent[-1:] + in_a_row)
        excess = joined.squares(len(joined.points)) - self._window.squares(len(recent))
        slipped = SLIP_COST * sum(slip != 0 for slip in slips)
        costs = {
            "noise": excess / noise**2,
            "lost or doubled": slipped + sum(min(x * x, OUTLIER_COST) for x in scores),
            "new phase": slipped + sum(min(x * x, OUTLIER_COST) for x in moved) + CHANGE_COST,
            "new tempo": fresh.squares(count + 1) / noise**2 + CHANGE_COST,
        }
        if fresh.line(count + 1, 0).period_ns < FASTEST_NS / 1.5:
            costs["new tempo"] = inf  # two doubled pulses near each other look like one
        best, second, *_ = sorted(costs, key=costs.__getitem__)
        if costs[second] - costs[best] < MARGIN and count < HALF_BEAT:
            return
        if best == "new tempo":
            self._window = fresh
        elif best == "noise":
            self._window.extend(in_a_row)
        else:
            if best == "new phase":
                move, scores = round(median(lates)), moved
                self._window = _Window((index, ns + move) for index, ns in self._window.points)
            for index, ns, score in zip(indices, times, scores, strict=True):
                if abs(score) < NEAR or count == HALF_BEAT:
                    self._window.extend([(index, ns)])
            in_a_row = [(self.index, times[-1])]
        self.index, self._doubts = in_a_row[-1][0], []
        self._fit()
