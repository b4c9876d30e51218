"""The browsers that look on: what each is sent, and what each may ask, and how much of it."""

import asyncio
import logging
from collections import deque
from contextlib import suppress
from itertools import count
from secrets import compare_digest

import msgspec
from starlette.websockets import WebSocket, WebSocketDisconnect

from livecomposer.monitor.messages import (
    Enter,
    FromDaemon,
    FromMonitor,
    Key,
    Keys,
    Left,
    Opening,
    Refusal,
    State,
    Watched,
    Welcome,
    Wish,
    Wished,
)
from livecomposer.monitor.rates import Rate
from livecomposer.wording import brief

log = logging.getLogger(__name__)

MOST_BROWSERS = 16
MOST_BEHIND = 200
"""Messages that a browser may be behind: ten seconds, when all goes well."""

WISHES_A_SECOND = 200
"""Of a browser. A hand on the keys makes some 20."""
ALL_WISHES_A_SECOND = 400
"""Of all together: what is beyond waits."""

MOST_MALFORMED = 10
ENTER_S = 5.0

LINGER_S = 3.0
_REMEMBERED_MS, _MOST_REMEMBERED = 10_000, 2_000
_AWAITED = 256  # messages to the daemon

_UNSUPPORTED, _VIOLATION, _TRY_AGAIN = 1003, 1008, 1013  # RFC 6455 and IANA's registry

_from_daemon = msgspec.json.Decoder(FromDaemon)
_wish = msgspec.json.Decoder(Wish)
_enter = msgspec.json.Decoder(Enter)

WATCH_ONLY = "this browser may only watch: open the whole address that livecomposer printed"


class DismissedError(Exception):
    """A browser is to go.

    Args:
        code: as in a WebSocket's closing.
        reason: in a line.
    """

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class _Browser:
    """One that looks on.

    Attributes:
        number: another one for each.
        trusted: whether its wishes are taken.
        displaced: whether another needs its place.
    """

    def __init__(self, number: int, socket: WebSocket, *, trusted: bool) -> None:
        self.number, self.trusted, self.displaced = number, trusted, False
        self._socket = socket
        self._queue: asyncio.Queue[str] = asyncio.Queue(MOST_BEHIND)
        self.sending: asyncio.Task[None] = asyncio.create_task(self._send())

    def tell(self, text: str) -> None:
        """Send a message, when it can be; who is too far behind gets no more."""
        try:
            self._queue.put_nowait(text)
        except asyncio.QueueFull:
            self.sending.cancel()

    async def _send(self) -> None:
        while True:
            await self._socket.send_text(await self._queue.get())


class Browsers:
    """All of them, and the daemon on the other side.

    Args:
        token: a browser that has it is trusted.

    Attributes:
        told: what the daemon is to be told.
    """

    def __init__(self, token: str) -> None:
        self._token = token.encode()
        self.told: asyncio.Queue[FromMonitor] = asyncio.Queue(_AWAITED)
        self._rate = Rate(ALL_WISHES_A_SECOND)
        self._numbers = count(1)
        self._browsers: dict[int, _Browser] = {}
        self._watched = False  # whether the daemon tells us anything
        self._leaving: asyncio.Task[None] | None = None
        self._opening: str | None = None
        self._state: str | None = None
        self._keys: deque[Key] = deque(maxlen=_MOST_REMEMBERED)

    def trusts(self, token: str) -> bool:
        """Whether a token is the right one."""
        return compare_digest(token.encode(), self._token)

    def hear(self, line: bytes) -> None:
        """Take a line from the daemon.

        Raises:
            msgspec.DecodeError: it is none that we know.
        """
        message = _from_daemon.decode(line)
        text = line.decode().rstrip()
        if isinstance(message, Refusal):
            if browser := self._browsers.get(message.browser):
                browser.tell(text)
            return
        if isinstance(message, Opening):
            self._opening = text
        elif not self._watched:
            return  # it was said before we could say so, and what follows it never is
        elif isinstance(message, State):
            self._state = text
        else:
            self._keys.extend(message.keys)
        for browser in list(self._browsers.values()):
            browser.tell(text)

    async def attend(self, socket: WebSocket) -> None:
        """Let a browser look on till it goes, or must."""
        await socket.accept()
        try:
            await self._look_on(socket)
        except DismissedError as error:
            with suppress(WebSocketDisconnect):
                await socket.close(error.code, str(error))
        except WebSocketDisconnect:
            pass

    async def _look_on(self, socket: WebSocket) -> None:
        trusted = await self._enter(socket)
        if len(self._browsers) >= MOST_BROWSERS:
            self._make_room(trusted)
        browser = _Browser(next(self._numbers), socket, trusted=trusted)
        browser.tell(msgspec.json.encode(Welcome(trusted)).decode())
        for text in (self._opening, self._state, self._recent_keys()):
            if text is not None:
                browser.tell(text)
        self._browsers[browser.number] = browser
        tasks = (browser.sending, asyncio.create_task(self._receive(browser, socket)))
        self._watched = True
        try:
            await self.told.put(Watched(len(self._browsers)))
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            del self._browsers[browser.number]
            if trusted:
                await self.told.put(Left(browser.number))
            if self._browsers:
                await self.told.put(Watched(len(self._browsers)))
            else:
                self._leaving = asyncio.create_task(self._leave())
        if browser.displaced:
            raise DismissedError(_TRY_AGAIN, "who has the token needs the place")
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(result, Exception):
                raise result

    async def _leave(self) -> None:
        """Nobody looks on. Where that stays so for a while, nothing more need be told.

        Who comes back meanwhile, as with a page that is loaded anew, sees what was played.
        """
        await asyncio.sleep(LINGER_S)
        if not self._browsers:
            self._watched, self._state = False, None  # what is known grows old
            self._keys.clear()
            await self.told.put(Watched(0))

    def _make_room(self, trusted: bool) -> None:
        """Let go the one that has looked on longest without being trusted, for one that is.

        Raises:
            DismissedError: there is none, or none for it.
        """
        others = [each for each in self._browsers.values() if not each.trusted]
        if not (trusted and others):
            raise DismissedError(_TRY_AGAIN, f"{MOST_BROWSERS} browsers look on already")
        others[0].displaced = True
        others[0].sending.cancel()

    async def _enter(self, socket: WebSocket) -> bool:
        """Whether a browser may be trusted: it has a while to say why."""
        try:
            async with asyncio.timeout(ENTER_S):
                return self.trusts(_enter.decode(await _text(socket)).token)
        except TimeoutError:
            reason = f"no token came within {ENTER_S:g} s"
        except msgspec.DecodeError:
            reason = 'the first message is malformed, expected {"type": "enter", "token": "..."}'
        raise DismissedError(_VIOLATION, reason)

    def _recent_keys(self) -> str | None:
        """What was played last."""
        if not self._keys:
            return None
        since = self._keys[-1].at_ms - _REMEMBERED_MS
        recent = [key for key in self._keys if key.at_ms >= since]
        return msgspec.json.encode(Keys(recent)).decode()

    async def _receive(self, browser: _Browser, socket: WebSocket) -> None:
        rate, malformed = Rate(WISHES_A_SECOND), 0
        loop = asyncio.get_running_loop()
        while True:
            text = await _text(socket)
            if rate.delay(loop.time()):
                raise DismissedError(
                    _VIOLATION, f"more than {WISHES_A_SECOND} messages came in a second"
                )
            try:
                wish = _wish.decode(text)
            except msgspec.DecodeError as error:
                malformed += 1
                self._refuse(browser, brief(error))
                if malformed == MOST_MALFORMED:
                    raise DismissedError(
                        _VIOLATION, f"{MOST_MALFORMED} messages were malformed"
                    ) from None
                continue
            if not browser.trusted:
                self._refuse(browser, WATCH_ONLY)
                continue
            await asyncio.sleep(self._rate.delay(loop.time()))
            await self.told.put(Wished(browser.number, wish))

    def _refuse(self, browser: _Browser, reason: str) -> None:
        browser.tell(msgspec.json.encode(Refusal(browser.number, reason)).decode())


async def _text(socket: WebSocket) -> str:
    message = await socket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1005))
    text: str | None = message.get("text")
    if text is None:
        raise DismissedError(_UNSUPPORTED, "expected text, not bytes")
    return text
