"""Controls, worked by messages in virtual time: what becomes of the music, and what is told."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livecomposer.config_file import load_config
from livecomposer.live.clock import InternalClock
from livecomposer.live.composer import Composer
from livecomposer.live.desk import Desk
from livecomposer.live.jam import Jam
from livecomposer.live.offline import VirtualVoice, play_into
from livecomposer.live.orders import OrderError
from tests.live.test_offline import BEAT, PHRASE, message, model

ALL = {
    "mode": 1, "mute": 2, "panic": 3, "temperature": 4, "density": 5, "memory": 6, "answer": 7,
    "tempo": 8, "tap": 9, "key": 10, "seed": 11, "clear": 12, "forget": 13, "weights": 14,
    "again": 15,
}  # fmt: skip


class Stage:
    """A jam with a desk, in virtual time, at 120 BPM."""

    def __init__(self, *assignments, weights=("C4.E4",)):
        self.config = load_config(None, ["jam.gate=1.0", "jam.plan=1", *assignments])
        self.models = [replace(model(tokens), name=tokens) for tokens in weights]
        first = self.models[0]
        first.continuation.constrain(self.config.sampling)
        self.clock = clock = InternalClock(120, 0)
        self.voice = VirtualVoice(0)
        composer = Composer(first.continuation, first.tokeniser, self.config.jam)
        self.desk = Desk(self.config, composer, self.models, self.voice, seed=1, clock=clock)
        self.jam = Jam(composer, clock, self.voice, desk=self.desk)
        self.jam.begin(0)

    def play(self, messages, end_beat=40):
        ordered = sorted(messages, key=lambda timed: timed[0])
        play_into(self.jam, self.voice, ordered, round(end_beat * BEAT))
        return self

    @property
    def sent(self):
        return self.voice.sent

    @property
    def told(self):
        """What was told of each control."""
        return [(data[1], data[2]) for _, data in self.sent if data[0] == 0xB5 and data[1] < 64]

    @property
    def onsets(self):
        """The beats of the notes, with their pitches."""
        return [(ns / BEAT, data[1]) for ns, data in self.sent if data[0] == 0x90]


def turn(beat, name, value):
    """The controller of a control."""
    return round(beat * BEAT), bytes((0xB5, ALL[name], value))


def mapped(*names):
    return [f"controls.{name}=cc {ALL[name]} channel 6" for name in names]


def sounding(sent):
    notes = set()
    for _, data in sent:
        if data[0] & 0xF0 in (0x80, 0x90):
            (notes.add if data[0] & 0xF0 == 0x90 else notes.discard)(data[1])
    return notes


def beats(stage):
    return sorted({beat for beat, _ in stage.onsets})


def test_all_there_is_is_told_at_the_beginning():
    stage = Stage(*mapped(*ALL), "controls.feedback=true", "jam.density=1", "sampling.memory=0")
    stage.play([], 1)
    told = dict(stage.told)
    assert told.keys() == set(ALL.values()) - {ALL[n] for n in ("panic", "tap", "seed", "again",
                                                                  "clear", "forget")}  # fmt: skip
    assert (told[ALL["density"]], told[ALL["memory"]], told[ALL["answer"]]) == (127, 0, 0)
    assert (told[ALL["tempo"]], told[ALL["mute"]], told[ALL["key"]]) == (60, 0, 0)
    assert Stage(*mapped(*ALL)).play([], 1).sent == []


def test_a_mode_is_chosen_by_controller_key_or_program():
    for control, touch in (("cc 1", b"\xb0\x01\x7f"), ("program", b"\xc0\x04"),
                           ("note 9", b"\x90\x09\x40")):  # fmt: skip
        stage = Stage(f"controls.mode={control}", "jam.mode=solo")
        stage.play([(BEAT * 4, touch)], 8)
        assert beats(stage) == [i / 2 for i in range(1, 8)], control
        assert not sounding(stage.sent)


def test_an_unknown_program_changes_nothing():
    stage = Stage("controls.mode=program", "jam.mode=solo").play([(BEAT, b"\xc0\x05")], 3)
    assert beats(stage) == [0.5, 1, 1.5, 2, 2.5]


def test_mute_is_at_once_and_music_goes_on_behind_it():
    stage = Stage(*mapped("mute"), "jam.mode=solo", "controls.feedback=true")
    stage.play([turn(1.25, "mute", 127), turn(2.6, "mute", 0)], 4)
    assert beats(stage) == [0.5, 1, 3, 3.5]
    ends = [ns / BEAT for ns, data in stage.sent if data[0] == 0x80]
    assert 1.25 in ends
    assert stage.told == [(2, 0)]  # at first; and then the button itself knew


def test_panic_is_silence_until_the_player_plays():
    stage = Stage("controls.panic=note 3", "jam.mode=solo")
    notes = [(round(2.1 * BEAT), b"\x90\x30\x40"), (round(2.3 * BEAT), b"\x80\x30\x00")]
    stage.play([(round(1.25 * BEAT), b"\x90\x03\x40"), (round(1.3 * BEAT), b"\x80\x03\x40"),
                *notes], 4)  # fmt: skip
    assert beats(stage)[:2] == [0.5, 1]
    assert min(beat for beat in beats(stage) if beat > 1) >= 2.1
    assert [
        data.hex() for ns, data in stage.sent if ns == round(1.25 * BEAT) and data[0] == 0xB0
    ] == ["b04000", "b07b00"]


@pytest.mark.parametrize("stop", ["b07800", "b47b00", "b97b00"])
def test_all_notes_off_is_obeyed_on_any_channel(stop):
    stage = Stage("jam.mode=solo").play([(round(1.25 * BEAT), bytes.fromhex(stop))], 4)
    assert beats(stage) == [0.5, 1]
    assert not sounding(stage.sent)


def test_a_knob_changes_nothing_before_it_has_come_to_the_value():
    stage = Stage(*mapped("tempo"), "controls.feedback=true")
    stage.play([turn(0, "tempo", 10), turn(0.1, "tempo", 50)], 0.2)
    assert stage.desk.position("tempo") == 60
    stage.play([turn(0.3, "tempo", 70), turn(0.4, "tempo", 40)], 1)
    assert stage.desk.position("tempo") == 40
    stage.play([turn(1.5, "tempo", 100)], 2)
    assert stage.desk.position("tempo") == 100
    assert stage.told == [(8, 60)]


def test_a_knob_that_was_overtaken_is_first_to_come_to_the_value():
    stage = Stage(*mapped("tempo"), "controls.tap=note 9", "controls.feedback=true")
    taps = [(round((1 + i) * BEAT), b"\x90\x09\x40") for i in range(3)]  # 120
    stage.play([turn(0, "tempo", 60), turn(0.1, "tempo", 90), *taps, turn(4, "tempo", 91)], 5)
    assert stage.desk.position("tempo") == 60
    assert stage.told == [(8, 60), (8, 60)]  # at first, and when it was overtaken


def test_a_knob_may_jump():
    stage = Stage(*mapped("tempo"), "controls.takeover=jump").play([turn(0.1, "tempo", 50)], 1)
    assert stage.desk.position("tempo") == 50


def test_an_answer_is_as_long_as_the_knob_says():
    stage = Stage(*mapped("answer")).play([turn(0, "answer", 0), turn(0, "answer", 4), *PHRASE])
    assert beats(stage) == [3, 3.5]


def test_the_key_is_locked_and_free():
    wide = "C4 C#4 D4 D#4 E4 F4 F#4 G4 G#4 A4 A#4 B4"
    stage = Stage(*mapped("key"), "jam.mode=solo", "sampling.key=C major", "sampling.top_p=1.0",
                  "sampling.temperature=5", weights=[wide])  # fmt: skip
    stage.play([turn(50, "key", 0)], 100)
    white = {0, 2, 4, 5, 7, 9, 11}
    assert {pitch % 12 for beat, pitch in stage.onsets if beat < 50} == white
    assert {pitch % 12 for beat, pitch in stage.onsets if beat > 51} == set(range(12))


def test_a_key_holds_from_the_next_slot_on():
    wide = "C4 C#4 D4 D#4 E4 F4 F#4 G4 G#4 A4 A#4 B4"
    stage = Stage(*mapped("key", "answer"), "sampling.top_p=1.0", "sampling.temperature=5",
                  "jam.plan=8", "jam.answer=4", weights=[wide])  # fmt: skip
    for order in ("sampling.key=C major", "sampling.key=off"):
        stage.jam.order(0, order)
    stage.play([*PHRASE, turn(4.6, "key", 127)], 9)
    assert beats(stage)[0] == 3
    assert {pitch % 12 for beat, pitch in stage.onsets if beat > 4.6} <= {0, 2, 4, 5, 7, 9, 11}


def test_the_beat_never_goes_back_behind_a_control():
    stage = Stage(*mapped("temperature"))
    later = [(ns + round(10.4 * BEAT), data) for ns, data in PHRASE]
    stage.play([turn(10.25, "temperature", 40), *later], 11)
    assert stage.clock.tick_at(round(10.4 * BEAT)) == 12 * 24


def test_other_weights_go_on_at_the_next_slot():
    stage = Stage(*mapped("weights"), "jam.mode=solo", weights=["C4", "E4", "G4"])
    stage.play([turn(1.25, "weights", 64), turn(2.25, "weights", 127), turn(3, "weights", 0)], 5)
    assert beats(stage) == [i / 2 for i in range(1, 10)]
    pitches = [pitch for _, pitch in stage.onsets]
    assert pitches == [60, 60, 64, 64, 67, 67, 60, 60, 60]


def test_the_same_seed_again_is_the_same_music():
    wide = "C4 D4 E4 F4 G4 A4 B4"
    stage = Stage(
        *mapped("seed", "again", "clear"), "jam.mode=solo", "sampling.memory=0", weights=[wide]
    )
    touches = [(16, "clear"), (16, "again"), (32, "clear"), (32, "again"), (48, "clear"),
               (48, "seed")]  # fmt: skip
    pressed = [turn(beat + lag, name, value) for beat, name in touches
               for lag, value in ((0, 64), (0.1, 127), (0.2, 0))]  # fmt: skip
    stage.play(pressed, 64)
    played = [pitch for _, pitch in stage.onsets]
    assert played[34:60] == played[66:92]
    assert played[34:60] != played[98:124]


def test_what_is_forgotten_does_not_come_back():
    stage = Stage(*mapped("forget"), "jam.mode=call-response", weights=["C4 D4 +1"])
    stage.play([*PHRASE, turn(3.2, "forget", 127), *((ns + 4 * BEAT, data) for ns, data in PHRASE)])
    remembered = stage.models[0].continuation.memory.now.length
    again = Stage(weights=["C4 D4 +1"]).play([*PHRASE, *((ns + 4 * BEAT, d) for ns, d in PHRASE)])
    assert remembered < again.models[0].continuation.memory.now.length - 4


def test_what_is_mapped_is_no_music():
    stage = Stage("controls.mute=note 60").play(PHRASE)
    assert stage.onsets == []
    assert len(stage.models[0].continuation.context) == 1


def test_a_split_and_a_channel():
    low = [(ns, bytes((data[0], data[1] - 24, *data[2:]))) for ns, data in PHRASE]
    elsewhere = [(ns, bytes((data[0] | 2, *data[1:]))) for ns, data in PHRASE]
    split = ["listen.lowest=C3", "listen.highest=B3"]
    assert Stage(*split).play(low).onsets == []
    assert Stage(*split).play(PHRASE).onsets == []
    assert Stage("listen.lowest=C4", "listen.highest=C4").play(PHRASE).onsets
    assert Stage("listen.channels=[1, 3]").play(elsewhere).onsets
    assert Stage("listen.channels=[1, 4]").play(elsewhere).onsets == []


def test_what_is_played_is_passed_on():
    stage = Stage("listen.thru=true", "listen.channels=[2]", *mapped("mute"))
    bend = (BEAT, bytes.fromhex("e30040"))
    stage.play([*PHRASE, turn(0.5, "mute", 0), bend], 8)
    assert sorted(stage.sent) == sorted([*PHRASE, bend])
    assert Stage().play([bend], 2).sent == []


def test_what_was_passed_on_is_silenced_with_the_rest():
    stage = Stage("listen.thru=true", *mapped("panic"))
    held = [
        (0, bytes.fromhex("933c50")),
        (1, bytes.fromhex("934050")),
        (2, bytes.fromhex("934000")),
    ]
    stage.play([*held, (3, bytes.fromhex("b34007")), turn(1, "panic", 127)], 2)
    assert [data.hex() for ns, data in stage.sent if ns == BEAT] == [
        "833c00", "b04000", "b07b00", "b34000", "b37b00",
    ]  # fmt: skip


SOLO, DUET = 96, 32  # where a controller chooses these modes
CHANGES = st.lists(
    st.one_of(
        st.tuples(st.floats(1, 14), st.just("mode"), st.sampled_from([SOLO, DUET])),
        st.tuples(
            st.floats(1, 14),
            st.sampled_from(sorted(ALL.keys() - {"mode", "mute", "panic", "tempo", "tap"})),
            st.integers(0, 127),
        ),
    ),
    max_size=20,
)


@settings(max_examples=40)
@given(CHANGES, st.sampled_from([1, 8]))
def test_whatever_is_changed_the_machine_goes_on(changes, ways):
    stage = Stage(*mapped(*ALL), "jam.mode=solo", "controls.takeover=jump", "jam.max_response=16",
                  f"jam.plan={ways}", weights=["C4.E4", "C4"])  # fmt: skip
    stage.play([turn(*change) for change in [*changes, (15, "mode", SOLO)]], 17)
    slots = beats(stage)
    assert slots[0] == 0.5
    assert slots[-1] == 16.5
    assert {after - before for before, after in pairwise(slots)} <= {0.5, 1}


@pytest.mark.parametrize("value", [0, 30, 90, 127])
def test_whatever_the_tempo_the_machine_goes_on(value):
    stage = Stage(*mapped("tempo"), "jam.mode=solo", "controls.takeover=jump")
    stage.play([turn(4.2, "tempo", value)], 12)
    slot = 0.5 * 120 / (60 + value)
    gaps = [after - before for before, after in pairwise(beats(stage))]
    assert gaps[:7] == [0.5] * 7
    assert max(gaps[7:9]) <= 0.5 + slot
    assert gaps[9:] == pytest.approx([slot] * len(gaps[9:]))


TOUCHES = st.lists(
    st.tuples(
        st.floats(0, 30),
        st.sampled_from([*sorted(ALL), "held", *4 * ("mode", "panic", "tempo", "stop", "phrase")]),
        st.integers(0, 127),
    ),
    min_size=10,
    max_size=20,
)


@settings(max_examples=60)  # so over 500 changes of mode, interruptions, panics, stops and tempos
@given(TOUCHES)
def test_whatever_is_touched_when_nothing_is_left_sounding(touches):
    messages = [(ns + beat * BEAT, data) for beat in (0, 9, 18) for ns, data in PHRASE]
    for beat, what, value in touches:
        ns = round(beat * BEAT)
        if what == "stop":
            messages.append((ns, bytes((0xB0 | value % 16, 123, 0))))
        elif what == "phrase":
            messages += [(ns + each, data) for each, data in PHRASE]
        elif what == "held":
            messages += [(ns, bytes((0x90, value, 80))), (ns + 3 * BEAT, bytes((0x80, value, 0)))]
        else:
            messages.append(turn(beat, what, value))
    wide = "C4 D4 E4 .E4 .G4 +0.25 +0.5 +1 +2"
    stage = Stage(*mapped(*ALL), "jam.plan=4", "controls.feedback=true", weights=[wide, "C4 E4"])
    # At its end it listens, and so has nothing more to play.
    stage.play([*messages, turn(60, "mode", 127)], 100)
    assert not sounding(stage.sent)
    assert [ns for ns, _ in stage.sent] == sorted(ns for ns, _ in stage.sent)


def test_other_weights_keep_to_the_key():
    wide = "C4 C#4 D4 D#4 E4 F4 F#4 G4 G#4 A4 A#4 B4"
    stage = Stage("controls.weights=program", "jam.mode=solo", "sampling.key=auto",
                  "sampling.top_p=1.0", "sampling.temperature=5", weights=[wide, wide])  # fmt: skip
    scale = [(round((i / 2 + end) * BEAT), message(("on", "off")[end > 0.1], pitch))
             for i, pitch in enumerate([60, 62, 64, 65, 67, 69, 71, 72, 67, 60])
             for end in (0.01, 0.4)]  # fmt: skip
    stage.play([*scale, (20 * BEAT, b"\xc0\x01")], 60)
    assert {pitch % 12 for beat, pitch in stage.onsets if beat > 21} == {0, 2, 4, 5, 7, 9, 11}


def test_after_a_stop_it_begins_again_when_the_transport_does():
    stage = Stage("jam.mode=solo")
    stage.play([(round(1.25 * BEAT), b"\xfc"), (round(3.1 * BEAT), b"\xfa")], 5)
    assert beats(stage) == [0.5, 1, 3.5, 4, 4.5]


def test_orders_do_what_controls_do():
    stage = Stage("jam.mode=solo", weights=["C4", "E4"])
    orders = [(4, "mute=true"), (8, "mute=false"), (12, "panic"), (16, "jam.mode=duet"),
              (16, "jam.mode=solo"), (20, "weights=2"), (24, "weights=1"),
              (28, "jam.mode=listen")]  # fmt: skip
    stage.play([(round(beat * BEAT), order) for beat, order in orders])
    sounding = {beat // 4: set() for beat in range(0, 40, 4)}
    for beat, pitch in stage.onsets:
        if beat % 4 > 0.5:  # what was handed over before an order came, sounds
            sounding[beat // 4].add(pitch)
    assert list(sounding.values()) == [{60}, set(), {60}, set(), {60}, {64}, {60}, *[set()] * 3]


@pytest.mark.parametrize(
    ("order", "said"),
    [
        ("sampling.temperature=9", "sampling.temperature = 9: expected float <= 5.0"),
        ("sampling.lowest=C9", "sampling.lowest = 'C9', expected no higher than highest ('C8')"),
        ("sampling.highest=A0", "[sampling]: "),
        ("weights=2", "weights=2: expected one of "),
        ("ports.channel=2", "ports.channel=2: expected one of jam.mode, "),
        ("dance", "dance: expected one of jam.mode, "),
        ("mute=maybe", "mute=maybe: expected one of "),
        ("", ": expected one of "),
    ],
)
def test_orders_that_are_refused_change_nothing(order, said):
    stage = Stage()
    before = stage.desk.tuning.settable
    with pytest.raises(OrderError) as refused:
        stage.jam.order(0, order)
    assert str(refused.value).startswith(said)
    assert stage.desk.tuning.settable == before
    assert stage.play(PHRASE).onsets


def test_settings_are_told_as_they_stand():
    stage = Stage("sampling.grid=1/3", "sampling.key=C dorian")
    for order in ("clock.tempo_bpm=90", "jam.answer=4.5", "sampling.key=off", "jam.density=0"):
        stage.jam.order(0, order)
    assert stage.desk.tuning.settable == {
        "jam.mode": "call-response", "jam.density": 0, "jam.answer": "4.5",
        "sampling.temperature": 0.9, "sampling.top_p": 0.9, "sampling.memory": 0.3,
        "sampling.key": "off", "sampling.lowest": "A0", "sampling.highest": "C8",
        "sampling.grid": "1/3", "clock.tempo_bpm": 90,
        "model.weights": "C4.E4",
    }  # fmt: skip


def test_an_order_is_told_to_the_instrument():
    stage = Stage(*mapped("temperature", "mute"), "controls.feedback=true")
    stage.play([(BEAT, "sampling.temperature=2"), (2 * BEAT, "mute=true")])
    assert stage.told[-2:] == [(4, 127), (2, 127)]


def test_the_tempo_is_not_ours_where_another_leads():
    config = load_config(None, ["clock.source=midi"])
    first = model("C4")
    composer = Composer(first.continuation, first.tokeniser, config.jam)
    desk = Desk(config, composer, [first], VirtualVoice(0), seed=1)
    with pytest.raises(OrderError, match="another gives the beat"):
        desk.obey(0, 0, "clock.tempo_bpm=90")


@pytest.mark.parametrize("order", ["weights=2", "cc"])
def test_weights_that_may_play_nothing_are_refused(order, caplog):
    stage = Stage(*mapped("weights"), "sampling.lowest=C4", weights=["C4 E4", "C3 E3"])
    if order == "cc":
        stage.play([turn(1, "weights", 127)], 2)
        assert "weights 2: [sampling]: " in caplog.text
    else:
        with pytest.raises(OrderError, match=r"\[sampling\]: "):
            stage.jam.order(0, order)
    assert stage.desk.tuning.playing == 0
    assert {pitch for _, pitch in stage.play(PHRASE).onsets} <= {60, 64}
