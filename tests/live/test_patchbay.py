"""What is connected, what goes, and what comes back."""

import pytest

from livecomposer.live.patchbay import (
    FORGOTTEN_S,
    SETTLED_S,
    Look,
    Patchbay,
    Peer,
    find_again,
    free_number,
    match_port,
)

KEYS, SYNTH = Peer("input", "keys:out"), Peer("output", "synth:in")


class Bay:
    """A patchbay, with what there is and what is connected."""

    def __init__(self, **wanted):
        self.patchbay = Patchbay({"input": "nobody", "output": "nobody", **wanted})
        self.there = {"input": [], "output": []}
        self.connected = {"input": [], "output": []}
        self.now_s = 0.0

    def plug(self, *peers, connect=True):
        for role, name in peers:
            self.there[role].append(name)
            if connect:
                self.connected[role].append(name)

    def take(self, *peers, disconnect_only=False):
        for role, name in peers:
            self.connected[role].remove(name)
            if not disconnect_only:
                self.there[role].remove(name)

    def look(self, after_s=0.0, renewed=()):
        self.now_s += after_s
        look = self.patchbay.look(self.now_s, self.there, self.connected, renewed)
        for role, name in look.back:
            self.connected[role].append(name)
        return look


def test_what_others_connect_is_theirs():
    bay = Bay()
    bay.plug(KEYS, SYNTH)
    assert bay.look() == Look([], [], [], ("synth:in",))
    assert bay.look() == Look([], [], [], ("synth:in",))


def test_what_vanishes_is_connected_when_it_comes_back():
    bay = Bay()
    bay.plug(KEYS, SYNTH)
    bay.look()
    bay.take(KEYS, SYNTH)
    assert bay.look() == Look([KEYS, SYNTH], [], [], ())
    assert bay.look() == Look([], [], [], ())
    bay.plug(KEYS, connect=False)
    assert bay.look() == Look([], [KEYS], [], ())
    bay.plug(SYNTH, connect=False)
    assert bay.look() == Look([], [SYNTH], [], ("synth:in",))
    assert bay.look() == Look([], [], [], ("synth:in",))


def test_what_comes_back_connected_already_is_no_news():
    bay = Bay()
    bay.plug(SYNTH)
    bay.look()
    bay.take(SYNTH)
    bay.look()
    bay.plug(SYNTH)
    assert bay.look() == Look([], [], [], ("synth:in",))
    bay.take(SYNTH)
    assert bay.look().gone == [SYNTH]


def test_what_somebody_takes_away_stays_away():
    bay = Bay()
    bay.plug(SYNTH)
    bay.look()
    bay.take(SYNTH, disconnect_only=True)
    assert bay.look() == Look([], [], [], ())  # it may be about to go
    assert bay.look(SETTLED_S) == Look([], [], [SYNTH], ())
    assert bay.look(FORGOTTEN_S) == Look([], [], [], ())
    bay.there["output"].remove("synth:in")
    bay.look()
    bay.there["output"].append("synth:in")
    assert bay.look() == Look([], [], [], ())


@pytest.mark.parametrize("after_s", [0, SETTLED_S / 2, SETTLED_S, 1.0])
def test_one_that_goes_takes_its_connections_away_first(after_s):
    bay = Bay()
    bay.plug(SYNTH)
    bay.look()
    bay.take(SYNTH, disconnect_only=True)
    bay.look()
    assert bay.look(after_s).left == ([SYNTH] if after_s >= SETTLED_S else [])
    bay.there["output"].remove("synth:in")
    assert bay.look() == Look([SYNTH], [], [], ())
    bay.plug(SYNTH, connect=False)
    assert bay.look().back == [SYNTH]


def test_what_is_taken_away_and_given_back_at_once_is_no_news():
    bay = Bay()
    bay.plug(SYNTH)
    bay.look()
    for _ in range(3):
        bay.take(SYNTH, disconnect_only=True)
        assert bay.look() == Look([], [], [], ())
        bay.connected["output"].append("synth:in")
        assert bay.look(SETTLED_S) == Look([], [], [], ("synth:in",))


def test_what_was_gone_between_two_looks_is_connected_again():
    bay = Bay()
    bay.plug(KEYS, SYNTH)
    bay.look()
    bay.take(SYNTH, disconnect_only=True)
    assert bay.look(renewed=["synth:in"]) == Look([SYNTH], [SYNTH], [], ("synth:in",))
    bay.take(SYNTH, disconnect_only=True)
    bay.look()
    assert bay.look(SETTLED_S / 2, renewed=["synth:in"]) == Look(
        [SYNTH], [SYNTH], [], ("synth:in",)
    )


def test_what_is_wanted_is_connected_as_soon_as_it_is_there():
    bay = Bay(input="keys")
    assert bay.look().back == []
    bay.plug(Peer("input", "keys mk2:out"), connect=False)
    assert bay.look().back == [Peer("input", "keys mk2:out")]
    bay.take(Peer("input", "keys mk2:out"), disconnect_only=True)
    bay.look()
    assert bay.look(SETTLED_S).left == [Peer("input", "keys mk2:out")]
    assert bay.look(FORGOTTEN_S) == Look([], [], [], ())


def test_others_of_its_kind_are_not_taken_for_it():
    first, second, third = (Peer("output", f"synth:in_{i}") for i in (1, 2, 3))
    bay = Bay()
    bay.plug(first)
    bay.plug(second, connect=False)
    bay.look()
    bay.take(first)
    assert bay.look() == Look([first], [], [], ())
    bay.plug(third, connect=False)
    assert bay.look() == Look([], [], [], ())
    bay.plug(first, connect=False)
    assert bay.look() == Look([], [first], [], ("synth:in_1",))


@pytest.mark.parametrize("client", ["synth", "synth-01"])
@pytest.mark.parametrize("order", [(1, 2, 3), (3, 1, 2), (2, 3, 1)])
def test_all_ports_of_a_client_come_back_in_whatever_order(client, order):
    bay = Bay()
    bay.plug(*(Peer("output", f"synth:in_{i}") for i in (1, 2, 3)))
    bay.look()
    bay.take(*(Peer("output", f"synth:in_{i}") for i in (1, 2, 3)))
    bay.look()
    for i in order:
        bay.plug(Peer("output", f"{client}:in_{i}"), connect=False)
        assert bay.look().back == [Peer("output", f"{client}:in_{i}")]


def test_after_all_was_lost_all_is_waited_for():
    bay = Bay()
    bay.plug(KEYS, SYNTH)
    bay.look()
    bay.patchbay.lose()
    bay.connected = {"input": [], "output": []}
    assert bay.look() == Look([], [KEYS, SYNTH], [], ("synth:in",))


FOUND = [
    ("Keystation 49 20:0", ["Midi Through 14:0", "Keystation 49 24:0"], "Keystation 49 24:0"),
    ("Keystation", ["Keystation 49 24:0"], None),
    (
        "a2j:Keys [20] (capture): Keys 1",
        ["a2j:Keys [24] (capture): Keys 2", "a2j:Keys [24] (capture): Keys 1"],
        "a2j:Keys [24] (capture): Keys 1",
    ),
    ("system:midi_playback_1", ["system:midi_playback_2"], None),
    ("synth:in", ["synth-01:in"], "synth-01:in"),
    ("synth-01:in", ["synth:in"], "synth:in"),
    ("synth-01:in", ["synth:out", "other:in"], None),
    ("synth:left", ["synth:right"], None),
    ("a", [], None),
]


@pytest.mark.parametrize(("name", "ports", "found"), FOUND)
def test_ports_are_found_whatever_their_numbers(name, ports, found):
    assert find_again(name, ports) == found


NAMES = ["Midi Through:Midi Through Port-0 14:0", "Keystation 49 20:0", "Keystation 20:1"]


@pytest.mark.parametrize(
    ("name", "index"),
    [("Keystation 20:1", 2), ("Keystation", 1), ("Keystation 49", 1), ("Midi Through", 0),
     ("keystation", None), ("Other", None)],
)  # fmt: skip
def test_names_match_whole_or_as_they_begin(name, index):
    assert match_port(name, NAMES) == index


def test_new_names_have_one_number_together():
    assert free_number(["in", "out"], {"other"}) == ""
    assert free_number(["in", "out"], {"out"}) == " 2"
    assert free_number(["in", "out"], {"in", "out", "out 2", "in 3"}) == " 4"
