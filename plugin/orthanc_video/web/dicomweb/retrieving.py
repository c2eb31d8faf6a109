"""Retrieve Instance, Series and Study as application/dicom (PS3.18 10.4.1.1.1): videos as they are stored.

Orthanc would transcode what it sends without a transfer syntax in Accept, which it cannot with videos: the standard
waives the default for them (8.7.3.4).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

from fastapi import APIRouter
from pydicom.uid import UID
from starlette.requests import Request
from starlette.responses import Response

from orthanc_video.archive.contents import Series, contents
from orthanc_video.archive.objects import StoredFilm, StoredVideo, belongs, held
from orthanc_video.dicom import syntaxes
from orthanc_video.dicom.locate import exact
from orthanc_video.dicom.stored import header
from orthanc_video.dicom.write import envelope
from orthanc_video.errors import BrokenVideo, NotAcceptable, NotVideo
from orthanc_video.files import Bytes, SpanSource
from orthanc_video.ingest import multipart
from orthanc_video.ingest.multipart import PartBegins, PartData
from orthanc_video.model import Span
from orthanc_video.web import accepting, proxy, streaming
from orthanc_video.web.accepting import Entry, Offer
from orthanc_video.web.context import CallerNow, GatewayParts, caller_of, gateway_of
from orthanc_video.web.dicomweb import negotiation, parts, passing, paths
from orthanc_video.web.streaming import Representation

router = APIRouter()

DICOM = "application/dicom"
_ORTHANCS = (NotVideo, BrokenVideo)
_CANNOT = "Orthanc cannot send this as any of the media types and transfer syntaxes that are accepted."


@router.get("/studies/{study}")
async def study(study: str, request: Request, gateway: GatewayParts, caller: CallerNow) -> Response:
    """All instances of a study, each as it is stored or, if it is no video, as Orthanc sends it."""
    return await _several(request, study, await contents(gateway.access, caller, study))


@router.get("/studies/{study}/series/{series}")
async def series(study: str, series: str, request: Request, gateway: GatewayParts, caller: CallerNow) -> Response:
    """All instances of a series, each as it is stored or, if it is no video, as Orthanc sends it."""
    return await _several(request, study, await contents(gateway.access, caller, study, series))


@router.get("/studies/{study}/series/{series}/instances/{instance}")
@router.head("/studies/{study}/series/{series}/instances/{instance}", operation_id="head_instance")
async def instance(
    study: str, series: str, instance: str, request: Request, gateway: GatewayParts, caller: CallerNow
) -> Response:
    """A video as a DICOM file, as it is stored, alone or as the one part of multipart/related, with ranges."""
    try:
        stored = await gateway.objects.readable(caller, instance)
    except _ORTHANCS:
        return await passing.forward(request, _CANNOT)
    if isinstance(stored, StoredFilm):
        return await passing.forward(request, _CANNOT)
    belongs(stored.parents, study, series)
    wanted = negotiation.wanted(request.headers, request.query_params)
    offer = negotiation.chosen(wanted, offers(stored))
    whole = file(stored, offer.syntax)
    return await streaming.send(request, _together(whole) if offer.parts else whole)


def offers(stored: StoredVideo) -> list[Offer]:
    """As it is stored; of what lies in several fragments also with these joined."""
    uid = stored.located.transfer_syntax
    known = (uid, syntaxes.joined(uid)) if stored.located.length <= syntaxes.LARGEST_FRAGMENT else (uid,)
    return [Offer(DICOM, together, syntax) for syntax in dict.fromkeys(known) for together in (True, False)]


def file(stored: StoredVideo, syntax: str) -> Representation:
    """The DICOM file in one of the transfer syntaxes that are offered."""
    pieces: tuple[Span | bytes, ...]
    with held(stored.path), SpanSource(stored.path) as source:
        if syntax == stored.located.transfer_syntax:
            pieces = (Span(0, source.size),)
        else:
            said = header(Bytes(source)).said
            said.file_meta.TransferSyntaxUID = UID(syntax)
            around = envelope(said, stored.located.length)
            pieces = (around.before, *exact(stored.located), around.after)
    return Representation(
        path=stored.path,
        pieces=pieces,
        tag=f"{stored.uuid}-{syntax}",
        kind=f"{DICOM}; transfer-syntax={syntax}",
        name=f"{stored.instance}.dcm",
    )


def _together(whole: Representation) -> Representation:
    """The same as the only part of multipart/related."""
    boundary = parts.boundary_of(whole.tag)
    pieces = (parts.head(boundary, whole.kind, whole.length), *whole.pieces, parts.end(boundary))
    return replace(whole, pieces=pieces, tag=f"{whole.tag}-parts", kind=parts.related(DICOM, boundary))


async def _several(request: Request, study: str, found: list[Series]) -> Response:
    """multipart/related of what there is in the transfer syntax that is wanted."""
    if not any(one.moving for one in found):  # of nothing that is held, Orthanc says why
        return await passing.forward(request, _CANNOT if found else "")
    wanted = negotiation.wanted(request.headers, request.query_params)
    negotiation.chosen(wanted, [Offer(DICOM, parts=True)])
    boundary = parts.boundary_of(request.url.path)
    blocks = _all(request, study, found, wanted, boundary)
    return await parts.streaming(blocks, parts.related(DICOM, boundary))


async def _all(
    request: Request, study: str, found: list[Series], wanted: tuple[Entry, ...], boundary: str
) -> AsyncIterator[bytes | memoryview]:
    """One instance after the other, each block by block; raises NotAcceptable where none is as wanted."""
    any_sent = False
    for one in found:
        async for block in _of_series(request, study, one, wanted, boundary):
            yield block
            any_sent = True
    if not any_sent:
        raise NotAcceptable("Nothing of this is stored in the transfer syntax that is asked for, or can be sent in it.")
    yield parts.end(boundary)


async def _of_series(
    request: Request, study: str, one: Series, wanted: tuple[Entry, ...], boundary: str
) -> AsyncIterator[bytes | memoryview]:
    gateway, caller = gateway_of(request), caller_of(request)
    others = list(one.still) if one.moving else [""]
    for named in one.moving:
        stored = await _video(request, named)
        if stored is None:
            others.append(await gateway.access.sop_instance(caller, named))
            continue
        offer = accepting.chosen(wanted, [offer for offer in offers(stored) if offer.parts])
        if offer is None:
            continue
        whole = file(stored, offer.syntax)
        yield parts.head(boundary, whole.kind, whole.length)
        async for block in streaming.blocks(whole):
            yield block
    syntax = _asked_of_orthanc(wanted)
    if syntax not in syntaxes.BY_UID:  # pictures are never sent as video
        for other in others:
            async for piece in _orthancs(request, paths.resource(study, one.uid, other), syntax, boundary):
                yield piece


async def _video(request: Request, named: str) -> StoredVideo | None:
    """None where it is for Orthanc to send."""
    try:
        stored = await gateway_of(request).objects.readable(caller_of(request), named)
    except _ORTHANCS:
        return None
    return stored if isinstance(stored, StoredVideo) else None


def _asked_of_orthanc(wanted: tuple[Entry, ...]) -> str:
    """The transfer syntax of the entry that wants DICOM files most; empty where it names none."""
    entries = [entry for entry in wanted if entry.weight > 0 and entry.covers(Offer(DICOM, parts=True))]
    return max(entries, key=lambda entry: entry.weight).syntax


async def _orthancs(request: Request, path: str, syntax: str, boundary: str) -> AsyncIterator[bytes]:
    """The parts of Orthanc's answer, within this one."""
    gateway, caller = gateway_of(request), caller_of(request)
    named = f"; transfer-syntax={syntax}" if syntax else ""
    headers = {"accept": f'multipart/related; type="{DICOM}"{named}'} | proxy.naming(request)
    async with gateway.access.streamed(caller, f"{gateway.settings.dicom_web_root}{path}", headers) as answer:
        async for event in multipart.events(answer.headers.get("content-type", ""), answer.aiter_bytes(1 << 18)):
            if isinstance(event, PartBegins):
                yield parts.head(boundary, event.headers.get("content-type", DICOM))
            elif isinstance(event, PartData):
                yield event.data
