"""Feedback, in virtual time: what is sent comes back, and is told from what the player plays."""

import logging

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livecomposer.config_file import load_config
from livecomposer.live.clock import InternalClock
from livecomposer.live.composer import Composer
from livecomposer.live.desk import Desk
from livecomposer.live.echoes import WINDOW_NS, Echoes
from livecomposer.live.jam import Jam
from livecomposer.live.offline import VirtualVoice, play_into
from tests.live.test_offline import BEAT, PHRASE, model

MS = 1_000_000
COMES_BACK = "comes back on ports.input"


class Loop:
    """A jam whose output is routed to its input, so late, on a channel, or on its own."""

    def __init__(self, *assignments, late_ms=5.0, channel=None):
        config = load_config(None, ["jam.plan=1", *assignments])
        played = model("C4 D4 E4 G4 C4.E4 +0.25 +1")
        self.voice = VirtualVoice(0)
        composer = Composer(played.continuation, played.tokeniser, config.jam)
        desk = Desk(config, composer, [played], self.voice, seed=1)
        self.jam = Jam(composer, InternalClock(120, 0), self.voice, desk=desk, echoes=Echoes())
        self._late_ns, self._channel, self._returned = round(late_ms * MS), channel, 0
        self.players = []

    def play(self, messages, end_beat):
        """Play to it, and let it hear itself; returns the beats of what it sends."""
        todo = [(ns, data, True) for ns, data in messages]
        now, end = 0, end_beat * BEAT
        while now < end:
            todo += [self._back(each) for each in self.voice.sent[self._returned :]]
            self._returned = len(self.voice.sent)
            todo.sort(key=lambda each: each[0])
            soon = min(now + MS, end)
            while todo and todo[0][0] <= soon:
                ns, data, _ = todo.pop(0)
                play_into(self.jam, self.voice, [], ns)
                self.voice.now_ns = ns
                if self.jam.receive(ns, data):
                    self.players.append((ns, data))
                self.voice.send_due()
            play_into(self.jam, self.voice, [], soon)
            now = soon
        return [ns / BEAT for ns, data in self.voice.sent if data[0] & 0xF0 == 0x90 and data[2]]

    def _back(self, sent):
        ns, data = sent
        if self._channel is not None and data[0] < 0xF0:
            data = bytes((data[0] & 0xF0 | self._channel, *data[1:]))
        return ns + self._late_ns, data, False


@pytest.mark.parametrize("late_ms", [0.5, 5, 80])
@pytest.mark.parametrize("channel", [None, 4])
def test_it_never_answers_itself(late_ms, channel, caplog):
    loop = Loop(late_ms=late_ms, channel=channel)
    with caplog.at_level(logging.WARNING):
        beats = loop.play(PHRASE, 40)
    assert min(beats) >= 3
    assert max(beats) < 9  # one answer, and none to it
    assert [data for _, data in loop.players] == [data for _, data in PHRASE]
    assert sum(COMES_BACK in message for message in caplog.messages) == 1


@pytest.mark.parametrize("mode", ["duet", "fill", "solo"])
def test_in_each_mode_the_players_is_the_players(mode):
    loop = Loop(f"jam.mode={mode}")
    phrase = [(ns, bytes((data[0], 61, data[2]))) for ns, data in PHRASE]  # not the machine's
    assert loop.play(phrase, 30)
    assert [data for _, data in loop.players] == [data for _, data in phrase]


def test_what_is_passed_on_goes_round_once():
    controllers = [(10 * MS * i + 3, bytes((0xB0, 1, i))) for i in range(100)]
    messages = sorted([*PHRASE, *controllers])
    loop = Loop("listen.thru=true", "jam.mode=listen")
    loop.play(messages, 20)
    sent = [data for _, data in loop.voice.sent]
    for _, data in PHRASE:
        assert sent.count(data) == sum(data == each for _, each in PHRASE)
    assert len(sent) < len(messages) + 300  # until it is sure, by three keys
    assert max(ns for ns, _ in loop.voice.sent) < 4 * BEAT


def test_a_trill_of_one_key_is_no_echo():
    trill = [(5 * MS * i, b"\x90\x3c\x64" if i % 2 == 0 else b"\x80\x3c\x00") for i in range(400)]
    echoes = Echoes()
    for ns, message in trill:
        assert not echoes.returns(ns, message)
        echoes.pass_on(ns, message)


def test_who_plays_in_unison_is_heard_later_on(caplog):
    echoes = Echoes()
    for beat in range(8):  # every other note at the same time, as loud, by a hand
        at = beat * BEAT
        echoes.book(at, (60 + beat,), 100)
        echoes.returns(at + (17 * beat * 7919 % 60) * MS, bytes((0x90, 60 + beat, 100)))
        assert not echoes.returns(at + BEAT // 2, bytes((0x90, 60 + beat, 100)))
    assert not [message for message in caplog.messages if COMES_BACK in message]


@settings(max_examples=50)
@given(st.integers(0, 127), st.integers(1, 127), st.integers(-9 * MS, 2 * WINDOW_NS))
def test_content_and_time_tell(pitch, velocity, late_ns):
    echoes = Echoes()
    echoes.book(10**9, (60, 64), 80)
    same = pitch in (60, 64) and velocity == 80 and late_ns <= WINDOW_NS
    assert echoes.returns(10**9 + late_ns, bytes((0x93, pitch, velocity))) == same
    assert echoes.returns(10**9 + late_ns + MS, bytes((0x83, pitch, 0))) == same
    assert not echoes.returns(10**9 + late_ns + MS, bytes((0x83, pitch, 0)))


ON, OFF = b"\x90\x3c\x50", b"\x80\x3c\x00"


def test_a_loop_that_is_taken_away_in_the_middle_of_a_note_swallows_no_key():
    echoes = Echoes()
    echoes.book(0, (60,), 80)
    assert echoes.returns(5 * MS, ON)  # and its end never comes
    for at in (10**9, 2 * 10**9):
        assert not echoes.returns(at, ON)
        assert not echoes.returns(at + 50 * MS, OFF)


def test_a_key_that_both_hold_is_let_go():
    echoes = Echoes()
    assert not echoes.returns(0, ON)
    echoes.book(20 * MS, (60,), 80)
    assert echoes.returns(25 * MS, ON)
    assert not echoes.returns(90 * MS, OFF)


def test_what_is_booked_is_forgotten_with_time():
    echoes = Echoes()
    for i in range(10_000):
        echoes.book(i * 10**9, (60, 64, 67), 80)
    assert len(echoes._booked) < 100


@given(
    st.lists(st.tuples(st.booleans(), st.sampled_from([60, 61]), st.integers(0, 60)), max_size=60)
)
def test_whatever_is_passed_on_ends(presses):
    """Whoever presses keys twice, and lets each go as often, leaves none sounding."""
    echoes, now, passed, held = Echoes(), 0, [], []
    for down, pitch, after_ms in [*presses, *((False, p, 9) for p in (60, 61) for _ in presses)]:
        now += after_ms * MS
        if down:
            held.append(pitch)
        elif pitch in held:
            held.remove(pitch)
        else:
            continue
        message = bytes((0x90 if down else 0x80, pitch, 80 if down else 0))
        if not echoes.returns(now, message):
            echoes.pass_on(now, message)
            passed.append(message)
    sounding = set()
    for message in passed:
        (sounding.add if message[0] == 0x90 else sounding.discard)(message[1])
    assert not sounding
