"""JACK servers without a sound card."""

import os
import shutil
import signal
import subprocess
import time

import pytest

DUMMY = ["-d", "dummy", "-r", "48000", "-p", "256"]


class JackServer:
    """A JACK server.

    Attributes:
        name: the server's.
        environment: in which clients find it.
    """

    def __init__(self, name: str, *driver: str) -> None:
        """Describe it; `driver` are more options of the dummy driver's."""
        self.name, self._driver = name, driver
        self.environment = {
            **os.environ,
            "JACK_DEFAULT_SERVER": name,
            "JACK_NO_START_SERVER": "1",
        }
        self._process: subprocess.Popen[bytes] | None = None

    def answers(self) -> bool:
        """Whether it runs."""
        import jack

        try:
            jack.Client("tests hello", no_start_server=True, servername=self.name).close()
        except jack.JackError:
            return False
        return True

    def start(self) -> None:
        """Start it, and wait for it."""
        # As far as we may: a server that is short of time loses what is sent.
        urgent = ["-R"] if _may_be_realtime() else ["-r"]
        self._process = subprocess.Popen(
            ["jackd", *urgent, "-n", self.name, *DUMMY, *self._driver],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 10
        while not self.answers():
            if time.monotonic() > deadline or self._process.poll() is not None:
                self._process.kill()
                pytest.fail("jackd didn't start")
            time.sleep(0.1)

    def end(self) -> None:
        """End it, as a user would."""
        if self._process and self._process.returncode == -signal.SIGKILL:
            self.start()  # there are places for eight servers, which one that is killed keeps
        if self._process and self._process.poll() is None:
            self._process.send_signal(signal.SIGCONT)
            self._process.terminate()
            self._process.wait(10)

    def kill(self) -> None:
        """Let it die."""
        assert self._process
        self._process.kill()
        self._process.wait(10)

    def stand_still(self, seconds: float) -> None:
        """Have it do nothing for a while."""
        assert self._process
        self._process.send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        self._process.send_signal(signal.SIGCONT)


def _may_be_realtime() -> bool:
    chrt = ["chrt", "-f", "1", "true"]
    return bool(
        shutil.which("chrt")
        and not subprocess.run(chrt, stderr=subprocess.DEVNULL, check=False).returncode
    )
