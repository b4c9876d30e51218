"""The ways to take turns: what is played in each, at which ticks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livecomposer.live.composer import LEAD
from livecomposer.live.modes import MODES
from livecomposer.music.events import AllNotesOff, NoteOff, NoteOn, Stop, Sustain
from livecomposer.music.tokeniser import encode
from livecomposer.music.tokens import spell_pitch
from tests.live.stage import Stage, keys

EIGHTHS = keys(*((12 * i, 6, 60) for i in range(4)))  # silent from tick 42 on
ONSETS = [72, 84, 96, 108]


def test_one_note_is_a_phrase_after_a_longer_silence():
    for phrase, slot in ((keys((0, 6, 60)), 60), (keys((0, 6, 60), (0, 6, 64), (2, 4, 67)), 60),
                         (keys((0, 3, 60), (3, 3, 62)), 36)):  # fmt: skip
        assert Stage(min_phrase=2).play(*phrase).wait_until(500).onsets[0] == slot


def test_an_answer_of_a_given_length():
    for length in (12, 30, 96):
        stage = Stage(answer=length).play(*EIGHTHS).wait_until(500)
        last = stage.notes[-1]
        assert stage.onsets == list(range(72, 72 + length, 12))
        assert last.onset + last.duration == 72 + length


def test_fill_plays_in_rests_only():
    more = keys((100, 6, 60), (150, 30, 60))
    stage = Stage(mode="fill", max_response=48).play(*EIGHTHS, *more).wait_until(5000)
    # Half a beat after 42, 106 and 180; out at 100 and 150; at 240 it has waited long enough.
    assert stage.cuts == [100, 150]
    assert stage.onsets == [60, 72, 84, 96, 120, 132, 144, 192, 204, 216, 228]


def test_listen_learns_and_never_plays():
    stage = Stage(mode="listen").play(*EIGHTHS).wait_until(5000)
    assert stage.notes == []
    assert stage.heard == " ".join(["C4.E4"] * 4)


def test_solo_plays_by_itself_until_told_to_stop():
    stage = Stage(mode="solo").wait_until(100)
    assert stage.onsets == list(range(12, 100, 12))
    stage.play(*keys((102, 30, 60))).wait_until(200)
    assert stage.onsets == list(range(12, 200, 12))
    assert stage.cuts == []
    stage.play(Stop(201))
    assert stage.cuts == [201]


def test_a_duet_begins_with_the_player_and_ends_when_left():
    played = keys(*((24 * i, 12, 60) for i in range(8)))  # silent from 180 on
    stage = Stage(mode="duet", density=1, max_response=48).play(*played).wait_until(5000)
    assert stage.onsets == list(range(12, 228, 12))
    last = stage.notes[-1]
    assert last.onset + last.duration == 228
    assert stage.cuts == []
    stage.play(*keys((6001, 6, 60))).wait_until(7000)
    assert stage.onsets[18:] == [6012, 6024, 6036, 6048]


def test_a_duet_thins_out_while_the_player_is_dense():
    dense = keys(*((6 * i, 6, 60 + i % 3) for i in range(96)))
    resting = (6 * 96 + 48, 6 * 96 + 48 + 48 * 3)

    def played(density):
        stage = Stage(mode="duet", density=density, max_response=204).play(*dense).wait_until(3000)
        among = sum(onset < 6 * 96 for onset in stage.onsets)
        after = sum(resting[0] <= onset < resting[1] for onset in stage.onsets)
        return among, after

    assert played(0) == (0, 12)
    assert played(1)[0] >= 46
    assert played(1)[1] == 12
    among, after = played(0.5)
    assert 4 <= among <= 24  # a quarter of the slots, at two notes a slot
    assert after == 12


GOES_ON = [("solo", "duet"), ("duet", "solo"), ("solo", "call-response"), ("call-response", "fill"),
           ("fill", "duet"), ("call-response", "solo")]  # fmt: skip


@pytest.mark.parametrize(("before", "after"), GOES_ON)
def test_a_line_goes_on_in_another_mode(before, after):
    stage = Stage(mode=before, density=1).play(*EIGHTHS)
    stage.change(80, mode=after).wait_until(110)
    assert stage.cuts == []
    assert stage.onsets[-4:] == [72, 84, 96, 108]


def test_a_line_that_may_not_go_on_ends():
    assert Stage(mode="solo").change(80, mode="listen").wait_until(500).cuts == [80]
    held = Stage(mode="solo").play(NoteOn(70, 60)).change(80, mode="call-response")
    assert held.wait_until(500).cuts == [80]
    assert held.play(NoteOff(500, 60)).wait_until(1000).onsets[6] == 528  # and then it answers


def test_from_solo_to_call_and_response_it_comes_to_an_end():
    stage = Stage(mode="solo", min_response=24).change(80, mode="call-response").wait_until(500)
    assert stage.onsets[-1] == 96
    assert stage.notes[-1].onset + stage.notes[-1].duration == 104


MERGED = "C4 E4 G4 C4.E4 C4.G4 E4.G4 C4.E4.G4 +0.25 +0.75 +1 +1.25 +1.5 +1.75 +2 +3 +4"
MODE = st.sampled_from(list(MODES))
EVENT = st.one_of(
    st.builds(NoteOn, st.just(0), st.sampled_from([60, 64, 67]), st.integers(1, 127)),
    st.builds(NoteOff, st.just(0), st.sampled_from([60, 64, 67])),
    st.builds(Sustain, st.just(0), st.booleans()),
    st.builds(AllNotesOff, st.just(0)),
)
PERFORMANCES = st.lists(st.tuples(st.integers(0, 30), EVENT | MODE), max_size=20)


def performed(mode, rows, *, end=400, **options):
    stage, tick, events = Stage(MERGED, mode=mode, **options), 0, []
    stage._advance()
    for step, event in rows:
        tick += step
        if isinstance(event, str):
            stage.change(tick, mode=event)
            continue
        events.append(type(event)(tick, *[getattr(event, s) for s in event.__slots__[1:]]))
        stage.play(events[-1])
    return stage.wait_until(tick + end), events


@pytest.mark.parametrize("mode", MODES)
@settings(max_examples=30)
@given(PERFORMANCES, st.sampled_from([1, 3]))
def test_whatever_is_played(mode, rows, plan):
    stage, events = performed(mode, rows, plan=plan)
    assert {note.onset % 12 for note in stage.notes} <= {0}
    assert performed(mode, rows, plan=plan, every_tick=True)[0].notes == stage.notes
    # The model has heard what sounded, of both parts, in order of time.
    stage.play(Stop(stage.now + 3))
    machine = [NoteOn(note.onset, pitch) for note in stage.notes for pitch in note.pitches]
    both = sorted(
        [e for e in events if isinstance(e, NoteOn)] + machine,
        key=lambda e: (e.tick + 3) // 6 * 6,
    )
    expected = stage.bundle.vocabulary.ids(encode(both, stage.bundle.tokeniser))
    assert [i for i in stage.continuation.context if i] == expected[-100:]


def test_the_key_is_the_players():
    played = []
    for i, scale in enumerate(((0, 2, 4, 5, 7, 9, 11), (1, 3, 5, 6, 8, 10, 0))):
        steps = [60 + step for step in (*scale, scale[0], scale[4], scale[2], scale[0])]
        played += keys(*((1000 * i + 12 * n, 12, pitch) for n, pitch in enumerate(steps)))
    everything = " ".join(map(spell_pitch, range(48, 72)))
    stage = Stage(everything, sampling={"key": "auto", "temperature": 5, "top_p": 1})
    stage.play(*played).wait_until(5000)
    for first, classes in ((0, {0, 2, 4, 5, 7, 9, 11}), (1000, {1, 3, 5, 6, 8, 10, 0})):
        part = [note for note in stage.notes if first <= note.onset < first + 1000]
        assert len(part) > 8
        assert {pitch % 12 for note in part for pitch in note.pitches} <= classes


def endings(plan):
    """How well answers to a phrase in C major end."""
    scale = keys(*((12 * i, 11, 60 + step) for i, step in enumerate((0, 4, 7, 5, 4, 2, 0, 0))))
    everything = " ".join([*map(spell_pitch, range(60, 72)), "+1", "+1.5"])
    found = []
    for seed in range(40):
        stage = Stage(everything, seed, plan=plan, sampling={"temperature": 5, "top_p": 1})
        last = stage.play(*scale).wait_until(500).notes[-1]
        assert last.onset + last.duration <= 216
        assert stage.onsets[0] == 120
        found.append((last.onset % 48 == 0, last.pitches[0] % 12 in {0, 4, 7}))
    return np.mean(found, axis=0)


def test_a_planned_answer_ends_well():
    as_it_comes, planned = endings(1), endings(8)
    assert (as_it_comes < 0.5).all()
    assert (planned > as_it_comes + 0.3).all()


@pytest.mark.parametrize("pause", range(10, 24))
def test_a_pause_shorter_than_the_silence_that_ends_a_phrase_does_not_cut_it_in_two(pause):
    first = keys(*((12 * i, 6, 60) for i in range(8)))  # silent from 90 on
    second = keys(*((90 + pause + 12 * i, 6, 60) for i in range(2)))
    stage = Stage(plan=8).play(*first, *second).wait_until(2000)
    end = 90 + pause + 12 + 6
    assert stage.onsets[0] >= end + 24 - LEAD
    last = stage.notes[-1]
    assert last.onset + last.duration - stage.onsets[0] == pytest.approx(end, abs=6)


def test_a_duet_ends_in_time_whatever_is_changed_meanwhile():
    stage = Stage(mode="duet", density=1, max_response=48).play(*keys((0, 6, 60)))
    for i in range(20):
        stage.change(10 + 20 * i, density=1 - i / 100)
    assert stage.wait_until(2000).onsets[-1] < 12 + 48 + 12


@pytest.mark.parametrize("mode", ["duet", "solo"])
def test_the_touch_is_that_of_the_last_phrase(mode):
    loud = keys(*((24 * i, 12, 60) for i in range(30)), velocity=120)
    soft = keys(*((800 + 24 * i, 12, 60) for i in range(10)), velocity=20)
    stage = Stage(mode=mode, density=1).play(*loud, *soft).wait_until(1040)
    assert stage.notes[-1].velocity < 40


def test_while_it_listens_each_phrase_begins_on_a_beat():
    stage = Stage(mode="listen").play(*keys((0, 6, 60)))
    assert not stage.composer.silent(20)
    assert stage.composer.silent(40)


@pytest.mark.parametrize(("length", "bars"), [(10, 1), (90, 1), (140, 1), (150, 2), (900, 4)])
def test_where_others_count_bars_answers_have_whole_ones(length, bars):
    played = keys(*((12 * i, 6, 60) for i in range(length // 12)), (length - 6, 6, 62))
    stage = Stage(bars=True, max_response=384).play(*played).wait_until(3000)
    last = stage.notes[-1]
    assert last.onset + last.duration - stage.onsets[0] == 96 * bars


@pytest.mark.parametrize(
    ("limits", "ticks"),
    [({"max_response": 48}, 48), ({"min_response": 192}, 192), ({"max_response": 300}, 192),
     ({"min_response": 108, "max_response": 132}, 132)],
)  # fmt: skip
def test_bars_keep_to_the_limits(limits, ticks):
    played = keys(*((12 * i, 6, 60) for i in range(14)))
    stage = Stage(bars=True, **limits).play(*played).wait_until(3000)
    last = stage.notes[-1]
    assert last.onset + last.duration - stage.onsets[0] == ticks


@pytest.mark.parametrize("mode", ["duet", "call-response", "fill"])
def test_a_phrase_of_long_ago_is_not_answered(mode):
    stage = Stage(mode="listen", max_response=96).play(*keys((0, 6, 60), (12, 6, 60)))
    assert stage.change(200, mode=mode).wait_until(1000).onsets == []


def test_an_answer_waits_for_the_pedal():
    stage = Stage().play(Sustain(0, down=True), *EIGHTHS).wait_until(200)
    assert stage.onsets == []
    stage.play(Sustain(200, down=False)).wait_until(1000)
    assert stage.onsets[0] in (228, 240)  # the silence begins when the pedal lets the notes go
    again = Stage().play(*EIGHTHS, Sustain(50, down=True)).wait_until(200)
    assert again.onsets == []
    assert again.play(Sustain(200, down=False)).wait_until(1000).onsets[0] == 204
