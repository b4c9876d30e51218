"""livecomposer itself with its monitor, and somebody who watches it beside the browser."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, suppress

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

YOUR_TURN = "it is your turn; Ctrl-C ends"
"""What the demo says when its own player has played."""


def wait_for(what, seconds=20):
    """Wait until `what()` is true; returns it."""
    deadline = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.02)
    return found


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


class Jam:
    """`livecomposer demo --monitor`, or `play`, once it has said the page's address.

    Attributes:
        said: its lines.
    """

    def __init__(self, command, *settings, port=0, environment=os.environ):
        self.port = port or free_port()
        words = [sys.executable, "-m", "livecomposer", command, "--monitor"]
        for setting in (f"monitor.port={self.port}", *settings):
            words += ["--set", setting]
        self._process = subprocess.Popen(
            words, stdout=subprocess.PIPE, text=True, env=dict(environment)
        )
        self.said = []
        threading.Thread(target=self._listen, daemon=True).start()
        (told,) = wait_for(lambda: [line for line in self.said if line.startswith("monitor: ")])
        self.address = told.split()[1]

    def _listen(self):
        for line in self._process.stdout:
            self.said.append(line.rstrip())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(10)
        finally:
            self._process.kill()


class Watcher:
    """Another one that looks on.

    Attributes:
        state: the last one that came.
        keys: all that came, as in the messages.
    """

    def __init__(self, jam):
        self.state, self.keys, self._states = {}, [], 0
        self._jam, self._open = jam, ExitStack()

    def __enter__(self):
        host, _, token = self._jam.address.partition("/#")
        live = connect(host.replace("http", "ws") + "/live", origin=host, proxy=None)
        self._socket = self._open.enter_context(live)
        self.tell(type="enter", token=token)
        threading.Thread(target=self._listen, daemon=True).start()
        wait_for(lambda: self._states > 1)  # what was played just before comes after the first
        return self

    def __exit__(self, *_):
        self._open.close()

    def tell(self, **message):
        self._socket.send(json.dumps(message))

    def set(self, setting, value):
        self.tell(type="set", setting=setting, value=value)
        wait_for(lambda: self.state["settings"][setting] == value)

    def onsets(self, part):
        """The pitches that began."""
        return [key[4] for key in list(self.keys) if key[0] == part and key[5]]

    def sounding(self, part):
        held = set()
        for each, _, _, channel, pitch, velocity in list(self.keys):
            if each == part:
                (held.add if velocity else held.discard)((channel, pitch))
        return held

    def _listen(self):
        with suppress(ConnectionClosed):
            for text in self._socket:
                message = json.loads(text)
                if message["type"] == "state":
                    self.state = message
                    self._states += 1
                elif message["type"] == "keys":
                    self.keys += message["keys"]
