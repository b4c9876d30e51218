"""Requests and messages without end, to the monitor of a `livecomposer play` that runs.

    python benchmarks/monitor_flood.py ADDRESS

The address is what `play --monitor` prints. All of this at once, till the standard input ends: the
page and its parts are asked for, twenty of each before the answers are read; two browsers wish as
often as they may, what changes nothing; one wishes more than it may, and one says what makes no
sense, and both come back whenever they are sent away; one enters and never reads; and connections
are opened that ask a letter at a time. At the end it prints how many there were of each.
"""

import argparse
import json
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

WISH = json.dumps({"type": "set", "setting": "sampling.temperature", "value": 1.0})
PIPELINED, LETTERS = 20, 200
NEVER_S = 20
PERMITTED_S = 1 / 190


class Flood:
    """All that is done to one monitor, in threads that end with the process.

    Attributes:
        counts: how often.
    """

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self._place, self._token = (parts.hostname, parts.port), parts.fragment
        self._host = parts.netloc
        self.counts: Counter[str] = Counter()

    def start(self) -> None:
        """Begin with everything."""
        doings = [self.ask, self.ask, self.wish, self.wish, self.wish_too_much, self.babble,
                  self.sleep, self.spell]  # fmt: skip
        for doing in doings:
            threading.Thread(target=self._again, args=(doing,), daemon=True).start()

    def _again(self, doing: Callable[[], None]) -> None:
        while True:
            with suppress(OSError, ConnectionClosed):
                doing()
            self.counts["connections that ended"] += 1

    def ask(self) -> None:
        """Ask for the page and its parts, many times before the answers are read."""
        paths = ("/", "/static/roll.js", "/static/none", "/recordings")
        asked = [f"GET {path} HTTP/1.1\r\nHost: {self._host}\r\n\r\n" for path in paths]
        with socket.create_connection(self._place) as connection:
            while True:
                connection.sendall("".join(asked).encode() * PIPELINED)
                answered = 0
                while answered < len(asked) * PIPELINED:
                    data = connection.recv(1 << 20)
                    if not data:
                        return
                    answered += data.count(b"HTTP/1.1 ")
                self.counts["requests answered"] += answered

    @contextmanager
    def _enter(self) -> Iterator[ClientConnection]:
        place = f"ws://{self._host}/live"
        with connect(place, origin=f"http://{self._host}", proxy=None) as browser:
            browser.send(json.dumps({"type": "enter", "token": self._token}))
            yield browser

    def wish(self) -> None:
        """Wish, as often as one browser may."""
        with self._enter() as browser:
            due = time.monotonic()
            while True:
                browser.send(WISH)
                self.counts["wishes that are permitted"] += 1
                due += PERMITTED_S
                time.sleep(max(0, due - time.monotonic()))
                with suppress(TimeoutError):
                    browser.recv(0)

    def wish_too_much(self) -> None:
        """Wish, till one is sent away."""
        with self._enter() as browser:
            while True:
                browser.send(WISH)
                self.counts["wishes beyond"] += 1

    def babble(self) -> None:
        """Say what makes no sense, till one is sent away."""
        with self._enter() as browser:
            while True:
                browser.send("[" * 4000)
                self.counts["malformed messages"] += 1

    def sleep(self) -> None:
        """Enter, and read nothing till one is cut off."""
        with self._enter() as browser:
            browser.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            time.sleep(NEVER_S)  # its own thread reads 16 messages, and then no more
            self.counts["browsers that never read"] += 1

    def spell(self) -> None:
        """Open connections, and ask a letter at a time."""
        connections = []
        for _ in range(LETTERS):
            connections.append(socket.create_connection(self._place))
            for connection in connections:
                with suppress(OSError):
                    connection.sendall(b"G")
                    self.counts["letters"] += 1
            time.sleep(0.01)
        for connection in connections:
            connection.close()


def main() -> None:
    """Flood till the input ends, and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("address", help="as `play --monitor` prints it")
    flood = Flood(parser.parse_args().address)
    begin = time.monotonic()
    flood.start()
    sys.stdin.read()
    seconds = time.monotonic() - begin
    counts = ", ".join(f"{count:,} {what}" for what, count in flood.counts.most_common())
    print(f"in {seconds:.0f} s: {counts}", file=sys.stderr)


if __name__ == "__main__":
    main()
