"""What is known of the player."""

import pytest

from livecomposer.live.performance import Performance
from livecomposer.live.phrase import Touch
from livecomposer.music.events import AllNotesOff, NoteOff, NoteOn, Stop, Sustain
from tests.live.stage import keys


def heard(*events):
    performance = Performance(0)
    for event in sorted(events, key=lambda event: event.tick):
        performance.hear(event)
    return performance


HALF = [Sustain(12 * i, i % 2 == 0) for i in range(8)]
STACCATO = keys(*((24 * i, 6, 60 + i) for i in range(4)))


@pytest.mark.parametrize(
    ("more", "gate"),
    [
        ([], 0.25),
        ([Sustain(0, True)], 1.0),
        ([Sustain(0, True, channel=1)], 0.25),
        (
            [
                event
                for i in range(4)
                for event in (Sustain(24 * i, True), Sustain(24 * i + 12, False))
            ],
            0.5,
        ),
    ],
)
def test_what_a_pedal_holds_is_not_short(more, gate):
    assert heard(*more, *STACCATO).touch.gate == gate


def test_until_a_touch_can_be_told_it_is_that_before():
    loud = keys(*((24 * i, 24, 60) for i in range(4)), velocity=110)
    assert heard().touch == Touch()
    for end in (Stop(100), AllNotesOff(100)):
        performance = heard(*loud, end)
        if isinstance(end, AllNotesOff):
            performance.drop_phrase()
        assert performance.touch.level == 110
        performance.hear(NoteOn(200, 60, 20))
        assert performance.touch.level == 110
        performance.hear(NoteOff(206, 60))
        assert performance.touch == Touch(20, 0, 0.5)


def test_how_dense_it_is_counts_onsets_of_the_last_two_beats():
    chords = keys(*((24 * i, 6, pitch) for i in range(9) for pitch in (60, 64, 67)))
    performance = heard(*chords)
    assert performance.density(200) == 2 / 48
    assert performance.density(192 + 49) == 0


@pytest.mark.parametrize("end", [Stop(30), AllNotesOff(30)])
def test_nothing_is_held_for_ever(end):
    performance = heard(NoteOn(0, 60), Sustain(1, True), end)
    assert not performance.held
    assert not performance.pedal
    assert performance.quiet_since == 30
    assert (performance.phrase is None) == isinstance(end, Stop)
