"""POST /video/instances/{id}/assign: a stored video moves to another study or patient."""

from __future__ import annotations

import json
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from orthanc_video.archive.access import Caller
from orthanc_video.dicom.attributes import gathered
from orthanc_video.errors import BadRequest, TooLarge
from orthanc_video.ingest import assign as moving
from orthanc_video.web.context import CallerNow, GatewayParts
from orthanc_video.web.draining import DrainingRoute

router = APIRouter(prefix="/video/instances", tags=["videos"], route_class=DrainingRoute)

_LONGEST = 1 << 20


@router.post("/{named}/assign")
async def assign(named: str, request: Request, gateway: GatewayParts, caller: CallerNow) -> Response:
    """Gives it new attributes before the same pixel data; for who may read it, upload, and delete it.

    The body is a JSON object: ParentStudy, ParentPatient, AccessionNumber or attributes by keyword; KeepSource.
    """
    alone = Caller(credentials=caller.credentials, local=caller.local)  # that Orthanc let this path pass says nothing
    stored = await gateway.objects.readable(alone, named)
    await gateway.access.may_upload(alone)
    given = await _object(request)
    if given.get(moving.KEEP) is not True:
        await gateway.access.may_delete(alone)
    task = await moving.assignment(gateway.objects, alone, stored, given)
    return JSONResponse(await moving.assign(gateway.engine, task))


async def _object(request: Request) -> dict[str, Any]:
    body = b""
    async for block in request.stream():
        body += block
        if len(body) > _LONGEST:
            raise TooLarge("The request is larger than 1 MiB.")
    try:
        given = json.loads(body, object_pairs_hook=gathered)
    except (ValueError, RecursionError) as error:
        raise BadRequest("The request is not valid JSON.") from error
    if not isinstance(given, dict):
        raise BadRequest('The request must be a JSON object, such as {"ParentStudy": "…"}.')
    return given
