"""How often something may happen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livecomposer.monitor.rates import Rate


def test_a_seconds_worth_is_at_hand_and_then_all_wait_their_turn():
    rate = Rate(4)
    assert [rate.delay(9.0) for _ in range(6)] == [0, 0, 0, 0, 0.25, 0.5]
    assert rate.delay(9.5) == 0.25
    assert rate.delay(100.0) == 0


@given(st.floats(1, 500), st.lists(st.floats(0, 3), max_size=100))
def test_who_waits_as_told_never_makes_more(a_second, gaps):
    rate, now, times = Rate(a_second), 0.0, []
    for gap in gaps:
        now += gap
        now += rate.delay(now)
        times.append(now)
    for i, begin in enumerate(times):
        for j, end in enumerate(times[i:], 1):
            assert j <= a_second * (1 + end - begin) + 1 + 1e-6


def test_nothing_is_saved_up_beyond_a_second():
    rate = Rate(2)
    assert rate.delay(0) == 0
    assert [rate.delay(1000) for _ in range(3)] == pytest.approx([0, 0, 0.5])
