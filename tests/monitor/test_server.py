"""The monitor's process: where it listens, and when it ends."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack

import psutil
import pytest

from livecomposer.monitor.messages import Keys, Left, Watched
from livecomposer.monitor.server import PORTS, listen
from tests.monitor.process import PATIENCE_S, TOKEN, Monitor, Silent, receive


@pytest.fixture
def alone(tmp_path):
    """A monitor of the test's own."""
    monitor = Monitor(tmp_path)
    yield monitor
    monitor.end()


def test_it_listens_on_the_loopback_address_only(monitor):
    process = psutil.Process(monitor.process.pid)
    (connection,) = [each for each in process.net_connections("all") if each.status == "LISTEN"]
    assert connection.laddr == ("127.0.0.1", monitor.port)


def test_it_leaves_the_processor_to_others_and_says_no_token(monitor):
    process = psutil.Process(monitor.process.pid)
    assert process.nice() > psutil.Process().nice()
    assert TOKEN not in " ".join(process.cmdline())


def test_a_taken_port_and_a_second_monitor(monitor, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        first = Monitor(tmp_path, port)
        second = Monitor(tmp_path, port)
        assert port < first.port < second.port < port + PORTS
        assert first.ask("/nothing").status == second.ask("/nothing").status == 404
        assert first.end() == second.end() == (0, "")


def test_no_port_is_free():
    with socket.create_server(("127.0.0.1", 65535)):
        with pytest.raises(OSError, match="no port from 65535 to 65535 is free"):
            listen(65535)
        ended = subprocess.run(
            [sys.executable, "-m", "livecomposer.monitor.server"], capture_output=True, check=False,
            input=b'{"type": "begin", "port": 65535, "token": "", "recordings": ""}\n',
        )  # fmt: skip
    assert (ended.returncode, ended.stdout) == (1, b"")
    assert ended.stderr.startswith(b"Error: no port from 65535 to 65535 is free (")
    assert ended.stderr.count(b"\n") == 1


def test_it_ends_with_the_daemon_whatever_browsers_do(alone):
    with ExitStack() as stack:
        stack.callback(Silent(alone).socket.close)
        stack.enter_context(alone.watch(close_timeout=0))
        half = stack.enter_context(alone.plain_socket())
        half.sendall(b"GET / HTTP/1.1\r\nHost:")
        alone.hear_until(Watched(2))
        for _ in range(100):  # more than the system takes for those that don't read
            alone.say_line(b'{"type": "keys", "keys": [%b]}' % (100_000 * b" "))
        begin = time.monotonic()
        assert alone.end() == (0, "")
        assert time.monotonic() - begin < PATIENCE_S / 2


@pytest.mark.skipif(sys.platform == "win32", reason="there, it is another event")
def test_ctrl_c_is_the_daemons(alone):
    os.kill(alone.process.pid, signal.SIGINT)
    with alone.watch() as browser:
        alone.say(Keys([]))
        assert receive(browser, Keys) == Keys([])
    assert isinstance(alone.hear_until(Watched(0))[-2], Left)


def test_what_the_daemon_says_that_makes_no_sense(alone):
    with alone.watch() as browser:
        for line in (b"no", b'{"type": "none"}', b"\xff", b"", b'{"type": "keys", "keys": 3}'):
            alone.say_line(line)
        alone.say(Keys([]))
        assert receive(browser, Keys) == Keys([])
    code, errors = alone.end()
    assert (code, errors.count("\n")) == (0, 5)
    assert "the daemon says what makes no sense: " in errors


def test_it_loads_nothing_that_plays():
    heavy = ["numpy", "h5py", "rtmidi", "jack", "tensorflow", "livecomposer.model.engine"]
    script = (
        f"import livecomposer.monitor.server, sys; print([m for m in {heavy} if m in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert ended.stdout == b"[]\n"
