"""Any bytes at the input, by the way that a port's bytes go."""

from functools import cache

import pytest
from fuzz_bytes import SETTINGS, run
from hypothesis import given, settings
from hypothesis import strategies as st

from livecomposer.cli.common import load_models
from livecomposer.config_file import load_config


@cache
def model():
    return load_models(load_config(None, SETTINGS), 1)[0]


STATUS = st.sampled_from([0x80, 0x90, 0x92, 0xB0, 0xBF, 0xC0, 0xD0, 0xE0, *range(0xF0, 0x100)])
MIDI_LIKE = st.lists(
    st.one_of(st.builds(lambda s, d: bytes((s, *d)), STATUS, st.binary(max_size=3)), st.binary())
).map(b"".join)


@settings(max_examples=300)
@given(st.one_of(st.binary(max_size=600), MIDI_LIKE))
def test_any_bytes_are_taken_and_silence_is_left(data):
    run(model(), data)


CASES = [
    ("notes of all channels", bytes(b for i in range(16) for b in (2, 99, 0x90 | i, 60, 1))),
    ("a note in pieces, with clock in between", b"\x00" + b"\x01\x09\x90" + b"\x01\x09\xf8" * 9),
    ("system exclusive that never ends", b"\x80" + b"\x2f\x01\xf0" + b"\x7d" * 3000),
    ("Start and Stop without clock", b"\x85" + b"\x00\x50\xfa\x00\x50\xfc" * 200),
    ("song position, jumping", b"\x90" + b"\x03\x10\xf2\x7f\x7f\xf8" * 300),
]  # fmt: skip


@pytest.mark.parametrize("data", [case[1] for case in CASES], ids=[case[0] for case in CASES])
def test_what_is_odd(data):
    run(model(), data)
