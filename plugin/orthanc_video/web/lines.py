"""A header of several lines is one list (RFC 9110 5.3): so for Accept, of which programs read the first line alone."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

_NAME = b"accept"


class Joined:
    """Before all that reads Accept, Orthanc included."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            said = [value for name, value in scope["headers"] if name == _NAME]
            if len(said) > 1:
                others = [pair for pair in scope["headers"] if pair[0] != _NAME]
                scope["headers"] = [*others, (_NAME, b", ".join(said))]
        await self._app(scope, receive, send)
