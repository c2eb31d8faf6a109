"""What a worker answers over HTTP: that it lives, and its metrics to whom the gateway would tell its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI
from prometheus_client import REGISTRY
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from orthanc_video.archive.access import Access
from orthanc_video.errors import VideoError
from orthanc_video.settings import Settings
from orthanc_video.web import measure, pages, problems
from orthanc_video.web.context import Entrance, entered


def create_app(settings: Settings) -> FastAPI:
    """The application of one worker."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        access = Access(settings)
        app.state.gateway = Entrance(settings, access)
        yield
        await access.close()

    app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(pages.public)
    app.add_api_route("/metrics", _scrape, dependencies=[Depends(entered)])
    app.add_exception_handler(VideoError, problems.on_video_error)
    app.add_exception_handler(HTTPException, problems.on_http_error)
    return app


async def _scrape(request: Request) -> Response:
    return await measure.told(request, REGISTRY)
