"""A refusal that its sender can read: the rest of a refused upload is taken and thrown away, within bounds.

A server that answers and closes while the client still sends makes most clients report a broken connection instead
of the answer (RFC 9112 9.6).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive

from orthanc_video.errors import Busy, VideoError
from orthanc_video.web.problems import problem

_SECONDS = 20.0


class DrainingRoute(APIRoute):
    """A route whose refusals are sent after the request's body has been read to its end (20 s at most)."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def draining(request: Request) -> Response:
            body = _Body(request.receive)
            try:
                return await handle(Request(request.scope, body.receive))
            except VideoError:
                # A client that waits for "100 Continue" has sent nothing yet: it is answered at once.
                if request.headers.get("expect", "").lower() != "100-continue":
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(body.drain(), _SECONDS)
                raise
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
