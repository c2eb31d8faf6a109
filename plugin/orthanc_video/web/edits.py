"""Edits: POST /video/instances/{id}/edits makes of a video another one, as a film or as an object of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from orthanc_video.derivation import Making
from orthanc_video.edit import DROP, KEEP, Edit, Wanted, region, sound
from orthanc_video.errors import BadRequest
from orthanc_video.plain import to_json
from orthanc_video.web import deriving
from orthanc_video.web.bodies import flag, one_of, small_object
from orthanc_video.web.context import CallerNow, GatewayParts
from orthanc_video.web.draining import DrainingRoute
from orthanc_video.web.moments import range_of

router = APIRouter(prefix="/video/instances", tags=["edits"], route_class=DrainingRoute)

T = TypeVar("T")
_EXAMPLE = '{"mask": {"regions": [{"x": 0, "y": 0, "width": 320, "height": 40}]}, "as": "dicom"}'
_KEYS = ("crop", "mask", "audio", "strip", "deidentify", "burnedInAnnotation", "join", "order", "as")
_REGION = ("x", "y", "width", "height")
_MOST = 100  # regions, ranges or videos in one request
_MP4, _OBJECT, _BOTH = "mp4", "dicom", "both"
_GIVEN, _RECORDED = "given", "recorded"


@router.post("/{named}/edits")
async def edits(named: str, request: Request, gateway: GatewayParts, caller: CallerNow) -> Response:
    """Crops, masks, joins, silences, strips or de-identifies a video: an object of its own, a film to be downloaded, or
    both."""
    who = caller.unvouched
    stored = [await gateway.objects.readable(who, named)]
    given = await small_object(request, _EXAMPLE, f"{_MOST} regions and ranges are the most")
    wanted, joined = wanted_of(given), joined_of(given)
    stored += [await gateway.objects.readable(who, one) for one in joined]
    if wanted.object:
        await gateway.access.may_upload(who)
    task = deriving.order(Making.EDIT, stored, to_json(wanted), long=wanted.edit.reframes)
    return deriving.answer(task, await deriving.outcome(gateway, task))


def wanted_of(given: Mapping[str, Any]) -> Wanted:
    """What a request asks for; raises BadRequest with a sentence."""
    _known(given, "An edit", _KEYS)
    mask = _known(given.get("mask", {}), '"mask"', ("regions", "ranges"))
    masks = _several(mask.get("regions", []), '"regions"', _region)
    if "mask" in given and not masks:
        raise BadRequest('"mask" has no "regions": say which parts of the picture become black.')
    if "ranges" in mask and not mask["ranges"]:
        raise BadRequest('"ranges" of "mask" names no frames: leave it out, and all frames are masked.')
    kind = one_of(given, "as", (_MP4, _OBJECT, _BOTH), _BOTH)
    deidentify = flag(given, "deidentify")
    edit = Edit(
        crop=_region(given["crop"], '"crop"') if "crop" in given else None,
        masks=masks,
        ranges=_several(mask.get("ranges", []), '"ranges"', range_of),
        audio=sound(one_of(given, "audio", (KEEP, DROP), ""), deidentify=deidentify),
        strip=flag(given, "strip"),
        deidentify=deidentify,
        burned_in=one_of(given, "burnedInAnnotation", ("YES", "NO"), ""),
    )
    in_time = one_of(given, "order", (_GIVEN, _RECORDED), _GIVEN) == _RECORDED
    return Wanted(edit=edit, in_time=in_time, film=kind != _OBJECT, object=kind != _MP4)


def joined_of(given: Mapping[str, Any]) -> tuple[str, ...]:
    """The Orthanc IDs of the videos that are joined to the one that is edited."""
    return _several(given.get("join", []), '"join"', _name)


def _name(asked: Any, name: str) -> str:
    if not isinstance(asked, str) or not asked or len(asked) > _MOST:
        raise BadRequest(f"{name} has to be the Orthanc ID of a video.")
    return asked


def _region(asked: Any, name: str) -> Any:
    return region(dict(_known(asked, name, _REGION)), name)


def _known(asked: Any, name: str, known: tuple[str, ...]) -> Mapping[str, Any]:
    if not isinstance(asked, Mapping):
        raise BadRequest(f"{name} has to be an object with {', '.join(known)}: the request is like {_EXAMPLE}.")
    unknown = sorted(str(key)[:40] for key in asked if key not in known)
    if unknown:
        raise BadRequest(f'{name} knows no "{unknown[0]}": the request is like {_EXAMPLE}.')
    return asked


def _several(asked: Any, name: str, each: Callable[[Any, str], T]) -> tuple[T, ...]:
    if not isinstance(asked, list) or len(asked) > _MOST:
        raise BadRequest(f"{name} has to be a list of at most {_MOST} entries.")
    return tuple(each(one, f"Entry {number} of {name}") for number, one in enumerate(asked, 1))
