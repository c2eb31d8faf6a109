"""How a request proves who sends it without a header of its own: by the session's cookie, or by a link.

A video element and an img can send no Authorization header. What their cookie or link holds becomes the headers that it
was made of before anything else sees the request, and cookie and link are taken out of it: nothing passes them on.
"""

from __future__ import annotations

import time
from urllib.parse import unquote_plus

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from orthanc_video.archive.callers import PROOFS
from orthanc_video.errors import Forbidden, Unauthorized, VideoError
from orthanc_video.web import problems
from orthanc_video.web.sealing import LINK, SESSION, Seal, Sealed

COOKIE = "orthanc-video-session"
PARAMETER = "link"
# Where a request has its proof from a cookie or a link: until when that holds. Links made by it end no later.
_UNTIL = "orthanc-video.until"
_BY_LINK = "orthanc-video.by-link"
_READING = frozenset({"GET", "HEAD"})


def cookie(value: str, seconds: int, *, secure: bool) -> str:
    """The Set-Cookie header; of no value and no seconds: the one that removes it."""
    parts = [f"{COOKIE}={value}", "Path=/", f"Max-Age={seconds}", "HttpOnly", "SameSite=Strict"]
    return "; ".join([*parts, "Secure"] if secure else parts)


def until(request: Request, seconds: float) -> int:
    """When (Unix time) something that this request asks for and that is to hold so long ends."""
    return int(min(time.time() + seconds, request.scope.get(_UNTIL, float("inf"))))


def left(scope: Scope) -> float:
    """For how many more seconds what proves a request holds."""
    ends: float = scope.get(_UNTIL, float("inf"))
    return ends - time.time()


def by_link(request: Request) -> bool:
    """Whether it came by a link, as of a player that was given an address; who has proved more keeps doing so."""
    return bool(request.scope.get(_BY_LINK))


class Tickets:
    """Inside of whatever may change a request's method: a cookie counts for reading alone, so no page can misuse it."""

    def __init__(self, app: ASGIApp, seal: Seal) -> None:
        self._app = app
        self._seal = seal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        sessions, links = _take_cookie(scope), _take_link(scope)
        scope[_BY_LINK] = bool(links)
        by_itself = any(name in {proof.encode() for proof in PROOFS} for name, _ in scope["headers"])
        try:
            if scope["method"] in _READING and not by_itself:
                self._admit(scope, sessions, links)
        except VideoError as error:
            answer = problems.problem(error, Request(scope))
            if not links:  # else it would come again with every request, whatever its sender does
                answer.headers["Set-Cookie"] = cookie("", 0, secure=False)
            await answer(scope, receive, _discreet(send))
            return
        await self._app(scope, receive, _discreet(send) if links else send)

    def _admit(self, scope: Scope, sessions: list[str], links: list[str]) -> None:
        """Gives the request the headers that its link, else its cookie, was made of; raises what refuses it."""
        if links:
            found = self._seal.open(LINK, links[0])
            if found.path != scope["path"]:
                raise Forbidden("This link is of another resource.")
        elif sessions:
            found = self._session(sessions)
        else:
            return
        scope[_UNTIL] = found.until
        proved = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in found.credentials]
        scope["headers"] = [*scope["headers"], *proved]

    def _session(self, sessions: list[str]) -> Sealed:
        """The first one that can be opened: a neighbour of the site's may have set another of the same name."""
        refusal = Unauthorized("There is no session.")
        for sealed in sessions:
            try:
                return self._seal.open(SESSION, sealed)
            except Unauthorized as error:
                refusal = error
        raise refusal


def _take_cookie(scope: Scope) -> list[str]:
    """Removes the session's cookies from the request; their values."""
    values: list[str] = []
    headers: list[tuple[bytes, bytes]] = []
    for name, value in scope["headers"]:
        if name != b"cookie":
            headers.append((name, value))
            continue
        others = []
        for part in value.split(b";"):
            key, _, given = part.strip().partition(b"=")
            if key.strip() == COOKIE.encode():
                values.append(given.strip().decode("latin-1"))
            elif key:
                others.append(part.strip())
        if others:
            headers.append((name, b"; ".join(others)))
    if values:
        scope["headers"] = headers
    return values


def _take_link(scope: Scope) -> list[str]:
    """Removes links from the request's query; their values. The rest of it stays as it was sent."""
    values: list[str] = []
    others: list[str] = []
    for part in scope["query_string"].decode("latin-1").split("&"):
        name, _, value = part.partition("=")
        if unquote_plus(name) == PARAMETER:
            values.append(unquote_plus(value))
        else:
            others.append(part)
    if values:
        scope["query_string"] = "&".join(others).encode("latin-1")
    return values


def _discreet(send: Send) -> Send:
    """The address of what is sent goes to nobody else."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message)["Referrer-Policy"] = "no-referrer"
        await send(message)

    return sending
