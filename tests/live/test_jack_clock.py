"""JACK's transport, as told cycle by cycle: positions out."""

from livecomposer.live.jack_clock import JackClock, Transport

S = 1_000_000_000


def test_it_runs_while_the_transport_rolls():
    clock = JackClock(120)
    assert not clock.running
    clock.follow(5 * S, Transport(rolling=True, seconds=0.25))
    assert (clock.running, clock.breaks, clock.tick_at(5 * S) % 24) == (True, 0, 12)
    assert clock.tick_at(6 * S) - clock.tick_at(5 * S) == 48
    clock.follow(7 * S, Transport(rolling=False, seconds=2.25))
    assert (clock.running, clock.breaks) == (False, 1)
    clock.follow(8 * S, Transport(rolling=False, seconds=0))
    assert clock.breaks == 1


def test_the_timebase_goes_before_the_configured_tempo():
    clock = JackClock(120)
    clock.follow(0, Transport(rolling=True, seconds=10, beats=7.5, tempo_bpm=60))
    assert (clock.tick_at(0) % 24, clock.tick_at(S) - clock.tick_at(0)) == (12, 24)


def test_a_change_of_tempo_is_no_break():
    clock = JackClock(120)
    clock.follow(0, Transport(rolling=True, seconds=0, beats=0, tempo_bpm=120))
    clock.follow(S, Transport(rolling=True, seconds=1, beats=2.0, tempo_bpm=90))
    assert (clock.breaks, clock.tick_at(S), clock.ns_at(72)) == (0, 48, 1_666_666_667)


def test_positions_only_grow_and_a_jump_out_of_the_bar_is_a_break():
    clock = JackClock(60)
    clock.follow(0, Transport(rolling=True, seconds=100))
    clock.follow(10 * S, Transport(rolling=True, seconds=2))  # to another bar: no break
    assert (clock.breaks, clock.tick_at(10 * S) % 96) == (0, 48)
    before = clock.tick_at(20 * S)
    clock.follow(20 * S, Transport(rolling=True, seconds=0.5))
    assert (clock.breaks, clock.tick_at(20 * S)) == (1, before + 12)
    clock.follow(21 * S, Transport(rolling=True, seconds=0.5))  # a beat back: on to the next bar
    assert (clock.breaks, clock.tick_at(21 * S)) == (2, before + 12 + 96)


def test_small_corrections_are_no_break():
    clock = JackClock(120)
    clock.follow(0, Transport(rolling=True, seconds=0))
    for i in range(1, 1000):
        clock.follow(i * S, Transport(rolling=True, seconds=i + 0.001 * (-1) ** i))
    assert (clock.breaks, clock.tick_at(999 * S)) == (0, 48 * 999)


def test_what_a_late_server_loses_is_no_break():
    clock = JackClock(120)
    clock.follow(0, Transport(rolling=True, seconds=0))
    clock.follow(10 * S, Transport(rolling=True, seconds=9.97))
    assert (clock.breaks, clock.ns_at(clock.tick_at(20 * S))) == (0, 20 * S + 9_166_667)


def test_a_mad_tempo_pauses(caplog):
    clock = JackClock(120)
    clock.follow(0, Transport(rolling=True, seconds=0))
    clock.follow(S, Transport(rolling=True, seconds=1, beats=1, tempo_bpm=1000))
    assert (clock.running, clock.breaks) == (False, 1)
    assert "JACK's tempo is 1000, expected 20 to 400" in caplog.text
    clock.follow(2 * S, Transport(rolling=True, seconds=2, beats=4, tempo_bpm=100))
    assert clock.running
