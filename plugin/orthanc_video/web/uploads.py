"""The doors in: POST /instances as Orthanc's own, and POST /video/ingest with attributes."""

from __future__ import annotations

import json
import zlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from orthanc_video.archive.access import Caller
from orthanc_video.dicom import attributes
from orthanc_video.dicom.classes import class_for
from orthanc_video.errors import BadRequest, TooLarge, VideoError
from orthanc_video.ingest import multipart
from orthanc_video.ingest.parent import inherited
from orthanc_video.ingest.receive import Description, receive
from orthanc_video.ingest.spool import SpoolFile, refuse_too_large
from orthanc_video.media import sniff
from orthanc_video.web import proxy
from orthanc_video.web.context import CallerNow, Gateway, GatewayParts
from orthanc_video.web.draining import DrainingRoute

router = APIRouter(tags=["uploads"], route_class=DrainingRoute)

_LONGEST_JSON = 1 << 20


@router.post("/instances")
async def post_instances(request: Request, gateway: GatewayParts, caller: CallerNow) -> Response:
    """As Orthanc's own: DICOM and zip go there unchanged, anything else is ingested as a video."""
    await gateway.access.may_upload(caller)
    if request.headers.get("content-type", "").startswith("multipart/"):
        return await _multipart(request, gateway, caller, {})
    return await _raw(request, gateway, caller, {}, for_orthanc=True)


@router.post("/video/ingest")
async def post_ingest(request: Request, gateway: GatewayParts, caller: CallerNow) -> Response:
    """A video with DICOM attributes by keyword in the query or a form's JSON part; also ParentStudy, SOPClass."""
    await gateway.access.may_upload(Caller(credentials=caller.credentials, local=caller.local))
    given = dict(request.query_params)
    if request.headers.get("content-type", "").startswith("multipart/"):
        return await _multipart(request, gateway, caller, given)
    return await _raw(request, gateway, caller, given, for_orthanc=False)


async def _raw(
    request: Request, gateway: Gateway, caller: Caller, given: dict[str, str], *, for_orthanc: bool
) -> Response:
    announced = request.headers.get("content-length", "")
    stream = request.stream()
    head = await _first(stream)
    plain = _unzipped_head(head) if _is_gzip(request) else head
    if for_orthanc and (not head or sniff.is_dicom(plain) or sniff.is_zip(plain)):
        return await proxy.forward(request, _chained(head, stream))
    size = int(announced) if announced.isdigit() and not _is_gzip(request) else None
    body = _chained(head, stream)
    name = multipart.header_filename(request.headers.get("orthanc-video-filename", ""))
    described = await _described(gateway, caller, given, name, request.headers.get("content-type", ""))
    try:
        async with SpoolFile(gateway.settings, size) as spooled:
            async for block in _gunzipped(body) if _is_gzip(request) else body:
                await spooled.write(block)
            return JSONResponse(await receive(gateway.engine, spooled, described))
    except VideoError as error:
        _note(gateway, caller, error)
        raise


def _note(gateway: Gateway, caller: Caller, error: VideoError) -> None:
    """Orthanc's core swallows the answer to a multipart upload on its port: the refusal stays visible as a job."""
    if caller.vouched:
        gateway.engine.record_refusal(error)


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


def _is_gzip(request: Request) -> bool:
    return request.headers.get("content-encoding", "").strip().lower() == "gzip"


def _unzipped_head(head: bytes) -> bytes:
    try:
        return zlib.decompressobj(wbits=31).decompress(head, sniff.HEAD)
    except zlib.error as error:
        raise BadRequest("The upload says Content-Encoding: gzip, but is not gzip.") from error


async def _gunzipped(stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Decompresses as it goes, a bounded piece at a time, so that a bomb meets the size limit of the spool."""
    unzip = zlib.decompressobj(wbits=31)
    try:
        async for block in stream:
            left = block
            while left:
                yield unzip.decompress(left, 1 << 20)
                left = unzip.unconsumed_tail
        yield unzip.flush()
    except zlib.error as error:
        raise BadRequest("The upload says Content-Encoding: gzip, but is damaged.") from error


async def _described(
    gateway: Gateway, caller: Caller, given: dict[str, Any], filename: str, content_type: str
) -> Description:
    """Attributes checked and completed from the named study; raises BadRequest before any byte is kept."""
    wanted = {str(key): value for key, value in given.items()}
    kind = class_for(str(wanted.pop("SOPClass", gateway.settings.gateway.sop_class))).choice
    parent = wanted.pop("ParentStudy", "")
    filename = multipart.base_name(str(wanted.pop("Filename", ""))) or filename
    checked = attributes.checked(wanted)
    if parent:
        checked = await inherited(gateway.access, caller, str(parent), checked)
    return Description(filename=filename, content_type=content_type, attributes=checked, sop_class=kind)


async def _multipart(request: Request, gateway: Gateway, caller: Caller, given: dict[str, str]) -> Response:
    """Each file of a form in turn. A form of DICOM files only is answered as Orthanc does: empty."""
    announced = request.headers.get("content-length", "")
    refuse_too_large(gateway.settings, int(announced) - (1 << 16) if announced.isdigit() else None)
    answers: list[dict[str, Any]] = []
    passed_on = 0
    parts = multipart.events(request.headers["content-type"], request.stream())
    async for event in parts:
        if not isinstance(event, multipart.PartBegins):
            continue
        if event.headers.get("content-type", "").startswith("application/json") and not event.filename:
            given = given | _json(await _small(parts))
            continue
        answer = await _file(gateway, caller, event, parts, given)
        if answer is None:
            passed_on += 1
        else:
            answers.append(answer)
    if not answers and not passed_on:
        raise BadRequest("The form holds no file.")
    if not answers:
        return Response(status_code=200)
    return JSONResponse(answers[0] if len(answers) == 1 and not passed_on else answers)


async def _file(
    gateway: Gateway,
    caller: Caller,
    begins: multipart.PartBegins,
    parts: AsyncIterator[multipart.Event],
    given: dict[str, Any],
) -> dict[str, Any] | None:
    """One part to disk, then on: a video becomes a job (its answer), DICOM and zip go to Orthanc (None)."""
    name = multipart.base_name(begins.filename)
    described = await _described(gateway, caller, given, name, begins.headers.get("content-type", ""))
    async with SpoolFile(gateway.settings) as spooled:
        async for event in parts:
            if isinstance(event, multipart.PartEnds):
                break
            if isinstance(event, multipart.PartData):
                await spooled.write(event.data)
        if sniff.is_dicom(spooled.head) or sniff.is_zip(spooled.head):
            await spooled.finish()
            await _to_orthanc(gateway, caller, spooled)
            return None
        return await receive(gateway.engine, spooled, described)


async def _to_orthanc(gateway: Gateway, caller: Caller, spooled: SpoolFile) -> None:
    async def blocks() -> AsyncIterator[bytes]:
        with spooled.path.open("rb") as file:
            while block := file.read(1 << 20):
                yield block

    headers = {"Content-Length": str(spooled.size)}
    client = gateway.access.client(caller)
    answer = await client.post("/instances", content=blocks(), headers=headers | dict(caller.credentials))
    if answer.status_code != httpx.codes.OK:
        raise BadRequest(f"Orthanc did not take a DICOM file of the form (HTTP {answer.status_code}).")


async def _small(parts: AsyncIterator[multipart.Event]) -> bytes:
    data = b""
    async for event in parts:
        if isinstance(event, multipart.PartEnds):
            break
        if isinstance(event, multipart.PartData):
            data += event.data
            if len(data) > _LONGEST_JSON:
                raise TooLarge("The form's JSON part is larger than 1 MiB.")
    return data


def _json(data: bytes) -> dict[str, str]:
    try:
        loaded = json.loads(data)
    except ValueError as error:
        raise BadRequest("The form's JSON part is not valid JSON.") from error
    if not isinstance(loaded, dict) or not all(isinstance(value, str) for value in loaded.values()):
        raise BadRequest("The form's JSON part must be an object of DICOM keywords and string values.")
    return loaded
