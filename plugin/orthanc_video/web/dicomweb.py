"""DICOMweb with video added (PS3.18): what Orthanc's plugin does well is passed on to it."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from orthanc_video.archive.catalogue import belongs
from orthanc_video.errors import NotVideo
from orthanc_video.web import accepting, playing, proxy
from orthanc_video.web.context import CallerNow, GatewayParts

# What a video may be sent as, whichever it is.
_VIDEOS = (playing.MP4, playing.AS_STORED, "video/mpeg", "video/H265")


def router(root: str) -> APIRouter:
    """The routes below the DICOMweb root that this gateway answers itself."""
    routes = APIRouter(prefix=root, tags=["DICOMweb"])

    @routes.get("/studies/{study}/series/{series}/instances/{instance}/rendered")
    @routes.head("/studies/{study}/series/{series}/instances/{instance}/rendered", operation_id="head_rendered")
    async def rendered(  # the path's study and series have to be the instance's own
        study: str, series: str, instance: str, request: Request, gateway: GatewayParts, caller: CallerNow
    ) -> Response:
        """Retrieve Rendered of a video instance (PS3.18 8.7.4): its stored stream or its rendition, with ranges."""
        if not any(accepting.weight(playing.accepted(request), kind) for kind in _VIDEOS):
            return await proxy.forward(request)
        try:
            stored = await gateway.objects.readable(caller, instance)
        except NotVideo:
            return await proxy.forward(request)
        if not playing.acceptable(request, stored):
            return await proxy.forward(request)
        await belongs(gateway.access, caller, stored.instance, study, series)
        return await playing.respond(request, gateway, stored)

    return routes
