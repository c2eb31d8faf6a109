"""The gateway's HTTP application: routes in order, Orthanc behind them all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Match
from starlette.types import ASGIApp

from orthanc_video import __version__
from orthanc_video.archive.access import Access
from orthanc_video.archive.objects import Objects
from orthanc_video.archive.service import Archive
from orthanc_video.dicom.rules import site_of
from orthanc_video.errors import MethodNotAllowed, NotFound, VideoError
from orthanc_video.ingest.resumable import Resumable
from orthanc_video.ingest.room import Room
from orthanc_video.jobs import isolation, processes
from orthanc_video.jobs.database import TROUBLES
from orthanc_video.jobs.engine import Engine
from orthanc_video.settings import Settings
from orthanc_video.web import (
    assigning,
    clips,
    destinations,
    edits,
    events,
    frames,
    indexes,
    instances,
    jobs,
    measure,
    ohif,
    orders,
    overlays,
    pages,
    problems,
    proxy,
    resumable_uploads,
    searching,
    session,
    stills,
    uploads,
    values,
    views,
)
from orthanc_video.web.context import CallerNow, Gateway, GatewayParts, entered
from orthanc_video.web.dicomweb import passing
from orthanc_video.web.dicomweb import routes as dicomweb
from orthanc_video.web.lines import Joined
from orthanc_video.web.recurring import Recurring
from orthanc_video.web.sealing import Seal
from orthanc_video.web.straight import Straight
from orthanc_video.web.tickets import Tickets

_THREADS = 64
_EVERY_METHOD = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]
_READING = frozenset({"GET", "HEAD"})


def front(app: FastAPI) -> ASGIApp:
    """The application, and before it what a range must not wait for FastAPI to come to."""
    return measure.Measured(Recurring(app))


def create_app(settings: Settings, archive: Archive, engine: Engine) -> FastAPI:
    """The whole application for one Orthanc; ``engine`` has been launched, and is closed with the application."""
    seal = Seal(settings.gateway.secret)
    app = FastAPI(
        title="orthanc-video",
        version=__version__,
        lifespan=lambda app: _living(app, settings, archive, engine, seal),
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    _route(app, settings)
    # From the innermost to the outermost.
    app.add_middleware(Tickets, seal=seal)
    app.add_middleware(Joined)
    app.add_middleware(Straight)
    app.add_middleware(resumable_uploads.Tus)
    if settings.gateway.allowed_origins:
        _share(app, settings.gateway.allowed_origins)
    app.add_exception_handler(VideoError, problems.on_video_error)
    for trouble in TROUBLES:
        app.add_exception_handler(trouble, problems.on_database_trouble)
    app.add_exception_handler(HTTPException, problems.on_http_error)
    app.add_exception_handler(RequestValidationError, problems.on_invalid)
    app.add_exception_handler(ClientDisconnect, _gone)
    app.add_exception_handler(Exception, problems.on_unexpected)
    return app


@asynccontextmanager
async def _living(
    app: FastAPI, settings: Settings, archive: Archive, engine: Engine, seal: Seal
) -> AsyncIterator[None]:
    """What the application has from its start to its end."""
    # Range reads share these threads with waits for media processes: enough that neither holds up the other.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(_THREADS))
    access = Access(settings)
    await asyncio.to_thread(processes.keep_ready)
    asyncio.get_running_loop().run_in_executor(None, isolation.log, settings)
    room = Room(settings)
    resumable = Resumable(settings, engine, access, room)
    await resumable.open()
    app.state.gateway = Gateway(
        settings, access, archive, Objects(settings, access), engine, room, resumable, site_of(settings.gateway), seal
    )
    watching = asyncio.create_task(resumable.watch())
    yield
    watching.cancel()
    await asyncio.to_thread(engine.close)
    await access.close()


def _route(app: FastAPI, settings: Settings) -> None:
    """Routes are tried one after the other: those that players ask thousands of times come first."""
    app.include_router(dicomweb.router(settings.dicom_web_root, settings.wado_root))
    for part in (
        searching.router,
        instances.router,
        indexes.router,
        frames.router,
        overlays.router,
        stills.router,
        pages.public,
        pages.router,
        measure.router,
        uploads.router,
        resumable_uploads.router,
        assigning.router,
        clips.router,
        edits.router,
        values.router,
        views.router,
        destinations.router,
        orders.router,
        session.router,
    ):
        app.include_router(part)
    for part in (jobs.router, events.router, jobs.catch_up_router, jobs.awaited_router):
        app.include_router(part)
    if settings.gateway.ohif:  # else the path is Orthanc's, which may have a plugin for it
        app.include_router(ohif.router(settings))
    _documentation(app)
    # What is not found here must not go to Orthanc, whose plugin would send it back.
    app.add_api_route("/video/{path:path}", _nothing, methods=_EVERY_METHOD, include_in_schema=False)
    app.add_api_route("/{path:path}", _orthanc, methods=_EVERY_METHOD, include_in_schema=False)


# What a page of another origin may read of an answer, beside what every one may (Fetch, 3.3.3).
_SHARED_HEADERS = (
    *("Accept-Ranges", "Allow", "Content-Disposition", "Content-Length", "Content-Location", "Content-Range", "ETag"),
    *("Location", "Retry-After", "Vary", "Warning", "WWW-Authenticate", "Orthanc-Video-Job", "Preference-Applied"),
    *("Tus-Resumable", "Tus-Version", "Tus-Extension", "Tus-Max-Size", "Tus-Checksum-Algorithm"),
    *("Upload-Offset", "Upload-Length", "Upload-Defer-Length", "Upload-Metadata", "Upload-Expires"),
)


def _share(app: FastAPI, origins: list[str]) -> None:
    """Lets pages of these origins ask for all that is here, Orthanc's own included, by headers that they send.

    Never with cookies or a browser's own password: a page could act by them for whoever looks at it.
    """
    app.add_middleware(
        CORSMiddleware,
        allow_origins=origins,
        allow_methods=_EVERY_METHOD,
        allow_headers=["*"],
        expose_headers=_SHARED_HEADERS,
    )


async def _nothing(request: Request, gateway: GatewayParts, caller: CallerNow) -> Response:
    await gateway.access.may_enter(caller)
    allowed = _allowed(request)
    if allowed:
        return _not_allowed(request, allowed)
    raise NotFound("The gateway has no such resource.")


async def _orthanc(request: Request, gateway: GatewayParts, caller: CallerNow) -> Response:
    if not request.url.path.startswith(f"{gateway.settings.dicom_web_root}/"):
        return await proxy.forward(request)
    if request.method in _READING:
        return await passing.forward(request)
    # Of a resource whose GET is not here, Orthanc knows the methods.
    if "GET" in (allowed := _allowed(request)):
        await gateway.access.may_enter(caller)
        return _not_allowed(request, allowed)
    return await proxy.forward(request)


def _allowed(request: Request) -> list[str]:
    """The methods that the gateway itself knows of a resource."""
    known = [route for route in request.app.routes if getattr(route, "name", "") not in {"_nothing", "_orthanc"}]
    return [
        method
        for method in _EVERY_METHOD
        if any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in known)
    ]


def _not_allowed(request: Request, allowed: list[str]) -> Response:
    answer = problems.problem(MethodNotAllowed(f"This resource does not know the method {request.method}."), request)
    answer.headers["Allow"] = ", ".join(allowed)
    return answer


async def _gone(_request: Request, _error: Exception) -> Response:
    """The client went away in mid-upload: nobody is there to answer, and nothing was kept."""
    return Response(status_code=499)


def _documentation(app: FastAPI) -> None:
    """The description that the page at /docs shows."""

    @app.get("/openapi.json", include_in_schema=False, dependencies=[Depends(entered)])
    async def openapi() -> Response:
        return JSONResponse(app.openapi())
