"""What every route needs: the gateway's parts, and who is calling."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends
from starlette.requests import Request

from orthanc_video.archive.access import Access
from orthanc_video.archive.callers import Caller, credentials_of
from orthanc_video.archive.objects import Objects
from orthanc_video.archive.retimed import Retimed
from orthanc_video.archive.service import Archive
from orthanc_video.dicom.rules import Site
from orthanc_video.ingest.resumable import Resumable
from orthanc_video.ingest.room import Room
from orthanc_video.jobs.engine import Engine
from orthanc_video.settings import Settings, is_loopback
from orthanc_video.web.sealing import Seal

_CALLER = "orthanc-video.caller"


@dataclass(frozen=True, slots=True)
class Entrance:
    """What it takes to ask Orthanc about a caller."""

    settings: Settings
    access: Access


@dataclass(frozen=True, slots=True)
class Gateway(Entrance):
    """The parts of a running gateway. ``stopping`` is set once it ends: what is streamed without end ends then."""

    archive: Archive
    objects: Objects
    engine: Engine
    room: Room
    resumable: Resumable
    site: Site
    seal: Seal
    retimed: Retimed = field(default_factory=Retimed)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)


def gateway_of(request: Request) -> Gateway:
    gateway: Gateway = request.app.state.gateway
    return gateway


def _entrance_of(request: Request) -> Entrance:
    """The gateway's, or a worker's."""
    entrance: Entrance = request.app.state.gateway
    return entrance


def announced_length(request: Request) -> int | None:
    """How many bytes the request's body has, where that is known before they come."""
    announced = request.headers.get("content-length", "")
    return int(announced) if announced.isascii() and announced.isdigit() else None


def caller_of(request: Request) -> Caller:
    """Who calls: found out once for a request."""
    if _CALLER not in request.scope:
        request.scope[_CALLER] = _found_out(request)
    caller: Caller = request.scope[_CALLER]
    return caller


def _found_out(request: Request) -> Caller:
    """A request with the launch secret came through Orthanc, which does not say from where.

    Unless Orthanc takes local callers only, such a request and one through another proxy count as remote.
    """
    settings = _entrance_of(request).settings
    vouched = bool(settings.gateway.secret) and secrets.compare_digest(
        request.headers.get("orthanc-video-secret", "").encode(), settings.gateway.secret.encode()
    )
    if vouched:
        local = not settings.remote_access
    else:
        proxied = "x-forwarded-for" in request.headers or "forwarded" in request.headers
        local = request.client is not None and is_loopback(request.client.host) and not proxied
    return Caller(credentials=credentials_of(request.headers), local=local, vouched=vouched)


# FastAPI runs a dependency that is no coroutine in a thread: some tenths of a millisecond for every request.
async def _gateway(request: Request) -> Gateway:
    return gateway_of(request)


async def _caller(request: Request) -> Caller:
    return caller_of(request)


GatewayParts = Annotated[Gateway, Depends(_gateway)]
CallerNow = Annotated[Caller, Depends(_caller)]


async def entered(request: Request, caller: CallerNow) -> None:
    """Guards the gateway's own pages: Orthanc has to know the caller."""
    await _entrance_of(request).access.may_enter(caller)
