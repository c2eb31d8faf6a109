"""DICOMweb with video added (PS3.18): what Orthanc's plugin does well is passed on to it."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from orthanc_video.archive.catalogue import belongs
from orthanc_video.errors import NotVideo
from orthanc_video.web import proxy, streaming
from orthanc_video.web.context import CallerNow, GatewayParts

_PLAYABLE = frozenset({"*/*", "video/*", "video/mp4", "video/mpeg", "video/h265", "application/octet-stream"})


def router(root: str) -> APIRouter:
    """The routes below the DICOMweb root that this gateway answers itself."""
    routes = APIRouter(prefix=root, tags=["DICOMweb"])

    @routes.get("/studies/{study}/series/{series}/instances/{instance}/rendered")
    @routes.head("/studies/{study}/series/{series}/instances/{instance}/rendered", operation_id="head_rendered")
    async def rendered(  # the path's study and series have to be the instance's own
        study: str, series: str, instance: str, request: Request, gateway: GatewayParts, caller: CallerNow
    ) -> Response:
        """Retrieve Rendered of a video instance (PS3.18 8.7.4): its stored stream, with ranges."""
        if not _wants_video(request):
            return await proxy.forward(request)
        try:
            stored = await gateway.objects.video(caller, instance)
        except NotVideo:
            return await proxy.forward(request)
        await belongs(gateway.access, caller, stored.instance, study, series)
        return await streaming.respond(request, stored)

    return routes


def _wants_video(request: Request) -> bool:
    """Whether Accept (or the accept parameter, which has priority: PS3.18 8.7.8.1) lets a video be the answer."""
    accept = request.query_params.get("accept") or request.headers.get("accept", "*/*")
    kinds = {entry.split(";")[0].strip().lower() for entry in accept.split(",")}
    return not kinds.isdisjoint(_PLAYABLE)
