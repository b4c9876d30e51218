import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from livecomposer.music.tempo import (
    TempoMap,
    ceil_to,
    nearest_tick,
    parse_beats,
    snap,
    spell_beats,
)


@pytest.mark.parametrize(
    ("tick", "step", "snapped"),
    [(0, 6, 0), (2, 6, 0), (3, 6, 6), (4, 6, 6), (8, 6, 6), (9, 6, 12), (1, 3, 0), (2, 3, 3),
     (5, 1, 5), (4, 8, 8)],
)  # fmt: skip
def test_snap(tick, step, snapped):
    assert snap(tick, step) == snapped


@pytest.mark.parametrize(("tick", "up"), [(0, 0), (1, 12), (12, 12), (13, 24), (-1, 0)])
def test_ceil_to(tick, up):
    assert ceil_to(tick, 12) == up


@pytest.mark.parametrize(
    ("beats", "ticks"), [(0.25, 6), (4, 96), ("1/3", 8), ("0.5", 12), (1e-9 + 1, None), (0.3, None)]
)
def test_parse_beats(beats, ticks):
    if ticks is None:
        with pytest.raises(ValueError, match="multiple of 1/24"):
            parse_beats(beats)
    else:
        assert parse_beats(beats) == ticks
        assert parse_beats(spell_beats(ticks)) == ticks


@given(st.integers(0, 10**9), st.integers(1, 32767))
def test_nearest_tick_is_nearest(position, division):
    tick = nearest_tick(position, division)
    assert abs(tick * division - 24 * position) * 2 <= division


def test_times_of_a_tempo_map():
    tempo_map = TempoMap(480, [(0, 500_000), (960, 250_000), (960, 1_000_000)])
    assert [tempo_map.ns_at(p, 480) for p in (0, 480, 960, 1440)] == [
        0, 500_000_000, 1_000_000_000, 2_000_000_000,
    ]  # fmt: skip
    assert [tempo_map.position_at(ns, 480) for ns in (0, 500_000_000, 1_500_000_000)] == [
        0, 480, 1200,
    ]  # fmt: skip


TEMPOS = st.integers(6_000, 60_000_000)


@given(
    st.integers(1, 32767),
    st.lists(st.tuples(st.integers(0, 100_000), TEMPOS), max_size=6),
    st.integers(0, 10**6),
)
def test_a_time_rounded_to_nanoseconds_comes_to_the_tick_that_the_file_says(
    division, changes, position
):
    tempo_map = TempoMap(division, sorted(changes, key=lambda change: change[0]))
    ns = tempo_map.ns_at(position, division)
    assert tempo_map.position_at(ns, 24) == nearest_tick(position, division)
    assert tempo_map.position_at(ns, division) == position


@given(st.integers(), st.integers(0, 2**24 - 1))
def test_absurd_tempos_are_held_in_bounds(position, tempo):
    assume(0 <= position < 10**9)
    tempo_map = TempoMap(96, [(0, tempo)])
    assert 6_000_000 * position // 96 <= tempo_map.ns_at(position, 96) + 1
    assert tempo_map.ns_at(position, 96) <= 60_000_000_000 * position // 96 + 1


def test_before_the_start_the_first_tempo_rules():
    tempo_map = TempoMap(24, [(0, 500_000), (48, 1_000_000)])
    assert [tempo_map.ns_at(tick, 24) for tick in (-24, 0)] == [-500_000_000, 0]
