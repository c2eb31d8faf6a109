"""Jobs: state, progress, cancel, retry."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from orthanc_video.errors import NotFound
from orthanc_video.web.context import CallerNow, GatewayParts, entered

router = APIRouter(prefix="/video/jobs", tags=["jobs"], dependencies=[Depends(entered)])


@router.get("")
async def list_jobs(
    gateway: GatewayParts,
    caller: CallerNow,
    since: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Response:
    """Newest first; for those whom Orthanc shows its own jobs."""
    await gateway.access.may_see_jobs(caller)
    return JSONResponse({"Jobs": await asyncio.to_thread(gateway.engine.jobs, since, limit), "Since": since})


@router.get("/{job}")
async def one_job(job: str, gateway: GatewayParts, caller: CallerNow) -> Response:
    """State, progress 0 to 100 with stage, the sentence of a failure, the instance once it is stored."""
    view = await asyncio.to_thread(gateway.engine.job, job)
    await gateway.access.may_follow_job(caller, view["Instance"])
    return JSONResponse(view)


@router.delete("/{job}")
async def cancel(job: str, gateway: GatewayParts, caller: CallerNow) -> Response:
    """Cancels, and discards a dead letter; a finished job stays as it is."""
    await gateway.access.may_control_jobs(caller, "cancel")
    await asyncio.to_thread(gateway.engine.cancel, job)
    return JSONResponse({})


@router.post("/{job}/retry")
async def retry(job: str, gateway: GatewayParts, caller: CallerNow) -> Response:
    """Tries a dead letter again: an acknowledged upload that could not be stored."""
    await gateway.access.may_control_jobs(caller, "resubmit")
    await asyncio.to_thread(gateway.engine.retry, job)
    return JSONResponse(await asyncio.to_thread(gateway.engine.job, job))


catch_up_router = APIRouter(prefix="/video/catch-up", tags=["jobs"], dependencies=[Depends(entered)])


@catch_up_router.post("", status_code=202)
async def catch_up(gateway: GatewayParts, caller: CallerNow) -> Response:
    """Looks at every video in Orthanc that nobody has looked at yet; the job that goes through them."""
    await gateway.access.may_control_jobs(caller, "resubmit")
    job = await asyncio.to_thread(gateway.engine.catch_up)
    return JSONResponse(job, status_code=202, headers={"Location": f"/video/jobs/{job['ID']}"})


awaited_router = APIRouter(prefix="/video/awaited", tags=["jobs"])


@awaited_router.get("/studies/{study}")
async def awaited_study(study: str, request: Request, gateway: GatewayParts, caller: CallerNow) -> Response:
    """The study that an unfinished job is going to store, as Orthanc will describe it; for the plugin alone.

    The plugin asks on behalf of a caller whom Orthanc has let ask for the study itself.
    """
    found = None
    if caller.vouched and request.headers.get("orthanc-video-asks") == "plugin":
        found = await asyncio.to_thread(gateway.engine.awaited_study, study)
    if found is None:
        raise NotFound("No unfinished job belongs to such a study.")
    return JSONResponse(found)
