"""Bytes of a stored object over HTTP: whole, one range or several, read from the storage file as they are sent."""

from __future__ import annotations

import asyncio
import bisect
import hashlib
import itertools
import os
import secrets
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from orthanc_video import metrics
from orthanc_video.archive.objects import StoredFilm, StoredVideo, held
from orthanc_video.dicom.locate import exact
from orthanc_video.files import SpanSource
from orthanc_video.model import Span
from orthanc_video.web import ranges

Blocks = AsyncIterator[bytes | memoryview]
RawHeaders = list[tuple[bytes, bytes]]

_BLOCK = 1 << 20
# Of the first one less is read, so that it is on its way at once.
_FIRST_BLOCK = 1 << 13
# A turn for the others after every 8 MiB: ranges of 4 MiB, which are over at once, lose no speed by it.
_BLOCKS_IN_A_ROW = 8
_CONDITIONS = frozenset({b"range", b"if-range", b"if-match", b"if-none-match"})
# Where a request's scope holds the representation that it was sent.
SENT = "orthanc-video.sent"
_ENDINGS = {"video/mp4": ".mp4", "video/mp2t": ".ts", "video/mpeg": ".mpg"}


# What lies behind an ETag never changes, and Orthanc is asked about each caller each time: 304 costs both least.
# Nothing on the way may compress or re-encode it (RFC 9110 7.7): ranges count the bytes as they are.
CACHING = "private, no-cache, no-transform"


def media_type(head: bytes) -> str:
    """What a stream's first bytes say a browser should take it for."""
    if head[4:8] == b"ftyp":
        return "video/mp4"
    return "video/mp2t" if head[:1] == b"\x47" else "video/mpeg"


@dataclass(frozen=True, slots=True, kw_only=True)
class Representation:
    """What is sent: ``pieces`` one after the other, each of them bytes or a span of the file at ``path``.

    ``tag`` (a strong validator, without its quotation marks) never names other bytes. ``kind`` is the Content-Type.
    ``origin`` is the file of what it was made of, None where that is at ``path``.
    """

    path: Path
    pieces: tuple[Span | bytes, ...]
    tag: str
    kind: str
    name: str
    origin: Path | None = None

    @property
    def length(self) -> int:
        return sum(len(piece) if isinstance(piece, bytes) else piece.length for piece in self.pieces)


async def respond(request: Request, stored: StoredVideo, kind: str = "") -> Response:
    """The stream alone, as ``send`` does; ``kind`` is the media type where the request has chosen one."""
    return await send(request, stream_of(stored, kind))


def stream_of(stored: StoredVideo, kind: str = "") -> Representation:
    """The stream alone; ``kind`` is its media type, where it is not what its first bytes say."""
    with held(stored.path), SpanSource(stored.path, stored.located.spans) as stream:
        seen = media_type(stored.head[:8] or stream.read_at(0, 8))
    return Representation(
        path=stored.path,
        pieces=(stored.head, *stored.located.spans) if stored.head else exact(stored.located),
        tag=stored.uuid,
        kind=kind or seen,
        name=f"{stored.instance}{_ENDINGS[seen]}",
        origin=stored.origin,
    )


def pictures_of(stored: StoredFilm, kind: str) -> Representation:
    """The coded pictures of a film, one after the other."""
    return Representation(
        path=stored.path,
        pieces=tuple(span for frame in stored.film.frames for span in frame),
        tag=f"{stored.uuid}-pictures",
        kind=kind,
        name=f"{stored.instance}.bin",
    )


async def send(request: Request, whole: Representation) -> Response:
    """200, 206, 304, 412 or 416 as RFC 9110 says."""
    request.scope[SENT] = whole
    etag = f'"{whole.tag}"'
    answer = ranges.answer(request.method, _conditions(request.headers.raw), whole.length, etag)
    headers = {
        "Accept-Ranges": "bytes",
        "ETag": etag,
        "Cache-Control": CACHING,
        "Vary": "Accept",
        "X-Content-Type-Options": "nosniff",
    }
    if answer.status not in {200, 206}:
        if answer.status == 416:
            headers["Content-Range"] = f"bytes */{whole.length}"
        return Response(status_code=answer.status, headers=headers)
    headers["Content-Disposition"] = f'inline; filename="{whole.name}"'
    if len(answer.spans) == 1:
        headers |= {"Content-Type": whole.kind} | _extent(answer, whole)
    else:
        headers["Content-Type"] = f"multipart/byteranges; boundary={secrets.token_hex(16)}"
    if request.method == "HEAD":
        return Response(status_code=answer.status, headers=headers)
    with held(whole.path):
        body = _Body(os.open(whole.path, os.O_RDONLY), whole.pieces)
    if len(answer.spans) == 1:
        return _Streamed(body.blocks(answer.spans[0]), body, answer.status, headers)
    return _several(body, answer.spans, whole, headers)


def again(asked: Iterable[tuple[bytes, bytes]], whole: Representation, headers: RawHeaders) -> Response | None:
    """As ``send`` answers a GET for all or one range, with all ``headers`` but those of its extent known.

    None for what has to be answered in another way, also since the object is gone.
    """
    answer = ranges.answer("GET", _conditions(asked), whole.length, f'"{whole.tag}"')
    gone = whole.origin is not None and not whole.origin.exists()
    if gone or answer.status not in {200, 206} or len(answer.spans) != 1:
        return None
    try:
        body = _Body(os.open(whole.path, os.O_RDONLY), whole.pieces)
    except OSError:
        return None
    found = _Streamed(body.blocks(answer.spans[0]), body, answer.status, _extent(answer, whole))
    found.raw_headers += headers
    return found


def _conditions(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Those headers by which a request wants a part or none; one of several lines is one list (RFC 9110 5.3)."""
    found: dict[str, str] = {}
    for name, value in headers:
        if name in _CONDITIONS:
            key, more = name.decode(), value.decode("latin-1")
            found[key] = f"{found[key]}, {more}" if key in found else more
    return found


def _extent(answer: ranges.Answer, whole: Representation) -> dict[str, str]:
    """The headers that say how much of it is sent."""
    span = answer.spans[0]
    headers = {"Content-Length": str(span.length)}
    if answer.status == 206:
        headers["Content-Range"] = _content_range(span, whole.length)
    return headers


async def blocks(whole: Representation) -> Blocks:
    """All of it, for an answer that has more parts."""
    with held(whole.path):
        body = _Body(os.open(whole.path, os.O_RDONLY), whole.pieces)
    try:
        async for block in body.blocks(Span(0, whole.length)):
            yield block
    finally:
        body.close()


def picture(request: Request, body: bytes, kind: str) -> Response:
    """A small answer that may be made anew with other bytes, as a poster is: 200, 304 or 412 by its content's ETag."""
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": CACHING, "X-Content-Type-Options": "nosniff"}
    other = ranges.condition(_conditions(request.headers.raw), etag)
    if other:
        return Response(status_code=other, headers=headers)
    return Response(body, headers=headers, media_type=kind)


def _several(body: _Body, spans: tuple[Span, ...], whole: Representation, headers: dict[str, str]) -> Response:
    """multipart/byteranges (RFC 9110 14.6)."""
    boundary = headers["Content-Type"].partition("boundary=")[2]
    heads = [
        f"\r\n--{boundary}\r\nContent-Type: {whole.kind}\r\n"
        f"Content-Range: {_content_range(span, whole.length)}\r\n\r\n".encode()
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
    return _Streamed(parts(), body, 206, headers | {"Content-Length": str(length)})


def _content_range(span: Span, size: int) -> str:
    return f"bytes {span.offset}-{span.offset + span.length - 1}/{size}"


class _Body:
    """What is sent, read by position; closing is what ends its use of the file."""

    def __init__(self, descriptor: int, pieces: tuple[Span | bytes, ...]) -> None:
        self._descriptor = descriptor
        self._pieces = pieces
        lengths = (len(piece) if isinstance(piece, bytes) else piece.length for piece in pieces)
        self._ends = list(itertools.accumulate(lengths))

    def read(self, wanted: Span, flags: int = 0) -> memoryview:
        """At most the wanted bytes, from one piece. ``flags`` as of preadv(2)."""
        at = bisect.bisect_right(self._ends, wanted.offset)
        if at == len(self._ends):
            return memoryview(b"")
        piece, length = self._pieces[at], min(wanted.length, self._ends[at] - wanted.offset)
        if isinstance(piece, bytes):
            offset = wanted.offset - (self._ends[at] - len(piece))
            return memoryview(piece)[offset : offset + length]
        buffer = memoryview(bytearray(length))
        offset = piece.offset + wanted.offset - (self._ends[at] - piece.length)
        return buffer[: os.preadv(self._descriptor, [buffer], offset, flags)]

    async def block(self, wanted: Span) -> memoryview:
        """As ``read``: at once what the kernel has in memory, by way of a thread what the disk has to bring."""
        try:
            return self.read(wanted, os.RWF_NOWAIT)
        except OSError:  # not in memory, or a file system that cannot tell; any other trouble shows again
            return await asyncio.to_thread(self.read, wanted)

    async def blocks(self, wanted: Span) -> AsyncIterator[memoryview]:
        at, end, sent = wanted.offset, wanted.offset + wanted.length, 0
        while at < end:
            block = await self.block(Span(at, min(_BLOCK if sent else _FIRST_BLOCK, end - at)))
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
        self._blocks = blocks
        self._body = body
        self._short = int(headers["Content-Length"]) <= _BLOCK * _BLOCKS_IN_A_ROW

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        gone: asyncio.Future[None] | None = None
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            async for block in self._blocks:
                await send({"type": "http.response.body", "body": block, "more_body": True})
                if not self._short and gone is None:  # what is short is over before anybody could have gone
                    gone = asyncio.ensure_future(_gone(receive))
                if gone is not None and gone.done():
                    return
            await send({"type": "http.response.body", "body": b""})
        finally:
            if gone is not None:
                gone.cancel()
            self._body.close()


async def _gone(receive: Receive) -> None:
    """Until the client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass
