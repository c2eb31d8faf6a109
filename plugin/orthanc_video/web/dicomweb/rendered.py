"""Retrieve Rendered (PS3.18 8.7.4, 10.4): whether a request gets a video or pictures of it."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from orthanc_video.archive.callers import Caller
from orthanc_video.archive.objects import belongs
from orthanc_video.web.context import CallerNow, Gateway, GatewayParts
from orthanc_video.web.dicomweb import negotiation, parameters, pictures, together, videos

router = APIRouter()


@router.get("/studies/{study}/series/{series}/instances/{instance}/rendered")
@router.head("/studies/{study}/series/{series}/instances/{instance}/rendered", operation_id="head_rendered")
async def rendered(  # the path's study and series have to be the instance's own
    study: str, series: str, instance: str, request: Request, gateway: GatewayParts, caller: CallerNow
) -> Response:
    """Retrieve Rendered of an instance (PS3.18 8.7.4): a video's stream or its rendition, with ranges; pictures."""
    try:
        stored = await gateway.objects.readable(caller, instance)
    except pictures.ORTHANCS:
        return await pictures.still(request, study, series, instance)
    belongs(stored.parents, study, series)
    accepted = negotiation.wanted(request.headers, request.query_params)
    negotiation.refuse_mixture(accepted)
    asked = parameters.rendering(request.query_params)
    offer = negotiation.chosen(accepted, [*videos.offers(stored, asked), *pictures.SINGLE, *pictures.PARTS])
    if offer in pictures.OFFERS:
        return await pictures.of_instance(request, stored, accepted)
    return await videos.respond(request, gateway, stored, offer.kind, asked)


@router.get("/studies/{study}/rendered")
async def rendered_study(study: str, request: Request, gateway: GatewayParts, caller: CallerNow) -> Response:
    """Retrieve Rendered of a study: its videos, or pictures of all that it holds, as parts of multipart/related."""
    return await _of_all(request, gateway, caller, study)


@router.get("/studies/{study}/series/{series}/rendered")
async def rendered_series(
    study: str, series: str, request: Request, gateway: GatewayParts, caller: CallerNow
) -> Response:
    """Retrieve Rendered of a series: its videos, or pictures of all that it holds, as parts of multipart/related."""
    return await _of_all(request, gateway, caller, study, series)


async def _of_all(request: Request, gateway: Gateway, caller: Caller, study: str, series: str = "") -> Response:
    """Who takes either gets the videos where there are any."""
    accepted = negotiation.wanted(request.headers, request.query_params)
    negotiation.refuse_mixture(accepted)
    offer = negotiation.chosen(accepted, [*together.PARTS, *pictures.PARTS])
    if offer in together.PARTS:
        answer = await together.respond(request, gateway, caller, accepted, study, series)
        if answer is not None:
            return answer
    return await pictures.of_all(request, gateway, caller, study, series)
