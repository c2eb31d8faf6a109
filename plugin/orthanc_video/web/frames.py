"""Exact frames of one video as pictures: single ones, a sheet of many, and a preview that moves."""

from __future__ import annotations

import asyncio
import re
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from orthanc_video.archive.objects import Stored
from orthanc_video.clip import read
from orthanc_video.errors import BadRequest, NotAcceptable, NotFound
from orthanc_video.jobs import pictures
from orthanc_video.picture import GIF, JPEG, PNG, SAMPLES, Drawing, Rendering, Viewport
from orthanc_video.web import accepting, playing
from orthanc_video.web.accepting import Offer
from orthanc_video.web.context import CallerNow, GatewayParts
from orthanc_video.web.dicomweb import parameters, sending

router = APIRouter(prefix="/video/instances", tags=["videos"])

_NUMBER = re.compile(r"[1-9][0-9]*", re.ASCII)
# No film has a frame of more digits, and arithmetic with thousands of them takes its time.
_DIGITS = 9
_FRAME = tuple(map(Offer, (JPEG, PNG, SAMPLES)))
_ACCEPT = Query(description="As the header, before which it comes.")
_LIKE_RENDERED = Query(description="As of DICOMweb's rendered frames.")
_COLUMNS = _ROWS = range(1, 11)
_SHEET_WIDTHS, _PREVIEW_WIDTHS = range(64, 4097), range(32, 641)
_PREVIEW_FRAMES = range(2, 51)


@router.get("/{named}/frames/{number}")
@router.head("/{named}/frames/{number}", operation_id="head_frame")
async def frame(
    named: str,
    number: str,
    request: Request,
    gateway: GatewayParts,
    caller: CallerNow,
    accept: Annotated[str, _ACCEPT] = "",  # noqa: ARG001
    viewport: Annotated[str, _LIKE_RENDERED] = "",  # noqa: ARG001
    quality: Annotated[str, _LIKE_RENDERED] = "",  # noqa: ARG001
    window: Annotated[str, _LIKE_RENDERED] = "",  # noqa: ARG001
) -> Response:
    """Frame ``number`` (from 1) of a video, film or image, exactly: JPEG, PNG, or its samples without compression."""
    stored = await gateway.objects.image(caller, named)
    if not _NUMBER.fullmatch(number):
        raise BadRequest("A frame's number must be a whole number, from 1 on.")
    if len(number) > _DIGITS:
        raise NotFound("There is no frame of that number: nothing has so many.")
    return await _frame(request, stored, int(number), _kind(request))


@router.get("/{named}/frames")
@router.head("/{named}/frames", operation_id="head_frame_at")
async def frame_at(
    named: str,
    request: Request,
    gateway: GatewayParts,
    caller: CallerNow,
    time: Annotated[str, Query(description="Seconds after the first frame is shown, or HH:MM:SS.mmm.")] = "",
    accept: Annotated[str, _ACCEPT] = "",  # noqa: ARG001
) -> Response:
    """The frame that is on the screen at that time, as ``frames/{number}`` gives it; Content-Location names it."""
    stored = await gateway.objects.readable(caller, named)
    if not time:
        raise BadRequest("Say which frame: frames/46 (from 1), or frames?time=1.5 (seconds) or ?time=00:00:01.500.")
    wanted = read(time)
    if wanted is None or wanted.frame:
        raise BadRequest(
            "time is no moment of a video: say seconds or HH:MM:SS.mmm; a frame's number goes into the path."
        )
    kind = _kind(request)
    number = await asyncio.to_thread(pictures.number_at, gateway.settings, stored, wanted)
    answer = await _frame(request, stored, number, kind)
    answer.headers["Content-Location"] = f"{request.url.path}/{number}"
    return answer


@router.get("/{named}/sheet")
@router.head("/{named}/sheet", operation_id="head_sheet")
async def sheet(
    named: str,
    request: Request,
    gateway: GatewayParts,
    caller: CallerNow,
    columns: int = 4,
    rows: int = 4,
    width: int = 1280,
) -> Response:
    """Evenly spaced frames in one JPEG, ``width`` pixels wide: at most ``rows`` rows of ``columns`` pictures."""
    stored = await gateway.objects.readable(caller, named)
    _refuse_beyond("columns", columns, _COLUMNS)
    _refuse_beyond("rows", rows, _ROWS)
    _refuse_beyond("width", width, _SHEET_WIDTHS)
    rendering = _small(width // columns)
    drawing = Drawing(kind=JPEG, spread=columns * rows, columns=columns, rendering=rendering)
    return await sending.respond(request, stored, drawing)


@router.get("/{named}/preview")
@router.head("/{named}/preview", operation_id="head_preview")
async def preview(
    named: str, request: Request, gateway: GatewayParts, caller: CallerNow, frames: int = 12, width: int = 320
) -> Response:
    """Evenly spaced frames one after the other, as a GIF that moves, ``width`` pixels wide."""
    stored = await gateway.objects.readable(caller, named)
    _refuse_beyond("frames", frames, _PREVIEW_FRAMES)
    _refuse_beyond("width", width, _PREVIEW_WIDTHS)
    drawing = Drawing(kind=GIF, spread=frames, moving=True, rendering=_small(width))
    return await sending.respond(request, stored, drawing)


async def _frame(request: Request, stored: Stored, number: int, kind: str) -> Response:
    asked = parameters.rendering(request.query_params)
    return await sending.respond(request, stored, Drawing(kind=kind, frames=(number,), rendering=asked))


def _kind(request: Request) -> str:
    """The media type that is wanted most."""
    found = accepting.chosen(accepting.entries(playing.accepted(request)), _FRAME)
    if found is None:
        raise NotAcceptable(f"A frame can be had as {', '.join(one.kind for one in _FRAME)}.")
    return found.kind


def _small(width: int) -> Rendering:
    """So wide, whatever its shape, unless it is a very tall one."""
    return Rendering(viewport=Viewport(width=width, height=4 * width))


def _refuse_beyond(name: str, value: int, allowed: range) -> None:
    if value not in allowed:
        raise BadRequest(f"{name} must be from {allowed.start} to {allowed.stop - 1}.")
