"""Resumable uploads: tus 1.0 (tus.io/protocols/resumable-upload) at /video/uploads."""

from __future__ import annotations

import datetime
import email.utils
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from orthanc_video.archive.callers import Caller
from orthanc_video.errors import BadRequest, UnsupportedMedia, VideoError, WrongVersion, about
from orthanc_video.ingest import multipart, tus
from orthanc_video.ingest.describe import describe
from orthanc_video.ingest.receive import Committed, answer
from orthanc_video.ingest.resumable import Stored
from orthanc_video.ingest.unfinished import Record
from orthanc_video.web import preferring
from orthanc_video.web.context import CallerNow, Gateway, GatewayParts, announced_length, entered
from orthanc_video.web.draining import DrainingRoute

_PATH = "/video/uploads"


class Tus:
    """What holds of every request and answer there, refusals included: the method's override, the version."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not (scope["path"] == _PATH or scope["path"].startswith(_PATH + "/")):
            await self._app(scope, receive, send)
            return

        async def versioned(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Tus-Resumable"] = tus.VERSION
                if message["status"] == WrongVersion.status:
                    headers["Tus-Version"] = tus.VERSION
            await send(message)

        method = Headers(scope=scope).get("x-http-method-override", scope["method"])
        await self._app({**scope, "method": method.upper()}, receive, versioned)


async def _sender(request: Request, gateway: GatewayParts, caller: CallerNow) -> Caller:
    """Who calls, if Orthanc takes uploads from them, and they speak this protocol."""
    alone = Caller(credentials=caller.credentials, local=caller.local)
    await gateway.access.may_upload(alone)
    if request.headers.get("tus-resumable") != tus.VERSION:
        raise WrongVersion(f"This speaks tus {tus.VERSION}; the request needs the header Tus-Resumable: {tus.VERSION}.")
    return alone


SenderNow = Annotated[Caller, Depends(_sender)]

router = APIRouter(prefix=_PATH, tags=["uploads"], route_class=DrainingRoute)


@router.options("", dependencies=[Depends(entered)])
@router.options("/{upload}", dependencies=[Depends(entered)])
async def options(gateway: GatewayParts) -> Response:
    """What of tus is spoken here."""
    headers = {
        "Tus-Version": tus.VERSION,
        "Tus-Extension": tus.EXTENSIONS,
        "Tus-Max-Size": str(gateway.settings.maximum_upload),
        "Tus-Checksum-Algorithm": ",".join(tus.ALGORITHMS),
    }
    return Response(status_code=204, headers=headers)


@router.post("", status_code=201)
async def create(request: Request, gateway: GatewayParts, sender: SenderNow) -> Response:
    """A new upload: attributes, ParentStudy and SOPClass in Upload-Metadata, its first bytes perhaps in the body."""
    length = _length(request)
    checksum = tus.checksum(request.headers.get("upload-checksum"))
    begins = announced_length(request) != 0 and _has_body(request)
    if begins:
        _refuse_other_media(request)
    given: dict[str, str] = tus.metadata(request.headers.get("upload-metadata", ""))
    name, kind = multipart.base_name(given.pop("filename", "")), given.pop("filetype", "")
    described = await describe(gateway.objects, sender, gateway.site, gateway.settings.gateway, given, name, kind)
    record = await gateway.resumable.create(sender, length, request.headers.get("upload-metadata", ""), described)
    # Relative, so that it is right behind any proxy and prefix.
    headers = {"Location": f"uploads/{record.id}", **_expiry(gateway, record)}
    if not begins:
        return Response(status_code=201, headers=headers)
    try:
        announced = announced_length(request)
        offset = await gateway.resumable.append(record, 0, announced, request.stream(), checksum)
        headers["Upload-Offset"] = str(offset)
        if offset != record.length:
            return Response(status_code=201, headers=headers)
        return await _finished(request, gateway, sender, record, headers, created=True)
    except (VideoError, ClientDisconnect):
        await gateway.resumable.remove(record)  # nobody has been told its address
        raise


@router.head("/{upload}")
async def state(upload: str, gateway: GatewayParts, sender: SenderNow) -> Response:
    """How many bytes have arrived; of an upload that is complete also its job."""
    record = await gateway.resumable.find(sender, upload)
    offset = await gateway.resumable.offset(record)
    headers = {"Upload-Offset": str(offset), "Cache-Control": "no-store", **_expiry(gateway, record)}
    headers |= {"Upload-Metadata": record.metadata} if record.metadata else {}
    headers |= {"Upload-Defer-Length": "1"} if record.length is None else {"Upload-Length": str(record.length)}
    if offset == record.length:
        headers |= _job(await gateway.resumable.committed(record, sender))
    return Response(status_code=200, headers=headers)


@router.patch("/{upload}", status_code=204)
async def append(upload: str, request: Request, gateway: GatewayParts, sender: SenderNow) -> Response:
    """Adds bytes. With the last ones, or with none after them, the file is taken: as JSON where that is accepted."""
    _refuse_other_media(request)
    offset = tus.number("Upload-Offset", request.headers.get("upload-offset", ""))
    checksum = tus.checksum(request.headers.get("upload-checksum"))
    record = await gateway.resumable.find(sender, upload)
    if "upload-length" in request.headers:
        length = tus.number("Upload-Length", request.headers["upload-length"])
        record = await gateway.resumable.know_length(record, length)
    offset = await gateway.resumable.append(record, offset, announced_length(request), request.stream(), checksum)
    headers = {"Upload-Offset": str(offset), **_expiry(gateway, record)}
    if offset != record.length:
        return Response(status_code=204, headers=headers)
    return await _finished(request, gateway, sender, record, headers, created=False)


@router.delete("/{upload}", status_code=204)
async def terminate(upload: str, gateway: GatewayParts, sender: SenderNow) -> Response:
    """Ends an upload and removes what has arrived. The job of a complete one goes on: it is cancelled by itself."""
    await gateway.resumable.remove(await gateway.resumable.find(sender, upload))
    return Response(status_code=204)


async def _finished(
    request: Request, gateway: Gateway, sender: Caller, record: Record, headers: dict[str, str], *, created: bool
) -> Response:
    """What becomes of a complete upload; waits for short work as the other doors do, or as long as is preferred."""
    as_json = created or "application/json" in request.headers.get("accept", "")
    seconds = preferring.at_once(request, gateway.settings.gateway.answer_seconds)
    try:
        done = await gateway.resumable.committed(record, sender)
        body = done.answer if isinstance(done, Stored) else await answer(gateway.engine, done, seconds)
    except VideoError as error:
        raise about(error, record.described.filename) from error
    headers |= _job(done)
    headers |= {} if seconds is None else {"Preference-Applied": "respond-async"}
    if not as_json:
        return Response(status_code=204, headers=headers)
    return JSONResponse(body, 201 if created else 200, headers)


def _job(done: Committed | Stored) -> dict[str, str]:
    return {"Orthanc-Video-Job": done.upload.id} if isinstance(done, Committed) else {}


def _expiry(gateway: Gateway, record: Record) -> dict[str, str]:
    when = datetime.datetime.fromtimestamp(gateway.resumable.expires(record), datetime.UTC)
    return {"Upload-Expires": email.utils.format_datetime(when, usegmt=True)}


def _length(request: Request) -> int | None:
    """The announced length of a new upload; None when it is said to come later."""
    if "upload-defer-length" not in request.headers:
        return tus.number("Upload-Length", request.headers.get("upload-length", ""))
    if request.headers["upload-defer-length"] != "1" or "upload-length" in request.headers:
        raise BadRequest("Either Upload-Length is a number of bytes, or Upload-Defer-Length is 1.")
    return None


def _has_body(request: Request) -> bool:
    return "content-length" in request.headers or "transfer-encoding" in request.headers


def _refuse_other_media(request: Request) -> None:
    if request.headers.get("content-type", "") != tus.CONTENT_TYPE:
        raise UnsupportedMedia(f"The bytes of an upload are sent with the header Content-Type: {tus.CONTENT_TYPE}.")
