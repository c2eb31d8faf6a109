"""Views of videos: how somebody looked at one, saved as a presentation state in its study, and had again."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from orthanc_video.archive import views as archived
from orthanc_video.archive.callers import Caller
from orthanc_video.derivation import Making
from orthanc_video.errors import BadRequest, NotFound
from orthanc_video.plain import to_json
from orthanc_video.view import CIRCLE, LINEAR, LINEAR_EXACT, RECTANGLE, SIGMOID, Shutter, View, Window
from orthanc_video.web import deriving
from orthanc_video.web.bodies import flag, one_of, small_object
from orthanc_video.web.context import CallerNow, Gateway, GatewayParts
from orthanc_video.web.draining import DrainingRoute

router = APIRouter(prefix="/video/instances", tags=["views"], route_class=DrainingRoute)

_EXAMPLE = '{"name": "papilla", "frame": 46, "window": {"center": 110, "width": 90}, "zoom": 2, "rotation": 90}'
_KEYS = {"name", "frame", "window", "gamma", "invert", "zoom", "center", "rotation", "flip", "shutter", "subtract"}
_KEYS |= {"table", "overlays", "texts"}
_LONGEST_NAME = 64  # of VR LO
_MOST_FRAMES = 10**6
_MOST_TABLES = 100
_DIGITS, _NARROWEST, _LARGEST = 6, 1e-6, 1e9


@router.post("/{named}/views")
async def save_view(named: str, request: Request, gateway: GatewayParts, caller: CallerNow) -> Response:
    """Keeps a view of a video as a Softcopy Presentation State in its study."""
    who = caller.unvouched
    stored = await gateway.objects.readable(who, named)
    await gateway.access.may_upload(who)
    view = view_of(await small_object(request, _EXAMPLE, "a view has no more than a name and some numbers"))
    task = deriving.order(Making.VIEW, [stored], to_json(view))
    return deriving.answer(task, await deriving.outcome(gateway, task))


@router.get("/{named}/views")
async def list_views(named: str, gateway: GatewayParts, caller: CallerNow) -> Response:
    """The views of a video that were saved by this gateway, by frame."""
    stored = await gateway.objects.readable(caller, named)
    found = await archived.views(gateway.access, gateway.objects, caller, stored.instance)
    return JSONResponse({"Views": [_shown(instance, view) for instance, view in found]})


@router.get("/{named}/views/{view}")
async def one_view(named: str, view: str, gateway: GatewayParts, caller: CallerNow) -> Response:
    """One of them, by its Orthanc ID."""
    return JSONResponse(_shown(view, await _found(named, view, gateway, caller)))


@router.delete("/{named}/views/{view}", status_code=204)
async def delete_view(named: str, view: str, gateway: GatewayParts, caller: CallerNow) -> Response:
    """Deletes one of them, as Orthanc lets the caller delete the object that keeps it."""
    who = caller.unvouched
    await _found(named, view, gateway, who)
    await archived.delete(gateway.access, who, view)
    return Response(status_code=204)


async def _found(named: str, view: str, gateway: Gateway, caller: Caller) -> View:
    stored = await gateway.objects.readable(caller, named)
    for instance, found in await archived.views(gateway.access, gateway.objects, caller, stored.instance):
        if instance == view:
            return found
    raise NotFound("The video has no such view.")


def _shown(instance: str, view: View) -> dict[str, Any]:
    """As it is asked for, and the Orthanc ID of the object that keeps it."""
    told = to_json(view)
    x, y, shutter = told.pop("x"), told.pop("y"), told.pop("shutter")
    if shutter is not None:
        names = _EDGES if shutter["kind"] == RECTANGLE else _ROUND
        shutter = {"kind": shutter["kind"], **{name: shutter[key] for name, key in names.items()}}
    return {"ID": instance, **told, "center": {"x": x, "y": y}, "shutter": shutter, "subtract": view.subtract or None}


_EDGES = {"left": "x", "top": "y", "right": "right", "bottom": "bottom"}
_ROUND = {"x": "x", "y": "y", "radius": "radius"}


def view_of(given: Mapping[str, Any]) -> View:
    """What a request asks for; raises BadRequest."""
    _refuse_unknown(given, _KEYS, "A view")
    name, center = given.get("name", ""), _object(given, "center", {"x", "y"}) or {"x": 0.5, "y": 0.5}
    if not isinstance(name, str) or len(name) > _LONGEST_NAME or not name.isprintable() or "\\" in name:
        raise BadRequest(f'"name" must be text of {_LONGEST_NAME} characters at most, without a backslash.')
    rotation = _whole(given, "rotation", 0, 270, 0)
    if rotation % 90:
        raise BadRequest('"rotation" must be 0, 90, 180 or 270.')
    subtract = 0 if given.get("subtract") is None else _whole(given, "subtract", 1, _MOST_FRAMES, 0)
    table = None if given.get("table") is None else _whole(given, "table", 1, _MOST_TABLES, 0)
    if table and given.get("window") is not None:
        raise BadRequest('A view has a "window" or a "table", not both.')
    return View(
        name=name.strip(),
        frame=_whole(given, "frame", 1, _MOST_FRAMES, 1),
        window=_window(_object(given, "window", {"center", "width", "function"})),
        table=table,
        gamma=_number(given, "gamma", 0.1, 10, 1),
        invert=flag(given, "invert"),
        zoom=_number(given, "zoom", 1, 100, 1),
        x=_number(center, "x", 0, 1),
        y=_number(center, "y", 0, 1),
        rotation=rotation,
        flip=flag(given, "flip"),
        shutter=_shutter(_object(given, "shutter", {"kind", *_EDGES, *_ROUND})),
        subtract=subtract,
        overlays=_if_said(given, "overlays"),
        texts=_if_said(given, "texts"),
    )


def _if_said(given: Mapping[str, Any], key: str) -> bool | None:
    return None if given.get(key) is None else flag(given, key)


def _window(given: Mapping[str, Any] | None) -> Window | None:
    if given is None:
        return None
    function = one_of(given, "function", (LINEAR, LINEAR_EXACT, SIGMOID), LINEAR)
    least = 1 if function == LINEAR else _NARROWEST
    return Window(
        center=_number(given, "center", -_LARGEST, _LARGEST),
        width=_number(given, "width", least, _LARGEST),
        function=function,
    )


def _shutter(given: Mapping[str, Any] | None) -> Shutter | None:
    if given is None:
        return None
    kind = one_of(given, "kind", (RECTANGLE, CIRCLE), "")
    if not kind:
        raise BadRequest(f'"shutter" needs a "kind": {RECTANGLE} or {CIRCLE}.')
    names = _EDGES if kind == RECTANGLE else _ROUND
    _refuse_unknown(given, {"kind", *names}, f"A {kind}")
    found = Shutter(kind=kind, **{key: _number(given, name, 0, 1) for name, key in names.items()})
    if (kind == RECTANGLE and (found.x >= found.right or found.y >= found.bottom)) or (
        kind == CIRCLE and not found.radius
    ):
        raise BadRequest('Nothing is seen through this "shutter".')
    return found


def _number(given: Mapping[str, Any], key: str, least: float, most: float, otherwise: float | None = None) -> float:
    """Rounded, so that the same view is one object."""
    value = given.get(key, otherwise)
    good = isinstance(value, int | float | Decimal) and not isinstance(value, bool) and math.isfinite(value)
    if not good or not least <= float(value) <= most:
        raise BadRequest(f'"{key}" must be a number from {least:g} to {most:g}.')
    return round(float(value), _DIGITS)


def _whole(given: Mapping[str, Any], key: str, least: int, most: int, otherwise: int) -> int:
    value = given.get(key, otherwise)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise BadRequest(f'"{key}" must be a whole number from {least} to {most}.')
    return value


def _object(given: Mapping[str, Any], key: str, known: set[str]) -> Mapping[str, Any] | None:
    found = given.get(key)
    if found is None:
        return None
    if not isinstance(found, Mapping):
        raise BadRequest(f'"{key}" must be an object, as in {_EXAMPLE}.')
    _refuse_unknown(found, known, f'"{key}"')
    return found


def _refuse_unknown(given: Mapping[str, Any], known: set[str], what: str) -> None:
    unknown = sorted(set(given) - known)
    if unknown:
        raise BadRequest(f'{what} knows no "{unknown[0][:40]}": the request is like {_EXAMPLE}.')
