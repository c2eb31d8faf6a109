"""The gateway's HTTP application: routes in order, Orthanc behind them all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Match

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
    dicomweb,
    events,
    instances,
    jobs,
    measure,
    pages,
    problems,
    proxy,
    resumable_uploads,
    uploads,
)
from orthanc_video.web.context import CallerNow, Gateway, GatewayParts, entered

_THREADS = 64
_EVERY_METHOD = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]


def create_app(settings: Settings, archive: Archive, engine: Engine) -> FastAPI:
    """The whole application for one Orthanc; ``engine`` has been launched, and is closed with the application."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        # Range reads share these threads with waits for media processes: enough that neither holds up the other.
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(_THREADS))
        access = Access(settings)
        await asyncio.to_thread(processes.warm_up)
        asyncio.get_running_loop().run_in_executor(None, isolation.log, settings)
        room = Room(settings)
        resumable = Resumable(settings, engine, access, room)
        await resumable.open()
        app.state.gateway = Gateway(
            settings, access, archive, Objects(settings, access), engine, room, resumable, site_of(settings.gateway)
        )
        watching = asyncio.create_task(resumable.watch())
        yield
        watching.cancel()
        await asyncio.to_thread(engine.close)
        await access.close()

    app = FastAPI(
        title="orthanc-video", version=__version__, lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None
    )
    for part in (
        pages.public,
        pages.router,
        measure.router,
        uploads.router,
        resumable_uploads.router,
        instances.router,
        assigning.router,
    ):
        app.include_router(part)
    for part in (jobs.router, events.router, jobs.catch_up_router, jobs.awaited_router):
        app.include_router(part)
    app.include_router(dicomweb.router(settings.dicom_web_root))
    _documentation(app)
    # What is not found here must not go to Orthanc, whose plugin would send it back.
    app.add_api_route("/video/{path:path}", _nothing, methods=_EVERY_METHOD, include_in_schema=False)
    app.add_api_route("/{path:path}", _orthanc, methods=_EVERY_METHOD, include_in_schema=False)
    app.add_middleware(resumable_uploads.Tus)
    app.add_middleware(measure.Measured)
    app.add_exception_handler(VideoError, problems.on_video_error)
    for trouble in TROUBLES:
        app.add_exception_handler(trouble, problems.on_database_trouble)
    app.add_exception_handler(HTTPException, problems.on_http_error)
    app.add_exception_handler(RequestValidationError, problems.on_invalid)
    app.add_exception_handler(ClientDisconnect, _gone)
    app.add_exception_handler(Exception, problems.on_unexpected)
    return app


async def _nothing(request: Request, gateway: GatewayParts, caller: CallerNow) -> Response:
    await gateway.access.may_enter(caller)
    known = [route for route in request.app.routes if getattr(route, "name", "") not in {"_nothing", "_orthanc"}]
    allowed = [
        method
        for method in _EVERY_METHOD
        if any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in known)
    ]
    if allowed:
        answer = problems.problem(
            MethodNotAllowed(f"This resource does not know the method {request.method}."), request
        )
        answer.headers["Allow"] = ", ".join(allowed)
        return answer
    raise NotFound("The gateway has no such resource.")


async def _orthanc(request: Request) -> Response:
    return await proxy.forward(request)


async def _gone(_request: Request, _error: Exception) -> Response:
    """The client went away in mid-upload: nobody is there to answer, and nothing was kept."""
    return Response(status_code=499)


def _documentation(app: FastAPI) -> None:
    """The description that the page at /docs shows."""

    @app.get("/openapi.json", include_in_schema=False, dependencies=[Depends(entered)])
    async def openapi() -> Response:
        return JSONResponse(app.openapi())
