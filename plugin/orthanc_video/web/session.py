"""Sessions and links: how a page's video element, which sends no header of its own, plays what its user may see."""

from __future__ import annotations

import datetime
import time
from enum import StrEnum
from http import HTTPStatus

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from orthanc_video.archive import catalogue
from orthanc_video.archive.callers import Caller, proofs_of
from orthanc_video.errors import BadRequest
from orthanc_video.web import addresses, tickets
from orthanc_video.web.context import CallerNow, Gateway, GatewayParts, entered
from orthanc_video.web.sealing import LINK, SESSION, Sealed

router = APIRouter(tags=["sessions"])

# What browsers keep of a cookie, its name and attributes included (RFC 6265 6.1).
_LARGEST_COOKIE = 4096
_RENDERED = "{}/studies/{}/series/{}/instances/{}/rendered"
_PRIVATE = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


@router.post("/video/session", dependencies=[Depends(entered)])
async def begin(request: Request, gateway: GatewayParts, caller: CallerNow) -> Response:
    """A cookie by which GET and HEAD are allowed what the headers of this request allow; again: a new one."""
    until = tickets.until(request, _seconds(gateway))
    sealed = gateway.seal.close(SESSION, Sealed(credentials=proofs_of(caller), until=until))
    value = tickets.cookie(sealed, max(0, int(until - time.time())), secure=_secure(request, gateway))
    if len(value) > _LARGEST_COOKIE:
        raise BadRequest("These credentials are too long for a cookie, of which browsers keep 4096 bytes.")
    return JSONResponse({"Expires": _moment(until)}, headers={"Set-Cookie": value, **_PRIVATE})


@router.delete("/video/session", status_code=HTTPStatus.NO_CONTENT)
async def end(request: Request, gateway: GatewayParts) -> Response:
    """Removes the cookie. Whoever asks: a page whose session has expired has nothing else to show."""
    gone = tickets.cookie("", 0, secure=_secure(request, gateway))
    return Response(status_code=HTTPStatus.NO_CONTENT, headers={"Set-Cookie": gone, **_PRIVATE})


class Resource(StrEnum):
    """What of an instance a link can be of."""

    STREAM = "stream"
    INDEX = "index"
    THUMBNAIL = "thumbnail"
    RENDERED = "rendered"


@router.post("/video/instances/{named}/links")
async def link(
    named: str, request: Request, gateway: GatewayParts, caller: CallerNow, resource: Resource = Resource.STREAM
) -> Response:
    """An address of one resource of a video that can be read without credentials for a while, by whoever has it."""
    instance = await gateway.access.instance(caller, named)
    await gateway.access.may_read(caller, instance)
    path = f"/video/instances/{instance}/{resource}"
    if resource is Resource.RENDERED:
        uids = await catalogue.uids(gateway.access, caller, instance)
        path = _RENDERED.format(gateway.settings.dicom_web_root, *uids)
    until = tickets.until(request, _seconds(gateway))
    url = _linked(request, gateway, caller, path, until)
    return JSONResponse({"Url": url, "Expires": _moment(until)}, headers=_PRIVATE)


def address(request: Request, gateway: Gateway, caller: Caller, path: str) -> str:
    """The whole URL of a path of the gateway's, as this caller can read it without sending a header.

    It is a link where the caller's headers, or the session or link that stands for them, say who it is.
    """
    if not proofs_of(caller):
        return addresses.outside(request, gateway.settings) + path
    return _linked(request, gateway, caller, path, tickets.until(request, _seconds(gateway)))


def _linked(request: Request, gateway: Gateway, caller: Caller, path: str, until: int) -> str:
    sealed = gateway.seal.close(LINK, Sealed(credentials=proofs_of(caller), until=until, path=path))
    return f"{addresses.outside(request, gateway.settings)}{path}?{tickets.PARAMETER}={sealed}"


def _seconds(gateway: Gateway) -> float:
    return 60 * gateway.settings.gateway.session_minutes


def _scheme(request: Request) -> str:
    """Anybody may claim https: all that comes of it is a cookie, or an address, that works by https alone."""
    claimed = request.headers.get("x-forwarded-proto", "").partition(",")[0].strip().lower()
    return claimed if claimed in {"http", "https"} else request.url.scheme


def _secure(request: Request, gateway: Gateway) -> bool:
    return addresses.outside(request, gateway.settings).startswith("https:") or _scheme(request) == "https"


def _moment(until: int) -> str:
    return datetime.datetime.fromtimestamp(until, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
