"""Commands as a user gives them: what they write, print, and exit with."""

import subprocess
import sys
from pathlib import Path

import mido
import pytest
from click.testing import CliRunner

from livecomposer.cli import main
from livecomposer.cli.common import load_models
from livecomposer.config_file import load_config
from livecomposer.config_instrument import CONTROLS
from livecomposer.extras import install_command
from tests.conftest import write_midi
from tests.pages import ROOT


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run a command in an empty folder; returns exit code, output, and error output."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        result = CliRunner().invoke(main, [str(a) for a in arguments])
        assert result.exception is None or isinstance(result.exception, SystemExit), (
            result.exception
        )
        return result

    return run


@pytest.fixture
def phrase(tmp_path):
    return write_midi(
        tmp_path / "phrase.mid", [(0.5 * i, 0.5, p) for i, p in enumerate((60, 64, 67, 72))]
    )


def notes(path, track):
    """(onset in beats, length in beats, pitch) of a named track; every note is ended."""
    file = mido.MidiFile(path)
    (part,) = [t for t in file.tracks if t.name == track]
    now, begun, found = 0, {}, []
    for message in part:
        now += message.time
        if message.type == "note_on":
            assert message.note not in begun, "struck twice"
            begun[message.note] = now
        elif message.type == "note_off":
            onset = begun.pop(message.note)
            found.append((onset, now - onset, message.note))
    assert not begun, "never ended"
    beat = file.ticks_per_beat
    return sorted((onset / beat, length / beat, pitch) for onset, length, pitch in found)


@pytest.mark.parametrize("weights", ["default", "fixed"])
def test_demo(run, tmp_path, weights):
    result = run("demo", "--fast", "--out", "jam.mid", "--set", f"model.weights={weights}")
    assert result.exit_code == 0
    assert "livecomposer:" in result.output
    answered, played = notes("jam.mid", "livecomposer"), notes("jam.mid", "player")
    assert len(played) == 28
    assert len(answered) >= 8
    assert all(onset % 0.5 == 0 for onset, _, _ in answered)
    assert all(9 <= onset < 17 or 29 <= onset < 37 for onset, _, _ in answered)


@pytest.mark.realtime
def test_demo_in_real_time_gives_the_same_notes(run):
    fast = ["--out", "fast.mid", "--fast", "--set", "clock.tempo_bpm=240"]
    live = ["--out", "live.mid", "--set", "clock.tempo_bpm=240"]
    assert run("demo", *fast).exit_code == 0
    result = run("demo", *live)
    assert result.exit_code == 0
    assert result.output.count("the player plays\nlivecomposer answers\n") == 2
    for part in ("player", "livecomposer"):
        exact, real = notes("fast.mid", part), notes("live.mid", part)
        assert exact
        # Within a quarter of a slot, 31 ms at this tempo: a chord's keys go down one by one.
        near = sorted((round(4 * onset) / 4, pitch) for onset, _, pitch in real)
        assert near == sorted((onset, pitch) for onset, _, pitch in exact)


def test_replay_is_the_same_by_the_same_seed(run, phrase):
    for name, seed in (("a", 1), ("b", 1), ("c", 2), ("d", 3)):
        assert run("replay", phrase, "--out", f"{name}.mid", "--seed", seed).exit_code == 0
    a, b, c, d = ((phrase.parent / f"{name}.mid").read_bytes() for name in "abcd")
    assert a == b
    assert a != c or a != d
    assert notes("a.mid", "player") == [
        (0, 0.5, 60), (0.5, 0.5, 64), (1, 0.5, 67), (1.5, 0.5, 72),
    ]  # fmt: skip
    answered = notes("a.mid", "livecomposer")
    assert answered
    assert all(onset % 0.5 == 0 and 3 <= onset < 5 for onset, *_ in answered)


def test_replay_keeps_the_tempo(run, tmp_path):
    path = write_midi(tmp_path / "x.mid", [(0, 1, 60)], tempo=600_000)
    assert run("replay", path, "--out", "y.mid").exit_code == 0
    tempos = [m.tempo for track in mido.MidiFile("y.mid").tracks for m in track
              if m.type == "set_tempo"]  # fmt: skip
    assert tempos == [600_000]


def test_generate(run, phrase):
    result = run("generate", "--primer", phrase, "--beats", 12, "--out", "x.mid", "--seed", 1)
    assert result.exit_code == 0
    assert len(notes("x.mid", "player")) == 4
    answered = notes("x.mid", "livecomposer")
    assert {onset % 0.5 for onset, *_ in answered} == {0}
    assert answered[0][0] == 2.5
    assert all(onset + length <= 2.5 + 12 for onset, length, _ in answered)


@pytest.mark.parametrize("way", [[], ["--live"]])
def test_tokens(run, tmp_path, way):
    path = write_midi(tmp_path / "x.mid", [(1, 1, 60), (1, 1, 64), (1.5, 1, 67), (2.5, 1, 72)])
    result = run("tokens", path, *way)
    assert (result.exit_code, result.output) == (0, "C4.E4 G4 +1 C5\n")
    result = run("tokens", path, *way, "--set", "tokeniser.timing=fixed")
    assert result.output == "C4.E4 G4 C5\n"


def test_settings_come_from_a_file_and_single_ones_over_it(run, phrase, tmp_path):
    config = tmp_path / "my.toml"
    config.write_text('[tokeniser]\ntiming = "fixed"\nresolution = 1\n[jam]\nphrase_end = "1/3"\n')
    assert run("tokens", phrase, "--config", config).output == "C4 E4.G4 C5\n"
    coarse = ["--set", "tokeniser.resolution=0.25"]
    assert run("tokens", phrase, "--config", config, *coarse).output == "C4 E4 G4 C5\n"


WRONG = [
    (["--set", "clock.tempo=1"], "clock.tempo: no such setting; [clock] has anchor, "),
    (["--set", "jams.phrase_end=1"], "jams: no such section"),
    (["--set", "clock.tempo_bpm=1000"], "clock.tempo_bpm = 1000: expected float <= 400"),
    (["--set", "clock.tempo_bpm=fast"], "clock.tempo_bpm = 'fast': expected float"),
    (["--set", "model.engine=torch"], "model.engine = 'torch': expected one of 'numpy', 'keras'"),
    (["--set", "sampling.seed=dice"], "sampling.seed = 'dice': expected one of 'random'"),
    (["--set", "jam.phrase_end=17"], "jam.phrase_end = 17, expected 0.25 to 16 beats"),
    (["--set", "jam.phrase_end=1e400"], "jam.phrase_end = inf: "),
    (["--set", "jam.phrase_end='1e400'"], "'1e400' is not a number of beats"),
    (["--set", "jam.max_response=2.25"], "jam.max_response = 2.25, expected a multiple of 0.5"),
    (["--set", "tokeniser.max_gap=0.1875"], "tokeniser.max_gap = 0.1875: "),
    (["--set", "jam.phrase_end=0.3"], "jam.phrase_end = 0.3: 0.3 beats is not a multiple of 1/24"),
    (["--set", "ports.output=livecomposer in"], "it would answer itself"),
    (["--set", "nonsense"], "'nonsense': expected section.key=value"),
    (["--config", "none.toml"], "none.toml"),
]


@pytest.mark.parametrize(("arguments", "reason"), WRONG)
def test_wrong_settings_exit_with_2_and_name_the_key(run, arguments, reason):
    result = run("demo", "--fast", *arguments)
    assert result.exit_code == 2
    assert reason in result.stderr


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"tempo =", "not TOML"), (b"\xff\xfe", "not TOML"), (b"clock = 3", "expected a section")],
)
def test_unreadable_config_files_exit_with_2(run, tmp_path, content, reason):
    (tmp_path / "bad.toml").write_bytes(content)
    result = run("demo", "--fast", "--config", "bad.toml")
    assert result.exit_code == 2
    assert reason in result.stderr


def test_bad_weights_exit_with_1_and_a_reason(run, tmp_path):
    (tmp_path / "bad.weights.h5").write_bytes(b"no")
    for name, reason in (("bad.weights.h5", "not a sound HDF5 file"), ("none.h5", "no such file")):
        result = run("demo", "--fast", "--set", f"model.weights={name}")
        assert result.exit_code == 1
        assert result.stderr.splitlines()[-1].startswith(f"Error: {name}: {reason}")


@pytest.mark.parametrize("command", ["tokens", "replay", "generate"])
@pytest.mark.parametrize("content", [b"", b"MThd\0\0", b"hello"])
def test_bad_midi_files_exit_with_1_and_a_reason(run, tmp_path, command, content):
    (tmp_path / "bad.mid").write_bytes(content)
    arguments = {
        "tokens": ["bad.mid"],
        "replay": ["bad.mid", "--out", "x.mid"],
        "generate": ["--primer", "bad.mid", "--beats", "4", "--out", "x.mid"],
    }[command]
    result = run(command, *arguments)
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: bad.mid: ")
    assert len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "x.mid").exists()


def test_a_file_without_notes(run, tmp_path):
    path = write_midi(tmp_path / "drums.mid", [(0, 1, 36)], channel=9)
    for command in (
        ["tokens", path], ["tokens", path, "--live"],
        ["generate", "--primer", path, "--beats", 4, "--out", "x.mid"],
    ):  # fmt: skip
        result = run(*command)
        assert result.exit_code == 1
        assert "no notes" in result.stderr


def test_an_output_that_cannot_be_written(run, phrase):
    result = run("replay", phrase, "--out", "no-such-folder/x.mid")
    assert result.exit_code == 1
    assert "no-such-folder/x.mid can't be written: No such file" in result.stderr


@pytest.mark.parametrize("beats", ["nan", "inf", "0", "-4"])
def test_a_length_that_is_none_is_refused(run, phrase, beats):
    result = run("generate", "--primer", phrase, "--beats", beats, "--out", "x.mid")
    assert result.exit_code == 2


WITHOUT_LIBRARIES = [
    (["train", "x"], "train needs tensorflow", "train"),
    (["evaluate", "default", "x"], "evaluate needs music21", "train"),
    (["render", "phrase.mid", "--out", "x.png"], "a picture needs matplotlib", "picture"),
    (["demo", "--monitor"], "the monitor needs starlette", "monitor"),
    (["demo", "--set", "model.engine=keras"], "model.engine = 'keras' needs TensorFlow", "train"),
]


@pytest.mark.parametrize(("command", "missing", "extra"), WITHOUT_LIBRARIES)
def test_without_its_libraries_it_says_what_to_install(phrase, command, missing, extra):
    script = (
        "import sys\n"
        "for name in ('tensorflow', 'keras', 'tqdm', 'music21', 'matplotlib', 'starlette'):\n"
        "    sys.modules[name] = None\n"
        "import importlib.util; found = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda n: None if sys.modules.get(n, 1) is None else found(n)\n"
        "from livecomposer.cli import main\n"
        f"main({command})"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script], cwd=phrase.parent, env={"PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 1
    installing = f'{Path(sys.executable).name} -m pip install "livecomposer[{extra}]"'
    assert ended.stderr.splitlines()[-1] == f"Error: {missing}: {installing}"


def test_a_python_below_the_folder_is_named_by_its_path(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "env" / "bin" / "python"))
    monkeypatch.chdir(tmp_path)
    assert install_command("jack") == 'env/bin/python -m pip install "livecomposer[jack]"'
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert install_command("jack") == 'python -m pip install "livecomposer[jack]"'


def test_playing_imports_no_training_library():
    script = (
        "import sys; from livecomposer.cli import main\n"
        "try: main(['demo', '--fast'])\n"
        "except SystemExit: pass\n"
        "import livecomposer.live.ports, rtmidi\n"
        "heavy = {'tensorflow', 'keras', 'music21', 'matplotlib'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert "livecomposer:" in ended.stdout
    assert ended.stdout.splitlines()[-1] == "[]"


def test_every_command_has_help(run):
    listing = run("--help").output
    for command in main.commands:
        assert command in listing
        result = run(command, "--help")
        assert result.exit_code == 0
        assert ("--set SECTION.KEY=VALUE" in result.output) == (
            command not in ("import-checkpoint", "render", "completion", "service")
        )


def test_what_can_be_learned_is_listed(run):
    told = " ".join(run("learn", "--help").output.split())
    assert told.startswith("Usage: main learn [OPTIONS] CONTROL ")
    assert f"CONTROL is one of {', '.join(CONTROLS)}." in told
    unknown = run("learn", "pnaic")
    assert unknown.exit_code == 2
    assert unknown.stderr.startswith("Usage: main learn [OPTIONS] CONTROL\n")


def test_a_primer_and_a_memory(run, phrase):
    def answer(out, seed, *settings):
        words = [word for setting in settings for word in ("--set", setting)]
        result = run("replay", phrase, "--out", out, "--seed", seed, *words)
        assert result.exit_code == 0, result.output
        return [pitch for _, _, pitch in notes(out, "livecomposer")]

    first = answer("first.mid", 1)
    assert answer("primed.mid", 1, "jam.primer=first.mid") != first
    likely = ["sampling.memory=1", "sampling.temperature=0.05", "jam.plan=1"]
    assert answer("other.mid", 1, *likely)[: len(first)] != first
    remembered = answer("remembered.mid", 1, *likely, "jam.memory_from=first.mid")
    assert remembered[: len(first)] == first


def test_a_touch_can_be_asked_for(run, phrase):
    asked = ["--set", "jam.velocity=33", "--set", "jam.gate=0.5", "--seed", 1]
    assert (
        run("generate", "--primer", phrase, "--beats", 8, "--out", "x.mid", *asked).exit_code == 0
    )
    file = mido.MidiFile("x.mid")
    (track,) = (track for track in file.tracks if track.name == "livecomposer")
    assert {each.velocity for each in track if each.type == "note_on" and each.velocity} == {33}


def test_a_primer_tells_the_key(tmp_path):
    scale = [66, 68, 70, 71, 73, 75, 77, 78, 73, 70, 66]
    primer = write_midi(tmp_path / "a.mid", [(i / 2, 0.5, pitch) for i, pitch in enumerate(scale)])
    primed, not_primed = (
        load_models(load_config(None, settings), 1)[0].continuation
        for settings in ([f"jam.primer={primer}"], [])
    )
    assert primed.repose(0, (66, 70)) == 3  # F sharp major
    assert not_primed.repose(0, (66, 70)) == 1  # a strong beat: no more is known


@pytest.mark.parametrize("setting", ["primer", "memory_from"])
def test_a_primer_that_cannot_be_read(run, tmp_path, setting):
    (tmp_path / "bad.mid").write_bytes(b"MThd")
    for name, reason in (
        ("bad.mid", "it is cut off"),
        ("none.mid", "No such file"),
        ("~no-such-user/a.mid", "No such file"),
    ):
        result = run("demo", "--fast", "--set", f"jam.{setting}={name}")
        assert result.exit_code == 2
        assert f"jam.{setting} = '{name}': {reason}" in result.stderr


@pytest.mark.parametrize("mode", ["duet", "fill", "solo", "listen"])
def test_every_mode_comes_to_an_end(run, phrase, mode):
    assert run("demo", "--fast", "--set", f"jam.mode={mode}").exit_code == 0
    held = mido.MidiFile(phrase)
    held.tracks[0].insert(1, mido.Message("control_change", control=64, value=127))
    held.save("held.mid")
    result = run("replay", "held.mid", "--out", "out.mid", "--set", f"jam.mode={mode}")
    assert result.exit_code == 0


def test_the_users_own_settings(run, phrase, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    own = tmp_path / "livecomposer" / "config.toml"
    own.parent.mkdir()
    own.write_text("[clock]\ntempo_bpm = 7\n")
    bad = run("demo", "--fast")
    assert (bad.exit_code, "clock.tempo_bpm" in bad.stderr) == (2, True)
    (tmp_path / "other.toml").write_text("")
    assert run("demo", "--fast", "--config", "other.toml").exit_code == 0
    own.write_text("[jam]\nmode = 'listen'\n")
    result = run("demo", "--fast")
    assert "livecomposer: 0 notes" in result.output


RECORDED = [
    ("1e999", "{}", 0, ""),
    ("9" * 5000, "{}", 0, ""),
    ("0", "[]", 0, ""),
    ("0", "[" * 100_000, 0, ""),
    ("0", '{"jam": 3}', 2, "expected a section"),
    ("0", '{"jam": {"mode": ' + "[" * 800 + "]" * 800 + "}}", 2, "jam.mode = "),
    ("0", '{"clock": {"tempo_bpm": 1' + "0" * 400 + "}}", 2, "clock.tempo_bpm = "),
    ("0", '{"' + "x" * 100_000 + '": {}}', 2, "no such section"),
    ("0", r'{"record": {"folder": "x\u0000"}}', 2, "expected UTF-8 without NUL"),
    ("0", '{"model": {"weights": "/dev/zero"}}', 1, "/dev/zero: not a regular file"),
]


@pytest.mark.parametrize(("ahead_ns", "settings", "code", "reason"), RECORDED)
def test_what_a_recording_says_of_itself_is_checked(run, phrase, ahead_ns, settings, code, reason):
    file = mido.MidiFile(phrase)
    text = f'{{"livecomposer": "1", "ahead_ns": {ahead_ns}, "settings": {settings}}}'
    file.tracks[0].insert(0, mido.MetaMessage("text", text=text))
    file.save("jam.mid")
    result = run("replay", "jam.mid", "--out", "out.mid")
    assert result.exit_code == code, result.stderr
    assert reason in result.stderr
    assert all(len(line) < 400 for line in result.stderr.splitlines())
