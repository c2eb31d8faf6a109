"""Where and when every frame is: of what ``stream`` sends, and of a series whose instances are single pictures."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from orthanc_video.archive.members import frames_of
from orthanc_video.archive.objects import Stored, StoredFilm, StoredVideo, held
from orthanc_video.bitstream import mp4
from orthanc_video.dicom import cadence, syntaxes, values
from orthanc_video.dicom.locate import Stream
from orthanc_video.dicom.playable import is_shown_as_coded
from orthanc_video.errors import BrokenVideo, NotAcceptable
from orthanc_video.files import Bytes, SpanSource
from orthanc_video.web import playing
from orthanc_video.web.context import CallerNow, Gateway, GatewayParts
from orthanc_video.web.dicomweb import parameters, videos

router = APIRouter(prefix="/video", tags=["videos"])

_ACCEPT = Query(description="As of the stream, of which it is the index.")
_LIKE_STREAM = Query(description="As of /rendered.")
# Ticks a second of what no container counts.
_TIMESCALE = 1_000_000


@router.get("/instances/{named}/index")
async def index(
    named: str,
    request: Request,
    gateway: GatewayParts,
    caller: CallerNow,
    accept: Annotated[str, _ACCEPT] = "",  # noqa: ARG001
    viewport: Annotated[str, _LIKE_STREAM] = "",  # noqa: ARG001
    quality: Annotated[str, _LIKE_STREAM] = "",  # noqa: ARG001
) -> Response:
    """Every frame of what ``stream`` sends to the same question, in decode order: time (in 1/Timescale s), offset
    and size, key flag."""
    stored = await playing.wanted(request, gateway, caller, named)
    if isinstance(stored, StoredFilm) and playing.wanted_as_stored(request, stored):
        return JSONResponse(await asyncio.to_thread(_of_pictures, stored))
    return JSONResponse(await asyncio.to_thread(_of_video, await _sent(request, gateway, stored)))


async def _sent(request: Request, gateway: Gateway, stored: Stored) -> StoredVideo:
    if isinstance(stored, StoredVideo) and playing.wanted_as_stored(request, stored):
        return stored
    asked = parameters.rendering(request.query_params)
    return await playing.shown(request, gateway, stored, videos.rendering_of(gateway, stored, playing.MP4, asked))


def _of_video(stored: StoredVideo) -> dict[str, Any]:
    with held(stored.path), SpanSource(stored.path) as file:
        video = Stream(Bytes(file), stored.located.spans, stored.located.length)
        if video.read(4, 4) != b"ftyp":
            raise NotAcceptable("The stored stream lies in no MP4, so nothing in it tells where its frames are.")
        track = next((track for track in mp4.tracks(video) if track.handler == "vide"), None)
        if track is None:
            raise BrokenVideo("The stored stream's MP4 has no video track.")
        table = mp4.samples(video, track)
    return {
        "Timescale": table.timescale,
        "NumberOfFrames": len(table.time),
        "Codec": track.codec,
        "Rows": track.height,
        "Rotation": track.rotation or 0,
        "Description": base64.b64encode(track.extradata).decode(),
        "Time": table.time.tolist(),
        "Duration": table.duration.tolist(),
        "Offset": table.offset.tolist(),
        "Size": table.size.tolist(),
        "Key": table.key.tolist(),
    }


def _of_pictures(stored: StoredFilm) -> dict[str, Any]:
    film = stored.film
    sizes = [sum(span.length for span in frame) for frame in film.frames]
    with held(stored.path), SpanSource(stored.path, film.frames[0]) as first:
        shown = is_shown_as_coded(film, first.read_at(0, sizes[0]))
    return {
        **_timed([film.cadence.start(number) for number in range(len(sizes) + 1)]),
        "Codec": syntaxes.IMAGES[film.transfer_syntax].codec,
        "ShownAsCoded": shown,
        "Values": values.is_there(film.pixels),
        "Offset": list(accumulate(sizes[:-1], initial=0)),
        "Size": sizes,
    }


def _timed(starts: Sequence[Fraction]) -> dict[str, Any]:
    """``starts``: when each frame begins, and when the last is over."""
    ticks = [round(start * _TIMESCALE) for start in starts]
    return {
        "Timescale": _TIMESCALE,
        "NumberOfFrames": len(ticks) - 1,
        "Time": ticks[:-1],
        "Duration": [later - earlier for earlier, later in pairwise(ticks)],
    }


@router.get("/series/{named}/index")
async def series_index(named: str, gateway: GatewayParts, caller: CallerNow) -> Response:
    """The frames of all instances of a series, in the order of their places in the body where these are told, else by
    their numbers: each instance's Orthanc ID, and the number of its frame."""
    frames = await frames_of(gateway.access, caller, await gateway.access.series(caller, named))
    starts = [Fraction(number, cadence.DEFAULT_RATE) for number in range(len(frames) + 1)]
    return JSONResponse(
        _timed(starts) | {"Instance": [one for one, _ in frames], "Frame": [number for _, number in frames]}
    )
