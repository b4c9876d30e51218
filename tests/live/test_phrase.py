"""How a phrase was touched, and how notes are that follow it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livecomposer.live.phrase import Phrase, Touch
from livecomposer.music.events import NoteOff, NoteOn


def phrase(*notes):
    """Of (tick, length, pitch, velocity)."""
    events = [NoteOn(tick, pitch, velocity) for tick, _, pitch, velocity in notes]
    events += [NoteOff(tick + length, pitch) for tick, length, pitch, _ in notes]
    played = Phrase()
    for event in sorted(events, key=lambda event: event.tick):
        if isinstance(event, NoteOn):
            played.begin(event)
        else:
            played.end(event.tick, [(event.channel, event.pitch)])
    return played


TOUCHES = [
    ([(0, 12, 60, 80)], Touch(80, 0, 1)),
    ([(0, 3, 60, 80)], Touch(80, 0, 0.25)),
    ([(0, 90, 60, 80)], Touch(80, 0, 1)),
    ([(12 * i, 12, 60 + i, 70 + 20 * (i % 2)) for i in range(4)], Touch(80, 10, 1)),
    ([(12 * i, 3, 60 + i, 64) for i in range(4)], Touch(64, 0, 0.25)),
    ([(12 * i, 30, 60 + i, 64) for i in range(4)], Touch(64, 0, 1)),
    ([(0, 6, 60, 64), (1, 11, 64, 64), (12, 6, 67, 64), (24, 1, 69, 64)], Touch(64, 0, 0.5)),
    ([(0, 1, 60, 64), (240, 1, 62, 64)], Touch(64, 0, 0.1)),
]


@pytest.mark.parametrize(("notes", "touch"), TOUCHES)
def test_touch(notes, touch):
    assert phrase(*notes).touch == touch


def test_of_a_note_that_is_held_nothing_can_be_told():
    played = Phrase()
    played.begin(NoteOn(0, 60, 80))
    assert played.touch is None


def test_onsets_that_begin_together_are_one():
    assert phrase((0, 9, 60, 1), (2, 9, 64, 1), (3, 9, 67, 1), (20, 9, 60, 1)).onsets == 3


def test_strong_beats_are_louder():
    touch = Touch(80, 10, 0.5)
    assert [touch.velocity(tick) for tick in (0, 6, 12, 24, 48, 72, 96)] == [
        90, 75, 75, 82, 85, 82, 90,
    ]  # fmt: skip
    assert [touch.duration(ticks) for ticks in (1, 12, 24)] == [1, 6, 12]


@given(st.integers(1, 127), st.floats(0, 64), st.integers(0, 1000))
def test_velocities_are_midis(level, spread, tick):
    assert 1 <= Touch(level, spread).velocity(tick) <= 127
