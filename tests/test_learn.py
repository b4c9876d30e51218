"""Controls that are learned by touch, and files of settings that keep their comments."""

import queue
import tomllib

import pytest

from livecomposer.cli.learn import first_mapping, write_setting
from livecomposer.config_file import ConfigError, load_config

TOUCHED = [
    ("mute", ["f8 fe", "90", "24 40"], "note 36 channel 1"),
    ("mute", ["80 24 00 90 24 00 b2 07 00 e0 00 40 b2 07 01"], "cc 7 channel 3"),
    ("weights", ["c9 05"], "program channel 10"),
    ("panic", ["c9 05"], "program 6 channel 10"),
    ("tempo", ["90 24 40 c0 01 f0 7e 00 f7", "b0 7b 00 b0 4a 10"], "cc 74 channel 1"),
]


@pytest.mark.parametrize(("control", "received", "learned"), TOUCHED)
def test_what_is_touched_is_learned(control, received, learned):
    portions = iter(bytes.fromhex(portion) for portion in received)
    assert str(first_mapping(lambda: next(portions), control)) == learned


def test_a_port_that_fails_ends_it():
    failed = queue.SimpleQueue()
    failed.put(OSError("gone"))
    with pytest.raises(OSError, match="gone"):
        first_mapping(failed.get, "mute")


MINE = """\
# mine
[jam]
mode = "solo"  # for tonight

[controls]
# pads
panic = "note 36"
tempo = "cc 1" # the big knob
"""


def test_comments_and_order_stay(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(MINE)
    write_setting(file, "controls", "tempo", "cc 74 channel 1")
    assert file.read_text() == MINE.replace("cc 1", "cc 74 channel 1")
    write_setting(file, "controls", "mute", "note 37")
    assert file.read_text() == MINE.replace("cc 1", "cc 74 channel 1") + 'mute = "note 37"\n'
    assert load_config(file).controls.mute == "note 37"


@pytest.mark.parametrize("before", [None, "", "# only this\n", '[jam]\nmode = "duet"\n'])
def test_a_section_that_was_not_there(tmp_path, before):
    file = tmp_path / "mine.toml"
    if before is not None:
        file.write_text(before)
    write_setting(file, "controls", "mute", "note 37")
    assert file.read_text().startswith(before or "")
    assert load_config(file).controls.mute == "note 37"


def test_windows_line_ends_stay(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_bytes(b"\xef\xbb\xbf" + MINE.replace("\n", "\r\n").encode())
    assert load_config(file).jam.mode == "solo"
    write_setting(file, "controls", "tempo", "cc 74 channel 1")
    learned = MINE.replace("cc 1", "cc 74 channel 1").replace("\n", "\r\n")
    assert file.read_bytes() == learned.encode()


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "real.toml").write_text(MINE)
    (tmp_path / "link.toml").symlink_to(tmp_path / "real.toml")
    write_setting(tmp_path / "link.toml", "controls", "mute", "note 37")
    assert (tmp_path / "link.toml").is_symlink()
    assert load_config(tmp_path / "real.toml").controls.mute == "note 37"


ODD = [
    "controls.tempo = 'cc 1'",
    "controls = { tempo = 'cc 1', mute = 'note 3' }",
    "[ 'controls' ]\ntempo = 'cc 1'\n[jam]\nmode='solo'",
    '[controls]\n"tempo" = """cc 1"""',
    "jam = {mode = 'solo'}\n\n[controls]# none",
    "[controls] # x\n\n# y\n",
    "clock.tempo_bpm = 100\ncontrols.mute = 'cc 4'\njam.mode = 'solo'",
]


@pytest.mark.parametrize("before", ODD)
def test_odd_files_are_changed_or_left(tmp_path, before):
    file = tmp_path / "mine.toml"
    file.write_text(before)
    expected = tomllib.loads(before)
    expected.setdefault("controls", {})["tempo"] = "cc 74"
    try:
        write_setting(file, "controls", "tempo", "cc 74")
    except ConfigError as error:
        assert 'write tempo = "cc 74" into [controls] by hand' in str(error)
        assert file.read_text() == before
    else:
        assert tomllib.loads(file.read_text()) == expected
        assert load_config(file).controls.tempo == "cc 74"
