"""Connections that can't be used up: uvicorn's, with bounds on what one may hold, and on all.

Who doesn't read isn't read from, and is cut off after a while, so that nothing gathers in memory.
Where there are too many, the one that has been there longest gives way: somebody who opens
connections without end, or asks a letter at a time, shuts nobody out.
"""

import asyncio
from operator import attrgetter
from typing import Any, cast

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame

MOST = 64
"""Connections of each kind. A page takes six at most, and one that is a WebSocket."""

STALLED_S = 3.0
"""A connection that takes nothing for so long is cut off."""

_MOST_FRAGMENTS = 16
_CLOSE_S = 1.0  # in which a browser is to answer that it is told to go


class Stall:
    """Cuts off a connection that doesn't take what it is sent.

    Args:
        transport: its. From now on, each byte counts that the system doesn't take at once.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._timer: asyncio.TimerHandle | None = None
        transport.set_write_buffer_limits(high=0)

    def begin(self) -> None:
        """It takes no more."""
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(STALLED_S, self._transport.abort)

    def end(self) -> None:
        """It has taken all, or is gone."""
        if self._timer is not None:
            self._timer.cancel()


class _Stalling(asyncio.Protocol):
    """What a connection does that takes nothing for a while: it is timed."""

    _stall: Stall

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self._stall.end()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """See `asyncio.Protocol`."""
        super().pause_writing()
        self._stall.begin()

    def resume_writing(self) -> None:
        """See `asyncio.Protocol`."""
        super().resume_writing()
        self._stall.end()


class Http(_Stalling, H11Protocol):
    """A connection for requests; it becomes a `WebSocket` if it asks for that."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """See `asyncio.Protocol`."""
        super().connection_made(transport)
        self.since = self.loop.time()
        self._stall = Stall(transport)
        there = [each for each in self.connections if isinstance(each, Http) and each.is_open()]
        if len(there) > MOST:
            min(there, key=attrgetter("since")).transport.abort()

    def is_open(self) -> bool:
        """Whether it hasn't been told to go."""
        return not self.transport.is_closing()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """Let a `WebSocket` take over, if there is room."""
        if sum(isinstance(each, WebSocket) for each in self.connections) < MOST:
            super().handle_websocket_upgrade(event)
        else:
            self.transport.abort()


class WebSocket(_Stalling, WebSocketsSansIOProtocol):
    """A connection for messages."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.close_timeout = _CLOSE_S

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        super().connection_made(transport)
        self._stall = Stall(cast(asyncio.Transport, transport))

    def pause_writing(self) -> None:
        """See `asyncio.Protocol`. Pings are not read, either: each is answered."""
        super().pause_writing()
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        """See `asyncio.Protocol`."""
        super().resume_writing()
        if not self.read_paused:
            self.transport.resume_reading()

    def handle_cont(self, event: Frame) -> None:
        """Add to a message; empty pieces have no size that could be too large."""
        if len(self.frames) < _MOST_FRAGMENTS:
            super().handle_cont(event)
        else:
            self.transport.abort()
