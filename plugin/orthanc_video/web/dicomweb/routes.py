"""DICOMweb with video added (PS3.18): what Orthanc's plugin does well is passed on to it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Depends
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute

from orthanc_video.web import proxy
from orthanc_video.web.context import caller_of, gateway_of
from orthanc_video.web.dicomweb import (
    bulkdata,
    frames,
    metadata,
    paths,
    rendered,
    retrieving,
    searching,
    stow,
    thumbnails,
    wado_uri,
)


def router(root: str, wado_root: str) -> APIRouter:
    """The routes below the DICOMweb root, and that of WADO-URI, that this gateway answers itself."""
    routes = APIRouter(prefix=root, tags=["DICOMweb"])
    for part in (rendered, frames, thumbnails, metadata, bulkdata, retrieving, stow):
        routes.include_router(part.router, dependencies=[Depends(_reached)])
        routes.include_router(_heads(part.router.routes), dependencies=[Depends(_reached)])
    routes.include_router(searching.router)  # answered by Orthanc itself
    routes.include_router(_heads(searching.router.routes))
    everything = APIRouter()
    everything.include_router(routes)
    if wado_root:
        everything.include_router(wado_uri.router(wado_root), dependencies=[Depends(_reached)])
    return everything


async def _reached(request: Request) -> None:
    """Raises where Orthanc's own DICOMweb is closed to the caller, or that study's: what is answered here must be, too.

    It is asked of the series of the study that a path names, not of each of its parts: one question for all of them.
    """
    gateway, caller = gateway_of(request), caller_of(request)
    path: str = request.scope["path"]
    method = "POST" if request.method == "POST" else "GET"
    if "study" in request.path_params:
        study = quote(request.path_params["study"], safe="")
        asked = paths.resource(study) if method == "POST" else f"{paths.resource(study, part='series')}?limit=1"
        path = gateway.settings.dicom_web_root + asked
    await gateway.access.may_reach(caller, method, path)


def _heads(routes: Sequence[BaseRoute]) -> APIRouter:
    """HEAD for whatever answers GET and has none of its own (RFC 9110, 9.1); the description leaves these out."""
    known = {
        (route.path, method): route for route in routes if isinstance(route, APIRoute) for method in route.methods or ()
    }
    heads = APIRouter(route_class=_Head)
    for (path, method), route in known.items():
        if method == "GET" and (path, "HEAD") not in known:
            heads.add_api_route(path, route.endpoint, methods=["HEAD"], include_in_schema=False)
    return heads


class _Head(APIRoute):
    """The headers of GET; of an answer that is made while it is sent, no more is made."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        answered = super().get_route_handler()

        async def head(request: Request) -> Response:
            answer = await answered(request)
            if isinstance(answer, StreamingResponse):
                answer.body_iterator = proxy.no_body()
            return answer

        return head
