import pytest
from hypothesis import given
from hypothesis import strategies as st

from livecomposer.live.frame_clock import FrameClock

RATE, PERIOD = 48_000, 64
START = 5 * 10**15  # of the monotonic clock


class Server:
    """Runs cycles in virtual time; a cycle's callback is late by as much as is said."""

    def __init__(self, first=0):
        self.clock, self.first, self.frame, self.lost = FrameClock(RATE), first, first, 0

    def time_of(self, frame):
        return START + (frame - self.first + self.lost) * 10**9 // RATE

    def run(self, cycles, late_ns=lambda i: 0):
        for i in range(cycles):
            self.frame += PERIOD
            now = self.time_of(self.frame) + late_ns(i)
            self.clock.observe(self.frame % 2**32, now)
        return self

    def error_ns(self, frame):
        return self.clock.ns_of(frame) - self.time_of(frame)


@given(st.integers(0, 2**40), st.integers(0, 2**24), st.sampled_from([44_100, 48_000, 96_000]))
def test_frames_and_times_are_exact_both_ways(offset, frame, rate):
    clock = FrameClock(rate)
    clock.observe(0, offset)
    assert clock.frame_of(clock.ns_of(frame)) == frame
    assert clock.frame_of(clock.last_ns_of(frame)) == frame
    assert clock.frame_of(clock.last_ns_of(frame) + 1) == frame + 1


def test_callbacks_that_are_late_make_no_jitter():
    server = Server().run(1000, late_ns=lambda i: 0 if i % 20 == 0 else 40_000 + i * 997 % 500_000)
    before = server.clock.offset_ns
    server.run(10_000, late_ns=lambda i: 0 if i % 20 == 0 else i * 997 % 500_000)
    assert server.clock.offset_ns == before
    assert abs(server.error_ns(server.frame + 480)) <= 100_000


@pytest.mark.parametrize("lost", [48, 240, 48_000])
def test_frames_that_were_lost_are_made_up_for(lost):
    server = Server().run(100)
    server.lost += lost
    assert abs(server.run(64).error_ns(server.frame)) <= 100_000


def test_a_crystal_that_is_off_is_followed():
    server = Server()
    for _ in range(2000):  # a frame is lost every 85 ms: 240 parts in a million
        server.run(64)
        server.lost += 1
        assert abs(server.error_ns(server.frame)) < 150_000


def test_the_count_of_frames_wraps_around_after_a_day():
    server = Server(first=2**32 - 5000).run(200)
    assert server.frame > 2**32
    full = server.clock.unwrap(server.frame % 2**32)
    before = server.clock.unwrap((server.frame - 9000) % 2**32)  # before it wrapped
    assert full - before == 9000
    assert abs(server.clock.ns_of(full) - server.time_of(server.frame)) <= 1
