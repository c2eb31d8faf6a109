"""Pictures as an answer: one by itself, or several as multipart/related (PS3.18 8.6.1, 8.7.4)."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterable
from typing import BinaryIO

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from orthanc_video.archive.objects import Stored, held
from orthanc_video.dicom.annotations import said
from orthanc_video.errors import BadRequest
from orthanc_video.jobs import pictures
from orthanc_video.model import Span
from orthanc_video.picture import ANNOTATIONS, GIF, Drawing, Rendering, Said
from orthanc_video.web import ranges
from orthanc_video.web.accepting import Offer
from orthanc_video.web.context import caller_of, gateway_of
from orthanc_video.web.dicomweb import parts

_BLOCK = 1 << 20
_MADE = ("", "no", "yes", "srgb")


async def respond(
    request: Request, stored: Stored, drawing: Drawing, *, together: bool = False, syntax: str = ""
) -> Response:
    """The pictures of a drawing; ``together``: as multipart/related; ``syntax``: what they are coded in, if asked so.

    Raises NotFound for a frame that there is not, BadRequest for a rendering that cannot be.
    """
    refuse(drawing)
    headers = heading(drawing.rendering, f"{pictures.name_of(stored, drawing)}{'-parts' * together}")
    if "ETag" in headers and ranges.answer(request.method, request.headers, 0, headers["ETag"]).status == 304:
        return Response(status_code=304, headers=headers)
    made = await drawn(request, stored, drawing)
    kind = f"{drawing.kind}; transfer-syntax={syntax}" if syntax else drawing.kind
    if together:
        return _together(made.file, [(one,) for one in made.spans], kind, headers)
    with made.file:
        body = await asyncio.to_thread(made.file.read)
    return Response(body, headers=headers, media_type=kind)


async def stored_frames(stored: Stored, frames: list[tuple[Span, ...]], offer: Offer) -> Response:
    """Coded frames as they are stored."""
    with held(stored.path):
        file = stored.path.open("rb")
    kind, headers = f"{offer.kind}; transfer-syntax={offer.syntax}", heading(Rendering(), "")
    if offer.parts:
        return _together(file, frames, kind, headers)
    with file:
        body = await asyncio.to_thread(lambda: b"".join(_read(file, one) for one in frames[0]))
    return Response(body, headers=headers, media_type=kind)


async def drawn(request: Request, stored: Stored, drawing: Drawing) -> pictures.Drawn:
    """The pictures, in a file that the caller closes."""
    gateway = gateway_of(request)
    about = Said()
    if drawing.rendering.annotations or drawing.rendering.profile not in {"", "no"}:
        about = said(await gateway.objects.attributes(caller_of(request), stored.instance))
    return await asyncio.to_thread(pictures.drawn, gateway.settings, stored, drawing, about)


def refuse(drawing: Drawing) -> None:
    """Raises BadRequest for an ICC profile that cannot be had (PS3.18 8.3.5.1.5)."""
    profile = drawing.rendering.profile
    if profile not in _MADE:
        raise BadRequest(f"Pictures in the colours of {profile} are not made here; srgb are.")
    if profile not in {"", "no"} and drawing.kind == GIF:
        raise BadRequest("A GIF carries no ICC profile. Ask for image/jpeg or image/png, or iccprofile=no.")


def heading(rendering: Rendering, tag: str) -> dict[str, str]:
    """The headers of an answer; what bears a patient's name is kept nowhere."""
    headers = {"Cache-Control": "private, no-cache", "Vary": "Accept", "X-Content-Type-Options": "nosniff"}
    if "patient" in rendering.annotations:
        headers["Cache-Control"] = "no-store"
    elif tag:
        headers["ETag"] = f'"{tag}"'
    unknown = [name for name in rendering.annotations if name not in ANNOTATIONS]
    if unknown:
        headers["Warning"] = f'299 orthanc-video "Annotations that are not known here: {", ".join(unknown)}"'
    return headers


def _together(file: BinaryIO, frames: list[tuple[Span, ...]], kind: str, headers: dict[str, str]) -> Response:
    boundary = parts.boundary_of(headers.get("ETag", ""), kind)
    blocks = _with_end(parted(file, frames, kind, boundary), boundary)
    whole = parts.related(kind.partition(";")[0], boundary)
    return StreamingResponse(blocks, headers=headers, media_type=whole, background=BackgroundTask(file.close))


async def _with_end(blocks: AsyncIterator[bytes], boundary: str) -> AsyncIterator[bytes]:
    async for block in blocks:
        yield block
    yield parts.end(boundary)


async def parted(
    file: BinaryIO, frames: Iterable[tuple[Span, ...]], kind: str, boundary: str, locations: Iterable[str] = ()
) -> AsyncIterator[bytes]:
    """Each frame as a part, block by block."""
    named = iter(locations)
    for frame in frames:
        yield parts.head(boundary, kind, sum(span.length for span in frame), next(named, ""))
        for span in frame:
            for at in range(0, span.length, _BLOCK):
                piece = Span(span.offset + at, min(_BLOCK, span.length - at))
                yield await asyncio.to_thread(_read, file, piece)


def _read(file: BinaryIO, span: Span) -> bytes:
    return os.pread(file.fileno(), span.length, span.offset)
