"""The monitor's own process, with the daemon's end of its pipes in our hands, and its browsers."""

import http.client
import socket
import subprocess
import threading
from contextlib import contextmanager, suppress
from queue import Queue

import msgspec
import psutil
from websockets.client import ClientProtocol
from websockets.sync.client import connect
from websockets.uri import parse_uri

from livecomposer import children
from livecomposer.monitor.messages import Begin, FromMonitor, Ready, Welcome

TOKEN = "the right one"
PATIENCE_S = 20


class Monitor:
    """`livecomposer.monitor.server`, ready."""

    def __init__(self, recordings, port=0):
        self.process = children.start(
            "livecomposer.monitor.server", stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self._heard = Queue()
        threading.Thread(target=self._listen, daemon=True).start()
        self.say(Begin(port, TOKEN, str(recordings)))
        ready = self.hear()
        assert isinstance(ready, Ready), self.end()
        self.port = ready.port
        self.host = f"127.0.0.1:{self.port}"

    def _listen(self):
        for line in self.process.stdout:
            self._heard.put(msgspec.json.decode(line, type=FromMonitor))
        self._heard.put(None)

    def say(self, message):
        self.say_line(msgspec.json.encode(message))

    def say_line(self, line):
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()

    def hear(self):
        """What it says next; None when it says no more."""
        return self._heard.get(timeout=PATIENCE_S)

    def hear_until(self, message):
        """What it says till it says this."""
        heard = []
        while not heard or heard[-1] != message:
            heard.append(self.hear())
        return heard

    def megabytes(self):
        return psutil.Process(self.process.pid).memory_full_info().uss / 1e6

    def end(self):
        """Its exit code, and what it wrote to stderr."""
        if not self.process.stdin.closed:
            self.process.stdin.close()
        errors = self.process.stderr.read().decode()
        return self.process.wait(PATIENCE_S), errors

    def ask(self, path, method="GET", token=None, **headers):
        """A request; the answer, with its whole body as `body`."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            if token is not None:
                named["Authorization"] = f"Bearer {token}"
            connection.putrequest(method, path, skip_host="host" in named)
            for name, value in named.items():
                connection.putheader(name, value)
            connection.endheaders()
            answer = connection.getresponse()
            answer.body = answer.read()
            return answer
        finally:
            connection.close()

    def browse(self, origin="", **options):
        """A browser's WebSocket, before its first message."""
        return connect(
            f"ws://{self.host}/live", origin=origin or f"http://{self.host}", proxy=None,
            **options,
        )  # fmt: skip

    @contextmanager
    def watch(self, token=TOKEN, **options):
        """A browser that has entered."""
        with self.browse(**options) as browser:
            browser.send(msgspec.json.encode({"type": "enter", "token": token}).decode())
            welcome = receive(browser, Welcome)
            assert welcome.trusted == (token == TOKEN)
            yield browser

    def plain_socket(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S)


def receive(browser, kind):
    """The next message, of a kind."""
    return msgspec.json.decode(browser.recv(PATIENCE_S), type=kind)


def rest(connection):
    """How many bytes come before a connection is at its end."""
    size = 0
    with suppress(ConnectionResetError):
        while data := connection.recv(1 << 16):
            size += len(data)
    return size


class Silent:
    """A browser that enters, and then does nothing that it isn't told to, such as reading."""

    def __init__(self, monitor):
        origin = f"http://{monitor.host}"
        self.protocol = ClientProtocol(parse_uri(f"ws://{monitor.host}/live"), origin=origin)
        self.socket = monitor.plain_socket()
        self.protocol.send_request(self.protocol.connect())
        self.flush()
        while not self.protocol.events_received():
            self.protocol.receive_data(self.socket.recv(4096))
        self.protocol.send_text(b'{"type": "enter", "token": ""}')
        self.flush()

    def flush(self):
        self.socket.sendall(b"".join(self.protocol.data_to_send()))
