"""Stills and marked moments: frames of a video as objects of their own, and a document that names frames of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from orthanc_video.archive.callers import Caller
from orthanc_video.archive.objects import Stored
from orthanc_video.clip import Moment
from orthanc_video.derivation import Derivation, Making
from orthanc_video.dicom.classes import BY_CHOICE
from orthanc_video.dicom.marked import title_of
from orthanc_video.errors import BadRequest
from orthanc_video.plain import to_json
from orthanc_video.still import JPEG, LOSSLESS, MOST_FRAMES, Marks, Stills
from orthanc_video.web import deriving
from orthanc_video.web.bodies import one_of, small_object
from orthanc_video.web.context import CallerNow, Gateway, GatewayParts
from orthanc_video.web.draining import DrainingRoute
from orthanc_video.web.moments import moment_of

router = APIRouter(prefix="/video/instances", tags=["stills"], route_class=DrainingRoute)

_STILLS = '{"frames": [46, "00:00:12.5"], "as": "endoscopic"}'
_MARKS = '{"moments": [{"frame": 46}, 12.5], "title": "Of Interest", "text": "papilla"}'
_QUALITY = 90
_LONGEST = 1024
_MOST = f"it may name {MOST_FRAMES} frames"
# More frames than this take minutes rather than seconds.
_SOON = 100


@router.post("/{named}/stills")
async def stills(named: str, request: Request, gateway: GatewayParts, caller: CallerNow) -> Response:
    """Stores frames of a video as still images, which say of which frame of which object they are."""
    stored = await _source(gateway, caller, named)
    wanted = stills_of(await small_object(request, _STILLS, _MOST))
    long = len(wanted.frames) > _SOON
    return await _derived(gateway, deriving.order(Making.STILLS, [stored], to_json(wanted), long=long))


@router.post("/{named}/marks")
async def marks(named: str, request: Request, gateway: GatewayParts, caller: CallerNow) -> Response:
    """Marks moments of a video by a Key Object Selection document in its study."""
    stored = await _source(gateway, caller, named)
    wanted = marks_of(await small_object(request, _MARKS, _MOST))
    return await _derived(gateway, deriving.order(Making.MARKS, [stored], to_json(wanted)))


async def _source(gateway: Gateway, caller: Caller, named: str) -> Stored:
    """The video, for who may read it, and store what is made of it."""
    who = caller.unvouched
    stored = await gateway.objects.readable(who, named)
    await gateway.access.may_upload(who)
    return stored


async def _derived(gateway: Gateway, task: Derivation) -> Response:
    return deriving.answer(task, await deriving.outcome(gateway, task))


def stills_of(given: Mapping[str, Any]) -> Stills:
    """What a request asks for; raises BadRequest."""
    _refuse_unknown(given, {"frames", "as", "coding", "quality"}, _STILLS)
    choice, coding = one_of(given, "as", tuple(sorted(BY_CHOICE)), ""), given.get("coding", LOSSLESS)
    if coding not in (LOSSLESS, JPEG):
        raise BadRequest(f'"coding" must be {LOSSLESS} or {JPEG}.')
    quality = given.get("quality", _QUALITY)
    if not isinstance(quality, int) or isinstance(quality, bool) or not 1 <= quality <= 100:
        raise BadRequest('"quality" must be a whole number from 1 to 100.')
    if "quality" in given and coding != JPEG:
        raise BadRequest(f'"quality" is that of "coding": "{JPEG}".')
    frames = tuple(_frame(one, number) for number, one in enumerate(_listed(given, "frames", _STILLS), 1))
    return Stills(frames=frames, choice=choice, quality=quality if coding == JPEG else 0)


def marks_of(given: Mapping[str, Any]) -> Marks:
    """What a request asks for; raises BadRequest."""
    _refuse_unknown(given, {"moments", "title", "text"}, _MARKS)
    title, text = given.get("title", ""), given.get("text", "")
    if not isinstance(title, str) or not isinstance(text, str):
        raise BadRequest('"title" and "text" must be text.')
    if len(text) > _LONGEST or not all(one.isprintable() or one == "\n" for one in text):
        raise BadRequest(f'"text" must have {_LONGEST} characters at most, and no control characters.')
    several = _listed(given, "moments", _MARKS)
    moments = tuple(moment_of(one, f"Moment {number}") for number, one in enumerate(several, 1))
    return Marks(moments=moments, title=title_of(title), text=text.strip())


def _frame(said: Any, at: int) -> Moment:
    """A whole number is a frame's, from 1; else as a moment is said."""
    number = isinstance(said, int) and not isinstance(said, bool)
    return moment_of({"frame": said} if number else said, f"Frame {at} of the list")


def _listed(given: Mapping[str, Any], key: str, example: str) -> list[Any]:
    several = given.get(key)
    if not isinstance(several, list) or not 0 < len(several) <= MOST_FRAMES:
        raise BadRequest(f'"{key}" must be a list of 1 to {MOST_FRAMES} frames, as in {example}.')
    return several


def _refuse_unknown(given: Mapping[str, Any], known: set[str], example: str) -> None:
    unknown = sorted(set(given) - known)
    if unknown:
        raise BadRequest(f'There is no "{unknown[0][:40]}" here: the request is like {example}.')
