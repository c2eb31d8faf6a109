"""A job's progress as server-sent events, for whoever watches."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

from fastapi import APIRouter, Depends
from fastapi.sse import KEEPALIVE_COMMENT, EventSourceResponse, format_sse_event
from starlette.requests import Request
from starlette.responses import Response

from orthanc_video.jobs.database import TROUBLES
from orthanc_video.web.context import CallerNow, Gateway, GatewayParts, entered

router = APIRouter(prefix="/video/jobs", tags=["jobs"], dependencies=[Depends(entered)])

# Seconds between two looks at the job, and of silence after which a proxy or a browser might think the line dead.
_LOOK = 0.5
_SILENCE = 15.0
_RECONNECT_MS = 2000
_LAST = "end"


@router.get("/{job}/events", response_class=Response, responses={200: {"content": {"text/event-stream": {}}}})
async def job_events(job: str, request: Request, gateway: GatewayParts, caller: CallerNow) -> Response:
    """Server-sent events: `progress` with the job at once and at each change, `end` with it when it has ended.

    Who comes back after a break is told the present state. A browser that comes back after the end is sent away by 204.
    """
    view = await asyncio.to_thread(gateway.engine.job, job)
    await gateway.access.may_follow_job(caller, view["Instance"])
    if _ended(view) and request.headers.get("last-event-id") == _LAST:
        return Response(status_code=204)
    # A proxy such as nginx would collect the events into larger pieces.
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return EventSourceResponse(_events(gateway, view), headers=headers)


async def _events(gateway: Gateway, view: dict[str, Any]) -> AsyncIterator[bytes]:
    """Ends with the job or with the gateway, and is cancelled when the client has gone."""
    yield format_sse_event(event="progress", data_str=json.dumps(view), retry=_RECONNECT_MS)
    spoken = time.monotonic()
    while not _ended(view):
        if await _stops_within(gateway, _LOOK):
            return
        now = view
        with suppress(*TROUBLES):  # a line that breaks off with an error is not taken up again by a browser
            now = await asyncio.to_thread(gateway.engine.job, view["ID"])
        if now != view:
            view, spoken = now, time.monotonic()
            yield format_sse_event(event="progress", data_str=json.dumps(view))
        elif time.monotonic() - spoken > _SILENCE:
            spoken = time.monotonic()
            yield KEEPALIVE_COMMENT
    yield format_sse_event(event="end", data_str=json.dumps(view), id=_LAST)


async def _stops_within(gateway: Gateway, seconds: float) -> bool:
    try:
        await asyncio.wait_for(gateway.stopping.wait(), seconds)
    except TimeoutError:
        return False
    return True


def _ended(view: dict[str, Any]) -> bool:
    return view["State"] not in {"Pending", "Running"}
