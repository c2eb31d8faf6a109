"""QIDO-RS (PS3.18 10.6): Orthanc's, with Available Transfer Syntax UID (0008,3002) where instances are asked for it.

What is asked is judged here: Orthanc's DICOMweb 1.7 fails at numbers below zero, none of its versions knows XML by the
name that the standard gives it, and all send JSON to who accepts none.
"""

from __future__ import annotations

import asyncio
import re
import xml.etree.ElementTree as ET
from collections.abc import AsyncIterator
from contextlib import suppress
from http import HTTPStatus
from typing import Any, TypeVar, cast

from fastapi import APIRouter
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from orthanc_video.archive.contents import transfer_syntax
from orthanc_video.archive.identifiers import IDENTITY, identity_of, orthanc_ids
from orthanc_video.dicom import nativexml
from orthanc_video.dicom.metadata import AVAILABLE_TRANSFER_SYNTAX, available, syntax_of
from orthanc_video.errors import BadRequest, BrokenVideo, Forbidden, NotFound, NotVideo
from orthanc_video.ingest import multipart
from orthanc_video.ingest.multipart import PartData, PartEnds
from orthanc_video.web.accepting import Offer
from orthanc_video.web.context import caller_of, gateway_of
from orthanc_video.web.dicomweb import negotiation, parts, passing
from orthanc_video.web.dicomweb.metadata import JSON, XML

router = APIRouter()

_NAMES = frozenset({AVAILABLE_TRANSFER_SYNTAX, "availabletransfersyntaxuid", "all"})
# Alone, XML is none of the standard's; Orthanc sends it in parts then, too.
_OFFERS = (Offer(JSON), Offer(XML, parts=True), Offer("application/json"), Offer(XML))
_COUNT = re.compile(r"\d{1,9}", re.ASCII)
# The standard's own words (8.3.4.2).
_NOT_FUZZY = (
    '299 orthanc-video "The fuzzymatching parameter is not supported. Only literal matching has been performed."'
)
# Instances that Orthanc is asked about together.
_AT_ONCE = 8
T = TypeVar("T")


@router.get("/studies")
async def studies(request: Request) -> Response:
    """Search for studies: Orthanc's answer."""
    return await _orthancs(request)


@router.get("/series")
async def series(request: Request) -> Response:
    """Search for series: Orthanc's answer."""
    return await _orthancs(request)


@router.get("/studies/{study}/series")
async def series_of_study(study: str, request: Request) -> Response:  # noqa: ARG001
    """Search for a study's series: Orthanc's answer."""
    return await _orthancs(request)


@router.get("/instances")
async def instances(request: Request) -> Response:
    """Search for instances: Orthanc's answer, with (0008,3002) where includefield names it."""
    return await _search(request)


@router.get("/studies/{study}/instances")
async def of_study(study: str, request: Request) -> Response:  # noqa: ARG001
    """Search for a study's instances: Orthanc's answer, with (0008,3002) where includefield names it."""
    return await _search(request)


@router.get("/studies/{study}/series/{series}/instances")
async def of_series(study: str, series: str, request: Request) -> Response:  # noqa: ARG001
    """Search for a series' instances: Orthanc's answer, with (0008,3002) where includefield names it."""
    return await _search(request)


async def _search(request: Request) -> Response:
    asked = {
        name.strip().lower() for value in request.query_params.getlist("includefield") for name in value.split(",")
    }
    if not asked & _NAMES:
        return await _orthancs(request)
    answer = await _orthancs(request, plain=True)
    content_type = answer.headers.get("content-type", "")
    if answer.status_code != HTTPStatus.OK:
        return answer
    blocks = cast(AsyncIterator[bytes], answer.body_iterator)
    if "xml" in content_type:
        boundary = parts.boundary_of(str(request.url))
        answer.body_iterator = parts.documents(_documents(request, content_type, blocks), XML, boundary)
        answer.headers["content-type"] = parts.related(XML, boundary)
    else:
        answer.body_iterator = parts.array(_models(request, blocks))
    if "content-length" in answer.headers:
        del answer.headers["content-length"]
    return answer


async def _orthancs(request: Request, *, plain: bool = False) -> StreamingResponse:
    """What Orthanc finds, as what is accepted; raises NotAcceptable, and BadRequest for what makes no sense (8.3.4)."""
    _refuse_nonsense(request.query_params)
    offer = negotiation.chosen(negotiation.wanted(request.headers, request.query_params), _OFFERS)
    answer = await passing.forward(request, plain=plain, accept=XML if offer.kind == XML else JSON)
    if answer.status_code == HTTPStatus.OK:
        if offer.kind != XML:
            answer.headers["content-type"] = offer.kind
        if "true" in request.query_params.getlist("fuzzymatching"):
            answer.headers["warning"] = _NOT_FUZZY
    return answer


def _refuse_nonsense(query: QueryParams) -> None:
    for name in ("limit", "offset"):
        if not all(map(_COUNT.fullmatch, query.getlist(name))):
            raise BadRequest(f"{name} must be a whole number, 0 or more, of at most nine digits.")
    if not {"true", "false"}.issuperset(query.getlist("fuzzymatching")):
        raise BadRequest("fuzzymatching must be true or false.")


async def _models(request: Request, blocks: AsyncIterator[bytes]) -> AsyncIterator[dict[str, Any]]:
    async for some in _by(_AT_ONCE, parts.elements(blocks)):
        found = await asyncio.gather(*(_syntax(request, identity_of(model)) for model in some))
        for model, syntax in zip(some, found, strict=True):
            added = {AVAILABLE_TRANSFER_SYNTAX: available(syntax)} if syntax else {}
            yield dict(sorted((model | added).items()))


async def _documents(request: Request, content_type: str, blocks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    async for some in _by(_AT_ONCE, _texts(content_type, blocks)):
        roots = [ET.fromstring(text) for text in some]  # noqa: S314  Orthanc's own, with no entities
        identities = [{name: _said(root, tag) for name, tag in IDENTITY.items()} for root in roots]
        found = await asyncio.gather(*(_syntax(request, identity) for identity in identities))
        for root, syntax in zip(roots, found, strict=True):
            if syntax:
                root.append(nativexml.attribute(AVAILABLE_TRANSFER_SYNTAX, available(syntax), {}))
                root[:] = sorted(root, key=lambda one: one.get("tag", ""))
            yield nativexml.text(root)


async def _texts(content_type: str, blocks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The parts of Orthanc's answer."""
    text = bytearray()
    async for event in multipart.events(content_type, blocks):
        if isinstance(event, PartData):
            text += event.data
        elif isinstance(event, PartEnds):
            yield bytes(text)
            text.clear()


def _said(root: ET.Element, tag: str) -> str:
    found = root.find(f"{{{nativexml.NAMESPACE}}}DicomAttribute[@tag='{tag}']/{{{nativexml.NAMESPACE}}}Value")
    return (found.text or "") if found is not None else ""


async def _by(many: int, each: AsyncIterator[T]) -> AsyncIterator[list[T]]:
    """So many at a time."""
    some: list[T] = []
    async for one in each:
        some.append(one)
        if len(some) == many:
            yield some
            some = []
    if some:
        yield some


async def _syntax(request: Request, identity: dict[str, str]) -> str:
    """The transfer syntax in which an instance is stored; empty where it is gone, no file, or not for this caller.

    The answer has begun by then: what one may not know of one instance must not take the others away.
    """
    gateway, caller = gateway_of(request), caller_of(request)
    for named in (orthanc_ids(identity)["ID"], identity["SOPInstanceUID"]):
        with suppress(NotFound, NotVideo, BrokenVideo, Forbidden):
            instance = await gateway.access.instance(caller, named)
            with suppress(NotFound):
                return await transfer_syntax(gateway.access, caller, instance)
            # Orthanc does not record those that it does not know, such as the fragmentable ones.
            return syntax_of(await gateway.objects.attributes(caller, instance))
    return ""
