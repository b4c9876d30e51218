import os
import tomllib
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from livecomposer.config import Config
from livecomposer.config_file import ConfigError, find_weights, load_config, shipped
from livecomposer.config_instrument import CONTROLS, KNOBS


def test_the_default_file_explains_every_setting():
    explained = False
    for line in shipped("config.toml").read_text().splitlines():
        if line.startswith("["):
            explained = False
        elif line.startswith("# "):
            explained = True
        elif line:
            assert explained, line


def test_defaults():
    config = load_config()
    assert (config.clock.tempo_bpm, config.jam.phrase_end, config.jam.max_duration) == (120, 24, 48)
    assert config.tokeniser.settings.resolution == 6
    assert find_weights(config.model.weights).name == "default.weights.h5"


@pytest.mark.parametrize(
    ("assignment", "expected"),
    [
        ("jam.mode=x", "'call-response', 'duet', 'fill', 'listen', 'solo'"),
        ("clock.anchor=x", "'first-note', 'fixed'"),
        ("jam.velocity=loud", "'follow' or 1 to 127"),
        ("jam.gate=loud", "'follow' or 0.1 to 1"),
        ("jam.answer=long", ", or 'match'"),
        ("record.folder=~no-such-user/jams", "record.folder = '~no-such-user/jams': "),
        ("controls.feedback=true", "expected 'cc 7 channel N' with feedback"),
    ],
)
def test_what_is_allowed_is_said(assignment, expected):
    with pytest.raises(ConfigError) as raised:
        load_config(None, ["controls.mute=cc 7", assignment])
    said = str(raised.value)
    names = [name for name in expected.split(" or ")[0].split(", ") if name.startswith("'")]
    assert expected in said or all(name in said for name in names)


RANGES = [
    ("ports.channel", [1, 16], [0, 17, 1.5, True, "1"]),
    ("ports.backend", ["auto", "jack", "rtmidi"], ["alsa", 1]),
    ("ports.latency_ms", [-100, 100, 2.5], [-101, 100.1, "nan", "5"]),
    ("ports.realtime", ["auto", "off"], [True, "on"]),
    ("ports.input", ["x"], ["", 3, "x" * 65]),
    ("clock.tempo_bpm", [20, 400, 99.5], [19.9, 401, "120", "nan", "inf"]),
    ("clock.source", ["internal", "midi", "jack"], ["tap", 1]),
    ("clock.anchor", ["first-note", "fixed"], ["bar"]),
    ("clock.send", [False], [True, "yes", 1]),
    ("clock.port", [""], ["keyboard", 1]),
    ("jam.primer", ["", "x.mid"], [1]),
    ("jam.memory_from", ["", "x.mid"], [1]),
    ("listen.channels", ["all", [1], [1, 16]], ["some", [], [0], [17], 1]),
    ("listen.lowest", ["C-1", "C4"], ["c4", 60]),
    ("listen.highest", ["G9", "C4"], ["Bb3", ""]),
    ("listen.thru", [True], ["on", 1]),
    ("jam.mode", ["call-response", "duet", "fill", "solo", "listen"], ["trio", 1]),
    ("jam.min_phrase", [1, 16], [0, 17]),
    ("jam.answer", ["match", 0.5, 256], ["short", 0.25, 257]),
    ("jam.density", [0, 0.5, 1], [-0.1, 1.1]),
    ("jam.plan", [1, 64], [0, 65]),
    ("jam.velocity", ["follow", 1, 127], ["loud", 0, 128, 1.5]),
    ("jam.gate", ["follow", 0.1, 1], ["short", 0, 1.1]),
    ("jam.phrase_end", [0.25, 16, "1/3"], [0, 0.2, 17, -1, "x", [1], True]),
    ("jam.min_response", [0.5, 16], [0.25, 17]),
    ("jam.max_response", [2, 256, 2.5], [1, 257, 2.25]),
    ("jam.max_duration", [0.25, 16], [0.125, 17]),
    ("sampling.temperature", [0.05, 5], [0, 6]),
    ("sampling.top_p", [0.01, 1], [0, 1.1]),
    ("sampling.max_repeats", [0, 100], [-1, 101]),
    ("sampling.max_loop", [16, 200], [15, 201]),
    ("sampling.memory", [0, 0.3, 1], [-0.1, 1.1, "all"]),
    ("sampling.key", ["off", "auto", "C minor", "Bb major"], ["C", "c minor", "", 3]),
    ("sampling.lowest", ["C-1", "C4"], ["c4", "H1", 60, "G#9"]),
    ("sampling.highest", ["G9", "A0"], ["Bb3", ""]),
    ("sampling.largest_chord", [1, 16], [0, 17]),
    ("sampling.transpose", [-48, 48], [-49, 49, 0.5]),
    ("sampling.grid", [1, 0.5, "1/3", 0.25], [0.75, 2, 0]),
    ("sampling.longest_rest", [1, 16], [0.5, 17]),
    ("sampling.seed", [0, 7, "random"], [-1, 0.5, "dice"]),
    ("record.folder", ["auto", "off", "jams"], ["", 1]),
    ("record.max_mb", [0.1, 1000], [0, 1001]),
    ("monitor.enabled", [True, False], [1, "yes"]),
    ("monitor.port", [1024, 8765, 65_535], [80, 65_536, 8765.5, "http"]),
    ("model.engine", ["numpy", "keras"], ["torch", 1]),
    ("model.weights", ["x.weights.h5"], ["", 1]),
    ("model.others", [[], ["fixed", "x"]], ["fixed", [""], [1], ["x"] * 16]),
    ("controls.takeover", ["soft", "jump"], ["hard", 1]),
    ("controls.feedback", [True, False], ["on", 1]),
    *((f"controls.{name}",
       ["off", "cc 0", "cc 119 channel 16"] + (
           [] if name in KNOBS else ["note 0", "note 127 channel 1", "program 1", "program 128"]),
       ["", "cc", "cc 120", "cc -1", "cc 1.5", "bend 3", "cc  3", "cc 0x4", 64, "note", "note 128",
        "program 0", "program 129", "cc 1 channel 0", "cc 1 channel 17", "CC 1"])
      for name in CONTROLS),
    ("tokeniser.timing", ["gaps", "fixed"], ["loose"]),
    ("tokeniser.resolution", [1, "1/12"], [0, 2, 0.3]),
    ("tokeniser.max_gap", [0.25, 16], [0, 17, "1/3"]),
    ("training.spelling", ["notes", "chords"], ["letters"]),
    ("training.vocabulary_size", [2, 65536], [1, 65537]),
    ("training.min_count", [1], [0]),
    ("training.embedding", [1, 4096], [0, 4097]),
    ("training.units", [1, 4096], [0, 4097]),
    ("training.dropout", [0, 0.9], [-0.1, 0.95]),
    ("training.patience", [1], [0]),
    ("training.batch_size", [1, 4096], [0, 4097]),
    ("training.learning_rate", [1e-6, 1], [0, 2]),
    ("training.seed", [0], [-1]),
]  # fmt: skip


def as_toml(value):
    return str(value).lower() if isinstance(value, bool) else repr(value)


@pytest.mark.parametrize(("key", "good", "bad"), RANGES)
def test_ranges(key, good, bad):
    for value in good:
        assert isinstance(load_config(None, [f"{key}={as_toml(value)}"]), Config)
    for value in bad:
        text = value if value in ("nan", "inf") else as_toml(value)
        with pytest.raises(ConfigError) as caught:
            load_config(None, [f"{key}={text}"])
        section, name = key.split(".")
        assert str(caught.value).startswith(f"{section}.")
        assert name in str(caught.value)
        assert "\n" not in str(caught.value)


TOGETHER = [
    (["ports.backend=jack", "ports.api=alsa"], "ports.backend"),
    (["clock.source=midi", "controls.tap=cc 1"], "controls.tap"),
    (["clock.source=jack", "controls.tempo=cc 1"], "controls.tempo"),
    (["controls.tempo=note 1"], "controls.tempo"),
    (["controls.mute=program"], "controls.mute"),
    (["controls.mode=cc 7", "controls.mute=cc 7"], "controls.mute"),
    (["controls.mode=note 7 channel 3", "controls.mute=note 7"], "controls.mute"),
    (["controls.mode=program", "controls.weights=program 3"], "controls.weights"),
    (["clock.source=jack", "clock.send=true", "clock.anchor=fixed"], "clock.send"),
    (["clock.source=jack", "clock.port=x"], "clock.port"),
    (["clock.send=true"], "clock.send"),
    (["sampling.lowest=C5", "sampling.highest=C4"], "sampling.lowest"),
    (["listen.lowest=C5", "listen.highest=C4"], "listen.lowest"),
]


@pytest.mark.parametrize(("assignments", "key"), TOGETHER)
def test_what_does_not_go_together(assignments, key):
    with pytest.raises(ConfigError, match=f"{key} = .*expected "):
        load_config(None, assignments)


def test_what_goes_together():
    config = load_config(None, ["clock.send=true", "clock.anchor=fixed", "controls.tap=cc 64"])
    assert config.controls.mappings == {"tap": ("cc", 64, None)}
    pads = ["controls.mute=note 7 channel 3", "controls.panic=note 7 channel 10"]
    assert len(load_config(None, pads).controls.mappings) == 2
    assert load_config(None, ["clock.source=midi", "clock.port=x"]).clock.port == "x"


def test_every_setting_is_in_the_table_of_ranges():
    settings = tomllib.loads(shipped("config.toml").read_text())
    keys = {f"{section}.{key}" for section, values in settings.items() for key in values}
    assert keys == {key for key, *_ in RANGES} | {"ports.api", "ports.output"}


def check(file=None, assignments=(), base=None):
    """Settings, or an error in a short line; returns which."""
    try:
        assert isinstance(load_config(file, assignments, base), Config)
    except ConfigError as error:
        said = str(error)
        assert said.isprintable()
        assert 0 < len(said) < 310
        return said
    return None


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return tmp_path_factory.mktemp("config") / "x.toml"


SETTINGS = tomllib.loads(shipped("config.toml").read_text())
KEYS = [(section, key) for section, values in SETTINGS.items() for key in values]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates()
    | st.datetimes() | st.integers(min_value=10**4290, max_value=10**4310),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip
LAYERS = st.dictionaries(
    st.sampled_from(list(SETTINGS)) | st.text(), VALUES, max_size=2
) | st.lists(st.tuples(st.sampled_from(KEYS), VALUES), max_size=4).map(
    lambda pairs: {section: {key: value} for (section, key), value in pairs}
)
FRAGMENTS = st.sampled_from(
    [f"[{section}]" for section in SETTINGS] + [f"[[{section}]]" for section in SETTINGS]
    + [f"{key} = " for _, key in KEYS] + [f"{section}.{key} = " for section, key in KEYS]
    + ["\n", "\n", "\r\n", " ", ".", ",", "=", "[", "]", "{", "}", "#", "'", '"', '"""', "\\u0000",
       "nan", "-inf", "0x" + "f" * 5000, "9" * 5000, "1e999", "1979-05-27T07:32:00Z", "07:32:00",
       "true", "\0", "\x1b[2J", "\\ud800", "[" * 2000, "{a=" * 2000, "x" * 5000, "a." * 300]
)  # fmt: skip
ASSIGNMENTS = st.tuples(st.sampled_from(KEYS), st.text() | FRAGMENTS).map(
    lambda each: f"{each[0][0]}.{each[0][1]}={each[1]}"
)


@given(st.text() | ASSIGNMENTS)
@example("jam.mode=" + "[" * 10_000)
@example("clock.tempo_bpm=" + "9" * 5_000)
@example("jam.phrase_end=0x" + "f" * 5_000)
@example("jam.primer=\udc80")
@example('jam.primer="\\u0000"')
def test_any_assignment_is_an_error_or_a_config(text):
    check(assignments=[text])


@given(st.binary() | st.text().map(str.encode) | st.lists(FRAGMENTS).map("".join).map(str.encode))
@example(b"[clock]\ntempo_bpm = " + b"9" * 5_000)
@example(b"[clock]\ntempo_bpm = 0x" + b"f" * 50_000)
@example(b"[jam]\nmode = " + b"[" * 5_000)
@example(b"[jam]\nmode = " + b"{a=" * 5_000)
@example(b"[" + b"y" * 90_000 + b"]")
@example(b"[jam]\n" + b"y" * 90_000 + b" = 1")
@example(b"[jam]\nmode = '" + b"y" * 90_000 + b"'")
@example(b"[listen]\nchannels = [" + b"1," * 40_000 + b"99]")
@example(b'[record]\nfolder = "\\u0000"')
@example(b'["a\\n\\u001b[2J"]')
@example(b"x." * 45_000 + b"x = 1")
@example(b"a" * 10_000_000)
def test_any_file_is_an_error_or_a_config(file, content):
    file.write_bytes(content)
    check(file)


@given(LAYERS)
def test_any_settings_of_a_recording_are_an_error_or_a_config(layer):
    check(base=layer)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no FIFOs")
def test_what_is_no_file_of_settings(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path, tmp_path / "fifo", Path("/dev/zero")):
        assert "not a regular file" in check(path)
    with (tmp_path / "huge.toml").open("wb") as huge:
        huge.truncate(1 << 30)
    assert "more than 100,000 characters" in check(tmp_path / "huge.toml")
    assert "No such file" in check(tmp_path / "none.toml")
