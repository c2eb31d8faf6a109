"""Everything that is Orthanc's, passed on as it is, streamed both ways in constant memory."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import StreamingResponse

from orthanc_video.archive.service import VIA
from orthanc_video.errors import Busy
from orthanc_video.web import addresses
from orthanc_video.web.context import caller_of, gateway_of

# RFC 9110 7.6.1: these concern one connection only.
_HOP_BY_HOP = frozenset({
    "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
    "transfer-encoding", "upgrade", "expect",
})  # fmt: skip
# By these Orthanc's DICOMweb tells where it was reached.
_NAMING = frozenset({b"host", b"forwarded", b"x-forwarded-host", b"x-forwarded-proto"})


async def forward(
    request: Request, body: AsyncIterator[bytes] | None = None, *, plain: bool = False, accept: str = ""
) -> StreamingResponse:
    """Sends the request to Orthanc as its caller and streams the answer back.

    ``body`` and ``accept`` replace the request's own; of its body, some may have been read already. ``plain``: the
    answer is not to be compressed, since it is read here. Orthanc knows no HEAD: it is asked by GET, and of what it
    sends only the words of a failure are read.
    """
    gateway = gateway_of(request)
    caller = caller_of(request)
    client = gateway.access.client(caller)
    headers = [(name, value) for name, value in request.headers.raw if _passes(name)]
    if request.url.path.startswith(f"{gateway.settings.dicom_web_root}/"):
        headers = [(name, value) for name, value in headers if name not in _NAMING]
        headers += [(name.encode(), value.encode()) for name, value in naming(request).items()]
    if plain:
        headers = [(name, value) for name, value in headers if name != b"accept-encoding"]
    if accept:
        headers = [(name, value) for name, value in headers if name != b"accept"] + [(b"accept", accept.encode())]
    if request.client is not None and not caller.vouched:
        chain = ", ".join(filter(None, (request.headers.get("x-forwarded-for"), request.client.host)))
        headers = [(name, value) for name, value in headers if name != b"x-forwarded-for"]
        headers.append((b"x-forwarded-for", chain.encode()))
    if VIA not in request.headers.get("via", ""):
        headers.append((b"via", VIA.encode()))
    has_body = "content-length" in request.headers or "transfer-encoding" in request.headers
    content = (body or request.stream()) if has_body else None
    head = request.method == "HEAD"
    where = _target(gateway.access.orthanc_url, request)
    target = client.build_request("GET" if head else request.method, where, headers=headers, content=content)
    try:
        answer = await client.send(target, stream=True)
    except httpx.HTTPError as error:
        raise Busy("Orthanc does not answer. Try again in a moment.") from error
    blocks = no_body() if head and answer.is_success else answer.aiter_raw()
    passed = StreamingResponse(blocks, status_code=answer.status_code, background=BackgroundTask(answer.aclose))
    passed.raw_headers = [(name.lower(), value) for name, value in answer.headers.raw if _passes(name)]
    return passed


async def no_body() -> AsyncIterator[bytes]:
    none: tuple[bytes, ...] = ()
    for block in none:
        yield block


def naming(request: Request) -> dict[str, str]:
    """The headers that have Orthanc's DICOMweb name this gateway in the addresses it answers, and not itself.

    By the older of its versions that is ``Forwarded`` alone, by the others first what comes without it.
    """
    scheme, _, rest = addresses.outside(request, gateway_of(request).settings).partition("://")
    host = rest.partition("/")[0]
    return {"host": host, "forwarded": f"host={host};proto={scheme}"}


def _passes(name: bytes) -> bool:
    lowered = name.decode("latin-1").lower()
    return lowered not in _HOP_BY_HOP and not lowered.startswith("orthanc-video-")


def _target(orthanc_url: str, request: Request) -> httpx.URL:
    """The very path and query that the caller sent, never decoded and encoded again."""
    path: bytes = (request.scope.get("raw_path") or request.url.path.encode()).split(b"?")[0]
    query: bytes = request.scope.get("query_string", b"")
    base = httpx.URL(orthanc_url)
    return base.copy_with(raw_path=base.raw_path.rstrip(b"/") + path + (b"?" + query if query else b""))
