"""What a port's thread puts in, and what the one that composes takes out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livecomposer.live.intake import MOST_WAITING, Intake


def taken(*portions, **options):
    intake = Intake(**options)
    intake.put([(i, bytes.fromhex(portion)) for i, portion in enumerate(portions)])
    return [(ns, message.hex(" ")) for ns, message in intake.take()], intake.excess


TABLE = [
    ("notes", ["903c40", "803c00"], [(0, "90 3c 40"), (1, "80 3c 00")]),
    ("a message in two portions", ["903c", "40"], [(1, "90 3c 40")]),
    ("a controller's last value", ["b00701", "903c40", "b00702"],
     [(1, "90 3c 40"), (2, "b0 07 02")]),
    ("each controller's", ["b00701", "b10702", "b00803"],
     [(0, "b0 07 01"), (1, "b1 07 02"), (2, "b0 08 03")]),
    ("pitch bend", ["e00040", "e00041"], [(1, "e0 00 41")]),
    ("channel pressure", ["d001", "d002"], [(1, "d0 02")]),
    ("a key's pressure", ["a03c01", "a03d01", "a03c02"], [(1, "a0 3d 01"), (2, "a0 3c 02")]),
    ("the pedal, each time", ["b0407f", "b04000", "b0407f"],
     [(0, "b0 40 7f"), (1, "b0 40 00"), (2, "b0 40 7f")]),
    ("data entry, in its order", ["b06500", "b00602", "b06501", "b00603"],
     [(0, "b0 65 00"), (1, "b0 06 02"), (2, "b0 65 01"), (3, "b0 06 03")]),
    ("programs", ["c001", "c002"], [(0, "c0 01"), (1, "c0 02")]),
    ("clock and transport", ["f8", "fa", "f8", "f8", "fc"],
     [(0, "f8"), (1, "fa"), (2, "f8"), (3, "f8"), (4, "fc")]),
    ("system exclusive in chunks", ["f07d01", "0203", "f7903c40"], [(2, "90 3c 40")]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("portions", "messages"), [r[1:] for r in TABLE], ids=[r[0] for r in TABLE]
)
def test_what_comes_out(portions, messages):
    assert taken(*portions)[0] == messages


def test_what_is_left_out_is_counted():
    assert taken("b00701", "b00702", "b00703", "e00000", "e00001")[1] == 3
    assert taken("903c40", "fe", "f07d01f7", "f8")[1] == 0


def test_a_button_is_pressed_each_time():
    def presses(message):
        return message[1] == 20

    messages, excess = taken("b0147f", "b01400", "b0147f", "b01501", "b01502", presses=presses)
    assert [message for _, message in messages] == ["b0 14 7f", "b0 14 00", "b0 14 7f", "b0 15 02"]
    assert excess == 1


def test_what_is_of_no_interest_is_not_taken():
    assert taken("903c40", "f8", takes=lambda m: m[0] >= 0xF0) == ([(1, "f8")], 0)


def test_where_nobody_takes_it_there_is_an_end_but_not_to_ends():
    intake = Intake()
    for _ in range(2 * MOST_WAITING):
        intake.put([(0, b"\x90\x3c\x40"), (0, b"\xb0\x07\x01")])
    late = "903d40 803d00 903c00 f8 fc fe b04000 b07b00 f07d e00000".split()
    intake.put([(1, bytes.fromhex(data)) for data in late])
    messages = intake.take()
    last = [message.hex() for ns, message in messages if ns == 1]
    assert last == ["803d00", "903c00", "f8", "fc", "b04000", "b07b00"]
    assert len(messages) + intake.excess == 4 * MOST_WAITING + len(late)
    assert sum(message == b"\x90\x3c\x40" for _, message in messages) <= MOST_WAITING


ENDS = st.sampled_from(["803c00", "903c00", "9f3c00", "b04000", "fc", "fa", "f8", "f20008"])
OTHERS = st.sampled_from(["903c40", "b00701", "b00702", "e00000", "a03c01", "c001", "f07d01f7"])


@given(st.lists(st.lists(st.one_of(ENDS, OTHERS), max_size=8)), st.integers(1, 5))
def test_no_end_and_no_clock_is_lost_however_it_comes(batches, every):
    ends = {"803c00", "903c00", "9f3c00", "b04000", "fc", "fa", "f8", "f20008"}
    intake, out = Intake(), []
    for i, batch in enumerate(batches):
        intake.put([(i, bytes.fromhex(data)) for data in batch])
        if i % every == 0:
            out += intake.take()
    out += intake.take()
    came = [data for batch in batches for data in batch if data in ends]
    assert [message.hex() for _, message in out if message.hex() in ends] == came
    assert [ns for ns, _ in out] == sorted(ns for ns, _ in out)


def test_what_follows_a_part_that_was_left_out_is_no_more_of_another_message():
    intake = Intake()
    intake.put([(0, b"\x90\x3c\x40")] * (MOST_WAITING + 1))
    intake.put([(1, bytes.fromhex("f07d0102"))])
    intake.take()
    intake.put([(2, bytes.fromhex("40414243")), (3, bytes.fromhex("f7903d40"))])
    assert [message.hex() for _, message in intake.take()] == ["903d40"]
