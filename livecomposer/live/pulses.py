"""MIDI clock's pulses made smooth: tempo and phase from arrival times that jitter.

It numbers pulses and knows nothing of Start, Stop or song positions, nor of the present: a master
that has fallen silent is for the caller to notice. Times are integer nanoseconds of any clock that
never goes back.
"""

from collections import deque
from math import inf, sqrt
from statistics import median
from typing import NamedTuple

from livecomposer.music.tempo import TICKS_PER_BEAT  # MIDI 1.0 sends as many pulses a beat

MINUTE_NS = 60_000_000_000
FASTEST_NS = MINUTE_NS / (400 * 1.05 * TICKS_PER_BEAT)
SLOWEST_NS = MINUTE_NS / (20 / 1.05 * TICKS_PER_BEAT)
GAP_NS = 550_000_000  # longer than four pulses at 20 BPM: three lost in a row are no gap

WINDOWS = (8, 16, 32, 64, 128, 256, 512)
AGREEMENT = 2.0  # how many standard errors a line may be off one through fewer pulses

FIRST_NOISE_NS, LEAST_NOISE_NS = 3_000_000, 200_000
NEAR, FAR = 3.2, 5.0  # standard errors: never doubtful below, always above
SLIP = 0.6  # of a period: from here on a pulse may be another one than the next

# What hypotheses cost, as -2 ln(probability): a lost or doubled pulse is one in 50, an outlier one
# in 150, a new tempo or phase just here one in 3,000. One is believed when 400 times as likely.
SLIP_COST, OUTLIER_COST, CHANGE_COST, MARGIN = 8, 10, 16, 12
LEAST_DOUBTS, PATIENCE = 4, TICKS_PER_BEAT // 2

# JACK and PipeWire hand MIDI over once a period of 2**n frames; PipeWire's default is 1024/48000 s.
GRAINS_NS = [2**n * 10**9 / rate for rate in (44_100, 48_000) for n in (9, 10, 11)]


class _Line(NamedTuple):
    """A line through pulses: pulse `index` is at `ns`, the others `period_ns` apart."""

    index: int
    ns: int
    period_ns: float
    count: int = 0  # of the pulses it goes through
    centre: float = 0.0  # the mean of their indices
    spread: float = 0.0  # the sum of their squared distances from it

    def ns_at(self, index: float) -> int:
        return self.ns + round((index - self.index) * self.period_ns)

    def variance(self, index: float) -> float:
        """Of its time at an index, where a pulse's own is 1: the textbook's for regression."""
        if not self.spread:
            return inf
        return 1 / self.count + (index - self.centre) ** 2 / self.spread


class _Window:
    """The latest pulses. Running sums make a line cost the same through 8 of them as through 512.

    The sums are integers, so that they stay exact however long they run.
    """

    def __init__(self) -> None:
        self._points: list[tuple[int, int]] = []
        self._sums = [(0, 0, 0, 0, 0)]

    def __len__(self) -> int:
        return len(self._points)

    @property
    def last(self) -> tuple[int, int]:
        return self._points[-1]

    def add(self, index: int, ns: int) -> None:
        i, t, ii, it, tt = self._sums[-1]
        self._points.append((index, ns))
        self._sums.append((i + index, t + ns, ii + index**2, it + index * ns, tt + ns**2))
        if len(self._points) > WINDOWS[-1]:
            del self._points[0], self._sums[0]

    def moved(self, ns: int) -> "_Window":
        window = _Window()
        for index, at in self._points:
            window.add(index, at + ns)
        return window

    def _moments(self, count: int) -> tuple[int, int, int, int, int]:
        """Sums of index and time, then sums of squares about the mean, times count."""
        before, now = self._sums[-1 - count], self._sums[-1]
        i, t, ii, it, tt = (b - a for a, b in zip(before, now, strict=True))
        return i, t, count * ii - i * i, count * it - i * t, count * tt - t * t

    def line(self, count: int, guess_ns: float) -> _Line:
        """The least-squares line through the latest pulses, or one of a guessed period."""
        i, t, ii, it, _ = self._moments(count)
        period = it / ii if ii and it > 0 else guess_ns
        index, ns = self.last
        late = (t - count * ns + period * (count * index - i)) / count
        return _Line(index, ns + round(late), period, count, i / count, ii / count)

    def squares(self, count: int) -> float:
        """The sum of squared distances of the latest pulses from their line, in ns squared."""
        _, _, ii, it, tt = self._moments(count)
        return (ii * tt - it * it) / (ii * count) if ii else 0.0


class _Doubt(NamedTuple):
    """A pulse too far from its expected time, or one soon after such."""

    index: int  # its number, if the tempo is still the same
    ns: int
    late_ns: float  # against that number's time
    score: float  # the same in standard errors
    slipped: bool  # isn't numbered one more than the one before


class Pulses:
    """Numbers pulses, and tells when each is and will be.

    A line is kept through as many of the latest pulses as one line fits. A pulse far off it changes
    nothing until a few more have come: then pulses were lost or doubled, or there is a new tempo.

    Args:
        period_ns: the guess until two pulses have come.
    """

    def __init__(self, period_ns: float) -> None:
        self.index = -1  # number of the last pulse, the first being 0
        self._line = _Line(-1, 0, float(period_ns))
        self._window = _Window()
        self._doubts: list[_Doubt] = []
        self._good = -1  # index before the doubts
        self._last_ns = 0
        self._arrivals: deque[int] = deque(maxlen=TICKS_PER_BEAT)
        self._known_noise_ns = self._own_noise_ns = float(FIRST_NOISE_NS)
        self._grain_ns = 0.0
        self._count = 0  # of pulses since the last gap
        self._surprise = 1.0  # a running mean of distances from the expected time, in periods
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
        """Whether pulses come regularly, at 20 to 400 beats a minute."""
        return self._count >= 4 and self._regular and FASTEST_NS <= self.period_ns <= SLOWEST_NS

    def index_at(self, ns: int) -> float:
        """The smoothed position at a time, in pulses. Without meaning until a pulse has come."""
        return self._line.index + (ns - self._line.ns) / self._line.period_ns

    def ns_at(self, index: float) -> int:
        """When a position is: the inverse of `index_at`."""
        return self._line.ns_at(index)

    def restart(self) -> None:
        """The next pulse has no relation in phase to the last one, but the next index."""
        self._count = 0

    def pulse(self, ns: int) -> None:
        """A pulse arrived."""
        if not self._count:
            self._begin(self.index + 1, ns)
        elif ns - self._last_ns > GAP_NS:
            self._begin(max(self.index + 1, round(self.index_at(ns))), ns)
        else:
            self._follow(ns)
        self._last_ns = ns

    def _begin(self, index: int, ns: int) -> None:
        self.index, self._count, self._doubts = index, 1, []
        self._arrivals.clear()
        self._arrivals.append(ns)
        self._renew(_Window())
        self._window.add(index, ns)
        self._line = self._window.line(1, self.period_ns)

    def _follow(self, ns: int) -> None:
        index = self.index + 1
        late = float(ns - self.ns_at(index))
        self._arrivals.append(ns)
        self._count += 1
        self._watch(abs(late) / self.period_ns)
        error = self._error_ns(index)
        if abs(late) > min(FAR * error, self._slip_ns(error)):
            self._grain_ns = self._find_grain()
            error = self._error_ns(index)
        slip = self._slip_ns(error)
        if not self._doubts:
            if abs(late) <= min(FAR * error, slip):
                self.index = index
                self._window.add(index, ns)
                self._fit()
                return
            self._good = self.index
        slipped = round(late / self.period_ns) if abs(late) > slip else 0
        late -= slipped * self.period_ns
        self.index = index + slipped
        self._doubts.append(_Doubt(self.index, ns, late, late / error, bool(slipped)))
        if len(self._doubts) >= LEAST_DOUBTS:
            self._decide()

    @property
    def _noise_ns(self) -> float:
        # A third: a pulse in the next period of a grained master is then no outlier.
        return max(LEAST_NOISE_NS, self._own_noise_ns, self._grain_ns / 3)

    def _error_ns(self, index: int) -> float:
        """The standard error of a pulse against the line."""
        return self._noise_ns * sqrt(1 + self._line.variance(index))

    def _slip_ns(self, error_ns: float) -> float:
        return max(SLIP * self.period_ns, NEAR * error_ns)

    def _watch(self, surprise: float) -> None:
        self._surprise += (min(1.0, surprise) - self._surprise) / min(self._count, 32)
        self._regular = self._surprise < (0.5 if self._regular else 0.35)

    def _find_grain(self) -> float:
        """The period of audio on whose multiples pulses arrive, in ns, or else 0.

        A tempo near it looks the same as an exact one with lost or doubled pulses.
        """
        first, count = self._arrivals[0], len(self._arrivals)
        for grain in GRAINS_NS:
            off = (abs((ns - first + grain / 2) % grain - grain / 2) for ns in self._arrivals)
            if count >= 4 and 3 * sum(ns < 400_000 for ns in off) >= 2 * count:
                return grain
        return 0.0

    def _renew(self, window: _Window) -> None:
        self._window, self._known_noise_ns = window, self._own_noise_ns

    def _fit(self) -> None:
        """The noise is that of the latest beat; the line goes through the largest window that fits.

        It is chosen by intersecting confidence intervals (Goldenshluger and Nemirovski 1997).
        """
        window, length = self._window, len(self._window)
        beat = min(length, TICKS_PER_BEAT)
        squares = window.squares(beat) + (TICKS_PER_BEAT - beat) * self._known_noise_ns**2
        self._own_noise_ns = sqrt(squares / (TICKS_PER_BEAT - 2))
        noise, guess = self._noise_ns, self.period_ns
        earliest, latest = -inf, inf
        for count in WINDOWS:
            line = window.line(min(count, length), guess)
            error = AGREEMENT * noise * sqrt(line.variance(line.index))
            earliest, latest = max(earliest, line.ns - error), min(latest, line.ns + error)
            if earliest > latest:
                break
            self._line = line
            if count >= length:
                break

    def _decide(self) -> None:
        """Find what explains the doubtful pulses, once that is clear."""
        doubts, count = self._doubts, len(self._doubts)
        fresh = _Window()
        fresh.add(*self._window.last)
        for index, doubt in enumerate(doubts, self._good + 1):
            fresh.add(index, doubt.ns)
        shift = median(doubt.score for doubt in doubts)
        slips = SLIP_COST * sum(doubt.slipped for doubt in doubts)

        def off_line(shift: float) -> float:
            return slips + sum(min((doubt.score - shift) ** 2, OUTLIER_COST) for doubt in doubts)

        costs = {
            "same": off_line(0),
            "moved": off_line(shift) + CHANGE_COST,
            "new": fresh.squares(count + 1) / self._noise_ns**2 + CHANGE_COST,
        }
        if fresh.line(count + 1, inf).period_ns < FASTEST_NS / 1.5:
            costs["new"] = inf  # two doubled pulses near each other look like that
        best, second, _ = sorted(costs, key=costs.__getitem__)
        if count < PATIENCE and costs[second] - costs[best] < MARGIN:
            return
        if best == "new":
            self._renew(fresh)
            self.index = self._good + count
        else:
            if best == "moved":
                move = round(median(doubt.late_ns for doubt in doubts))
                self._window = self._window.moved(move)
            else:
                shift = 0
            for doubt in doubts:
                fits = abs(doubt.score - shift) < NEAR or count >= PATIENCE
                if doubt.index > self._window.last[0] and fits:
                    self._window.add(doubt.index, doubt.ns)
        self._doubts = []
        self._fit()
