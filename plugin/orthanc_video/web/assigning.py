"""POST /video/instances/{id}/assign: a stored video moves to another study or patient."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from orthanc_video.ingest import assign as moving
from orthanc_video.web.bodies import json_object
from orthanc_video.web.context import CallerNow, GatewayParts
from orthanc_video.web.draining import DrainingRoute

router = APIRouter(prefix="/video/instances", tags=["videos"], route_class=DrainingRoute)


@router.post("/{named}/assign")
async def assign(named: str, request: Request, gateway: GatewayParts, caller: CallerNow) -> Response:
    """Gives it new attributes before the same pixel data; for who may read it, upload, and delete it.

    The body is a JSON object: ParentStudy, ParentPatient, AccessionNumber or attributes by keyword; KeepSource.
    """
    alone = caller.unvouched
    stored = await gateway.objects.readable(alone, named)
    await gateway.access.may_upload(alone)
    given = await json_object(request, '{"ParentStudy": "…"}')
    if given.get(moving.KEEP) is not True:
        await gateway.access.may_delete(alone)
    task = await moving.assignment(gateway.objects, alone, stored, given)
    return JSONResponse(await moving.assign(gateway.engine, task))
