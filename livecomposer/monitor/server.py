"""The monitor's process: serves the page on the loopback address, as long as the daemon is there.

    python -m livecomposer.monitor.server

It reads the daemon's lines at its standard input and ends with it; what the daemon is to know goes
to its standard output (see `messages`). It may take what processor time others leave.
"""

import asyncio
import logging
import os
import signal
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType
from typing import BinaryIO

import msgspec
import uvicorn

from livecomposer.monitor.app import create_app
from livecomposer.monitor.browsers import Browsers
from livecomposer.monitor.connections import Http, WebSocket
from livecomposer.monitor.messages import Begin, FromMonitor, Ready
from livecomposer.monitor.recordings import Recordings
from livecomposer.wording import LogFormat

log = logging.getLogger(__name__)

PORTS = 20
"""How many are tried, one after the other."""

MAX_MESSAGE = 4096
"""Bytes of a browser's message. The longest wish has some 200."""

_BACKLOG = 128
_NICENESS = 10


def main() -> None:
    """Serve, till the standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is the daemon's to heed
    if hasattr(os, "nice"):
        os.nice(_NICENESS)
    handler = logging.StreamHandler()
    handler.setFormatter(LogFormat("%(levelname)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    line = sys.stdin.buffer.readline()
    if not line:
        return
    begin = msgspec.json.decode(line, type=Begin)
    try:
        listener = listen(begin.port)
    except OSError as error:
        sys.exit(f"Error: {error.strerror}")
    _write(sys.stdout.buffer, [Ready(listener.getsockname()[1])])
    asyncio.run(serve(begin, listener))
    # Nobody can tell a thread that waits at a pipe to end.
    os._exit(0)


def listen(port: int) -> socket.socket:
    """A socket at the first port of the loopback address, from this one on, that is free.

    Raises:
        OSError: none is.
    """
    last = min(port + PORTS - 1, 65535)
    for each in range(port, last + 1):
        try:
            return socket.create_server(("127.0.0.1", each), backlog=_BACKLOG)
        except OSError as error:
            reason = error
    raise OSError(reason.errno, f"no port from {port} to {last} is free ({reason.strerror})")


class _Server(uvicorn.Server):
    """Ends with the daemon, not by Ctrl-C, which is the daemon's."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if sig != signal.SIGINT:
            super().handle_exit(sig, frame)


async def serve(begin: Begin, listener: socket.socket) -> None:
    """Answer browsers at a socket, and hand on what daemon and browsers say."""
    browsers = Browsers(begin.token)
    app = create_app(browsers, Recordings(Path(begin.recordings)), listener.getsockname()[1])
    server = _Server(
        uvicorn.Config(
            app,
            http=Http,
            ws=WebSocket,
            ws_max_size=MAX_MESSAGE,
            ws_per_message_deflate=False,
            lifespan="off",
            log_config=None,
            log_level=logging.CRITICAL,  # anybody can make it say something
            access_log=False,
            proxy_headers=False,
            server_header=False,
            backlog=_BACKLOG,
            timeout_graceful_shutdown=1,
        )
    )
    pipes = ThreadPoolExecutor(2)
    loop = asyncio.get_running_loop()

    async def hear() -> None:
        while line := await loop.run_in_executor(pipes, sys.stdin.buffer.readline):
            try:
                browsers.hear(line)
            except msgspec.DecodeError as error:
                log.warning("the daemon says what makes no sense: %s", error)

    async def tell() -> None:
        while True:
            messages = [await browsers.told.get()]
            while not browsers.told.empty():
                messages.append(browsers.told.get_nowait())
            await loop.run_in_executor(pipes, _write, sys.stdout.buffer, messages)

    talking = [asyncio.create_task(hear()), asyncio.create_task(tell())]

    async def end() -> None:
        await asyncio.wait(talking, return_when=asyncio.FIRST_COMPLETED)  # a pipe is at its end
        server.should_exit = True

    ending = asyncio.create_task(end())
    await server.serve([listener])
    for task in (ending, *talking):
        task.cancel()


def _write(pipe: BinaryIO, messages: list[FromMonitor]) -> None:
    pipe.write(b"".join(msgspec.json.encode(message) + b"\n" for message in messages))
    pipe.flush()


if __name__ == "__main__":
    main()
