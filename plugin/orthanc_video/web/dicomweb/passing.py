"""What of DICOMweb is Orthanc's to answer: asked of it, and its failures told as the gateway tells its own."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Any, cast

import httpx
from starlette.requests import Request
from starlette.responses import StreamingResponse

from orthanc_video.archive.access import refuse
from orthanc_video.errors import BadRequest, Busy, NotAcceptable, NotFound
from orthanc_video.web import proxy
from orthanc_video.web.dicomweb import negotiation

# Orthanc tells a failure in some hundred bytes.
_LONGEST = 1 << 16
# Its codes (OrthancErrorCode of its plugin SDK) for an internal error, one in a plugin, what is not implemented, a
# parameter out of range and a bad request: by these it tells that an object is none of which it could make what is
# asked for, some as 500. Real failures of its own, such as a file that is gone, have others.
_CANNOT = frozenset({-1, 1, 2, 3, 8})
_UNKNOWN_TAG = 27


async def forward(request: Request, cannot: str = "", *, plain: bool = False, accept: str = "") -> StreamingResponse:
    """Orthanc's answer to a GET or HEAD; ``plain`` and ``accept`` as of ``proxy.forward``.

    ``cannot`` is the sentence of NotAcceptable where Orthanc refuses, or fails at, what is well-formed. Raises
    Unauthorized, Forbidden, NotFound, and BadRequest with Orthanc's own words. What Orthanc itself fails at is its
    answer.
    """
    negotiation.refuse_impossible(request.headers)
    answer = await proxy.forward(request, plain=plain, accept=accept)
    if answer.status_code < HTTPStatus.BAD_REQUEST:
        return answer
    body = await _read(answer)
    refuse(answer.status_code)
    code, said = _told(body)
    if code in _CANNOT and cannot:
        raise NotAcceptable(cannot)
    if answer.status_code == HTTPStatus.BAD_REQUEST:
        raise BadRequest(f"Orthanc refuses this request: {said}.")
    if code == _UNKNOWN_TAG:
        raise NotFound("The path names no DICOM tag.")
    answer.body_iterator = _once(body)
    return answer


async def _read(answer: StreamingResponse) -> bytes:
    body = bytearray()
    try:
        async for block in cast(AsyncIterator[bytes], answer.body_iterator):
            body += block
            if len(body) > _LONGEST:
                break
    except httpx.HTTPError as error:
        raise Busy("Orthanc does not answer. Try again in a moment.") from error
    if answer.background is not None:  # closes the connection
        await answer.background()
        answer.background = None
    return bytes(body)


def _told(body: bytes) -> tuple[int | None, str]:
    """Orthanc's code of a failure, None where it does not tell one, and what it says of it."""
    try:
        said: Any = json.loads(body)
        words = str(said.get("Details") or said["Message"])
        return int(said["OrthancStatus"]), words.strip().rstrip(".")
    except (ValueError, KeyError, AttributeError, TypeError):
        return None, "it does not say why"


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body
