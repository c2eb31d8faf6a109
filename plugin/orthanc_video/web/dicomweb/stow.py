"""Store Instances (STOW-RS, PS3.18 10.5)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from orthanc_video.archive.callers import Caller
from orthanc_video.dicom import nativexml, response
from orthanc_video.dicom.response import Result
from orthanc_video.errors import BadRequest, UnsupportedMedia
from orthanc_video.ingest import multipart
from orthanc_video.ingest.room import largest_upload, refuse_too_large
from orthanc_video.web import accepting, encoded
from orthanc_video.web.accepting import Offer
from orthanc_video.web.context import CallerNow, Gateway, GatewayParts, announced_length
from orthanc_video.web.dicomweb import negotiation
from orthanc_video.web.dicomweb.intake import JSON, PART_10, XML, Intake, Parts
from orthanc_video.web.draining import DrainingRoute

router = APIRouter(route_class=DrainingRoute)

_ANSWERS = (Offer(JSON), Offer(XML))


@router.post("/studies")
async def store(request: Request, gateway: GatewayParts, caller: CallerNow) -> Response:
    """Store Instances: DICOM files, or metadata (JSON, XML) with videos beside them."""
    return await _store(request, gateway, caller, "")


@router.post("/studies/{study}")
async def store_in_study(study: str, request: Request, gateway: GatewayParts, caller: CallerNow) -> Response:
    """As for /studies; instances of another study are refused."""
    return await _store(request, gateway, caller, study)


async def _store(request: Request, gateway: Gateway, caller: Caller, study: str) -> Response:
    await gateway.access.may_upload(Caller(credentials=caller.credentials, local=caller.local))
    # Whoever does not say gets JSON: the upload is not worth less for it.
    kind = negotiation.chosen(accepting.entries(request.headers.get("accept", "*/*")), _ANSWERS).kind
    parts, default = _parts(request, gateway)
    announced = _announced(request)
    known = announced if announced is not None and announced <= largest_upload(gateway.settings) else None
    with await gateway.room.hold(known) as hold:
        intake = Intake(gateway, caller, hold, study, str(request.url))
        await intake.take(parts, default)
    results = await intake.results()
    if not results:
        raise BadRequest("The request holds no part. Send each instance, or its metadata and its stream, as one.")
    return _answer(request, gateway, results, kind)


def _parts(request: Request, gateway: Gateway) -> tuple[Parts, str]:
    """The parts of the body, and of which type those are that do not say. Raises UnsupportedMedia, TooLarge."""
    encoded.refuse_unknown(request)
    body = encoded.gunzipped(request.stream()) if encoded.is_gzip(request) else request.stream()
    kind, options = multipart.media_type(request.headers.get("content-type", ""))
    if kind == PART_10:
        refuse_too_large(gateway.settings, _announced(request))
        return _alone(body), PART_10
    default = options.get("type", "").lower()
    if kind != "multipart/related" or default not in {PART_10, JSON, XML}:
        raise UnsupportedMedia(
            f"STOW-RS takes multipart/related with type {PART_10}, {JSON} or {XML}, and {PART_10} by itself."
        )
    return multipart.events(request.headers["content-type"], body, each_alone=True), default


def _announced(request: Request) -> int | None:
    """How long the instances may be in all; None where only the bytes will tell."""
    return None if encoded.is_gzip(request) else announced_length(request)


async def _alone(body: AsyncIterator[bytes]) -> AsyncIterator[multipart.Event]:
    """A body that is one instance, as if it were a part."""
    yield multipart.PartBegins({})
    async for block in body:
        yield multipart.PartData(block)
    yield multipart.PartEnds()


def _answer(request: Request, gateway: Gateway, results: list[Result], kind: str) -> Response:
    origin = gateway.settings.gateway.public_url or str(request.base_url)
    root = origin.rstrip("/") + gateway.settings.dicom_web_root
    model = response.module(results, root)
    body = json.dumps(model).encode() if kind == JSON else nativexml.written(model)
    study = response.study_of(results)
    headers = {"Content-Location": response.study_url(root, study)} if study else {}
    return Response(body, response.status_of(results), headers, kind)
