"""Transport: which messages of a master put the music where. Pulses in, positions out."""

import random

import pytest

from livecomposer.live.midi_clock import MidiClock

PULSE = 20_833_333  # at 120
START, CONTINUE, STOP, CLOCK = b"\xfa", b"\xfb", b"\xfc", b"\xf8"


def song(sixteenths):
    return bytes((0xF2, sixteenths & 0x7F, sixteenths >> 7))


class Master:
    """Sends to a clock in virtual time, and notes what becomes of it."""

    def __init__(self, tempo_bpm=120):
        self.clock, self.now, self.period = MidiClock(120), 10**15, 2.5e9 / tempo_bpm

    def send(self, *messages):
        for message in messages:
            self.clock.advance(self.now)
            self.clock.hear(self.now, message)
        return self

    def pulses(self, count, late=lambda: 0):
        for _ in range(count):
            self.now += round(self.period)
            self.clock.advance(self.now)
            self.clock.hear(self.now + late(), CLOCK)
        return self

    def wait(self, seconds):
        self.now += round(seconds * 1e9)
        self.clock.advance(self.now)
        return self

    @property
    def tick(self):
        return self.clock.tick_at(self.now)

    @property
    def state(self):
        return self.clock.running, self.clock.breaks


def test_the_first_pulse_after_start_is_position_0():
    master = Master().send(START)
    assert master.state == (False, 0)
    master.pulses(1)
    assert (master.state, master.tick % 24) == ((True, 0), 0)
    begin = master.tick
    assert master.pulses(240).tick == begin + 240
    assert master.clock.ns_at(begin + 252) == pytest.approx(master.now + 12 * PULSE, abs=100)


# What is sent, and then: whether it runs, the breaks so far, the tick within its bar.
SEQUENCES = {
    "nothing": ([], (False, 0), None),
    "clock only": ([48], (False, 0), None),
    "start": ([START, 25], (True, 0), 24),
    "clock while stopped": ([100, START, 13], (True, 0), 12),
    "stop": ([START, 30, STOP], (False, 1), None),
    "stop, clock goes on": ([START, 30, STOP, 77], (False, 1), None),
    "stop, no clock": ([START, 30, STOP, 9.0], (False, 1), None),
    "stop twice": ([START, 30, STOP, STOP], (False, 1), None),
    "stop and continue": ([START, 31, STOP, 10, CONTINUE, 1], (True, 1), 31),
    "stop and continue after silence": ([START, 31, STOP, 60.0, CONTINUE, 1], (True, 1), 31),
    "stop and start": ([START, 31, STOP, 3, START, 1], (True, 1), 0),
    "start at a song position": ([song(5), CONTINUE, 1], (True, 0), 30),
    "song position, then start": ([song(5), START, 1], (True, 0), 0),
    "relocate as Reaper does": ([START, 30, STOP, song(7), CONTINUE, 1], (True, 1), 42),
    "a loop's end": ([START, 96, song(0), 24], (True, 0), 23),
    "a loop's end within a beat": ([START, 90, song(0), 1], (True, 1), 0),
    "a jump to another bar": ([START, 30, song(405), 1], (True, 0), 30),
    "a jump to another beat": ([START, 30, song(401), 1], (True, 1), 6),
    "start while running": ([START, 30, START, 1], (True, 1), 0),
    "continue while running": ([START, 30, CONTINUE, 1], (True, 0), 30),
    "stop while stopped": ([STOP, 3, STOP, START, 1], (True, 0), 0),
    "the clock fails": ([START, 30, 0.6], (False, 1), None),
    "the clock fails and comes back": ([START, 30, 2.0, 30], (True, 1), None),
    "stop while it fails": ([START, 30, 2.0, STOP, 30], (False, 1), None),
    "a pause of less than that": ([START, 30, 0.3, 12], (True, 0), None),
}


@pytest.mark.parametrize("name", SEQUENCES)
@pytest.mark.parametrize("tempo_bpm", [20, 120, 400])
def test_sequences(name, tempo_bpm):
    sent, state, place = SEQUENCES[name]
    master = Master(tempo_bpm)
    ticks = []
    for item in sent:
        if isinstance(item, bytes):
            master.send(item)
        elif isinstance(item, float):
            master.wait(item)
        else:
            master.pulses(item)
        if master.clock.running:
            ticks.append(master.tick)
    assert master.state == state
    assert place is None or master.tick % 96 == place
    assert ticks == sorted(ticks), "it went back"


def test_continue_goes_on_where_stop_came():
    master = Master().send(START).pulses(31).send(STOP)
    before = master.tick
    assert master.wait(30).send(CONTINUE).pulses(1).tick % 96 == (before + 1) % 96


def test_a_dropout_is_bridged_in_phase():
    master = Master().send(START).pulses(97)
    begin = master.tick
    master.wait(PULSE * 100 / 1e9).pulses(20)
    assert (master.state, master.tick) == ((True, 1), begin + 120)


def test_a_dropout_ends_after_half_a_second():
    master = Master().send(START).pulses(10)
    assert master.clock.due_ns() == master.now + 500_000_000
    assert master.wait(0.499).state == (True, 0)
    assert master.wait(0.001).state == (False, 1)
    assert master.clock.due_ns() is None


@pytest.mark.parametrize("period_ms", [2.5, 25_000, 0.01, 0])
def test_a_master_gone_mad_pauses_the_music_once(period_ms, caplog):
    master = Master().send(START).pulses(48)
    master.period = period_ms * 1e6
    master.pulses(200)
    assert master.state == (False, 1)
    assert len([r for r in caplog.records if r.levelname == "WARNING"]) == 1
    master.period = PULSE
    assert master.wait(1).pulses(48).state == (True, 1)


def test_random_pulses_are_no_clock():
    rng = random.Random(1)
    master = Master().send(START)
    ran = 0
    for _ in range(500):
        master.period = rng.expovariate(1 / PULSE)
        ran += master.pulses(1).clock.running
    assert not master.clock.running
    assert ran < 100
    assert master.clock.breaks <= 3  # no flapping


def test_one_hour_is_exact_to_the_tick():
    master = Master(29.03).send(START).pulses(1)
    begin, hour = master.tick, 29 * 24 * 60
    master.pulses(hour)
    assert master.tick == begin + hour
    assert master.clock.ns_at(begin + hour + 12) == pytest.approx(
        master.now + 12 * master.period, abs=1000
    )


@pytest.mark.parametrize("sigma_ms", [1, 3])
def test_minutes_of_jitter_lose_no_tick(sigma_ms):
    rng = random.Random(1)
    master = Master().send(START).pulses(1)
    begin = master.tick
    master.pulses(120 * 24 * 4, late=lambda: round(rng.gauss(0, sigma_ms * 1e6)))
    assert (master.tick, master.state) == (begin + 120 * 24 * 4, (True, 0))


@pytest.mark.parametrize("tempo_bpm", [60, 120, 150, 200])
@pytest.mark.parametrize("grain_ms", [1.333, 5.333, 21.333])
def test_a_master_that_sends_by_audio_periods_is_never_stopped(tempo_bpm, grain_ms):
    for phase in range(5):
        master = Master(tempo_bpm)
        master.now += round(phase / 5 * grain_ms * 1e6)
        grain = round(grain_ms * 1e6)
        master.send(START).pulses(400, late=lambda m=master, g=grain: -m.now % g)
        assert master.state == (True, 0)


@pytest.mark.parametrize("tempo_bpm", [60, 120, 200, 300])
@pytest.mark.parametrize("sigma_ms", [1, 3])
def test_jitter_stops_nothing(tempo_bpm, sigma_ms):
    rng = random.Random(1)
    master = Master(tempo_bpm).send(START)
    assert master.pulses(600, late=lambda: round(rng.gauss(0, sigma_ms * 1e6))).state == (True, 0)


@pytest.mark.parametrize("stall_s", [0.6, 1, 1.5])
def test_pulses_that_come_in_one_bunch_after_a_stall_are_counted_once(stall_s):
    master = Master().send(START).pulses(97)
    begin, missed = master.tick, round(stall_s * 48)
    master.now += missed * PULSE
    for _ in range(missed):
        master.now += 20_000
        master.send(CLOCK)
    master.now -= missed * 20_000
    assert master.pulses(48).tick == begin + missed + 48


def test_a_doubled_first_pulse_makes_no_tempo_of_its_own():
    master = Master().send(START).pulses(1).send(CLOCK)
    assert master.clock.tick_at(master.now + 24 * PULSE) - master.tick in (24, 25)


def test_after_a_failure_ticks_still_grow():
    master = Master(300).send(START).pulses(97).wait(0.5)
    reached = master.tick
    assert master.send(START).pulses(1).tick >= reached
    assert master.tick % 24 == 0


def test_continue_after_the_clock_was_halted_without_a_stop():
    master = Master().send(START).pulses(31).wait(7.77).send(CONTINUE).pulses(1)
    assert (master.state, master.tick % 24) == ((True, 1), 7)


def test_a_start_without_clock_is_reported(caplog):
    master = Master().send(START).wait(0.6)
    assert master.state == (False, 0)
    assert "waiting for clock" in caplog.text
    assert master.pulses(13).clock.running


def test_it_says_when_a_start_is_missing(caplog):
    caplog.set_level("INFO")
    Master().pulses(100)
    assert [r.message for r in caplog.records] == [
        "clock comes, but no Start yet: start the master, again if it runs"
    ]
