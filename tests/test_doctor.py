"""What a machine has and lacks, told whatever is the matter with it."""

import grp  # noqa: F401 - what nobody may perhaps not read is loaded before
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from livecomposer.config_file import load_config
from livecomposer.doctor import files, machine, midi, timing
from livecomposer.doctor.finding import Finding, attempt
from livecomposer.doctor.isolation import check_midi
from tests.pages import ROOT

NAMES = [
    "python", "packages", "processors", "config", "jack", "alsa", "coremidi", "winmm", "ports",
    "clock", "monotonic clock", "realtime", "memory lock", "weights default", "timer", "recordings",
]  # fmt: skip
NOBODY = 65534
SCRIPT = """
import sys
from livecomposer.cli import main
try: main(["doctor", *sys.argv[1:]])
finally: assert not {"tensorflow", "keras", "music21", "matplotlib"} & set(sys.modules)
"""


@pytest.fixture
def run(tmp_path):
    """Run it in a home of its own, where no JACK server is; returns what ended."""

    def run(*arguments, **environment):
        return subprocess.run(
            [sys.executable, "-c", SCRIPT, *arguments],
            cwd=tmp_path, capture_output=True, text=True, check=False,
            env={
                "HOME": str(tmp_path), "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT),
                "JACK_NO_START_SERVER": "1", "JACK_DEFAULT_SERVER": "nowhere", **environment,
            },
        )  # fmt: skip

    return run


def by_name(ended):
    found = {each["name"]: Finding(**each) for each in json.loads(ended.stdout)}
    assert ended.stderr == ""
    assert ended.returncode == any(each.state == "problem" for each in found.values())
    return found


def test_without_any_midi_system(run):
    found = by_name(run("--json"))
    assert [name for name in found if not name.startswith("extra ")] == NAMES
    states = {name: each.state for name, each in found.items()}
    assert states["python"] == states["packages"] == states["config"] == states["clock"] == "ok"
    assert states["weights default"] == states["recordings"] == "ok"
    assert states["jack"] == states["coremidi"] == states["winmm"] == "not-here"
    if states["alsa"] == "not-here":
        assert states["ports"] == "problem"
        assert found["ports"].found.startswith("no usable MIDI system (tried jack)")
        assert found["ports"].advice == "see jack and alsa above"
        assert found["jack"].advice
        assert "modprobe snd-seq" in found["alsa"].advice


def test_for_people(run):
    settings = ["--set", "record.folder=off", "--set", 'model.others=["ü"]']
    ended = run(*settings, COLUMNS="200", PYTHONIOENCODING="ascii")
    assert (ended.returncode, ended.stderr) == (1, "")
    lines = ended.stdout.splitlines()
    assert lines[0].split()[:3] == ["ok", "python", "CPython"]
    assert "ok        recordings       off: jams are not recorded" in [
        line.rstrip() for line in lines
    ]
    assert "problem   weights ?        no such file" in [line.rstrip() for line in lines]
    assert any(line.lstrip().startswith("-> ") for line in lines)
    assert lines[-1].split(", ")[0].endswith(" ok")


def test_wrong_settings_are_a_finding_too(run, tmp_path):
    own = tmp_path / ".config" / "livecomposer" / "config.toml"
    own.parent.mkdir(parents=True)
    own.write_text("[jam]\nmode = 'loud'\n")
    found = by_name(run("--json"))
    assert found["config"].state == "problem"
    assert found["config"].found.startswith("jam.mode = 'loud': expected one of ")
    assert found["weights default"].state == "ok"


def test_files_that_are_bad(run, tmp_path):
    (tmp_path / "bad.h5").write_bytes(b"no")
    others = '["bad.h5", "none.h5"]'
    found = by_name(
        run("--json", "--set", f"model.others={others}", "--set", "record.folder=bad.h5")
    )
    assert found["weights bad.h5"].state == found["weights none.h5"].state == "problem"
    assert found["weights bad.h5"].found.startswith("not a sound HDF5 file")
    assert found["weights none.h5"].found == "no such file"
    assert found["recordings"].found == "bad.h5: Not a directory"


def test_a_check_that_fails_by_itself():
    def fail():
        raise ValueError("no\nway")

    found = attempt("x", fail)
    assert found == Finding("x", "problem", "this check has failed by itself (ValueError: no way)")


def test_packages(tmp_path, monkeypatch):
    about = tmp_path / "livecomposer-9.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: livecomposer\nVersion: 9\nRequires-Python: >=4\n"
        "Requires-Dist: mido>=99\nRequires-Dist: no-such-package\nRequires-Dist: click\n"
        "Provides-Extra: jack\nRequires-Dist: no-such-jack; extra == 'jack'\n"
        "Provides-Extra: train\nRequires-Dist: numpy; extra == 'train'\n"
        "Requires-Dist: no-such-flow; extra == 'train'\nProvides-Extra: dev\n"
        "Provides-Extra: picture\nRequires-Dist: numpy>=99; extra == 'picture'\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    packages = machine.check_packages()
    assert packages.state == "problem"
    assert packages.found.startswith("mido is ")
    assert packages.found.endswith(", expected >=99; no-such-package is not installed")
    assert machine.check_python().state == "problem"
    assert machine.known_extras() == ["jack", "picture", "train"]
    assert machine.check_extra("jack").state == "not-here"
    assert machine.check_extra("picture").state == "warning"
    assert machine.check_extra("train").state == "not-here"
    assert machine.check_extra("jack").advice.endswith('pip install "livecomposer[jack]"')


GOVERNED = [
    ("powersave", "acpi-cpufreq", "warning"),
    ("powersave", "intel_pstate", "ok"),
    ("performance", "acpi-cpufreq", "ok"),
]


@pytest.mark.parametrize(("governor", "driver", "state"), GOVERNED)
def test_processors(tmp_path, governor, driver, state):
    for number in range(2):
        folder = tmp_path / f"cpu{number}" / "cpufreq"
        folder.mkdir(parents=True)
        (folder / "scaling_governor").write_text(f"{governor}\n")
        (folder / "scaling_driver").write_text(f"{driver}\n")
    if len(os.sched_getaffinity(0)) > 1:
        assert machine.check_processors(tmp_path).state == state
    assert f"governor {governor}" in machine.check_processors(tmp_path).found


def as_nobody(check):
    """What a check finds in a process that may do little."""
    reading, writing = os.pipe()
    if not (child := os.fork()):
        resource.setrlimit(resource.RLIMIT_RTPRIO, (0, 0))
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (1 << 16, 1 << 16))
        if os.geteuid() == 0:
            os.setuid(NOBODY)
        found = attempt("", check)
        os.write(writing, json.dumps([found.state, found.found, found.advice]).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as file:
        answer = json.load(file)
    os.waitpid(child, 0)
    return answer


@pytest.fixture
def closed_folder():
    """A folder that everybody may look into, and nobody write to."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "seq").touch(0o600)
        folder.chmod(0o555)
        if os.geteuid() != 0:
            (folder / "seq").chmod(0)
        yield folder
        folder.chmod(0o700)


def test_what_may_not_be_had(closed_folder, config):
    device = closed_folder / "seq"
    state, found, advice = as_nobody(lambda: midi.check_alsa(config, device))
    assert state == "warning"
    assert found.startswith(f"{device} may not be read and written by you; it belongs to the group")
    assert "usermod -aG" in advice
    state, found, advice = as_nobody(lambda: timing.check_realtime("auto"))
    assert state == "warning"
    assert found.endswith("is refused: Operation not permitted; RLIMIT_RTPRIO is 0")
    assert "rtprio" in advice
    state, found, _ = as_nobody(lambda: timing.check_memlock(on_jack=True))
    assert (state, found[:12]) == ("warning", "up to 0.1 MB")
    assert as_nobody(lambda: timing.check_memlock(on_jack=False))[0] == "ok"
    settings = load_config(None, [f"record.folder={closed_folder}/jams"]).record
    state, found, _ = as_nobody(lambda: files.check_recordings(settings))
    assert (state, found) == ("problem", f"{closed_folder}: Permission denied")


def test_what_is_not_asked_for():
    assert timing.check_realtime("off").state == "ok"


@pytest.mark.jack
def test_with_jack(run, jack_server):
    jack = {name: jack_server.environment[name] for name in ("JACK_DEFAULT_SERVER",)}
    found = by_name(run("--json", "--set", "clock.source=jack", **jack))
    assert found["jack"].state in ("ok", "warning")  # without real-time priority
    assert " Hz, " in found["jack"].found
    assert found["clock"] == Finding("clock", "ok", "JACK's transport")
    assert found["ports"].state == "ok"
    assert found["ports"].found == (
        "through jack: 'livecomposer in' is made, 'livecomposer out' is made"
    )
    play = [sys.executable, "-m", "livecomposer", "play", "--quiet"]
    with subprocess.Popen(
        play, env={**jack_server.environment, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout.readline().startswith(b"ready")
        found = by_name(run("--json", "--set=clock.source=midi", "--set=clock.port=none", **jack))
        process.terminate()
    assert found["ports"].state == "warning"
    assert "'livecomposer out' is taken, and 'livecomposer out-01' is made" in found["ports"].found
    assert found["clock"].state == "problem"
    assert found["clock"].found.startswith("clock.port = 'none': there is no such MIDI port; ")


@pytest.mark.jack
def test_a_server_that_stands_still(own_server, monkeypatch, config):
    monkeypatch.setenv("JACK_DEFAULT_SERVER", own_server.name)
    monkeypatch.setenv("JACK_NO_START_SERVER", "1")
    still = threading.Thread(target=own_server.stand_still, args=(6,))
    still.start()
    found = {each.name: each for each in check_midi(config, patience_s=1.5)}
    still.join()
    assert list(found) == ["jack", "alsa", "coremidi", "winmm", "ports", "clock"]
    assert found["jack"].state == "problem"
    assert found["jack"].found == "no answer in 1.5 s, or it crashed"
    assert found["coremidi"].state == "not-here"
    assert found["clock"].state == "ok"
