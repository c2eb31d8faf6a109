"""Retrieve Thumbnail (PS3.18 10.4.1.1.6): one small picture of a study, series or instance that shows something."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby, islice

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from orthanc_video.archive.members import Member, members
from orthanc_video.archive.objects import Stored, belongs
from orthanc_video.errors import BadRequest, Forbidden, NotFound, VideoError
from orthanc_video.jobs.thumbnails import WIDTH
from orthanc_video.picture import JPEG, Drawing, Rendering, Viewport
from orthanc_video.web.accepting import Offer
from orthanc_video.web.context import CallerNow, GatewayParts
from orthanc_video.web.dicomweb import negotiation, sending
from orthanc_video.web.dicomweb.parameters import rendering
from orthanc_video.web.dicomweb.pictures import ORTHANCS

router = APIRouter()

_TRIES = 16


@router.get("/studies/{study}/thumbnail")
async def of_study(study: str, request: Request, gateway: GatewayParts, caller: CallerNow) -> Response:
    """Of the first series that has a picture."""
    return await _of_one(request, gateway, caller, await members(gateway.access, caller, study))


@router.get("/studies/{study}/series/{series}/thumbnail")
async def of_series(study: str, series: str, request: Request, gateway: GatewayParts, caller: CallerNow) -> Response:
    """Of the instance in its middle, or another that has a picture."""
    return await _of_one(request, gateway, caller, await members(gateway.access, caller, study, series))


@router.get("/studies/{study}/series/{series}/instances/{instance}/thumbnail")
async def of_instance(
    study: str, series: str, instance: str, request: Request, gateway: GatewayParts, caller: CallerNow
) -> Response:
    """Of a video or film a frame that shows something; of an image itself."""
    try:
        stored = await gateway.objects.image(caller, instance)
    except ORTHANCS as error:
        raise NotFound("The instance has no picture, or one that cannot be shown small here.") from error
    belongs(stored.parents, study, series)
    return await _small(request, stored)


async def _of_one(request: Request, gateway: GatewayParts, caller: CallerNow, found: list[Member]) -> Response:
    why: VideoError = NotFound("None of these instances has a picture, or only one that cannot be shown small here.")
    for member in islice(_likely(found), _TRIES):
        try:
            stored = await gateway.objects.image(caller, member.instance)
            return await _small(request, stored)
        except Forbidden as error:
            why = error
        except ORTHANCS:
            continue
    raise why


def _likely(found: list[Member]) -> Iterator[Member]:
    """The one in the middle of each series, then the others."""
    middles = [list(each) for _, each in groupby(found, lambda member: member.series)]
    first = [each[len(each) // 2] for each in middles]
    yield from first
    yield from (member for member in found if member not in first)


async def _small(request: Request, stored: Stored) -> Response:
    """viewport is the only parameter, and names no region (8.3.5.1.3); others are none of a thumbnail's."""
    negotiation.chosen(negotiation.wanted(request.headers, request.query_params), [Offer(JPEG)])
    asked = {name: text for name, text in request.query_params.items() if name == "viewport"}
    if asked.get("viewport", ",").count(",") != 1:
        raise BadRequest("A thumbnail's viewport must be vw,vh: it is of the whole picture.")
    viewport = rendering(asked).viewport or Viewport(width=WIDTH, height=WIDTH)
    drawing = Drawing(kind=JPEG, representative=True, rendering=Rendering(viewport=viewport))
    return await sending.respond(request, stored, drawing)
