"""Uploads as multipart/form-data: files, and attributes wherever in the form they stand."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from orthanc_video import metrics
from orthanc_video.archive.callers import Caller
from orthanc_video.dicom.attributes import gathered
from orthanc_video.errors import BadRequest, TooLarge, VideoError, about
from orthanc_video.ingest import multipart
from orthanc_video.ingest.describe import describe
from orthanc_video.ingest.receive import receive
from orthanc_video.ingest.room import Hold, refuse_too_large
from orthanc_video.ingest.spool import SpoolFile
from orthanc_video.media import sniff
from orthanc_video.web.context import Gateway, announced_length

_MOST_FILES = 100
_LONGEST_FIELD = 1 << 20


@dataclass
class _Form:
    """What a form held once all of it has arrived: its files in the spool, its attributes."""

    attributes: dict[str, Any]
    files: list[tuple[multipart.PartBegins, SpoolFile]] = field(default_factory=list)


async def post_form(
    request: Request, gateway: Gateway, caller: Caller, given: dict[str, str], *, fields_are_attributes: bool
) -> Response:
    """Takes every file of a form. One file is answered as if it had come alone; several in a list, in their order,
    a refused one by its problem. A form of DICOM and zip files only is answered as Orthanc does: empty.
    """
    announced = announced_length(request)
    refuse_too_large(gateway.settings, announced - _LONGEST_FIELD if announced is not None else None)
    async with AsyncExitStack() as spool:
        hold = spool.enter_context(await gateway.room.hold(announced))
        form = _Form(dict(given))
        await _receive(request, gateway, form, spool, hold, fields_are_attributes=fields_are_attributes)
        if len(form.files) == 1:
            alone = await _file(gateway, caller, form, *form.files[0])
            return JSONResponse(alone) if alone is not None else Response(status_code=200)
        answers = [await _answer(gateway, caller, form, begins, spooled) for begins, spooled in form.files]
    if not any(answers):
        return Response(status_code=200)
    return JSONResponse([answer or {"Status": "Success"} for answer in answers])


async def _receive(
    request: Request, gateway: Gateway, form: _Form, spool: AsyncExitStack, hold: Hold, *, fields_are_attributes: bool
) -> None:
    parts = multipart.events(request.headers["content-type"], request.stream())
    async for event in parts:
        if not isinstance(event, multipart.PartBegins):
            continue
        if not event.filename and event.headers.get("content-type", "").startswith("application/json"):
            form.attributes = gathered(_json(await _small(parts)).items(), form.attributes)
        elif not event.filename and fields_are_attributes:
            text = (await _small(parts)).decode("utf-8", "replace")
            form.attributes = gathered([(event.name, text)], form.attributes)
        elif len(form.files) >= _MOST_FILES:
            raise BadRequest(f"The form holds more than {_MOST_FILES} files. Send them one by one.")
        else:
            spooled = await spool.enter_async_context(SpoolFile(gateway.settings, hold))
            await _spool(parts, spooled)
            form.files.append((event, spooled))
    if not form.files:
        raise BadRequest("The form holds no file.")


async def _spool(parts: AsyncIterator[multipart.Event], spooled: SpoolFile) -> None:
    async for event in parts:
        if isinstance(event, multipart.PartEnds):
            return
        if isinstance(event, multipart.PartData):
            await spooled.write(event.data)


async def _answer(
    gateway: Gateway, caller: Caller, form: _Form, begins: multipart.PartBegins, spooled: SpoolFile
) -> dict[str, Any] | None:
    try:
        return await _file(gateway, caller, form, begins, spooled)
    except VideoError as error:
        metrics.uploads_refused.labels(error.status).inc()
        return {"Status": "Failure", "Message": error.sentence, "HttpStatus": error.status, "title": error.title}


async def _file(
    gateway: Gateway, caller: Caller, form: _Form, begins: multipart.PartBegins, spooled: SpoolFile
) -> dict[str, Any] | None:
    """A video becomes a job (its answer); DICOM and zip go to Orthanc (None)."""
    if sniff.is_dicom(spooled.head) or sniff.is_zip(spooled.head):
        await spooled.finish()
        await gateway.access.store(caller, spooled.path, spooled.size)
        return None
    name, kind = multipart.base_name(begins.filename), begins.headers.get("content-type", "")
    described = await describe(
        gateway.objects, caller, gateway.site, gateway.settings.gateway, form.attributes, name, kind
    )
    try:
        return await receive(gateway.engine, spooled, described)
    except VideoError as error:
        raise about(error, described.filename) from error


async def _small(parts: AsyncIterator[multipart.Event]) -> bytes:
    """A field's whole value: text is small."""
    data = b""
    async for event in parts:
        if isinstance(event, multipart.PartEnds):
            break
        if isinstance(event, multipart.PartData):
            data += event.data
            if len(data) > _LONGEST_FIELD:
                raise TooLarge("A text field of the form is larger than 1 MiB; files need a file name.")
    return data


def _json(data: bytes) -> dict[str, str]:
    try:
        loaded = json.loads(data, object_pairs_hook=gathered)
    except ValueError as error:
        raise BadRequest("The form's JSON part is not valid JSON.") from error
    if not isinstance(loaded, dict) or not all(isinstance(value, str) for value in loaded.values()):
        raise BadRequest("The form's JSON part must be an object of DICOM keywords and string values.")
    return loaded
