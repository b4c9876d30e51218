"""What shells complete: asked through click, and in the shells themselves."""

import os
import re
import shutil
import subprocess
import sys

import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from livecomposer.cli import main
from tests.pages import ROOT

ASKED = [
    (["pl"], ["play"]),
    (["play", "--se"], ["--set"]),
    (["learn", "pan"], ["panic"]),
    (["completion", ""], ["bash", "zsh", "fish"]),
    (["play", "--set", "jam.m"], ["jam.mode=", "jam.min_phrase=", "jam.min_response=",
                                  "jam.max_response=", "jam.max_duration=", "jam.memory_from="]),
    (["play", "--set", "jam.mo"], ["jam.mode=call-response", "jam.mode=duet", "jam.mode=fill",
                                   "jam.mode=solo", "jam.mode=listen"]),
    (["learn", "panic", "--set", "jam.mode=d"], ["jam.mode=duet"]),
    (["play", "--set", "clock.send="], ["clock.send=true", "clock.send=false"]),
    (["play", "--set", "clock.te"], ["clock.tempo_bpm=120"]),
    (["play", "--set", "sampling.top"], ["sampling.top_p=0.9"]),
    (["play", "--set", "sampling.seed="], ["sampling.seed=random"]),
    (["play", "--set", "jam.velocity=f"], ["jam.velocity=follow"]),
    (["play", "--set", "model.weights="], ["model.weights=default", "model.weights=fixed"]),
    (["play", "--set", "ports.input="], []),
    (["play", "--set", "none.such"], []),
    (["play", "--set", "none.such=x"], []),
    (["train", "--from", "d"], ["default"]),
    (["evaluate", "f"], ["fixed"]),
]  # fmt: skip


@pytest.mark.parametrize(("words", "expected"), ASKED)
def test_what_is_offered(words, expected):
    shell = ShellComplete(main, {}, "livecomposer", "_LIVECOMPOSER_COMPLETE")
    found = shell.get_completions(words[:-1], words[-1])
    assert [item.value for item in found] == expected


@pytest.mark.parametrize("words", [["play", "--config", ""], ["evaluate", "mine/"]])
def test_where_files_are_offered(words):
    shell = ShellComplete(main, {}, "livecomposer", "_LIVECOMPOSER_COMPLETE")
    (item,) = shell.get_completions(words[:-1], words[-1])
    assert (item.type, item.value) == ("file", words[-1])


def test_a_shell_that_is_not_known():
    result = CliRunner().invoke(main, ["completion", "csh"])
    assert result.exit_code == 2
    assert "'csh' is not one of 'bash', 'zsh', 'fish'" in result.stderr


INSTALLING = {
    match[1]: match[0]
    for match in re.finditer(
        r"^mkdir -p .+\nlivecomposer completion (\w+) .+$",
        (ROOT / "docs" / "setup.md").read_text(),
        re.MULTILINE,
    )
}


@pytest.fixture
def place(tmp_path):
    """A folder with `livecomposer` in it, which is on the path of the environment."""
    command = tmp_path / "livecomposer"
    start = f"import sys; sys.argv[0] = {str(command)!r}; from livecomposer.cli import main; main()"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "{start}" "$@"\n')
    command.chmod(0o755)
    return tmp_path, {
        "PATH": f"{tmp_path}:{os.environ['PATH']}", "HOME": str(tmp_path), "PYTHONPATH": str(ROOT),
    }  # fmt: skip


def run_shell(shell, script, place):
    """Run a script where completion is installed as the docs say; its lines."""
    folder, environment = place
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    subprocess.run(["bash", "-ec", INSTALLING[shell]], env=environment, check=True, timeout=60)
    return subprocess.run(
        [shell, "-c", script], cwd=folder, env=environment,
        capture_output=True, text=True, check=True, timeout=60,
    ).stdout.splitlines()  # fmt: skip


def test_its_help_says_the_same():
    ended = CliRunner().invoke(main, ["completion", "--help"])
    told = {line.strip() for line in ended.output.splitlines()}
    for installing in INSTALLING.values():
        assert set(installing.splitlines()) <= told


# As readline makes words of a line: an = is one by itself.
BASH = [
    ("livecomposer|pl", ["play"]),
    ("livecomposer|play|--set|jam.mo", ["jam.mode=call-response", "jam.mode=duet",
                                        "jam.mode=fill", "jam.mode=solo", "jam.mode=listen"]),
    ("livecomposer|play|--set|jam.mode|=", ["call-response", "duet", "fill", "solo", "listen"]),
    ("livecomposer|play|--set|jam.mode|=|du", ["duet"]),
    ("livecomposer|play|--set|=|jam.mode|=|du", ["duet"]),
    ("livecomposer|play|--set|=|jam.mode|=|duet|--qu", ["--quiet"]),
]  # fmt: skip


def test_bash(place):
    script = (
        "source .local/share/bash-completion/completions/livecomposer\ncomplete -p livecomposer\n"
    )
    for line, _ in BASH:
        words = " ".join(f"'{word}'" for word in line.split("|"))
        script += (
            f"COMP_WORDS=({words}); COMP_CWORD={line.count('|')}; COMPREPLY=()\n"
            '_livecomposer_completion livecomposer; echo "${COMPREPLY[*]}"\n'
        )
    registered, *answers = run_shell("bash", script, place)
    assert registered == "complete -o nosort -F _livecomposer_completion livecomposer"
    assert [answer.split() for answer in answers] == [expected for _, expected in BASH]


def test_fish(place):
    lines = ["livecomposer pl", "livecomposer play --set jam.mode=d", "livecomposer play --set cl"]
    asked = "\n".join(f"complete --do-complete '{line}'; echo" for line in lines)
    found = "\n".join(run_shell("fish", asked, place))
    command, mode, clock = (part.split() for part in found.strip().split("\n\n"))
    assert command[0] == "play"
    assert mode == ["jam.mode=duet"]
    assert {"clock.source=", "clock.tempo_bpm="} <= set(clock)


def test_zsh(place):
    # A real line editor is fed keys: Tab, and then a key that tells what the line has become.
    script = """
        zmodload zsh/zpty
        zpty shell 'zsh -f -i'
        say() { zpty -w shell "$1" }
        say "PS1= PROMPT_EOL_MARK="
        say "fpath+=~/.zfunc; autoload -Uz compinit; compinit -u -D"
        say "tell() { print -r -- \\$BUFFER > told; exit }; zle -N tell; bindkey ^G tell"
        zpty -w -n shell $'livecomposer play --set jam.mode=du\\t\\a'
        integer tries
        while [[ ! -s told && tries -lt 300 ]]; do sleep 0.1; tries+=1; done
        cat told
    """
    assert run_shell("zsh", script, place) == ["livecomposer play --set jam.mode=duet "]
