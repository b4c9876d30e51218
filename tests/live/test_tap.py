import pytest

from livecomposer.live.clock import InternalClock
from livecomposer.live.tap import TapTempo

MS = 1_000_000


def tempo_after(taps_ms):
    clock = InternalClock(100, 0)
    tap = TapTempo(clock)
    for at in taps_ms:
        tap.tap(at * MS)
    end = taps_ms[-1] * MS
    return round(60e9 / (clock.ns_at(clock.tick_at(end) + 24) - clock.ns_at(clock.tick_at(end))), 3)


TAPS = [
    ([0], 100),
    ([0, 500], 100),
    ([0, 500, 1000], 120),
    ([0, 490, 1010, 1500], 120),
    ([0, 20, 500, 1000, 1010], 120),  # bounces
    ([0, 150, 300], 400),
    ([0, 3000, 6000], 20),
    ([0, 500, 4000, 4400, 4800], 150),  # a pause: anew
    ([0, 500, 1000, 1300, 1600], 200),  # another tempo
    ([0, 3100, 6200], 100),
    (list(range(0, 10_000, 600)), 100),
]


@pytest.mark.parametrize(("taps", "tempo"), TAPS)
def test_taps_set_the_tempo(taps, tempo):
    assert tempo_after(taps) == tempo


def test_the_position_stays():
    clock = InternalClock(120, 0)
    tap = TapTempo(clock)
    for at in (0, 400, 800):
        tap.tap(at * MS)
    assert clock.tick_at(800 * MS) == 38  # 1.6 beats
    assert clock.ns_at(24 * 3) - clock.ns_at(24 * 2) == 400 * MS
