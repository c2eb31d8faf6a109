"""Bytes of a stored stream over HTTP: whole, one range or several, read from the storage file as they are sent."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from orthanc_video import metrics
from orthanc_video.archive.objects import StoredVideo, held
from orthanc_video.model import Span
from orthanc_video.web import ranges

Blocks = AsyncIterator[bytes | memoryview]

_BLOCK = 1 << 20
# A turn for the others after every 8 MiB: ranges of 4 MiB, which are over at once, lose no speed by it.
_BLOCKS_IN_A_ROW = 8
_ENDINGS = {"video/mp4": ".mp4", "video/mp2t": ".ts", "video/mpeg": ".mpg"}


def media_type(head: bytes) -> str:
    """What a stream's first bytes say a browser should take it for."""
    if head[4:8] == b"ftyp":
        return "video/mp4"
    return "video/mp2t" if head[:1] == b"\x47" else "video/mpeg"


async def respond(request: Request, stored: StoredVideo, kind: str = "") -> Response:
    """200, 206, 304, 412 or 416 as RFC 9110 says; the object's UUID is the strong validator.

    ``kind`` is the media type where the request has chosen one.
    """
    located = stored.located
    etag = f'"{stored.uuid}"'
    with held(stored.path):
        descriptor = os.open(stored.path, os.O_RDONLY)
    body = _Body(descriptor, located.spans)
    answer = ranges.answer(request.method, request.headers, located.length, etag)
    headers = {
        "Accept-Ranges": "bytes",
        "ETag": etag,
        "Cache-Control": "private, no-cache",
        "Vary": "Accept",
        "X-Content-Type-Options": "nosniff",
    }
    if answer.status not in {200, 206}:
        body.close()
        if answer.status == 416:
            headers["Content-Range"] = f"bytes */{located.length}"
        return Response(status_code=answer.status, headers=headers)
    seen = media_type(bytes(body.read(Span(0, 8))))
    headers["Content-Disposition"] = f'inline; filename="{stored.instance}{_ENDINGS[seen]}"'
    kind = kind or seen
    if len(answer.spans) > 1:
        return _several(request, body, answer.spans, located.length, kind, headers)
    span = answer.spans[0]
    headers |= {"Content-Type": kind, "Content-Length": str(span.length)}
    if answer.status == 206:
        headers["Content-Range"] = _content_range(span, located.length)
    return _send(request, body, answer.status, headers, body.blocks(span))


def _several(
    request: Request, body: _Body, spans: tuple[Span, ...], size: int, kind: str, headers: dict[str, str]
) -> Response:
    """multipart/byteranges (RFC 9110 14.6)."""
    boundary = secrets.token_hex(16)
    heads = [
        f"\r\n--{boundary}\r\nContent-Type: {kind}\r\nContent-Range: {_content_range(span, size)}\r\n\r\n".encode()
        for span in spans
    ]
    end = f"\r\n--{boundary}--\r\n".encode()

    async def parts() -> Blocks:
        for head, span in zip(heads, spans, strict=True):
            yield head
            async for block in body.blocks(span):
                yield block
        yield end

    length = sum(map(len, heads)) + sum(span.length for span in spans) + len(end)
    headers |= {"Content-Type": f"multipart/byteranges; boundary={boundary}", "Content-Length": str(length)}
    return _send(request, body, 206, headers, parts())


def _send(request: Request, body: _Body, status: int, headers: dict[str, str], blocks: Blocks) -> Response:
    if request.method == "HEAD":
        body.close()
        return Response(status_code=status, headers=headers)
    return _Streamed(blocks, body, status, headers)


def _content_range(span: Span, size: int) -> str:
    return f"bytes {span.offset}-{span.offset + span.length - 1}/{size}"


class _Body:
    """The stored stream, read by position; closing is what ends its use of the file."""

    def __init__(self, descriptor: int, spans: tuple[Span, ...]) -> None:
        self._descriptor = descriptor
        self._spans = spans

    def read(self, wanted: Span, flags: int = 0) -> memoryview:
        """At most the wanted bytes, from one fragment. ``flags`` as of preadv(2)."""
        offset = wanted.offset
        for span in self._spans:
            if offset < span.length:
                buffer = memoryview(bytearray(min(wanted.length, span.length - offset)))
                return buffer[: os.preadv(self._descriptor, [buffer], span.offset + offset, flags)]
            offset -= span.length
        return memoryview(b"")

    async def block(self, wanted: Span) -> memoryview:
        """As ``read``: at once what the kernel has in memory, by way of a thread what the disk has to bring."""
        try:
            return self.read(wanted, os.RWF_NOWAIT)
        except OSError:  # not in memory, or a file system that cannot tell; any other trouble shows again
            return await asyncio.to_thread(self.read, wanted)

    async def blocks(self, wanted: Span) -> AsyncIterator[memoryview]:
        at, end, sent = wanted.offset, wanted.offset + wanted.length, 0
        while at < end:
            block = await self.block(Span(at, min(_BLOCK, end - at)))
            if not block:
                raise OSError("the stored object became shorter while it was sent")
            metrics.sent_bytes.inc(len(block))
            yield block
            at += len(block)
            sent += 1
            if sent % _BLOCKS_IN_A_ROW == 0:
                # Nothing above need ever wait, and that a client has gone is only noticed when others get their turn.
                await asyncio.sleep(0)

    def close(self) -> None:
        os.close(self._descriptor)


class _Streamed(StreamingResponse):
    """Closes the file however sending ends: finished, aborted by the client, or failed."""

    def __init__(self, blocks: Blocks, body: _Body, status: int, headers: dict[str, str]) -> None:
        super().__init__(blocks, status_code=status, headers=headers)
        self._body = body
        self._short = int(headers["Content-Length"]) <= _BLOCK * _BLOCKS_IN_A_ROW

    async def __call__(self, scope, receive, send) -> None:  # type: ignore[no-untyped-def]
        try:
            if self._short:  # over at once: nobody has to listen beside it for a client that leaves
                await self.stream_response(send)
            else:
                await super().__call__(scope, receive, send)
        finally:
            self._body.close()
