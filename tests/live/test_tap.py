import pytest

from livecomposer.config import Tap
from livecomposer.live.clock import InternalClock
from livecomposer.live.tap import TapTempo

MS = 1_000_000


def tempo_after(taps_ms):
    clock = InternalClock(100, 0)
    tap = TapTempo(Tap("note", 36), clock)
    for at in taps_ms:
        assert tap.take(at * MS, b"\x90\x24\x40")
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
    tap = TapTempo(Tap("cc", 64), clock)
    for at in (0, 400, 800):
        tap.take(at * MS, b"\xb0\x40\x7f")
        tap.take((at + 10) * MS, b"\xb0\x40\x00")  # let go: no tap
    assert clock.tick_at(800 * MS) == 38  # 1.6 beats
    assert clock.ns_at(24 * 3) - clock.ns_at(24 * 2) == 400 * MS


TAKEN = [
    (Tap("note", 36), "90 24 40", True), (Tap("note", 36), "95 24 00", True),
    (Tap("note", 36), "80 24 40", True), (Tap("note", 36), "90 25 40", False),
    (Tap("note", 36), "b0 24 40", False), (Tap("cc", 36), "b3 24 00", True),
    (Tap("cc", 36), "90 24 40", False), (Tap("cc", 36), "c0 24", False),
]  # fmt: skip


@pytest.mark.parametrize(("mapping", "message", "taken"), TAKEN)
def test_what_is_the_taps_is_no_music(mapping, message, taken):
    assert TapTempo(mapping, InternalClock(120, 0)).take(0, bytes.fromhex(message)) is taken
