"""What players ask again and again: ranges of one stream, by requests that are the same in all else.

What the first of them came to holds for the next ones for a moment, so that these cost no more than sending does.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from orthanc_video.web import streaming, tickets
from orthanc_video.web.streaming import RawHeaders, Representation

# A yes of Orthanc's that it rests on may be two seconds old by then (archive.access).
_SECONDS = 1.0
_MOST = 1000
_SALT = secrets.token_bytes(16)
# What differs from one range to the next, of the request and of its answer.
_ASKED = frozenset({b"range", b"if-range"})
_TOLD = frozenset({b"content-length", b"content-range"})
_MULTIPART = b"multipart/byteranges"


@dataclass(frozen=True, slots=True)
class _Answered:
    """What was sent, with which other headers, by which route; until when (monotonic time) it holds."""

    whole: Representation
    headers: RawHeaders
    route: Any
    until: float


class Recurring:
    """ASGI middleware before all that reads or changes headers: the request's and the answer's are the same again."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._known: OrderedDict[bytes, _Answered] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        name = _name(scope)
        found = self._known.get(name)
        if found is not None and time.monotonic() < found.until:
            answer = streaming.again(scope["headers"], found.whole, found.headers)
            if answer is not None:
                scope["route"] = found.route
                await answer(scope, receive, send)
                return

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start" and streaming.SENT in scope:
                self._keep(name, scope, message)
            await send(message)

        await self._app(scope, receive, watched)

    def _keep(self, name: bytes, scope: Scope, start: Message) -> None:
        headers: RawHeaders = [pair for pair in start["headers"] if pair[0] not in _TOLD]
        several = any(key == b"content-type" and value.startswith(_MULTIPART) for key, value in headers)
        if start["status"] not in {200, 206} or several:
            return
        until = time.monotonic() + min(_SECONDS, tickets.left(scope))
        self._known[name] = _Answered(scope[streaming.SENT], headers, scope.get("route"), until)
        self._known.move_to_end(name)
        if len(self._known) > _MOST:
            self._known.popitem(last=False)


def _name(scope: Scope) -> bytes:
    """Of all that a request says but its range, and of where it comes from; no secret can be read from it."""
    headers = [pair for pair in scope["headers"] if pair[0] not in _ASKED]
    said = (scope["path"], scope["query_string"], (scope["client"] or ("",))[0], headers)
    return hashlib.blake2b(repr(said).encode(), digest_size=16, key=_SALT).digest()
