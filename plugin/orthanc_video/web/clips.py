"""Clips: POST /video/instances/{id}/clips cuts them, as films to be downloaded or as objects of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from orthanc_video.archive.objects import Stored
from orthanc_video.clip import Range, Wanted
from orthanc_video.derivation import Derivation, Making
from orthanc_video.errors import BadRequest, Busy, NotFound, Preparing
from orthanc_video.jobs import derivations
from orthanc_video.plain import to_json
from orthanc_video.web import accepting, deriving, playing, streaming
from orthanc_video.web.bodies import flag, one_of, small_object
from orthanc_video.web.context import CallerNow, Gateway, GatewayParts, caller_of
from orthanc_video.web.draining import DrainingRoute
from orthanc_video.web.moments import range_of

router = APIRouter(prefix="/video/instances", tags=["clips"], route_class=DrainingRoute)

_EXAMPLE = '{"start": {"frame": 46}, "end": "00:00:12.5", "as": "both"}'
_KEYS = frozenset({"start", "end", "ranges", "joined", "as", "precision"})
_MOST_RANGES = 100
_MOST = f"it may have {_MOST_RANGES} ranges"
_MP4, _OBJECT, _BOTH = "mp4", "dicom", "both"
_FRAME, _KEY_FRAME = "frame", "keyframe"
_GONE = "There is no such clip, or no longer: ask for it to be cut again."


@router.post("/{named}/clips")
async def clips(named: str, request: Request, gateway: GatewayParts, caller: CallerNow) -> Response:
    """Cuts one or several ranges out of a video, exact to the frame: as an MP4, as an object in its study, or both.

    With Accept: video/mp4 the answer is the clip itself, and nothing is stored unless that is asked for.
    """
    who = caller.unvouched
    stored = await gateway.objects.readable(who, named)
    as_film = _wants_film(request)
    wanted = wanted_of(await small_object(request, _EXAMPLE, _MOST), as_film=as_film)
    if wanted.object:
        await gateway.access.may_upload(who)
    task = deriving.order(Making.CLIP, [stored], to_json(wanted))
    outcome = await deriving.outcome(gateway, task)
    if as_film:
        return await _itself(request, gateway, task, outcome)
    return deriving.answer(task, outcome)


@router.get("/{named}/clips/{clip}")
@router.head("/{named}/clips/{clip}", operation_id="head_clip")
async def clip(named: str, clip: str, request: Request, gateway: GatewayParts, caller: CallerNow) -> Response:
    """A film that was made, for who may read all that it was made of; with ranges (RFC 9110 14)."""
    stored = await gateway.objects.readable(caller, named)
    found = await asyncio.to_thread(derivations.film, gateway.settings, stored.uuid, clip)
    if found is None:
        raise NotFound(_GONE)
    for origin in found.origins[1:]:  # that Orthanc let this path pass says nothing of them
        other = await gateway.objects.readable(caller.unvouched, origin.instance)
        if other.uuid != origin.uuid:
            raise NotFound(_GONE)
    return await streaming.respond(request, found.video)


def _wants_film(request: Request) -> bool:
    """Whether the answer is to be the clip, rather than what is told of it."""
    return accepting.named(playing.accepted(request), (playing.MP4, "application/json")) == playing.MP4


async def _itself(request: Request, gateway: Gateway, task: Derivation, outcome: deriving.Outcome) -> Response:
    """The clip as the answer. Raises Preparing while it is being made."""
    if not outcome:
        raise Preparing("The clip is being cut.", task.id)
    (item,), (origin,) = outcome["Items"], task.origins
    address = derivations.address(task, item, 1)
    found: Stored | None
    if item["Film"]:
        name = address.rpartition("/")[2]
        film = await asyncio.to_thread(derivations.film, gateway.settings, origin.uuid, name)
        found = film.video if film else None
    else:
        found = await gateway.objects.readable(caller_of(request).unvouched, item["Answer"]["ID"])
    if found is None:  # so many are cut just now that the cache has no room for all of them
        raise Busy("The clip was just cut, and had to make room for another. Try again.")
    answer = await playing.send(request, gateway, found, playing.MP4)
    answer.headers["Content-Location"] = address
    return answer


def wanted_of(given: Mapping[str, Any], *, as_film: bool = False) -> Wanted:
    """What a request asks for; ``as_film``: its answer is to be the clip itself. Raises BadRequest."""
    unknown = sorted(set(given) - _KEYS)
    if unknown:
        raise BadRequest(f'A clip knows no "{unknown[0][:40]}": the request is like {_EXAMPLE}.')
    ranges, joined = _ranges(given), flag(given, "joined", otherwise=True)
    if as_film and not joined and len(ranges) > 1:
        raise BadRequest('Several clips are no one film: ask for "joined": true, or accept application/json.')
    kind = one_of(given, "as", (_MP4, _OBJECT, _BOTH), _MP4 if as_film else _BOTH)
    return Wanted(
        clips=(ranges,) if joined else tuple((one,) for one in ranges),
        precise=one_of(given, "precision", (_FRAME, _KEY_FRAME), _FRAME) == _FRAME,
        film=as_film or kind != _OBJECT,
        object=kind != _MP4,
    )


def _ranges(given: Mapping[str, Any]) -> tuple[Range, ...]:
    if "ranges" not in given:
        return (range_of({key: given[key] for key in ("start", "end") if key in given}, "The range"),)
    if "start" in given or "end" in given:
        raise BadRequest('Say either "start" and "end", or "ranges".')
    several = given["ranges"]
    if not isinstance(several, list) or not 0 < len(several) <= _MOST_RANGES:
        raise BadRequest(f'"ranges" must be a list of 1 to {_MOST_RANGES} objects with "start" and "end".')
    return tuple(range_of(one, f"Range {number}") for number, one in enumerate(several, 1))
