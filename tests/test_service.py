"""In the background: what systemd and launchd are told, and what their own tools say of it."""

import os
import plistlib
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from livecomposer.service.launchd import Launchd
from livecomposer.service.manager import ServiceError, find_manager, play_command
from livecomposer.service.systemd import Systemd
from tests.pages import ROOT

ODD = "my 100%h $HOME ünd's"
UNIT = Path(".config", "systemd", "user", "livecomposer.service")


class Desk:
    """A user's home and environment, with nothing else in it.

    Attributes:
        home: where it is.
        environment: what programs are told.
    """

    def __init__(self, home, **environment):
        self.home = home
        self.environment = {
            "HOME": str(home), "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **environment,
        }  # fmt: skip

    def run(self, *command):
        return subprocess.run(
            command, cwd=self.home, env=self.environment, capture_output=True, text=True,
            check=False, timeout=60,
        )  # fmt: skip

    def service(self, *arguments):
        return self.run(sys.executable, "-m", "livecomposer", "service", *arguments)


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path)


def verify(desk, unit):
    """What systemd says of a unit; "" for nothing."""
    (desk.home / "livecomposer.service").write_bytes(unit)
    (desk.home / "run").mkdir(exist_ok=True)
    desk.environment["XDG_RUNTIME_DIR"] = str(desk.home / "run")
    tool = shutil.which("systemd-analyze") or pytest.skip("systemd is not installed")
    ended = desk.run(tool, "verify", "--user", "livecomposer.service")
    assert (ended.returncode == 0) == (ended.stdout + ended.stderr == "")
    return ended.stdout + ended.stderr


@pytest.mark.parametrize("folder", ["plain", ODD.replace("'", ""), "-@+!:x"])
def test_systemd_finds_no_fault(desk, folder):
    program = desk.home / folder / "python"
    program.parent.mkdir()
    program.symlink_to(sys.executable)
    command = [str(program), *play_command(desk.home / ODD / 'a "b" \\n.toml')[1:]]
    assert verify(desk, Systemd().definition(command)) == ""
    program.unlink()
    assert f"{folder}/python is not executable" in verify(desk, Systemd().definition(command))


WORDS = [
    ("play", '"play"'),
    ("a b", '"a b"'),
    ("100%", '"100%%"'),
    ("$HOME/${x}", '"$$HOME/$${x}"'),
    ('a "b" c\\d', r'"a \"b\" c\\d"'),
    ("a\nb\x7f", r'"a\x0ab\x7f"'),
    ("ünd's", '"ünd\'s"'),
]


@pytest.mark.parametrize(("word", "written"), WORDS)
def test_arguments_of_a_unit(word, written):
    unit = Systemd().definition(["/usr/bin/x", word]).decode()
    assert f'\nExecStart="/usr/bin/x" {written}\n' in unit


@pytest.mark.parametrize("path", ['/a"b/python', "/it's/python", "/a\\b", "/a\nb", "/\udcff"])
def test_what_systemd_cannot_start(path):
    with pytest.raises(ServiceError, match="systemd"):
        Systemd().definition([path, "play"])


def test_a_launchd_agent(desk):
    command = ["/my python", "-m", "livecomposer", "play", "--config", f'/<{ODD}> & "x".toml']
    agent = Launchd().definition(command)
    about = plistlib.loads(agent)
    assert about["Label"] == "livecomposer"
    assert about["ProgramArguments"] == command
    assert about["RunAtLoad"] is True
    assert about["KeepAlive"] == {"SuccessfulExit": False}
    for stream in ("StandardOutPath", "StandardErrorPath"):
        assert about[stream] == f"{Path.home()}/Library/Logs/livecomposer.log"
    (desk.home / "agent.plist").write_bytes(agent)
    tool = shutil.which("plistutil") or pytest.skip("plistutil is not installed")
    ended = desk.run(tool, "-i", "agent.plist", "-o", "agent.bin", "-f", "bin")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert plistlib.loads((desk.home / "agent.bin").read_bytes()) == about


@pytest.mark.parametrize("word", ["a\x01b", "\udcff"])
def test_what_launchd_cannot_be_told(word):
    with pytest.raises(ServiceError, match="launchd can't be told"):
        Launchd().definition(["/python", word])


def test_systems_that_have_neither():
    with pytest.raises(ServiceError, match="on Windows, put a shortcut to `livecomposer play`"):
        find_manager("win32")
    with pytest.raises(ServiceError, match="not on 'freebsd14': have your system start"):
        find_manager("freebsd14")


def test_where_no_systemd_can_be_reached(desk):
    ended = desk.service("install")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("Error: your systemd can't be reached (Failed to connect to bus")
    assert "loginctl enable-linger" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
    assert not (desk.home / UNIT).exists()
    ended = desk.service("status")
    assert ended.returncode == 1
    assert ended.stderr == "Error: it is not installed: livecomposer service install\n"
    ended = desk.service("remove")
    assert (ended.returncode, ended.stdout) == (0, "it is not installed\n")
    (desk.home / UNIT).parent.mkdir(parents=True)
    (desk.home / UNIT).write_text("# mine\n")
    for command in ("install", "status", "remove"):
        ended = desk.service(command)
        assert (ended.returncode, ended.stderr[:36]) == (1, "Error: your systemd can't be reached")
        assert (desk.home / UNIT).read_text() == "# mine\n"


def test_where_systemd_is_not_installed(desk):
    desk.environment["PATH"] = str(desk.home)
    ended = desk.service("install")
    assert ended.returncode == 1
    assert ended.stderr == "Error: systemctl: No such file or directory\n"


def test_printed_is_what_would_be_written(desk):
    (desk.home / "my.toml").write_text("")
    ended = desk.service("install", "--config", "my.toml", "--print")
    assert ended.returncode == 0
    assert f'"play" "--quiet" "--config" "{desk.home}/my.toml"\n' in ended.stdout
    assert verify(desk, ended.stdout.encode()) == ""
    assert not (desk.home / UNIT).exists()


def test_wrong_settings_are_not_installed(desk):
    (desk.home / "my.toml").write_text("jam.mode = 'loud'")
    ended = desk.service("install", "--config", "my.toml", "--print")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("Error: jam.mode = 'loud': expected one of ")


@pytest.fixture
def systemd(tmp_path, jack_server):
    """A desk with a systemd of its own, as a user has it that is logged in."""
    groups = [Path("/sys/fs/cgroup", each) for each in ("systemd", "unified", ".")]
    groups = [each / "livecomposer-tests" for each in groups if (each / "cgroup.procs").exists()]
    join = "".join(f"mkdir -p {each}; echo $$ > {each}/cgroup.procs; " for each in groups)
    # systemd asks for the folder /run/systemd/system, which it gets, and nobody else.
    booted = "mount -t tmpfs tmpfs /run/systemd && mkdir /run/systemd/system"
    run = tmp_path / "run"
    run.mkdir(0o700)
    jack = {name: jack_server.environment[name] for name in ("JACK_DEFAULT_SERVER",)}
    desk = Desk(tmp_path, XDG_RUNTIME_DIR=str(run), JACK_NO_START_SERVER="1", **jack)
    manager = subprocess.Popen(
        ["unshare", "-m", "sh", "-c", f"{join}{booted} && exec /lib/systemd/systemd --user "
         "--unit=basic.target"],
        env=desk.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 10
        while desk.run("systemctl", "--user", "show-environment").returncode:
            if time.monotonic() > deadline or manager.poll() is not None:
                pytest.skip("no systemd can be started for this user here")
            time.sleep(0.1)
        yield desk
    finally:
        desk.run("systemctl", "--user", "exit")
        manager.terminate()
        manager.wait(20)
        for each in groups:
            shutil.rmtree(each, ignore_errors=True)


def shown(desk, name):
    return desk.run("systemctl", "--user", "show", "-P", name, "livecomposer").stdout.strip()


def wait_for(what):
    deadline = time.monotonic() + 20
    while not what():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.05)


@pytest.mark.faults
@pytest.mark.jack
def test_a_service_lives_and_is_killed(systemd, jack_server):
    from tests.live.test_faults import END, IN, OUT, SOLO, plays_on
    from tests.live.witness import Witness  # it needs libjack

    settings = [f"--set={each}" for each in (*SOLO, "ports.api=jack")]
    config = f'{ODD} "x"\\.toml'
    init = [sys.executable, "-m", "livecomposer", "init", "--config", config, *settings]
    assert systemd.run(*init).returncode == 0
    ended = systemd.service("install", "--config", config)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith(f"installed: {systemd.home / UNIT}\n")
    with Witness(jack_server) as witness:
        wait_for(lambda: any(port.startswith(OUT) for port in witness.ports()))
        status = systemd.service("status")
        assert (status.returncode, "\nrunning; " in status.stdout) == (0, True)
        main = int(shown(systemd, "MainPID"))
        words = Path(f"/proc/{main}/cmdline").read_bytes().decode().split("\0")
        assert words[1:-1] == play_command(systemd.home / config)[1:]
        witness.connect(IN, OUT)
        plays_on(witness)
        witness.wait_for(witness.sounding)
        os.kill(main, signal.SIGKILL)
        witness.wait_for(lambda: witness.heard[-1][1] == END, 5)  # the guardian was left alone
        assert not witness.sounding()
        wait_for(lambda: shown(systemd, "NRestarts") == "1" and shown(systemd, "MainPID") != "0")
        wait_for(lambda: any(port.startswith(OUT) for port in witness.ports()))
        # Wrong settings end it for good.
        (systemd.home / config).write_text("jam.mode = 'loud'")
        systemd.run("systemctl", "--user", "restart", "livecomposer")
        wait_for(lambda: shown(systemd, "ActiveState") == "failed")
        assert shown(systemd, "ExecMainStatus") == "2"
        status = systemd.service("status")
        assert (status.returncode, "\nfailed; " in status.stdout) == (1, True)
    ended = systemd.service("remove")
    assert (ended.returncode, ended.stdout) == (0, f"removed: {systemd.home / UNIT}\n")
    assert not list(systemd.home.rglob("livecomposer.service"))
    assert shown(systemd, "LoadState") == "not-found"
