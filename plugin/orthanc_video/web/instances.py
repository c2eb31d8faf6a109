"""What videos there are, and one video's facts, stream and poster."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from orthanc_video import metrics
from orthanc_video.archive import catalogue
from orthanc_video.archive.objects import Stored, StoredFilm, held
from orthanc_video.errors import BadRequest
from orthanc_video.jobs import thumbnails
from orthanc_video.jobs.processes import run_short
from orthanc_video.web import playing, streaming
from orthanc_video.web.context import CallerNow, Gateway, GatewayParts
from orthanc_video.web.dicomweb import parameters, videos

router = APIRouter(prefix="/video/instances", tags=["videos"])

_LIKE_RENDERED = Query(description="As of /rendered.")
_THUMBNAIL_WIDTHS = range(32, 1921)


@router.get("")
async def list_videos(
    gateway: GatewayParts,
    caller: CallerNow,
    since: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Response:
    """The videos and films that this caller may see, newest first."""
    films = await asyncio.to_thread(gateway.engine.films)
    found, total = await catalogue.videos(gateway.access, gateway.objects, caller, films, since, limit)
    return JSONResponse({"Instances": found, "Total": total, "Since": since})


@router.get("/{named}")
async def one_video(named: str, gateway: GatewayParts, caller: CallerNow) -> Response:
    """What it is: codec, size, rate, frames, duration, transfer syntax, plan with reasons, findings, rendition."""
    instance = await gateway.access.instance(caller, named)
    found = await catalogue.facts(gateway.access, gateway.objects, caller, instance)
    stored = await gateway.objects.moving(caller, instance)
    found["Findings"] = await asyncio.to_thread(gateway.engine.findings, stored.uuid)
    found["Rendition"] = None if stored.playable else await asyncio.to_thread(gateway.engine.rendition, stored)
    return JSONResponse(found)


@router.get("/{named}/stream")
@router.head("/{named}/stream", operation_id="head_stream")
async def stream(
    named: str,
    request: Request,
    gateway: GatewayParts,
    caller: CallerNow,
    accept: Annotated[str, Query(description="As the header, before which it comes.")] = "",  # noqa: ARG001
    viewport: Annotated[str, _LIKE_RENDERED] = "",  # noqa: ARG001
    quality: Annotated[str, _LIKE_RENDERED] = "",  # noqa: ARG001
) -> Response:
    """The stored stream itself, or its rendition where browsers cannot play it or a smaller one is wanted, with ranges
    (RFC 9110 14)."""
    stored = await playing.wanted(request, gateway, caller, named)
    if playing.wanted_as_stored(request, stored):
        return await playing.as_stored(request, stored)
    asked = parameters.rendering(request.query_params)
    rendering = videos.rendering_of(gateway, stored, playing.MP4, asked)
    return await playing.send(request, gateway, stored, playing.MP4, rendering)


@router.get("/{named}/thumbnail")
async def thumbnail(
    named: str, request: Request, gateway: GatewayParts, caller: CallerNow, width: int = thumbnails.WIDTH
) -> Response:
    """A representative frame as JPEG: neither black nor blank where the film has one."""
    if width not in _THUMBNAIL_WIDTHS:
        raise BadRequest(f"width must be from {_THUMBNAIL_WIDTHS.start} to {_THUMBNAIL_WIDTHS.stop - 1} pixels.")
    stored = await gateway.objects.readable(caller, named)
    path = thumbnails.path_of(gateway.settings, stored.uuid, width)
    hit = path.exists()
    metrics.looked_up("thumbnails", hit=hit)
    if not hit:
        await asyncio.to_thread(_make_thumbnail, gateway, stored, path, width)
    return streaming.picture(request, await asyncio.to_thread(path.read_bytes), "image/jpeg")


def _make_thumbnail(gateway: Gateway, stored: Stored, path: Path, width: int) -> None:
    task = thumbnails.task(stored.path, stored.film if isinstance(stored, StoredFilm) else stored.located, width)
    with held(stored.path):
        thumbnails.make(
            gateway.settings,
            path,
            lambda target: run_short("thumbnail", task | {"target": str(target)}, gateway.settings),
        )
