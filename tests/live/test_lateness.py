from hypothesis import given
from hypothesis import strategies as st

from livecomposer.live.lateness import Lateness


def recorded(values):
    lateness = Lateness()
    for value in values:
        lateness.record(value)
    return lateness


def test_of_nothing():
    lateness = Lateness()
    assert (lateness.count, lateness.max_ns, lateness.quantile_ns(0.99)) == (0, 0, 0)


def test_it_says_what_a_musician_can_read():
    lateness = recorded([10_000] * 98 + [2_000_000, 3_500_000])
    assert str(lateness) == "p50 0.010 ms, p99 2.097 ms, max 3.500 ms"
    assert [lateness.above(ns) for ns in (0, 1_000_000, 2_500_000, 10_000_000)] == [100, 2, 1, 0]


@given(st.lists(st.integers(-(2**40), 2**70), min_size=1), st.floats(0.01, 1))
def test_quantiles_err_by_an_eighth_at_most(values, share):
    lateness = recorded(values)
    held = sorted(min(max(value, 0), 2**63) for value in values)
    exact = held[max(0, -int(-share * len(held) // 1) - 1)]
    assert exact <= lateness.quantile_ns(share) <= exact * 1.125 + 1
    assert (lateness.count, lateness.max_ns) == (len(values), held[-1])
