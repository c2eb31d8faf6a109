"""A refusal that its sender can read: it is sent at once, and what still comes is thrown away, within bounds.

A server that closes while the client still sends makes most clients report a broken connection instead of the answer
(RFC 9112 9.6). One that reads while it sends, as curl does, stops there; others send on to the end.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from orthanc_video.errors import Busy, VideoError
from orthanc_video.web.problems import on_video_error, problem

# After this a line that its client wanted closed is; on others uvicorn goes on taking what comes.
_SECONDS = 20.0


class DrainingRoute(APIRoute):
    """A route whose refusals come before the request's body has ended, and leave the line open for the rest of it."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def draining(request: Request) -> Response:
            body = _Body(request.receive)
            try:
                return await handle(Request(request.scope, body.receive))
            except VideoError as error:
                answer = await on_video_error(request, error)
                # A client that waits for "100 Continue" has sent nothing yet, and will not.
                waits = request.headers.get("expect", "").lower() == "100-continue"
                return answer if waits else _Refusal(answer, body)
            except asyncio.CancelledError:  # nothing of it is committed: see receive()
                return problem(Busy("The gateway is stopping. Try again in a moment."), request)

        return draining


class _Body:
    """Watches a request's body go by, to know whether any of it is left."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._ended = False

    async def receive(self) -> Message:
        message = await self._receive()
        self._ended = not message.get("more_body", False)
        return message

    async def drain(self) -> None:
        while not self._ended:
            await self.receive()


class _Refusal(Response):
    """An answer that its client has whole, by its Content-Length, while the request's body is still being taken."""

    def __init__(self, answer: Response, rest: _Body) -> None:
        super().__init__(answer.body, answer.status_code)
        self.raw_headers = answer.raw_headers
        self._rest = rest

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._rest.drain(), _SECONDS)
        await send({"type": "http.response.body", "body": b""})
