"""`livecomposer bench`, run for real and for a short time; never how fast this machine is."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from livecomposer.bench import StartError, private_mb, start_python

ON_LINUX = Path("/proc/self/smaps_rollup").exists()


def bench(*arguments, environment=None):
    return subprocess.run(
        [sys.executable, "-m", "livecomposer", "bench", "--seconds", "1", *arguments],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture
def without_midi():
    """An environment and settings with which no MIDI system is found."""
    environment = {**os.environ, "JACK_DEFAULT_SERVER": "none", "JACK_NO_START_SERVER": "1"}
    return environment, ["--set", "ports.api=jack", "--set", "ports.backend=rtmidi"]


def check(measured, ports):
    assert list(measured) == ["step_ms", "lateness_ms", "cold_start_s", "memory_mb", "ports"]
    step, late = measured["step_ms"], measured["lateness_ms"]
    assert list(step) == ["p50", "p99"]
    assert 0 < step["p50"] <= step["p99"]
    assert list(late) == ["p50", "p99", "max"]
    assert 0 <= late["p50"] <= late["p99"] <= late["max"]
    assert late["max"] > 0
    assert 0 < measured["cold_start_s"] < 60
    if ON_LINUX:
        assert 5 < measured["memory_mb"] < 1000
    else:
        assert measured["memory_mb"] is None
    assert measured["ports"] == ports


@pytest.mark.jack
def test_json_with_midi_ports(jack_server):
    ended = bench("--json", "--set", "ports.api=jack", environment=jack_server.environment)
    assert ended.returncode == 0, ended.stderr
    assert len(ended.stdout.splitlines()) == 1
    check(json.loads(ended.stdout), "jack")


def test_json_without_midi_ports(without_midi):
    environment, settings = without_midi
    ended = bench("--json", *settings, environment=environment)
    assert ended.returncode == 0, ended.stderr
    check(json.loads(ended.stdout), None)
    assert "without MIDI ports" in ended.stderr


def test_in_words(without_midi):
    environment, settings = without_midi
    ended = bench(*settings, environment=environment)
    assert ended.returncode == 0, ended.stderr
    step, late, start, memory = ended.stdout.splitlines()
    for line, limit in ((step, "p50 below 0.3 ms"), (late, "p99 below 1 ms"),
                        (start, "below 0.4 s")):  # fmt: skip
        assert line.endswith((f"  good: {limit}", f"  not good: good is {limit}"))
    assert "without MIDI ports" in start
    assert memory.startswith("memory")


def test_what_play_refuses_is_refused(tmp_path):
    weights = tmp_path / "none.h5"
    ended = bench("--json", "--set", f"model.weights={weights}")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.splitlines()[-1] == f"Error: {weights}: no such file"
    ended = bench("--set", "clock.tempo=1")
    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1


@pytest.mark.parametrize("seconds", ["0", "nan", "inf"])
def test_a_length_that_is_none_is_refused(seconds):
    assert bench("--seconds", seconds).returncode == 2


def test_a_start_ends_the_process(tmp_path):
    ended = tmp_path / "ended"
    script = (
        "import pathlib, signal, sys, time\n"
        "def end(*_):\n"
        f"    pathlib.Path({str(ended)!r}).touch()\n"
        "    sys.exit()\n"
        "signal.signal(signal.SIGTERM, end)\n"
        "print('ready', flush=True)\n"
        "time.sleep(60)"
    )
    start = start_python(["-c", script])
    assert ended.exists() or sys.platform == "win32"  # where nothing is told of its end
    assert 0 < start.seconds < 30
    assert (start.memory_mb is not None) == ON_LINUX


def test_a_start_that_fails_says_why():
    with pytest.raises(StartError, match="^no luck$") as raised:
        start_python(["-c", "import sys; print('first', file=sys.stderr); sys.exit('no luck')"])
    assert raised.value.exit_code == 1


def test_memory_of_no_process_is_not_known():
    assert private_mb(2**30) is None
