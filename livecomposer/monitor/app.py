"""What the monitor answers: the page, recordings, and a WebSocket that shows the jam.

A page of another site may make a browser ask anything here, under any name that leads to this
machine: nothing is told unless the request names us as its host, and comes from a page of ours.
"""

import logging
import mimetypes
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

import msgspec
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from livecomposer.monitor.browsers import Browsers
from livecomposer.monitor.recordings import RecordingError, Recordings

log = logging.getLogger(__name__)

_PIECE = 1 << 16

STATIC = Path(__file__).parent / "static"

# Some systems' tables have it as text/plain, which browsers refuse to run.
mimetypes.add_type("text/javascript", ".js")


def create_app(browsers: Browsers, recordings: Recordings, port: int) -> ASGIApp:
    """The application that listens on a port of the loopback address."""

    async def page(_request: Request) -> Response:
        return FileResponse(STATIC / "index.html")

    async def listed(request: Request) -> Response:
        return _refusal(request, browsers) or _json(await recordings.listed())

    async def notes(request: Request) -> Response:
        name = request.path_params["name"]
        return _refusal(request, browsers) or _json(await recordings.notes(name))

    async def download(request: Request) -> Response:
        if refusal := _refusal(request, browsers):
            return refusal
        name = request.path_params["name"]
        file, size = await run_in_threadpool(recordings.open, name)
        headers = {
            "content-disposition": f"attachment; filename*=utf-8''{quote(name)}",
            "content-length": str(size),
        }
        return StreamingResponse(_pieces(file), headers=headers, media_type="audio/midi")

    async def explain(_request: Request, error: Exception) -> Response:
        assert isinstance(error, RecordingError)  # noqa: S101 - it handles no other
        return PlainTextResponse(f"{error}\n", error.status)

    app = Starlette(
        routes=[
            Route("/", page),
            Mount("/static", StaticFiles(directory=STATIC)),
            Route("/recordings", listed),
            Route("/recordings/{name}", download),
            Route("/recordings/{name}/notes", notes),
            WebSocketRoute("/live", browsers.attend),
        ],
        exception_handlers={RecordingError: explain},
    )
    app.router.redirect_slashes = False
    return Gate(app, port)


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while piece := file.read(_PIECE):
            yield piece


def _json(value: object) -> Response:
    return Response(msgspec.json.encode(value), media_type="application/json")


def _refusal(request: Request, browsers: Browsers) -> Response | None:
    """What is said to who has no token."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and browsers.trusts(token):
        return None
    return PlainTextResponse("recordings are shown to who has the token only\n", 403)


class Gate:
    """Lets in what was asked by a page of ours, or by its address; and tells browsers to be strict.

    Args:
        app: answers.
        port: that we listen on.
    """

    def __init__(self, app: ASGIApp, port: int) -> None:
        self._app = app
        self._hosts = [f"{name}:{port}" for name in ("127.0.0.1", "localhost")]
        sockets = " ".join(f"ws://{host}" for host in self._hosts)
        self._headers = {
            "content-security-policy": f"default-src 'self'; connect-src 'self' {sockets}; "
            "object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
            "cross-origin-opener-policy": "same-origin",
            "cross-origin-resource-policy": "same-origin",
            "referrer-policy": "no-referrer",
            "x-content-type-options": "nosniff",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        headers = Headers(scope=scope)
        kept = "no-store" if scope["path"].startswith("/recordings") else "no-cache"

        async def strict(message: Message) -> None:
            if message["type"].endswith("http.response.start"):
                given = MutableHeaders(scope=message)
                given.update(self._headers | {"cache-control": kept})
            await send(message)

        app = self._refusal(scope, headers) or self._app
        try:
            await app(scope, receive, strict)
        except Exception:  # uvicorn's own log is off: anybody can fill it
            log.exception("the monitor failed to answer")
            raise

    def _refusal(self, scope: Scope, headers: Headers) -> Response | None:
        host, origin = headers.get("host", ""), headers.get("origin")
        if host not in self._hosts:
            return PlainTextResponse(f"this is {self._hosts[0]}, and no other host\n", 421)
        if origin is None and scope["type"] == "websocket":
            return PlainTextResponse("expected an Origin: that of the page itself\n", 403)
        if origin not in (None, f"http://{host}"):
            return PlainTextResponse("pages of other sites are told nothing\n", 403)
        if scope.get("method", "GET") not in ("GET", "HEAD"):
            return PlainTextResponse("expected GET or HEAD\n", 405, {"allow": "GET, HEAD"})
        return None
