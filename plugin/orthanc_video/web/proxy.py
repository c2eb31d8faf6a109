"""Everything that is Orthanc's, passed on as it is, streamed both ways in constant memory."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from orthanc_video.errors import Busy
from orthanc_video.web.context import caller_of, gateway_of

# RFC 9110 7.6.1: these concern one connection only.
_HOP_BY_HOP = frozenset({
    "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
    "transfer-encoding", "upgrade", "expect",
})  # fmt: skip


async def forward(request: Request, body: AsyncIterator[bytes] | None = None) -> Response:
    """Sends the request to Orthanc as its caller and streams the answer back.

    ``body`` replaces the request's own, of which some may have been read already.
    """
    gateway = gateway_of(request)
    caller = caller_of(request)
    client = gateway.access.client(caller)
    headers = [(name, value) for name, value in request.headers.raw if _passes(name)]
    if request.client is not None and not caller.vouched:
        chain = ", ".join(filter(None, (request.headers.get("x-forwarded-for"), request.client.host)))
        headers = [(name, value) for name, value in headers if name != b"x-forwarded-for"]
        headers.append((b"x-forwarded-for", chain.encode()))
    has_body = "content-length" in request.headers or "transfer-encoding" in request.headers
    content = (body or request.stream()) if has_body else None
    target = client.build_request(
        request.method, _target(gateway.access.orthanc_url, request), headers=headers, content=content
    )
    try:
        answer = await client.send(target, stream=True)
    except httpx.HTTPError as error:
        raise Busy("Orthanc does not answer. Try again in a moment.") from error
    passed = StreamingResponse(
        answer.aiter_raw(), status_code=answer.status_code, background=BackgroundTask(answer.aclose)
    )
    passed.raw_headers = [(name.lower(), value) for name, value in answer.headers.raw if _passes(name)]
    return passed


def _passes(name: bytes) -> bool:
    lowered = name.decode("latin-1").lower()
    return lowered not in _HOP_BY_HOP and not lowered.startswith("orthanc-video-")


def _target(orthanc_url: str, request: Request) -> httpx.URL:
    """The very path and query that the caller sent, never decoded and encoded again."""
    path: bytes = (request.scope.get("raw_path") or request.url.path.encode()).split(b"?")[0]
    query: bytes = request.scope.get("query_string", b"")
    base = httpx.URL(orthanc_url)
    return base.copy_with(raw_path=base.raw_path.rstrip(b"/") + path + (b"?" + query if query else b""))
