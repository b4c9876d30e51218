"""A file of settings to begin with: it says all, and changes nothing unless it is asked to."""

import os
import re
import subprocess
import sys
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livecomposer.cli.init import own_settings
from livecomposer.cli.learn import write_setting
from livecomposer.config_file import load_config, shipped
from tests.pages import ROOT

DEFAULTS = shipped("config.toml").read_text()
UNCOMMENTED = re.compile(r"^#(?=\w+ = )", re.MULTILINE)


@pytest.fixture
def init(tmp_path):
    """Run it in a home of its own; returns what ended, and where the file belongs."""
    home = tmp_path / "home"
    home.mkdir()
    environment = {"HOME": str(home), "PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]}

    def init(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "livecomposer", "init", *map(str, arguments)],
            cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip

    return init, home / ".config" / "livecomposer" / "config.toml"


def test_it_says_all_and_changes_nothing(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(own_settings())
    assert all(not values for values in tomllib.loads(file.read_text()).values())
    assert load_config(file) == load_config()
    file.write_text(UNCOMMENTED.sub("", own_settings()))
    assert tomllib.loads(file.read_text()) == tomllib.loads(DEFAULTS)
    sections = DEFAULTS[DEFAULTS.index("[") :]
    assert UNCOMMENTED.sub("", own_settings()).endswith(sections)


def test_it_is_written_where_all_commands_look(init):
    run, file = init
    ended = run()
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith(f"written: {file}\nnext:\n")
    assert "livecomposer doctor: " in ended.stdout
    assert "'livecomposer in'" in ended.stdout
    assert file.read_text() == own_settings()
    assert os.listdir(file.parent) == [file.name]  # noqa: PTH208


def test_what_is_there_stays(init):
    run, file = init
    file.parent.mkdir(parents=True)
    file.write_text("# mine\n")
    ended = run()
    assert ended.returncode == 1
    assert ended.stderr == (
        f"Error: {file} is there already, and stays as it is: --force writes it anew\n"
    )
    assert file.read_text() == "# mine\n"
    assert run("--force").returncode == 0
    assert file.read_text() == own_settings()


def test_elsewhere_and_with_settings(init, tmp_path):
    run, file = init
    ended = run(
        "--config", "to go/my.toml", "--set", "jam.mode=duet", "--set", "ports.output=synth"
    )
    assert ended.returncode == 0
    assert "livecomposer play --config 'to go/my.toml': " in ended.stdout
    assert "'synth'" in ended.stdout
    written = tomllib.loads((tmp_path / "to go" / "my.toml").read_text())
    assert {name: values for name, values in written.items() if values} == {
        "jam": {"mode": "duet"}, "ports": {"output": "synth"},
    }  # fmt: skip
    assert not file.exists()


def test_wrong_settings_and_places(init, tmp_path):
    run, file = init
    ended = run("--set", "jam.mode=loud")
    assert (ended.returncode, ended.stderr[:28]) == (2, "Error: jam.mode = 'loud': ex")
    assert not file.exists()
    (tmp_path / "file").write_text("")
    ended = run("--config", "file/config.toml")
    assert ended.returncode == 1
    assert ended.stderr == "Error: file/config.toml can't be written: File exists\n"


@given(st.text(min_size=1, max_size=64).filter(lambda text: text.strip() == text))
def test_any_text_can_be_set(tmp_path_factory, text):
    file = tmp_path_factory.mktemp("any") / "mine.toml"
    assignment = f"ports.input={text}"
    try:
        wanted = load_config(None, [assignment])
    except ValueError:
        return
    file.write_text(own_settings([assignment]))
    assert load_config(file) == wanted


def test_learned_controls_find_their_section(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(own_settings())
    write_setting(file, "controls", "panic", "note 36")
    assert load_config(file) == load_config(None, ["controls.panic=note 36"])
    assert file.read_text().replace('panic = "note 36"\n', "") == own_settings()
