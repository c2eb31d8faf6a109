"""The doors in: POST /instances as Orthanc's own, and POST /video/ingest with attributes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from orthanc_video.archive.callers import Caller
from orthanc_video.dicom.attributes import gathered
from orthanc_video.errors import Busy, VideoError, about
from orthanc_video.ingest import multipart
from orthanc_video.ingest.describe import describe
from orthanc_video.ingest.receive import receive
from orthanc_video.ingest.room import refuse_too_large
from orthanc_video.ingest.spool import SpoolFile
from orthanc_video.media import sniff
from orthanc_video.web import encoded, forms, proxy
from orthanc_video.web.context import CallerNow, Gateway, GatewayParts, announced_length
from orthanc_video.web.draining import DrainingRoute

# With the spool full, what is taken for a video is refused before any of it is read: DICOM has to say what it is.
_SAID_TO_BE_ORTHANCS = ("application/dicom", "application/zip")

router = APIRouter(tags=["uploads"], route_class=DrainingRoute)


@router.post("/instances")
async def post_instances(request: Request, gateway: GatewayParts, caller: CallerNow) -> Response:
    """As Orthanc's own: DICOM and zip go there unchanged, anything else is ingested as a video."""
    await gateway.access.may_upload(caller)
    if request.headers.get("content-type", "").startswith("multipart/"):
        return await forms.post_form(request, gateway, caller, {}, fields_are_attributes=False)
    return await _raw(request, gateway, caller, {}, for_orthanc=True)


@router.post("/video/ingest")
async def post_ingest(request: Request, gateway: GatewayParts, caller: CallerNow) -> Response:
    """A video with DICOM attributes by keyword in the query or a form's JSON part; also ParentStudy, SOPClass."""
    await gateway.access.may_upload(caller.unvouched)
    given = gathered(request.query_params.multi_items())
    if request.headers.get("content-type", "").startswith("multipart/"):
        return await forms.post_form(request, gateway, caller, given, fields_are_attributes=True)
    return await _raw(request, gateway, caller, given, for_orthanc=False)


async def _raw(
    request: Request, gateway: Gateway, caller: Caller, given: dict[str, str], *, for_orthanc: bool
) -> Response:
    stream = request.stream()
    head = b""
    if for_orthanc and request.headers.get("content-type", "").startswith(_SAID_TO_BE_ORTHANCS):
        head = await _first(stream)  # it needs no room in the spool, if it is what it says
        if _is_orthancs(request, head):
            return await proxy.forward(request, _chained(head, stream))
    name = multipart.header_filename(request.headers.get("orthanc-video-filename", ""))
    size = None if encoded.is_gzip(request) else announced_length(request)
    try:
        with await gateway.room.hold(size) as hold:
            head = head or await _first(stream)
            if for_orthanc and (not head or _is_orthancs(request, head)):
                return await proxy.forward(request, _chained(head, stream))
            body = _chained(head, stream)
            refuse_too_large(gateway.settings, size)
            kind = request.headers.get("content-type", "")
            described = await describe(
                gateway.objects, caller, gateway.site, gateway.settings.gateway, given, name, kind
            )
            name = described.filename
            async with SpoolFile(gateway.settings, hold) as spooled:
                async for block in encoded.gunzipped(body) if encoded.is_gzip(request) else body:
                    await spooled.write(block)
                return JSONResponse(await receive(gateway.engine, spooled, described))
    except VideoError as error:
        await _note(gateway, caller, error)
        raise about(error, name) from error


def _is_orthancs(request: Request, head: bytes) -> bool:
    plain = encoded.unzipped_head(head) if encoded.is_gzip(request) else head
    return sniff.is_dicom(plain) or sniff.is_zip(plain)


async def _note(gateway: Gateway, caller: Caller, error: VideoError) -> None:
    """Orthanc's core swallows the answer to a multipart upload on its port: the refusal stays visible as a job."""
    if caller.vouched:
        with suppress(Busy):  # what the upload was refused for is what its sender has to know
            await asyncio.to_thread(gateway.engine.record_refusal, error)


async def _first(stream: AsyncIterator[bytes]) -> bytes:
    """Enough of the body to know what it is."""
    head = b""
    async for block in stream:
        head += block
        if len(head) >= sniff.HEAD:
            break
    return head


async def _chained(head: bytes, stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield head
    async for block in stream:
        yield block
