"""Paths name what they name: none with segments of dots is answered.

Orthanc takes such segments away, however they are written. A neighbour that opens the paths below one root, or a link
of one resource, would open all of Orthanc by them.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from orthanc_video.errors import BadRequest
from orthanc_video.web import problems

_DOTS = frozenset({".", ".."})


class Straight:
    """Refuses them before anything is routed; a backslash parts segments, as it does for Orthanc."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope.get("path", "")
        if scope["type"] == "http" and "." in path and not _DOTS.isdisjoint(path.replace("\\", "/").split("/")):
            error = BadRequest('The path has a segment "." or "..". Name the resource itself.')
            await problems.problem(error, Request(scope))(scope, receive, send)
            return
        await self._app(scope, receive, send)
