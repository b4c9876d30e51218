import pytest
from hypothesis import given
from hypothesis import strategies as st

from livecomposer.midi.mapping import Mapping, mapping_of, parse_mapping

MAPPINGS = st.one_of(
    st.builds(Mapping, st.just("cc"), st.integers(0, 119), st.none() | st.integers(0, 15)),
    st.builds(Mapping, st.just("note"), st.integers(0, 127), st.none() | st.integers(0, 15)),
    st.builds(
        Mapping, st.just("program"), st.none() | st.integers(0, 127),
        st.none() | st.integers(0, 15),
    ),
)  # fmt: skip
MESSAGES = st.builds(
    lambda status, channel, data: bytes((status | channel, *data)),
    st.sampled_from([0x80, 0x90, 0xB0, 0xE0]), st.integers(0, 15),
    st.tuples(st.integers(0, 127), st.integers(0, 127)),
) | st.builds(lambda channel, number: bytes((0xC0 | channel, number)), st.integers(0, 15),
              st.integers(0, 127))  # fmt: skip


@given(MAPPINGS)
def test_what_is_spelled_is_parsed(mapping):
    assert parse_mapping(str(mapping)) == mapping


SPELLED = [
    ("cc 20", "b014 7f", True), ("cc 20", "bf14 00", True), ("cc 20", "b015 7f", False),
    ("cc 20", "9014 7f", False), ("cc 20 channel 3", "b214 7f", True),
    ("cc 20 channel 3", "b014 7f", False), ("note 36", "9024 40", True),
    ("note 36", "8024 40", True), ("note 36", "b024 40", False), ("note 36", "9025 40", False),
    ("note 36 channel 10", "9924 00", True), ("program", "c005", True), ("program", "cf7f", True),
    ("program 6", "c005", True), ("program 6", "c006", False), ("program", "d005", False),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message", "taken"), SPELLED)
def test_what_is_taken(text, message, taken):
    assert parse_mapping(text).takes(bytes.fromhex(message)) is taken


@given(MAPPINGS, MAPPINGS, MESSAGES)
def test_no_message_is_that_of_two_that_do_not_overlap(one, other, message):
    assert one.overlaps(other) == other.overlaps(one)
    if one.takes(message) and other.takes(message):
        assert one.overlaps(other)


@given(MESSAGES)
def test_a_message_is_taken_by_what_is_learned_from_it(message):
    learned = mapping_of(message)
    if learned:
        assert learned.takes(message)
        assert parse_mapping(str(learned)) == learned
    else:
        status = message[0] & 0xF0
        pressed = len(message) == 3 and message[2] > 0 and status != 0x80
        assert not pressed or status == 0xE0 or (status == 0xB0 and message[1] >= 120)
