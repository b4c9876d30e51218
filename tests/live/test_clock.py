import pytest
from hypothesis import given
from hypothesis import strategies as st

from livecomposer.live.clock import InternalClock, ScoreClock
from livecomposer.music.tempo import TempoMap

BEAT = 500_000_000


def test_the_internal_clock_counts_24_ticks_a_beat():
    clock = InternalClock(120, 1000)
    assert [clock.ns_at(tick) for tick in (0, 12, 24)] == [1000, 1000 + BEAT // 2, 1000 + BEAT]
    assert clock.tick_at(1000 + BEAT) == 24
    assert clock.tick_at(1000 + BEAT // 48 - 1) == 0
    assert clock.tick_at(1000 + BEAT // 48 + 1) == 1


@given(st.floats(20, 400), st.integers(0, 10**7), st.integers(0, 10**18))
def test_the_internal_clock_is_exact_both_ways(tempo_bpm, tick, start):
    clock = InternalClock(tempo_bpm, start)
    assert clock.tick_at(clock.ns_at(tick)) == tick


def test_it_does_not_drift():
    clock = InternalClock(133.7, 0)
    ten_hours_of_ticks = 1337 * 24 * 60
    assert clock.ns_at(ten_hours_of_ticks) == 36_000 * 10**9


@pytest.mark.parametrize(("begins", "beat"), [(0.1, 0), (1.9, 0), (2, 4), (7.9, 8), (8, 8)])
def test_a_phrase_after_silence_begins_the_nearest_bar(begins, beat):
    clock = InternalClock(120, 0)
    at = round(begins * BEAT)
    clock.anchor(at, 0)
    assert clock.tick_at(at) == beat * 24
    assert clock.ns_at(beat * 24 + 12) == at + BEAT // 2


def test_an_anchor_never_goes_back_behind_what_was_heard():
    clock = InternalClock(120, 0)
    clock.anchor(round(1.3 * BEAT), 27)
    assert clock.tick_at(round(1.3 * BEAT)) == 96


def test_a_fixed_beat_stays_where_it_is():
    clock = InternalClock(120, 0, fixed=True)
    clock.anchor(round(1.3 * BEAT), 0)
    assert clock.ns_at(24) == BEAT


@given(st.lists(st.tuples(st.integers(0, 10**12), st.floats(20, 400)), max_size=20))
def test_a_change_of_tempo_makes_no_jump(changes):
    clock = InternalClock(120, 0)
    now = 0
    for later, tempo_bpm in changes:
        now += later
        before = clock.tick_at(now)
        clock.set_tempo(now, tempo_bpm)
        assert abs(clock.tick_at(now) - before) <= 1  # where two are as near, to a billionth
        after = clock.tick_at(now)
        assert clock.tick_at(now + round(60e9 / tempo_bpm)) - after in (23, 24, 25)
        assert abs(clock.ns_at(before) - now) <= 30e9 / 24 / tempo_bpm + 1


def test_only_a_stop_breaks_a_free_clock():
    clock = InternalClock(120, 0)
    for message in (b"\xf8", b"\xfa", b"\xfb", b"\xf2\x01\x02", b"\xfe"):
        clock.hear(5, message)
    assert (clock.breaks, clock.running, clock.tick_at(BEAT)) == (0, True, 24)
    clock.hear(6, b"\xfc")
    assert (clock.breaks, clock.running, clock.tick_at(BEAT)) == (1, True, 24)


def test_a_score_has_its_own_beats():
    clock = ScoreClock(TempoMap(480, [(480, 250_000)]))
    clock.anchor(123, 0)
    assert [clock.ns_at(tick) for tick in (0, 24, 48)] == [0, BEAT, BEAT + BEAT // 2]
    assert clock.tick_at(BEAT + BEAT // 2) == 48
