"""Answers of many parts, each made while it is sent: arrays of JSON, and multipart/related (PS3.18 8.6.1)."""

from __future__ import annotations

import codecs
import hashlib
import json
from collections.abc import AsyncIterator
from typing import Any

from starlette.responses import StreamingResponse

from orthanc_video.errors import Busy

Blocks = AsyncIterator[bytes | memoryview]

_HEADERS = {"Cache-Control": "private, no-cache", "Vary": "Accept", "X-Content-Type-Options": "nosniff"}


def boundary_of(*names: str) -> str:
    """The same for the same resource each time (8.6.1.2), and nothing that a stored object could foresee or hold."""
    return hashlib.sha256("\0".join(names).encode()).hexdigest()[:40]


def related(kind: str, boundary: str) -> str:
    """The Content-Type of all parts together."""
    return f'multipart/related; type="{kind}"; boundary={boundary}'


def head(boundary: str, content_type: str, length: int | None = None, location: str = "") -> bytes:
    """What goes before a part; ``location`` is the resource that it is."""
    known = f"Content-Length: {length}\r\n" if length is not None else ""
    named = f"Content-Location: {location}\r\n" if location else ""
    return f"\r\n--{boundary}\r\nContent-Type: {content_type}\r\n{known}{named}\r\n".encode()


def end(boundary: str) -> bytes:
    return f"\r\n--{boundary}--\r\n".encode()


async def array(models: AsyncIterator[Any]) -> AsyncIterator[bytes]:
    """An array of JSON."""
    between = b"["
    async for model in models:
        yield between + json.dumps(model, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
        between = b","
    yield b"[]" if between == b"[" else b"]"


async def documents(texts: AsyncIterator[bytes], kind: str, boundary: str) -> AsyncIterator[bytes]:
    """multipart/related of small parts."""
    async for text in texts:
        yield head(boundary, kind, len(text)) + text
    yield end(boundary)


async def streaming(blocks: AsyncIterator[bytes] | Blocks, content_type: str) -> StreamingResponse:
    """Sends the blocks as they come. What fails before the first of them is answered as any failure is."""
    first = await anext(blocks)

    async def all_of_them() -> Blocks:
        yield first
        async for block in blocks:
            yield block

    return StreamingResponse(all_of_them(), headers=_HEADERS, media_type=content_type)


async def elements(blocks: AsyncIterator[bytes]) -> AsyncIterator[dict[str, Any]]:
    """The objects of an array of JSON as they arrive; raises Busy where it breaks off."""
    decoder, utf8 = json.JSONDecoder(), codecs.getincrementaldecoder("utf-8")("replace")
    text, closed = "", False
    async for block in blocks:
        text += utf8.decode(block)
        at = 0
        while at < len(text):
            if text[at] in "[, \t\r\n":
                at += 1
                continue
            closed = closed or text[at] == "]"
            try:
                found, at = decoder.raw_decode(text, at)
            except ValueError:
                break
            yield found
        text = text[at:]
    if not closed:
        raise Busy("Orthanc's answer broke off. Try again in a moment.")
