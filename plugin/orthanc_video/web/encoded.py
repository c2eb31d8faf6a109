"""Bodies of requests with a Content-Encoding (RFC 9110 8.4): gzip is unpacked as it comes."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator

from starlette.requests import Request

from orthanc_video.errors import BadRequest, UnsupportedMedia
from orthanc_video.media import sniff


def is_gzip(request: Request) -> bool:
    return _coding(request) in {"gzip", "x-gzip"}


def refuse_unknown(request: Request) -> None:
    """Raises UnsupportedMedia for a body that only a decoder we do not have can read (RFC 9110 15.5.16)."""
    if not is_gzip(request) and _coding(request) not in {"", "identity"}:
        raise UnsupportedMedia(
            "Of all Content-Encodings gzip alone is unpacked here. Send the body so, or without one."
        )


def _coding(request: Request) -> str:
    return ", ".join(request.headers.getlist("content-encoding")).strip().lower()


def unzipped_head(head: bytes) -> bytes:
    try:
        return zlib.decompressobj(wbits=31).decompress(head, sniff.HEAD)
    except zlib.error as error:
        raise BadRequest("The upload says Content-Encoding: gzip, but is not gzip.") from error


async def gunzipped(stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Decompresses as it goes, a bounded piece at a time, so that a bomb meets the size limit of the spool."""
    unzip = zlib.decompressobj(wbits=31)
    try:
        async for block in stream:
            left = block
            while left:
                yield unzip.decompress(left, 1 << 20)
                left = unzip.unconsumed_tail
    except zlib.error as error:
        raise BadRequest("The upload says Content-Encoding: gzip, but is damaged.") from error
    if not unzip.eof:
        raise BadRequest("The upload says Content-Encoding: gzip, but breaks off.")
