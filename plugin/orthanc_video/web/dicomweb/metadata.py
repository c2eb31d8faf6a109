"""Retrieve Metadata (PS3.18 10.4.1.1.2): of videos and films what is stored, of all else what Orthanc says."""

from __future__ import annotations

from collections.abc import AsyncIterator

from fastapi import APIRouter
from pydicom.dataset import Dataset
from starlette.requests import Request
from starlette.responses import Response

from orthanc_video.archive.contents import Series, contents
from orthanc_video.archive.objects import belongs, parents_of
from orthanc_video.dicom import metadata, nativexml
from orthanc_video.dicom.metadata import Model
from orthanc_video.dicom.said import text
from orthanc_video.errors import BrokenVideo, NotFound, NotVideo
from orthanc_video.web import proxy
from orthanc_video.web.accepting import Entry, Offer
from orthanc_video.web.context import CallerNow, GatewayParts, caller_of, gateway_of
from orthanc_video.web.dicomweb import negotiation, parts, passing, paths, pixeldata

router = APIRouter()

JSON, XML = "application/dicom+json", "application/dicom+xml"
_OFFERS = (Offer(JSON), Offer(XML, parts=True), Offer("application/json"))
_UNREADABLE = (NotVideo, BrokenVideo)
_CANNOT = f"Metadata can be had as {JSON} and as multipart/related; type={XML}."


@router.get("/studies/{study}/metadata")
async def of_study(study: str, request: Request, gateway: GatewayParts, caller: CallerNow) -> Response:
    """The metadata of all instances of a study, as DICOM JSON or Native DICOM XML."""
    return await _of_series(request, study, await contents(gateway.access, caller, study))


@router.get("/studies/{study}/series/{series}/metadata")
async def of_series(study: str, series: str, request: Request, gateway: GatewayParts, caller: CallerNow) -> Response:
    """The metadata of all instances of a series, as DICOM JSON or Native DICOM XML."""
    return await _of_series(request, study, await contents(gateway.access, caller, study, series))


@router.get("/studies/{study}/series/{series}/instances/{instance}/metadata")
async def of_instance(
    study: str, series: str, instance: str, request: Request, gateway: GatewayParts, caller: CallerNow
) -> Response:
    """The metadata of an instance, as DICOM JSON or Native DICOM XML."""
    try:
        named = await gateway.access.instance(caller, instance)
        said = await gateway.objects.attributes(caller, named)
    except (*_UNREADABLE, NotFound):
        return await passing.forward(request, _CANNOT)
    if not metadata.moves(said):
        return await passing.forward(request, _CANNOT)
    belongs(parents_of(said), study, series)

    async def only() -> AsyncIterator[Model]:
        yield _told(request, said)

    # What is of one instance may come alone (8.7.3).
    return await _answer(request, only(), (*_OFFERS, Offer(XML)))


async def _of_series(request: Request, study: str, found: list[Series]) -> Response:
    if not any(series.moving for series in found):  # of nothing that is held, Orthanc says why
        return await passing.forward(request, _CANNOT if found else "")
    return await _answer(request, _models(request, study, found), _OFFERS)


async def _answer(request: Request, models: AsyncIterator[Model], offers: tuple[Offer, ...]) -> Response:
    wanted: tuple[Entry, ...] = negotiation.wanted(request.headers, request.query_params)
    offer = negotiation.chosen(wanted, offers)
    if offer.kind != XML:
        return await parts.streaming(parts.array(models), offer.kind)
    texts = (nativexml.written(model) async for model in models)
    if not offer.parts:
        return await parts.streaming(texts, XML)
    boundary = parts.boundary_of(request.url.path)
    return await parts.streaming(parts.documents(texts, XML, boundary), parts.related(XML, boundary))


async def _models(request: Request, study: str, found: list[Series]) -> AsyncIterator[Model]:
    """One after the other, so that the memory taken does not depend on how many there are."""
    gateway, caller = gateway_of(request), caller_of(request)
    for series in found:
        others = list(series.still) if series.moving else [""]
        for instance in series.moving:
            try:
                said = await gateway.objects.attributes(caller, instance)
            except NotFound:  # deleted meanwhile
                continue
            except _UNREADABLE:
                others.append(await gateway.access.sop_instance(caller, instance))
                continue
            if metadata.moves(said):
                yield _told(request, said)
            else:
                others.append(text(said, "SOPInstanceUID"))
        for other in others:
            async for model in _orthancs(request, paths.resource(study, series.uid, other, "metadata")):
                yield model


def _told(request: Request, said: Dataset) -> Model:
    return metadata.of(said, pixeldata.address(request, said))


async def _orthancs(request: Request, path: str) -> AsyncIterator[Model]:
    """What Orthanc's DICOMweb says there."""
    gateway, caller = gateway_of(request), caller_of(request)
    whole = f"{gateway.settings.dicom_web_root}{path}"
    headers = {"accept": JSON} | proxy.naming(request)
    async with gateway.access.streamed(caller, whole, headers) as answer:
        async for model in parts.elements(answer.aiter_bytes()):
            yield model
